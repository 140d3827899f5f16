import remapping from '@jridgewell/remapping';
import MagicString, { Bundle } from 'magic-string';
import { parseSync } from 'oxc-parser';
import { transformSync } from 'oxc-transform';
import { boundNames, type CellSyntax } from './declarations.ts';
import { type Loop, topLevelLoops } from './loops.ts';
import type { Container, Quiet, Turn } from './quietLoops.ts';
import { freeReferences, type Node, type Reference } from './scope.ts';
import { writesOf } from './writes.ts';

export interface Transformed {
  /** One expression: `async ($) => { ... }`. */
  code: string;
  /** Source map (version 3, JSON) to the cell. */
  map: string;
  /** The names that functions and classes of the cell write, so that they may change whenever one is called. */
  shares: string[];
}

/** A loop as it runs under a condition. */
interface Version {
  condition: string;
  text: MagicString;
  /** Names whose variables get their values when it ends, however it does. */
  back: string[];
}

/** A prefix for the locals that hold bindings, which the cell itself does not use. */
function freePrefix(code: string, prefix: string): string {
  while (code.includes(prefix)) prefix += '_';
  return prefix;
}

/** What the transform of the types has no way for. */
function lower(code: string, { body }: CellSyntax): MagicString {
  const text = new MagicString(code);
  for (const statement of body) {
    lowerUsing(statement, text);
    lowerNamespace(statement, text);
  }
  return text;
}

/** `using x = f()` at the top level lives until the cell ends: the session disposes it. */
function lowerUsing(statement: Node, text: MagicString): void {
  const kind = statement.kind as string;
  if (statement.type !== 'VariableDeclaration' || (kind !== 'using' && kind !== 'await using')) return;
  const declarations = statement.declarations as Node[];
  text.overwrite(statement.start, (declarations[0].id as Node).start, 'const ');
  for (const { init } of declarations as unknown as { init: Node }[]) {
    text.appendLeft(init.start, `$.${kind === 'using' ? 'using' : 'awaitUsing'}(`);
    text.appendRight(init.end, ')');
  }
}

/** `export let` in a namespace stays a variable, which the namespace's property is another name of. */
function lowerNamespace(statement: Node, text: MagicString): void {
  if (statement.type === 'ExportNamedDeclaration' && statement.declaration)
    lowerNamespace(statement.declaration as Node, text);
  if (statement.type !== 'TSModuleDeclaration' || statement.declare || !statement.body) return;
  const id = statement.id as Node;
  const space = ((id.type === 'TSQualifiedName' ? (id.right as Node) : id).name ?? '') as string;
  for (const part of (statement.body as Node).body as Node[]) {
    lowerNamespace(part, text);
    const declaration = part.type === 'ExportNamedDeclaration' ? (part.declaration as Node | null) : null;
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind === 'const' || declaration.declare)
      continue;
    text.remove(part.start, declaration.start);
    for (const name of (declaration.declarations as Node[]).flatMap((d) => boundNames(d.id as never)))
      text.appendLeft(
        part.end,
        `;Object.defineProperty(${space}, ${JSON.stringify(name)}, { enumerable: true, configurable: true, ` +
          `get: () => ${name}, set: (_value) => { ${name} = _value } });`,
      );
  }
}

/** An anonymous function or class takes the name of the variable it is assigned to. */
const isAnonymous = (init: Node): boolean =>
  (init.type === 'ParenthesizedExpression' && isAnonymous(init.expression as Node)) ||
  init.type === 'ArrowFunctionExpression' ||
  ((init.type === 'FunctionExpression' || init.type === 'ClassExpression') && !init.id);

/**
 * Turns a cell into JavaScript whose top-level names live in the session. Each name `x` is a box `$_x`
 * with the value in its property `x`, so that every cell and every closure shares one binding. The property is named for the variable
 * because V8 then gives each box a hidden class of its own, in which a number stays a number: a loop over one named `v` for all, which
 * has held an object in some box, allocates at every store. A loop keeps in locals what nothing else writes (`loops.ts`).
 *
 * @param names every top-level name of earlier cells.
 * @param shared those of them that functions of earlier cells write.
 */
