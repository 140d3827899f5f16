/** Seconds of one call: the least of many repetitions, short calls in batches. The Python peer measures in the same way. */
export function leastSeconds(call: () => void, budget: number): number {
  // Until V8 has compiled what is called often.
  const warm = performance.now() + budget * 1000;
  for (let i = 0; i < 2 || (i < 2000 && performance.now() < warm); i++) call();
  let once = Infinity;
  let started = 0;
  for (let i = 0; i < 3; i++) {
    started = performance.now();
    call();
    once = Math.min(once, Math.max(performance.now() - started, 1e-4));
  }
  const batch = Math.max(1, Math.min(10_000, Math.round(0.5 / once)));
  let least = Infinity;
  const end = performance.now() + budget * 1000;
  for (let rounds = 0; rounds < 5 || performance.now() < end; rounds++) {
    started = performance.now();
    for (let i = 0; i < batch; i++) call();
    least = Math.min(least, (performance.now() - started) / batch);
    if (rounds >= 2 && performance.now() > end + budget * 3000) break;
  }
  return least / 1000;
}

/** As {@link leastSeconds}, for what ends with a promise and takes a millisecond or so. */
export async function leastSecondsOfPromises(call: () => Promise<void>, budget: number): Promise<number> {
  await call();
  let least = Infinity;
  const end = performance.now() + budget * 1000;
  for (let rounds = 0; rounds < 3 || performance.now() < end; rounds++) {
    const started = performance.now();
    await call();
    least = Math.min(least, performance.now() - started);
    if (rounds >= 1 && performance.now() > end + budget * 3000) break;
  }
  return least / 1000;
}
