import { expect, test } from 'vitest';
import { type DType, ones, promoteTypes, resultType, tensor } from '../index.ts';

const dtypes: readonly DType[] = ['bool', 'uint8', 'int32', 'float32', 'float64'];

/** What `torch.result_type` gives for a tensor of each dtype with: a tensor of each dtype, a 0-d one, and True, 1, 1.5 (int64 is int32 here). */
const table: Record<DType, [tensors: string, zeroDim: string, numbers: string]> = {
  bool: ['bool uint8 int32 float32 float64', 'bool uint8 int32 float32 float64', 'bool int32 float32'],
  uint8: ['uint8 uint8 int32 float32 float64', 'uint8 uint8 uint8 float32 float64', 'uint8 uint8 float32'],
  int32: ['int32 int32 int32 float32 float64', 'int32 int32 int32 float32 float64', 'int32 int32 float32'],
  float32: [
    'float32 float32 float32 float32 float64',
    'float32 float32 float32 float32 float32',
    'float32 float32 float32',
  ],
  float64: [
    'float64 float64 float64 float64 float64',
    'float64 float64 float64 float64 float64',
    'float64 float64 float64',
  ],
};

test.each(dtypes)('%s is promoted as in PyTorch', (dtype) => {
  const x = ones([1], { dtype });
  const [tensors, zeroDim, numbers] = table[dtype].map((row) => row.split(' '));
  for (const [i, other] of dtypes.entries()) {
    expect(promoteTypes(dtype, other)).toBe(tensors[i]);
    expect(x.mul(ones([1], { dtype: other })).dtype).toBe(tensors[i]);
    expect(x.mul(tensor(1, { dtype: other })).dtype).toBe(zeroDim[i]);
    expect(resultType(tensor(1, { dtype: other }), x)).toBe(zeroDim[i]);
  }
  for (const [i, number] of [true, 1, 1.5].entries()) {
    expect(x.mul(number).dtype).toBe(numbers[i]);
    expect(resultType(number, x)).toBe(numbers[i]);
  }
});

test('the results that do not follow the table: comparisons, true division, sums of booleans', () => {
  for (const dtype of dtypes) {
    const x = ones([2], { dtype });
    expect(x.lt(2).dtype).toBe('bool');
    expect(x.div(x).dtype).toBe(dtype === 'float64' ? 'float64' : 'float32');
    expect(x.sum().dtype).toBe(x.isFloating ? dtype : 'int32');
    expect(x.argmax().dtype).toBe('int32');
    expect(x.sqrt().dtype).toBe(dtype === 'float64' ? 'float64' : 'float32');
  }
});
