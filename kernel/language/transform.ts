import remapping from '@jridgewell/remapping';
import MagicString, { Bundle } from 'magic-string';
import { parseSync } from 'oxc-parser';
import { transformSync } from 'oxc-transform';
import { boundNames, type CellSyntax } from './declarations.ts';
import { type Container, type QuietLoop, quietLoops } from './loops.ts';
import { freeReferences, type Node, type Reference } from './scope.ts';

export interface Transformed {
  /** One expression: `async ($) => { ... }`. */
  code: string;
  /** Source map (version 3, JSON) to the cell. */
  map: string;
}

/** A prefix for the locals that hold bindings, which the cell itself does not use. */
function freePrefix(code: string, prefix: string): string {
  while (code.includes(prefix)) prefix += '_';
  return prefix;
}

/** `using x = f()` at the top level lives until the cell ends: the session disposes it. */
function lowerUsing(code: string, { body }: CellSyntax): MagicString {
  const text = new MagicString(code);
  for (const statement of body) {
    const kind = statement.kind as string;
    if (statement.type !== 'VariableDeclaration' || (kind !== 'using' && kind !== 'await using')) continue;
    const declarations = statement.declarations as Node[];
    text.overwrite(statement.start, (declarations[0].id as Node).start, 'const ');
    for (const { init } of declarations as unknown as { init: Node }[]) {
      text.appendLeft(init.start, `$.${kind === 'using' ? 'using' : 'awaitUsing'}(`);
      text.appendRight(init.end, ')');
    }
  }
  return text;
}

/** An anonymous function or class takes the name of the variable it is assigned to. */
const isAnonymous = (init: Node): boolean =>
  init.type === 'ArrowFunctionExpression' ||
  ((init.type === 'FunctionExpression' || init.type === 'ClassExpression') && !init.id);

/**
 * Turns a cell into JavaScript whose top-level names live in the session. Each name `x` is a box `$_x`
 * with the value in its property `x`, so that every cell and every closure shares one binding. The property is named for the variable
 * because V8 then gives each box a hidden class of its own, in which a number stays a number: a loop over one named `v` for all, which
 * has held an object in some box, allocates at every store. A loop that no other code can watch keeps them in locals (`loops.ts`).
 *
 * @param names every top-level name that the cell can see: its own and those of earlier cells.
 */
