import { readFileSync } from 'node:fs';
import { numel } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { unzip } from './archive.ts';
import { decode, type ElementType, elementBytes } from './elements.ts';
import { type Globals, unpickle } from './pickle.ts';

/** What a `.pt` file can hold here: tensors, numbers, text, and lists and dictionaries of them. */
export type PyTorchValue =
  | Tensor
  | number
  | string
  | boolean
  | null
  | PyTorchValue[]
  | { [key: string]: PyTorchValue };

const storages: Record<string, ElementType> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** The bytes of a storage, and how to read them. Views of one storage share it. */
interface StoredElements {
  type: ElementType;
  bytes: Uint8Array;
  whole: Tensor | null;
}

function rebuild(storage: unknown, offset: unknown, shape: unknown, strides: unknown): Tensor {
  const stored = storage as StoredElements;
  const [sizes, steps, from] = [shape as number[], strides as number[], offset as number];
  const count = stored.bytes.length / elementBytes(stored.type);
  const last = from + sizes.reduce((sum, size, d) => sum + (size - 1) * steps[d], 0);
  if (numel(sizes) > 0 && (from < 0 || last >= count))
    throw new Error(`pt: a tensor (${sizes.join(', ')}) reaches element ${last} of a storage of ${count}`);
  stored.whole ??= decode('pt', stored.type, stored.bytes, [count]);
  return stored.whole.alias(sizes, steps, stored.whole.offset + from).clone();
}

const globals: Globals = {
  'collections.OrderedDict': (...args) => new Map((args[0] as [unknown, unknown][] | undefined) ?? []),
  'torch._utils._rebuild_tensor_v2': (storage, offset, shape, strides) =>
    rebuild(storage, offset, shape, strides),
  'torch._utils._rebuild_parameter': (tensor) => (tensor as Tensor).requiresGrad_(),
  'torch.Size': (sizes) => sizes,
  'torch.device': (name) => name,
  ...Object.fromEntries(Object.keys(storages).map((name) => [`torch.${name}`, () => name])),
};

/** Dictionaries as objects. Error: a key that is neither text nor a number. */
function plain(value: unknown): PyTorchValue {
  if (value instanceof Map)
    return Object.fromEntries(
      [...value].map(([key, item]) => {
        if (typeof key !== 'string' && typeof key !== 'number')
          throw new Error(
            `pt: a dictionary has the key ${String(key)}: only text and numbers can be keys here`,
          );
        return [String(key), plain(item)];
      }),
    );
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Tensor || value === null || ['number', 'string', 'boolean'].includes(typeof value))
    return value as PyTorchValue;
  throw new Error(`pt: a ${typeof value} has no place here`);
}

/** The value in the bytes of a file of `torch.save`, since PyTorch 1.6. See `loadPyTorch`. */
export function parsePyTorch(bytes: Uint8Array): PyTorchValue {
  let files: Record<string, Uint8Array>;
  try {
    files = unzip(bytes);
  } catch {
    throw new Error(
      'pt: not a zip archive: files of PyTorch before 1.6, or saved with _use_new_zipfile_serialization=False, cannot be read; save it again with a newer PyTorch',
    );
  }
  const main = Object.keys(files).find((name) => name.endsWith('/data.pkl') || name === 'data.pkl');
  if (!main) throw new Error('pt: the archive has no data.pkl: TorchScript and other archives are not read');
  const folder = main.slice(0, -'data.pkl'.length);
  const order = files[`${folder}byteorder`];
  if (order && new TextDecoder().decode(order) !== 'little') throw new Error('pt: the file is big-endian');
  const known = new Map<string, StoredElements>();
  const value = unpickle(files[main], globals, (id) => {
    const [kind, type, key] = id as [string, { name: string }, string];
    const element = kind === 'storage' ? storages[type.name.replace('torch.', '')] : undefined;
    if (!element) throw new Error(`pt: ${kind} of ${type?.name} cannot be read`);
    let stored = known.get(key);
    if (!stored) {
      const data = files[`${folder}data/${key}`];
      if (!data) throw new Error(`pt: the storage ${key} is missing from the archive`);
      known.set(key, (stored = { type: element, bytes: data, whole: null }));
    }
    return stored;
  });
  return plain(value);
}

/**
 * Reads a file that PyTorch's `torch.save` wrote: a state dict, or any nesting of dictionaries, lists, numbers, text and tensors.
 *
 * @example
 * model.loadStateDict(io.loadPyTorch('resnet18.pt') as Record<string, Tensor>);
 *
 * Half precision becomes float32, integers other than uint8 int32. A file can run no code: pickled classes and functions are refused by name.
 * Errors: whole models (save `model.state_dict()`); files from before PyTorch 1.6.
 */
export const loadPyTorch = (path: string): PyTorchValue => parsePyTorch(readFileSync(path));
