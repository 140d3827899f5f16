import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gradbookCommand, TestKernel } from './client.ts';

let kernel: TestKernel;
beforeAll(async () => {
  kernel = await TestKernel.start();
  folder = String(await shown('process.cwd()')).slice(1, -1);
});
afterAll(async () => {
  await kernel.stop();
});

/** The notebook's. */
let folder: string;

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

interface Outcome {
  result: string | undefined;
  stdout: string;
  stderr: string;
  /** Name and text of the error. */
  error: string | undefined;
  traceback: string;
}

async function outcome(code: string, where = kernel): Promise<Outcome> {
  const { reply, outputs } = await where.execute(code);
  const stream = (name: string): string =>
    outputs
      .filter(({ header, content }) => header.msg_type === 'stream' && (content.name as unknown) === name)
      .map(({ content }) => String(content.text))
      .join('');
  const result = outputs.find(({ header }) => header.msg_type === 'execute_result');
  const { status, ename, evalue, traceback } = reply.content as unknown as Record<string, string>;
  return {
    result: (result?.content.data as Record<string, string> | undefined)?.['text/plain'],
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    error: status === 'error' ? `${ename}: ${evalue}` : undefined,
    traceback: stripVTControlCharacters([traceback ?? ''].flat().join('\n')),
  };
}

async function shown(code: string): Promise<string | undefined> {
  const { result, error } = await outcome(code);
  if (error) throw new Error(`${code}\n${error}`);
  return result;
}

describe('every form of declaration', () => {
  test('a name is declared again in every form, each by running its cell twice', async () => {
    const forms: [declare: string, use: string, expected: string][] = [
      ['const again = 1', 'again.toFixed(1)', "'1.0'"],
      ["let again = 'x'", 'again.toUpperCase()', "'X'"],
      ['function again(n: number): string { return String(n) }', 'again(3).length', '1'],
      [
        'class again { #p = 1; get q() { return this.#p } static make() { return new again() } }',
        'again.make().q',
        '1',
      ],
      ['enum again { X = 1, Y }', 'again[2]', "'Y'"],
      ['var again = [1, 2]', 'again.length', '2'],
      [
        'namespace again { export const inner = 2; export interface T { z: number } }',
        '({ z: again.inner }) satisfies again.T',
        '{ z: 2 }',
      ],
      ['async function* again() { yield 4 }', '(await again().next()).value', '4'],
      [
        'abstract class again<T> { constructor(readonly v: T) {} abstract m(): T }',
        'new (class extends again<number> { m() { return this.v } })(5).m()',
        '5',
      ],
      ['const { again = 6 } = {} as { again?: number }', 'again + 1', '7'],
      ['const [, ...again] = [1, 2, 3]', 'again', '[ 2, 3 ]'],
      ["import { sep as again } from 'node:path'", 'again', "'/'"],
      ["import * as again from 'node:os'", 'typeof again.cpus', "'function'"],
      ["import again = require('node:path')", "again.join('a', 'b')", "'a/b'"],
      ['const enum again { Only = 8 }', 'again.Only', '8'],
      ['interface again { k: number }', '({ k: 9 }) satisfies again', '{ k: 9 }'],
      ['type again<T> = { v: T }', "({ v: 'v' }) satisfies again<string>", "{ v: 'v' }"],
      ['const again = 10', 'again', '10'],
    ];
    for (const [declare, use, expected] of forms) {
      await shown(declare);
      await shown(declare);
      expect(await shown(use), declare).toBe(expected);
    }
  });

  test.each([
    [
      'a dotted namespace, also later',
      'namespace Deep.Inner { export const w = 3; export let z = 4 }',
      'Deep.Inner.w + Deep.Inner.z',
      '7',
    ],
    [
      'a namespace that exports a variable',
      'namespace Counter { export let v = 1; export function inc() { return ++v } }; Counter.inc()',
      'Counter.v = 10; [Counter.inc(), Counter.v, Object.keys(Counter)]',
      "[ 11, 11, [ 'v', 'inc' ] ]",
    ],
    [
      'an alias of a namespace',
      'namespace Far { export namespace Away { export const w = 5 } }\nimport Alias = Far.Away',
      'Alias.w',
      '5',
    ],
    [
      'parameter properties and decorated fields',
      'function field(t: object, k: string) {}\nclass Held { @field x = 1; constructor(public y: number, private readonly z = 2) {} sum() { return this.x + this.y + this.z } }',
      'new Held(4).sum()',
      '7',
    ],
    [
      'class and method decorators',
      "function loud(t: object, k: string, d: PropertyDescriptor) { const f = d.value; d.value = function () { return f.call(this) + '!' } }\nfunction tagged<T extends new (...a: any[]) => object>(c: T) { return class extends c { tag = 1 } }\n@tagged class Talks { @loud hi() { return 'hi' } }",
      '[new Talks().hi(), (new Talks() as any).tag]',
      "[ 'hi!', 1 ]",
    ],
    [
      'overloads',
      'function over(x: number): number; function over(x: string): string; function over(x: any) { return x }',
      "over('a').length",
      '1',
    ],
    [
      'a regular expression with sets, names and flags',
      String.raw`const found = /(?<year>\d{4})-\p{L}/u.exec('2024-ä')`,
      String.raw`[found?.groups?.year, /[\p{L}--[a-z]]/v.test('A'), /./ds.flags]`,
      "[ '2024', true, 'ds' ]",
    ],
    [
      'accessors, static blocks and private members',
      'class Kept { static n = 0; static { Kept.n = 5 } accessor v = 3; #p() { return this.v } q = () => this.#p() }',
      '[Kept.n, new Kept().q()]',
      '[ 5, 3 ]',
    ],
    [
      'destructuring with defaults, rest and renaming',
      'const { p, q: { r = 5, ...inner } = {} as any, ...others } = { p: 1, q: { s: 2 }, u: 4 }',
      '[p, r, inner, others]',
      '[ 1, 5, { s: 2 }, { u: 4 } ]',
    ],
    [
      'generators that take values',
      'function* ask() { const x: number = yield 1; yield x * 2 }\nconst asking = ask(); asking.next()',
      'asking.next(21).value',
      '42',
    ],
    [
      'labels',
      'let at = 0; outer: for (;;) { for (;;) { if (++at > 3) break outer; continue outer } } block: { break block }',
      'at',
      '4',
    ],
    ['exports', 'export const shared1 = 1; export default class Whole {}', 'shared1', '1'],
    ['a variable that is assigned later', 'let later!: string; later = "d"', 'later', "'d'"],
  ])('%s', async (_, declare, use, expected) => {
    await shown(`${declare};`);
    expect(await shown(use)).toBe(expected);
    await shown(`${declare};`);
    expect(await shown(use)).toBe(expected);
  });
});

