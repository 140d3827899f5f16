import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { readCell } from '../../kernel/language/declarations.ts';
import { transformCell } from '../../kernel/language/transform.ts';
import type { Modules } from '../../kernel/runtime/modules.ts';
import { Session } from '../../kernel/runtime/session.ts';

type Bindings = Record<string, unknown>;

/** What a run has left: the error that ended it, and the variables. */
interface Left {
  error: string | null;
  bindings: Bindings;
}

const named = (thrown: unknown): string => (thrown instanceof Error ? thrown.name : String(thrown));
const namesOf = (cells: readonly string[]): string[] =>
  cells.flatMap((cell) => readCell(cell).declarations.map(({ name }) => name));

/** The cells as a kernel runs them, one after the other. */
async function asCells(cells: readonly string[]): Promise<Left> {
  const session = new Session({ folder: '/' } as Modules, new Int32Array(4));
  const [names, shared] = [new Set<string>(), new Set<string>()];
  let error: string | null = null;
  for (const cell of cells) {
    const syntax = readCell(cell);
    expect(syntax.problems, cell).toEqual([]);
    const { code, shares } = transformCell(cell, syntax, names, shared);
    const run = new Script(code).runInThisContext() as ($: Session) => Promise<unknown>;
    try {
      await run(session);
    } catch (thrown) {
      error ??= named(thrown);
    }
    for (const { name } of syntax.declarations) names.add(name);
    for (const name of shares) shared.add(name);
    if (error) break;
  }
  return {
    error,
    bindings: Object.fromEntries(namesOf(cells).map((name) => [name, session.box(name)[name]])),
  };
}

/** The cells as one program of JavaScript's own: what they must leave. */
async function asProgram(cells: readonly string[]): Promise<Left> {
  const take = namesOf(cells).map((name) => `try { left.${name} = ${name} } catch {}`);
  const code = `async (left, keep) => { "use strict"; keep(() => { ${take.join(';')} });\n${cells.join('\n;\n')}\n}`;
  const bindings: Bindings = {};
  let fill = (): void => {};
  const run = new Script(code).runInThisContext() as (
    left: Bindings,
    keep: (f: () => void) => void,
  ) => Promise<void>;
  let error: string | null = null;
  try {
    await run(bindings, (f) => {
      fill = f;
    });
  } catch (thrown) {
    error = named(thrown);
  }
  fill();
  return { error, bindings: Object.fromEntries(namesOf(cells).map((name) => [name, bindings[name]])) };
}

const text = ({ error, bindings }: Left): string =>
  JSON.stringify({ error, bindings }, (_, value: unknown) =>
    typeof value === 'function'
      ? 'function'
      : typeof value === 'bigint'
        ? `${value}n`
        : value === undefined
          ? 'undefined'
          : value,
  );

async function expectSame(cells: readonly string[]): Promise<void> {
  expect(text(await asCells(cells)), cells.join('\n--\n')).toBe(text(await asProgram(cells)));
}

