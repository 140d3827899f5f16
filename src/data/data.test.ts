import { describe, expect, test } from 'vitest';
import { arange, data, Generator, manualSeed, ones, type Tensor, tensor, zeros } from '../index.ts';

const ten = new data.TensorDataset(arange(10));
const batches = (loader: Iterable<readonly Tensor[]>): unknown[] => [...loader].map(([x]) => x.toArray());

describe("a loader's batches are PyTorch's", () => {
  // PyTorch 2.13: DataLoader(TensorDataset(torch.arange(10)), batch_size=4, shuffle=True), two passes.
  test('after manualSeed(0)', () => {
    manualSeed(0);
    const loader = new data.DataLoader(ten, { batchSize: 4, shuffle: true });
    expect([batches(loader), batches(loader)]).toEqual([
      [
        [6, 7, 1, 4],
        [2, 0, 9, 8],
        [3, 5],
      ],
      [
        [2, 4, 7, 0],
        [8, 9, 5, 3],
        [6, 1],
      ],
    ]);
  });

  test('with a generator', () => {
    const loader = new data.DataLoader(ten, { batchSize: 4, shuffle: true, generator: new Generator(0) });
    expect([batches(loader), batches(loader)]).toEqual([
      [
        [3, 7, 5, 2],
        [0, 8, 1, 6],
        [9, 4],
      ],
      [
        [1, 3, 2, 7],
        [5, 9, 0, 6],
        [4, 8],
      ],
    ]);
  });

  test('and so are splits and samplers', () => {
    const parts = data.randomSplit(ten, [0.5, 0.3, 0.2], { generator: new Generator(0) });
    expect(parts.map(({ indices }) => indices)).toEqual([
      [4, 1, 7, 5, 3],
      [9, 0, 8],
      [6, 2],
    ]);
    manualSeed(0);
    expect([...new data.RandomSampler({ length: 5 }, { replacement: true, numSamples: 8 })]).toEqual([
      1, 0, 4, 3, 4, 0, 2, 3,
    ]);
    manualSeed(0);
    expect([...new data.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3], 8)]).toEqual([4, 4, 4, 4, 4, 4, 1, 3]);
  });
});

describe('loaders', () => {
  test('drop a small last batch when asked to', () => {
    const loader = new data.DataLoader(ten, { batchSize: 4, dropLast: true });
    expect([loader.length, batches(loader)]).toEqual([
      2,
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    ]);
  });

  test('collate objects field by field, with the types to show for it', () => {
    const items = new data.ArrayDataset([
      { image: ones([2]), name: 'a', weight: 0.5, pair: [1, true] as [number, boolean] },
      { image: zeros([2]), name: 'b', weight: 2, pair: [3, false] as [number, boolean] },
    ]);
    for (const { image, name, weight, pair } of new data.DataLoader(items, { batchSize: 2 })) {
      const names: string[] = name;
      expect([image.toArray(), names, weight.toArray(), pair[0].toArray(), pair[1].toArray()]).toEqual([
        [
          [1, 1],
          [0, 0],
        ],
        ['a', 'b'],
        [0.5, 2],
        [1, 3],
        [true, false],
      ]);
    }
  });

  test('read promises ahead, in order, and refuse to be read without await', async () => {
    let running = 0;
    let most = 0;
    const slow: data.Dataset<number> = {
      length: 6,
      async get(index) {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 12 - 2 * index));
        running--;
        return index;
      },
    };
    const loader = new data.DataLoader(slow, { batchSize: 2, prefetch: 2 });
    const seen: unknown[] = [];
    for await (const batch of loader) seen.push(batch.toArray());
    expect(seen).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(most).toBe(6);
    expect(() => [...loader]).toThrow(/for await/);
  });

  test('a failing example rejects when its turn comes', async () => {
    const bad: data.Dataset<number> = {
      length: 4,
      get: (index) => (index === 2 ? Promise.reject(new Error('unreadable')) : Promise.resolve(index)),
    };
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const batch of new data.DataLoader(bad, {})) seen.push(batch.toArray());
    };
    await expect(read()).rejects.toThrow('unreadable');
    expect(seen).toEqual([[0], [1]]);
  });

  test.each([
    [() => new data.DataLoader(ten, { batchSize: 0 }), /batchSize is 0/],
    [
      () => new data.DataLoader(ten, { shuffle: true, sampler: new data.SequentialSampler(ten) }),
      /its own order/,
    ],
    [() => new data.DataLoader(ten, { batchSampler: [[0]], batchSize: 2 } as never), /makes the batches/],
    [() => new data.TensorDataset(zeros([2]), zeros([3])), /first sizes/],
    [() => new data.Subset(ten, [10]), /index 10/],
    [() => data.randomSplit(ten, [5, 6]), /do not add up/],
    [() => data.defaultCollate([zeros([2]), zeros([3])]), /pad them/],
    [() => new data.WeightedRandomSampler([1, 0], 2, { replacement: false }), /without replacement/],
    [() => new data.PKSampler([0, 0, 1], 3, 1), /only 2/],
  ] as const)('%s is refused', (make, message) => expect(make).toThrow(message));

  test('batches of P classes with K examples', () => {
    const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3];
    for (const batch of new data.PKSampler(labels, 3, 2, { generator: new Generator(1) })) {
      const counts = new Map<number, number>();
      for (const i of batch) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
      expect([...counts.values()]).toEqual([2, 2, 2]);
    }
  });
});

