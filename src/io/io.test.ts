import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { arange, io, nn, ones, type Tensor, tensor, zeros } from '../index.ts';

const file = (name: string): string =>
  fileURLToPath(new URL(`../../test/golden/data/io/${name}`, import.meta.url));
const values = JSON.parse(readFileSync(file('values.json'), 'utf8')) as Record<
  string,
  { shape: number[]; data: (number | string)[] }
>;
const scratch = (): string => mkdtempSync(join(tmpdir(), 'gradbook-io-'));
const flat = (t: Tensor): number[] => (t.reshape([-1]).toArray() as (number | boolean)[]).map(Number);

/** The tensors that Python wrote, with its values. */
function expectPython(tensors: Record<string, Tensor>): void {
  for (const [name, { shape, data }] of Object.entries(values)) {
    expect([name, tensors[name].shape]).toEqual([name, shape]);
    expect([name, flat(tensors[name])]).toEqual([
      name,
      data.map(Number).map((x) => (Number.isNaN(x) ? Infinity : x)),
    ]);
  }
}

/** Every dtype, and memory that is not row-major. */
const mixed = (): Record<string, Tensor> => ({
  weight: arange(6, { dtype: 'float32' }).reshape([2, 3]).transpose(0, 1),
  precise: tensor([1 / 3, -0, Number.NaN], { dtype: 'float64' }),
  steps: tensor([1, -(2 ** 31)], { dtype: 'int32' }),
  mask: tensor([true, false]),
  bytes: tensor([0, 255], { dtype: 'uint8' }),
  empty: zeros([0, 3]),
  scalar: tensor(2.5),
});

describe('safetensors', () => {
  test("reads what Python's package wrote", () => {
    const { tensors, metadata } = io.parseSafetensors(readFileSync(file('python.safetensors')));
    expectPython(tensors);
    expect(metadata).toEqual({ format: 'pt' });
    expect([tensors['conv.bias'].dtype, tensors.steps.dtype, tensors.mask.dtype, tensors.half.dtype]).toEqual(
      ['float64', 'int32', 'bool', 'float32'],
    );
  });

  test('gives back what was saved, and leaves nothing else in the folder', () => {
    const folder = scratch();
    const path = join(folder, 'model.safetensors');
    io.saveSafetensors(path, mixed(), { metadata: { by: 'test' } });
    const back = io.loadSafetensors(path);
    for (const [name, t] of Object.entries(mixed())) {
      expect([name, back[name].dtype, back[name].shape]).toEqual([name, t.dtype, t.shape]);
      expect([name, flat(back[name])]).toEqual([name, flat(t)]);
    }
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  test('a model goes on where it was', () => {
    const path = join(scratch(), 'model.safetensors');
    const [a, b] = [1, 2].map((x) => new nn.ParameterDict({ weight: new nn.Parameter(ones([3]).mul(x)) }));
    io.saveSafetensors(path, a.stateDict());
    b.loadStateDict(io.loadSafetensors(path));
    expect(b.stateDict().weight.toArray()).toEqual([1, 1, 1]);
  });

  const python = process.env.GRADBOOK_PYTHON ?? 'python3';
  const absent = spawnSync(python, ['-c', 'import safetensors.numpy, numpy']).status !== 0;
  test.skipIf(absent)('Python reads what is written here (skipped where Python has no safetensors)', () => {
    const path = join(scratch(), 'model.safetensors');
    io.saveSafetensors(path, mixed());
    const script = `
import sys, json, safetensors.numpy
t = safetensors.numpy.load_file(sys.argv[1])
print(json.dumps({k: [str(v.dtype), list(v.shape), [str(x) for x in v.astype('f8').ravel()]] for k, v in t.items()}))`;
    const seen = JSON.parse(execFileSync(python, ['-c', script, path], { encoding: 'utf8' }));
    expect(seen.weight).toEqual(['float32', [3, 2], ['0.0', '3.0', '1.0', '4.0', '2.0', '5.0']]);
    expect(seen.precise).toEqual(['float64', [3], ['0.3333333333333333', '-0.0', 'nan']]);
    expect(seen.steps).toEqual(['int32', [2], ['1.0', '-2147483648.0']]);
    expect(seen.empty).toEqual(['float32', [0, 3], []]);
  });

  const whole = (): Uint8Array => io.safetensorsBytes({ a: ones([2]), b: ones([1]) });
  const withHeader = (header: unknown, data = 12): Uint8Array => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const out = new Uint8Array(8 + text.length + data);
    new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
    out.set(text, 8);
    return out;
  };
  test.each([
    ['cut off', () => whole().subarray(0, 20), /header would be/],
    ['too long', () => new Uint8Array([...whole(), 0]), /1 bytes behind/],
    ['no JSON', () => new Uint8Array([4, 0, 0, 0, 0, 0, 0, 0, 123, 123, 123, 123]), /not JSON/],
    [
      'overlap',
      () =>
        withHeader({
          a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
          b: { dtype: 'F32', shape: [2], data_offsets: [4, 12] },
        }),
      /'b' lies at/,
    ],
    [
      'wrong size',
      () => withHeader({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 12] } }),
      /needs 8 bytes, there are 12/,
    ],
    [
      'unknown dtype',
      () => withHeader({ a: { dtype: 'F8_E4M3', shape: [12], data_offsets: [0, 12] } }),
      /F8_E4M3/,
    ],
  ] as const)('a file that is damaged (%s) is refused', (_, bytes, message) => {
    expect(() => io.parseSafetensors(bytes())).toThrow(message);
  });

  test('whole numbers beyond int32 are refused, not cut', () => {
    const bytes = withHeader({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8);
    new DataView(bytes.buffer).setBigInt64(bytes.length - 8, 2n ** 31n, true);
    expect(() => io.parseSafetensors(bytes)).toThrow(/2147483648 at element 0/);
  });
});