/** Cells in which something other than the loop itself touches its variables. */
const tricky: Record<string, string[]> = {
  'a function of the cell writes': [
    'let n = 0; function bump() { n += 10 }',
    'for (let i = 0; i < 5; i++) { n++; bump() }',
  ],
  'a function in the same cell writes': [
    'let n = 0; const seen = []; const bump = () => { n += 10; seen.push(n) }; for (let i = 0; i < 5; i++) { n++; if (i % 2) bump(); n *= 2 }',
  ],
  'a function made in the loop writes': [
    'let n = 0; const later = []; for (let i = 0; i < 4; i++) { n += i; later.push(() => (n += 100)); if (i === 2) later[0]() }',
    'for (const f of later) n += f()',
  ],
  'a function reads at every step': [
    'let n = 0; const seen = []; const look = () => seen.push(n); for (let i = 0; i < 4; i++) { n += i; look(); n++; look() }',
  ],
  'a getter writes': [
    'let n = 1; const o = { get x() { n *= 2; return n } }',
    'let s = 0; for (let i = 0; i < 4; i++) { s += n + o.x + n }',
  ],
  'a setter writes': [
    'let n = 1; const o = { set x(v) { n += v } }',
    'for (let i = 0; i < 4; i++) { o.x = n; n++ }',
  ],
  'valueOf and toString write': [
    'let n = 1; const v = { valueOf() { return (n += 3) }, toString() { return String((n += 5)) } }; let s = 0, t = ""',
    `for (let i = 0; i < 4; i++) { s += n + (+v) + n; t += String(v) + \`\${v}\` + n; n = n + v }`,
  ],
  'a compound assignment whose right side writes': [
    'let n = 1; function five() { n = 100; return 5 }',
    'for (let i = 0; i < 3; i++) { n += five() }',
    'let s = 0; for (let i = 0; i < 3; i++) { s += (s += i, i) + s++ - --s }',
  ],
  'a Proxy trap writes': [
    'let n = 0; const p = new Proxy([1, 2, 3], { get(t, k) { n++; return Reflect.get(t, k) } })',
    'let s = 0; for (let i = 0; i < 3; i++) s += p[i] * n; for (const x of p) s += x + n',
  ],
  'a generator writes between its values': [
    'let n = 0; function* numbers() { while (n < 8) { n += 2; yield n } }',
    'let s = 0; for (const x of numbers()) { s += x * n; n++ }',
  ],
  'an iterator that is closed writes': [
    'let n = 0; const it = { [Symbol.iterator]() { n = 1; return { next: () => ({ value: n++, done: false }), return() { n += 100; return {} } } } }',
    'let s = 0; for (const x of it) { s += x + n; if (x > 3) break }',
  ],
  'a tagged template and a comparator write': [
    'let n = 0; const tag = (s, ...v) => (n += v.length); const list = [3, 1, 2]',
    `let s = 0; for (let i = 0; i < 3; i++) { s += tag\`\${n} \${i}\` + n; list.sort((a, b) => { n++; return a - b }); s += n }`,
  ],
  'coercion by an index, a key and an operator': [
    'let n = 0; const key = { toString() { n++; return "k" } }; const o = { k: 1 }',
    'let s = 0; for (let i = 0; i < 3; i++) { s += o[key] + n; s += key in o ? n : 0; o[key] += n }',
  ],
  'Symbol.hasInstance and Symbol.toPrimitive write': [
    'let n = 0; class A { static [Symbol.hasInstance]() { n++; return true } [Symbol.toPrimitive]() { n += 2; return 1 } }; const a = new A()',
    'let s = 0; for (let i = 0; i < 3; i++) { if ({} instanceof A) s += n; s += a * n }',
  ],
  'field initializers and static blocks write': [
    'let n = 0; class A { x = ++n; static { n += 10 } }',
    'let s = 0; for (let i = 0; i < 3; i++) { s += new A().x + n; class B { static { n += 100 } } }',
  ],
  'a patched Math function writes': [
    'let n = 0; const random = Math.random; Math.random = () => { n++; return 0.5 }',
    'let s = 0; for (let i = 0; i < 4; i++) { n += 1; s += Math.random() * n }',
    'Math.random = random',
  ],
  'an error in the middle, caught outside': [
    'let n = 0, s = 0; try { for (let i = 0; i < 9; i++) { n++; s += i; if (i === 4) throw new RangeError() } } catch { s += 1000 }',
  ],
  'an error in the middle, caught inside': [
    'let n = 0, s = 0; for (let i = 0; i < 9; i++) { try { n++; if (i % 3 === 0) null.x; s += n } catch { s -= 1 } finally { n += 2 } }',
  ],
  'an error that ends the cell': [
    'let n = 0; for (let i = 0; i < 9; i++) { n += 2; if (i === 4) throw new TypeError() }',
  ],
  destructuring: [
    'let a = 1, b = 2, c; const o = { x: 1, y: [2, 3] }',
    'for (let i = 0; i < 5; i++) { [a, b] = [b, a + b]; ({ x: c, y: [a] } = { x: a, y: [b] }); [a, ...c] = [c, a, b] }',
    'for (let i = 0; i < 5; i++) { const t = ([a, b] = [b, a]); a += t.length; [a = b, b = a] = [undefined, i] }',
    'for (let i = 0; i < 2; i++) for ([a, b] of [[1, 2], [3, 4]]) { c = a * b }',
  ],
  'destructuring that fails half way': [
    'let a = 1, b = 2, s = 0',
    'for (let i = 0; i < 3; i++) { try { [a, b] = (function* () { yield a + 5; throw 1 })() } catch { s += a * 10 + b } a++ }',
  ],
  'heads that assign': [
    'let k = "", v = 0, s = ""',
    'for (k in { a: 1, b: 2 }) { s += k }; for (v of [1, 2, 3]) { s += v; v += 10; s += v }; for (var w of [4, 5]) s += w',
    'for (var i = 0, j = 9; i < j; i++, j--) { var last = i * j; var unset; s += i }',
    'for (const [x, { y }] of [[1, { y: 2 }]]) s += x + y',
  ],
  'values of updates and assignments': [
    'let n = 5, m = 0, t = ""; const xs = []',
    'for (let i = 0; i < 4; i++) { xs.push(n++, ++n, n--, --n, (n += 2), (m = n)); xs[m++ % 3] = n++; t = t + (n, m) }',
    'let u = null, w = 0; for (let i = 0; i < 3; i++) { u ??= i; w ||= i; w &&= w + 1; (n) += 1; (n)++ }',
  ],
  'closures of each turn': [
    'let s = 0; const fs = []; for (let i = 0; i < 3; i++) { let j = i * 2; fs.push(() => j++ + i) } for (const f of fs) s += f() + f()',
  ],
  shadowing: [
    'let x = 1, y = 2; for (let i = 0; i < 3; i++) { let x = i; { let y = x; y++; x += y } y += x } ; for (let x = 0; x < 2; x++) y += x; for (const y of [1]) x += y',
  ],
  'labels and switch': [
    'let s = 0, t = 0; outer: for (let i = 0; i < 5; i++) { for (;;) { t++; switch (t % 4) { case 0: continue outer; case 1: s += 1; break; case 2: break outer; default: s += 100 } if (t > 9) break } }',
  ],
  'do, while and no test': [
    'let n = 0, s = 0; do { s += n; if (n === 3) continue; } while (++n < 6); while (n) n--; for (;;) { if (++s > 30) break }',
  ],
  'more turns than pass between two looks for an interrupt': [
    'let n = 0, s = 0, w = 0; for (let i = 0; i < 5000; i++) { n++; for (const x of [1, 2]) s += x; if (i % 1000 === 0) w += n } while (n > 0) n -= 3',
  ],
  'awaits between': [
    'let n = 0, s = 0; const tick = () => Promise.resolve().then(() => { n += 10 })',
    'for (let i = 0; i < 4; i++) { const wait = tick(); n++; for (let j = 0; j < 3; j++) s += n; await wait; s += n }',
    'for await (const x of [1, Promise.resolve(2)]) { s += x; n++ } ; for (let i = 0; i < 2; i++) s += await n++',
  ],
  'a callback that comes between two loops': [
    'let n = 0, s = 0; const done = (async () => { await null; n = 50 })(); for (let i = 0; i < 3; i++) n++',
    'await done; for (let i = 0; i < 3; i++) { n++; s += n }',
  ],
  'big integers and text': [
    'let b = 1n, t = ""; for (let i = 0; i < 9; i++) { b *= 3n; b++; t += b; t = t + i }',
  ],
  'names of objects': [
    'let toString = 1, constructor = 0, __proto__x = 2; for (let i = 0; i < 3; i++) { toString++; constructor += toString }',
  ],
  'functions as values': [
    'let f = () => 1, s = 0; for (let i = 0; i < 4; i++) { s += f(); const g = f; f = () => g() + 1 }',
    'function h() { return this === undefined } let t = 0; for (let i = 0; i < 2; i++) t += h() ? 1 : 0',
  ],
  'a function that is replaced in the loop by a function': [
    'function f() { return 1 } let s = 0; const swap = () => { f = () => 100 }',
    'for (let i = 0; i < 3; i++) { s += f(); if (i === 0) swap() }',
  ],
  'functions are named for their variables': [
    'let f, g = (() => 1), h; const names = [g.name]; f = () => 2; h ??= class {}; names.push(f.name, h.name)',
    'for (let i = 0; i < 2; i++) { f = function () {}; names.push(f.name); var k = () => i; names.push(k.name) }',
  ],
  'classes in the loop': [
    'let n = 0; const made = []; for (let i = 0; i < 3; i++) { class A { static count = n; m() { return n } } n += A.count + new A().m() + 1; made.push(n) }',
  ],
};

