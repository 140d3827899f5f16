import { expectTypeOf, test } from 'vitest';
import {
  data,
  F,
  nn,
  ones,
  optim,
  sort,
  type Tensor,
  tensor,
  topk,
  type ValuesIndices,
  vision,
  zeros,
} from '../../src/index.ts';

// Checked by the compiler: `npm run check` fails where a type is not as said, or where a wrong call compiles.
const images = zeros(2, 3, 8, 8);
const weight = zeros(4, 3, 3, 3);

test("'same' padding, modes and reductions are literal unions, and a wrong one does not compile", () => {
  const calls = (): unknown[] => [
    F.conv2d(images, weight, null, { padding: 'same', stride: 1 }),
    // @ts-expect-error: 'same' keeps the size, so the stride is 1
    F.conv2d(images, weight, null, { padding: 'same', stride: 2 }),
    // @ts-expect-error: 'same' keeps the size, so the stride is 1
    new nn.Conv2d(3, 4, 3, { padding: 'same', stride: 2 }),
    // @ts-expect-error: there are three reductions
    F.mseLoss(images, images, { reduction: 'average' }),
    // @ts-expect-error: no such mode
    F.interpolate(images, { scaleFactor: 2, mode: 'cubic' }),
    // @ts-expect-error: no such option
    F.interpolate(images, { scale: 2 }),
    // @ts-expect-error: no such mode
    F.pad(images, [1, 1], 'mirror'),
    // @ts-expect-error: no such dtype
    zeros(2, { dtype: 'float16' }),
    // @ts-expect-error: no such option
    new optim.Adam([weight], { learningRate: 0.1 }),
    // @ts-expect-error: boxes are not written this way
    vision.boxConvert(zeros(1, 4), 'xyxy', 'yxyx'),
    // @ts-expect-error: three sizes where a plane has two
    F.maxPool2d(images, [2, 2, 2]),
  ];
  expectTypeOf(calls).returns.toEqualTypeOf<unknown[]>();
});

test('what an option changes shows in the type of the result', () => {
  expectTypeOf(F.maxPool2d(images, 2)).toEqualTypeOf<Tensor>();
  expectTypeOf(F.maxPool2d(images, 2, { returnIndices: true })).toEqualTypeOf<[Tensor, Tensor]>();
  expectTypeOf(images.max()).toEqualTypeOf<Tensor>();
  expectTypeOf(images.max(1)).toEqualTypeOf<ValuesIndices>();
  expectTypeOf(sort(images)).toEqualTypeOf<ValuesIndices>();
  expectTypeOf(topk(images, 2)).toEqualTypeOf<ValuesIndices>();
});

test('sizes are given one by one or as a list', () => {
  expectTypeOf(images.permute(3, 2, 1, 0)).toEqualTypeOf<Tensor>();
  for (const view of [
    images.permute(0, 2, 3, 1),
    images.permute([0, 2, 3, 1]),
    images.reshape(2, 8, 8, 3),
    images.view([2, 8, 8, 3]),
    ones(1, 8, 1, 3).expand(2, 8, 8, -1),
    ones(1, 8, 1, 3).repeat(2, 1, 8, 1),
    ones(1, 8, 1, 3).tile(2, 1, 8, 1),
    images.permute(0, 2, 3, 1).flip(1, 2),
  ])
    if (view.shape.join() !== '2,8,8,3') throw new Error(`(${view.shape}) instead of (2, 8, 8, 3)`);
});

test('modules are called with the inputs of their forward, and give what it gives', () => {
  expectTypeOf(new nn.Linear(3, 4)).toBeCallableWith(images);
  expectTypeOf(new nn.Linear(3, 4)(ones(3))).toEqualTypeOf<Tensor>();
  expectTypeOf(new nn.MaxPool2d(2)(images)).toEqualTypeOf<Tensor>();
  expectTypeOf(new vision.models.LeNet()(zeros(1, 1, 28, 28))).toEqualTypeOf<Tensor>();
});

test('batches are collated in their types', () => {
  const pairs = new data.TensorDataset(images, tensor([0, 1]));
  for (const batch of new data.DataLoader(pairs, { batchSize: 2 }))
    expectTypeOf(batch).toExtend<readonly [Tensor, Tensor]>();
  const records = new data.ArrayDataset([{ image: images, name: 'a', weight: 0.5 }]);
  for (const batch of new data.DataLoader(records, {}))
    expectTypeOf(batch).toEqualTypeOf<{ image: Tensor; name: string[]; weight: Tensor }>();
});