export function transformCell(code: string, syntax: CellSyntax, names: ReadonlySet<string>): Transformed {
  const lowered = lowerUsing(code, syntax);
  const { code: javascript, map } = transformSync('cell.tsx', lowered.toString(), {
    lang: 'tsx',
    target: 'es2022',
    sourcemap: true,
    sourceType: 'module',
    jsx: { runtime: 'classic' },
    typescript: { onlyRemoveTypeImports: true },
    decorator: { legacy: true },
  });
  const text = new MagicString(javascript);
  const program = parseSync('cell.js', javascript, { lang: 'jsx', sourceType: 'module' })
    .program as unknown as Node;
  const prefix = freePrefix(javascript, '$_');
  const local = freePrefix(javascript, '$l_');
  const box = (name: string): string => `${prefix}${name}.${name}`;
  const body = program.body as Node[];

  const own = new Set<string>();
  for (const statement of body) for (const name of statementNames(statement)) own.add(name);
  const visible = new Set([...names, ...own]);
  const used = new Set<string>(own);
  const references = freeReferences(program, visible);
  for (const reference of references) {
    used.add(reference.node.name as string);
    replace(text, reference, box);
  }
  const meant = new Set(references.map(({ node }) => node));
  const loops = quietLoops(program, (identifier) => meant.has(identifier));
  const quiet = new MagicString(javascript);
  for (const loop of loops) keepInLocals(loop);

  const head: string[] = [];
  const last = body.at(-1);
  for (const statement of body) rewriteStatement(statement);
  if (syntax.showsResult && last?.type === 'ExpressionStatement') {
    text.appendLeft(last.start, 'return (');
    text.appendRight((last.expression as Node).end, ')');
  }
  rewriteImports(program);

  const boxes = [...used].map((name) => `${prefix}${name} = $.box(${JSON.stringify(name)})`);
  const prologue = `${boxes.length > 0 ? `const ${boxes.join(', ')};` : ''}${head.join('')}`;
  const bundle = new Bundle({ separator: '' });
  const glue = (code: string): unknown => bundle.addSource({ content: new MagicString(code) });
  const piece = (from: MagicString, start: number, end: number): unknown =>
    start < end && bundle.addSource({ filename: 'cell.js', content: from.snip(start, end) });
  const watch = loops.length > 0 ? `const ${local} = $.interrupts, ${local}0 = ${local}[0];` : '';
  glue(`async ($) => {"use strict";${watch}${prologue}`);
  let done = 0;
  for (const loop of loops) {
    const { start, end } = loop.node;
    const locals = [
      ...[...loop.scalars].map((name) => `${local}${name} = $.settled(${box(name)})`),
      ...[...loop.containers.keys()].map((name) => `${local}${name} = ${box(name)}`),
    ];
    const back = [...loop.written].map((name) => `${box(name)} = ${local}${name};`).join('');
    piece(text, done, start);
    glue(`{let ${locals.join(', ')};if (${guard(loop)}) try {`);
    piece(quiet, start, end);
    glue(`} finally {${back}} else {`);
    piece(text, start, end);
    glue('}}');
    done = end;
  }
  piece(text, done, javascript.length);
  glue('\n}');
  const outer = bundle.generateMap({ hires: 'boundary' });
  const chain = [
    outer as unknown as string,
    map as unknown as string,
    lowered.generateMap({ hires: 'boundary', source: 'cell.ts' }) as unknown as string,
  ];
  return { code: bundle.toString(), map: remapping(chain, () => null).toString() };

  function replace(
    target: MagicString,
    { node, shorthand, called }: Reference,
    place: (name: string) => string,
  ): void {
    const name = node.name as string;
    if (shorthand) target.appendLeft(node.end, `: ${place(name)}`);
    else target.overwrite(node.start, node.end, called ? `(0, ${place(name)})` : place(name));
  }

  /**
   * The loop as it runs when its guard holds: with locals for boxes, and looking for an interrupt. Where its test is a comparison with
   * what does not change, it runs in strips and looks between them; else the look is a part of its test, because V8
   * keeps a number in a register only through a loop that has a single way out.
   */
  function keepInLocals({ node, turns }: QuietLoop): void {
    for (const reference of references)
      if (reference.node.start >= node.start && reference.node.end <= node.end)
        replace(quiet, reference, (name) => local + name);
    rewriteVars(node, quiet, (name) => local + name);
    const stop = `if (${local}[0] !== ${local}0) $.stop();`;
    // The outer loops come first, so that what is put behind an inner one must be put before what stands there.
    for (const [k, { labelled, loop, breaks, counted }] of turns.entries()) {
      const test = loop.test as Node | null | undefined;
      const body = loop.body as Node;
      const [label, step] = [`${local}2_${k}`, `${local}3_${k}`];
      quiet.prependLeft(labelled.end, `${stop}}`);
      quiet.appendRight(labelled.start, counted ? `{let ${step} = 16;${label}: ` : '{');
      if (counted) {
        const strip = `{${stop}${stripEnd(test!, step)}`;
        const again = `${source(test!.left as Node)} ${test!.operator as string} ${local}1`;
        if (loop.type === 'ForStatement')
          quiet.appendLeft(javascript.indexOf(';', test!.end) + 1, `) ${strip}for (; ${again};`);
        else quiet.appendRight(body.start, `${strip}while (${again}) `);
        quiet.prependLeft(body.end, '}');
        for (const { start } of breaks) quiet.appendLeft(start + 'break'.length, ` ${label}`);
      } else if (test) {
        quiet.appendRight(test.start, `${local}[0] === ${local}0 ? (`);
        quiet.appendLeft(test.end, ') : false');
      } else if (loop.type === 'ForStatement') {
        const from = (loop.init as Node | null)?.end ?? javascript.indexOf('(', loop.start);
        quiet.appendLeft(javascript.indexOf(';', from) + 1, `${local}[0] === ${local}0`);
      } else {
        quiet.appendRight(body.start, `{${stop}`);
        quiet.prependLeft(body.end, '}');
      }
    }
  }

  /** An expression of a quiet loop, as it reads there. */
  function source(node: Node): string {
    return quiet.slice(node.start, node.end);
  }

  /**
   * Where the next strip ends: never beyond the loop's own bound, and never where the loop is already. The first strips are short, so
   * that what stands between them has run when V8 compiles the loop.
   */
  function stripEnd({ left, operator, right }: Node, step: string): string {
    const [i, bound] = [source(left as Node), `(${source(right as Node)})`];
    const [sign, before] = (operator as string).startsWith('<') ? ['+', '<'] : ['-', '>'];
    const next = `${i} ${sign} ${step}`;
    return (
      `if (${step} < 65536) ${step} *= 2;` +
      `const ${local}1 = typeof ${i} === 'number' && typeof ${bound} === 'number' && ` +
      `${i} ${before} ${next} && ${next} ${before} ${bound} ? ${next} : ${bound};`
    );
  }

  /** The condition under which nothing in the loop can run other code. */
  function guard({ scalars, containers, outerScalars, outerContainers }: QuietLoop): string {
    const primitive = (place: string): string =>
      `typeof ${place} !== 'object' && typeof ${place} !== 'function'`;
    const plain = (place: string, { elements, members }: Container): string =>
      `$.plain(${place}, ${elements}, ${JSON.stringify([...members])})`;
    return [
      ...[...scalars].map((name) => `(${primitive(local + name)} || ${local}${name} === null)`),
      ...[...outerScalars].map((name) => `(${primitive(name)} || ${name} === null)`),
      ...[...containers].map(([name, use]) => plain(local + name, use)),
      ...[...outerContainers].map(([name, use]) => plain(name, use)),
    ].join(' && ');
  }

  function statementNames(statement: Node): string[] {
    switch (statement.type) {
      case 'ExportNamedDeclaration':
      case 'ExportDefaultDeclaration':
        return statement.declaration ? statementNames(statement.declaration as Node) : [];
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return statement.id ? [(statement.id as Node).name as string] : [];
      case 'VariableDeclaration':
        return (statement.declarations as Node[]).flatMap((d) => boundNames(d.id as never));
      case 'ImportDeclaration':
        return (statement.specifiers as Node[]).map((s) => (s.local as Node).name as string);
      default:
        return varsWithin(statement);
    }
  }

  function varsWithin(value: unknown): string[] {
    if (Array.isArray(value)) return value.flatMap(varsWithin);
    if (typeof value !== 'object' || value === null) return [];
    const node = value as Node;
    if (/^(Function|Arrow|Class)/.test(node.type ?? '')) return [];
    if (node.type === 'VariableDeclaration' && node.kind !== 'var')
      return varsWithin((node.declarations as Node[]).map((d) => d.init));
    if (node.type === 'VariableDeclaration')
      return (node.declarations as Node[]).flatMap((d) => [
        ...boundNames(d.id as never),
        ...varsWithin(d.init),
      ]);
    return Object.values(node).flatMap(varsWithin);
  }

  function rewriteStatement(statement: Node): void {
    switch (statement.type) {
      case 'ExportNamedDeclaration':
        if (statement.declaration) {
          text.remove(statement.start, (statement.declaration as Node).start);
          rewriteStatement(statement.declaration as Node);
        } else blank(statement);
        return;
      case 'ExportDefaultDeclaration': {
        const declaration = statement.declaration as Node;
        text.remove(statement.start, declaration.start);
        if (/Declaration$/.test(declaration.type)) rewriteStatement(declaration);
        return;
      }
      case 'ExportAllDeclaration':
        blank(statement);
        return;
      case 'FunctionDeclaration':
        if (statement.id)
          head.push(
            `${box((statement.id as Node).name as string)} = ${(statement.id as Node).name as string};`,
          );
        return;
      case 'ClassDeclaration':
        if (statement.id) {
          text.appendLeft(statement.start, `${box((statement.id as Node).name as string)} = `);
          text.appendRight(statement.end, ';');
        }
        return;
      case 'VariableDeclaration':
        rewriteVariables(statement, false, text, box);
        return;
      case 'ImportDeclaration':
        rewriteImport(statement);
        return;
      default:
        rewriteVars(statement, text, box);
    }
  }

  /** Declarations become assignments; the names themselves were rewritten as references. */
  function rewriteVariables(
    statement: Node,
    inHead: boolean,
    text: MagicString,
    place: (name: string) => string,
  ): void {
    const declarations = statement.declarations as Node[];
    text.overwrite(statement.start, (declarations[0].id as Node).start, inHead ? '' : ';(');
    for (const { id, init } of declarations as unknown as { id: Node; init: Node | null }[]) {
      if (!init) {
        if (!inHead)
          text.appendLeft(
            id.end,
            statement.kind === 'var' ? ` = ${place(id.name as string)}` : ' = undefined',
          );
      } else if (id.type === 'Identifier' && isAnonymous(init)) {
        const name = id.name as string;
        text.appendLeft(init.start, `({${JSON.stringify(name)}: `);
        text.appendRight(init.end, `})[${JSON.stringify(name)}]`);
      }
    }
    if (!inHead) {
      const end = declarations.at(-1)!.end;
      text.appendRight(end, ')');
    }
  }

  /** `var` inside blocks, loops and their heads. */
  function rewriteVars(value: unknown, text: MagicString, place: (name: string) => string): void {
    if (Array.isArray(value)) {
      for (const entry of value) rewriteVars(entry, text, place);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const node = value as Node;
    if (/^(Function|Arrow|Class)/.test(node.type ?? '')) return;
    if (
      node.type === 'ForStatement' &&
      (node.init as Node | null)?.type === 'VariableDeclaration' &&
      (node.init as Node).kind === 'var'
    ) {
      rewriteVariables(node.init as Node, true, text, place);
      rewriteVars(node.body, text, place);
      return;
    }
    if (
      /^For(In|Of)Statement$/.test(node.type) &&
      (node.left as Node).type === 'VariableDeclaration' &&
      (node.left as Node).kind === 'var'
    ) {
      rewriteVariables(node.left as Node, true, text, place);
      rewriteVars(node.body, text, place);
      return;
    }
    if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      rewriteVariables(node, false, text, place);
      return;
    }
    for (const child of Object.values(node)) rewriteVars(child, text, place);
  }

  function rewriteImport(statement: Node): void {
    const specifier = (statement.source as Node).value as string;
    const specifiers = statement.specifiers as Node[];
    const attributes = Object.fromEntries(
      ((statement.attributes as Node[] | undefined) ?? []).map((a) => [
        ((a.key as Node).name ?? (a.key as Node).value) as string,
        (a.value as Node).value as string,
      ]),
    );
    const request = `await $.import(${JSON.stringify(specifier)}${Object.keys(attributes).length > 0 ? `, ${JSON.stringify(attributes)}` : ''})`;
    const bindings = specifiers.map((s) => {
      const target = box((s.local as Node).name as string);
      if (s.type === 'ImportNamespaceSpecifier') return `${target} = m;`;
      const imported = s.imported as Node | undefined;
      const name = imported ? ((imported.name ?? imported.value) as string) : 'default';
      return `${target} = $.pick(m, ${JSON.stringify(name)});`;
    });
    head.push(bindings.length > 0 ? `{const m = ${request};${bindings.join('')}}` : `${request};`);
    blank(statement);
  }

  function rewriteImports(node: unknown): void {
    if (Array.isArray(node)) {
      node.forEach(rewriteImports);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    const { type, start, source } = node as Node;
    if (type === 'ImportExpression') text.overwrite(start, (source as Node).start, '$.import(');
    if (type === 'MetaProperty' && ((node as Node).meta as Node).name === 'import')
      text.overwrite(start, (node as Node).end, '$.meta');
    Object.values(node as Node).forEach(rewriteImports);
  }

  /** Removes a statement, but none of its line breaks. */
  function blank(statement: Node): void {
    const breaks = javascript.slice(statement.start, statement.end).replace(/[^\n]/g, '');
    text.overwrite(statement.start, statement.end, breaks || ' ');
  }
}
