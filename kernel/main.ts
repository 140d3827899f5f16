import { MessageChannel, Worker } from 'node:worker_threads';
import { locateCode } from './code.ts';
import { connectLanguage } from './language/client.ts';
import type { LanguageOptions } from './language/serve.ts';
import type { IoOptions } from './protocol/io.ts';

/** The memory that threads share: the words of `interrupt.ts`, then room for one answer to `input()`. */
const memory = new SharedArrayBuffer(16 + 1024 * 1024);

/** `-f FILE`, as a kernelspec's argv ends. */
function connectionFileArgument(): string {
  const at = process.argv.findIndex((arg) => arg === '-f' || arg === '--connection-file');
  const path = at < 0 ? undefined : process.argv[at + 1];
  if (!path) {
    process.stderr.write('usage: node main.js -f CONNECTION_FILE\n');
    process.exit(2);
  }
  return path;
}

const io = new MessageChannel();
const languageForIo = new MessageChannel();
const languageForUser = new MessageChannel();
const folder = process.cwd();
const code = locateCode();
const exit = process.exit.bind(process);

// First: the compiler's process takes longest until it is ready.
const languageOptions: LanguageOptions = { ports: [languageForIo.port1, languageForUser.port1], folder };
new Worker(code.threads.language, {
  workerData: languageOptions,
  transferList: [languageForIo.port1, languageForUser.port1],
});

const ioOptions: IoOptions = {
  connectionFile: connectionFileArgument(),
  user: io.port2,
  language: languageForIo.port2,
  memory,
};
const ioThread = new Worker(code.threads.io, {
  workerData: ioOptions,
  transferList: [io.port2, languageForIo.port2],
});

ioThread.on('message', (message: 'signals' | 'exit') => {
  if (message === 'exit') exit(0);
  // The io thread hears no signals by itself here.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ioThread.postMessage(signal));
});
ioThread.on('error', (error) => {
  process.stderr.write(`gradbook: ${error.message}\n`);
  exit(1);
});

const { startRuntime } = await code.runtime();
startRuntime({
  io: io.port1,
  language: connectLanguage(languageForUser.port2),
  memory,
  folder,
  library: code.library,
  preload: code.preload,
});
