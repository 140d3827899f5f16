import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Root } from '../contents/root.ts';
import type { Writer } from '../contents/writer.ts';
import { bundledNotebooks } from './folders.ts';

/** Where copies go, below the root. */
const folderName = 'notes';

/** The one to begin with. */
const first = '00-getting-started.ipynb';

/** Folders of translations. */
const languages = ['zh'];

const notebooksIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.ipynb'))
        .sort((a, b) => Number(b === first) - Number(a === first) || (a < b ? -1 : 1))
    : [];

const headLength = 64 * 2 ** 10;

/** The text of a notebook from its cells on: only what stands in front of its outputs, which may be megabytes, where that has cells. */
function cellsOf(file: string): string {
  const head = Buffer.alloc(headLength);
  const opened = openSync(file, 'r');
  const text = head.toString('utf8', 0, readSync(opened, head));
  closeSync(opened);
  const whole = text.includes('"cells"') ? text : readFileSync(file, 'utf8');
  return whole.slice(whole.indexOf('"cells"'));
}

/** The first heading of a notebook, or its file's name. */
function titleOf(file: string): string {
  // A line that begins as a heading does, in JSON.
  const line = /"# +((?:[^"\\]|\\.)+)"/.exec(cellsOf(file))?.[1];
  const heading = line === undefined ? undefined : (JSON.parse(`"${line}"`) as string).split('\n')[0];
  // What stands in parentheses is too long for a card.
  if (heading) return heading.replace(/[*_`$]|\s*\([^)]*\)/g, '').trim();
  return file.replace(/^.*[/\\]|\.ipynb$/g, '');
}

/** What notebooks read besides themselves comes along; nothing that is there already is touched. */
async function copyCompanions(target: string): Promise<void> {
  for (const entry of await readdir(bundledNotebooks, { withFileTypes: true })) {
    const isTooling = entry.name === 'publish' || entry.name.startsWith('.');
    if (isTooling || languages.includes(entry.name) || entry.name.endsWith('.ipynb')) continue;
    await cp(join(bundledNotebooks, entry.name), join(target, entry.name), {
      recursive: true,
      force: false,
      errorOnExist: false,
    });
  }
}

/**
 * `/lab/api/notes`: the notebooks that come with gradbook, which are opened as copies and never edited in place. Their outputs are
 * gradbook's own, so that a new copy is vouched for.
 */
export function noteRoutes(root: Root, writer: Writer): Hono {
  const routes = new Hono();
  const names = [
    ...notebooksIn(bundledNotebooks),
    ...languages.flatMap((language) =>
      notebooksIn(join(bundledNotebooks, language)).map((name) => `${language}/${name}`),
    ),
  ];
  let titles: { name: string; title: string }[] | undefined;
  routes.get('/notes', (c) => {
    titles ??= names.map((name) => ({ name, title: titleOf(join(bundledNotebooks, name)) }));
    return c.json(titles);
  });
  routes.post('/notes/:name', async (c) => {
    const name = c.req.param('name');
    if (!names.includes(name)) throw new HTTPException(404, { message: `there is no note '${name}'` });
    const path = `${folderName}/${name}`;
    const place = await root.locate(path);
    if (!(await stat(place).catch(() => null))) {
      await mkdir(dirname(place), { recursive: true });
      await copyFile(join(bundledNotebooks, name), place, constants.COPYFILE_EXCL);
      await copyCompanions(await root.locate(folderName));
      await writer.trust(path);
    }
    return c.json({ path });
  });
  return routes;
}
