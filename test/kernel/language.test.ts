import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestKernel } from './client.ts';
import { result, text, traceback } from './outputs.ts';

let kernel: TestKernel;
const folder = mkdtempSync(join(tmpdir(), 'gradbook-language-'));
beforeAll(async () => {
  kernel = await TestKernel.start();
  await kernel.execute(`%cd ${folder}`);
});
afterAll(async () => {
  await kernel.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the cells one after the other; none of them may fail. The outputs are those of the last. */
async function run(...cells: string[]): ReturnType<TestKernel['execute']> {
  let last = await kernel.execute(cells[0]);
  expect(traceback(last.outputs)).toBe('');
  for (const cell of cells.slice(1)) {
    last = await kernel.execute(cell);
    expect(traceback(last.outputs)).toBe('');
  }
  return last;
}

describe('TypeScript in cells', () => {
  test('JSX calls the factory that a cell has set, React.createElement', async () => {
    const { outputs } = await run(
      `declare global { namespace JSX { interface IntrinsicElements { b: { id?: string } } } }
const React = { createElement: (tag: unknown, props: object | null, ...children: unknown[]): any => ({ tag, props, children }) }`,
      'function Name({ of }: { of: string }) { return of.toUpperCase() }',
      'JSON.stringify([<b id="x">bold {1 + 1}</b>, (<Name of="Ada" />).props])',
    );
    expect(result(outputs)).toBe(`'[{"tag":"b","props":{"id":"x"},"children":["bold ",2]},{"of":"Ada"}]'`);
  });

  test('another JSX factory is named by a comment', async () => {
    const { outputs } = await run(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the template belongs to the cell
      'const h = (tag: string, props: object | null, ...children: unknown[]): any => `<${tag}>${children.join("")}</${tag}>`',
      '/** @jsx h */\n<b>{3}</b>',
    );
    expect(result(outputs)).toBe("'<b>3</b>'");
  });

  test('using at the top level disposes when the cell ends, last first, also when it fails', async () => {
    const source =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the template belongs to the cell
      'const opened = (name: string) => ({ [Symbol.dispose]() { console.log(`closed ${name}`) } });';
    expect(
      text((await run(source, 'using a = opened("a"); using b = opened("b"); console.log("body")')).outputs),
    ).toBe('body\nclosed b\nclosed a\n');
    expect(text((await kernel.execute('using c = opened("c"); throw new Error("x")')).outputs)).toBe(
      'closed c\n',
    );
    expect(
      text((await run('{ using d = opened("d"); console.log("block") } console.log("after")')).outputs),
    ).toBe('block\nclosed d\nafter\n');
    expect(
      text(
        (
          await run(
            'await using e = { async [Symbol.asyncDispose]() { await null; console.log("closed e") } }; console.log("body")',
          )
        ).outputs,
      ),
    ).toBe('body\nclosed e\n');
  });

  test('enums are declared again with other members, and run again', async () => {
    await run('enum Level { Low, High }', 'enum Level { Low, High }', 'enum Level { Deep = 7 }');
    expect(result((await run('[Level.Deep, Level[7]]')).outputs)).toBe("[ 7, 'Deep' ]");
    expect(traceback((await kernel.execute('Level.Low')).outputs)).toMatch(/'Low' does not exist/);
  });

  test('declarations of one name merge within a cell: enums, namespaces, a function with a namespace, interfaces', async () => {
    expect(
      result(
        (
          await run(
            'enum Part { A } enum Part { B = 1 }\nnamespace Space { export const one = 1 } namespace Space { export const two = 2 }\nfunction counter() { return counter.step } namespace counter { export const step = 5 }\ninterface Both { a: number } interface Both { b: number }',
            'const both: Both = { a: 1, b: 2 }; [Part.A, Part.B, Space.one + Space.two, counter(), both.b]',
          )
        ).outputs,
      ),
    ).toBe('[ 0, 1, 3, 5, 2 ]');
  });

  test('a namespace is declared again with other members', async () => {
    await run('namespace Again { export const first = 1 }', 'namespace Again { export const second = "2" }');
    expect(result((await run('Again.second.length')).outputs)).toBe('1');
    expect(traceback((await kernel.execute('Again.first')).outputs)).toMatch(/'first' does not exist/);
  });

  test('a class takes the place of a variable, and a variable that of a class', async () => {
    await run('const Thing = 1', 'class Thing { size = 2 }', 'new Thing().size', 'let Thing = "three"');
    expect(result((await run('Thing.length')).outputs)).toBe('5');
  });

  test('console.table draws a table', async () => {
    const { outputs } = await run('console.table([{ a: 1, b: "x" }, { a: 2, b: "y" }])');
    expect(text(outputs).split('\n').slice(0, 6)).toEqual([
      '┌─────────┬───┬─────┐',
      '│ (index) │ a │ b   │',
      '├─────────┼───┼─────┤',
      "│ 0       │ 1 │ 'x' │",
      "│ 1       │ 2 │ 'y' │",
      '└─────────┴───┴─────┘',
    ]);
  });
});

test('cells that use one another keep their types however often they run again', async () => {
  await run(
    'let low = 1; class Pair { constructor(readonly left: number[], readonly right: string) {} }',
    'let high = [low]; let pair = new Pair(high, "")',
  );
  for (let i = 0; i < 30; i++) {
    await kernel.execute('let low = high.length; let both = { pair, high }');
    await kernel.execute('let high = [low]; let pair = both.pair; let list = both.high');
  }
  expect(
    result((await run('high.map((n) => n.toFixed(1)).join() + pair.right.length + list.length')).outputs),
  ).toBe("'1.001'");
  expect(traceback((await kernel.execute('const text: string = list')).outputs)).toMatch(
    /'number\[\]' is not assignable/,
  );
});

describe('what is thrown', () => {
  test('an AggregateError shows each of its errors', async () => {
    const { outputs } = await kernel.execute(
      'await Promise.any([Promise.reject(new RangeError("one")), Promise.reject("two")])',
    );
    expect(traceback(outputs)).toMatch(
      /AggregateError: All promises were rejected[\s\S]*error 1 of 2:[\s\S]*RangeError: one[\s\S]*error 2 of 2:[\s\S]*'two'/,
    );
  });

  test('causes are shown with their own lines, also in a circle', async () => {
    const { outputs } = await kernel.execute(
      'const inner = new Error("inner")\nconst outer = new Error("outer", { cause: inner })\ninner.cause = outer\nthrow outer',
    );
    expect(traceback(outputs)).toMatch(
      /line 2\n[\s\S]*Error: outer\ncaused by:\nCell In\[\d+\], line 1\n[\s\S]*Error: inner$/,
    );
  });

  test.each([
    ['null', 'null'],
    ['undefined', 'undefined'],
    ['42', '42'],
    ['{ code: 7 }', '{ code: 7 }'],
    ['Object.create(null)', '[Object: null prototype] {}'],
    ['Symbol("s")', 'Symbol(s)'],
  ])('throw %s says what was thrown', async (thrown, shown) => {
    const { reply, outputs } = await kernel.execute(`throw ${thrown}`);
    expect(reply.content).toMatchObject({ status: 'error', ename: 'Thrown', evalue: shown });
    expect(traceback(outputs)).toMatch(shown);
  });

  test('an object whose message cannot be read is still reported', async () => {
    const { reply } = await kernel.execute(
      'throw { name: "Odd", get message(): string { throw new Error("no") } }',
    );
    expect(reply.content.status).toBe('error');
    expect(result((await run('1 + 1')).outputs)).toBe('2');
  });

  test('a stack overflow names the line, and process.exit with or without a code only ends the cell', async () => {
    const { reply, outputs } = await kernel.execute(
      'function down(): number {\n  return down() + 1\n}\ndown()',
    );
    expect(reply.content.ename).toBe('RangeError');
    expect(traceback(outputs)).toMatch(/line 2, in down/);
    expect(traceback((await kernel.execute('process.exit()')).outputs)).toMatch(/not the kernel/);
    expect(result((await run('1 + 1')).outputs)).toBe('2');
  });
});

describe('%check', () => {
  test('off runs unchecked, warn tells on stderr and runs, error stops, strict also minds null', async () => {
    const wrong = 'const wrong: string = 3; wrong';
    await run('%check off');
    expect(result((await run(wrong)).outputs)).toBe('3');
    await run('%check warn');
    const warned = await run(wrong);
    expect(text(warned.outputs)).toMatch(/'number' is not assignable to type 'string'/);
    expect(result(warned.outputs)).toBe('3');
    await run('%check error');
    expect((await kernel.execute(wrong)).reply.content.status).toBe('error');
    const nullish = 'const found: string = ["a"].find(() => true); found';
    expect(result((await run(nullish)).outputs)).toBe("'a'");
    await run('%check strict');
    expect((await kernel.execute(nullish)).reply.content.evalue).toMatch(/undefined/);
    expect((await kernel.execute('const same = (x) => x')).reply.content.evalue).toMatch(/implicitly/);
    await run('%check error');
    expect((await kernel.execute('%check sometimes')).reply.content.status).toBe('error');
  });
});

describe('completion in strings', () => {
  const matches = async (marked: string): Promise<string[]> => {
    const at = marked.indexOf('¦');
    const { content } = await kernel.request('complete_request', {
      code: marked.replace('¦', ''),
      cursor_pos: at,
    });
    const { matches: found, cursor_start: start } = content as unknown as {
      matches: string[];
      cursor_start: number;
    };
    const before = marked.slice(0, at);
    const written = (/\b(from|import|require)\b/.test(before) ? /[^'"/]*$/ : /[^'"]*$/).exec(before)![0];
    if (found.length > 0) expect(start).toBe(at - written.length);
    return found;
  };

  test.each([
    ["import x from 'lodash-e¦'", ['lodash-es']],
    ["import x from 'node:f¦'", ['node:fs']],
    ["import x from 'f¦'", ['fs']],
    ["import { tensor } from 'gradb¦'", ['gradbook']],
    ["import * as t from 'tsl¦'", ['tslab']],
    ["const x = await import('tsl¦')", ['tslab']],
    ["const x = require('tsl¦')", ['tslab']],
    ["import a from './he¦'", ['helper.ts', 'helpless']],
    ["import a from './helpless/¦'", ['deep.json']],
  ])('%s', async (code, wanted) => {
    writeFileSync(join(folder, 'helper.ts'), 'export const help = 1');
    writeFileSync(join(folder, 'other.txt'), '');
    await kernel.execute(
      "import { mkdirSync as make, writeFileSync as put } from 'node:fs'; make('helpless', { recursive: true }); put('helpless/deep.json', '{}')",
    );
    const found = await matches(code);
    for (const name of wanted) expect(found).toContain(name);
    expect(found).not.toContain('other.txt');
  });

  test('the strings of a union complete in variables, arguments, properties and comparisons', async () => {
    await run("type Side = 'left' | 'right'; let side: Side = 'left'; function go(to: Side) {}");
    expect(await matches("go('ri¦')")).toEqual(['right']);
    expect(await matches("side === 'l¦'")).toEqual(['left']);
    expect(await matches("const o: { at: Side } = { at: 'r¦' }")).toEqual(['right']);
  });

  test('strings with dashes, spaces and dots complete whole', async () => {
    await run("let layout: 'space-between' | 'space around' | 'a.b/c' | 'start'; // it's here");
    expect(await matches("layout = 'space-b¦'")).toEqual(['space-between']);
    expect(await matches("layout = 'space ¦'")).toEqual(['space around']);
    expect(await matches('\'x\'; layout = "a.¦"')).toEqual(['a.b/c']);
    expect(await matches("// don't\nlayout = 'st¦")).toEqual(['start']);
  });
});

describe('declarations that are there from the start', () => {
  test('a package may ask for the libraries of browsers, of JavaScript and of Node: each name means one thing', async () => {
    const modules = join(folder, 'node_modules/pages');
    mkdirSync(modules, { recursive: true });
    const write = (name: string, lines: string[]): void =>
      writeFileSync(join(modules, name), lines.join('\n'));
    write('package.json', [
      '{ "name": "pages", "version": "1.0.0", "types": "index.d.ts", "main": "index.js" }',
    ]);
    write('index.js', ['exports.element = null; exports.data = Buffer.from("ab"); exports.list = [1];']);
    write('index.d.ts', [
      '/// <reference lib="dom" />',
      '/// <reference lib="es2015.symbol.wellknown" />',
      '/// <reference types="node" />',
      'export const element: HTMLElement | null;',
      'export const data: Buffer;',
      'export const list: number[];',
    ]);
    await kernel.execute(`%cd ${folder}`);
    const { outputs } = await run(
      "import { element, data, list } from 'pages'; const tag: string | undefined = element?.tagName;",
      "const bytes: Buffer = Buffer.concat([data, Buffer.from('c')]); [bytes.toString(), list.concat([2]).at(-1)]",
    );
    expect(result(outputs)).toBe("[ 'abc', 2 ]");
    expect(traceback((await kernel.execute('const wrong: string = element.offsetWidth')).outputs)).toMatch(
      /'number' is not assignable to type 'string'/,
    );
  });

  test('what the library is made of is not offered for imports; its two names are', async () => {
    const matches = async (code: string): Promise<string[]> => {
      const reply = await kernel.request('complete_request', { code, cursor_pos: code.length });
      return reply.content.matches as unknown as string[];
    };
    const own = await matches("import * as g from 'grad");
    expect(own).toContain('gradbook');
    expect(own.filter((name) => name.includes(':'))).toEqual([]);
    expect(await matches("import { inspect } from 'node:ut")).toContain('node:util');
    await run(
      "import { tensor as make, Tensor as Numbers } from 'gradbook'; const two: Numbers = make([1, 2]);",
      "import * as shows from 'gradbook/display'; const same: Tensor = two; typeof shows.display",
    );
  });

  test('a name is explained with its documentation, Node’s and the library’s too', async () => {
    const explain = async (code: string): Promise<string> => {
      const reply = await kernel.request('inspect_request', {
        code,
        cursor_pos: code.length,
        detail_level: 0,
      });
      return (reply.content.data as unknown as Record<string, string>)['text/plain'];
    };
    expect(await explain("import { readFileSync } from 'node:fs'; readFileSync")).toMatch(/contents of the/);
    expect(await explain('[1].findLastIndex')).toMatch(/last element/);
    expect(await explain('zeros')).toMatch(/Tensor/);
  });
});

describe('plotly.js', () => {
  test('is imported as a value and for its types; drawing says what to use instead', async () => {
    const { outputs } = await run(
      `import Plotly from 'plotly.js';
import * as all from 'plotly.js';
import { newPlot, type Data } from 'plotly.js';
const trace: Data = { type: 'scatter', y: [1, 4, 9] };
[Plotly, all, require('plotly.js')].map((plotly) => typeof plotly.newPlot).concat(typeof newPlot)`,
    );
    expect(result(outputs)).toBe("[ 'function', 'function', 'function', 'function' ]");
    const drawn = await kernel.execute("Plotly.newPlot('chart', [trace])");
    expect(drawn.reply.content.evalue).toMatch(/Plotly\.newPlot draws into a web page.*new Figure\(/);
    expect(traceback((await kernel.execute('Plotly.newPlot(3, 4)')).outputs)).toMatch(/TS2345/);
    const shown = await run('new Figure({ data: [trace] })');
    expect(shown.outputs.flatMap(({ content }) => Object.keys(content.data ?? {}))).toContain(
      'application/vnd.plotly.v1+json',
    );
  });
});

describe('what was found before is not taken for what has changed since', () => {
  const matches = async (code: string): Promise<string[]> => {
    const { content } = await kernel.request('complete_request', { code, cursor_pos: code.length });
    return content.matches;
  };
  const hover = async (code: string): Promise<string> => {
    const { content } = await kernel.request('inspect_request', {
      code,
      cursor_pos: code.length,
      detail_level: 0,
    });
    return (content.data as Record<string, string>)['text/plain'] ?? '';
  };
  const errorOf = async (code: string): Promise<string> => traceback((await kernel.execute(code)).outputs);

  test('a name that is declared again with another type', async () => {
    for (const [declaration, type, member, absent] of [
      ['let kept = "text"', 'string', 'charAt', 'toFixed'],
      ['let kept = 7', 'number', 'toFixed', 'charAt'],
      ['let kept = "text"', 'string', 'charAt', 'toFixed'],
    ]) {
      await run(declaration);
      for (let time = 0; time < 2; time++) {
        expect(await matches(`const a${time} = kept.`)).toContain(member);
        expect(await matches('kept.')).not.toContain(absent);
        expect(await hover('kept')).toContain(`kept: ${type}`);
        expect(await hover(`const b${time} = kept`)).toContain(`kept: ${type}`);
        expect(await errorOf(`kept.${member}(0)`)).toBe('');
        expect(await errorOf(`kept.${absent}(0)`)).toContain(`Property '${absent}' does not exist`);
      }
    }
  });

  test('where nothing is written yet, all names are offered', async () => {
    await run('const AAA = 1, __low = 2');
    expect(await hover('__low')).toContain('__low: 2');
    expect(await hover('__low')).not.toContain('___low');
    for (const code of ['', '  ', '\n', '+ ', 'f(', '// '])
      expect(await matches(code), JSON.stringify(code)).toContain('AAA');
  });

  test('letter by letter the same names are offered as at once', async () => {
    await run('const letters = { first: 1, fifth: "5", second: [2] }');
    for (const typed of ['', 'f', 'fi', 'fir', 'fi', 's', 'F'])
      expect(await matches(`letters.${typed}`)).toEqual(
        ['fifth', 'first', 'second'].filter((name) => name.startsWith(typed.toLowerCase())),
      );
    const { content } = await kernel.request('complete_request', { code: 'letters.s', cursor_pos: 9 });
    expect(
      (content.metadata as { _jupyter_types_experimental: unknown })._jupyter_types_experimental,
    ).toEqual([{ start: 8, end: 9, text: 'second', type: 'field', signature: 'number[]' }]);
  });

  test('a name within the cell comes before one of the session, and a type may be narrowed', async () => {
    await run('let either = (Math.random() < 2 ? "text" : 3) as string | number');
    expect(await matches('either.toF')).toEqual([]);
    expect(await matches('if (typeof either === "number") either.toF')).toEqual(['toFixed']);
    expect(await matches('((either: number[]) => either.toF')).toEqual([]);
    expect(await matches('((either: number) => either.toF')).toEqual(['toFixed']);
    expect(await matches('either.toF')).toEqual([]);
    expect(await hover('either')).toContain('string | number');
    expect(await hover('if (typeof either === "string") either')).toContain('either: string');
    expect(await hover('let x = either')).toContain('string | number');
  });

  test('a private member is seen within its class alone', async () => {
    await run('class Shy { private hidden = 1; open = 2 }; const shy = new Shy()');
    expect(await matches('shy.')).toEqual(['open']);
    expect(await matches('class Shy { private hidden = 1; see(other: Shy) { other.')).toContain('hidden');
    expect(await matches('shy.')).toEqual(['open']);
  });

  test('the level of the check', async () => {
    const cell = '[1, 2].find((x) => x > 1).toFixed(1)';
    expect(await errorOf(cell)).toBe('');
    await run('%check strict');
    expect(await errorOf(cell)).toContain('possibly');
    await run('%check error');
    expect(await errorOf(cell)).toBe('');
    await run('%check off');
    expect(await errorOf('"text".nothing')).toBe('');
    await run('%check error');
    expect(await errorOf('"text".nothing')).toContain("Property 'nothing' does not exist");
  });

  test('a local file that is edited, one that it imports, and one that comes later', async () => {
    const write = (name: string, source: string): void => writeFileSync(join(folder, name), source);
    write('inner.ts', 'export const inner = 1;');
    write('outer.ts', "export * from './inner.ts'; export const outer = 'text';");
    await run("import * as files from './outer.ts'");
    expect(await matches('files.')).toEqual(['inner', 'outer']);
    write('outer.ts', "export * from './inner.ts'; export const outer = 12345; export const another = true;");
    expect(await matches('files.')).toEqual(['another', 'inner', 'outer']);
    expect(await hover('files.outer')).toContain('12345');
    write('inner.ts', "export const inner = 'now a text';");
    expect(await errorOf("import { inner } from './outer.ts'; inner.charAt(0)")).toBe('');
    const late = "import { late } from './late.ts'; late + 1";
    expect(await errorOf(late)).toContain("'./late.ts'");
    write('late.ts', 'export const late = 2;');
    expect(result((await kernel.execute(late)).outputs)).toBe('3');
  });
});
