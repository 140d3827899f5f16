import { applyOne, type Context, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { mapBinary, mapUnary } from '../engine/loops.ts';
import { type DType, getDefaultDtype, isFloating, resultType } from '../tensor/dtype.ts';
import { broadcastShapes, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, scalar } from './cast.ts';
import { type OpRecord, op } from './record.ts';
import { sumTo } from './sumTo.ts';
import { notATensor } from './tensorArguments.ts';

/** A tensor, or a number that takes the other operand's dtype where it can (see `resultType`). */
export type Arg = Tensor | number | boolean;

export type Unary = (input: Tensor) => Tensor;
export type Binary = (input: Arg, other: Arg) => Tensor;

/** How the result's dtype follows from the promoted dtype of the operands. */
export type ResultDtype = 'same' | 'float' | 'bool';

const resultOf = (rule: ResultDtype, dtype: DType): DType =>
  rule === 'bool' ? 'bool' : rule === 'float' && !isFloating(dtype) ? getDefaultDtype() : dtype;

type RecordRest = Omit<OpRecord, 'name' | 'differentiable' | 'torch' | 'family'> & {
  readonly torch?: string;
  readonly family?: OpRecord['family'];
};

/**
 * Kernels that can write their result over their first operand, by operation; false where dtypes or shapes do not allow it. In-place
 * variants use them while nothing is recorded.
 */
export const writers = new Map<string, (target: Tensor, other?: Arg) => boolean>();

/** Whether every element of `other` is read at its own place in `target`, or lies in other memory. */
const isApart = (target: Tensor, other: Tensor): boolean =>
  target.storage !== other.storage ||
  (target.offset === other.offset &&
    sameShape(target.shape, other.shape) &&
    target.strides.every((stride, d) => stride === other.strides[d]));

export interface UnaryDefinition extends RecordRest {
  readonly name: string;
  readonly result: ResultDtype;
  /** One element, in float64. */
  readonly element: (x: number) => number;
  /** What the gradient reads. */
  readonly save: 'input' | 'output' | 'nothing';
  /** d(loss)/d(input) from d(loss)/d(output) and what was saved; or why there is none. */
  readonly gradient: ((grad: Tensor, saved: Tensor) => Tensor) | string;
}

/** Defines an operation that maps each element by itself. */
export function unary(definition: UnaryDefinition): Unary {
  const { name, element, save, gradient, result } = definition;
  const run = kernel(`unary.${name}`, (out: Tensor, a: Tensor) => mapUnary(element, out, a));
  const primitive: Primitive<null> = {
    name,
    forward(ctx: Context, [input]) {
      const x = input as Tensor;
      const out = Tensor.allocate(x.shape, resultOf(result, x.dtype));
      run(out, x);
      if (save === 'input') ctx.save(x);
      else if (save === 'output') ctx.save(out);
      return out;
    },
    gradient: typeof gradient === 'string' ? gradient : (ctx, [g]) => [g && gradient(g, ctx.saved[0])],
  };
  writers.set(name, (target) => {
    if (resultOf(result, target.dtype) !== target.dtype) return false;
    run(target, target);
    return true;
  });
  return op(
    {
      ...definition,
      torch: definition.torch ?? `${name}(input)`,
      family: definition.family ?? 'elementwise',
      frequent: true,
      differentiable: typeof gradient === 'string' ? gradient : true,
    },
    (input: Tensor) => {
      if (!(input instanceof Tensor)) throw notATensor(name, 'input', input);
      return applyOne(primitive, [input], null);
    },
  );
}

export interface BinaryDefinition extends RecordRest {
  readonly name: string;
  /** What errors and the graph call it, where users know it by another name. */
  readonly label?: string;
  readonly result: ResultDtype;
  /** One pair of elements, in float64. */
  readonly element: (x: number, y: number) => number;
  /** The same for two int32 values, where doubles would lose bits. */
  readonly integerElement?: (x: number, y: number) => number;
  /** Which operands (and output) the gradient reads. */
  readonly save: 'both' | 'left' | 'right' | 'nothing';
  /** The two gradients in the broadcast shape; each is summed to its operand's shape afterwards. */
  readonly gradient:
    | {
        readonly left: (grad: Tensor, x: Tensor, y: Tensor) => Tensor;
        readonly right: (grad: Tensor, x: Tensor, y: Tensor) => Tensor;
      }
    | string;
}

/** Error: an operand that is neither a tensor nor a number. */
function checkOperand(name: string, parameter: string, value: unknown): void {
  if (!(value instanceof Tensor) && typeof value !== 'number' && typeof value !== 'boolean')
    throw notATensor(name, parameter, value, ' or a number');
}

/** Both operands as tensors of their common dtype. Error: two plain numbers. */
export function promote(name: string, a: Arg, b: Arg): [Tensor, Tensor] {
  checkOperand(name, 'input', a);
  checkOperand(name, 'other', b);
  if (!(a instanceof Tensor) && !(b instanceof Tensor))
    throw new TypeError(`${name}: ${a} and ${b} are both plain numbers: make one a tensor`);
  if (a instanceof Tensor && b instanceof Tensor && a.dtype === b.dtype) return [a, b];
  const dtype = resultType(a, b);
  return [
    a instanceof Tensor ? cast(a, dtype) : scalar(a, dtype),
    b instanceof Tensor ? cast(b, dtype) : scalar(b, dtype),
  ];
}

/** Defines an operation on pairs of elements, with broadcasting and type promotion. */
export function binary(definition: BinaryDefinition): Binary {
  const { name, element, integerElement, save, gradient, result } = definition;
  const { label = name } = definition;
  const run = kernel(`binary.${name}`, (out: Tensor, a: Tensor, b: Tensor) =>
    mapBinary(integerElement && a.dtype === 'int32' ? integerElement : element, out, a, b),
  );
  const primitive: Primitive<null> = {
    name: label,
    forward(ctx: Context, inputs) {
      const [x, y] = inputs as [Tensor, Tensor];
      const shape = sameShape(x.shape, y.shape) ? x.shape : broadcastShapes(label, x.shape, y.shape);
      const out = Tensor.allocate(shape, resultOf(result, x.dtype));
      run(out, x, y);
      if (save !== 'nothing') ctx.save(save === 'right' ? null : x, save === 'left' ? null : y);
      return out;
    },
    gradient:
      typeof gradient === 'string'
        ? gradient
        : (ctx, [g]) => {
            if (g === null) return [null, null];
            const [x, y] = ctx.saved;
            // What broadcasting repeated, the gradient sums.
            return [
              ctx.needs(0) ? sumTo(gradient.left(g, x, y), ctx.inputShape(0)) : null,
              ctx.needs(1) ? sumTo(gradient.right(g, x, y), ctx.inputShape(1)) : null,
            ];
          },
  };
  writers.set(name, (target, other) => {
    const y = other instanceof Tensor ? other : scalar(other as number | boolean, target.dtype);
    if (
      (other instanceof Tensor ? y.dtype : resultType(target, other as number | boolean)) !== target.dtype ||
      resultOf(result, target.dtype) !== target.dtype ||
      !sameShape(broadcastShapes(`${label}_`, target.shape, y.shape), target.shape) ||
      !isApart(target, y)
    )
      return false;
    run(target, target, y);
    return true;
  });
  return op(
    {
      ...definition,
      torch: definition.torch ?? `${name}(input, other)`,
      family: definition.family ?? (result === 'bool' ? 'comparison' : 'elementwise'),
      frequent: true,
      differentiable: typeof gradient === 'string' ? gradient : true,
    },
    (input: Arg, other: Arg) => {
      if (
        input instanceof Tensor &&
        other instanceof Tensor &&
        input.dtype === other.dtype &&
        (result !== 'float' || isFloating(input.dtype))
      )
        return applyOne(primitive, [input, other], null);
      let [x, y] = promote(label, input, other);
      if (result === 'float' && !isFloating(x.dtype)) {
        x = cast(x, getDefaultDtype());
        y = cast(y, getDefaultDtype());
      }
      return applyOne(primitive, [x, y], null);
    },
  );
}
