// Compiles the native engine with AddressSanitizer and UndefinedBehaviorSanitizer for every instruction set of the machine, and runs on each the golden cases, the
// engine's tests (ragged sizes, misaligned and strided memory, special numbers), and its kernels on large tensors. Opt-in: it takes
// a quarter of an hour on two cores, and needs GCC. GRADBOOK_ISA picks one instruction set; a folder of golden cases may be given.
import { execFileSync } from 'node:child_process';
import { engineTests, golden, path, runOnEach } from './onEachEngine.js';

process.env.GRADBOOK_SANITIZE = '1';
const { buildEngines, findCompiler, machineIsas } = await import('../dist/src/engine/build.js');
const compiler = findCompiler();
if (compiler === null) throw new Error('there is no C++ compiler: install g++');
const isas = process.env.GRADBOOK_ISA ? [process.env.GRADBOOK_ISA] : machineIsas();
await buildEngines(isas, (line) => process.stdout.write(`${line}\n`));

const library = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
runOnEach(
  isas,
  [
    golden(),
    golden('--dtype', 'float32'),
    golden('--noncontiguous'),
    [path('scripts/sanitizeWorkloads.js')],
    engineTests('native', 'families', 'laterFamilies', 'special'),
  ],
  {
    LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
    // V8 keeps memory that it means to keep.
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  },
);
