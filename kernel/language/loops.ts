import { boundNames } from './declarations.ts';
import { type Quiet, quietness } from './quietLoops.ts';
import { isNode, type Node } from './scope.ts';

/**
 * A loop that may keep variables of the session in locals while it runs. Each write goes to the variable too, at once, so that closures, an error and an
 * interrupt find it as it is; and nothing but the loop may write it, or the local would not be as it is. A name that no function or class
 * of any cell writes is such a name, for as long as the loop awaits nothing: other cells run then. In a quiet loop nothing else can run
 * at all: there every name stays as it is, and the writes can wait for its end.
 */
export interface Loop {
  /** The loop with its labels. */
  node: Node;
  /** What must hold for that. */
  quiet: Quiet | null;
}

const loopTypes = /^(For|ForIn|ForOf|While|DoWhile)Statement$/;

const unlabelled = (node: Node): Node =>
  node.type === 'LabeledStatement' ? unlabelled(node.body as Node) : node;

/** The outermost loops of a cell in which nothing is awaited. `isSession` tells which identifiers mean a name of the session. */
export function topLevelLoops(program: Node, isSession: (identifier: Node) => boolean): Loop[] {
  const found: Loop[] = [];
  const walk = (value: unknown, outer: ReadonlySet<string>): void => {
    if (Array.isArray(value)) {
      const names = value.filter(isNode).flatMap(blockNames);
      const inner = names.length > 0 ? new Set([...outer, ...names]) : outer;
      for (const entry of value) walk(entry, inner);
      return;
    }
    if (!isNode(value) || !/Statement$|^Program$|^SwitchCase$|^CatchClause$/.test(value.type)) return;
    if (loopTypes.test(unlabelled(value).type) && !awaits(value)) {
      found.push({ node: value, quiet: quietness(value, isSession, outer) });
      return;
    }
    const head = (value.init ?? value.left ?? null) as Node | null;
    const names = head
      ? blockNames(head)
      : value.type === 'CatchClause'
        ? boundNames(value.param as never)
        : [];
    const inner = new Set([...outer, ...names]);
    for (const child of Object.values(value)) walk(child, inner);
  };
  walk(program.body, new Set());
  return found;
}

/** What `let` and `const` bind here; top-level ones are session names, which `isSession` knows. */
const blockNames = (node: Node): string[] =>
  node.type === 'VariableDeclaration' && node.kind !== 'var'
    ? (node.declarations as Node[]).flatMap((d) => boundNames(d.id as never))
    : [];

/** Whether other cells may run before this part of a cell has ended. */
function awaits(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(awaits);
  if (!isNode(value) || /^(Function|Arrow)/.test(value.type)) return false;
  if (value.type === 'AwaitExpression' || (value.type === 'ForOfStatement' && value.await)) return true;
  if (value.type === 'VariableDeclaration' && value.kind === 'await using') return true;
  return Object.entries(value).some(([key, child]) => key !== 'parent' && awaits(child));
}
