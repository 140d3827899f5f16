import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Jupyter, jupyterPython, startJupyter } from './jupyter.ts';
import { call, type Lab, notebook, openLab } from './labServer.ts';

type Step = [method: string, path: string, body?: unknown];

/** A user's day, call by call. */
const steps: Step[] = [
  ['GET', 'api/contents'],
  ['GET', 'api/contents?content=0'],
  ['POST', 'api/contents', { type: 'notebook' }],
  ['POST', 'api/contents', { type: 'notebook' }],
  ['POST', 'api/contents', { type: 'directory' }],
  ['POST', 'api/contents', { type: 'directory' }],
  ['POST', 'api/contents', { type: 'file' }],
  ['POST', 'api/contents', { type: 'file', ext: '.md' }],
  ['POST', 'api/contents', { ext: '.py' }],
  ['POST', 'api/contents/Untitled Folder', { type: 'notebook' }],
  ['POST', 'api/contents/Untitled.ipynb', { type: 'notebook' }],
  ['POST', 'api/contents/none', { type: 'notebook' }],
  ['POST', 'api/contents', { copy_from: 'Untitled.ipynb' }],
  ['POST', 'api/contents', { copy_from: 'Untitled.ipynb' }],
  ['POST', 'api/contents', { copy_from: 'Untitled-Copy1.ipynb' }],
  ['POST', 'api/contents/Untitled Folder', { copy_from: 'Untitled.ipynb' }],
  ['POST', 'api/contents', { copy_from: 'none.ipynb' }],
  ['PUT', 'api/contents/a.txt', { type: 'file', format: 'text', content: 'one\ntwo' }],
  ['PUT', 'api/contents/a.txt', { type: 'file', format: 'text', content: 'three' }],
  ['PUT', 'api/contents/b.bin', { type: 'file', format: 'base64', content: 'AP8B' }],
  ['PUT', 'api/contents/sub', { type: 'directory' }],
  ['PUT', 'api/contents/sub', { type: 'directory' }],
  ['PUT', 'api/contents/sub/n.ipynb', { type: 'notebook', format: 'json', content: notebook('1 + 1', 'x') }],
  ['PUT', 'api/contents/sub/n.ipynb', { type: 'notebook', format: 'json', content: notebook('2') }],
  ['PUT', 'api/contents/no/such/a.txt', { type: 'file', format: 'text', content: '' }],
  ['PUT', 'api/contents/c.txt', { type: 'file' }],
  ['GET', 'api/contents/a.txt'],
  ['GET', 'api/contents/a.txt?content=0'],
  ['GET', 'api/contents/a.txt?hash=1'],
  ['GET', 'api/contents/a.txt?content=0&hash=1'],
  ['GET', 'api/contents/a.txt?format=base64'],
  ['GET', 'api/contents/a.txt?type=notebook'],
  ['GET', 'api/contents/a.txt?type=directory'],
  ['GET', 'api/contents/b.bin'],
  ['GET', 'api/contents/b.bin?format=text'],
  ['GET', 'api/contents/sub'],
  ['GET', 'api/contents/sub?type=file'],
  ['GET', 'api/contents/sub/n.ipynb'],
  ['GET', 'api/contents/sub/n.ipynb?content=0'],
  ['GET', 'api/contents/sub/n.ipynb?type=file'],
  ['GET', 'api/contents/none'],
  ['GET', 'api/contents/a.txt?content=7'],
  ['GET', 'api/contents/a.txt?format=xml'],
  ['POST', 'api/contents/sub/n.ipynb/checkpoints'],
  ['GET', 'api/contents/sub/n.ipynb/checkpoints'],
  ['PUT', 'api/contents/sub/n.ipynb', { type: 'notebook', format: 'json', content: notebook('changed') }],
  ['POST', 'api/contents/sub/n.ipynb/checkpoints/checkpoint'],
  ['GET', 'api/contents/sub/n.ipynb'],
  ['PATCH', 'api/contents/sub/n.ipynb', { path: 'sub/m.ipynb' }],
  ['GET', 'api/contents/sub/m.ipynb/checkpoints'],
  ['DELETE', 'api/contents/sub/m.ipynb/checkpoints/checkpoint'],
  ['GET', 'api/contents/sub/m.ipynb/checkpoints'],
  ['PATCH', 'api/contents/a.txt', { path: 'b.bin' }],
  ['PATCH', 'api/contents/a.txt', { path: 'sub/a.txt' }],
  ['PATCH', 'api/contents/none', { path: 'x' }],
  ['DELETE', 'api/contents/sub/a.txt'],
  ['DELETE', 'api/contents/none'],
  ['DELETE', 'api/contents/sub'],
  ['GET', 'files/b.bin'],
  ['GET', 'files/none'],
  ['GET', 'api/kernels'],
  ['GET', 'api/kernels/none'],
  ['DELETE', 'api/kernels/none'],
  ['POST', 'api/kernels/none/interrupt'],
  ['POST', 'api/kernels/none/restart'],
  ['GET', 'api/sessions'],
  ['GET', 'api/sessions/none'],
  ['DELETE', 'api/sessions/none'],
  ['GET', 'api/kernelspecs/none'],
  ['GET', 'api/terminals'],
  ['GET', 'api/terminals/none'],
  ['DELETE', 'api/terminals/none'],
  ['GET', 'api/me'],
  ['GET', 'api/status'],
  ['GET', 'api'],
  ['GET', 'api/config/notebook'],
  ['GET', 'api/nothing'],
];

/** Where we answer better on purpose: a missing folder is not the server's fault. */
const deliberate: Record<string, number> = { 'PUT api/contents/no/such/a.txt': 404 };

/** What differs from machine to machine, or is wording, is not compared: times, names of people, messages, MIME guesses of names. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(comparable);
    return items.every((item) => typeof item === 'object' && item !== null && 'path' in item)
      ? items.sort((a, b) => ((a as { path: string }).path < (b as { path: string }).path ? -1 : 1))
      : items;
  }
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'object' || value === null) return value;
  const wording =
    /^(created|last_modified|last_activity|started|message|reason|traceback|short_message|identity|version|kernels|connections|sockets|terminals|permissions)$/;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !wording.test(key) && key !== 'id')
      .map(([key, inner]) => [key, comparable(inner)]),
  );
}

describe.skipIf(!jupyterPython)('call by call like Jupyter Server (skipped where no Python has it)', () => {
  let lab: Lab;
  let jupyter: Jupyter;
  beforeAll(async () => {
    [lab, jupyter] = await Promise.all([openLab(), startJupyter()]);
  }, 120_000);
  afterAll(async () => {
    await lab?.close();
    await jupyter?.close();
  });

  test('a user’s day has the same answers', async () => {
    for (const [method, path, body] of steps) {
      const title = `${method} ${path} ${body === undefined ? '' : JSON.stringify(body).slice(0, 80)}`;
      const ours = await lab.request(method, path, body);
      const theirs = await call(`${jupyter.url}${path}`, method, body, { authorization: 'token secret' });
      const expected = deliberate[`${method} ${path}`] ?? theirs.status;
      expect.soft([title, ours.status], title).toEqual([title, expected]);
      if (theirs.status < 400 && theirs.json !== null)
        expect.soft([title, comparable(ours.json)], title).toEqual([title, comparable(theirs.json)]);
    }
  }, 240_000);
});
