import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names hold the process that made the folder. */
const pattern = /^gradbook-types-(\d+)-/;

/** Whether a process runs; one of somebody else does too. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes what kernels have left that were killed, as a front end does with one that does not answer. */
export function sweep(place: string): void {
  for (const name of readdirSync(place)) {
    const pid = pattern.exec(name)?.[1];
    if (pid === undefined || runs(Number(pid))) continue;
    try {
      rmSync(join(place, name), { recursive: true, force: true });
    } catch {
      // Somebody else's.
    }
  }
}

/**
 * A new folder for the compiler's files, in memory where the system has that: writing one to a disk takes as long as checking it. Whoever made it
 * removes it; of processes that were killed, the next one does, a while after its start.
 *
 * @returns its path, without links. Error: where no folder for temporary files can be written.
 */
export function scratchFolder(): string {
  for (const place of ['/dev/shm', tmpdir()])
    try {
      const folder = realpathSync(mkdtempSync(join(place, `gradbook-types-${process.pid}-`)));
      setTimeout(() => sweep(place), 5000).unref();
      return folder;
    } catch {
      // The next one.
    }
  throw new Error(`no folder for temporary files can be made in ${tmpdir()}`);
}