describe('NumPy files', () => {
  test("reads NumPy's: Fortran order, big-endian, half a zip of them", () => {
    expect(io.loadNpy(file('fortran.npy')).toArray()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    const { a, b, c, d } = io.loadNpz(file('python.npz'));
    expect([a.toArray(), b.toArray(), c.toArray(), d.toArray()]).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      [true, false],
      2.5,
      [7],
    ]);
    expect([a.dtype, b.dtype, c.dtype, d.dtype]).toEqual(['float32', 'bool', 'float64', 'int32']);
  });

  test('gives back what was saved, alone and in an archive', () => {
    const folder = scratch();
    io.saveNpz(join(folder, 'all.npz'), mixed());
    const back = io.loadNpz(join(folder, 'all.npz'));
    for (const [name, t] of Object.entries(mixed())) {
      io.saveNpy(join(folder, 'one.npy'), t);
      for (const read of [back[name], io.loadNpy(join(folder, 'one.npy'))])
        expect([name, read.dtype, read.shape, flat(read)]).toEqual([name, t.dtype, t.shape, flat(t)]);
    }
  });

  test('refuses other files and other dtypes', () => {
    expect(() => io.parseNpy(new Uint8Array(20))).toThrow(/NUMPY/);
    const complex = io.npyBytes(ones([2]));
    complex.set(new TextEncoder().encode('<c8'), 10 + 11);
    expect(() => io.parseNpy(complex)).toThrow(/'<c8'/);
  });
});

describe("PyTorch's files", () => {
  test('reads state dicts, views and parameters, and what stands beside them', () => {
    const loaded = io.loadPyTorch(file('python.pt')) as {
      model: Record<string, Tensor>;
      epoch: number;
      lr: unknown[];
      name: string;
    };
    expectPython(loaded.model);
    expect(loaded.model.view.toArray()).toEqual([
      [1, 5, 9],
      [2, 6, 10],
    ]);
    expect(loaded.model.param.requiresGrad).toBe(true);
    expect([loaded.epoch, loaded.lr, loaded.name]).toEqual([3, [0.1, null, true], 'réseau']);
  });

  test('runs no code: classes are refused by name', () => {
    expect(() => io.loadPyTorch(file('module.pt'))).toThrow(/torch\.nn\.modules\.linear\.Linear/);
  });

  test('says what other files are', () => {
    const path = join(scratch(), 'x.pt');
    writeFileSync(path, 'no archive');
    expect(() => io.loadPyTorch(path)).toThrow(/not a zip archive/);
  });
});
