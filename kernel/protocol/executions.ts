import type { ExecuteOutcome, ExecuteRequest, Header, MimeBundle, ToUser } from '../interfaces.ts';
import type { History } from './history.ts';
import type { Publisher } from './publisher.ts';
import type { Request } from './request.ts';

/** What the wire says about an execution, with the protocol's defaults. */
export function parseExecute(content: MimeBundle): ExecuteRequest {
  const {
    code = '',
    silent = false,
    user_expressions: expressions,
    allow_stdin: stdin = true,
    stop_on_error: stop = true,
  } = content;
  const quiet = Boolean(silent);
  return {
    code: String(code),
    silent: quiet,
    storeHistory: quiet ? false : Boolean(content.store_history ?? true),
    userExpressions: Object.fromEntries(
      Object.entries((expressions as MimeBundle) ?? {}).map(([k, v]) => [k, String(v)]),
    ),
    allowStdin: Boolean(stdin),
    stopOnError: Boolean(stop),
  };
}

interface Waiting {
  request: Request;
  execute: ExecuteRequest;
  done: () => void;
}

/**
 * The executions of one shell or subshell: one after the other, counted, and aborted behind one that fails with `stop_on_error`.
 */
export class Executions {
  /** Of the last cell that was counted. */
  count = 0;
  /** The request that runs now. */
  running: Request | null = null;
  readonly #queue: Waiting[] = [];
  readonly #toUser: (message: ToUser) => void;
  readonly #publisher: Publisher;
  readonly #history: History;
  readonly #shell: string | null;
  #finish: ((outcome: ExecuteOutcome) => void) | null = null;

  /** @param shell the subshell's id; null is the kernel's own shell. */
  constructor(
    toUser: (message: ToUser) => void,
    publisher: Publisher,
    history: History,
    shell: string | null,
  ) {
    this.#shell = shell;
    this.#toUser = toUser;
    this.#publisher = publisher;
    this.#history = history;
  }

  /** Queues an `execute_request`; settles when it was answered. */
  enqueue(request: Request): Promise<void> {
    return new Promise((done) => {
      this.#queue.push({ request, execute: parseExecute(request.message.content), done });
      if (!this.running) void this.#next();
    });
  }

  /** The user thread's answer to the running request. */
  executed(outcome: ExecuteOutcome): void {
    this.#finish?.(outcome);
  }

  get runningHeader(): Header | null {
    return this.running?.message.header ?? null;
  }

  async #next(): Promise<void> {
    for (let waiting = this.#queue.shift(); waiting; waiting = this.#queue.shift()) {
      const { request, execute, done } = waiting;
      this.running = request;
      const outcome = await this.#run(request, execute);
      this.running = null;
      request.idle();
      done();
      if (outcome.status === 'error' && execute.stopOnError && !execute.silent) await this.#abort();
    }
  }

  async #run(request: Request, execute: ExecuteRequest): Promise<ExecuteOutcome> {
    const { header, metadata } = request.message;
    const executionCount = this.count + 1;
    const started = new Date().toISOString();
    const ended = new Promise<ExecuteOutcome>((resolve) => (this.#finish = resolve));
    const cellId = typeof metadata.cellId === 'string' ? metadata.cellId : undefined;
    // The user thread begins while this one tells of it; what comes from there is heard afterwards.
    this.#toUser({ type: 'execute', parent: header, executionCount, request: execute, cellId });
    request.busy();
    if (!execute.silent)
      this.#publisher.publish(
        'execute_input',
        { code: execute.code, execution_count: executionCount },
        header,
      );
    if (execute.storeHistory) {
      this.count = executionCount;
      this.#history.add(executionCount, execute.code, this.#shell);
    }
    const outcome = await ended;
    this.#finish = null;
    const { status } = outcome;
    const content =
      status === 'ok'
        ? {
            status,
            execution_count: executionCount,
            payload: outcome.payload,
            user_expressions: outcome.userExpressions,
          }
        : { ...outcome, execution_count: executionCount, user_expressions: {}, payload: [] };
    this.#publisher.flush();
    request.reply('execute_reply', content, {
      started,
      dependencies_met: true,
      engine: header.session,
      status,
    });
    return outcome;
  }

  /** Answers what is queued with `aborted`. Requests that are on their way right now belong to it too. */
  async #abort(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (let waiting = this.#queue.shift(); waiting; waiting = this.#queue.shift()) {
      waiting.request.busy();
      waiting.request.reply(
        'execute_reply',
        { status: 'aborted', execution_count: this.count },
        { status: 'aborted' },
      );
      waiting.request.idle();
      waiting.done();
    }
  }
}
