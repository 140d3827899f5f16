import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachRow, operand } from '../engine/loops.ts';
import { formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel } from './cast.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';
import { clone } from './views.ts';

interface Place {
  offset: number;
  dim1: number;
  dim2: number;
}

/** How many elements lie on the diagonal. */
const lengthOf = (shape: Shape, { offset, dim1, dim2 }: Place): number =>
  Math.max(
    0,
    offset >= 0 ? Math.min(shape[dim1], shape[dim2] - offset) : Math.min(shape[dim1] + offset, shape[dim2]),
  );

/** The diagonal of x as a view: the two dimensions go, and the diagonal comes last. */
function diagonalOf(x: Tensor, place: Place): Tensor {
  const { offset, dim1, dim2 } = place;
  const length = lengthOf(x.shape, place);
  const rest = (values: readonly number[]): number[] => values.filter((_, d) => d !== dim1 && d !== dim2);
  const start = length === 0 ? 0 : offset >= 0 ? offset * x.strides[dim2] : -offset * x.strides[dim1];
  return x.alias(
    [...rest(x.shape), length],
    [...rest(x.strides), x.strides[dim1] + x.strides[dim2]],
    x.offset + start,
  );
}

const diagonalPrimitive: Primitive<Place & { from: Shape }> = {
  name: 'diagonal',
  view: true,
  forward: (_ctx, [input], place) => diagonalOf(input as Tensor, place),
  gradient: (_ctx, [g], attrs) => [g && applyOne(embedPrimitive, [g], attrs)],
};

/** Zeros of the shape `from` with the input on a diagonal. */
const embedPrimitive: Primitive<Place & { from: Shape }> = {
  name: 'diagEmbed',
  forward(_ctx, [input], { from, ...place }) {
    const x = input as Tensor;
    const out = Tensor.allocate(from, x.dtype, true);
    copyKernel(diagonalOf(out, place), x);
    return out;
  },
  gradient: (_ctx, [g], attrs) => [g && applyOne(diagonalPrimitive, [g], attrs)],
};

/** Two different dimensions of `rank`, counted from the front. */
function plane(name: string, offset: number, dim1: number, dim2: number, rank: number): Place {
  const [a, b] = [dim1, dim2].map((d) => normalizeDim(name, d, rank));
  if (rank < 2 || a === b)
    throw new RangeError(`${name}: needs two different dimensions, got ${dim1} and ${dim2} of ${rank}`);
  if (!Number.isInteger(offset)) throw new RangeError(`${name}: offset ${offset} must be a whole number`);
  return { offset, dim1: a, dim2: b };
}

/**
 * A view of the diagonal between two dimensions (default the first two), as the last dimension.
 *
 * Error: fewer than two dimensions. Source: `torch.diagonal`.
 */
export const diagonal: (input: Tensor, offset?: number, dim1?: number, dim2?: number) => Tensor = op(
  {
    name: 'diagonal',
    torch: 'diagonal(input, offset=0, dim1=0, dim2=1)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 4] }, 1],
      [{ shape: [2, 3, 3] }, -1, 1, 2],
    ],
  },
  (input: Tensor, offset = 0, dim1 = 0, dim2 = 1) =>
    applyOne(diagonalPrimitive, [input], {
      ...plane('diagonal', offset, dim1, dim2, input.ndim),
      from: input.shape,
    }),
);

/** Matrices whose diagonals are the vectors of the last dimension, in two new dimensions (default the last). Source: `torch.diag_embed`. */
export const diagEmbed: (input: Tensor, offset?: number, dim1?: number, dim2?: number) => Tensor = op(
  {
    name: 'diagEmbed',
    torch: 'diag_embed(input, offset=0, dim1=-2, dim2=-1)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, 1],
      [{ shape: [2, 3] }, 0, 0, 2],
    ],
  },
  (input: Tensor, offset = 0, dim1 = -2, dim2 = -1) => {
    if (input.ndim === 0) throw new RangeError('diagEmbed: a 0-d tensor has no vectors');
    const place = plane('diagEmbed', offset, dim1, dim2, input.ndim + 1);
    const size = input.shape.at(-1)! + Math.abs(offset);
    const from = [...input.shape.slice(0, -1)];
    for (const d of [place.dim1, place.dim2].sort((a, b) => a - b)) from.splice(d, 0, size);
    return applyOne(embedPrimitive, [input], { ...place, from });
  },
);

