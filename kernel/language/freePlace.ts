import { type CellSyntax, readCell } from './declarations.ts';
import { isNode, type Node } from './scope.ts';

/** Where an expression is read, by the kind of the node around it; in types, patterns and keys a name may mean another thing. */
const readers: Readonly<Record<string, readonly string[]>> = {
  ArrayExpression: ['elements'],
  ArrowFunctionExpression: ['body'],
  AssignmentExpression: ['right'],
  AwaitExpression: ['argument'],
  BinaryExpression: ['left', 'right'],
  CallExpression: ['callee', 'arguments'],
  ConditionalExpression: ['test', 'consequent', 'alternate'],
  ExpressionStatement: ['expression'],
  LogicalExpression: ['left', 'right'],
  NewExpression: ['callee', 'arguments'],
  ParenthesizedExpression: ['expression'],
  ReturnStatement: ['argument'],
  SpreadElement: ['argument'],
  TemplateLiteral: ['expressions'],
  UnaryExpression: ['argument'],
  VariableDeclarator: ['init'],
};

/** Within these, more is offered or less is seen than elsewhere; and a declaration for all may change the meaning of any name. */
const apart = /^(?:TS|JSX|Class|Decorator)/;
const global = /\b(?:declare|global|module|namespace|arguments)\b/;

/**
 * The name from `start` to `end` with those it is a member of, `cloud.points`, if it means the same wherever it is written: it is read in a plain expression,
 * and the cell mentions the first name nowhere else, so that it neither declares it nor narrows its type. Null: anything else. Where nothing is
 * typed yet, the last name is empty.
 */
export function freePlace(code: string, syntax: CellSyntax, start: number, end: number): string | null {
  if (global.test(code)) return null;
  const typed = code.slice(start, end);
  const whole = typed === '' ? readCell(`${code.slice(0, start)}_${code.slice(end)}`) : syntax;
  if (whole.problems.length > 0) return null;
  const path = pathTo(whole.body, start);
  let node = path.pop();
  if (node?.type !== 'Identifier' || node.start !== start) return null;
  const names = [typed];
  while (path.at(-1)?.type === 'MemberExpression' && path.at(-1)!.property === node) {
    const member = path.pop()!;
    if (member.computed || member.optional) return null;
    node = member;
    for (let object = member.object as Node; ; object = object.object as Node) {
      if (object.type === 'MemberExpression' && !object.computed && !object.optional)
        names.unshift((object.property as Node).name as string);
      else if (object.type === 'Identifier') {
        names.unshift(object.name as string);
        break;
      } else return null;
    }
  }
  const parent = path.at(-1);
  const isRead = readers[parent?.type ?? '']?.some((key) => {
    const child = parent![key];
    return child === node || (Array.isArray(child) && child.includes(node));
  });
  if (!isRead && !(parent?.type === 'MemberExpression' && parent.object === node)) return null;
  if (path.some(({ type }) => apart.test(type))) return null;
  const [first] = names;
  const mentions = code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu)?.filter((name) => name === first);
  return mentions?.length === 1 ? names.join('.') : null;
}

/** The nodes around a place, from the outermost on. */
function pathTo(body: readonly Node[], place: number): Node[] {
  const path: Node[] = [];
  let children: readonly unknown[] = body;
  for (;;) {
    const next = children
      .flat()
      .find((child): child is Node => isNode(child) && child.start <= place && place < child.end);
    if (!next) return path;
    path.push(next);
    children = Object.values(next);
  }
}
