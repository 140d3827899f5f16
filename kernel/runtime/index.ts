import { format } from 'node:util';
import { Script } from 'node:vm';
import type { MessagePort } from 'node:worker_threads';
import type { Code } from '../code.ts';
import type {
  CellError,
  CheckLevel,
  ExecuteOutcome,
  FromUser,
  Language,
  MimeBundle,
  PreparedCell,
  ToUser,
} from '../interfaces.ts';
import { shared, sharedHeader } from '../protocol/interrupt.ts';
import { followChildren } from './childOutput.ts';
import { Comms } from './comms.ts';
import type { CellContext } from './context.ts';
import { connectDisplay, display, displayIdOf, mimeBundle } from './display.ts';
import { Interrupted, Tracebacks } from './errors.ts';
import { createMagic, type MagicHost } from './magic.ts';
import { Modules } from './modules.ts';
import { Output } from './output.ts';
import { PreparedCells } from './preparedCells.ts';
import { Session } from './session.ts';
import { createInput } from './stdin.ts';
import { booksRestored, restoreBooks, Tasks } from './tasks.ts';
import { connectTslab } from './tslab.ts';

export interface RuntimeOptions {
  io: MessagePort;
  language: Language;
  memory: SharedArrayBuffer;
  folder: string;
  /** Where the library is, by the names that cells may import it with. */
  library: Code['library'];
  /** Loads it. */
  preload: Code['preload'];
}

type Execute = Extract<ToUser, { type: 'execute' }>;

