import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { writeWhole } from './contents/atomic.ts';
import { jsonBody } from './contents/routes.ts';
import { jupyterConfigFolder } from './page/folders.ts';

type Section = Record<string, unknown>;

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `before` with what `change` says: objects are merged, null removes, and an object left empty goes. */
export function merged(before: Section, change: Section): Section {
  const after = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(change)) {
    if (value === null) after.delete(key);
    else if (isSection(value)) {
      const old = after.get(key);
      const inner = merged(isSection(old) ? old : {}, value);
      if (Object.keys(inner).length > 0) after.set(key, inner);
      else after.delete(key);
    } else after.set(key, value);
  }
  return Object.fromEntries(after);
}

const folder = (): string => join(jupyterConfigFolder(), 'serverconfig');

/** Error: 500, where somebody wrote what is no JSON object. */
function read(file: string): Section {
  if (!existsSync(file)) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Told below.
  }
  if (!isSection(value)) throw new HTTPException(500, { message: `${file} is not a JSON object: mend it` });
  return value;
}

/** What packages wrote into `<section>.d`, in the order of their names, and the user over it. */
function load(name: string): Section {
  const parts = join(folder(), `${name}.d`);
  const files = existsSync(parts)
    ? readdirSync(parts)
        .filter((file) => file.endsWith('.json'))
        .sort()
    : [];
  return [...files.map((file) => join(parts, file)), join(folder(), `${name}.json`)]
    .map(read)
    .reduce(merged, {});
}

/** `/api/config/<section>`: what extensions of the front end keep, in Jupyter's folder of settings. */
export function configurationRoutes(): Hono {
  const routes = new Hono();
  const path = '/config/:section{[A-Za-z0-9_]{1,100}}';
  const body = async (c: Context): Promise<Section> => {
    const section = await jsonBody<Section>(c);
    if (section === null) throw new HTTPException(400, { message: 'a section is a JSON object' });
    return section;
  };
  const save = async (name: string, section: Section): Promise<void> => {
    const file = join(folder(), `${name}.json`);
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, `${JSON.stringify(section, null, 2)}\n`);
  };
  // Two changes at once would each write over what the other read.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const turn = last.then(change);
    last = turn.catch(() => {});
    return turn;
  };
  routes.get(path, (c) => c.json(load(c.req.param('section'))));
  routes.put(path, async (c) => {
    const section = await body(c);
    await inTurn(() => save(c.req.param('section'), section));
    return c.body(null, 204);
  });
  routes.patch(path, async (c) => {
    const name = c.req.param('section');
    const change = await body(c);
    return c.json(
      await inTurn(async () => {
        const section = merged(load(name), change);
        await save(name, section);
        return section;
      }),
    );
  });
  return routes;
}
