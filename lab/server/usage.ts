import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, freemem, hostname, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Kernels } from './kernels.ts';

const execute = promisify(execFile);

interface Usage {
  /** Bytes in memory. */
  rss: number;
  /** Seconds that its threads computed since it started. */
  seconds: number;
}

/** `[[days-]hours:]minutes:seconds`, as `ps` writes it. */
function elapsed(text: string): number {
  const [days, clock] = text.includes('-') ? text.split('-') : ['0', text];
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
}

/** Of a process; null where it has ended, or the system does not tell (Windows). */
async function usageOf(pid: number): Promise<Usage | null> {
  try {
    if (process.platform === 'linux') {
      const [status, stat] = await Promise.all(
        ['status', 'stat'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
      );
      // Behind the program's name, which may hold spaces: the 12th and 13th are hundredths of seconds.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
      return { rss, seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
    }
    if (process.platform === 'win32') return null;
    const { stdout } = await execute('ps', ['-o', 'rss=,time=', '-p', String(pid)]);
    const [rss, time] = stdout.trim().split(/\s+/);
    return { rss: Number(rss) * 1024, seconds: elapsed(time) };
  } catch {
    return null;
  }
}

/** `/api/metrics/v1`: what the server and its kernels take of the machine, as the extension jupyter-resource-usage tells it. */
export function usageRoutes(kernels: Kernels): Hono {
  const routes = new Hono();
  const before = new Map<number, { at: number; seconds: number }>();
  /** Percent of one processor since the last time it was asked for. */
  const percent = (pid: number, { seconds }: Usage): number => {
    const at = performance.now();
    const last = before.get(pid);
    before.set(pid, { at, seconds });
    return last && at > last.at ? ((seconds - last.seconds) * 100_000) / (at - last.at) : 0;
  };
  const measured = async (pid: number): Promise<{ rss: number; cpu: number } | null> => {
    const usage = await usageOf(pid);
    if (usage) return { rss: usage.rss, cpu: percent(pid, usage) };
    before.delete(pid);
    return null;
  };

  routes.get('/metrics/v1', async (c) => {
    const pids = kernels
      .list()
      .map(({ id }) => kernels.get(id)?.pid)
      .filter((pid) => pid !== undefined);
    const all = (await Promise.all([process.pid, ...pids].map(measured))).filter((usage) => usage !== null);
    const rss = all.reduce((sum, usage) => sum + usage.rss, 0) || process.memoryUsage().rss;
    return c.json({
      rss,
      cpu_percent: all.reduce((sum, { cpu }) => sum + cpu, 0),
      cpu_count: cpus().length,
      limits: { memory: { rss: totalmem(), warn: rss > totalmem() * 0.9 } },
      kernels: pids.length,
    });
  });

  routes.get('/metrics/v1/kernel_usage/get_usage/:id', async (c) => {
    const kernel = kernels.get(c.req.param('id'));
    if (!kernel) throw new HTTPException(404, { message: `Kernel does not exist: ${c.req.param('id')}` });
    const usage = kernel.pid === undefined ? null : await measured(kernel.pid);
    if (!usage) return c.json({ content: { reason: 'timeout', kernel_id: kernel.id } });
    return c.json({
      content: {
        hostname: hostname(),
        pid: kernel.pid,
        kernel_cpu: usage.cpu,
        kernel_memory: usage.rss,
        cpu_count: cpus().length,
        host_virtual_memory: {
          total: totalmem(),
          available: freemem(),
          used: totalmem() - freemem(),
          percent: ((totalmem() - freemem()) * 100) / totalmem(),
        },
      },
    });
  });
  return routes;
}
