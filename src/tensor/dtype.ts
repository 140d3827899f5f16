/** The element types a tensor can hold. Indices are `int32`: JavaScript numbers index, so PyTorch's `int64` has no use here. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint8' | 'bool';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

interface DTypeInfo {
  readonly bytes: number;
  readonly array: { new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray };
  /** bool < integer < floating: PyTorch's categories. */
  readonly category: 0 | 1 | 2;
}

const info: Record<DType, DTypeInfo> = {
  float32: { bytes: 4, array: Float32Array, category: 2 },
  float64: { bytes: 8, array: Float64Array, category: 2 },
  int32: { bytes: 4, array: Int32Array, category: 1 },
  uint8: { bytes: 1, array: Uint8Array, category: 1 },
  bool: { bytes: 1, array: Uint8Array, category: 0 },
};

const { float32 } = info;

export function dtypeInfo(dtype: DType): DTypeInfo {
  if (dtype === 'float32') return float32;
  const entry = info[dtype];
  if (!entry) throw new TypeError(`unknown dtype '${dtype}': use ${Object.keys(info).join(', ')}`);
  return entry;
}

export const isFloating = (dtype: DType): boolean => info[dtype].category === 2;

let defaultFloat: 'float32' | 'float64' = 'float32';

/** The dtype of new floating tensors and of results such as int / int; `float32` unless changed. */
export const getDefaultDtype = (): 'float32' | 'float64' => defaultFloat;

/** Sets the dtype of new floating tensors. Error: any dtype that is not floating. */
export function setDefaultDtype(dtype: 'float32' | 'float64'): void {
  if (!isFloating(dtype)) throw new TypeError(`setDefaultDtype: ${dtype} is not a floating dtype`);
  defaultFloat = dtype;
}

/** The smallest dtype that holds both, as `torch.promote_types`. */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  if (a === 'float64' || b === 'float64') return 'float64';
  if (a === 'float32' || b === 'float32') return 'float32';
  if (a === 'int32' || b === 'int32') return 'int32';
  return 'uint8';
}

/** What takes part in type promotion: a tensor (with dimensions or 0-d) or a JavaScript number or boolean. */
export type Operand = { readonly dtype: DType; readonly shape: readonly number[] } | number | boolean;

/**
 * The dtype of an operation's result, as `torch.result_type`: tensors with dimensions decide; a 0-d tensor, and below it a
 * JavaScript number, only counts when its category (bool < integer < floating) is higher. A number with an integral value
 * counts as an integer, any other as floating.
 */
export function resultType(...operands: Operand[]): DType {
  let dimensioned: DType | undefined;
  let zeroDim: DType | undefined;
  let scalar: DType | undefined;
  for (const operand of operands) {
    if (typeof operand === 'object') {
      if (operand.shape.length > 0)
        dimensioned = dimensioned ? promoteTypes(dimensioned, operand.dtype) : operand.dtype;
      else zeroDim = zeroDim ? promoteTypes(zeroDim, operand.dtype) : operand.dtype;
    } else {
      const dtype =
        typeof operand === 'boolean' ? 'bool' : Number.isInteger(operand) ? 'int32' : defaultFloat;
      scalar = scalar ? promoteTypes(scalar, dtype) : dtype;
    }
  }
  return combine(combine(dimensioned, zeroDim), scalar) ?? defaultFloat;
}

function combine(higher: DType | undefined, lower: DType | undefined): DType | undefined {
  if (!higher) return lower;
  if (!lower) return higher;
  return info[lower].category > info[higher].category ? promoteTypes(higher, lower) : higher;
}
