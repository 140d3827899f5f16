import type { MessagePort } from 'node:worker_threads';
import type { Language } from '../interfaces.ts';
import { connect } from './rpc.ts';

/** The language thread, seen from another thread. */
export const connectLanguage = (port: MessagePort): Language => connect<Language>(port);