describe('using', () => {
  const made = (name: string): string => `{ [Symbol.dispose]() { console.log('${name} gone') } }`;

  test.each([
    ['in a block', `{ using a = ${made('a')}; console.log('in') }`, 'in\na gone\n'],
    ['in a function', `function f() { using a = ${made('a')}; console.log('in') } f();`, 'in\na gone\n'],
    [
      'in the head of a loop',
      `for (using a of [${made('1')}, ${made('2')}]) console.log('in')`,
      'in\n1 gone\nin\n2 gone\n',
    ],
    [
      'await using in a function',
      "async function g() { await using a = { async [Symbol.asyncDispose]() { console.log('late') } }; console.log('in') } await g();",
      'in\nlate\n',
    ],
    [
      'at the top level, last first',
      `using a = ${made('a')}, b = ${made('b')}; console.log('in')`,
      'in\nb gone\na gone\n',
    ],
    ['null', 'using a = null; { using b = undefined } console.log(a)', 'null\n'],
  ])('%s', async (_, code, expected) => {
    expect((await outcome(code)).stdout).toBe(expected);
  });

  test.each([
    ['in a block', '{ BODY }'],
    ['at the top level', 'BODY'],
  ])('an error of the body and those of disposals are all shown, %s', async (_, frame) => {
    const failing = (text: string): string => `{ [Symbol.dispose]() { throw new RangeError('${text}') } }`;
    const body = `using a = ${made('a')}, b = ${failing('first')}, c = ${failing('second')}; throw new Error('of the body')`;
    const { error, traceback, stdout } = await outcome(frame.replace('BODY', body));
    expect(error).toMatch(/^SuppressedError/);
    for (const text of ['RangeError: first', 'RangeError: second', 'Error: of the body'])
      expect(traceback).toContain(text);
    expect(traceback).not.toMatch(/oxc-project|bundle/);
    expect(stdout).toBe('a gone\n');
  });

  test('a file that %run runs, and a cell of a subshell, dispose of their own alone', async () => {
    write('used.ts', `using b = ${made('b')}`);
    expect((await outcome(`using a = ${made('a')}\n%run used.ts\nconsole.log('in')`)).stdout).toBe(
      'b gone\nin\na gone\n',
    );
    const { content } = await kernel.request('create_subshell_request', {}, 'control');
    const slow = outcome(
      `using a = ${made('a')}; await new Promise((r) => setTimeout(r, 500)); console.log('in')`,
    );
    await kernel.execute(`using c = ${made('c')}`, {}, { subshell_id: content.subshell_id as unknown });
    expect((await slow).stdout).toBe('in\na gone\n');
  });

  test('names of helpers are none of the user’s', async () => {
    await outcome(`{ using a = ${made('a')} }`);
    expect((await outcome('%who')).stdout).not.toMatch(/_usingCtx|_decorate/);
  });
});

