import remapping from '@jridgewell/remapping';
import MagicString from 'magic-string';
import { parseSync } from 'oxc-parser';
import { transformSync } from 'oxc-transform';
import { boundNames, type CellSyntax } from './declarations.ts';
import { freeReferences, type Node } from './scope.ts';

export interface Transformed {
  /** One expression: `async ($) => { ... }`. */
  code: string;
  /** Source map (version 3, JSON) to the cell. */
  map: string;
}

/** A prefix for the locals that hold bindings, which the cell itself does not use. */
function freePrefix(code: string): string {
  let prefix = '$_';
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
 * has held an object in some box, allocates at every store.
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
  const prefix = freePrefix(javascript);
  const box = (name: string): string => `${prefix}${name}.${name}`;
  const body = program.body as Node[];

  const own = new Set<string>();
  for (const statement of body) for (const name of statementNames(statement)) own.add(name);
  const visible = new Set([...names, ...own]);
  const used = new Set<string>(own);
  for (const { node, shorthand, called } of freeReferences(program, visible)) {
    const name = node.name as string;
    used.add(name);
    if (shorthand) text.appendLeft(node.end, `: ${box(name)}`);
    else text.overwrite(node.start, node.end, called ? `(0, ${box(name)})` : box(name));
  }

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
  text.prepend(`async ($) => {${prologue}`);
  text.append('\n}');
  const outer = text.generateMap({ hires: 'boundary', source: 'cell.js' });
  const chain = [
    outer as unknown as string,
    map as unknown as string,
    lowered.generateMap({ hires: 'boundary', source: 'cell.ts' }) as unknown as string,
  ];
  return { code: text.toString(), map: remapping(chain, () => null).toString() };

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
        rewriteVariables(statement, false);
        return;
      case 'ImportDeclaration':
        rewriteImport(statement);
        return;
      default:
        rewriteVars(statement);
    }
  }

  /** Declarations become assignments to the boxes; the names themselves were rewritten as references. */
  function rewriteVariables(statement: Node, inHead: boolean): void {
    const declarations = statement.declarations as Node[];
    text.overwrite(statement.start, (declarations[0].id as Node).start, inHead ? '' : ';(');
    for (const { id, init } of declarations as unknown as { id: Node; init: Node | null }[]) {
      if (!init) {
        if (!inHead)
          text.appendLeft(id.end, statement.kind === 'var' ? ` = ${box(id.name as string)}` : ' = undefined');
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
  function rewriteVars(value: unknown): void {
    if (Array.isArray(value)) {
      value.forEach(rewriteVars);
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
      rewriteVariables(node.init as Node, true);
      rewriteVars(node.body);
      return;
    }
    if (
      /^For(In|Of)Statement$/.test(node.type) &&
      (node.left as Node).type === 'VariableDeclaration' &&
      (node.left as Node).kind === 'var'
    ) {
      rewriteVariables(node.left as Node, true);
      rewriteVars(node.body);
      return;
    }
    if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      rewriteVariables(node, false);
      return;
    }
    Object.values(node).forEach(rewriteVars);
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
