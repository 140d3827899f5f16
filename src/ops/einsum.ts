import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul, sub } from './arithmetic.ts';
import { diagonal } from './diagonal.ts';
import { matmul } from './matmul.ts';
import { roll } from './rearrange.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';
import { permute, unsqueeze } from './shape.ts';
import { clone, expand, reshape } from './views.ts';

/** A tensor whose dimensions have labels: letters, or `.0`, `.1`, ... for what an ellipsis stands for (counted from the back). */
interface Labelled {
  tensor: Tensor;
  labels: string[];
}

/** The labels of one term; `ndim` says how many dimensions its ellipsis stands for. Errors: other characters; two ellipses. */
function labelsOf(equation: string, term: string, ndim: number | null): string[] {
  const [before, after, more] = term.split('...');
  if (more !== undefined) throw new RangeError(`einsum: '${equation}': '${term}' has more than one ellipsis`);
  for (const letter of `${before}${after ?? ''}`)
    if (!/[A-Za-z]/.test(letter))
      throw new RangeError(`einsum: '${equation}': '${letter}' is not a label: use letters`);
  if (after === undefined) return [...before];
  const hidden = Math.max(0, (ndim ?? 0) - before.length - after.length);
  return [...before, ...Array.from({ length: hidden }, (_, i) => `.${hidden - 1 - i}`), ...after];
}

/** Repeated labels become the diagonal of their dimensions. */
function withoutRepeats(equation: string, { tensor, labels }: Labelled): Labelled {
  for (let i = 0; i < labels.length; i++) {
    const j = labels.indexOf(labels[i], i + 1);
    if (j < 0) continue;
    if (tensor.shape[i] !== tensor.shape[j])
      throw new RangeError(
        `einsum: '${equation}': label '${labels[i]}' is repeated for the sizes ${tensor.shape[i]} and ${tensor.shape[j]}`,
      );
    const rest = labels.filter((_, d) => d !== i && d !== j);
    return withoutRepeats(equation, { tensor: diagonal(tensor, 0, i, j), labels: [...rest, labels[i]] });
  }
  return { tensor, labels };
}

/** Sums the dimensions whose labels are not kept. */
function reduced({ tensor, labels }: Labelled, keep: ReadonlySet<string>): Labelled {
  const dims = labels.flatMap((label, d) => (keep.has(label) ? [] : [d]));
  if (dims.length === 0) return { tensor, labels };
  return { tensor: sum(tensor, dims), labels: labels.filter((label) => keep.has(label)) };
}

/** The dimensions in the order of `labels`; those that the tensor lacks as 1. */
function arranged({ tensor, labels: own }: Labelled, labels: readonly string[]): Tensor {
  const present = labels.filter((label) => own.includes(label));
  let x = permute(
    tensor,
    present.map((label) => own.indexOf(label)),
  );
  labels.forEach((label, d) => {
    if (!own.includes(label)) x = unsqueeze(x, d);
  });
  return x;
}

/** The product of two, summed over what is not kept: one batched matrix product. */
function contract(a: Labelled, b: Labelled, keep: ReadonlySet<string>): Labelled {
  const sizeIn = (t: Labelled, label: string): number => {
    const d = t.labels.indexOf(label);
    return d < 0 ? 1 : t.tensor.shape[d];
  };
  const all = [...new Set([...a.labels, ...b.labels])];
  const size = new Map(
    all.map((label) => [label, sizeIn(a, label) === 1 ? sizeIn(b, label) : sizeIn(a, label)]),
  );
  const shared = all.filter((label) => a.labels.includes(label) && b.labels.includes(label));
  const batch = shared.filter((label) => keep.has(label));
  const inner = shared.filter((label) => !keep.has(label));
  const left = a.labels.filter((label) => !shared.includes(label));
  const right = b.labels.filter((label) => !shared.includes(label));
  const sizes = (labels: readonly string[]): number[] => labels.map((label) => size.get(label)!);
  const count = (labels: readonly string[]): number => sizes(labels).reduce((p, q) => p * q, 1);
  const matrix = (t: Labelled, rows: string[], columns: string[]): Tensor =>
    reshape(expand(arranged(t, [...batch, ...rows, ...columns]), sizes([...batch, ...rows, ...columns])), [
      count(batch),
      count(rows),
      count(columns),
    ]);
  const labels = [...batch, ...left, ...right];
  if (inner.length === 0) return { tensor: mul(arranged(a, labels), arranged(b, labels)), labels };
  const product = matmul(matrix(a, left, inner), matrix(b, inner, right));
  return { tensor: reshape(product, sizes(labels)), labels };
}

/** A tensor, or several, after the equation. */
type Einsum = (equation: string, ...operands: readonly (Tensor | readonly Tensor[])[]) => Tensor;