describe('scalers', () => {
  const train = tensor(
    [
      [1, 5],
      [2, 5],
      [3, 5],
      [4, 5],
    ],
    { dtype: 'float64' },
  );

  test('learn from training data, and go back', () => {
    const scaler = new data.StandardScaler().fit(train);
    // (x - 2.5) / sqrt(1.25); the constant column gives 0, not 0/0.
    const scaled = scaler.transform(train);
    expect(scaled.select(1, 0).toArray()).toEqual([-1.5, -0.5, 0.5, 1.5].map((x) => x / Math.sqrt(1.25)));
    expect(scaled.select(1, 1).toArray()).toEqual([0, 0, 0, 0]);
    expect(scaler.inverseTransform(scaled).toArray()).toEqual(train.toArray());
  });

  test('fill a range; new data may fall outside', () => {
    const scaler = new data.MinMaxScaler({ range: [-1, 1] }).fit(train);
    expect(
      scaler
        .transform(
          tensor(
            [
              [1, 5],
              [4, 5],
              [7, 5],
            ],
            { dtype: 'float64' },
          ),
        )
        .toArray(),
    ).toEqual([
      [-1, -1],
      [1, -1],
      [3, -1],
    ]);
  });

  test('say so when they have not learned', () => {
    expect(() => new data.MinMaxScaler().transform(train)).toThrow(/call fit/);
    expect(() => new data.StandardScaler().fit(train).transform(zeros([1, 3]))).toThrow(/2 columns/);
  });
});

describe('transforms', () => {
  const { transforms } = data;
  const image = arange(16).reshape([1, 4, 4]);

  test('a crop with padding is a window of the padded image', () => {
    const crop = transforms.randomCrop(4, { padding: 1, fill: -1, generator: new Generator(3) })(image);
    const padded = Array.from({ length: 6 }, (_, y) =>
      Array.from({ length: 6 }, (_, x) => (y > 0 && y < 5 && x > 0 && x < 5 ? (y - 1) * 4 + x - 1 : -1)),
    );
    const windows = [0, 1, 2].flatMap((y) =>
      [0, 1, 2].map((x) => JSON.stringify(padded.slice(y, y + 4).map((row) => row.slice(x, x + 4)))),
    );
    expect(windows).toContain(JSON.stringify((crop.toArray() as number[][][])[0]));
  });

  test('a turn by a right angle and a whole move read pixels exactly', () => {
    const turned = transforms.affine({ angle: 90 })(image).toArray() as number[][][];
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 4; x++) expect(turned[0][y][x]).toBeCloseTo((3 - x) * 4 + y, 4);
    expect(
      transforms
        .affine({ translate: [1, 0], fill: 9 })(image)
        .select(2, 0)
        .toArray(),
    ).toEqual([[9, 9, 9, 9]]);
  });

  test('jitter stays in [0, 1], noise has its spread, cutout its area', () => {
    const grey = ones([3, 40, 40]).mul(0.5);
    const generator = new Generator(0);
    const jittered = transforms.colorJitter({ brightness: 1, contrast: 1, saturation: 1, generator })(grey);
    expect(jittered.amin().item()).toBeGreaterThanOrEqual(0);
    expect(jittered.amax().item()).toBeLessThanOrEqual(1);
    expect(transforms.gaussianNoise(0.2, { generator })(grey).std().item()).toBeCloseTo(0.2, 1);
    const cut = transforms.cutout(5, { generator })(ones([1, 40, 40]));
    expect(1600 - cut.sum().item()).toBeLessThanOrEqual(25);
  });

  test.each(['mixup', 'cutmix'] as const)('%s mixes images and labels in the same share', (name) => {
    const images = tensor([0, 1]).reshape([2, 1, 1, 1]).expand([2, 1, 8, 8]);
    const labels = tensor([0, 1], { dtype: 'int32' });
    const [mixed, shares] = transforms[name](images, labels, { numClasses: 2, generator: new Generator(5) });
    const means = mixed.mean([1, 2, 3]).toArray() as number[];
    const ofOne = shares.select(1, 1).toArray() as number[];
    for (const i of [0, 1]) expect(means[i]).toBeCloseTo(ofOne[i], 5);
  });
});

