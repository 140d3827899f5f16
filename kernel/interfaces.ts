/**
 * Where the kernel's parts meet. Three threads exchange plain, structured-clonable messages:
 *
 * - **io** (worker, `protocol/`) owns the sockets and never runs the user's code;
 * - **user** (main thread, `runtime/`) runs cells and owns the user's variables;
 * - **language** (worker, `language/`) checks, transforms, completes and explains.
 *
 * io talks to both through one MessagePort each; the user thread has a port of its own to the language thread.
 */

/** A Jupyter message header, kept whole so that `parent_header` is an exact copy, unknown fields included. */
export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  date: string;
  version: string;
  subshell_id?: string | null;
  [field: string]: unknown;
}

export type MimeBundle = Record<string, unknown>;

/** An object as JSON: a text, or where that is long its UTF-8, which goes from thread to thread without a copy. */
export type Json = string | Uint8Array<ArrayBuffer>;

/** What `execute_request` asks for, with the defaults of the protocol filled in. */
export interface ExecuteRequest {
  code: string;
  silent: boolean;
  storeHistory: boolean;
  userExpressions: Record<string, string>;
  allowStdin: boolean;
  stopOnError: boolean;
}

export interface CellError {
  ename: string;
  evalue: string;
  /** ANSI-coloured lines, cell frames as `Cell In[3], line 2`. */
  traceback: string[];
}

export type ExecuteOutcome =
  | { status: 'ok'; payload: MimeBundle[]; userExpressions: Record<string, unknown> }
  | ({ status: 'error' } & CellError);

/** io → user. `parent` is the request's header; everything that the cell outputs is sent back with it. */
export type ToUser =
  | { type: 'execute'; parent: Header; executionCount: number; request: ExecuteRequest; cellId?: string }
  | {
      type: 'comm';
      parent: Header;
      kind: 'open' | 'msg' | 'close';
      content: CommContent;
      metadata: MimeBundle;
      buffers: Uint8Array[];
    }
  | { type: 'comm_info'; id: number; targetName?: string }
  | { type: 'shutdown'; restart: boolean };

export interface CommContent {
  comm_id: string;
  target_name?: string;
  data: MimeBundle;
}

/** user → io. A text alone is more of the stream that was written to last: a cell may print thousands of lines. */
export type FromUser =
  | string
  | { type: 'ready' }
  | { type: 'executed'; parent: Header; outcome: ExecuteOutcome }
  | { type: 'handled'; parent: Header }
  /** One iopub message; streams are coalesced by io. */
  | {
      type: 'publish';
      parent: Header;
      msgType: IOPubType;
      content: Json;
      /** Of a result, what the history keeps. */
      result?: { line: number; text: string };
      metadata?: MimeBundle;
      buffers?: Uint8Array[];
    }
  | { type: 'stream'; parent: Header; name: 'stdout' | 'stderr'; text: string }
  /** The answer comes through `InputChannel`, because the user thread blocks. */
  | { type: 'input'; parent: Header; prompt: string; password: boolean }
  | { type: 'comm_info'; id: number; comms: Record<string, { target_name: string }> };

export type IOPubType =
  | 'display_data'
  | 'update_display_data'
  | 'execute_result'
  | 'error'
  | 'clear_output'
  | 'comm_open'
  | 'comm_msg'
  | 'comm_close';

/**
 * The shared buffer on which `input()` blocks. `state` is an Int32Array over the first 8 bytes:
 * [0] = 0 waiting, 1 answered, 2 interrupted or refused; [1] = byte length of the UTF-8 answer that follows.
 */
export interface InputChannel {
  buffer: SharedArrayBuffer;
}

/** How strictly a cell is checked: `%check off|warn|error|strict`. */
export type CheckLevel = 'off' | 'warn' | 'error' | 'strict';

export interface Diagnostic {
  /** 1-based line and 0-based UTF-16 column in the cell's own source. */
  line: number;
  column: number;
  length: number;
  message: string;
  code: number | string;
  category: 'error' | 'warning';
  /** The source line, for the caret. */
  source: string;
}

/** A cell that is ready to run. */
export interface PreparedCell {
  /** Errors that stop the cell (syntax, or types at this level). When not empty, `code` is absent. */
  errors: Diagnostic[];
  /** Diagnostics to show without stopping (`%check warn`). */
  warnings: Diagnostic[];
  /**
   * JavaScript: one expression, `async ($) => { ... }`. Top-level names of this and earlier cells are reached through
   * the session scope `$`; the value of the last expression, if the cell shows one, is returned.
   */
  code?: string;
  /** Source map (version 3, JSON) from `code` to the cell's TypeScript. */
  map?: string;
  /** Names that the cell declares at its top level. */
  declares: string[];
  /** Whether the value returned is to be shown as `execute_result`. */
  showsResult: boolean;
  /**
   * Whether the same cell gives the same again until another is committed: it is right, declares nothing, and depends on no file or package.
   */
  repeats: boolean;
  /** Relative `.ts`/`.js` files that the cell imports, resolved, for reload after an edit. */
  localImports: string[];
}

export interface Completion {
  text: string;
  type: string;
  signature?: string;
}

export interface CompletionResult {
  matches: Completion[];
  /** Code-point offsets into the request's code. */
  cursorStart: number;
  cursorEnd: number;
}

/** What the language thread answers; every call is a message with an id, so calls may overlap. */
export interface Language {
  /** Checks and transforms one cell. Nothing is remembered until `commit`. */
  prepare(cell: { id: number; code: string; level: CheckLevel }): Promise<PreparedCell>;
  /** The prepared cell ran (fully, or until an error or an interrupt): later cells see what it declared. */
  commit(id: number): Promise<void>;
  /** `cursor` counts Unicode code points. Never runs user code. */
  complete(code: string, cursor: number): Promise<CompletionResult>;
  inspect(code: string, cursor: number, detail: 0 | 1): Promise<{ found: boolean; data: MimeBundle }>;
  isComplete(
    code: string,
  ): Promise<{ status: 'complete' | 'incomplete' | 'invalid' | 'unknown'; indent?: string }>;
  /** Names that later cells can see, with their types as text: for `%who` and the variable list. */
  names(): Promise<{ name: string; kind: string; type: string }[]>;
  /** `%reset`: forgets every cell. `%cd`: the folder that relative imports start from. */
  reset(): Promise<void>;
  setFolder(path: string): Promise<void>;
}
