import { workerData } from 'node:worker_threads';
import { type LanguageOptions, serveLanguage } from './serve.ts';

serveLanguage(workerData as LanguageOptions);
