import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { type Contestant, memoryOf, token } from './contestants.ts';

/** Seconds until a cell's output of so many megabytes has come, and the server's memory at its highest. */
export async function throughput(
  url: string,
  pid: number,
  { kernel, flood }: Contestant,
  megabytes: number,
): Promise<{ seconds: number; peak: number }> {
  const headers = { authorization: `token ${token}` };
  const body = JSON.stringify({ name: kernel });
  const answer = await fetch(`${url}api/kernels`, { method: 'POST', headers, body });
  const { id } = (await answer.json()) as { id: string };
  const session = randomUUID();
  const address = `${url.replace('http', 'ws')}api/kernels/${id}/channels?session_id=${session}&token=${token}`;
  const socket = new WebSocket(address);
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
  await execute(flood(megabytes));
  while (bytes < megabytes * 2 ** 20 * 0.99 && performance.now() - begin < 60_000)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = (performance.now() - begin) / 1000;
  clearInterval(watch);
  socket.terminate();
  await fetch(`${url}api/kernels/${id}`, { method: 'DELETE', headers });
  return { seconds, peak };
}
