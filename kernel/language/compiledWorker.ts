import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';
import { CompiledBundle } from '../compiledBundle.ts';

// The language thread from the bundle: see code.ts.
const bundle = new CompiledBundle(fileURLToPath(new URL('../../src/bundle', import.meta.url)));
(bundle.load('language.cjs') as typeof import('./serve.ts')).serveLanguage(workerData);
setTimeout(() => bundle.keep(), 3000).unref();