/** Starts the user thread: it runs the cells that io sends, and owns their variables. */
export function startRuntime({ io, language, memory, folder, library, preload }: RuntimeOptions): void {
  const post = (message: FromUser, transfer?: ArrayBuffer[]): void => io.postMessage(message, transfer);
  const words = new Int32Array(memory, 0, sharedHeader / 4);
  const output = new Output(post);
  const modules = new Modules(folder, library, (text) => output.stream('stderr', text));
  modules.onImport = (specifier) => {
    if (specifier === 'tslab') connectTslab(modules.require, output);
  };
  const session = new Session(modules, words, () => output.context?.root ?? output.context ?? modules);
  const tracebacks = new Tracebacks();
  const comms = new Comms(output);
  const shower = connectDisplay(output, comms);
  const input = createInput(output, post, memory);
  const interrupts = new Set<(error: Interrupted) => void>();
  const inputs: string[] = [''];
  const results: Record<number, unknown> = {};
  const cells = new PreparedCells(language);
  let serial = 0;

  const host: MagicHost = {
    session,
    modules,
    output,
    display,
    language: { ...cells.changing, inspect: language.inspect },
    level: 'error' as CheckLevel,
    children: new Set(),
    runSource: (code) => runSource(code, output.context?.executionCount ?? 0),
  };

  const recent = { _: undefined as unknown, __: undefined as unknown, ___: undefined as unknown };
  const globals: Record<string, unknown> = {
    input,
    prompt: (message = '', fallback: string | null = null) => input(message) || fallback,
    confirm: (message = '') => /^y(es)?$/i.test(input(`${message} [y/n] `)),
    In: inputs,
    Out: results,
    __magic: createMagic(host),
    __comms: comms,
    _: undefined,
    __: undefined,
    ___: undefined,
  };
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  Object.defineProperty(globalThis, 'require', { configurable: true, get: () => modules.require });

  const tasks = new Tasks();
  output.capture();
  followChildren(output, host.children);
  /** Compiles and runs one source; the value is that of its last expression. */
  async function runSource(code: string, executionCount: number): Promise<unknown> {
    const id = ++serial;
    const known = cells.find(code, host.level);
    const prepared = known ?? (await untilInterrupted(prepare(id, code)));
    if (prepared.errors.length > 0)
      throw new StoppedByCheck(tracebacks.diagnostics(executionCount, prepared.errors));
    for (const warning of prepared.warnings)
      output.stream('stderr', `${tracebacks.diagnostics(executionCount, [warning]).traceback.join('\n')}\n`);
    const file = `gradbook:cell-${executionCount}-${id}`;
    tracebacks.add(file, executionCount, code, prepared.map!);
    const run = new Script(prepared.code!, { filename: file }).runInThisContext() as (
      $: Session,
    ) => Promise<unknown>;
    const dispose = session.begin();
    let failure: { thrown: unknown } | null = null;
    try {
      return await inTask(() => run(session));
    } catch (thrown) {
      failure = { thrown };
      throw thrown;
    } finally {
      if (!prepared.repeats) {
        // Not awaited: the next cell's check comes after it in any case.
        void cells.changing.commit(id).catch((error: unknown) => report(error));
      }
      await dispose(failure);
    }
  }

  async function prepare(id: number, code: string): Promise<PreparedCell> {
    await modules.installMentioned(code);
    return cells.prepare(id, code, host.level);
  }

  async function execute({ parent, executionCount, request, cellId }: Execute): Promise<void> {
    const context: CellContext = {
      parent,
      executionCount,
      allowStdin: request.allowStdin,
      payload: [],
      cellId,
    };
    inputs[executionCount] = request.code;
    if (!isPreloaded) await preloaded;
    const outcome = await output.within(context, async (): Promise<ExecuteOutcome> => {
      try {
        const value = await runSource(request.code, executionCount);
        if (value !== undefined && !request.silent) await show(value, executionCount);
        return {
          status: 'ok',
          payload: context.payload,
          userExpressions: await expressions(request.userExpressions, executionCount),
        };
      } catch (thrown) {
        const error = thrown instanceof StoppedByCheck ? thrown.error : tracebacks.describe(thrown);
        if (!request.silent) output.publish('error', { ...error });
        return { status: 'error', ...error };
      } finally {
        shower.cellEnded(context);
      }
    });
    post({ type: 'executed', parent, outcome });
  }

  async function show(value: unknown, executionCount: number): Promise<void> {
    results[executionCount] = value;
    Object.assign(recent, { ___: recent.__, __: recent._, _: value });
    Object.assign(globalThis, recent);
    // What redraws itself needs a display id, which front-ends heed in display_data alone.
    if (displayIdOf(value)) {
      display(await bundleOf(value), { raw: true, id: displayIdOf(value) });
      return;
    }
    output.publish('execute_result', {
      execution_count: executionCount,
      data: await bundleOf(value),
      metadata: {},
    });
  }

  /** A display method is the user's code too; a primitive has none. */
  const bundleOf = (value: unknown): Promise<MimeBundle> =>
    (typeof value === 'object' && value !== null) || typeof value === 'function'
      ? inTask(async () => mimeBundle(value))
      : Promise.resolve(mimeBundle(value));

  async function expressions(
    wanted: Record<string, string>,
    executionCount: number,
  ): Promise<Record<string, unknown>> {
    const entries = Object.entries(wanted).map(async ([name, code]) => {
      try {
        const value = await runSource(code, executionCount);
        return [name, { status: 'ok', data: await bundleOf(value), metadata: {} }] as const;
      } catch (thrown) {
        const error = thrown instanceof StoppedByCheck ? thrown.error : tracebacks.describe(thrown);
        return [name, { status: 'error', ...error }] as const;
      }
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /** What `body` gives, or the interrupt that came first: a terminated cell never settles by itself. */
  async function untilInterrupted<T>(body: Promise<T>): Promise<T> {
    let stop: (error: Interrupted) => void = () => {};
    const interrupted = new Promise<never>((_, reject) => {
      stop = reject;
      interrupts.add(stop);
    });
    try {
      return await Promise.race([body, interrupted]);
    } finally {
      interrupts.delete(stop);
    }
  }

  /**
   * Runs `body` as an event-loop task of its own, and as the code of the running cell: an interrupt terminates JavaScript up to the
   * event loop, and what was under way there must be the cell alone.
   */
  function inTask<T>(body: () => Promise<T>): Promise<T> {
    const context = output.context!;
    return untilInterrupted(
      new Promise((resolve, reject) => {
        tasks.start(() => {
          output.tracker.clear();
          output.within(context, body).then(resolve, reject);
        });
      }),
    );
  }

  /** The library's names become globals; a cell that comes earlier waits for them. */
  let isPreloaded = false;
  const preloaded = makeGlobal();
  async function makeGlobal(): Promise<void> {
    // Cells need not wait for a compiler.
    Object.assign(globalThis, { [Symbol.for('gradbook.compilesMeanwhile')]: true });
    const [own, shows] = await preload();
    // Long native calls look at the words that the io thread sets.
    (own.setInterruptWords as (words: Int32Array) => void)(words);
    for (const [name, value] of Object.entries({ ...own, ...shows }))
      Object.defineProperty(globalThis, name, {
        value,
        writable: true,
        configurable: true,
        enumerable: false,
      });
    isPreloaded = true;
  }

  /** What no one caught: shown in the cell that it comes from; the kernel lives on. */
  const report = (thrown: unknown, context = output.context): void => {
    if (context) output.within(context, () => output.publish('error', { ...tracebacks.describe(thrown) }));
  };
  output.tracker.follow(report);
  process.on('uncaughtException', (thrown: unknown) => {
    if (thrown !== booksRestored) report(thrown);
  });
  process.on('unhandledRejection', (thrown, promise) =>
    report(thrown, output.tracker.of(promise) ?? output.context),
  );
  console.trace = (...said: unknown[]): void => {
    const title = said.length > 0 ? `Trace: ${format(...said)}` : 'Trace';
    output.stream('stderr', `${[title, ...tracebacks.frames(new Error())].join('\n')}\n`);
  };
  const reallyExit = process.exit.bind(process);
  const refuse = (call: string): never => {
    throw new Error(
      `process.${call} was called: it ends the cell, not the kernel. Use the client's shutdown to end the kernel`,
    );
  };
  process.exit = ((code?: number) => refuse(`exit(${code ?? ''})`)) as typeof process.exit;
  process.abort = () => refuse('abort()');

  /** A comm's handler is a small cell of its own: what it shows has its last state when it ends. */
  function handleComm({ parent, kind, content, metadata, buffers }: Extract<ToUser, { type: 'comm' }>): void {
    const context: CellContext = { parent, executionCount: 0, allowStdin: false, payload: [] };
    try {
      output.within(context, () => {
        try {
          comms.handle(kind, content, metadata, buffers);
        } finally {
          shower.cellEnded(context);
        }
      });
    } catch (error) {
      report(error);
    }
  }

  io.on('message', (message: ToUser | { type: 'interrupt' }) => {
    switch (message.type) {
      case 'execute':
        output.tracker.clear();
        tasks.handle(() => void execute(message));
        break;
      case 'interrupt':
        Atomics.store(words, shared.answered, Atomics.load(words, shared.interrupts));
        for (const child of host.children) child.kill('SIGINT');
        for (const stop of interrupts) stop(new Interrupted());
        output.tracker.clear();
        restoreBooks();
        break;
      case 'comm':
        handleComm(message);
        post({ type: 'handled', parent: message.parent });
        break;
      case 'comm_info':
        post({ type: 'comm_info', id: message.id, comms: comms.info(message.targetName) });
        break;
      case 'shutdown':
        reallyExit(0);
    }
  });
  void preloaded.then(() => post({ type: 'ready' }));
}

/** The checker's answer, carried to where the cell's outcome is decided. */
class StoppedByCheck extends Error {
  readonly error: CellError;
  constructor(error: CellError) {
    super(error.evalue);
    this.error = error;
  }
}
