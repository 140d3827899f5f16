import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { FromUser, Header, ToUser } from '../interfaces.ts';
import { connectLanguage } from '../language/client.ts';
import { readConnectionFile } from './connectionFile.ts';
import { Executions } from './executions.ts';
import { type Handler, handlers, type KernelCore } from './handlers.ts';
import { History } from './history.ts';
import { Interrupter, shared, sharedHeader } from './interrupt.ts';
import { log } from './log.ts';
import { type Message, Session } from './message.ts';
import { Publisher } from './publisher.ts';
import { Replies, Request } from './request.ts';
import { followSignals } from './signals.ts';
import { Signer } from './signature.ts';
import { bindSockets } from './sockets.ts';

/** What the main thread gives the io thread. */
export interface IoOptions {
  connectionFile: string;
  user: MessagePort;
  language: MessagePort;
  memory: SharedArrayBuffer;
}

const { connectionFile, user, language: languagePort, memory } = workerData as IoOptions;

const file = readConnectionFile(connectionFile);
const session = new Session(new Signer(file.key, file.signature_scheme));
const sockets = await bindSockets(file);
const publisher = new Publisher(sockets.iopub, session);
const history = new History();
const replies = { shell: new Replies(sockets.shell), control: new Replies(sockets.control) };
const stdin = new Replies(sockets.stdin);
const words = new Int32Array(memory, 0, sharedHeader / 4);
const toUser = (message: ToUser | { type: 'interrupt' }): void => user.postMessage(message);
const interrupter = new Interrupter(memory, () => toUser({ type: 'interrupt' }));

const shells = new Map<string | null, Executions>([[null, new Executions(toUser, publisher, history, null)]]);
const waitingForUser = new Map<string, () => void>();
const waitingForComms = new Map<number, (comms: Record<string, { target_name: string }>) => void>();
let commRequests = 0;

const core: KernelCore = {
  connection: file,
  language: connectLanguage(languagePort),
  history,
  interrupter,
  shells,
  createShell: (id) => void shells.set(id, new Executions(toUser, publisher, history, id)),
  comm: (request, kind) =>
    new Promise((resolve) => {
      const { header, content, metadata, buffers } = request.message;
      waitingForUser.set(header.msg_id, resolve);
      toUser({ type: 'comm', parent: header, kind, content: content as never, metadata, buffers });
    }),
  commInfo: (targetName) =>
    new Promise((resolve) => {
      const id = commRequests++;
      waitingForComms.set(id, resolve);
      toUser({ type: 'comm_info', id, targetName });
    }),
  shutdown: async (restart) => {
    publisher.publish('shutdown_reply', { status: 'ok', restart }, null);
    // What a cell is busy with ends first, so that the main thread can leave by its own door.
    await Promise.race([interrupter.interrupt(), new Promise((resolve) => setTimeout(resolve, 200))]);
    publisher.flush();
    await new Promise((resolve) => setTimeout(resolve, 20));
    history.close();
    interrupter.close();
    for (const socket of Object.values(sockets)) socket.close();
    // What waits for a message hears of it in the next turns; a process that has ended by then would abort in the binding.
    await new Promise((resolve) => setTimeout(resolve, 5));
    parentPort!.postMessage('exit');
    // The main thread may be in a loop that never ends: then the process ends from here.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 400);
  },
};

/** The stream that the user thread wrote to last. */
let written: Extract<FromUser, { type: 'stream' }>;