describe('imports', () => {
  test('a file is read again after an edit, with its types, also one that another imports', async () => {
    write('parts/depth.ts', 'export const depth: number = 1');
    write(
      'whole.ts',
      "import { depth } from './parts/depth'\nexport interface Shape { r: number }\nexport default class Whole {}\nexport const value = depth",
    );
    const use =
      "import Whole, { value, type Shape } from './whole'; const shape = { r: value } as unknown as Shape;";
    expect(await shown(`${use} [value.toFixed(1), typeof Whole]`)).toBe("[ '1.0', 'function' ]");
    write('parts/depth.ts', "export const depth: string = 'text'");
    expect(await shown(`${use} value.toUpperCase()`)).toBe("'TEXT'");
    expect((await outcome(`${use} value.toFixed(1)`)).error).toMatch(/TS2551|TS2339/);
  });

  test('a file that comes after it was missed', async () => {
    const use = "import { thing } from './things'; thing.toFixed(1)";
    expect((await outcome(use)).error).toMatch(/Cannot find module '.\/things'/);
    write('things.ts', 'export const thing: number = 4');
    expect(await shown(use)).toBe("'4.0'");
  });

  test('JSON, static, dynamic and by require', async () => {
    write('data.json', '{ "k": [1, 2] }');
    expect(
      await shown("import data from './data.json' with { type: 'json' }; data.k.map((x) => x + 1)"),
    ).toBe('[ 2, 3 ]');
    expect(await shown("(await import('./data.json', { with: { type: 'json' } })).default.k")).toBe(
      '[ 1, 2 ]',
    );
    expect(await shown("require('./data.json').k")).toBe('[ 1, 2 ]');
  });

  test('packages that are installed while the notebook is open, by another program, and those put in their place', async () => {
    const use = "import { late } from 'lateone'";
    expect((await outcome(use)).error).toMatch(/Cannot find module 'lateone'/);
    const manifest = JSON.stringify({ name: 'lateone', main: 'i.js', types: 'i.d.ts' });
    write('node_modules/lateone/package.json', manifest);
    write('node_modules/lateone/i.js', 'exports.late = 5');
    write('node_modules/lateone/i.d.ts', 'export const late: number');
    expect(await shown(`${use}; late.toFixed(1)`)).toBe("'5.0'");
    const scoped = {
      name: '@some/pkg',
      type: 'module',
      exports: {
        '.': { types: './i.d.ts', default: './i.js' },
        './sub': { types: './s.d.ts', default: './s.js' },
      },
    };
    write('node_modules/@some/pkg/package.json', JSON.stringify(scoped));
    write('node_modules/@some/pkg/i.js', "export default () => 'd'");
    write('node_modules/@some/pkg/i.d.ts', 'declare const d: () => string; export default d');
    write('node_modules/@some/pkg/s.js', "export const s = 's'");
    write('node_modules/@some/pkg/s.d.ts', 'export const s: string');
    expect(
      await shown("import d from '@some/pkg'; import { s } from '@some/pkg/sub'; [d().length, s.length]"),
    ).toBe('[ 1, 1 ]');
    await new Promise((resolve) => setTimeout(resolve, 20));
    write('node_modules/lateone/i.d.ts', 'export const late: string');
    write('node_modules/lateone/package.json', `${manifest} `);
    expect((await outcome(`${use}; late.toFixed(1)`)).error).toMatch(/toFixed/);
  });

  test('%cd changes what relative imports start from, and keeps names and their types', async () => {
    write('below/near.ts', 'export const near = 1');
    await shown('let kept = 5');
    await shown('%cd below');
    try {
      expect(await shown("import { near } from './near'; (near + kept).toFixed(1)")).toBe("'6.0'");
    } finally {
      await shown('%cd ..');
    }
    expect((await outcome('kept.toUpperCase()')).error).toMatch(/toUpperCase/);
  });
});

