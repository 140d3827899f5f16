// Reads what a TypeScript module exports, with the comments that document it.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';

/**
 * @typedef {{ name: string, kind: 'function' | 'class' | 'value' | 'type' | 'namespace', doc: string, signature: string,
 *   members: { name: string, doc: string, signature: string }[], path?: string }} Entry
 */

const parsed = new Map();

function parse(path) {
  if (!parsed.has(path)) {
    const text = readFileSync(path, 'utf8');
    parsed.set(path, { text, ...parseSync(path, text) });
  }
  return parsed.get(path);
}

/** The documentation comment that ends where a node begins. */
function docBefore({ text, comments }, start) {
  const comment = comments.findLast((c) => c.end <= start);
  if (comment?.type !== 'Block' || !comment.value.startsWith('*')) return '';
  const between = text
    .slice(comment.end, start)
    .replace(/\/\/.*$/gm, '')
    .trim();
  if (between !== '') return '';
  return comment.value
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
    .trim();
}

const oneLine = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/([([{]) /g, '$1')
    .replace(/,? ([)\]])/g, '$1')
    .trim();

/** Text of a function from its parameters to its return type. */
function signatureOf(text, node) {
  const end = node.body ? node.body.start : node.end;
  const from = node.typeParameters?.start ?? node.params[0]?.start ?? node.start;
  const open = text.lastIndexOf('(', node.params[0]?.start ?? text.indexOf(')', node.start)) ?? from;
  return oneLine(text.slice(node.typeParameters?.start ?? open, end).replace(/=>\s*$/, ''));
}

function membersOf(source, body) {
  const out = [];
  for (const member of body) {
    const name = member.key?.name ?? member.key?.value;
    if (!name || member.accessibility === 'private' || member.accessibility === 'protected') continue;
    if (member.key.type === 'PrivateIdentifier') continue;
    const fn = member.value?.type?.includes('Function') ? member.value : null;
    const doc = docBefore(source, member.start);
    if (doc.includes('@internal')) continue;
    if (member.kind === 'get') {
      const type = fn.returnType ? oneLine(source.text.slice(fn.returnType.start, fn.returnType.end)) : '';
      out.push({ name, doc, signature: `${name}${type}` });
    } else if (fn)
      out.push({
        name,
        doc,
        signature: `${member.static ? 'static ' : ''}${name}${signatureOf(source.text, fn)}`,
      });
    else if (doc) {
      const type = member.typeAnnotation
        ? oneLine(source.text.slice(member.typeAnnotation.start, member.typeAnnotation.end))
        : '';
      out.push({ name, doc, signature: `${name}${type}` });
    }
  }
  return out;
}

function entryOf(source, declaration, start) {
  const doc = docBefore(source, start);
  const { text } = source;
  const name = declaration.id?.name;
  switch (declaration.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return [
        { name, kind: 'function', doc, signature: `${name}${signatureOf(text, declaration)}`, members: [] },
      ];
    case 'ClassDeclaration': {
      const parent = declaration.superClass
        ? ` extends ${oneLine(text.slice(declaration.superClass.start, declaration.superClass.end))}`
        : '';
      const members = membersOf(source, declaration.body.body);
      const made = members.find((m) => m.name === 'constructor');
      const signature = made
        ? `new ${name}${made.signature.replace('constructor', '')}`
        : `class ${name}${parent}`;
      return [{ name, kind: 'class', doc, signature, members: members.filter((m) => m !== made) }];
    }
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return [{ name, kind: 'type', doc, signature: '', members: [] }];
    case 'VariableDeclaration':
      return declaration.declarations.map(({ id, init }) => {
        const fn = init?.type === 'ArrowFunctionExpression' ? init : null;
        const type = id.typeAnnotation && oneLine(text.slice(id.typeAnnotation.start, id.typeAnnotation.end));
        const signature = fn && !type ? `${id.name}${signatureOf(text, fn)}` : `${id.name}${type ?? ''}`;
        return { name: id.name, kind: 'value', doc, signature, members: [] };
      });
    default:
      return [];
  }
}

const resolve = (from, specifier) => join(dirname(from), specifier);

/** Every export of a module, those of other modules that it passes on included. @returns {Map<string, Entry>} */
export function exportsOf(path) {
  const source = parse(path);
  const out = new Map();
  for (const node of source.program.body) {
    if (node.type === 'ExportAllDeclaration') {
      const target = resolve(path, node.source.value);
      if (node.exported)
        out.set(node.exported.name, {
          name: node.exported.name,
          kind: 'namespace',
          doc: '',
          signature: '',
          members: [],
          path: target,
        });
      else for (const [name, entry] of exportsOf(target)) if (!out.has(name)) out.set(name, entry);
    } else if (node.type === 'ExportNamedDeclaration' && node.source) {
      const target = exportsOf(resolve(path, node.source.value));
      for (const { local, exported } of node.specifiers) {
        const entry = target.get(local.name);
        if (entry) out.set(exported.name, { ...entry, name: exported.name });
      }
    } else if (node.type === 'ExportNamedDeclaration' && node.declaration) {
      for (const entry of entryOf(source, node.declaration, node.start)) {
        const before = out.get(entry.name);
        if (!before || (!before.doc && entry.doc))
          out.set(entry.name, { ...entry, doc: entry.doc || before?.doc || '' });
      }
    } else if (node.type === 'ExportNamedDeclaration') {
      const locals = new Map(
        source.program.body.flatMap((n) =>
          n.type === 'FunctionDeclaration' ||
          n.type === 'ClassDeclaration' ||
          n.type === 'VariableDeclaration'
            ? entryOf(source, n, n.start).map((e) => [e.name, e])
            : [],
        ),
      );
      const imported = new Map(
        source.program.body.flatMap((n) =>
          n.type === 'ImportDeclaration' && n.source.value.startsWith('.')
            ? n.specifiers.map((s) => [
                s.local.name,
                { name: s.imported?.name ?? s.local.name, from: resolve(path, n.source.value) },
              ])
            : [],
        ),
      );
      for (const { local, exported } of node.specifiers) {
        const origin = imported.get(local.name);
        const entry = locals.get(local.name) ?? (origin && exportsOf(origin.from).get(origin.name));
        if (entry) out.set(exported.name, { ...entry, name: exported.name });
      }
    }
  }
  return out;
}
