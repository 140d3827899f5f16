import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Dealer, Publisher, Reply, Router } from 'zeromq';
import { Signer } from '../../kernel/protocol/signature.ts';

/**
 * A kernel that does nothing but answer: to `execute_request` with as many streams as its code says (`{"megabytes": 10, "seconds": 1}`), so
 * that a server is measured, not a language.
 */
const file = JSON.parse(readFileSync(process.argv.at(-1)!, 'utf8')) as Record<string, string | number>;
const signer = new Signer(String(file.key), 'hmac-sha256');
const bind = async <T extends Router | Publisher | Reply | Dealer>(
  socket: T,
  channel: string,
): Promise<T> => {
  await socket.bind(`tcp://127.0.0.1:${file[`${channel}_port`]}`);
  return socket;
};
const [shell, control, stdin, iopub, hb] = await Promise.all([
  bind(new Router(), 'shell'),
  bind(new Router(), 'control'),
  bind(new Router(), 'stdin'),
  bind(new Publisher({ sendHighWaterMark: 20, noDrop: true }), 'iopub'),
  bind(new Reply(), 'hb'),
]);
const session = randomUUID();

const encode = (identities: Buffer[], type: string, parent: Buffer, content: object): (Buffer | string)[] => {
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: '',
    date: new Date().toISOString(),
    version: '5.5',
  };
  const parts = [
    Buffer.from(JSON.stringify(header)),
    parent,
    Buffer.from('{}'),
    Buffer.from(JSON.stringify(content)),
  ];
  return [...identities, '<IDS|MSG>', signer.sign(parts), ...parts];
};
/** A full queue is waited for: nothing is dropped. */
async function publish(type: string, parent: Buffer, content: object): Promise<void> {
  const frames = encode([Buffer.from(type)], type, parent, content);
  for (;;)
    try {
      return await iopub.send(frames);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
}

const piece = `${'x'.repeat(2 ** 16 - 1)}\n`;

async function flood(parent: Buffer, code: string): Promise<void> {
  const { megabytes = 0, seconds = 0 } = JSON.parse(code || '{}') as { megabytes?: number; seconds?: number };
  const count = megabytes * 16;
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    await publish('stream', parent, { name: 'stdout', text: piece });
    const ahead = (i / count) * seconds * 1000 - (performance.now() - started);
    if (ahead > 5) await new Promise((resolve) => setTimeout(resolve, ahead));
    else if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function serve(socket: Router): Promise<void> {
  for await (const frames of socket) {
    const at = frames.findIndex((frame) => frame.toString() === '<IDS|MSG>');
    const header = frames[at + 2];
    const type = (JSON.parse(header.toString()) as { msg_type: string }).msg_type;
    const content = JSON.parse(frames[at + 5].toString()) as { code?: string };
    await publish('status', header, { execution_state: 'busy' });
    if (type === 'execute_request') await flood(header, content.code ?? '');
    const reply = {
      status: 'ok',
      execution_count: 1,
      language_info: { name: 'none' },
      banner: '',
      protocol_version: '5.5',
      implementation: 'flood',
    };
    await socket.send(encode(frames.slice(0, at), type.replace('_request', '_reply'), header, reply));
    await publish('status', header, { execution_state: 'idle' });
    if (type === 'shutdown_request') process.exit(0);
  }
}
void serve(shell);
void serve(control);
void (async () => {
  for await (const frames of hb) await hb.send(frames);
})();
void stdin;
