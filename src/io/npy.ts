import { readFileSync } from 'node:fs';
import type { DType } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { unzip, zip } from './archive.ts';
import { bytesOf, decode, type ElementType } from './elements.ts';
import { writeAtomically } from './writeAtomically.ts';

const written: Record<DType, string> = {
  float32: '<f4',
  float64: '<f8',
  int32: '<i4',
  uint8: '|u1',
  bool: '|b1',
};

const readable: Record<string, ElementType> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** A tensor as the bytes of an `.npy` file, version 1.0. */
export function npyBytes(tensor: Tensor): Uint8Array {
  const shape = `(${tensor.shape.join(', ')}${tensor.ndim === 1 ? ',' : ''})`;
  const text = `{'descr': '${written[tensor.dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  const length = Math.ceil((text.length + 11) / 64) * 64 - 10;
  const bytes = bytesOf(tensor);
  const out = new Uint8Array(10 + length + bytes.length).fill(0x20, 10, 10 + length);
  out.set([...magic, 1, 0, length & 0xff, length >> 8]);
  out.set(new TextEncoder().encode(text), 10);
  out[9 + length] = 0x0a;
  out.set(bytes, 10 + length);
  return out;
}

/** The tensor in the bytes of an `.npy` file, versions 1 to 3. Errors: not such a file; a dtype without a place here; too few bytes. */
export function parseNpy(bytes: Uint8Array): Tensor {
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte))
    throw new Error('npy: not an .npy file: it does not begin with \\x93NUMPY');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6] >= 2;
  const from = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder(bytes[6] >= 3 ? 'utf-8' : 'latin1').decode(
    bytes.subarray(from, from + length),
  );
  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(header);
  if (!descr || !order || !sizes) throw new Error(`npy: the header cannot be read: ${header.trim()}`);
  const type = readable[descr[2]];
  if (!type)
    throw new Error(
      `npy: dtype '${descr[1]}${descr[2]}': only ${Object.keys(readable).join(', ')} can be read`,
    );
  const shape = sizes[1]
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean)
    .map(Number);
  let body = bytes.subarray(from + length);
  if (descr[1] === '>') {
    const width = Number(descr[2].slice(1));
    body = body.slice();
    for (let i = 0; i + width <= body.length; i += width) body.subarray(i, i + width).reverse();
  }
  if (order[1] === 'False') return decode('npy', type, body, shape);
  const dims = shape.map((_, d) => shape.length - 1 - d);
  return decode('npy', type, body, [...shape].reverse())
    .permute(dims)
    .contiguous();
}

/** Writes a tensor to an `.npy` file. Source: NumPy's format, `numpy.lib.format`. */
export const saveNpy = (path: string, tensor: Tensor): void => writeAtomically(path, npyBytes(tensor));

/** The tensor in an `.npy` file: half precision becomes float32, integers other than uint8 int32. */
export const loadNpy = (path: string): Tensor => parseNpy(readFileSync(path));

/** Writes tensors to an `.npz` file, compressed. Source: `numpy.savez_compressed`. */
export function saveNpz(path: string, tensors: Readonly<Record<string, Tensor>>): void {
  const files = Object.entries(tensors).map(([name, tensor]) => [`${name}.npy`, npyBytes(tensor)]);
  writeAtomically(path, zip(Object.fromEntries(files)));
}

/** The tensors in an `.npz` file, by name. */
export function loadNpz(path: string): Record<string, Tensor> {
  let files: Record<string, Uint8Array>;
  try {
    files = unzip(readFileSync(path));
  } catch (error) {
    throw new Error(`npz: ${path} is not a zip archive: ${(error as Error).message}`);
  }
  return Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => name.endsWith('.npy'))
      .map(([name, bytes]) => [name.slice(0, -4), parseNpy(bytes)]),
  );
}
