import { readConnectionFile } from '../../kernel/protocol/connectionFile.ts';
import { type Message, Session } from '../../kernel/protocol/message.ts';
import { Signer } from '../../kernel/protocol/signature.ts';
import { bindSockets } from '../../kernel/protocol/sockets.ts';

/**
 * A kernel that does nothing: one thread, no language. It answers with the messages that a kernel would answer with, so that its figures are
 * what the client, ZeroMQ and the operating system take by themselves. A cell is one of: `print 20000`, `display 5000000`, `wait 1`,
 * `forever`, or anything else, which has a result.
 */
const file = readConnectionFile(process.argv.at(-1)!);
const session = new Session(new Signer(file.key, file.signature_scheme));
const { shell, control, stdin, iopub, hb } = await bindSockets(file);

/** What a cell that has no end waits for. */
let stop = (): void => {};

const publish = (type: string, content: object, { header }: Message): Promise<void> =>
  iopub.send(session.encode([`kernel.${session.id}.${type}`], type, content, header));
const status = (state: 'busy' | 'idle', request: Message): Promise<void> =>
  publish('status', { execution_state: state }, request);

async function execute(request: Message, code: string): Promise<object> {
  await publish('execute_input', { code, execution_count: 1 }, request);
  const [, what, amount] = /^(\w+) (\d+)$/.exec(code) ?? ['', code, '0'];
  const n = Number(amount);
  if (what === 'print') {
    const text = Array.from({ length: n }, (_, i) => `${i}\n`).join('');
    await publish('stream', { name: 'stdout', text }, request);
  } else if (what === 'display')
    await publish('display_data', { data: { 'text/html': 'x'.repeat(n) }, metadata: {} }, request);
  else if (what === 'wait') await new Promise((resolve) => setTimeout(resolve, n * 1000));
  else if (what === 'forever') await new Promise<void>((resolve) => (stop = resolve));
  else
    await publish(
      'execute_result',
      { execution_count: 1, data: { 'text/plain': code }, metadata: {} },
      request,
    );
  return { status: 'ok', execution_count: 1, payload: [], user_expressions: {} };
}

async function answer(request: Message): Promise<object> {
  switch (request.header.msg_type) {
    case 'execute_request':
      return execute(request, String(request.content.code));
    case 'interrupt_request':
      stop();
      return { status: 'ok' };
    case 'complete_request':
      return { status: 'ok', matches: ['find'], cursor_start: 0, cursor_end: 0, metadata: {} };
    case 'inspect_request':
      return { status: 'ok', found: true, data: { 'text/plain': 'cloud' }, metadata: {} };
    default:
      return { status: 'ok', protocol_version: '5.5' };
  }
}

for (const socket of [shell, control])
  void (async () => {
    for await (const frames of socket) {
      const request = session.decode(frames);
      if (typeof request === 'string') continue;
      void (async () => {
        await status('busy', request);
        const content = await answer(request);
        const type = request.header.msg_type.replace(/_request$/, '_reply');
        await socket.send(session.encode(request.identities, type, content, request.header));
        await status('idle', request);
        if (type === 'shutdown_reply') for (const each of [shell, control, stdin, iopub, hb]) each.close();
      })();
    }
  })();
void (async () => {
  for await (const frames of hb) await hb.send(frames);
})();
