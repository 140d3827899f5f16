// Calls every kernel on large tensors, on two threads, in float32 and float64: what the sanitizers see beyond the small golden cases. Then some of them again, each
// ended by an interrupt before it begins.

import { setInterruptWords, setNumThreads } from '../dist/src/index.js';
import { largeCalls } from '../dist/test/engine/largeCalls.js';

setNumThreads(2);
for (const dtype of ['float32', 'float64']) for (const [, run] of largeCalls()) run(dtype);
const words = new Int32Array(new SharedArrayBuffer(8));
setInterruptWords(words);
Atomics.wait = () => {
  throw new Error('stopped');
};
let ended = 0;
for (const [, run] of largeCalls()) {
  words[0] = 1;
  try {
    run('float32');
  } catch {
    ended++;
  }
  words[0] = 0;
}
process.stdout.write(`large calls ran without a finding, and ${ended} that were interrupted\n`);
