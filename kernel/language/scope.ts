import { boundNames } from './declarations.ts';

export interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

/** One use of a name that no inner scope declares. */
export interface Reference {
  node: Node;
  /** `{x}` in an object or a pattern, where the key must stay. */
  shorthand: boolean;
  /** Called as a function, so that `this` must not become an object. */
  called: boolean;
}

type Scope = ReadonlySet<string>;

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

const children = (node: Node): Node[] =>
  Object.entries(node).flatMap(([key, value]) =>
    key === 'parent' ? [] : Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );

const isFunction = (node: Node): boolean => /^(Function|Arrow)/.test(node.type);

/** Names that a block's own declarations bind: `let`, `const`, classes and functions. */
function lexical(statements: readonly Node[]): string[] {
  return statements.flatMap((s) => {
    if (s.type === 'VariableDeclaration' && s.kind !== 'var')
      return (s.declarations as Node[]).flatMap((d) => boundNames(d.id as never));
    if ((s.type === 'FunctionDeclaration' || s.type === 'ClassDeclaration') && s.id)
      return [(s.id as Node).name as string];
    return [];
  });
}

/** Names that `var` binds in a function, from any depth but inner functions. */
function vars(node: Node): string[] {
  if (isFunction(node)) return [];
  const own =
    node.type === 'VariableDeclaration' && node.kind === 'var'
      ? (node.declarations as Node[]).flatMap((d) => boundNames(d.id as never))
      : [];
  return [...own, ...children(node).flatMap(vars)];
}

/** Every use of one of `names` in a program that means the program's own (top-level or earlier) binding. */
export function freeReferences(program: Node, names: ReadonlySet<string>): Reference[] {
  const found: Reference[] = [];

  const reference = (node: Node, scopes: readonly Scope[], shorthand = false, called = false): void => {
    const name = node.name as string;
    if (names.has(name) && !scopes.some((scope) => scope.has(name))) found.push({ node, shorthand, called });
  };

  const pattern = (node: Node | null, scopes: readonly Scope[]): void => {
    if (!node) return;
    visit(node, scopes);
  };

  const visitAll = (nodes: readonly (Node | null)[], scopes: readonly Scope[]): void => {
    for (const node of nodes) if (node) visit(node, scopes);
  };

  const visitFunction = (node: Node, scopes: readonly Scope[]): void => {
    const params = node.params as Node[];
    const own = new Set(params.flatMap((p) => boundNames(p as never)));
    if (node.type !== 'ArrowFunctionExpression') own.add('arguments');
    if (node.type === 'FunctionExpression' && node.id) own.add((node.id as Node).name as string);
    const body = node.body as Node;
    if (body.type === 'BlockStatement')
      for (const name of [...vars(body), ...lexical(body.body as Node[])]) own.add(name);
    const inner = [...scopes, own];
    visitAll(params, inner);
    if (body.type === 'BlockStatement') visitAll(body.body as Node[], inner);
    else visit(body, inner);
  };

  function visit(node: Node, scopes: readonly Scope[]): void {
    switch (node.type) {
      case 'Identifier':
        reference(node, scopes);
        return;
      case 'MemberExpression':
        visit(node.object as Node, scopes);
        if (node.computed) visit(node.property as Node, scopes);
        return;
      case 'Property':
        if (node.computed) visit(node.key as Node, scopes);
        if (node.shorthand) {
          const value = node.value as Node;
          if (value.type === 'AssignmentPattern') {
            reference(value.left as Node, scopes, true);
            visit(value.right as Node, scopes);
          } else reference(value, scopes, true);
        } else visit(node.value as Node, scopes);
        return;
      case 'MethodDefinition':
      case 'PropertyDefinition':
      case 'AccessorProperty':
        if (node.computed) visit(node.key as Node, scopes);
        visitAll((node.decorators as Node[] | undefined) ?? [], scopes);
        if (node.value) visit(node.value as Node, scopes);
        return;
      case 'CallExpression': {
        const callee = node.callee as Node;
        if (callee.type === 'Identifier') reference(callee, scopes, false, true);
        else visit(callee, scopes);
        visitAll(node.arguments as Node[], scopes);
        return;
      }
      case 'TaggedTemplateExpression':
        if ((node.tag as Node).type === 'Identifier') reference(node.tag as Node, scopes, false, true);
        else visit(node.tag as Node, scopes);
        visit(node.quasi as Node, scopes);
        return;
      case 'LabeledStatement':
        visit(node.body as Node, scopes);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'MetaProperty':
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
        return;
      case 'ExportNamedDeclaration':
        if (node.declaration) visit(node.declaration as Node, scopes);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        visitFunction(node, scopes);
        return;
      case 'ClassDeclaration':
      case 'ClassExpression': {
        const inner = node.id ? [...scopes, new Set([(node.id as Node).name as string])] : scopes;
        visitAll((node.decorators as Node[] | undefined) ?? [], scopes);
        if (node.superClass) visit(node.superClass as Node, inner);
        visitAll((node.body as Node).body as Node[], inner);
        return;
      }
      case 'BlockStatement':
      case 'StaticBlock': {
        const body = node.body as Node[];
        visitAll(body, [
          ...scopes,
          new Set([...lexical(body), ...(node.type === 'StaticBlock' ? vars(node) : [])]),
        ]);
        return;
      }
      case 'SwitchStatement': {
        visit(node.discriminant as Node, scopes);
        const cases = node.cases as Node[];
        const inner = [...scopes, new Set(lexical(cases.flatMap((c) => c.consequent as Node[])))];
        for (const c of cases) visitAll([c.test as Node | null, ...(c.consequent as Node[])], inner);
        return;
      }
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement': {
        const head = (node.type === 'ForStatement' ? node.init : node.left) as Node | null;
        const inner =
          head?.type === 'VariableDeclaration' && head.kind !== 'var'
            ? [...scopes, new Set(lexical([head]))]
            : scopes;
        visitAll(children(node), inner);
        return;
      }
      case 'CatchClause': {
        const inner = [...scopes, new Set(boundNames(node.param as never))];
        pattern(node.param as Node | null, inner);
        visit(node.body as Node, inner);
        return;
      }
      default:
        visitAll(children(node), scopes);
    }
  }

  visitAll(program.body as Node[], []);
  return found;
}
