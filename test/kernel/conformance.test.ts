import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));

/** The first Python that has a package. */
function pythonWith(name: string): string | undefined {
  return [process.env.GRADBOOK_PYTHON, 'python3', '/usr/bin/python3'].find((python) => {
    try {
      if (python) execFileSync(python, ['-c', `import ${name}`], { stdio: 'ignore' });
      return Boolean(python);
    } catch {
      return false;
    }
  });
}

const suites = [
  { name: 'jupyter_kernel_test', script: 'conformance.py' },
  { name: 'nbclient', script: 'notebook_client.py' },
].map((suite) => ({ ...suite, python: pythonWith(suite.name) }));

for (const { name, script, python } of suites)
  test.skipIf(!python)(
    `${name} passes, none of it skipped (itself skipped where no Python has it: GRADBOOK_PYTHON, python3)`,
    { timeout: 180_000, retry: 1 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'gradbook-conformance-'));
      execFileSync(process.execPath, [cli, 'install', '--prefix', folder], { stdio: 'ignore' });
      const { failed, report } = await new Promise<{ failed: boolean; report: string }>((resolve) => {
        execFile(
          python!,
          [fileURLToPath(new URL(script, import.meta.url))],
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
