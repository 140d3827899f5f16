import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PageConfig } from '@jupyterlab/coreutils';
import {
  type Contents,
  ContentsManager,
  KernelManager,
  type KernelMessage,
  KernelSpecManager,
  ServerConnection,
  SessionManager,
  SettingManager,
  TerminalManager,
  WorkspaceManager,
} from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Lab, notebook, openLab } from './labServer.ts';

let lab: Lab;
let serverSettings: ServerConnection.ISettings;
beforeAll(async () => {
  // The client reports each connection on the console.
  for (const level of ['log', 'warn', 'info', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  PageConfig.setOption('terminalsAvailable', 'true');
  lab = await openLab();
  serverSettings = ServerConnection.makeSettings({
    baseUrl: lab.server.url,
    wsUrl: lab.server.url.replace('http', 'ws'),
    token: lab.server.token,
    appUrl: 'lab',
    appendToken: true,
    WebSocket: WebSocket as never,
  });
});
afterAll(() => lab.close());

const until = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  for (let i = 0; i < 600; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not come`);
};

describe('the managers of @jupyterlab/services', () => {
  test('contents', async () => {
    const contents = new ContentsManager({ serverSettings });
    const made = await contents.newUntitled({ type: 'notebook' });
    const saved = await contents.save(made.path, {
      ...made,
      type: 'notebook',
      format: 'json',
      content: notebook('1 + 1'),
    } as Partial<Contents.IModel>);
    expect(saved.path).toBe('Untitled.ipynb');
    const checkpoint = await contents.createCheckpoint(made.path);
    expect((await contents.listCheckpoints(made.path)).map(({ id }) => id)).toEqual([checkpoint.id]);
    await contents.restoreCheckpoint(made.path, checkpoint.id);
    const copy = await contents.copy(made.path, '');
    expect(copy.path).toBe('Untitled-Copy1.ipynb');
    expect((await contents.rename(copy.path, 'b.ipynb')).name).toBe('b.ipynb');
    expect((await contents.get('b.ipynb', { content: true })).content.cells[0].source).toBe('1 + 1');
    expect(await contents.getDownloadUrl('b.ipynb')).toContain('/files/b.ipynb');
    await contents.delete('b.ipynb');
    const { content } = await contents.get('', { content: true });
    const names = content.map(({ name }: Contents.IModel) => name).filter((name: string) => name[0] !== '.');
    expect(names).toEqual(['Untitled.ipynb']);
    contents.dispose();
  });

  test('kernelspecs, with logos that load', async () => {
    const manager = new KernelSpecManager({ serverSettings });
    await manager.ready;
    const spec = manager.specs!.kernelspecs.gradbook!;
    expect(spec.language).toBe('typescript');
    const logo = await lab.request('GET', spec.resources['logo-svg'].slice(1));
    expect(logo.headers.get('content-type')).toMatch(/svg/);
    manager.dispose();
  });

  test('a session: executes, shares its kernel between tabs, is interrupted, restarted, moved and ended', async () => {
    const kernelManager = new KernelManager({ serverSettings });
    const sessions = new SessionManager({ serverSettings, kernelManager });
    const options = { path: 'sub/n.ipynb', type: 'notebook', name: 'n.ipynb', kernel: { name: 'gradbook' } };
    await lab.request('PUT', 'api/contents/sub', { type: 'directory' });
    const [session, twin] = await Promise.all([sessions.startNew(options), sessions.startNew(options)]);
    expect(twin.kernel!.id).toBe(session.kernel!.id);
    expect(sessions.running().next().value?.path).toBe('sub/n.ipynb');

    const kernel = session.kernel!;
    const output = async (code: string): Promise<string> => {
      let text = '';
      const future = kernel.requestExecute({ code });
      future.onIOPub = (message) => {
        const { content, header } = message as KernelMessage.IStreamMsg;
        if (header.msg_type === 'stream') text += content.text;
      };
      await future.done;
      return text.trim();
    };
    expect(await output('console.log(process.cwd())')).toBe(join(lab.folder, 'sub'));
    const heard: string[] = [];
    twin.kernel!.iopubMessage.connect((_, message) => heard.push(message.header.msg_type));
    await output('console.log("shared")');
    await until(() => heard.includes('stream'), 'the other tab’s output');

    const endless = kernel.requestExecute({ code: 'while (true);' });
    await until(() => kernel.status === 'busy', 'busy');
    const completion = await kernel.requestComplete({ code: 'Math.sq', cursor_pos: 7 });
    expect((completion.content as { matches: string[] }).matches).toContain('sqrt');
    await kernel.interrupt();
    expect((await endless.done).content.status).toBe('error');
    await output('let kept = 1');
    await kernel.restart();
    expect((await kernel.requestExecute({ code: 'kept' }).done).content.status).toBe('error');

    await session.setPath('moved.ipynb');
    expect((await lab.request('GET', 'api/sessions')).json[0].path).toBe('moved.ipynb');
    await session.shutdown();
    expect((await lab.request('GET', 'api/sessions')).json).toEqual([]);
    expect((await lab.request('GET', 'api/kernels')).json).toEqual([]);
    for (const disposable of [twin, sessions, kernelManager]) disposable.dispose();
  }, 90_000);

  test('a kernel that crashes is started anew, and the front end is told', async () => {
    const manager = new KernelManager({ serverSettings });
    const kernel = await manager.startNew({ name: 'gradbook' });
    await kernel.info;
    const states: string[] = [];
    kernel.statusChanged.connect((_, status) => states.push(status));
    process.kill(lab.server.kernels.get(kernel.id)!.pid!, 'SIGKILL');
    await until(() => states.includes('autorestarting'), 'the news of the restart');
    await until(() => kernel.status === 'idle', 'the new kernel');
    expect((await kernel.requestExecute({ code: '6 * 7' }).done).content.status).toBe('ok');
    await kernel.shutdown();
    manager.dispose();
  }, 90_000);

  test('settings with comments, workspaces, terminals', async () => {
    const settings = new SettingManager({ serverSettings });
    for (const id of (await settings.list()).ids) {
      await settings.save(id, '// mine\n{"a": 1}');
      expect(await settings.fetch(id)).toMatchObject({ id, raw: '// mine\n{"a": 1}' });
      break;
    }
    const workspaces = new WorkspaceManager({ serverSettings });
    await workspaces.save('some/where', { data: { x: 1 }, metadata: { id: 'some/where' } });
    expect((await workspaces.fetch('some/where')).data).toEqual({ x: 1 });
    expect((await workspaces.list()).ids).toEqual(['some/where']);
    await workspaces.remove('some/where');
    expect((await workspaces.list()).ids).toEqual([]);

    const terminals = new TerminalManager({ serverSettings });
    const terminal = await terminals.startNew();
    let shown = '';
    terminal.messageReceived.connect((_, { type, content }) => {
      if (type === 'stdout') shown += String(content?.[0]);
    });
    terminal.send({ type: 'stdin', content: ['echo $((6 * 7))-$PWD\n'] });
    await until(() => shown.includes(`42-${lab.folder}`), 'the terminal’s output');
    await terminal.shutdown();
    expect((await lab.request('GET', 'api/terminals')).json).toEqual([]);
    terminals.dispose();
  }, 60_000);

  test('output that came while the browser was away is there when it is back', async () => {
    const manager = new KernelManager({ serverSettings });
    const kernel = await manager.startNew({ name: 'gradbook' });
    await kernel.info;
    let text = '';
    const future = kernel.requestExecute({
      code: 'for (let i = 0; i < 5; i++) { console.log("line", i); await new Promise(r => setTimeout(r, 200)); }',
    });
    future.onIOPub = ({ header, content }) => {
      if (header.msg_type === 'stream') text += (content as { text: string }).text;
    };
    await until(() => text.includes('line 0'), 'the first line');
    const sockets = (kernel as unknown as { _ws: WebSocket })._ws;
    sockets.terminate();
    await future.done;
    expect(text.trim().split('\n')).toEqual([0, 1, 2, 3, 4].map((i) => `line ${i}`));
    await kernel.shutdown();
    manager.dispose();
  }, 60_000);
});

describe('what the page asks at its start', () => {
  test.each([
    ['api', { version: /^2\./ }],
    ['api/me', { permissions: {} }],
    ['lsp/status', { version: 2, sessions: {} }],
    ['lab/api/translations', { data: { en: { displayName: 'English', nativeName: 'English' } } }],
    ['lab/api/translations/default', { data: {} }],
    ['api/nbconvert', { html: { output_mimetype: 'text/html' } }],
    ['api/status', { kernels: expect.any(Number), connections: expect.any(Number) }],
  ])('%s', async (path, expected) => {
    const { status, json } = await lab.request('GET', path);
    expect(status).toBe(200);
    for (const [key, value] of Object.entries(expected))
      if (value instanceof RegExp) expect(json[key]).toMatch(value);
      else expect(json[key]).toEqual(value);
  });

  test('a notebook as a page, a script and Markdown', async () => {
    const content = notebook('const a = 1 < 2;') as { cells: Record<string, unknown>[] };
    content.cells[0].outputs = [
      { output_type: 'stream', name: 'stdout', text: '\u001b[31mred\u001b[0m <b>' },
      { output_type: 'display_data', metadata: {}, data: { 'application/vnd.plotly.v1+json': { data: [] } } },
    ];
    content.cells.push({ cell_type: 'markdown', metadata: {}, source: '# Title $x^2$' });
    writeFileSync(join(lab.folder, 'c.ipynb'), JSON.stringify(content));
    const html = await lab.request('GET', 'nbconvert/html/c.ipynb?download=true');
    expect(html.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''c.html");
    expect(html.text).toContain('const a = 1 &lt; 2;');
    expect(html.text).toContain('<span style="color:#e75c58;">red</span> &lt;b&gt;');
    expect(html.text).toMatch(/<h1>Title .*<math/);
    expect(html.text).toContain('Plotly.newPlot');
    expect((await lab.request('GET', 'nbconvert/script/c.ipynb')).text).toBe(
      'const a = 1 < 2;\n\n// # Title $x^2$\n',
    );
    expect((await lab.request('GET', 'nbconvert/markdown/c.ipynb')).text).toContain('```typescript\nconst a');
    expect((await lab.request('GET', 'nbconvert/pdf/c.ipynb')).status).toBe(404);
  });

  test('a note is copied once, and never written over', async () => {
    const notes = (await lab.request('GET', 'lab/api/notes')).json as { name: string; title: string }[];
    const { name } = notes.find(({ title }) => title === 'Getting started')!;
    const { path } = (await lab.request('POST', `lab/api/notes/${name}`)).json;
    writeFileSync(join(lab.folder, path), JSON.stringify(notebook('mine')));
    await lab.request('POST', `lab/api/notes/${name}`);
    expect((await lab.request('GET', `api/contents/${path}`)).json.content.cells[0].source).toBe('mine');
    expect((await lab.request('POST', 'lab/api/notes/..%2f..%2fpackage.json')).status).toBe(404);
  });
});
