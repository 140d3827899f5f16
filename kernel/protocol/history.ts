import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Database } from 'node-sqlite3-wasm';
import { log } from './log.ts';

/** `(session, line, input)`, or with output `(session, line, (input, output))`. */
export type HistoryEntry = [number, number, string | [string, string | null]];

export interface HistoryRequest {
  output?: boolean;
  hist_access_type?: 'range' | 'tail' | 'search';
  session?: number;
  start?: number;
  stop?: number;
  n?: number;
  pattern?: string;
  unique?: boolean;
}

interface Row {
  session: number;
  line: number;
  source: string;
  output: string | null;
}

/** The file that keeps the inputs of all sessions; `GRADBOOK_HISTORY` names another (`:memory:` keeps none). */
export const historyPath = (): string =>
  process.env.GRADBOOK_HISTORY ??
  join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'gradbook', 'history.sqlite');

/** Inputs (and text results) of this and earlier sessions, in SQLite. The database is opened when it is first needed. */
export class History {
  readonly #path: string;
  #database: Database | null = null;
  /** The session of the kernel's own shell (null), and one for each subshell, whose cells count from 1 as well. */
  readonly #sessions = new Map<string | null, number>();
  #unwritten: { statement: string; text: string; line: number; shell: string | null }[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(path: string = historyPath()) {
    this.#path = path;
  }

  #open(): Database {
    if (this.#database) return this.#database;
    // A CommonJS package: loaded late, because it compiles WebAssembly.
    const sqlite = createRequire(import.meta.url)('node-sqlite3-wasm') as typeof import('node-sqlite3-wasm');
    let database: Database;
    try {
      if (this.#path !== ':memory:') mkdirSync(dirname(this.#path), { recursive: true });
      database = new sqlite.Database(this.#path);
      createTables(database);
    } catch {
      // A read-only home must not cost the user the kernel: this session's history lives in memory.
      database = new sqlite.Database(':memory:');
      createTables(database);
    }
    this.#database = database;
    this.#session(null);
    return database;
  }

  #session(shell: string | null): number {
    const known = this.#sessions.get(shell);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.#open().run('INSERT INTO sessions (start) VALUES (?)', [
      new Date().toISOString(),
    ]);
    const session = Number(lastInsertRowid);
    this.#sessions.set(shell, session);
    return session;
  }

  /** @param shell the id of the subshell that ran it; null is the kernel's own shell. */
  add(line: number, source: string, shell: string | null): void {
    this.#later(
      'INSERT OR REPLACE INTO history (source, session, line) VALUES (?, ?, ?)',
      source,
      line,
      shell,
    );
  }

  addOutput(line: number, output: string, shell: string | null): void {
    this.#later('UPDATE history SET output = ? WHERE session = ? AND line = ?', output, line, shell);
  }

  /** Writing to a file takes longer than many a cell: it is done in one go when nothing has come for a moment. */
  #later(statement: string, text: string, line: number, shell: string | null): void {
    this.#unwritten.push({ statement, text, line, shell });
    this.#timer ??= setTimeout(() => this.#write(), 200);
  }

  #write(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const rows = this.#unwritten;
    if (rows.length === 0) return;
    this.#unwritten = [];
    try {
      const database = this.#open();
      database.exec('BEGIN');
      for (const { statement, text, line, shell } of rows)
        database.run(statement, [text, this.#session(shell), line]);
      database.exec('COMMIT');
    } catch (error) {
      // Another kernel may hold the file for long: cells must go on without their history.
      log(`the history was not written: ${(error as Error).message}`);
    }
  }

  /** `shell` is the subshell that asks: session 0 is its own. */
  query(request: HistoryRequest, shell: string | null): HistoryEntry[] {
    this.#write();
    const database = this.#open();
    const { hist_access_type: type = 'tail', n, pattern = '*', unique = false, output = false } = request;
    let rows: Row[];
    if (type === 'range') {
      const wanted = request.session ?? 0;
      const session =
        wanted > 0 ? wanted : wanted === 0 ? this.#session(shell) : this.#session(null) + wanted;
      const { start = 0, stop } = request;
      rows = database.all(
        'SELECT * FROM history WHERE session = ? AND line >= ? AND line < ? ORDER BY line',
        [session, start, stop ?? Number.MAX_SAFE_INTEGER],
      ) as unknown as Row[];
    } else {
      const where = type === 'search' ? 'WHERE source GLOB ?' : '';
      const group = type === 'search' && unique ? 'GROUP BY source HAVING max(session * 1000000 + line)' : '';
      const values: (string | number)[] = type === 'search' ? [pattern] : [];
      rows = database.all(
        `SELECT * FROM history ${where} ${group} ORDER BY session DESC, line DESC LIMIT ?`,
        [...values, n ?? -1],
      ) as unknown as Row[];
      rows.reverse();
    }
    return rows.map(({ session, line, source, output: text }) => [
      session,
      line,
      output ? [source, text] : source,
    ]);
  }

  close(): void {
    this.#write();
    this.#database?.close();
    this.#database = null;
  }
}

function createTables(database: Database): void {
  database.exec(`
    PRAGMA busy_timeout = 2000;
    CREATE TABLE IF NOT EXISTS sessions (session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS history (
      session INTEGER NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL, output TEXT,
      PRIMARY KEY (session, line)
    );
  `);
}