/** A matrix's diagonal as a vector (a copy), or the matrix with a vector on its diagonal. Source: `torch.diag`. */
export const diag: (input: Tensor, diagonal?: number) => Tensor = op(
  {
    name: 'diag',
    torch: 'diag(input, diagonal=0)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [3] }, -1],
      [{ shape: [3, 4] }, 1],
    ],
  },
  (input: Tensor, offset = 0) => {
    if (input.ndim === 1) return diagEmbed(input, offset);
    if (input.ndim !== 2)
      throw new RangeError(
        `diag: ${formatShape(input.shape)} is neither a vector nor a matrix: use diagonal or diagEmbed`,
      );
    return clone(diagonal(input, offset));
  },
);

/** The sum of a matrix's diagonal. Error: not a matrix. */
export const trace: (input: Tensor) => Tensor = op(
  {
    name: 'trace',
    torch: 'trace(input)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [3, 4] }]],
  },
  (input: Tensor) => {
    if (input.ndim !== 2) throw new RangeError(`trace: ${formatShape(input.shape)} is not a matrix`);
    return sum(diagonal(input));
  },
);

/** The input with `source` written on a diagonal. Source: `torch.diagonal_scatter`. */
export const diagonalScatter: (
  input: Tensor,
  source: Tensor,
  offset?: number,
  dim1?: number,
  dim2?: number,
) => Tensor = op(
  {
    name: 'diagonalScatter',
    torch: 'diagonal_scatter(input, src, offset=0, dim1=0, dim2=1)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [3, 4] }, { shape: [3] }, 1]],
  },
  (input: Tensor, source: Tensor, offset = 0, dim1 = 0, dim2 = 1) => {
    const place = plane('diagonalScatter', offset, dim1, dim2, input.ndim);
    const current = diagonal(input, offset, dim1, dim2);
    if (formatShape(current.shape) !== formatShape(source.shape))
      throw new RangeError(
        `diagonalScatter: the source ${formatShape(source.shape)} must be ${formatShape(current.shape)}, the diagonal of ${formatShape(input.shape)}`,
      );
    return input.add(applyOne(embedPrimitive, [source.sub(current)], { ...place, from: input.shape }));
  },
);

/** out = a below (upper 0) or above (1) the diagonal of the last two dimensions, 0 elsewhere. */
const triangleKernel = kernel('triangle', (out: Tensor, a: Tensor, diagonal: number, upper: number) => {
  const [rows, columns] = out.shape.slice(-2);
  const o = operand(out, out.shape);
  const x = operand(a, out.shape);
  const batch = out.shape.slice(0, -2);
  const depth = batch.length;
  const outer = [o, x].map(({ array, offset, strides }) => ({
    array,
    offset,
    strides: strides.slice(0, depth),
  }));
  eachRow(batch, outer, ([po, px], [so, sx], n) => {
    for (let k = 0; k < n; k++)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          const kept = upper ? j - i >= diagonal : j - i <= diagonal;
          o.array[po + k * so + i * o.strides[depth] + j * o.strides[depth + 1]] = kept
            ? x.array[px + k * sx + i * x.strides[depth] + j * x.strides[depth + 1]]
            : 0;
        }
  });
});

const trianglePrimitive: Primitive<{ diagonal: number; upper: boolean }> = {
  name: 'triangle',
  forward(_ctx, [input], { diagonal, upper }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    triangleKernel(out, x, diagonal, Number(upper));
    return out;
  },
  gradient: (_ctx, [g], attrs) => [g && applyOne(trianglePrimitive, [g], attrs)],
};

function triangle(name: string, upper: boolean): (input: Tensor, diagonal?: number) => Tensor {
  return op(
    {
      name,
      torch: `${name}(input, diagonal=0)`,
      family: 'linear algebra',
      differentiable: true,
      samples: () => [[{ shape: [3, 4] }], [{ shape: [2, 3, 3] }, -1]],
    },
    (input: Tensor, diagonal = 0) => {
      if (input.ndim < 2)
        throw new RangeError(`${name}: ${formatShape(input.shape)} needs at least 2 dimensions`);
      if (!Number.isInteger(diagonal))
        throw new RangeError(`${name}: diagonal ${diagonal} must be a whole number`);
      return applyOne(trianglePrimitive, [input], { diagonal, upper });
    },
  );
}

/** The lower triangles of matrices, up to a diagonal, zeros above. */
export const tril: (input: Tensor, diagonal?: number) => Tensor = triangle('tril', false);
/** The upper triangles of matrices, from a diagonal, zeros below. */
export const triu: (input: Tensor, diagonal?: number) => Tensor = triangle('triu', true);
