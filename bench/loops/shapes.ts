/** A loop as users write them. */
export interface Shape {
  title: string;
  /** What an earlier cell has left for both: functions, data that is only read. */
  before?: string;
  /** What it works with: at the top level, or in the function. */
  variables: string;
  loop: string;
  /** It awaits: other cells may run meanwhile, so that nothing but the shared variable will do. */
  awaits?: true;
}

export const shapes: readonly Shape[] = [
  { title: 'counter', variables: 'let sum = 0', loop: 'for (let i = 0; i < 3e7; i++) sum += i & 7' },
  {
    title: 'sum of doubles',
    variables: 'let total = 0',
    loop: 'for (let i = 0; i < 2e7; i++) total += i * 0.5',
  },
  {
    title: 'a bound and a step that are variables',
    variables: 'let at = 0, steps = 0; const end = 3e7, step = 1',
    loop: 'for (at = 0; at < end; at += step) steps++',
  },
  {
    title: 'while',
    variables: 'let n = 27, longest = 0',
    loop: 'while (longest < 1e7) { n = n % 2 === 0 ? n / 2 : n === 1 ? 27 : 3 * n + 1; longest++ }',
  },
  {
    title: 'Math functions',
    variables: 'let wave = 0',
    loop: 'for (let i = 0; i < 3e6; i++) wave += Math.sin(i) * Math.sqrt(i)',
  },
  {
    title: 'filling an array',
    variables: 'const squares: number[] = []',
    loop: 'for (let i = 0; i < 3e6; i++) squares.push(i * i)',
  },
  {
    title: 'reading and writing a typed array',
    variables: 'const cells = new Float64Array(1024); let carry = 1',
    loop: 'for (let i = 0; i < 2e7; i++) { cells[i & 1023] = carry; carry = cells[(i * 7) & 1023] * 0.25 + 1 }',
  },
  {
    title: 'for of an array',
    variables: 'const values = Array.from({ length: 4e6 }, (_, k) => k / 3); let mass = 0',
    loop: 'for (const value of values) mass += value',
  },
  {
    title: 'nested arrays',
    variables:
      'const m = Array.from({ length: 300 }, (_, i) => Array.from({ length: 300 }, (_, j) => i + j / 2)); let trace = 0',
    loop: 'for (let r = 0; r < 100; r++) for (let i = 0; i < 300; i++) for (let j = 0; j < 300; j++) trace += m[i][j]',
  },
  {
    title: 'nested loops',
    variables: 'let pairs = 0',
    loop: 'for (let i = 0; i < 6000; i++) for (let j = 0; j < 6000; j++) if ((i ^ j) & 1) pairs++',
  },
  {
    title: 'matrix product',
    variables:
      'const size = 200; const [left, right, product] = [0, 1, 2].map((k) => Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => k * i + j / 2)))',
    loop: `for (let i = 0; i < size; i++)
  for (let j = 0; j < size; j++) {
    let dot = 0;
    for (let k = 0; k < size; k++) dot += left[i][k] * right[k][j];
    product[i][j] = dot;
  }`,
  },
  {
    title: 'sieve',
    variables: 'const limit = 5e6; const composite = new Uint8Array(limit + 1); let primes = 0',
    loop: `for (let i = 2; i <= limit; i++) {
  if (composite[i]) continue;
  primes++;
  for (let j = i * i; j <= limit; j += i) composite[j] = 1;
}`,
  },
  {
    title: 'Monte Carlo',
    variables: 'let inside = 0, tries = 5e6',
    loop: 'for (let i = 0; i < tries; i++) { const x = Math.random(), y = Math.random(); if (x * x + y * y < 1) inside++ }',
  },
  {
    title: 'a call of an earlier cell’s function',
    before: 'function half(x: number): number { return x / 2 }',
    variables: 'let halves = 0',
    loop: 'for (let i = 0; i < 2e7; i++) halves += half(i)',
  },
  {
    title: 'a function that reads the variable',
    variables: 'let seen = 1; function current(): number { return seen }',
    loop: 'for (let i = 0; i < 1e7; i++) seen += current() & 3',
  },
  {
    title: 'a function that writes the variable',
    variables: 'let count = 0; function bump(by: number): void { count += by }',
    loop: 'for (let i = 0; i < 1e7; i++) { bump(1); if (count > 1000) count = 0 }',
  },
  {
    title: 'a variable that some function writes',
    variables: 'let score = 0; function restart(): void { score = 0 }',
    loop: 'restart(); for (let i = 0; i < 2e7; i++) score += i * 0.5',
  },
  {
    title: 'methods of objects',
    before: 'class Counter { value = 0; add(by: number): this { this.value += by; return this } }',
    variables: 'const counter = new Counter(); let last = 0',
    loop: 'for (let i = 0; i < 2e7; i++) last = counter.add(i & 3).value',
  },
  {
    title: 'properties of objects',
    variables: 'const point = { x: 0.5, y: 1.5, n: 0 }',
    loop: 'for (let i = 0; i < 2e7; i++) { point.x += point.y * 1e-6; point.n++ }',
  },
  {
    title: 'a list of objects',
    variables: 'const list = Array.from({ length: 1000 }, (_, k) => ({ x: k / 7, v: 1 })); let energy = 0',
    loop: 'for (let r = 0; r < 5000; r++) for (const p of list) { p.x += p.v * 1e-3; energy += p.x }',
  },
  {
    title: 'building text',
    variables: "let text = ''",
    loop: "for (let i = 0; i < 3e6; i++) text += i % 10 === 0 ? '-' : 'x'",
  },
  {
    title: 'a Map',
    variables: "const counts = new Map<string, number>(); const words = ['a', 'b', 'c', 'd']",
    loop: 'for (let i = 0; i < 3e6; i++) { const w = words[i & 3]; counts.set(w, (counts.get(w) ?? 0) + 1) }',
  },
  {
    title: 'destructuring',
    variables: 'let a = 0, b = 1',
    loop: 'for (let i = 0; i < 5e6; i++) [a, b] = [b, (a + b) & 0xffff]',
  },
  {
    title: 'labels, break and continue',
    variables: 'let hits = 0',
    loop: 'outer: for (let i = 0; i < 3e6; i++) { for (let j = 0; j < 20; j++) { if (j > 10) continue outer; if ((i + j) % 13 === 0) break; hits++ } }',
  },
  {
    title: 'try and catch',
    variables: 'let failures = 0, good = 0',
    loop: 'for (let i = 0; i < 1e7; i++) { try { if (i % 100_000 === 0) throw i; good++ } catch { failures++ } }',
  },
  {
    title: 'switch',
    variables: 'let state = 0, visits = 0',
    loop: 'for (let i = 0; i < 2e7; i++) switch (state) { case 0: state = 1; visits++; break; case 1: state = 2; break; default: state = 0 }',
  },
  {
    title: 'var in the head',
    variables: 'var area = 0',
    loop: 'for (var k = 0; k < 2e7; k++) area += k * 1e-3',
  },
  {
    title: 'big integers',
    variables: 'let hash = 1n',
    loop: 'for (let i = 0n; i < 500_000n; i++) hash = (hash * 31n + i) % 1_000_000_007n',
  },
  {
    title: 'a callback for each',
    variables: 'const numbers = Array.from({ length: 1000 }, (_, k) => k / 3); let norm = 0',
    loop: 'for (let r = 0; r < 5000; r++) numbers.forEach((x) => { norm += x * x })',
  },
  {
    title: 'tensors',
    before: 'const step = tensor([0.5, 0.25])',
    variables: 'let weights = zeros(2), rounds = 0',
    loop: 'for (let i = 0; i < 3e4; i++) { weights = weights.add(step); rounds++ }',
  },
  {
    title: 'await',
    variables: 'let turns = 0, steps2 = 0',
    loop: 'for (let i = 0; i < 1e5; i++) { turns += i & 3; steps2++; await null }',
    awaits: true,
  },
  {
    title: 'loops between awaits',
    variables: 'let loss = 0',
    loop: 'for (let e = 0; e < 20; e++) { for (let i = 0; i < 1e6; i++) loss += i * 1e-6; await null }',
    awaits: true,
  },
  {
    title: 'a name that held other things',
    before: "let best: unknown = { text: 'x' }; best = 0.5; best = 'x'",
    variables: 'let best = 0',
    loop: 'for (let i = 0; i < 2e7; i++) best += i * 0.5',
  },
  {
    title: 'a variable without a first value',
    variables: 'let area2: number; area2 = 0.5',
    loop: 'for (let i = 0; i < 2e7; i++) area2 += i * 0.5',
  },
];
