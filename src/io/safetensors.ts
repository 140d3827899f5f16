import { readFileSync } from 'node:fs';
import type { DType } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { bytesOf, decode, type ElementType } from './elements.ts';
import { writeAtomically } from './writeAtomically.ts';

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const written: Record<DType, string> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};

const readable: Record<string, ElementType> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};

export interface SafetensorsOptions {
  /** Text about the file, by key: kept in the header under `__metadata__`. */
  metadata?: Record<string, string>;
}

/** Tensors as the bytes of a safetensors file. @param tensors by name, for instance a `stateDict()`. */
export function safetensorsBytes(
  tensors: Readonly<Record<string, Tensor>>,
  { metadata }: SafetensorsOptions = {},
): Uint8Array {
  const names = Object.keys(tensors).sort((a, b) => {
    // Wide elements first, as the reference writer does, so that all of them are aligned.
    const width = (name: string): number => bytesOf(tensors[name]).length / Math.max(1, tensors[name].size);
    return width(b) - width(a) || (a < b ? -1 : 1);
  });
  const header: Record<string, Entry | Record<string, string>> = metadata ? { __metadata__: metadata } : {};
  const chunks: Uint8Array[] = [];
  let place = 0;
  for (const name of names) {
    if (name === '__metadata__') throw new RangeError("safetensors: '__metadata__' is no name for a tensor");
    const bytes = bytesOf(tensors[name]);
    header[name] = {
      dtype: written[tensors[name].dtype],
      shape: [...tensors[name].shape],
      data_offsets: [place, (place += bytes.length)],
    };
    chunks.push(bytes);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + padded + place).fill(0x20, 8, 8 + padded);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(text, 8);
  place = 8 + padded;
  for (const chunk of chunks) {
    out.set(chunk, place);
    place += chunk.length;
  }
  return out;
}

/** What a safetensors file holds. */
export interface SafetensorsContent {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

/**
 * Reads the bytes of a safetensors file. Half-precision becomes float32, 64-bit and smaller integers int32.
 *
 * Errors: a damaged header; tensors that overlap, leave gaps or reach outside; a dtype without a place here; integers beyond int32.
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : -1;
  if (length < 2 || 8 + length > bytes.length)
    throw new Error(
      `safetensors: not a safetensors file: its header would be ${length} of ${bytes.length} bytes`,
    );
  let header: Record<string, Entry | Record<string, string>>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (error) {
    throw new Error(`safetensors: the header is not JSON: ${(error as Error).message}`);
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const data = bytes.subarray(8 + length);
  const inOrder = Object.entries(entries as Record<string, Entry>).sort(
    (a, b) => a[1].data_offsets[0] - b[1].data_offsets[0] || a[1].data_offsets[1] - b[1].data_offsets[1],
  );
  const found = new Map<string, Tensor>();
  let end = 0;
  for (const [name, { dtype, shape, data_offsets: offsets }] of inOrder) {
    const [from, to] = offsets;
    if (from !== end || to < from || to > data.length)
      throw new Error(
        `safetensors: '${name}' lies at [${from}, ${to}], but ${end} of ${data.length} bytes are next`,
      );
    end = to;
    const type = readable[dtype];
    if (!type)
      throw new Error(
        `safetensors: '${name}' is ${dtype}: only ${Object.keys(readable).join(', ')} can be read`,
      );
    found.set(name, decode(`safetensors: '${name}'`, type, data.subarray(from, to), shape));
  }
  if (end !== data.length) throw new Error(`safetensors: ${data.length - end} bytes behind the last tensor`);
  const tensors = Object.fromEntries(Object.keys(entries).map((name) => [name, found.get(name) as Tensor]));
  return { tensors, metadata: metadata as Record<string, string> };
}

/**
 * Writes tensors to a safetensors file, which Python's `safetensors` reads as well. An existing file stays whole if writing fails.
 *
 * @example
 * io.saveSafetensors('model.safetensors', model.stateDict());
 *
 * Source: the safetensors format, https://github.com/huggingface/safetensors.
 */
export function saveSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options?: SafetensorsOptions,
): void {
  writeAtomically(path, safetensorsBytes(tensors, options));
}

/**
 * The tensors of a safetensors file, by name. See `parseSafetensors` for dtypes and errors.
 *
 * @example
 * model.loadStateDict(io.loadSafetensors('model.safetensors'));
 */
export const loadSafetensors = (path: string): Record<string, Tensor> =>
  parseSafetensors(readFileSync(path)).tensors;
