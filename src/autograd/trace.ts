/** Where the library's own files lie: frames from there say nothing to a user. */
const library = new URL('..', import.meta.url).href;

/** The stack of the present call without the library's own frames, innermost first. */
export function userFrames(from: (...args: never[]) => unknown): string[] {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 64;
  Error.captureStackTrace(holder, from);
  const text = holder.stack ?? '';
  Error.stackTraceLimit = limit;
  return text
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .filter((line) => !isInternal(line))
    .map((line) => line.trim());
}

const path = decodeURIComponent(new URL(library).pathname);

const isInternal = (line: string): boolean =>
  /<anonymous>\)?$|\bnode:|\/node_modules\/|\/dist\/(kernel|display)\//.test(line) ||
  ((line.includes(library) || line.includes(path)) && !/\.test\.[jt]s\b/.test(line));
