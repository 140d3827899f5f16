import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { numel, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel, scalar } from './cast.ts';
import { expand } from './views.ts';

/** Places, counted from a tensor's offset, of the elements that one index tuple reaches in the dimensions behind the indexed ones. */
function restPlaces(shape: Shape, strides: readonly number[]): Int32Array {
  const out = new Int32Array(numel(shape));
  const index = shape.map(() => 0);
  for (let n = 0, place = 0; n < out.length; n++) {
    out[n] = place;
    for (let d = shape.length - 1; d >= 0; d--) {
      place += strides[d];
      if (++index[d] < shape[d]) break;
      place -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}

/** Where each index tuple points in `a`. */
function targets(a: Tensor, indices: readonly Tensor[]): Int32Array {
  const out = new Int32Array(indices[0].size).fill(a.offset);
  for (const [d, index] of indices.entries()) {
    const { elements, offset } = index;
    const stride = a.strides[d];
    for (let i = 0; i < out.length; i++) out[i] += elements[offset + i] * stride;
  }
  return out;
}

/** out (n, ...rest) = a (d1, ..., dk, ...rest) at n index tuples: k row-major int32 tensors (n,), already checked and not negative. */
const getKernel = kernel('index.get', (out: Tensor, a: Tensor, indices: readonly Tensor[]) => {
  const [target, source] = [out.elements, a.elements];
  const k = indices.length;
  const rest = restPlaces(a.shape.slice(k), a.strides.slice(k));
  let place = out.offset;
  for (const from of targets(a, indices))
    for (let r = 0; r < rest.length; r++) target[place++] = source[from + rest[r]];
});

/** out (d1, ..., dk, ...rest) at n index tuples = values (n, ...rest), added when `accumulate`; of repeated tuples the last one counts. */
const putKernel = kernel(
  'index.put',
  (out: Tensor, indices: readonly Tensor[], values: Tensor, accumulate: boolean) => {
    const [target, source] = [out.elements, values.elements];
    const k = indices.length;
    const rest = restPlaces(out.shape.slice(k), out.strides.slice(k));
    const from = restPlaces(values.shape.slice(1), values.strides.slice(1));
    const step = values.strides[0];
    let place = values.offset;
    for (const to of targets(out, indices)) {
      if (accumulate) for (let r = 0; r < rest.length; r++) target[to + rest[r]] += source[place + from[r]];
      else for (let r = 0; r < rest.length; r++) target[to + rest[r]] = source[place + from[r]];
      place += step;
    }
  },
);

/** x (d1, ..., dk, ...rest) and k index tensors (n,) give (n, ...rest). */
export const getPrimitive: Primitive<{ from: Shape }> = {
  name: 'index',
  forward(ctx, inputs) {
    const [x, ...indices] = inputs as Tensor[];
    const out = Tensor.allocate([indices[0].size, ...x.shape.slice(indices.length)], x.dtype);
    getKernel(out, x, indices);
    ctx.save(...indices);
    return out;
  },
  gradient: (ctx, [g], attrs) => [g && applyOne(addPrimitive, [g, ...ctx.saved], attrs)],
};

/** Zeros of the indexed tensor's shape, with the gradient added where it came from. */
const addPrimitive: typeof getPrimitive = {
  name: 'indexBackward',
  forward(ctx, inputs, { from }) {
    const [g, ...indices] = inputs as Tensor[];
    const out = Tensor.allocate(from, g.dtype, true);
    putKernel(out, indices, g, true);
    ctx.save(...indices);
    return out;
  },
  gradient: (ctx, [g], attrs) => [g && applyOne(getPrimitive, [g, ...ctx.saved], attrs)],
};

/** x with values (n, ...rest) written at index tuples; `inPlace` writes into x itself and returns its memory. */
export const putPrimitive: Primitive<{ accumulate: boolean; inPlace: boolean }> = {
  name: 'indexPut',
  forward(ctx, inputs, { accumulate, inPlace }) {
    const [x, values, ...indices] = inputs as Tensor[];
    const out = inPlace ? x.alias(x.shape, x.strides, x.offset) : Tensor.allocate(x.shape, x.dtype);
    if (!inPlace) copyKernel(out, x);
    putKernel(out, indices, values, accumulate);
    ctx.save(...indices);
    return out;
  },
  gradient: (ctx, [g], { accumulate }) => {
    if (!g) return [null, null];
    const indices = ctx.saved;
    const zero = (): Tensor =>
      expand(scalar(0, g.dtype), [indices[0].size, ...g.shape.slice(indices.length)]);
    return [
      !ctx.needs(0)
        ? null
        : accumulate
          ? g
          : applyOne(putPrimitive, [g, zero(), ...indices], { accumulate: false, inPlace: false }),
      ctx.needs(1) ? applyOne(getPrimitive, [g, ...indices], { from: g.shape }) : null,
    ];
  },
};
