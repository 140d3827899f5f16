import { API, type Project, type Snapshot } from 'typescript/unstable/sync';

/** One call of the compiler's process; which program it is about is added where it is sent. */
export interface Call {
  method: string;
  params: object;
}

/** Paths of files that are not as the compiler has read them. */
export interface FileChanges {
  changed?: string[];
  created?: string[];
  deleted?: string[];
}

/** Anything may have changed, also what was not found before. */
export interface AllChanged {
  invalidateAll: true;
}

/** What the API's calls go through: a pipe to a process that answers one request after the other. */
interface Channel {
  writeTuple(type: number, name: Buffer, payload: string): void;
  writeAllBuf(bytes: Buffer, length?: number): void;
  readTuple(): void;
  /** The process; its output is null where another pipe is used. */
  readonly child: { stdout: { _handle?: { readStop?(): void } } | null };
  readonly _msgType: number;
  readonly _msgPayload: Buffer;
}

interface Client {
  readonly channel: Channel;
  apiRequest(method: string, params: unknown): unknown;
}

type Answer = { value: unknown } | { error: Error };

const request = 1;
const response = 4;

/**
 * The compiler's process and its present program. The API's own methods wait for each answer by itself, which takes longer than to find most of
 * them: here several things are asked at once, of a program that is only being made too, while this thread does something else. Calls and answers are
 * the same as the API's.
 */
export class Compiler {
  readonly #api: API;
  readonly #client: Client;
  readonly #config: string;
  #snapshot: Snapshot;
  #project: Project;
  /** How many answers are on their way that nobody waits for. */
  #owed = 0;

  /** @param config the path of the project's tsconfig.json. */
  constructor(folder: string, config: string) {
    this.#config = config;
    this.#api = new API({ cwd: folder });
    this.#client = (this.#api as unknown as { client: Client }).client;
    const { channel } = this.#client;
    const { writeTuple } = channel;
    // The event loop would take an answer that comes while nobody waits for it.
    channel.child.stdout?._handle?.readStop?.();
    // What was asked for before must be taken first, or the next call would get it.
    channel.writeTuple = (...tuple) => {
      for (; this.#owed > 0; this.#owed--) channel.readTuple();
      writeTuple.apply(channel, tuple);
    };
    this.#snapshot = this.#api.updateSnapshot({ openProject: config });
    this.#project = this.#projectOf(this.#snapshot);
  }

  /** The API's own view of the present program: one way to the process and back a call. */
  get project(): Project {
    return this.#project;
  }

  /** The number of the present program. */
  get program(): number {
    return this.#snapshot.id;
  }

  /** Asks about the present program. The answers are in order. Error: that of the first call that failed. */
  ask(calls: readonly Call[], meanwhile?: () => void): unknown[] {
    if (calls.length === 0) return [];
    return valuesOf(this.#fly(this.#about(this.#snapshot.id, calls), meanwhile));
  }

  /** Tells of files that have changed, and asks about the program that comes of it. */
  update(
    fileChanges: FileChanges | AllChanged,
    calls: readonly Call[] = [],
    meanwhile?: () => void,
  ): unknown[] {
    const last = this.#snapshot;
    // The process counts its programs.
    const next = last.id + 1;
    const update: Call = { method: 'updateSnapshot', params: { fileChanges } };
    const [made, ...answers] = this.#fly([update, ...this.#about(next, calls)], meanwhile);
    const [data] = valuesOf([made]);
    this.#instead(
      () => data,
      () => (this.#snapshot = this.#api.updateSnapshot({ fileChanges })),
    );
    this.#project = this.#projectOf(this.#snapshot);
    // Whoever waits for the answers does not wait for this.
    setImmediate(() => this.#release(last));
    return this.#snapshot.id === next ? valuesOf(answers) : this.ask(calls);
  }

  close(): void {
    this.#api.close();
  }

  #projectOf(snapshot: Snapshot): Project {
    const project = snapshot.getProject(this.#config);
    if (!project) throw new Error(`the TypeScript project ${this.#config} did not open`);
    return project;
  }

  #about(snapshot: number, calls: readonly Call[]): Call[] {
    const project = this.#project.id;
    return calls.map(({ method, params }) => ({ method, params: { snapshot, project, ...params } }));
  }

  #fly(calls: readonly Call[], meanwhile?: () => void): Answer[] {
    const { channel } = this.#client;
    // All in one write: each wakes the process.
    const { writeAllBuf } = channel;
    const tuples: Buffer[] = [];
    channel.writeAllBuf = (bytes, length) => void tuples.push(Buffer.from(bytes.subarray(0, length)));
    try {
      for (const { method, params } of calls)
        channel.writeTuple(request, Buffer.from(method), JSON.stringify(params));
    } finally {
      channel.writeAllBuf = writeAllBuf;
    }
    channel.writeAllBuf(Buffer.concat(tuples));
    const answers: Answer[] = [];
    try {
      meanwhile?.();
    } finally {
      // Whatever happens there.
      for (const { method } of calls) {
        channel.readTuple();
        const text = channel._msgPayload.toString('utf8');
        if (channel._msgType === response)
          answers.push({ value: text === '' ? undefined : (JSON.parse(text) as unknown) });
        else answers.push({ error: new Error(`${method}: ${text}`) });
      }
    }
    return answers;
  }

  /** Lets go of a program without waiting until the process has. */
  #release(snapshot: Snapshot): void {
    this.#instead(
      (method, params) => {
        this.#client.channel.writeTuple(request, Buffer.from(method), JSON.stringify(params));
        this.#owed++;
      },
      () => snapshot.dispose(),
    );
  }

  /** Runs `body` with `answer` for what the API asks the process. */
  #instead(answer: Client['apiRequest'], body: () => void): void {
    const { apiRequest } = this.#client;
    this.#client.apiRequest = answer;
    try {
      body();
    } finally {
      this.#client.apiRequest = apiRequest;
    }
  }
}

function valuesOf(answers: readonly Answer[]): unknown[] {
  return answers.map((answer) => {
    if ('error' in answer) throw answer.error;
    return answer.value;
  });
}
