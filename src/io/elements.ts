import type { DType } from '../tensor/dtype.ts';
import { numel } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** How numbers lie in files, little-endian. */
export type ElementType =
  | DType
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int16'
  | 'int8'
  | 'uint16'
  | 'uint32'
  | 'uint64';

interface Reading {
  bytes: number;
  /** What it becomes here. */
  dtype: DType;
  read(view: DataView, place: number): number;
}

/** IEEE half precision. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function brain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

const readings: Record<ElementType, Reading> = {
  float64: { bytes: 8, dtype: 'float64', read: (v, p) => v.getFloat64(p, true) },
  float32: { bytes: 4, dtype: 'float32', read: (v, p) => v.getFloat32(p, true) },
  float16: { bytes: 2, dtype: 'float32', read: (v, p) => half(v.getUint16(p, true)) },
  bfloat16: { bytes: 2, dtype: 'float32', read: (v, p) => brain(v.getUint16(p, true)) },
  int64: { bytes: 8, dtype: 'int32', read: (v, p) => Number(v.getBigInt64(p, true)) },
  uint64: { bytes: 8, dtype: 'int32', read: (v, p) => Number(v.getBigUint64(p, true)) },
  int32: { bytes: 4, dtype: 'int32', read: (v, p) => v.getInt32(p, true) },
  uint32: { bytes: 4, dtype: 'int32', read: (v, p) => v.getUint32(p, true) },
  int16: { bytes: 2, dtype: 'int32', read: (v, p) => v.getInt16(p, true) },
  uint16: { bytes: 2, dtype: 'int32', read: (v, p) => v.getUint16(p, true) },
  int8: { bytes: 1, dtype: 'int32', read: (v, p) => v.getInt8(p) },
  uint8: { bytes: 1, dtype: 'uint8', read: (v, p) => v.getUint8(p) },
  bool: { bytes: 1, dtype: 'bool', read: (v, p) => (v.getUint8(p) ? 1 : 0) },
};

/** How many bytes one element takes in a file. */
export const elementBytes = (type: ElementType): number => readings[type].bytes;

/** What an element type becomes here: half precision float32, other integers int32. */
export const dtypeOf = (type: ElementType): DType => readings[type].dtype;

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** A row-major tensor from bytes. Errors: another number of bytes than the shape needs; whole numbers that int32 does not hold. */
export function decode(
  where: string,
  type: ElementType,
  bytes: Uint8Array,
  shape: readonly number[],
): Tensor {
  const { bytes: width, dtype, read } = readings[type];
  const count = numel(shape);
  if (bytes.length !== count * width)
    throw new Error(
      `${where}: ${type} of shape (${shape.join(', ')}) needs ${count * width} bytes, there are ${bytes.length}`,
    );
  const out = Tensor.allocate([...shape], dtype);
  const { elements, offset } = out;
  if (type === dtype && type !== 'bool' && littleEndian) {
    new Uint8Array(elements.buffer, elements.byteOffset + offset * width, bytes.length).set(bytes);
    return out;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    const value = read(view, i * width);
    if (dtype === 'int32' && value !== (value | 0))
      throw new RangeError(
        `${where}: ${value} at element ${i} does not fit into int32, the integer dtype here`,
      );
    elements[offset + i] = value;
  }
  return out;
}

/** The elements in row-major order, as bytes, little-endian. */
export function bytesOf(tensor: Tensor): Uint8Array {
  const dense = tensor.detach().contiguous();
  const { elements, offset, size } = dense;
  const window = elements.slice(offset, offset + size);
  const bytes = new Uint8Array(window.buffer, window.byteOffset, window.byteLength);
  const width = window.BYTES_PER_ELEMENT;
  if (!littleEndian && width > 1)
    for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}
