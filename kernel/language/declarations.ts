import { parseSync } from 'oxc-parser';

/** What a top-level name is: it decides how a later cell imports it for the checker. */
export type NameKind = 'variable' | 'const' | 'function' | 'class' | 'enum' | 'namespace' | 'type' | 'import';

export interface Declaration {
  name: string;
  kind: NameKind;
  /** Declared with `export` already. */
  exported: boolean;
}

export interface SyntaxProblem {
  message: string;
  start: number;
  end: number;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

export interface CellSyntax {
  body: Node[];
  declarations: Declaration[];
  problems: SyntaxProblem[];
  /** Whether the last statement is an expression without a semicolon behind it. */
  showsResult: boolean;
}

/** Names bound by a pattern, in order. */
export function boundNames(pattern: Node | null): string[] {
  if (!pattern) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name as string];
    case 'ObjectPattern':
      return (pattern.properties as Node[]).flatMap((p) =>
        boundNames((p.type === 'RestElement' ? p.argument : p.value) as Node),
      );
    case 'ArrayPattern':
      return (pattern.elements as (Node | null)[]).flatMap(boundNames);
    case 'AssignmentPattern':
      return boundNames(pattern.left as Node);
    case 'RestElement':
      return boundNames(pattern.argument as Node);
    default:
      return [];
  }
}

const kinds: Record<string, NameKind> = {
  FunctionDeclaration: 'function',
  TSDeclareFunction: 'function',
  ClassDeclaration: 'class',
  TSEnumDeclaration: 'enum',
  TSModuleDeclaration: 'namespace',
  TSImportEqualsDeclaration: 'import',
  TSInterfaceDeclaration: 'type',
  TSTypeAliasDeclaration: 'type',
};

function declared(statement: Node, exported: boolean): Declaration[] {
  if (statement.type === 'ExportNamedDeclaration' && statement.declaration)
    return declared(statement.declaration as Node, true);
  if (statement.type === 'VariableDeclaration') {
    const kind: NameKind = statement.kind === 'let' || statement.kind === 'var' ? 'variable' : 'const';
    return (statement.declarations as Node[]).flatMap((d) =>
      boundNames(d.id as Node).map((name) => ({ name, kind, exported })),
    );
  }
  if (statement.type === 'ImportDeclaration') {
    const typeOnly = statement.importKind === 'type';
    return (statement.specifiers as Node[]).map((s) => ({
      name: (s.local as Node).name as string,
      kind: typeOnly || s.importKind === 'type' ? 'type' : 'import',
      exported: false,
    }));
  }
  const kind = kinds[statement.type];
  let id = statement.id as Node | null | undefined;
  // `namespace A.B {}` declares A.
  while (id?.type === 'TSQualifiedName') id = id.left as Node;
  return kind && id?.type === 'Identifier'
    ? [{ name: id.name as string, kind, exported }]
    : hoistedVars(statement);
}

/** `var` inside blocks and loops belongs to the cell. */
function hoistedVars(node: unknown): Declaration[] {
  if (Array.isArray(node)) return node.flatMap(hoistedVars);
  if (typeof node !== 'object' || node === null) return [];
  const { type } = node as Node;
  if (type?.startsWith('Function') || type === 'ArrowFunctionExpression' || type?.startsWith('Class'))
    return [];
  if (type === 'VariableDeclaration')
    return (node as Node).kind === 'var'
      ? ((node as Node).declarations as Node[]).flatMap((d) =>
          boundNames(d.id as Node).map((name) => ({ name, kind: 'variable' as const, exported: false })),
        )
      : [];
  return Object.values(node).flatMap(hoistedVars);
}

/** What a cell declares at its top level, where its syntax is wrong, and whether it shows a result. */
export function readCell(code: string): CellSyntax {
  const { program, errors } = parseSync('cell.tsx', code, { lang: 'tsx', sourceType: 'module' });
  const body = program.body as unknown as Node[];
  const seen = new Map<string, Declaration>();
  for (const declaration of body.flatMap((statement) => declared(statement, false))) {
    const before = seen.get(declaration.name);
    if (!before || before.kind === 'type') seen.set(declaration.name, declaration);
  }
  const last = body.at(-1);
  return {
    body,
    declarations: [...seen.values()],
    problems: errors.map(({ message, labels }) => ({
      message,
      start: labels[0]?.start ?? 0,
      end: labels[0]?.end ?? 0,
    })),
    showsResult: last?.type === 'ExpressionStatement' && code[last.end - 1] !== ';',
  };
}