describe('bundled data', () => {
  test('iris and penguins have the means that are published for them', () => {
    const [iris, penguins] = [data.iris(), data.penguins()];
    expect([iris.data.shape, penguins.data.shape]).toEqual([
      [150, 4],
      [342, 4],
    ]);
    const means = (t: Tensor): number[] => t.to('float64').mean(0).toArray() as number[];
    for (const [i, m] of [5.8433333, 3.0573333, 3.758, 1.1993333].entries())
      expect(means(iris.data)[i]).toBeCloseTo(m, 4);
    for (const [i, m] of [43.9219298, 17.1511696, 200.9152047, 4201.7543859].entries())
      expect(means(penguins.data)[i]).toBeCloseTo(m, 3);
  });

  test('digits are the 10,000 of the package, split at 80 % of each', () => {
    const [train, held, all] = (['train', 'test', 'all'] as const).map((split) => data.mnist({ split }));
    expect([train, held, all].map(({ images }) => images.shape[0])).toEqual([7996, 2004, 10000]);
    const counts = new Array<number>(10).fill(0);
    for (const label of all.labels.toArray() as number[]) counts[label]++;
    expect(counts).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    expect(train.images.mean().item()).toBeCloseTo(0.13087, 4);
    expect(train.images.std().item()).toBeCloseTo(0.30832, 3);
  }, 120_000);

  test('scenes have shapes inside their boxes, apart from each other, the same for the same seed', () => {
    const make = (): data.Shapes => data.shapes(4, { generator: new Generator(7), noise: 0 });
    const { images, targets } = make();
    expect(make().images.toArray()).toEqual(images.toArray());
    for (const [i, { boxes, labels }] of targets.entries()) {
      expect(labels.shape[0]).toBe(boxes.shape[0]);
      const bright = (images.toArray() as number[][][][])[i][0];
      const rows = boxes.toArray() as number[][];
      bright.forEach((row, y) => {
        row.forEach((value, x) => {
          const covered = rows.some(([l, t, r, b]) => x >= l && x < r && y >= t && y < b);
          if (!covered) expect(value).toBeLessThan(0.3);
        });
      });
      for (const [l, t, r, b] of rows) {
        const values = bright.slice(t, b).flatMap((row) => row.slice(l, r));
        expect(values.filter((v) => v > 0.5).length / values.length).toBeGreaterThan(0.4);
      }
    }
  });

  test.each(['moons', 'circles', 'spirals', 'blobs', 'xor', 'checkerboard'] as const)(
    '%s has both classes',
    (name) => {
      const { data: points, target } = data[name](100, { generator: new Generator(0) });
      expect(points.shape).toEqual([100, 2]);
      const labels = target.toArray() as number[];
      expect(Math.min(...labels.map((l) => labels.filter((x) => x === l).length))).toBeGreaterThan(20);
    },
  );
});
