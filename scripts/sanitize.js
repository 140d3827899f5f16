// Compiles the native engine with AddressSanitizer and UndefinedBehaviorSanitizer for every instruction set of the machine, and runs on each the golden cases, the
// engine's tests (ragged sizes, misaligned and strided memory, special numbers), and its kernels on large tensors. Opt-in: it takes
// a quarter of an hour on two cores, and needs GCC. GRADBOOK_ISA picks one instruction set; a folder of golden cases may be given.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.env.GRADBOOK_SANITIZE = '1';
const { buildEngines, findCompiler, machineIsas } = await import('../dist/src/engine/build.js');
const compiler = findCompiler();
if (compiler === null) throw new Error('there is no C++ compiler: install g++');
const isas = process.env.GRADBOOK_ISA ? [process.env.GRADBOOK_ISA] : machineIsas();
await buildEngines(isas, (line) => process.stdout.write(`${line}\n`));

const library = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const golden = [
  path('dist/test/golden/main.js'),
  process.argv[2] ?? path('test/golden/data'),
  '--engine',
  'native',
];
const runs = [
  golden,
  [...golden, '--dtype', 'float32'],
  [...golden, '--noncontiguous'],
  [path('scripts/sanitizeWorkloads.js')],
  [path('node_modules/vitest/vitest.mjs'), 'run', '--project', 'together', '--maxWorkers', '1'].concat(
    ['native', 'families', 'laterFamilies', 'special'].map((name) => `test/engine/${name}.test.ts`),
  ),
];
const failed = [];
for (const isa of isas)
  for (const args of runs) {
    const { status } = spawnSync(process.execPath, args, {
      cwd: path('.'),
      stdio: 'inherit',
      env: {
        ...process.env,
        GRADBOOK_ISA: isa,
        LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
        // V8 keeps memory that it means to keep.
        ASAN_OPTIONS: 'detect_leaks=0',
        UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
      },
    });
    if (status !== 0) failed.push(`${isa}: ${args.join(' ')}`);
  }
process.stdout.write(
  failed.length === 0 ? `no finding on ${isas.join(', ')}\n` : `failed:\n${failed.join('\n')}\n`,
);
process.exit(failed.length === 0 ? 0 : 1);
