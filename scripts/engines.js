// On each instruction set of the machine: a folder of golden cases in every mode, and every kernel on large tensors in float32 and float64, interrupted and with
// several numbers of threads. `npm test` does a part of that.
import { machineIsas } from '../dist/src/engine/build.js';
import { engineTests, golden, runOnEach } from './onEachEngine.js';

runOnEach(
  machineIsas(),
  [
    golden(),
    golden('--noncontiguous'),
    golden('--dtype', 'float32'),
    golden('--dtype', 'float32', '--noncontiguous'),
    engineTests('interrupts', 'threads'),
  ],
  { GRADBOOK_THOROUGH: '1' },
);
