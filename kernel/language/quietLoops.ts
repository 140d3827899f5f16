import type { Node } from './scope.ts';

/** What a loop does with an object that it only reads members of. */
export interface Container {
  /** `xs[i]`, or `for (const x of xs)`. */
  elements: boolean;
  /** `point.x`, `xs.length`. */
  members: Set<string>;
}

export interface Turn {
  /** The loop with its labels. */
  labelled: Node;
  loop: Node;
}

/**
 * What must hold for a loop in which no other code of the user's can run: it calls nothing but `Math` and the like, makes no function and awaits
 * nothing, so that nothing can look at a variable or change one meanwhile, provided that its scalars hold primitives and its containers hold plain ones.
 */
export interface Quiet {
  /** The session's names that are used as values. */
  scalars: Set<string>;
  /** The session's names whose members are used. */
  containers: Map<string, Container>;
  /** The same for the cell's own block-scoped names around the loop. */
  outerScalars: Set<string>;
  outerContainers: Map<string, Container>;
  /** Members of `Math` and the like, which must be JavaScript's own. */
  globals: Map<string, Set<string>>;
  /** This loop and those in it, outer ones first: where an interrupt is looked for. */
  turns: Turn[];
}

/** Globals whose functions and constants run no code of the user's when given primitives. */
const quietGlobals: Readonly<Record<string, RegExp>> = {
  Math: /./,
  Number: /^(EPSILON|M[A-Z_]+|NaN|is\w+)$/,
  Date: /^now$/,
  performance: /^now$/,
};
const constants = new Set(['undefined', 'NaN', 'Infinity']);
const operators = /^(?!in$|instanceof$)/;

/** What makes a loop unfit; caught where the loop is examined. */
class Observable extends Error {}

const unlabelled = (node: Node): Node =>
  node.type === 'LabeledStatement' ? unlabelled(node.body as Node) : node;

/**
 * Null for a loop in which other code may run whatever its variables hold. `isSession` tells which identifiers mean a name of the session, `outer` are
 * the names of the blocks around the loop.
 */