export function transformCell(
  code: string,
  syntax: CellSyntax,
  names: ReadonlySet<string>,
  shared: ReadonlySet<string>,
): Transformed {
  const lowered = lower(code, syntax);
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
  const { targets, inner } = writesOf(program);
  for (const { node } of references) nameAssigned(node, text);
  const shares = new Set(
    references
      .filter(({ node }) => targets.has(node) && inner.has(node))
      .map(({ node }) => node.name as string),
  );
  const isShared = (name: string): boolean => shares.has(name) || shared.has(name);
  const loops = topLevelLoops(program, (identifier) => meant.has(identifier))
    .map((loop) => ({ ...loop, ...keepInLocals(loop) }))
    .filter(({ versions }) => versions.length > 0);

  const head: string[] = [];
  const last = body.at(-1);
  for (const statement of body) rewriteStatement(statement);
  if (syntax.showsResult && last?.type === 'ExpressionStatement') {
    text.appendLeft(last.start, 'return (');
    text.appendRight((last.expression as Node).end, ')');
  }
  rewriteImports(program, text);

  const boxes = [...used].map((name) => `${prefix}${name} = $.box(${JSON.stringify(name)})`);
  const bundle = new Bundle({ separator: '' });
  const glue = (code: string): unknown => bundle.addSource({ content: new MagicString(code) });
  const piece = (from: MagicString, start: number, end: number): unknown =>
    start < end && bundle.addSource({ filename: 'cell.js', content: from.snip(start, end) });
  const watch = loops.length > 0 ? `const ${local}2 = $.interrupts, ${local}3 = ${local}2[0];` : '';
  const sharing = shares.size > 0 ? `$.share(${boxList(shares)});` : '';
  glue(
    `async ($) => {"use strict";${watch}${boxes.length > 0 ? `const ${boxes.join(', ')};` : ''}${sharing}${head.join('')}`,
  );
  let done = 0;
  for (const { node, versions, locals } of loops) {
    const { start, end } = node;
    piece(text, done, start);
    const first = locals.map((name) => `${local}${name} = $.settled(${box(name)})`);
    glue(`{let ${[...first, `${local}0`, `${local}1 = 0`].join(', ')};`);
    for (const { condition, text: version, back } of versions) {
      glue(`if (${condition}) ${back.length > 0 ? `try ` : ''}{`);
      piece(version, start, end);
      const writes = back.map((name) => `${box(name)} = ${local}${name};`);
      glue(back.length > 0 ? `} finally {${writes.join('')}} else ` : '} else ');
    }
    glue('{');
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
  return { code: bundle.toString(), map: remapping(chain, () => null).toString(), shares: [...shares] };

  function replace(
    target: MagicString,
    { node, shorthand, called }: Reference,
    place: (name: string) => string,
  ): void {
    const name = node.name as string;
    if (shorthand) target.appendLeft(node.end, `: ${place(name)}`);
    else target.overwrite(node.start, node.end, called ? `(0, ${place(name)})` : place(name));
  }

  function boxList(names: Iterable<string>): string {
    return [...names].map((name) => prefix + name).join(', ');
  }

  /** The loop as it runs with locals for names, the best first, and all names that are a local in one of them. */
  function keepInLocals({ node, quiet }: Loop): { versions: Version[]; locals: string[] } {
    const within = references.filter(({ node: { start, end } }) => start >= node.start && end <= node.end);
    const direct = within.filter((reference) => !inner.has(reference.node));
    const hard = new Set(
      direct
        .filter((reference) => targets.get(reference.node)?.kind === 'hard')
        .map((reference) => reference.node.name as string),
    );
    const all = new Set(direct.map((reference) => reference.node.name as string).filter((n) => !hard.has(n)));
    const unshared = new Set([...all].filter((name) => !isShared(name)));
    const alone = `$.unshared(${boxList(unshared)})`;
    const written = new Set(
      direct
        .filter((reference) => targets.has(reference.node))
        .map((reference) => reference.node.name as string),
    );
    const versions: Version[] = [];
    if (quiet && (unshared.size < all.size || written.size > 0)) {
      const text = withLocals(node, within, all, false);
      lookForInterrupts(quiet.turns, text);
      versions.push({ condition: guard(quiet), text, back: [...written] });
    }
    if (unshared.size > 0)
      versions.push({ condition: alone, text: withLocals(node, within, unshared, true), back: [] });
    return { versions, locals: versions.length > 0 ? [...all] : [] };
  }

  /** A loop that reads `locals` from locals, and writes them there and, if `through`, to their boxes. */
  function withLocals(
    loop: Node,
    within: readonly Reference[],
    locals: ReadonlySet<string>,
    through: boolean,
  ): MagicString {
    const version = new MagicString(javascript);
    const place = (name: string): string => (locals.has(name) ? local + name : box(name));
    const refreshed = new Map<Node, string[]>();
    for (const reference of within) {
      const { node, shorthand } = reference;
      nameAssigned(node, version);
      const name = node.name as string;
      const write = targets.get(node);
      if (inner.has(node) || !locals.has(name)) replace(version, reference, box);
      else if (!write || !through) replace(version, { node, shorthand, called: false }, place);
      else if (write.kind === 'assignment')
        version.overwrite(node.start, node.end, `${box(name)} = ${place(name)}`);
      else if (write.kind === 'update') {
        const { whole, used } = write;
        const operator = whole.operator as string;
        const next = `${box(name)} = ${operator}${place(name)}`;
        const kept = `${local}0 = ${place(name)}${operator}, ${box(name)} = ${place(name)}, ${local}0`;
        version.overwrite(whole.start, whole.end, `(${used && !whole.prefix ? kept : next})`);
      } else {
        replace(version, reference, box);
        refreshed.set(write.whole, [...(refreshed.get(write.whole) ?? []), name]);
      }
    }
    for (const [whole, written] of refreshed) {
      const refresh = written.map((name) => `${place(name)} = ${box(name)}`).join(', ');
      const body = /^For(In|Of)/.test(whole.type) ? (whole.body as Node) : null;
      if (!body) version.appendLeft(whole.end, `, ${refresh}`);
      else if (body.type === 'BlockStatement') version.appendRight(body.start + 1, `${refresh};`);
      else {
        version.appendRight(body.start, `{${refresh};`);
        version.appendLeft(body.end, '}');
      }
    }
    rewriteVars(loop, version, place);
    rewriteImports(loop, version);
    return version;
  }

  /**
   * Where writes wait for the loop's end, the loop itself must look whether it is to stop: now and then, because a look takes as long as a
   * short loop's turn, and as a part of its test, because V8 keeps a number in a register only through a loop that has a single way out.
   */
  function lookForInterrupts(turns: readonly Turn[], text: MagicString): void {
    const isNow = `((${local}1 = (${local}1 + 1) | 0) & 1023)`;
    const goesOn = `${isNow} !== 0 || ${local}2[0] === ${local}3`;
    const stop = `if (${local}2[0] !== ${local}3) $.stop();`;
    // The outer loops come first, so that what is put behind an inner one must be put before what stands there.
    for (const { labelled, loop } of turns) {
      const test = loop.test as Node | null | undefined;
      const body = loop.body as Node;
      text.prependLeft(labelled.end, `${stop}}`);
      text.appendRight(labelled.start, '{');
      if (test) {
        text.appendRight(test.start, `(${goesOn}) ? (`);
        text.appendLeft(test.end, ') : false');
      } else if (loop.type === 'ForStatement') {
        const from = (loop.init as Node | null)?.end ?? javascript.indexOf('(', loop.start);
        text.appendLeft(javascript.indexOf(';', from) + 1, goesOn);
      } else {
        text.appendRight(body.start, `{if (${isNow} === 0) ${stop}`);
        text.prependLeft(body.end, '}');
      }
    }
  }

  /** The condition under which nothing in the loop can run other code. */
  function guard({ scalars, containers, outerScalars, outerContainers, globals }: Quiet): string {
    const primitive = (place: string): string =>
      `typeof ${place} !== 'object' && typeof ${place} !== 'function'`;
    const plain = (place: string, { elements, members }: Container): string =>
      `$.plain(${place}, ${elements}, ${JSON.stringify([...members])})`;
    return [
      ...[...scalars].map((name) => `(${primitive(local + name)} || ${local}${name} === null)`),
      ...[...outerScalars].map((name) => `(${primitive(name)} || ${name} === null)`),
      ...[...globals].map(([name, members]) => `$.original("${name}", ${JSON.stringify([...members])})`),
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
        declareVariables(statement);
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
    const declarations = statement.declarations as unknown as { id: Node; init: Node | null; end: number }[];
    text.overwrite(statement.start, declarations[0].id.start, inHead ? '' : ';(');
    for (const { id, init } of declarations) {
      const name = id.name as string;
      if (!init) {
        if (!inHead) text.appendLeft(id.end, ` = ${place(name)}`);
      } else if (id.type === 'Identifier') nameAfter(name, init, text);
    }
    if (!inHead) text.appendRight(declarations.at(-1)!.end, ')');
  }

  /** A variable of the cell's top level, which may have been declared before. */
  function declareVariables(statement: Node): void {
    const declarations = statement.declarations as unknown as { id: Node; init: Node | null; end: number }[];
    text.overwrite(statement.start, declarations[0].id.start, ';(');
    for (const { id, init } of declarations) {
      const name = id.name as string;
      if (id.type !== 'Identifier' || (statement.kind === 'var' && !init)) continue;
      if (statement.kind === 'const' && !names.has(name)) {
        nameAfter(name, init!, text);
        continue;
      }
      const start = `$.declare(${prefix}${name}, ${JSON.stringify(name)}, `;
      text.overwrite(id.start, init?.start ?? id.end, init ? start : `${start}undefined)`);
      if (!init) continue;
      text.appendLeft(init.end, ')');
      nameAfter(name, init, text);
    }
    text.appendRight(declarations.at(-1)!.end, ')');
  }

  /** `x = () => 1`, where `x` is this identifier. */
  function nameAssigned(identifier: Node, text: MagicString): void {
    const { kind, whole } = targets.get(identifier) ?? {};
    if (kind === 'assignment' && /^([?]{2}|[|]{2}|&&)?=$/.test((whole!.operator as string) ?? ''))
      nameAfter(identifier.name as string, whole!.right as Node, text);
  }

  /** A function or class without a name takes that of its variable. */
  function nameAfter(name: string, init: Node, text: MagicString): void {
    if (!isAnonymous(init)) return;
    text.appendRight(init.start, `({${JSON.stringify(name)}: `);
    text.prependLeft(init.end, `})[${JSON.stringify(name)}]`);
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

  function rewriteImports(node: unknown, text: MagicString): void {
    if (Array.isArray(node)) {
      for (const entry of node) rewriteImports(entry, text);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    const { type, start, source } = node as Node;
    if (type === 'ImportExpression') text.overwrite(start, (source as Node).start, '$.import(');
    if (type === 'MetaProperty' && ((node as Node).meta as Node).name === 'import')
      text.overwrite(start, (node as Node).end, '$.meta');
    for (const child of Object.values(node as Node)) rewriteImports(child, text);
  }

  /** Removes a statement, but none of its line breaks. */
  function blank(statement: Node): void {
    const breaks = javascript.slice(statement.start, statement.end).replace(/[^\n]/g, '');
    text.overwrite(statement.start, statement.end, breaks || ' ');
  }
}
