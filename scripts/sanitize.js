// Compiles the native engine with AddressSanitizer and UndefinedBehaviorSanitizer, and runs the golden cases and the benchmark's workloads on it. Opt-in: it takes
// minutes, and needs GCC. GRADBOOK_ISA picks the instruction set (default: baseline).
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.env.GRADBOOK_SANITIZE = '1';
process.env.GRADBOOK_ISA ??= 'baseline';
const { buildEngines, findCompiler } = await import('../dist/src/engine/build.js');
const compiler = findCompiler();
if (compiler === null) throw new Error('there is no C++ compiler: install g++');
await buildEngines([process.env.GRADBOOK_ISA], (line) => process.stdout.write(`${line}\n`));
const library = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
const folder = process.argv[2] ?? fileURLToPath(new URL('../test/golden/data', import.meta.url));
const main = fileURLToPath(new URL('../dist/test/golden/main.js', import.meta.url));
const workloads = fileURLToPath(new URL('./sanitizeWorkloads.js', import.meta.url));
const golden = [main, folder, '--engine', 'native'];
const runs = [golden, [...golden, '--dtype', 'float32'], [...golden, '--noncontiguous'], [workloads]];
for (const args of runs) {
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
      // V8 keeps memory that it means to keep; GCC's vectors may lie anywhere.
      ASAN_OPTIONS: 'detect_leaks=0',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    },
  });
  if (status !== 0) process.exit(1);
}