export function quietness(
  node: Node,
  isSession: (identifier: Node) => boolean,
  outer: ReadonlySet<string>,
): Quiet | null {
  const loop: Quiet = {
    scalars: new Set(),
    containers: new Map(),
    outerScalars: new Set(),
    outerContainers: new Map(),
    globals: new Map(),
    turns: [],
  };
  const own = new Set<string>();
  const writtenOuter = new Set<string>();

  const container = (identifier: Node): Container => {
    const name = identifier.name as string;
    const table = isSession(identifier) ? loop.containers : loop.outerContainers;
    if (!isSession(identifier) && (own.has(name) || !outer.has(name))) throw new Observable();
    let entry = table.get(name);
    if (!entry) table.set(name, (entry = { elements: false, members: new Set() }));
    return entry;
  };

  const identifier = (target: Node, written: boolean): void => {
    const name = target.name as string;
    if (isSession(target)) loop.scalars.add(name);
    else if (own.has(name)) return;
    else if (outer.has(name)) {
      loop.outerScalars.add(name);
      if (written) writtenOuter.add(name);
    } else if (written || !constants.has(name)) throw new Observable();
  };

  /** `xs[i]` and `point.x`, of a name. */
  const member = (target: Node): void => {
    const object = target.object as Node;
    const property = target.property as Node;
    if (object.type !== 'Identifier' || target.optional) throw new Observable();
    if (!target.computed) {
      const name = property.name as string;
      const quiet = quietGlobals[object.name as string];
      const isGlobal =
        !isSession(object) && !own.has(object.name as string) && !outer.has(object.name as string);
      if (isGlobal && quiet?.test(name)) {
        const used = loop.globals.get(object.name as string);
        if (used) used.add(name);
        else loop.globals.set(object.name as string, new Set([name]));
        return;
      }
      container(object).members.add(name);
      return;
    }
    container(object).elements = true;
    expression(property);
  };

  const assignable = (target: Node): void => {
    if (target.type === 'Identifier') identifier(target, true);
    else if (target.type === 'MemberExpression') {
      if (quietGlobals[(target.object as Node).name as string]) throw new Observable();
      member(target);
    } else throw new Observable();
  };

  const expressions = (nodes: unknown): void => {
    for (const entry of nodes as (Node | null)[]) if (entry) expression(entry);
  };

  function expression(value: Node): void {
    switch (value.type) {
      case 'Literal':
        if (value.regex) throw new Observable();
        return;
      case 'Identifier':
        identifier(value, false);
        return;
      case 'ParenthesizedExpression':
        expression(value.expression as Node);
        return;
      case 'UnaryExpression':
        if (value.operator === 'delete') throw new Observable();
        expression(value.argument as Node);
        return;
      case 'UpdateExpression':
        assignable(value.argument as Node);
        return;
      case 'BinaryExpression':
        if (!operators.test(value.operator as string)) throw new Observable();
        expressions([value.left, value.right]);
        return;
      case 'LogicalExpression':
        expressions([value.left, value.right]);
        return;
      case 'ConditionalExpression':
        expressions([value.test, value.consequent, value.alternate]);
        return;
      case 'AssignmentExpression':
        assignable(value.left as Node);
        expression(value.right as Node);
        return;
      case 'SequenceExpression':
      case 'TemplateLiteral':
        expressions(value.expressions);
        return;
      case 'MemberExpression':
        member(value);
        return;
      case 'CallExpression': {
        const callee = value.callee as Node;
        const object = callee.object as Node | undefined;
        const isGlobal =
          callee.type === 'MemberExpression' &&
          !callee.computed &&
          object?.type === 'Identifier' &&
          quietGlobals[object.name as string] !== undefined;
        if (!isGlobal || value.optional) throw new Observable();
        member(callee);
        if (loop.containers.has(object.name as string) || loop.outerContainers.has(object.name as string))
          throw new Observable();
        expressions(value.arguments);
        return;
      }
      default:
        throw new Observable();
    }
  }

  const declaration = (value: Node): void => {
    for (const { id, init } of value.declarations as unknown as { id: Node; init: Node | null }[]) {
      if (id.type !== 'Identifier' || /using/.test(value.kind as string)) throw new Observable();
      if (init) expression(init);
      if (value.kind === 'var') identifier(id, true);
      else own.add(id.name as string);
    }
  };

  function statement(labelled: Node | null): void {
    if (!labelled) return;
    const value = unlabelled(labelled);
    if (/^(For|ForOf|While|DoWhile)Statement$/.test(value.type)) loop.turns.push({ labelled, loop: value });
    switch (value.type) {
      case 'EmptyStatement':
      case 'ContinueStatement':
      case 'BreakStatement':
        return;
      case 'ExpressionStatement':
        expression(value.expression as Node);
        return;
      case 'BlockStatement':
        (value.body as Node[]).forEach(statement);
        return;
      case 'VariableDeclaration':
        declaration(value);
        return;
      case 'IfStatement':
        expression(value.test as Node);
        statement(value.consequent as Node);
        statement(value.alternate as Node | null);
        return;
      case 'SwitchStatement':
        expression(value.discriminant as Node);
        for (const { test, consequent } of value.cases as unknown as {
          test: Node | null;
          consequent: Node[];
        }[]) {
          if (test) expression(test);
          consequent.forEach(statement);
        }
        return;
      case 'ForStatement': {
        const init = value.init as Node | null;
        if (init?.type === 'VariableDeclaration') declaration(init);
        else if (init) expression(init);
        expressions([value.test, value.update]);
        break;
      }
      case 'ForOfStatement': {
        const [left, right] = [value.left as Node, value.right as Node];
        if (value.await || right.type !== 'Identifier') throw new Observable();
        container(right).elements = true;
        if (left.type === 'VariableDeclaration') declaration(left);
        else assignable(left);
        break;
      }
      case 'WhileStatement':
      case 'DoWhileStatement':
        expression(value.test as Node);
        break;
      default:
        throw new Observable();
    }
    statement(value.body as Node);
  }

  try {
    statement(node);
  } catch (problem) {
    if (problem instanceof Observable) return null;
    throw problem;
  }
  // An object that is also used as a value, or replaced meanwhile, cannot be vouched for at the start.
  const mixed = [...loop.containers.keys()].some((name) => loop.scalars.has(name));
  const mixedOuter = [...loop.outerContainers.keys()].some(
    (name) => loop.outerScalars.has(name) || writtenOuter.has(name) || own.has(name),
  );
  const shadowed = [...loop.outerScalars].some((name) => own.has(name));
  return mixed || mixedOuter || shadowed ? null : loop;
}
