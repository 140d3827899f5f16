import type { MessagePort } from 'node:worker_threads';
import { serve } from './rpc.ts';
import { LanguageService } from './service.ts';

/** What the main thread gives the language thread. */
export interface LanguageOptions {
  ports: MessagePort[];
  folder: string;
}

/** Answers what the other threads ask, until the process ends. */
export function serveLanguage({ ports, folder }: LanguageOptions): LanguageService {
  // The compiler's process starts with an empty heap: collecting it half as often, it is ready a tenth sooner.
  process.env.GOGC ??= '200';
  const service = new LanguageService(folder);
  for (const port of ports) serve(port, service);
  // A worker has no exit hook of its own for files: the process's runs in every thread.
  process.on('exit', () => service.close());
  return service;
}
