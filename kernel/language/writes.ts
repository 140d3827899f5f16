import { isNode, type Node } from './scope.ts';

/** A place where a name gets a value. */
export interface Write {
  /**
   * `x = 1`, `x += 1` and `var x = 1`; `x++`; a pattern or a loop's head, which assign as they go; `hard` where what follows cannot be told
   * when they have.
   */
  kind: 'assignment' | 'update' | 'pattern' | 'hard';
  /** The update, or that after which the pattern has assigned: an expression, a declarator, or a loop before its body. */
  whole: Node;
  /** Whether the value of an update is used. */
  used: boolean;
}

/** What is written in a program, and what is a part of a function or a class. */
export interface Writes {
  /** By identifier. */
  targets: ReadonlyMap<Node, Write>;
  /** Identifiers in functions and classes, which run at any time. */
  inner: ReadonlySet<Node>;
}

interface Place {
  inner: boolean;
  /** Within a `try`, what follows a failure sees a pattern that has assigned a part. */
  guarded: boolean;
}

/** Every write of a name, of whatever scope. */
export function writesOf(program: Node): Writes {
  const targets = new Map<Node, Write>();
  const inner = new Set<Node>();

  /** The identifiers that a pattern assigns. */
  const pattern = (target: Node, whole: Node, hard: boolean): void => {
    const isHard = hard || !isSimple(target);
    for (const node of assigned(target))
      targets.set(node, { kind: isHard ? 'hard' : 'pattern', whole, used: false });
  };

  const assignment = (node: Node, used: boolean, { guarded }: Place): void => {
    const left = node.left as Node;
    if (left.type === 'Identifier') targets.set(left, { kind: 'assignment', whole: node, used });
    else if (left.type !== 'MemberExpression') pattern(left, node, used || guarded);
  };

  /** An expression whose value nobody uses. */
  const effect = (node: Node, place: Place): void => {
    if (node.type === 'AssignmentExpression') assignment(node, false, place);
    else if (node.type === 'UpdateExpression') update(node, false);
    else if (node.type === 'SequenceExpression') {
      for (const part of node.expressions as Node[]) effect(part, place);
      return;
    } else if (node.type === 'ParenthesizedExpression') {
      effect(node.expression as Node, place);
      return;
    } else {
      visit(node, place);
      return;
    }
    visitChildren(node, place);
  };

  const update = (node: Node, used: boolean): void => {
    const argument = node.argument as Node;
    if (argument.type === 'Identifier') targets.set(argument, { kind: 'update', whole: node, used });
    else if (argument.type === 'ParenthesizedExpression') pattern(argument, node, true);
  };

  const visitChildren = (node: Node, place: Place): void => {
    for (const [key, value] of Object.entries(node)) if (key !== 'parent') visitAny(value, place);
  };

  const visitAny = (value: unknown, place: Place): void => {
    if (Array.isArray(value)) for (const entry of value) visitAny(entry, place);
    else if (isNode(value)) visit(value, place);
  };

  function visit(node: Node, place: Place): void {
    switch (node.type) {
      case 'Identifier':
        if (place.inner) inner.add(node);
        return;
      case 'ExpressionStatement':
        effect(node.expression as Node, place);
        return;
      case 'AssignmentExpression':
        assignment(node, true, place);
        break;
      case 'UpdateExpression':
        update(node, true);
        break;
      case 'VariableDeclarator': {
        const id = node.id as Node;
        if (id.type !== 'Identifier') pattern(id, node, place.guarded);
        else if (node.init) targets.set(id, { kind: 'assignment', whole: node, used: false });
        break;
      }
      case 'ForStatement':
        for (const part of [node.init, node.update] as (Node | null)[]) if (part) effect(part, place);
        visitAny([node.test, node.body], place);
        return;
      case 'ForInStatement':
      case 'ForOfStatement': {
        const left = node.left as Node;
        const target =
          left.type === 'VariableDeclaration' ? ((left.declarations as Node[])[0].id as Node) : left;
        if (target.type !== 'MemberExpression')
          pattern(target, node, place.guarded && target.type !== 'Identifier');
        // The declarator there is no place where anything ends.
        visitAny([target, node.right, node.body], place);
        return;
      }
      case 'TryStatement':
        visitChildren(node, { ...place, guarded: true });
        return;
    }
    const within = /^(Function|Arrow|Class)/.test(node.type) ? { ...place, inner: true } : place;
    visitChildren(node, within);
  }

  visit(program, { inner: false, guarded: false });
  return { targets, inner };
}

/** Whether a pattern runs no expression of its own before it is done. */
function isSimple(target: Node | null): boolean {
  switch (target?.type) {
    case undefined:
    case 'Identifier':
      return true;
    case 'ArrayPattern':
      return (target!.elements as (Node | null)[]).every(isSimple);
    case 'ObjectPattern':
      return (target!.properties as Node[]).every((property) =>
        property.type === 'RestElement'
          ? isSimple(property)
          : !property.computed && isSimple(property.value as Node),
      );
    case 'RestElement':
      return isSimple(target!.argument as Node);
    default:
      return false;
  }
}

/** The identifiers that a pattern assigns, in order. */
function assigned(target: Node | null): Node[] {
  switch (target?.type) {
    case 'Identifier':
      return [target];
    case 'ArrayPattern':
      return (target.elements as (Node | null)[]).flatMap(assigned);
    case 'ObjectPattern':
      return (target.properties as Node[]).flatMap((property) =>
        assigned((property.type === 'RestElement' ? property : property.value) as Node),
      );
    case 'RestElement':
      return assigned(target.argument as Node);
    case 'AssignmentPattern':
      return assigned(target.left as Node);
    case 'ParenthesizedExpression':
      return assigned(target.expression as Node);
    default:
      return [];
  }
}
