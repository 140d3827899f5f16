import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Lab, labForTest, notebook } from './labServer.ts';

const put = (lab: Lab, path: string, content: unknown, more: Record<string, unknown> = {}) =>
  lab.request('PUT', `api/contents/${path}`, { type: 'file', format: 'text', content, ...more });

describe('files', () => {
  test('a file is made, read with its hash, changed, renamed and deleted', async () => {
    const lab = await labForTest();
    const made = await put(lab, 'a.txt', 'grüße\n');
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      name: 'a.txt',
      path: 'a.txt',
      type: 'file',
      content: null,
      format: null,
    });
    expect((await put(lab, 'a.txt', 'two')).status).toBe(200);
    const read = await lab.request('GET', 'api/contents/a.txt?hash=1');
    expect(read.json).toMatchObject({
      content: 'two',
      format: 'text',
      mimetype: 'text/plain',
      size: 3,
      writable: true,
      hash: createHash('sha256').update('two').digest('hex'),
      hash_algorithm: 'sha256',
    });
    expect((await lab.request('PATCH', 'api/contents/a.txt', { path: 'b.txt' })).json.path).toBe('b.txt');
    expect(readFileSync(join(lab.folder, 'b.txt'), 'utf8')).toBe('two');
    expect((await lab.request('DELETE', 'api/contents/b.txt')).status).toBe(204);
    expect((await lab.request('GET', 'api/contents/b.txt')).status).toBe(404);
  });

  test('bytes that are not UTF-8 come as base64, and are refused as text', async () => {
    const lab = await labForTest();
    writeFileSync(join(lab.folder, 'x.bin'), Buffer.from([0, 255, 1]));
    expect((await lab.request('GET', 'api/contents/x.bin')).json).toMatchObject({
      format: 'base64',
      content: 'AP8B',
    });
    expect((await lab.request('GET', 'api/contents/x.bin?format=text')).status).toBe(400);
    await put(lab, 'y.bin', 'AP8B', { format: 'base64' });
    expect([...readFileSync(join(lab.folder, 'y.bin'))]).toEqual([0, 255, 1]);
  });

  test('names that are taken count up; copies say so', async () => {
    const lab = await labForTest();
    const fresh = async (body: object) =>
      (await lab.request('POST', 'api/contents', body)).json.path as string;
    expect(await fresh({ type: 'notebook' })).toBe('Untitled.ipynb');
    expect(await fresh({ type: 'notebook' })).toBe('Untitled1.ipynb');
    expect(await fresh({ type: 'directory' })).toBe('Untitled Folder');
    expect(await fresh({ type: 'directory' })).toBe('Untitled Folder 1');
    expect(await fresh({ type: 'file', ext: '.ts' })).toBe('untitled.ts');
    expect(await fresh({ copy_from: 'Untitled.ipynb' })).toBe('Untitled-Copy1.ipynb');
    expect(await fresh({ copy_from: 'Untitled-Copy1.ipynb' })).toBe('Untitled-Copy2.ipynb');
  });

  test('a rename onto another file is refused and changes nothing', async () => {
    const lab = await labForTest();
    await put(lab, 'a.txt', 'a');
    await put(lab, 'b.txt', 'b');
    expect((await lab.request('PATCH', 'api/contents/a.txt', { path: 'b.txt' })).status).toBe(409);
    expect(readFileSync(join(lab.folder, 'b.txt'), 'utf8')).toBe('b');
    expect((await lab.request('PATCH', 'api/contents/none.txt', { path: 'c.txt' })).status).toBe(404);
  });

  test('a folder lists hidden files, links inside of the root, and no files in the making', async () => {
    const lab = await labForTest();
    mkdirSync(join(lab.folder, 'sub'));
    for (const name of ['.hidden', 'sub/one.txt', '.~sub.1-00000000'])
      writeFileSync(join(lab.folder, name), '');
    symlinkSync(join(lab.folder, 'sub'), join(lab.folder, 'inside'));
    symlinkSync('/etc', join(lab.folder, 'outside'));
    const { content } = (await lab.request('GET', 'api/contents')).json;
    expect(content.map((model: { name: string }) => model.name).sort()).toEqual(['.hidden', 'inside', 'sub']);
    expect((await lab.request('GET', 'api/contents/outside/passwd')).status).toBe(404);
  });

  test('a folder with files is not deleted for good', async () => {
    const lab = await labForTest();
    mkdirSync(join(lab.folder, 'sub'));
    writeFileSync(join(lab.folder, 'sub/one.txt'), '');
    expect((await lab.request('DELETE', 'api/contents/sub')).status).toBe(400);
    expect((await lab.request('DELETE', 'api/contents/sub/one.txt')).status).toBe(204);
    expect((await lab.request('DELETE', 'api/contents/sub')).status).toBe(204);
    expect((await lab.request('DELETE', 'api/contents/')).status).not.toBe(204);
  });

  test('an upload in pieces becomes a file with its last one', async () => {
    const lab = await labForTest();
    const piece = (chunk: number, text: string) =>
      put(lab, 'big.txt', Buffer.from(text).toString('base64'), { format: 'base64', chunk });
    expect((await piece(1, 'one ')).status).toBe(201);
    expect(existsSync(join(lab.folder, 'big.txt'))).toBe(false);
    await piece(2, 'two ');
    await piece(-1, 'three');
    expect(readFileSync(join(lab.folder, 'big.txt'), 'utf8')).toBe('one two three');
    expect(readdirSync(lab.folder)).toEqual(['big.txt']);
    expect((await piece(7, 'lost')).status).toBe(400);
  });

  test('a download has its name, a range, and runs in a sandbox', async () => {
    const lab = await labForTest();
    await put(lab, 'ü.html', '<script>alert(1)</script>');
    const whole = await lab.request('GET', `files/${encodeURIComponent('ü.html')}?download=1`);
    expect(whole.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''%C3%BC.html");
    expect(whole.headers.get('content-security-policy')).toMatch(/^sandbox/);
    const part = await lab.request('GET', `files/${encodeURIComponent('ü.html')}`, undefined, {
      range: 'bytes=1-6',
    });
    expect([part.status, part.text, part.headers.get('content-range')]).toEqual([
      206,
      'script',
      'bytes 1-6/25',
    ]);
    expect((await lab.request('GET', 'files/none.html')).status).toBe(404);
  });

  test('a save keeps the permissions and the link', async () => {
    const lab = await labForTest();
    writeFileSync(join(lab.folder, 'run.sh'), 'old');
    chmodSync(join(lab.folder, 'run.sh'), 0o754);
    symlinkSync('run.sh', join(lab.folder, 'link.sh'));
    await put(lab, 'link.sh', 'new');
    expect(readFileSync(join(lab.folder, 'run.sh'), 'utf8')).toBe('new');
    expect(statSync(join(lab.folder, 'run.sh')).mode & 0o777).toBe(0o754);
  });

  test.each([
    ['GET', 'api/contents/none', undefined, 404],
    ['GET', 'api/contents?content=2', undefined, 400],
    ['GET', 'api/contents?type=file', undefined, 400],
    ['GET', 'api/contents?format=xml', undefined, 400],
    ['PUT', 'api/contents/a.txt', '{', 400],
    ['PUT', 'api/contents/a.txt', { content: 'x' }, 400],
    ['PUT', 'api/contents/a.txt', { type: 'file' }, 201],
    ['PUT', 'api/contents/a.txt', { type: 'file', content: 7 }, 400],
    ['PUT', 'api/contents/no/such/folder/a.txt', { type: 'file', format: 'text', content: '' }, 404],
    ['PUT', 'api/contents/a.txt', { type: 'file', format: 'base64', content: '???' }, 400],
    ['PUT', 'api/contents/a.ipynb', { type: 'notebook', content: 7 }, 400],
    ['POST', 'api/contents/none', {}, 404],
    ['POST', 'api/contents', { copy_from: 'none' }, 404],
    ['PATCH', 'api/contents/a.txt', undefined, 400],
    ['PATCH', 'api/contents/a.txt', { path: 7 }, 400],
    ['DELETE', 'api/contents/none', undefined, 404],
    ['POST', 'api/contents/none/checkpoints', undefined, 404],
  ])('%s %s %j is answered with %i', async (method, path, body, status) => {
    const lab = await labForTest();
    const reply = await lab.request(method, path, body);
    expect([reply.status, reply.json?.message === '']).toEqual([status, false]);
  });
});

