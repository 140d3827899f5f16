import { randomUUID } from 'node:crypto';
import { type Kernel, KernelManager, type KernelMessage, ServerConnection } from '@jupyterlab/services';
import { WebSocket } from 'ws';
import { type Cell, type Notebook, type Output, sourceOf } from './notebook.ts';
import { WidgetStates } from './widgetStates.ts';

export interface ExecuteOptions {
  server: { url: string; token: string };
  kernelName: string;
  /** Seconds that one cell may take; 0 is no limit. */
  timeout: number;
  /** Goes on behind a failing cell. */
  allowErrors: boolean;
  parameters: Readonly<Record<string, unknown>>;
  /** Told of each cell before it runs, with its number from 1. */
  onCell?: (index: number, count: number) => void;
}

/** The client library reports each connection on the console, which belongs to the notebooks' output here. */
function quietly<T>(body: () => Promise<T>): Promise<T> {
  const { log, warn, debug } = console;
  Object.assign(console, { log: () => {}, warn: () => {}, debug: () => {} });
  return body().finally(() => Object.assign(console, { log, warn, debug }));
}

export interface Failure {
  /** From 1, counting all cells. */
  cell: number;
  ename: string;
  evalue: string;
  traceback: string[];
}

/** As papermill does: assignments in a cell behind the one tagged `parameters`, or at the top. */
function injectParameters(notebook: Notebook, parameters: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(parameters);
  if (names.length === 0) return;
  const source = `// Parameters\n${names.map((name) => `let ${name} = ${JSON.stringify(parameters[name])};`).join('\n')}`;
  const injected: Cell = {
    cell_type: 'code',
    id: randomUUID().slice(0, 8),
    metadata: { tags: ['injected-parameters'] },
    source,
    outputs: [],
    execution_count: null,
  };
  const tagged = (tag: string): number =>
    notebook.cells.findIndex(({ metadata }) => metadata.tags?.includes(tag));
  const before = tagged('injected-parameters');
  if (before >= 0) notebook.cells.splice(before, 1, injected);
  else notebook.cells.splice(tagged('parameters') + 1, 0, injected);
}

/** Adds an iopub message to a cell's outputs, joining neighbouring pieces of one stream. */
function collect(
  outputs: Output[],
  message: KernelMessage.IIOPubMessage,
  displays: Map<string, Output[]>,
): void {
  const { content } = message as { content: Record<string, unknown> };
  const type = message.header.msg_type;
  if (type === 'stream') {
    const last = outputs.at(-1);
    if (last?.output_type === 'stream' && last.name === content.name)
      last.text = `${last.text}${content.text}`;
    else outputs.push({ output_type: 'stream', name: content.name, text: content.text });
  } else if (type === 'display_data' || type === 'execute_result') {
    const { data, metadata, transient, execution_count } = content as Record<string, never>;
    const output: Output = {
      output_type: type,
      data,
      metadata: metadata ?? {},
      ...(type === 'execute_result' ? { execution_count } : {}),
    };
    outputs.push(output);
    const id = (transient as { display_id?: string } | undefined)?.display_id;
    if (id) displays.set(id, [...(displays.get(id) ?? []), output]);
  } else if (type === 'update_display_data') {
    const { data, metadata, transient } = content as {
      data: unknown;
      metadata: unknown;
      transient: { display_id: string };
    };
    for (const output of displays.get(transient.display_id) ?? []) Object.assign(output, { data, metadata });
  } else if (type === 'error') {
    const { ename, evalue, traceback } = content;
    outputs.push({ output_type: 'error', ename, evalue, traceback });
  } else if (type === 'clear_output' && !content.wait) outputs.length = 0;
}

/**
 * Runs a notebook's cells against a Jupyter server and writes what they output into it.
 *
 * @returns the first failing cell, or null. Errors: no server, no such kernel, a kernel that dies.
 */
export const executeNotebook = (notebook: Notebook, options: ExecuteOptions): Promise<Failure | null> =>
  quietly(() => execute(notebook, options));

async function execute(notebook: Notebook, options: ExecuteOptions): Promise<Failure | null> {
  injectParameters(notebook, options.parameters);
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: options.server.url,
    wsUrl: options.server.url.replace(/^http/, 'ws'),
    token: options.server.token,
    appendToken: true,
    WebSocket: WebSocket as never,
  });
  const manager = new KernelManager({ serverSettings });
  const kernel = await manager.startNew({ name: options.kernelName }).catch((error: unknown) => {
    // It asks for the kernels again and again until it is disposed of.
    manager.dispose();
    throw error;
  });
  const displays = new Map<string, Output[]>();
  try {
    const info = await kernel.info;
    notebook.metadata.language_info = info.language_info;
    const widgets = new WidgetStates(kernel);
    for (const [i, cell] of notebook.cells.entries()) {
      if (cell.cell_type !== 'code') continue;
      cell.outputs = [];
      cell.execution_count = null;
      if (sourceOf(cell).trim() === '') continue;
      options.onCell?.(i + 1, notebook.cells.length);
      const failure = await runCell(kernel, cell, i + 1, options, displays);
      if (failure && !options.allowErrors) return failure;
    }
    await widgets.saveTo(notebook.metadata);
    return null;
  } finally {
    await kernel.shutdown().catch(() => {});
    kernel.dispose();
    manager.dispose();
  }
}

async function runCell(
  kernel: Kernel.IKernelConnection,
  cell: Cell,
  number: number,
  { timeout }: ExecuteOptions,
  displays: Map<string, Output[]>,
): Promise<Failure | null> {
  // Kept when the cell is done, because later cells may update what it displayed.
  const future = kernel.requestExecute(
    { code: sourceOf(cell), allow_stdin: false, stop_on_error: true },
    false,
  );
  const outputs = cell.outputs!;
  let clearNext = false;
  future.onIOPub = (message) => {
    if (message.header.msg_type === 'clear_output') clearNext = (message.content as { wait: boolean }).wait;
    else if (clearNext && message.header.msg_type !== 'status') {
      outputs.length = 0;
      clearNext = false;
    }
    collect(outputs, message, displays);
  };
  const late = new Promise<'late'>((resolve) => {
    if (timeout > 0) setTimeout(() => resolve('late'), timeout * 1000).unref();
  });
  const died = new Promise<'dead'>((resolve) => {
    kernel.statusChanged.connect((_, status) => {
      if (status === 'dead') resolve('dead');
    });
  });
  const reply = await Promise.race([future.done, late, died]);
  if (reply === 'late') {
    await kernel.interrupt();
    return { cell: number, ename: 'Timeout', evalue: `the cell ran longer than ${timeout} s`, traceback: [] };
  }
  if (reply === 'dead') throw new Error(`the kernel died in cell ${number}`);
  const content = reply.content as { status: string; execution_count?: number } & Omit<Failure, 'cell'>;
  cell.execution_count = content.execution_count ?? null;
  if (content.status === 'ok') return null;
  return { cell: number, ename: content.ename, evalue: content.evalue, traceback: content.traceback };
}
