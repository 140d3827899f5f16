import { type MessagePort, workerData } from 'node:worker_threads';
import { serve } from './rpc.ts';
import { LanguageService } from './service.ts';

/** What the main thread gives the language thread. */
export interface LanguageOptions {
  ports: MessagePort[];
  folder: string;
}

const { ports, folder } = workerData as LanguageOptions;
const service = new LanguageService(folder);
for (const port of ports) serve(port, service);

// A worker has no exit hook of its own for files: the process's runs in every thread.
process.on('exit', () => service.close());