/**
 * Sums of products, in Einstein's notation: labels for the dimensions of each tensor, `->`, and the labels of the result. What the
 * result lacks is summed; an ellipsis stands for the other dimensions, which broadcast. Without `->` the result has the labels that
 * occur once, in alphabetical order.
 *
 * @example
 * einsum('bij,bjk->bik', a, b) // matrix products
 * einsum('ii->i', a) // a diagonal
 *
 * Errors: another number of terms or dimensions; sizes of one label that differ. Source: `torch.einsum`.
 */
export const einsum: Einsum = op(
  {
    name: 'einsum',
    torch: 'einsum(equation, *operands)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      ['bij,bjk->bik', [{ shape: [2, 2, 3] }, { shape: [2, 3, 2] }]],
      ['ii->i', [{ shape: [3, 3] }]],
      ['...i,i,k->k...', [{ shape: [2, 3] }, { shape: [3] }, { shape: [2] }]],
    ],
  },
  (equation: string, ...operands: readonly (Tensor | readonly Tensor[])[]) => {
    const tensors = operands.flat() as Tensor[];
    const [inputs, output, more] = equation.replaceAll(' ', '').split('->');
    const terms = inputs.split(',');
    if (more !== undefined) throw new RangeError(`einsum: '${equation}' has more than one arrow`);
    if (terms.length !== tensors.length)
      throw new RangeError(`einsum: '${equation}' has ${terms.length} terms for ${tensors.length} tensors`);
    const labelled = terms.map((term, i) => {
      const tensor = tensors[i];
      const labels = labelsOf(equation, term, tensor.ndim);
      if (labels.length !== tensor.ndim)
        throw new RangeError(
          `einsum: '${equation}': '${term}' has ${labels.length} labels for the shape ${formatShape(tensor.shape)}`,
        );
      return withoutRepeats(equation, { tensor, labels });
    });
    const size = new Map<string, number>();
    for (const { tensor, labels } of labelled)
      labels.forEach((label, d) => {
        const before = size.get(label) ?? 1;
        if (before !== 1 && tensor.shape[d] !== 1 && before !== tensor.shape[d])
          throw new RangeError(
            `einsum: '${equation}': label '${label}' stands for the sizes ${before} and ${tensor.shape[d]}`,
          );
        if (tensor.shape[d] !== 1 || !size.has(label)) size.set(label, tensor.shape[d]);
      });
    const hidden = [...size.keys()].filter((label) => label.startsWith('.')).length;
    const wanted =
      output === undefined
        ? implicit(terms, hidden)
        : labelsOf(equation, output, output.replace('...', '').length + hidden);
    for (const [i, label] of wanted.entries()) {
      if (!size.has(label))
        throw new RangeError(`einsum: '${equation}': label '${label}' of the result is in no term`);
      if (wanted.indexOf(label) !== i)
        throw new RangeError(`einsum: '${equation}': label '${label}' is twice in the result`);
    }
    let result = labelled[0];
    for (let i = 0; i < labelled.length; i++) {
      const later = labelled.slice(i + 1).flatMap((t) => t.labels);
      const keep = new Set([...wanted, ...later]);
      if (i === 0) result = reduced(result, keep);
      else {
        const own = new Set([...keep, ...result.labels]);
        result = reduced(contract(result, reduced(labelled[i], own), keep), keep);
      }
    }
    const ordered = arranged(result, wanted);
    return ordered.storage === labelled[0].tensor.storage && tensors.length === 1 && !equation.includes('->')
      ? clone(ordered)
      : ordered;
  },
);

/** What the ellipses stand for, then the labels that occur once, in alphabetical order. */
function implicit(terms: readonly string[], hidden: number): string[] {
  const letters = terms.join('').replaceAll('.', '');
  const once = [...letters]
    .filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
    .sort();
  return [...Array.from({ length: hidden }, (_, i) => `.${hidden - 1 - i}`), ...once];
}

/**
 * The product summed over dimensions of both: the last `dims` of the input with the first of the other, or those that two lists pair.
 *
 * Errors: lists of different lengths; sizes that differ. Source: `torch.tensordot`.
 */
