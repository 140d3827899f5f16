import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const script = fileURLToPath(new URL('conformance.py', import.meta.url));

const python = [process.env.GRADBOOK_PYTHON, 'python3', '/usr/bin/python3'].find((name) => {
  try {
    if (name) execFileSync(name, ['-c', 'import jupyter_kernel_test'], { stdio: 'ignore' });
    return Boolean(name);
  } catch {
    return false;
  }
});

test.skipIf(!python)(
  'jupyter_kernel_test passes, none of it skipped (itself skipped where no Python has it: GRADBOOK_PYTHON, python3)',
  { timeout: 120_000, retry: 1 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gradbook-conformance-'));
    execFileSync(process.execPath, [cli, 'install', '--prefix', folder], { stdio: 'ignore' });
    const { failed, report } = await new Promise<{ failed: boolean; report: string }>((resolve) => {
      execFile(
        python!,
        [script],
        {
          cwd: folder,
          env: {
            ...process.env,
            JUPYTER_PATH: join(folder, 'share', 'jupyter'),
            GRADBOOK_HISTORY: join(folder, 'history.sqlite'),
          },
        },
        (error, _, stderr) => resolve({ failed: error !== null, report: stderr }),
      );
    });
    rmSync(folder, { recursive: true, force: true });
    expect(failed ? report : '').toBe('');
    expect(report).toMatch(/Ran \d+ tests/);
    expect(report).not.toMatch(/skipped/);
  },
);
