import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Jupyter, jupyterPython, startJupyter } from './jupyter.ts';
import { type Lab, notebook, openLab } from './labServer.ts';

const program = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

/** `gradbook run` on a server elsewhere. @returns its exit code, what it said, and the notebook's first output. */
async function run(
  server: string,
  token: string,
  environment: Record<string, string> = {},
  ...more: string[]
) {
  const path = join(lab.folder, 'remote.ipynb');
  writeFileSync(path, JSON.stringify(notebook("console.log('here'); 6 * 7")));
  const args = [
    program,
    'run',
    path,
    '--inplace',
    '--server',
    server,
    ...(token ? ['--token', token] : []),
    ...more,
  ];
  const env = { ...process.env, ...environment };
  const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) =>
    execFile(process.execPath, args, { env }, (error, _, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stderr }),
    ),
  );
  const { cells } = JSON.parse(readFileSync(path, 'utf8')) as { cells: { outputs: { data?: object }[] }[] };
  return { code, stderr, shown: cells[0].outputs.at(-1)?.data };
}
const good = { code: 0, shown: { 'text/plain': '42' } };

interface Front {
  /** Where it answers. */
  prefix: string;
  token: string;
  /** Which paths behind the prefix it has. */
  serves(path: string): boolean;
  /** Whether it offers the binary protocol; older ones know JSON alone. */
  isOld?: boolean;
}

/** A server in front of ours, with an address, a token and calls of its own: what a hub or a gateway is to its user. */
async function front({ prefix, token, serves, isOld }: Front): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const inner = new URL(lab.server.url);
  /** The path for our server; a status where this request goes no further. */
  const route = (incoming: IncomingMessage): string | number => {
    const url = new URL(incoming.url!, 'http://front');
    asked.push(`${incoming.method} ${url.pathname}`);
    const given =
      /^token (.*)$/i.exec(incoming.headers.authorization ?? '')?.[1] ?? url.searchParams.get('token');
    if (given !== token) return 403;
    if (!url.pathname.startsWith(prefix) || !serves(url.pathname.slice(prefix.length - 1))) return 404;
    url.searchParams.set('token', lab.server.token);
    return `/${url.pathname.slice(prefix.length)}${url.search}`;
  };
  const headersOf = ({ headers }: IncomingMessage) => {
    const { authorization, origin, 'sec-websocket-protocol': protocol, ...rest } = headers;
    return { ...rest, ...(protocol && !isOld && { 'sec-websocket-protocol': protocol }), host: inner.host };
  };
  const server = createServer((incoming, outgoing) => {
    const path = route(incoming);
    if (typeof path === 'number') {
      outgoing.writeHead(path, { 'content-type': 'application/json' });
      outgoing.end('{"message": "Forbidden or not here"}');
      return;
    }
    const options = { host: inner.hostname, port: inner.port, method: incoming.method, path };
    incoming.pipe(
      request({ ...options, headers: headersOf(incoming) }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      }),
    );
  });
  server.on('upgrade', (incoming, socket) => {
    const path = route(incoming);
    if (typeof path === 'number') {
      socket.end(`HTTP/1.1 ${path} Refused\r\n\r\n`);
      return;
    }
    const through = connect(Number(inner.port), inner.hostname, () => {
      const lines = Object.entries(headersOf(incoming)).map(([name, value]) => `${name}: ${value}`);
      through.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      through.pipe(socket).pipe(through);
    });
    for (const end of [socket, through]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('gradbook run on a server elsewhere', () => {
  test('a user’s server behind JupyterHub: its address has the user’s name, its token is the hub’s', async () => {
    const hub = await front({ prefix: '/user/ann/', token: 'of the hub', serves: () => true });
    expect(await run(`${hub.url}/user/ann/`, 'of the hub')).toMatchObject(good);
    // With the slash forgotten, and the token where other users do not see it.
    expect(await run(`${hub.url}/user/ann`, '', { JUPYTER_TOKEN: 'of the hub' })).toMatchObject(good);
    expect(hub.asked.filter((path) => !/ \/user\/ann\/api\/(kernels|kernelspecs)/.test(path))).toEqual([]);
    expect((await lab.request('GET', 'api/kernels')).json).toEqual([]);
  }, 120_000);

  test('Enterprise Gateway: kernels and nothing else, in the JSON protocol', async () => {
    const serves = (path: string): boolean => /^\/api(\/(kernels|kernelspecs)(\/|$)|$)/.test(path);
    const gateway = await front({ prefix: '/', token: 'key', serves, isOld: true });
    expect(await run(gateway.url, 'key')).toMatchObject(good);
    expect((await lab.request('GET', 'api/kernels')).json).toEqual([]);
  }, 120_000);

  test('a wrong token, a server that is not there and one that is no Jupyter server are told, and change nothing', async () => {
    const hub = await front({ prefix: '/user/ann/', token: 'right', serves: () => true });
    const before = notebook("console.log('here'); 6 * 7");
    const refused = await run(`${hub.url}/user/ann/`, 'wrong');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/403.*--token/s);
    expect(JSON.parse(readFileSync(join(lab.folder, 'remote.ipynb'), 'utf8'))).toEqual(before);
    const elsewhere = await run(`${hub.url}/user/bob/`, 'right');
    expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining('no Jupyter server')]);
    const nowhere = await run('http://127.0.0.1:9/', 'right');
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('http://127.0.0.1:9/')]);
    const kernel = await run(`${hub.url}/user/ann/`, 'right', {}, '--kernel', 'none');
    expect([kernel.code, kernel.stderr]).toEqual([1, expect.stringMatching(/no kernel 'none'.*gradbook/)]);
  }, 120_000);
});

describe.skipIf(!jupyterPython)('on Jupyter Server (skipped where no Python has it)', () => {
  let jupyter: Jupyter;
  beforeAll(async () => {
    const prefix = join(lab.folder, '..', 'prefix');
    await new Promise((resolve) =>
      execFile(process.execPath, [program, 'install', '--prefix', prefix], resolve),
    );
    const environment = { JUPYTER_PATH: join(prefix, 'share', 'jupyter'), GRADBOOK_HISTORY: ':memory:' };
    // The address that a single-user server has behind JupyterHub.
    jupyter = await startJupyter('server', environment, '/user/ann/');
  }, 120_000);
  afterAll(() => jupyter?.close());

  test('the same command runs the same notebook, and leaves no kernel behind', async () => {
    expect(await run(jupyter.url, jupyter.token)).toMatchObject(good);
    const left = await fetch(`${jupyter.url}api/kernels?token=${jupyter.token}`);
    expect(await left.json()).toEqual([]);
  }, 120_000);
});