function fromUser(message: FromUser): void {
  if (typeof message === 'string') {
    publisher.stream(written.parent, written.name, message);
    return;
  }
  switch (message.type) {
    case 'ready':
      break;
    case 'executed':
      for (const shell of shells.values())
        if (shell.runningHeader?.msg_id === message.parent.msg_id) shell.executed(message.outcome);
      break;
    case 'handled':
      waitingForUser.get(message.parent.msg_id)?.();
      waitingForUser.delete(message.parent.msg_id);
      break;
    case 'publish':
      publisher.publish(message.msgType, message.content, message.parent, message.metadata, message.buffers);
      if (message.result) {
        const { line, text } = message.result;
        history.addOutput(line, text, message.parent.subshell_id ?? null);
      }
      break;
    case 'stream':
      written = message;
      publisher.stream(message.parent, message.name, message.text);
      break;
    case 'input':
      askInput(message.parent, message.prompt, message.password);
      break;
    case 'comm_info':
      waitingForComms.get(message.id)?.(message.comms);
      waitingForComms.delete(message.id);
  }
}

function askInput(parent: Header, prompt: string, password: boolean): void {
  for (const { running } of shells.values())
    if (running?.message.header.msg_id === parent.msg_id)
      stdin.send(session.encode(running.message.identities, 'input_request', { prompt, password }, parent));
}

function answerInput(message: Message): void {
  if (message.header.msg_type !== 'input_reply') return;
  const text = Buffer.from(String(message.content.value ?? '')).subarray(0, memory.byteLength - sharedHeader);
  Buffer.from(memory, sharedHeader).set(text);
  Atomics.store(words, shared.inputLength, text.length);
  Atomics.store(words, shared.input, 1);
  Atomics.notify(words, shared.input);
}

/** Whether answering this now would make front-ends believe that the running cell has ended. */
const runningHeaders = (): Header[] =>
  [...shells.values()].flatMap(({ runningHeader }) => (runningHeader ? [runningHeader] : []));

async function dispatch(message: Message, channel: 'shell' | 'control'): Promise<void> {
  const request = new Request(message, channel, replies[channel], session, publisher);
  const { msg_type: type, subshell_id: subshell } = message.header;
  const shell = shells.get(subshell ?? null);
  if (type === 'execute_request') {
    if (shell) {
      await shell.enqueue(request);
      return;
    }
    request.busy();
    request.reply('execute_reply', {
      status: 'error',
      ename: 'SubshellNotFound',
      evalue: `there is no subshell '${subshell}'`,
      traceback: [],
      execution_count: 0,
    });
    request.idle();
    return;
  }
  const handler: Handler | undefined = handlers[type];
  if (!handler) {
    log(`dropped a message of unknown type '${type}' on ${channel}`);
    return;
  }
  request.busy();
  try {
    await handler(request, core);
  } catch (error) {
    const { name, message: text, stack = '' } = error as Error;
    request.reply(type.replace(/_request$/, '_reply'), {
      status: 'error',
      ename: name,
      evalue: text,
      traceback: stack.split('\n'),
    });
  }
  request.idle();
  for (const header of runningHeaders()) publisher.status('busy', header);
}

async function serve(channel: 'shell' | 'control' | 'stdin'): Promise<void> {
  // Ends when the socket is closed.
  for await (const frames of sockets[channel]) {
    const message = session.decode(frames);
    if (typeof message === 'string') log(`dropped a message on ${channel}: ${message}`);
    else if (channel === 'stdin') answerInput(message);
    else void dispatch(message, channel);
  }
}

user.on('message', (message: FromUser) => fromUser(message));
const signals = {
  SIGINT: () => void interrupter.interrupt(),
  SIGTERM: () => void core.shutdown(false),
};
parentPort!.on('message', (signal: keyof typeof signals) => signals[signal]());
if (!followSignals(signals)) parentPort!.postMessage('signals');

void publisher.welcome();
void serve('shell');
void serve('control');
void serve('stdin');
void (async () => {
  for await (const frames of sockets.hb) await sockets.hb.send(frames);
})();
publisher.status('starting', null);

// A kernel must not outlive the program that started it.
const parent = Number(process.env.JPY_PARENT_PID) || process.ppid;
setInterval(() => {
  try {
    process.kill(parent, 0);
    if (process.ppid !== 1 || parent === 1) return;
  } catch {
    // The parent has gone.
  }
  void core.shutdown(false);
}, 1000).unref();
