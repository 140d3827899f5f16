import { noGrad, type Tensor } from '../../src/index.ts';

/** A tensor's elements in row-major order, without a copy where it is contiguous: read only. */
export function valuesOf(input: Tensor): ArrayLike<number> & Iterable<number> {
  const dense = input.isContiguous ? input : noGrad(() => input.detach().contiguous());
  return dense.elements.subarray(dense.offset, dense.offset + dense.size);
}

export interface Statistics {
  min: number;
  max: number;
  mean: number;
  std: number;
  /** How many are not numbers, and how many are infinite. */
  nan: number;
  infinite: number;
  /** Whether only a part of the elements was read. */
  sampled: boolean;
}

/** What a glance at many numbers should tell. Above `limit` elements an even sample is read. */
export function statistics(values: ArrayLike<number>, limit = 2 ** 23): Statistics {
  const step = Math.max(1, Math.ceil(values.length / limit));
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let count = 0;
  let mean = 0;
  let squares = 0;
  let nan = 0;
  let infinite = 0;
  for (let i = 0; i < values.length; i += step) {
    const x = values[i];
    if (Number.isNaN(x)) nan++;
    else if (x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY) infinite++;
    else {
      if (x < min) min = x;
      if (x > max) max = x;
      count++;
      const delta = x - mean;
      mean += delta / count;
      squares += delta * (x - mean);
    }
  }
  const empty = count === 0;
  return {
    min: empty ? Number.NaN : min,
    max: empty ? Number.NaN : max,
    mean: empty ? Number.NaN : mean,
    std: count > 1 ? Math.sqrt(squares / (count - 1)) : empty ? Number.NaN : 0,
    nan,
    infinite,
    sampled: step > 1,
  };
}

/** A number as people read it: four significant digits, no more. */
export function formatNumber(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  if (Number.isInteger(x) && Math.abs(x) < 1e7) return String(x);
  const size = Math.abs(x);
  return size !== 0 && (size < 1e-3 || size >= 1e7) ? x.toExponential(3) : String(Number(x.toPrecision(4)));
}

/** `12,345,678` */
export const formatCount = (n: number): string => n.toLocaleString('en-US');

/** `1.2 MB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}
