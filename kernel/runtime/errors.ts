import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { CellError, Diagnostic } from '../interfaces.ts';

/** A cell's sources, kept for tracebacks. */
export interface CellScript {
  executionCount: number;
  source: string;
  /** Parsed when a traceback needs it. */
  map: string | TraceMap;
}

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;

/** What became a call is pointed at as a whole. */
const isMagic = /^\s*%%|^[%!?]/;

/** Our own files say nothing to a user. */
const ownCode = fileURLToPath(new URL('../..', import.meta.url));

/** What the user meant to stop, and did. */
export class Interrupted extends Error {
  override name = 'Interrupted';
  constructor() {
    super('the cell was interrupted; its variables are kept');
  }
}

/** Turns what a cell threw into the protocol's error, with the user's lines. */
export class Tracebacks {
  readonly #scripts = new Map<string, CellScript>();

  add(path: string, executionCount: number, source: string, map: string): void {
    this.#scripts.set(path, { executionCount, source, map });
  }

  /** Type or syntax errors that stopped a cell, all of them. */
  diagnostics(executionCount: number, errors: readonly Diagnostic[]): CellError {
    const lines = errors.flatMap(({ line, column, length, message, code, source }) => {
      const label = typeof code === 'number' ? `TS${code}` : code;
      const width = Math.max(1, Math.min(length, source.length - column));
      return [
        `Cell In[${executionCount}], line ${line}`,
        `    ${source}`,
        `    ${' '.repeat(column)}${red('^'.repeat(width))}`,
        `${red(label)}: ${message}`,
      ];
    });
    const syntax = errors.every(({ code }) => code === 'SyntaxError');
    const ename = syntax ? 'SyntaxError' : 'TypeError';
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    const evalue = `${typeof first.code === 'number' ? `TS${first.code}: ` : ''}${first.message}${more}`;
    return { ename, evalue, traceback: lines };
  }

  /** Never throws, whatever was thrown. */
  describe(thrown: unknown): CellError {
    try {
      return this.#describe(thrown);
    } catch {
      const evalue = 'a value that cannot be shown: reading it throws';
      return { ename: 'Thrown', evalue, traceback: [`${red('Thrown')}: ${evalue}`] };
    }
  }

  #describe(thrown: unknown): CellError {
    if (!(thrown instanceof Error) && !isErrorLike(thrown)) {
      const evalue = typeof thrown === 'string' ? thrown : inspect(thrown);
      return { ename: 'Thrown', evalue, traceback: [`${red('Thrown')}: ${evalue}`] };
    }
    const error = thrown as Error;
    return { ename: error.name, evalue: error.message, traceback: this.#lines(error, new Set()) };
  }

  #lines(error: Error, seen: Set<unknown>): string[] {
    seen.add(error);
    const title = `${red(error.name)}: ${error.message}`;
    const lines = [...this.frames(error), title];
    if (error instanceof AggregateError)
      error.errors.forEach((inner, i) => {
        if (!seen.has(inner))
          lines.push(dim(`error ${i + 1} of ${error.errors.length}:`), ...this.#nested(inner, seen));
      });
    if (error.name === 'SuppressedError' && 'error' in error && 'suppressed' in error)
      for (const [part, inner] of [
        ['thrown by a disposal:', error.error],
        ['which suppressed:', error.suppressed],
      ] as const)
        if (!seen.has(inner)) lines.push(dim(part), ...this.#nested(inner, seen));
    if (error.cause !== undefined && !seen.has(error.cause))
      lines.push(dim('caused by:'), ...this.#nested(error.cause, seen));
    return lines;
  }

  #nested(value: unknown, seen: Set<unknown>): string[] {
    return isErrorLike(value) ? this.#lines(value as Error, seen) : [inspect(value)];
  }

  /** The frames in cells and in the user's files, outermost first as Python shows them; the kernel's own are left out. */
  frames(error: Error): string[] {
    const frames: string[] = [];
    for (const line of (error.stack ?? '').split('\n')) {
      const match =
        /(?:\(|at (?:async )?)((?:file:\/\/|gradbook:|\/|[A-Za-z]:\\)[^()\s]*?):(\d+):(\d+)\)?$/.exec(line);
      if (!match) continue;
      const [, path, row, column] = match;
      const script = this.#scripts.get(path);
      const called = /at (?:async )?(.+?) \(/.exec(line)?.[1];
      if (script) frames.unshift(...this.#cellFrame(script, Number(row), Number(column), called));
      else if (!/\bnode:/.test(path) && !path.includes(ownCode) && !/@oxc-project.runtime/.test(path))
        frames.unshift(`File ${path.replace(/^file:\/\//, '')}:${row}${called ? `, in ${called}` : ''}`);
    }
    return frames.slice(-40);
  }

  #cellFrame(script: CellScript, row: number, column: number, called?: string): string[] {
    if (typeof script.map === 'string') script.map = new TraceMap(script.map);
    const { executionCount, source, map } = script;
    const { line, column: at } = originalPositionFor(map, { line: row, column: Math.max(0, column - 1) });
    if (line === null) return [];
    const text = source.split('\n')[line - 1] ?? '';
    const inside = called && !/^\$|^eval|<anonymous>/.test(called) ? `, in ${called}` : '';
    return [
      `Cell In[${executionCount}], line ${line}${inside}`,
      `    ${text}`,
      `    ${' '.repeat(isMagic.test(text) ? 0 : (at ?? 0))}${red('^')}`,
    ];
  }
}

const isErrorLike = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'message' in value && 'name' in value;
