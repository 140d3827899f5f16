import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Process ids of `root` and everything that it started. */
function processTree(root: number): number[] {
  const parents = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const id of tree) for (const [child, parent] of parents) if (parent === id) tree.push(child);
  return tree;
}

/**
 * Megabytes of memory of a process and its children. On Linux pages that several share count once (PSS); elsewhere the sum of what
 * is resident. Null where `ps` is missing.
 */
export function memoryOfTree(root: number): number | null {
  try {
    let kilobytes = 0;
    for (const id of processTree(root))
      try {
        kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))![1]);
      } catch {
        kilobytes += Number(execFileSync('ps', ['-o', 'rss=', '-p', String(id)], { encoding: 'utf8' }));
      }
    return kilobytes / 1024;
  } catch {
    return null;
  }
}