describe('notebooks', () => {
  test('are stored as nbformat stores them, and read with their texts in one piece', async () => {
    const lab = await labForTest();
    const content = notebook('const a = 1;\na');
    const saved = await lab.request('PUT', 'api/contents/n.ipynb', {
      type: 'notebook',
      format: 'json',
      content,
    });
    expect(saved.json).toMatchObject({ type: 'notebook', content: null });
    const text = readFileSync(join(lab.folder, 'n.ipynb'), 'utf8');
    expect(text.startsWith('{\n "cells": [\n  {\n   "cell_type": "code",\n   "execution_count": null,')).toBe(
      true,
    );
    expect(JSON.parse(text).cells[0].source).toEqual(['const a = 1;\n', 'a']);
    expect((await lab.request('GET', 'api/contents/n.ipynb')).json.content.cells[0].source).toBe(
      'const a = 1;\na',
    );
  });

  test('output of others is untrusted until it is vouched for, and again after an edit on disk', async () => {
    const lab = await labForTest();
    const risky = notebook('1');
    const output = { output_type: 'display_data', metadata: {}, data: { 'text/html': '<b>hi</b>' } };
    Object.assign((risky.cells as object[])[0], { outputs: [output] });
    const file = join(lab.folder, 'n.ipynb');
    writeFileSync(file, JSON.stringify(risky));
    const trusted = async (): Promise<unknown> =>
      (await lab.request('GET', 'api/contents/n.ipynb')).json.content.cells[0].metadata.trusted;
    const save = (content: unknown) =>
      lab.request('PUT', 'api/contents/n.ipynb', { type: 'notebook', content });
    expect(await trusted()).toBe(false);
    await save(risky);
    expect(await trusted()).toBe(false);
    const vouched = structuredClone(risky) as { cells: { metadata: object }[] };
    vouched.cells[0].metadata = { trusted: true };
    await save(vouched);
    expect(await trusted()).toBe(true);
    expect(readFileSync(file, 'utf8')).not.toContain('trusted');
    writeFileSync(file, readFileSync(file, 'utf8').replace('<b>hi', '<b>evil'));
    expect(await trusted()).toBe(false);
    expect((await lab.request('POST', 'api/contents/n.ipynb/trust')).status).toBe(201);
    expect(await trusted()).toBe(true);
  });

  test('a claim of trust in the file itself is worth nothing', async () => {
    const lab = await labForTest();
    const forged = notebook('1') as { cells: { metadata: object; outputs: object[] }[] };
    forged.cells[0].metadata = { trusted: true };
    forged.cells[0].outputs = [{ output_type: 'display_data', metadata: {}, data: { 'text/html': '<b>' } }];
    writeFileSync(join(lab.folder, 'n.ipynb'), JSON.stringify(forged));
    const { content } = (await lab.request('GET', 'api/contents/n.ipynb')).json;
    expect(content.cells[0].metadata.trusted).toBe(false);
  });

  test('a checkpoint brings the old notebook back, and goes with a rename', async () => {
    const lab = await labForTest();
    const save = (source: string) =>
      lab.request('PUT', 'api/contents/n.ipynb', { type: 'notebook', content: notebook(source) });
    await save('one');
    expect((await lab.request('POST', 'api/contents/n.ipynb/checkpoints')).status).toBe(201);
    await save('two');
    await lab.request('PATCH', 'api/contents/n.ipynb', { path: 'm.ipynb' });
    const [{ id }] = (await lab.request('GET', 'api/contents/m.ipynb/checkpoints')).json;
    expect(id).toBe('checkpoint');
    expect((await lab.request('POST', `api/contents/m.ipynb/checkpoints/${id}`)).status).toBe(204);
    expect((await lab.request('GET', 'api/contents/m.ipynb')).json.content.cells[0].source).toBe('one');
    expect((await lab.request('DELETE', `api/contents/m.ipynb/checkpoints/${id}`)).status).toBe(204);
    expect((await lab.request('GET', 'api/contents/m.ipynb/checkpoints')).json).toEqual([]);
    expect((await lab.request('POST', `api/contents/m.ipynb/checkpoints/${id}`)).status).toBe(404);
  });

  test('what a notebook lacks is told, filled in, and not lost', async () => {
    const lab = await labForTest();
    const cells = [
      { cell_type: 'code', source: 'a' },
      { cell_type: 'markdown', metadata: {} },
    ];
    writeFileSync(join(lab.folder, 'n.ipynb'), JSON.stringify({ nbformat: 4, nbformat_minor: 5, cells }));
    const { status, json } = await lab.request('GET', 'api/contents/n.ipynb');
    expect([status, json.message]).toEqual([200, "Notebook validation failed: 'metadata' is not an object"]);
    expect(json.content.cells[0]).toMatchObject({ source: 'a', outputs: [], execution_count: null });
    const saved = await lab.request('PUT', 'api/contents/n.ipynb', {
      type: 'notebook',
      content: { nbformat: 4, nbformat_minor: 5, metadata: {}, cells },
    });
    expect([saved.status, saved.json.message]).toEqual([
      200,
      'Notebook validation failed: cell 1 has no metadata',
    ]);
    expect(JSON.parse(readFileSync(join(lab.folder, 'n.ipynb'), 'utf8')).cells[0].source).toEqual(['a']);
  });

  test('a notebook of IPython 2 comes as one of today, says so, and is saved as one', async () => {
    const lab = await labForTest();
    const old = {
      nbformat: 3,
      nbformat_minor: 0,
      metadata: { name: '' },
      worksheets: [{ cells: [{ cell_type: 'code', input: ['1 + 1'], prompt_number: 2, outputs: [] }] }],
    };
    writeFileSync(join(lab.folder, 'old.ipynb'), JSON.stringify(old));
    const { content } = (await lab.request('GET', 'api/contents/old.ipynb')).json;
    expect(content).toMatchObject({ nbformat: 4, metadata: { orig_nbformat: 3 } });
    expect(content.cells[0]).toMatchObject({ cell_type: 'code', source: '1 + 1', execution_count: 2 });
    await lab.request('PUT', 'api/contents/old.ipynb', { type: 'notebook', content });
    const saved = JSON.parse(readFileSync(join(lab.folder, 'old.ipynb'), 'utf8'));
    expect([saved.nbformat, saved.metadata]).toEqual([4, {}]);
  });

  test('what is no notebook is refused with the reason, and can be read as text', async () => {
    const lab = await labForTest();
    writeFileSync(join(lab.folder, 'bad.ipynb'), '{"nbformat": 3}');
    const read = await lab.request('GET', 'api/contents/bad.ipynb');
    expect([read.status, read.json.message]).toEqual([
      400,
      'Unreadable Notebook: bad.ipynb nbformat is 3: only formats 2 to 4 are supported',
    ]);
    expect((await lab.request('GET', 'api/contents/bad.ipynb?type=file')).json.content).toBe(
      '{"nbformat": 3}',
    );
  });
});
