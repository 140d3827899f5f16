import { randomUUID } from 'node:crypto';
import { availableParallelism, freemem, hostname, loadavg, totalmem } from 'node:os';
import type { Language } from '../interfaces.ts';
import type { ConnectionFile } from './connectionFile.ts';
import type { Executions } from './executions.ts';
import type { History, HistoryRequest } from './history.ts';
import type { Interrupter } from './interrupt.ts';
import { kernelInfo } from './kernelInfo.ts';
import type { Request } from './request.ts';

/** What handlers may use. */
export interface KernelCore {
  connection: ConnectionFile;
  language: Language;
  history: History;
  interrupter: Interrupter;
  /** By subshell id; `null` is the parent shell. */
  shells: Map<string | null, Executions>;
  createShell(id: string): void;
  /** Hands a comm message to the user thread; settles when it was handled. */
  comm(request: Request, kind: 'open' | 'msg' | 'close'): Promise<void>;
  commInfo(targetName?: string): Promise<Record<string, { target_name: string }>>;
  shutdown(restart: boolean): Promise<void>;
}

/** Answers one request. A thrown error becomes an error reply. */
export type Handler = (request: Request, kernel: KernelCore) => void | Promise<void>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const info: Handler = (request) => request.reply('kernel_info_reply', kernelInfo());

const complete: Handler = async (request, { language }) => {
  const { code, cursor_pos: cursor } = request.message.content;
  const { matches, cursorStart, cursorEnd } = await language.complete(text(code), Number(cursor ?? 0));
  request.reply('complete_reply', {
    status: 'ok',
    matches: matches.map((match) => match.text),
    cursor_start: cursorStart,
    cursor_end: cursorEnd,
    metadata: {
      _jupyter_types_experimental: matches.map(({ text: name, type, signature = '' }) => ({
        start: cursorStart,
        end: cursorEnd,
        text: name,
        type,
        signature,
      })),
    },
  });
};

const inspect: Handler = async (request, { language }) => {
  const { code, cursor_pos: cursor, detail_level: detail } = request.message.content;
  const { found, data } = await language.inspect(text(code), Number(cursor ?? 0), detail === 1 ? 1 : 0);
  request.reply('inspect_reply', { status: 'ok', found, data, metadata: {} });
};

const isComplete: Handler = async (request, { language }) =>
  request.reply('is_complete_reply', await language.isComplete(text(request.message.content.code)));

const history: Handler = (request, kernel) =>
  request.reply('history_reply', {
    status: 'ok',
    history: kernel.history.query(
      request.message.content as HistoryRequest,
      request.message.header.subshell_id ?? null,
    ),
  });

const connect: Handler = (request, { connection: c }) =>
  request.reply('connect_reply', {
    status: 'ok',
    shell_port: c.shell_port,
    iopub_port: c.iopub_port,
    stdin_port: c.stdin_port,
    hb_port: c.hb_port,
    control_port: c.control_port,
  });

const commInfo: Handler = async (request, kernel) => {
  const target = request.message.content.target_name;
  const comms = await kernel.commInfo(typeof target === 'string' ? target : undefined);
  request.reply('comm_info_reply', { status: 'ok', comms });
};

const shutdown: Handler = (request, kernel) => {
  const restart = Boolean(request.message.content.restart);
  request.reply('shutdown_reply', { status: 'ok', restart });
  setImmediate(() => void kernel.shutdown(restart));
};

const interrupt: Handler = async (request, kernel) => {
  await kernel.interrupter.interrupt();
  request.reply('interrupt_reply', { status: 'ok' });
};

const debug: Handler = (request) => {
  const { seq, command } = request.message.content;
  request.reply('debug_reply', {
    type: 'response',
    seq: 0,
    request_seq: Number(seq ?? 0),
    command: text(command),
    success: false,
    message: 'the debugger is not started',
  });
};

const usage: Handler = (request) => {
  const total = totalmem();
  const available = freemem();
  const used = process.cpuUsage();
  request.reply('usage_reply', {
    hostname: hostname(),
    pid: process.pid,
    kernel_cpu: ((used.user + used.system) / 1e6 / process.uptime()) * 100,
    kernel_memory: process.memoryUsage.rss(),
    cpu_count: availableParallelism(),
    host_cpu_percent: (loadavg()[0] / availableParallelism()) * 100,
    host_virtual_memory: {
      total,
      available,
      used: total - available,
      free: available,
      percent: ((total - available) / total) * 100,
    },
  });
};

const createSubshell: Handler = (request, kernel) => {
  const id = randomUUID();
  kernel.createShell(id);
  request.reply('create_subshell_reply', { status: 'ok', subshell_id: id });
};

const deleteSubshell: Handler = (request, kernel) => {
  const id = text(request.message.content.subshell_id);
  if (id === '' || !kernel.shells.delete(id)) throw new Error(`there is no subshell '${id}'`);
  request.reply('delete_subshell_reply', { status: 'ok' });
};

const listSubshell: Handler = (request, kernel) =>
  request.reply('list_subshell_reply', {
    status: 'ok',
    subshell_id: [...kernel.shells.keys()].filter((id) => id !== null),
  });

/** Every message type but `execute_request`, which is queued. Control takes the shell's messages too. */
export const handlers: Readonly<Record<string, Handler>> = {
  kernel_info_request: info,
  complete_request: complete,
  inspect_request: inspect,
  is_complete_request: isComplete,
  history_request: history,
  connect_request: connect,
  comm_info_request: commInfo,
  comm_open: (request, kernel) => kernel.comm(request, 'open'),
  comm_msg: (request, kernel) => kernel.comm(request, 'msg'),
  comm_close: (request, kernel) => kernel.comm(request, 'close'),
  shutdown_request: shutdown,
  interrupt_request: interrupt,
  debug_request: debug,
  usage_request: usage,
  create_subshell_request: createSubshell,
  delete_subshell_request: deleteSubshell,
  list_subshell_request: listSubshell,
};
