import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const program = fileURLToPath(new URL('../kernel/cli/main.js', import.meta.url));
const token = 'bench';

interface Contestant {
  name: string;
  command: string[];
  kernel: string;
  /** Writes megabytes on the standard output. */
  flood(megabytes: number): string;
}

const python = [process.env.GRADBOOK_PYTHON, 'python3'].find((name) => {
  if (!name) return false;
  try {
    execFileSync(name, ['-c', 'import jupyterlab, ipykernel'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

const contestants: Contestant[] = [
  {
    name: 'gradbook lab',
    command: [process.execPath, program, 'lab', '--no-browser', '--token', token, '--port'],
    kernel: 'gradbook',
    flood: (megabytes) =>
      `for (let i = 0; i < ${megabytes * 16}; i++) { console.log('x'.repeat(65535)); if (i % 16 === 0) await new Promise((r) => setTimeout(r)); }`,
  },
  ...(python
    ? [
        {
          name: 'Jupyter Server',
          command: [
            python,
            '-m',
            'jupyterlab',
            '--no-browser',
            '--allow-root',
            `--IdentityProvider.token=${token}`,
            '--ServerApp.iopub_data_rate_limit=1e12',
            '--ServerApp.port',
          ],
          kernel: 'python3',
          flood: (megabytes: number) => `for i in range(${megabytes * 16}): print('x' * 65535)`,
        },
      ]
    : []),
];

/** Of a process, in MB; not a number where the system does not tell. */
function memoryOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

async function started(
  contestant: Contestant,
  folder: string,
): Promise<{ child: ChildProcess; url: string; seconds: number }> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const [command, ...args] = contestant.command;
  const last = args.pop()!;
  const begin = performance.now();
  const child = spawn(
    command,
    [...args, ...(last.startsWith('--ServerApp') ? [`${last}=${port}`] : [last, String(port)])],
    {
      cwd: folder,
      stdio: 'ignore',
    },
  );
  const url = `http://127.0.0.1:${port}/`;
  for (;;) {
    const answer = await fetch(`${url}lab?token=${token}`).catch(() => null);
    if (answer?.ok) return { child, url, seconds: (performance.now() - begin) / 1000 };
    if (child.exitCode !== null) throw new Error(`${contestant.name} ended with exit code ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Seconds until a cell's output of so many megabytes has come, and the server's memory at its highest. */
async function throughput(url: string, pid: number, { kernel, flood }: Contestant, megabytes: number) {
  const headers = { authorization: `token ${token}` };
  const body = JSON.stringify({ name: kernel });
  const { id } = (await (await fetch(`${url}api/kernels`, { method: 'POST', headers, body })).json()) as {
    id: string;
  };
  const session = randomUUID();
  const socket = new WebSocket(
    `${url.replace('http', 'ws')}api/kernels/${id}/channels?session_id=${session}&token=${token}`,
  );
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const execute = (code: string): Promise<void> => {
    const msg_id = randomUUID();
    const header = {
      msg_id,
      msg_type: 'execute_request',
      session,
      username: '',
      date: new Date().toISOString(),
      version: '5.3',
    };
    const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
    socket.send(
      JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: [] }),
    );
    return new Promise((resolve) =>
      socket.on('message', (data: Buffer) => {
        if (data.length > 20_000) return;
        const message = JSON.parse(data.toString());
        if (message.msg_type === 'execute_reply' && message.parent_header.msg_id === msg_id) resolve();
      }),
    );
  };
  await execute('1');
  let peak = 0;
  let bytes = 0;
  socket.on('message', (data: Buffer) => (bytes += data.length));
  const watch = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 20);
  const begin = performance.now();
  const done = execute(flood(megabytes));
  await done;
  while (bytes < megabytes * 2 ** 20 * 0.99 && performance.now() - begin < 60_000)
    await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(watch);
  socket.terminate();
  await fetch(`${url}api/kernels/${id}`, { method: 'DELETE', headers });
  return { seconds: (performance.now() - begin) / 1000, peak };
}

/** Seconds until the launcher shows in a browser that knows nothing yet, where there is one. */
async function timeToLauncher(url: string): Promise<number> {
  const { browserProgram, launchBrowser } = await import('../test/lab/browserPage.js');
  if (!browserProgram) return Number.NaN;
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const begin = performance.now();
    await page.goto(`${url}lab?token=${token}&reset`, { waitUntil: 'commit', timeout: 120_000 });
    await page.waitForSelector('.jp-LauncherCard', { timeout: 120_000 });
    return (performance.now() - begin) / 1000;
  } finally {
    await browser.close();
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(limit);
}

const shown = (value: number, unit: string): string =>
  Number.isNaN(value) ? '-' : `${value.toFixed(2)} ${unit}`;

/** `npm run bench -- lab [--megabytes N]`: start, launcher, memory and output, beside JupyterLab where it is installed. */
export async function run(args: string[]): Promise<void> {
  const at = args.indexOf('--megabytes');
  const megabytes = at < 0 ? 50 : Number(args[at + 1]);
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-bench-'));
  const rows: string[][] = [
    [
      '',
      'first start',
      'start (best of 3)',
      'launcher (best of 3)',
      'memory',
      `${megabytes} MB of output`,
      'memory then',
    ],
  ];
  for (const contestant of contestants) {
    const starts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { child, seconds } = await started(contestant, folder);
      starts.push(seconds);
      await end(child);
    }
    const { child, url } = await started(contestant, folder);
    try {
      const launchers: number[] = [];
      for (let i = 0; i < 3; i++) launchers.push(await timeToLauncher(url));
      const idle = memoryOf(child.pid!);
      const { seconds, peak } = await throughput(url, child.pid!, contestant, megabytes);
      rows.push([
        contestant.name,
        shown(starts[0], 's'),
        shown(Math.min(...starts), 's'),
        shown(Math.min(...launchers), 's'),
        shown(idle, 'MB'),
        `${shown(seconds, 's')} (${shown(megabytes / seconds, 'MB/s')})`,
        shown(peak, 'MB'),
      ]);
    } finally {
      await end(child);
    }
  }
  rmSync(folder, { recursive: true, force: true });
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows)
    process.stdout.write(`${row.map((cell, i) => cell.padEnd(widths[i])).join('  ')}\n`);
}