export const tensordot: (
  input: Tensor,
  other: Tensor,
  dims?: number | readonly [readonly number[], readonly number[]],
) => Tensor = op(
  {
    name: 'tensordot',
    torch: 'tensordot(a, b, dims=2)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [3, 2] }, 1],
      [
        { shape: [2, 3, 4] },
        { shape: [4, 2] },
        [
          [2, 0],
          [0, 1],
        ],
      ],
    ],
  },
  (input: Tensor, other: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2) => {
    if (typeof dims === 'number' ? !Number.isInteger(dims) || dims < 0 : dims.length !== 2)
      throw new RangeError(
        `tensordot: dims ${typeof dims === 'number' ? dims : `[${dims}]`} must be a whole number from 0, or two lists of dimensions`,
      );
    if (typeof dims === 'number' && dims > Math.min(input.ndim, other.ndim))
      throw new RangeError(
        `tensordot: ${dims} dimensions of ${formatShape(input.shape)} and ${formatShape(other.shape)} do not match: they have not as many`,
      );
    const range = (n: number, start: number): number[] => Array.from({ length: n }, (_, i) => start + i);
    const [a, b] =
      typeof dims === 'number'
        ? [range(dims, input.ndim - dims), range(dims, 0)]
        : [[...dims[0]], [...dims[1]]];
    const place = (list: number[], rank: number): number[] => list.map((d) => (d < 0 ? d + rank : d));
    const [left, right] = [place(a, input.ndim), place(b, other.ndim)];
    const misses = (d: number, i: number): boolean => {
      const [p, q] = [input.shape[d], other.shape[right[i]]];
      return p === undefined || q === undefined || (p !== q && p !== 1 && q !== 1);
    };
    if (left.length !== right.length || left.some(misses))
      throw new RangeError(
        `tensordot: dimensions [${a}] of ${formatShape(input.shape)} and [${b}] of ${formatShape(other.shape)} do not match`,
      );
    // A dimension of size 1 broadcasts: the other one is summed first.
    const narrower = left.map((d, i) => input.shape[d] < other.shape[right[i]]);
    const wider = left.map((d, i) => input.shape[d] > other.shape[right[i]]);
    if (narrower.includes(true) || wider.includes(true)) {
      const over = (list: number[], which: boolean[]): number[] => list.filter((_, i) => which[i]);
      const total = (t: Tensor, dims: number[]): Tensor =>
        dims.length === 0 ? t : sum(t, dims, { keepdim: true });
      return tensordot(total(input, over(left, wider)), total(other, over(right, narrower)), [left, right]);
    }
    const rest = (shape: readonly number[], used: number[]): number[] =>
      shape.map((_, d) => d).filter((d) => !used.includes(d));
    const [rows, columns] = [rest(input.shape, left), rest(other.shape, right)];
    const sizes = (t: Tensor, list: number[]): number[] => list.map((d) => t.shape[d]);
    const count = (list: number[]): number => list.reduce((p, q) => p * q, 1);
    const inner = count(sizes(input, left));
    const x = reshape(permute(input, [...rows, ...left]), [count(sizes(input, rows)), inner]);
    const y = reshape(permute(other, [...right, ...columns]), [inner, count(sizes(other, columns))]);
    return reshape(matmul(x, y), [...sizes(input, rows), ...sizes(other, columns)]);
  },
);

/** Kronecker's product: each element of the input times all of the other, in blocks. Source: `torch.kron`. */
export const kron: (input: Tensor, other: Tensor) => Tensor = op(
  {
    name: 'kron',
    torch: 'kron(input, other)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [3, 2] }],
      [{ shape: [2] }, { shape: [2, 2] }],
    ],
  },
  (input: Tensor, other: Tensor) => {
    const rank = Math.max(input.ndim, other.ndim);
    const padded = (t: Tensor): number[] => [...new Array<number>(rank - t.ndim).fill(1), ...t.shape];
    const [a, b] = [padded(input), padded(other)];
    const blocks = mul(
      reshape(
        input,
        a.flatMap((size) => [size, 1]),
      ),
      reshape(
        other,
        b.flatMap((size) => [1, size]),
      ),
    );
    return reshape(
      blocks,
      a.map((size, d) => size * b[d]),
    );
  },
);

/**
 * The vector product in three dimensions, along `dim` (default: the first dimension of size 3), with broadcasting.
 *
 * Error: a dimension whose size is not 3. Source: `torch.cross`.
 */
export const cross: (input: Tensor, other: Tensor, dim?: number | null) => Tensor = op(
  {
    name: 'cross',
    torch: 'cross(input, other, dim=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [2, 3] }],
      [{ shape: [3, 2] }, { shape: [3, 2] }, 0],
    ],
  },
  (input: Tensor, other: Tensor, dim?: number | null) => {
    const place = dim ?? input.shape.indexOf(3);
    const at = place < 0 && dim !== undefined && dim !== null ? place + input.ndim : place;
    if (input.shape[at] !== 3 || other.shape[at - input.ndim + other.ndim] !== 3)
      throw new RangeError(
        `cross: dimension ${dim ?? 'of size 3'} of ${formatShape(input.shape)} and ${formatShape(other.shape)} must have size 3`,
      );
    const back = at - input.ndim;
    return sub(
      mul(roll(input, -1, back), roll(other, 1, back)),
      mul(roll(input, 1, back), roll(other, -1, back)),
    );
  },
);