describe('output', () => {
  test('process.stdout.write takes bytes, encodings and callbacks', async () => {
    const code =
      "process.stdout.write(Buffer.from('ä')); process.stdout.write('616263', 'hex'); await new Promise<void>((done) => process.stdout.write('!\\n', 'utf8', () => done()))";
    expect((await outcome(`${code};`)).stdout).toBe('äabc!\n');
  });

  test('the console’s functions, on the streams that Node has them on', async () => {
    const { stdout, stderr } = await outcome(
      "console.group('g'); console.info('i'); console.groupEnd(); console.dir({ a: { b: { c: 1 } } }, { depth: 0 }); console.count(); console.count(); console.debug('%s=%d', 'x', 3); console.time('t'); console.timeEnd('t'); console.assert(false, 'asserted'); console.warn('w'); console.trace('here')",
    );
    expect(stdout).toMatch(/^g\n {2}i\n\{ a: \[Object\] \}\ndefault: 1\ndefault: 2\nx=3\nt: [\d.]+m?s\n$/);
    expect(stderr).toMatch(/^Assertion failed: asserted\nw\nTrace: here\n/);
    expect(stderr).not.toMatch(/runtime\.cjs|node:internal/);
  });

  test('Out, In and the last three results', async () => {
    await shown('1');
    await shown("'two'");
    expect(await shown('[_, __]')).toBe("[ 'two', 1 ]");
    expect(await shown('___')).toBe('1');
    expect(await shown('In.at(-2)')).toBe("'___'");
    expect(await shown('Out[In.length - 3]')).toBe('1');
    expect(await shown('3;')).toBeUndefined();
    expect(await shown('undefined')).toBeUndefined();
    expect(await shown('Promise.resolve(null)')).toBe('null');
  });
});

describe('errors', () => {
  test('process.abort() and process.exit() end the cell alone', async () => {
    for (const call of ['abort()', 'exit(3)'])
      expect((await outcome(`process.${call}`)).error).toContain(`process.${call} was called`);
    expect(await shown('1 + 1')).toBe('2');
  });

  test('carets stand below the code that is meant, emoji before it or not', async () => {
    const { traceback } = await outcome("const face = '😀'; notThere");
    const [, source, caret] = traceback.split('\n');
    expect(source.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('notThere');
  });

  test('a magic that fails is pointed at from its start', async () => {
    const { traceback, error } = await outcome('%nosuch');
    expect(error).toMatch(/%time.*%lsmagic/);
    expect(traceback).toMatch(/ {4}%nosuch\n {4}\^\n/);
  });
});

describe('lines that look like magics', () => {
  test.each([
    ['in a list', 'const rest = [\n  17\n%who\n]', 'await 0; const who = 5;', '[ 2 ]'],
    ['in an argument', 'Math.max(\n  who\n%rest[0],\n1)', '', '1'],
  ])('are arithmetic %s', async (_, code, first, expected) => {
    await shown(first);
    await shown('const who = 5');
    await shown(code);
    expect(await shown(code.startsWith('const') ? 'rest' : code)).toBe(expected);
  });

  test('are magics behind a regular expression with brackets, and in blocks', async () => {
    expect((await outcome('const odd = /[(]/.source\n%env HOME')).stdout).not.toBe('');
    expect((await outcome('if (true) {\n%env HOME\n}')).stdout).not.toBe('');
  });
});

describe('where the native engine is not compiled yet', () => {
  test.each([
    [
      'cells run on the reference engine meanwhile, which the first that uses a tensor says',
      'exec sleep 5',
      /being compiled[^\n]*reference engine/,
    ],
    [
      'and cannot be, the reason is said',
      'echo "fatal error: no luck" >&2; exit 1',
      /engine is missing[^\n]*no luck/,
    ],
  ])('%s', async (_, script, said) => {
    const place = mkdtempSync(join(tmpdir(), 'gradbook-engines-'));
    const compiler = join(place, 'cxx');
    writeFileSync(compiler, `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${script}\n`, { mode: 0o755 });
    const environment = [`GRADBOOK_ENGINES=${join(place, 'engines')}`, `CXX=${compiler}`];
    const other = await TestKernel.start({
      command: (file) => ['env', '-u', 'GRADBOOK_ENGINE', ...environment, ...gradbookCommand(file)],
    });
    try {
      expect((await outcome('1 + 1', other)).result).toBe('2');
      // The compiler fails a moment later than the first cell comes.
      let stderr = '';
      for (let i = 0; i < 100 && !said.test(stderr); i++) {
        const told = await outcome('tensor([1, 2]).sum().item()', other);
        expect(told.result).toBe('3');
        stderr += told.stderr;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(stderr).toMatch(said);
      expect((await outcome('tensor([3]).item()', other)).stderr).toBe('');
    } finally {
      await other.stop();
      rmSync(place, { recursive: true, force: true });
    }
  });
});
