import { Tensor } from '../../src/index.ts';
import { valuesOf } from '../values/numbers.ts';

/** Numbers in any form that a plot takes. */
export type Numbers = Tensor | readonly number[] | NumberArray;
/** What lies along an axis: numbers, categories or dates. */
export type Values = Numbers | readonly string[] | readonly Date[];
/** A matrix: a 2-d tensor or rows. */
export type Matrix = Tensor | readonly (readonly number[] | NumberArray)[];

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/** An array as plotly.js reads it without parsing numbers. */
export interface EncodedArray {
  dtype: string;
  bdata: string;
  shape?: string;
}

const codes = new Map<string, string>([
  ['Float32Array', 'f4'],
  ['Float64Array', 'f8'],
  ['Int8Array', 'i1'],
  ['Int16Array', 'i2'],
  ['Int32Array', 'i4'],
  ['Uint8Array', 'u1'],
  ['Uint8ClampedArray', 'u1c'],
  ['Uint16Array', 'u2'],
  ['Uint32Array', 'u4'],
]);

export const isNumberArray = (value: unknown): value is NumberArray =>
  ArrayBuffer.isView(value) && codes.has(value.constructor.name);

function encodeArray(array: NumberArray, shape: readonly number[]): EncodedArray {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return {
    dtype: codes.get(array.constructor.name)!,
    bdata: bytes.toString('base64'),
    ...(shape.length > 1 ? { shape: shape.join(', ') } : {}),
  };
}

/** Long arrays of plain numbers go in binary too; the length from which that is smaller. */
const binaryFrom = 200;

/**
 * A plotly.js object with every tensor, typed array and long array of numbers inside replaced by `{dtype, bdata, shape}`.
 * Error: a tensor with more than three dimensions, which plotly.js cannot read.
 */
export function encode(value: unknown): unknown {
  if (value instanceof Tensor) {
    if (value.ndim === 0) return value.item();
    if (value.ndim > 3)
      throw new RangeError(
        `plot: a tensor (${value.shape.join(', ')}) has ${value.ndim} dimensions, plotly.js takes 1 to 3: reshape or index it first`,
      );
    return encodeArray(valuesOf(value) as NumberArray, value.shape);
  }
  if (isNumberArray(value)) return encodeArray(value, [value.length]);
  // plotly.js reads no 64-bit integers.
  if (value instanceof BigInt64Array || value instanceof BigUint64Array)
    return encodeArray(Float64Array.from(value, Number), [value.length]);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const rows = rowsOf(value);
    if (rows) return rows;
    if (value.length >= binaryFrom && value.every((x) => typeof x === 'number'))
      return encodeArray(Float64Array.from(value as number[]), [value.length]);
    return value.map(encode);
  }
  if (typeof value === 'object' && value !== null) {
    const out: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) if (inner !== undefined) out[key] = encode(inner);
    return out;
  }
  return value;
}

const isRow = (row: unknown): row is ArrayLike<number> =>
  isNumberArray(row) || (Array.isArray(row) && row.length > 0 && row.every((x) => typeof x === 'number'));

/** Rows of numbers as one matrix; plotly.js does not read rows that are encoded one by one. Null for anything else. */
function rowsOf(value: readonly unknown[]): unknown {
  if (value.length === 0 || !isRow(value[0]) || !value.every(isRow)) return null;
  const rows = value as readonly ArrayLike<number>[];
  const columns = rows[0].length;
  if (rows.length * columns < binaryFrom || rows.some((row) => row.length !== columns))
    return rows.map((row) => Array.from(row));
  const half = rows.every((row) => row instanceof Float32Array);
  const matrix = new (half ? Float32Array : Float64Array)(rows.length * columns);
  rows.forEach((row, i) => {
    matrix.set(row, i * columns);
  });
  return encodeArray(matrix, [rows.length, columns]);
}

/** How many elements `values` has along its first dimension. */
export const lengthOf = (values: Values): number =>
  values instanceof Tensor ? (values.shape[0] ?? 1) : values.length;

/** Numbers as an array-like of JavaScript numbers, in row-major order. */
export const numbersOf = (values: Numbers): ArrayLike<number> =>
  values instanceof Tensor ? valuesOf(values) : values;

/** A matrix as rows × columns of numbers. Error: rows of different lengths; a tensor that is not 2-d. */
export function matrixOf(
  name: string,
  matrix: Matrix,
): { values: ArrayLike<number>; rows: number; columns: number } {
  if (matrix instanceof Tensor) {
    if (matrix.ndim !== 2)
      throw new RangeError(`${name}: expected a 2-d tensor, got (${matrix.shape.join(', ')})`);
    return { values: valuesOf(matrix), rows: matrix.shape[0], columns: matrix.shape[1] };
  }
  const rows = matrix.length;
  const columns = matrix[0]?.length ?? 0;
  const values = new Float64Array(rows * columns);
  matrix.forEach((row, i) => {
    if (row.length !== columns)
      throw new RangeError(`${name}: row ${i} has ${row.length} values, row 0 has ${columns}`);
    values.set(row, i * columns);
  });
  return { values, rows, columns };
}
