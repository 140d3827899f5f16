import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * The processes that the main thread's code has started, with all that those have started; the compiler belongs to another thread. Empty
 * where the system does not tell.
 */
export function descendantsOfMainThread(): number[] {
  const found = process.platform === 'linux' ? childrenOf(process.pid) : childrenByPs(process.pid);
  for (const id of found) found.push(...(process.platform === 'linux' ? childrenOf(id) : childrenByPs(id)));
  return found;
}

function childrenOf(id: number): number[] {
  try {
    return readFileSync(`/proc/${id}/task/${id}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function childrenByPs(id: number): number[] {
  try {
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent, command]) => Number(parent) === id && !/(^|\/)(tsc|ps)$/.test(command))
      .map(([child]) => Number(child));
  } catch {
    return [];
  }
}