/** A small generator of programs; the same number gives the same program. */
function program(seed: number): string[] {
  let state = seed * 2654435761 + 1;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pick = <T>(options: readonly T[]): T => options[random(options.length)];
  const names = ['a', 'b', 'c', 'd'];
  let depth = 0;
  let serial = 0;
  const value = (): string =>
    pick([
      () => pick(names),
      () => String(random(9)),
      () => `(${pick(names)} ${pick(['+', '-', '*', '&', '^'])} ${pick(names)}) % 1009`,
      () => `xs[${pick(names)} & 3]`,
      () => 'o.x',
      () => 'o.g',
      () => `read() % 97`,
      () => `write(${random(5)})`,
      () => `m[${pick(names)} & 1][${random(2)}]`,
      () => `Math.abs(${pick(names)})`,
      () => `(${pick(names)}${pick(['++', '--'])})`,
      () => `(${pick(['++', '--'])}${pick(names)})`,
      () => `(${pick(names)} = ${random(50)})`,
      () => `Number(box) % 31`,
    ])();
  const statement = (): string =>
    pick([
      () => `${pick(names)} = (${value()} + ${value()}) % 10007;`,
      () => `${pick(names)} ${pick(['+=', '-=', '^='])} ${value()};`,
      () => `${pick(names)}${pick(['++', '--'])};`,
      () => `[${pick(names)}, ${pick(names)}] = [${value()}, ${value()}];`,
      () => `xs[${pick(names)} & 3] = ${value()};`,
      () => `log.push(${pick(names)});`,
      () => 'read();',
      () => `if (${value()} > ${value()}) { ${statement()} } else { ${statement()} }`,
      () => `try { ${statement()} if (${value()} === 3) throw 1; ${statement()} } catch { ${statement()} }`,
      () => `hooks.push(() => { ${pick(names)} += 1 }); if (hooks.length > 20) hooks.length = 0;`,
      () => 'hooks.at(-1)?.();',
      () => (depth < 3 ? loop() : `${pick(names)}++;`),
    ])();
  const block = (): string => Array.from({ length: 1 + random(3) }, statement).join(' ');
  const loop = (): string => {
    depth++;
    const i = `i${serial++}`;
    const made = pick([
      () =>
        `for (let ${i} = 0; ${i} < ${1 + random(6)}; ${i}++) { ${block()} ${pick(['', `if (${i} === 2) continue;`, `if (${value()} === 4) break;`])} ${block()} }`,
      () => `for (const ${i} of xs) { ${block()} ${pick(names)} += ${i}; }`,
      () => `for (const ${i} of gen()) { ${block()} }`,
      () => `for (${pick(names)} of [1, 2, 3]) { ${block()} }`,
      () => `for (var v${i} = 0; v${i} < 3; v${i}++) { ${block()} }`,
      () => `{ let ${i} = 4; while (${i}-- > 0) { ${block()} } }`,
      () => `{ let ${i} = 0; do { ${block()} } while (++${i} < 3); }`,
    ])();
    depth--;
    return made;
  };
  // Some programs have functions that write, some have those that read alone.
  const writers = random(3);
  const first = [
    'let a = 1, b = 2, c = 3, d = 4; const xs = [1, 2, 3, 4], m = [[1, 2], [3, 4]], log = [], hooks = [];',
    'function read() { log.push(a, b); if (log.length > 500) log.length = 0; return a + b + c + d }',
    writers > 0 ? 'function write(k) { a += k; return a % 89 }' : 'function write(k) { return a + k }',
    writers > 1
      ? 'const o = { x: 1, get g() { return b++ % 83 } };'
      : 'const o = { x: 1, get g() { return b % 83 } };',
    'const box = { valueOf() { return c } }; function* gen() { yield a % 7; yield d % 5 }',
  ];
  return [first.join('\n'), `${statement()} ${loop()}`, loop(), loop()];
}

describe('loops leave what JavaScript leaves', () => {
  test.each(Object.entries(tricky))('%s', async (_, cells) => {
    await expectSame(cells);
    if (cells.length > 1) await expectSame([cells.join('\n;\n')]);
  });

  test('programs at random', async () => {
    for (let seed = 1; seed <= 150; seed++) await expectSame(program(seed));
  });
});
