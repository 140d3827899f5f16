import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  cat,
  cdist,
  io,
  manualSeed,
  mean,
  mul,
  nn,
  ones,
  rand,
  randint,
  randn,
  relu,
  softmax,
  type Tensor,
  tensor,
  vision,
  where,
} from '../../index.ts';
import { ProtobufWriter } from './protobuf.ts';
import { tensorsIn } from './recording.ts';

const F = nn.functional;

/** A function as a module. */
class Lambda extends nn.Module<Tensor[], unknown> {
  readonly #body: (...inputs: Tensor[]) => unknown;

  constructor(body: (...inputs: Tensor[]) => unknown) {
    super();
    this.#body = body;
  }

  forward(...inputs: Tensor[]): unknown {
    return this.#body(...inputs);
  }
}

/** Three levels through a feature pyramid. */
class Neck extends nn.Module<[Tensor, Tensor, Tensor], Record<string, Tensor>> {
  readonly fpn = new vision.FeaturePyramidNetwork([4, 6, 8], 5, new vision.LastLevelMaxPool());

  forward(c2: Tensor, c3: Tensor, c4: Tensor): Record<string, Tensor> {
    return this.fpn({ c2, c3, c4 });
  }
}

/** The last state of a sequence of words decides. */
class Reader extends nn.Module<[Tensor], Tensor> {
  readonly embedding = new nn.Embedding(10, 5);
  readonly lstm = new nn.LSTM(5, 4, { batchFirst: true });
  readonly classes = new nn.Linear(4, 3);

  forward(words: Tensor): Tensor {
    const [steps] = this.lstm(this.embedding(words));
    return this.classes(steps.select(1, -1));
  }
}

interface Case {
  name: string;
  model: nn.AnyModule;
  inputs: Tensor[];
  options?: io.OnnxOptions;
  /** Other inputs to run the exported model with, for axes that vary. */
  other?: Tensor[];
}

const batch = { dynamicAxes: { input: { 0: 'batch' } } };

/** A case with one input of a shape. */
const layer = (name: string, model: nn.AnyModule, shape: number[], options?: io.OnnxOptions): Case => ({
  name,
  model,
  inputs: [randn(shape)],
  options,
});

const lambda = (name: string, body: (...inputs: Tensor[]) => unknown, ...inputs: Tensor[]): Case => ({
  name,
  model: new Lambda(body),
  inputs,
});

/** Running statistics that are not those of a fresh layer. */
function trained<M extends nn.AnyModule>(model: M): M {
  for (const [name, buffer] of Object.entries(model.stateDict()))
    if (buffer.isFloating && /running/.test(name)) buffer.copy_(rand(buffer.shape).add(0.5));
  return model;
}

/** Layers of two or three inputs: what they give, and what was expected. */
function lossCases(): Case[] {
  const scores = randn([4, 5]);
  const labels = tensor([1, 0, 4, 2], { dtype: 'int32' });
  const weight = tensor([1, 2, 0.5, 1, 3]);
  const many = tensor(
    [
      [3, 0, -1, 2, 1],
      [1, 1, -1, 0, 0],
      [-1, 0, 0, 0, 0],
      [0, 1, 2, 3, 4],
    ],
    { dtype: 'int32' },
  );
  const image = [
    randn([2, 3, 4]),
    tensor(
      [
        [0, 2, 1, 1],
        [2, -100, 0, 1],
      ],
      { dtype: 'int32' },
    ),
  ];
  const chances = rand([4, 5]);
  const list: [name: string, model: nn.AnyModule, inputs: Tensor[]][] = [
    ['MultiMarginLoss', new nn.MultiMarginLoss({ margin: 2, weight }), [scores, labels]],
    ['MultiLabelMarginLoss', new nn.MultiLabelMarginLoss(), [scores, many]],
    ['MultiLabelSoftMarginLoss', new nn.MultiLabelSoftMarginLoss(), [scores, rand([4, 5]).round()]],
    ['CrossEntropyLoss', new nn.CrossEntropyLoss(), [scores, labels]],
    [
      'CrossEntropyLoss, smooth',
      new nn.CrossEntropyLoss({ weight, labelSmoothing: 0.2, reduction: 'none' }),
      [scores, labels],
    ],
    [
      'CrossEntropyLoss, an index ignored',
      new nn.CrossEntropyLoss({ reduction: 'sum', labelSmoothing: 0.1 }),
      image,
    ],
    [
      'CrossEntropyLoss, shares',
      new nn.CrossEntropyLoss({ weight, labelSmoothing: 0.1 }),
      [scores, softmax(randn([4, 5]), 1)],
    ],
    ['NLLLoss', new nn.NLLLoss({ weight, reduction: 'none' }), [scores, labels]],
    ['BCELoss', new nn.BCELoss(), [chances, rand([4, 5])]],
    ['BCEWithLogitsLoss', new nn.BCEWithLogitsLoss({ posWeight: weight }), [scores, rand([4, 5])]],
    ['TripletMarginLoss', new nn.TripletMarginLoss(), [randn([3, 4]), randn([3, 4]), randn([3, 4])]],
    ['CosineEmbeddingLoss', new nn.CosineEmbeddingLoss(), [randn([3, 4]), randn([3, 4]), tensor([1, -1, 1])]],
    ['HuberLoss', new nn.HuberLoss(), [scores, randn([4, 5])]],
    ['KLDivLoss', new nn.KLDivLoss({ reduction: 'batchmean' }), [scores, chances]],
    ['GaussianNLLLoss', new nn.GaussianNLLLoss(), [scores, randn([4, 5]), rand([4, 5]).add(0.1)]],
    ['PoissonNLLLoss', new nn.PoissonNLLLoss(), [scores, chances]],
  ];
  return list.map(([name, model, inputs]) => ({ name, model, inputs }));
}

function cases(): Case[] {
  manualSeed(3);
  const image = [2, 4, 9, 8];
  const lstm = new nn.LSTM(5, 4, { batchFirst: true });
  const activations = Object.entries({
    ...{ relu, sigmoid: F.sigmoid, tanh: F.tanh, silu: F.silu, mish: F.mish, selu: F.selu, relu6: F.relu6 },
    ...{ hardswish: F.hardswish, hardsigmoid: F.hardsigmoid, softsign: F.softsign, logsigmoid: F.logsigmoid },
    ...{ gelu: F.gelu, leakyRelu: F.leakyRelu, elu: F.elu, celu: F.celu, softplus: F.softplus },
  }) as [string, (x: Tensor) => Tensor][];
  return [
    { name: 'LeNet', model: new vision.models.LeNet(), inputs: [randn([2, 1, 28, 28])] },
    {
      name: 'LeNet, any batch',
      model: new vision.models.LeNet(),
      inputs: [randn([1, 1, 28, 28])],
      options: batch,
      other: [randn([3, 1, 28, 28])],
    },
    {
      name: 'ResNet18, any batch',
      model: trained(new vision.models.ResNet18()),
      inputs: [randn([1, 3, 32, 32])],
      options: batch,
      other: [randn([2, 3, 32, 32])],
    },
    {
      name: 'feature pyramid',
      model: new Neck(),
      inputs: [randn([1, 4, 16, 16]), randn([1, 6, 8, 8]), randn([1, 8, 4, 4])],
      options: { inputNames: ['c2', 'c3', 'c4'], outputNames: ['p2', 'p3', 'p4', 'pool'] },
    },
    layer('Conv1d', new nn.Conv1d(4, 6, 3, { stride: 2, padding: 1, dilation: 2, groups: 2 }), [2, 4, 11]),
    layer('Conv2d without bias', new nn.Conv2d(4, 6, [3, 2], { bias: false, padding: [1, 0] }), image),
    layer('Conv3d', new nn.Conv3d(2, 3, 2), [1, 2, 4, 5, 3]),
    layer('ConvTranspose1d', new nn.ConvTranspose1d(4, 6, 3, { stride: 2, outputPadding: 1 }), [2, 4, 7]),
    layer(
      'ConvTranspose2d',
      new nn.ConvTranspose2d(4, 6, 3, { stride: [2, 3], padding: 1, outputPadding: [1, 2], groups: 2 }),
      image,
    ),
    layer('MaxPool2d', new nn.MaxPool2d(3, { stride: 2, padding: 1 }), image),
    layer('MaxPool2d, sizes up', new nn.MaxPool2d(2, { stride: 3, ceilMode: true }), image),
    layer('MaxPool2d with indices', new nn.MaxPool2d(2, { returnIndices: true }), image),
    layer('AvgPool2d', new nn.AvgPool2d(3, { stride: 2, padding: 1 }), image),
    layer('AvgPool2d without padding', new nn.AvgPool2d(3, { padding: 1, countIncludePad: false }), image),
    layer('AvgPool2d, sizes up', new nn.AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }), image),
    layer('AvgPool1d, sizes up', new nn.AvgPool1d(2, { stride: 2, ceilMode: true }), [2, 3, 7]),
    layer('AvgPool2d with a divisor', new nn.AvgPool2d(2, { divisorOverride: 3 }), image),
    layer('AdaptiveAvgPool2d', new nn.AdaptiveAvgPool2d([3, 2]), image),
    layer('AdaptiveMaxPool2d', new nn.AdaptiveMaxPool2d([3, 4]), image),
    layer('LPPool2d', new nn.LPPool2d(2, 2), image),
    layer('BatchNorm2d', trained(new nn.BatchNorm2d(4)), image),
    layer('BatchNorm1d without weights', trained(new nn.BatchNorm1d(4, { affine: false })), [3, 4]),
    layer('BatchNorm2d of its batch', new nn.BatchNorm2d(4, { trackRunningStats: false }), image),
    layer('BatchNorm1d of its batch', new nn.BatchNorm1d(4, { trackRunningStats: false }), [5, 4], {
      opset: 18,
    }),
    layer('FrozenBatchNorm2d', trained(new nn.FrozenBatchNorm2d(4)), image),
    layer('LayerNorm', new nn.LayerNorm([9, 8]), image),
    layer('GroupNorm', new nn.GroupNorm(2, 4), image),
    layer('InstanceNorm2d', new nn.InstanceNorm2d(4, { affine: true }), image),
    layer('RMSNorm', new nn.RMSNorm(8), image),
    layer('CircularPad2d', new nn.CircularPad2d([1, 2, 0, 3]), image),
    layer('Conv2d that goes round', new nn.Conv2d(4, 2, 3, { padding: 1, paddingMode: 'circular' }), image),
    {
      name: 'CircularPad1d, any length',
      model: new nn.CircularPad1d(2),
      inputs: [randn([2, 3, 7])],
      options: { dynamicAxes: { input: { 2: 'length' } } },
      other: [randn([2, 3, 4])],
    },
    layer('Unfold', new nn.Unfold([3, 2], { padding: 1, stride: [2, 1], dilation: [1, 2] }), image),
    {
      name: 'Unfold, any batch',
      model: new nn.Unfold(3, { padding: 1 }),
      inputs: [randn(image)],
      options: batch,
      other: [randn([3, 4, 9, 8])],
    },
    layer('Fold', new nn.Fold([9, 8], [3, 2], { padding: [1, 0], stride: 2 }), [2, 18, 20]),
    layer('AdaptiveAvgPool2d, windows that differ', new nn.AdaptiveAvgPool2d([5, 3]), image),
    layer('AdaptiveMaxPool2d, windows that differ', new nn.AdaptiveMaxPool2d([4, 8]), image),
    {
      ...layer('AdaptiveAvgPool1d, windows that differ', new nn.AdaptiveAvgPool1d(4), [2, 3, 7]),
      options: { opset: 18 },
    },
    layer('area', new nn.Upsample({ size: [4, 12], mode: 'area' }), image),
    {
      name: 'MaxUnpool2d',
      model: new Lambda((x) => {
        const [values, indices] = F.maxPool2d(x, 2, { returnIndices: true });
        return F.maxUnpool2d(values, indices, 2, { outputSize: [9, 8] });
      }),
      inputs: [randn(image)],
    },
    lambda(
      'spatial transformer',
      (x, theta) => F.gridSample(x, F.affineGrid(theta, [2, 4, 5, 6])),
      randn(image),
      randn([2, 2, 3]),
    ),
    ...(['bilinear', 'nearest', 'bicubic'] as const).flatMap((mode) =>
      (['zeros', 'border', 'reflection'] as const).map((paddingMode, i) => ({
        ...lambda(
          `gridSample, ${mode}, ${paddingMode}`,
          (x, grid) => F.gridSample(x, grid, { mode, paddingMode, alignCorners: i === 1 }),
          randn(image),
          rand([2, 3, 5, 2]).mul(2.4).sub(1.2),
        ),
        options: { opset: i === 2 ? 20 : 17 },
      })),
    ),
    {
      ...lambda(
        'gridSample of a volume',
        (x, grid) => F.gridSample(x, grid),
        randn([1, 2, 3, 4, 5]),
        rand([1, 2, 2, 3, 3]).mul(2).sub(1),
      ),
      options: { opset: 20 },
    },
    lambda(
      'indexAdd',
      (x, y, i) => x.indexAdd(1, i, y, { alpha: 2 }),
      randn([3, 4]),
      randn([3, 3]),
      tensor([2, 0, 2], { dtype: 'int32' }),
    ),
    layer('LocalResponseNorm', new nn.LocalResponseNorm(3), image),
    layer('Linear', new nn.Linear(8, 5), image),
    layer('Bilinear upsampling', new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }), image),
    layer('Bilinear, corners', new nn.UpsamplingBilinear2d({ size: [13, 5] }), image),
    layer('nearest', new nn.Upsample({ size: [13, 5] }), image),
    layer('bicubic', new nn.Upsample({ size: [13, 17], mode: 'bicubic' }), image),
    lambda('nearest-exact', (x) => F.interpolate(x, { size: [13, 5], mode: 'nearest-exact' }), randn(image)),
    lambda('factor', (x) => F.interpolate(x, { scaleFactor: 1.7, mode: 'bilinear' }), randn(image)),
    {
      ...lambda(
        'antialias',
        (x) => F.interpolate(x, { size: [5, 3], mode: 'bilinear', antialias: true }),
        randn(image),
      ),
      options: { opset: 18 },
    },
    {
      ...lambda(
        'antialias, cubic',
        (x) => F.interpolate(x, { size: [5, 6], mode: 'bicubic', antialias: true }),
        randn(image),
      ),
      options: { opset: 18 },
    },
    layer('PixelShuffle', new nn.PixelShuffle(2), image),
    layer('PixelUnshuffle', new nn.PixelUnshuffle(3), [1, 2, 9, 6]),
    layer('ReflectionPad2d', new nn.ReflectionPad2d([1, 2, 3, 0]), image),
    layer('ReplicationPad2d', new nn.ReplicationPad2d(2), image),
    layer('ConstantPad2d, cutting', new nn.ConstantPad2d([-1, 2, 0, 1], 1.5), image),
    layer(
      'Conv1d that repeats the edge',
      new nn.Conv1d(4, 2, 3, { padding: 1, paddingMode: 'replicate' }),
      [2, 4, 9],
    ),
    layer('Softmax', new nn.Softmax(1), image),
    layer('LogSoftmax', new nn.LogSoftmax(-1), image),
    layer('PReLU', new nn.PReLU(4), image),
    layer('GLU', new nn.GLU(1), image),
    layer('ReLU in place', new nn.Sequential(new nn.Linear(8, 3), new nn.ReLU({ inplace: true })), [2, 8]),
    layer('RNN', new nn.RNN(5, 4, { numLayers: 2 }), [6, 2, 5]),
    {
      name: 'LSTM, any batch',
      model: new nn.LSTM(5, 4, { bidirectional: true, batchFirst: true }),
      inputs: [randn([2, 6, 5])],
      options: { ...batch, outputNames: ['sequence', 'hidden', 'cell'] },
      other: [randn([5, 6, 5])],
    },
    layer('GRU', new nn.GRU(5, 4), [6, 2, 5]),
    ...[
      new nn.RNN(5, 4, { nonlinearity: 'relu', numLayers: 2 }),
      new nn.LSTM(5, 4, { numLayers: 2, bidirectional: true }),
      new nn.GRU(5, 4, { bidirectional: true, bias: false }),
    ].map((model) => ({
      name: `${model.typeName}, any length and batch`,
      model,
      inputs: [randn([6, 2, 5])],
      options: { dynamicAxes: { input: { 0: 'length', 1: 'batch' } } },
      other: [randn([9, 3, 5])],
    })),
    {
      name: 'LSTM that is given a state',
      model: new Lambda((x, hidden, cell) => lstm(x, [hidden, cell])),
      inputs: [randn([2, 6, 5]), randn([1, 2, 4]), randn([1, 2, 4])],
    },
    layer('GRU without a batch', new nn.GRU(5, 4), [6, 5]),
    {
      name: 'a sentence of any length to its classes',
      model: new Reader(),
      inputs: [randint(0, 10, [2, 5], { dtype: 'int32' })],
      options: { dynamicAxes: { input: { 0: 'batch', 1: 'length' } } },
      other: [randint(0, 10, [3, 8], { dtype: 'int32' })],
    },
    {
      name: 'Embedding',
      model: new nn.Sequential(new nn.Embedding(10, 4, { paddingIdx: 0 }), new nn.Linear(4, 2)),
      inputs: [randint(0, 10, [3, 5], { dtype: 'int32' })],
      options: batch,
      other: [randint(0, 10, [2, 5], { dtype: 'int32' })],
    },
    {
      name: 'TransformerEncoderLayer, any batch',
      model: new nn.TransformerEncoderLayer(8, 2, {
        dimFeedforward: 16,
        batchFirst: true,
        activation: 'gelu',
      }),
      inputs: [randn([2, 5, 8])],
      options: batch,
      other: [randn([3, 5, 8])],
    },
    {
      name: 'TransformerEncoderLayer, any batch and length',
      model: new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }),
      inputs: [randn([2, 5, 8])],
      options: { dynamicAxes: { input: { 0: 'batch', 1: 'length' } }, opset: 18 },
      other: [randn([3, 4, 8])],
    },
    {
      name: 'TransformerDecoderLayer',
      model: new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16 }),
      inputs: [randn([4, 2, 8]), randn([5, 2, 8])],
    },
    {
      name: 'Bilinear',
      model: new nn.Bilinear(3, 4, 2),
      inputs: [randn([5, 3]), randn([5, 4])],
    },
    layer('GRU, batch first', new nn.GRU(5, 4, { batchFirst: true, numLayers: 2 }), [2, 6, 5], {
      opset: 20,
    }),
    layer('ChannelShuffle', new nn.ChannelShuffle(2), image),
    layer('Softplus', new nn.Softplus(), image),
    layer('Hardtanh', new nn.Hardtanh(), image),
    {
      name: 'VGG block, any size',
      model: new nn.Sequential(new nn.Conv2d(4, 4, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)),
      inputs: [randn(image)],
      options: { dynamicAxes: { input: { 0: 'batch', 2: 'height', 3: 'width' } } },
      other: [randn([1, 4, 12, 7])],
    },
    lambda(
      'causal attention',
      (q) => F.scaledDotProductAttention(q, q, q, { isCausal: true }),
      randn([2, 2, 5, 4]),
    ),
    ...activations.map(([name, f]) => lambda(name, f, randn([3, 5]))),
    lambda(
      'comparisons',
      (x, y) => where(x.gt(y).logicalAnd(x.ne(0)), x.abs(), y.clamp(-0.5, 0.5)),
      randn([3, 4]),
      randn([4]),
    ),
    lambda(
      'reductions',
      (x) => [mean(x, [0, 2]), x.amax(1), x.sum(), x.argmax(1), x.norm(), x.var(1)],
      randn([3, 4, 5]),
    ),
    lambda(
      'views',
      (x) => cat([x.permute([1, 0, 2]).reshape([4, 15]), x.select(2, 1).t().expand([4, 3])], 1),
      randn([3, 4, 5]),
    ),
    lambda('flips and steps', (x) => x.flip([1]).sliceDim(1, 0, null, 2).cumsum(0).triu(), randn([4, 6])),
    lambda(
      'indices',
      (x, i) => [x.indexSelect(1, i), x.gather(0, i.reshape([1, 3]))],
      randn([3, 4]),
      tensor([2, 0, 1], { dtype: 'int32' }),
    ),
    ...lossCases(),
    ...[0, 1, 2, 3, Number.POSITIVE_INFINITY].map((p) =>
      lambda(`distances of order ${p}`, (x, y) => cdist(x, y, p), randn([2, 3, 4]), randn([5, 4])),
    ),
    lambda('topk', (x) => x.topk(2, 1), randn([3, 5])),
    lambda('einsum', (x, y) => F.linear(x, y).matmul(y), randn([2, 3, 4]), randn([5, 4])),
    lambda(
      'rounding',
      (x) => [x.round(), x.trunc(), x.frac(), x.remainder(0.7), x.floorDivide(0.3)],
      randn([3, 5]),
    ),
    lambda('float64', (x) => x.exp().log1p().mul(2).softmax(-1), randn([3, 5], { dtype: 'float64' })),
  ];
}

/** Checks and runs each model; prints what onnxruntime gave. */
const script = `
import sys, json, numpy as np, onnx, onnxruntime as ort
ort.set_default_logger_severity(3)
out = {}
for i in range(int(sys.argv[2])):
    base = f"{sys.argv[1]}/{i}"
    try:
        onnx.checker.check_model(onnx.load(base + ".onnx"), full_check=True)
        s = ort.InferenceSession(base + ".onnx", providers=["CPUExecutionProvider"])
        given = np.load(base + ".in.npz")
        want = np.load(base + ".out.npz")
        got = s.run(None, {x.name: given[str(k)] for k, x in enumerate(s.get_inputs())})
        problems = []
        if len(got) != len(want.files): problems.append(f"{len(got)} outputs, expected {len(want.files)}")
        for k, y in enumerate(got):
            w = want[str(k)]
            if y.shape != w.shape or y.dtype != w.dtype: problems.append(f"output {k}: {y.dtype}{y.shape}, expected {w.dtype}{w.shape}")
            elif not np.allclose(y, w, rtol=1e-4, atol=1e-5): problems.append(f"output {k}: off by {np.abs(y.astype('f8') - w).max()}")
        out[i] = "; ".join(problems) or "equal"
    except Exception as e:
        out[i] = f"{type(e).__name__}: {e}"
print(json.dumps(out))
`;

const python = process.env.GRADBOOK_PYTHON ?? 'python3';
const absent = spawnSync(python, ['-c', 'import onnx, onnxruntime, numpy']).status !== 0;

describe.skipIf(absent)(
  'onnxruntime computes what we compute (skipped where Python has no onnx and onnxruntime)',
  () => {
    const all = cases();
    let seen: Record<number, string> = {};

    beforeAll(() => {
      const folder = mkdtempSync(join(tmpdir(), 'gradbook-onnx-'));
      const numbered = (tensors: Tensor[]): Record<string, Tensor> =>
        Object.fromEntries(tensors.map((each, i) => [String(i), each.detach()]));
      const failed: Record<number, string> = {};
      all.forEach(({ model, inputs, options, other }, i) => {
        try {
          model.eval();
          io.exportOnnx(join(folder, `${i}.onnx`), model, inputs, options);
          const given = other ?? inputs;
          const result = tensorsIn((model as unknown as (...inputs: Tensor[]) => unknown)(...given));
          io.saveNpz(join(folder, `${i}.in.npz`), numbered(given));
          io.saveNpz(join(folder, `${i}.out.npz`), numbered(result));
        } catch (error) {
          failed[i] = String(error);
        }
      });
      const path = join(folder, 'run.py');
      writeFileSync(path, script);
      const text = execFileSync(python, [path, folder, String(all.length)], { encoding: 'utf8' });
      seen = { ...JSON.parse(text), ...failed };
    }, 120_000);

    test.each(all.map(({ name }, i) => [name, i] as const))('%s', (_name, i) => {
      expect(seen[i]).toBe('equal');
    });
  },
);

describe('the file', () => {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

  test('a message is written as the encoding guide of protocol buffers has it', () => {
    const hex = (writer: ProtobufWriter): string => Buffer.from(writer.finish()).toString('hex');
    expect(hex(new ProtobufWriter().integer(1, 150))).toBe('089601');
    expect(hex(new ProtobufWriter().text(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(new ProtobufWriter().message(3, new ProtobufWriter().integer(1, 150)))).toBe('1a03089601');
    expect(hex(new ProtobufWriter().integer(1, -2))).toBe('08feffffffffffffffff01');
  });

  test('parameters keep their names and bytes, and the model its mode', () => {
    const model = new nn.Sequential(new nn.Linear(3, 2), new nn.Dropout(0.5));
    const bytes = text(io.onnxBytes(model, ones([1, 3])));
    expect(bytes).toContain('0.weight');
    const weight = model.stateDict()['0.weight'];
    expect(bytes).toContain(
      text(new Uint8Array(new Float32Array(weight.detach().flatten().toArray() as number[]).buffer)),
    );
    expect(bytes).toContain('Gemm');
    expect(bytes).not.toContain('Dropout');
    expect(model.training).toBe(true);
  });

  test('what no output needs is left out', () => {
    const model = new Lambda((x) => {
      x.exp();
      return x.neg();
    });
    const bytes = text(io.onnxBytes(model, ones([2])));
    expect(bytes).toContain('Neg');
    expect(bytes).not.toContain('Exp');
  });

  test('names and varying sizes are those that were given', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'gradbook-onnx-')), 'model.onnx');
    io.exportOnnx(path, new nn.Linear(3, 2), ones([4, 3]), {
      inputNames: ['features'],
      outputNames: ['scores'],
      dynamicAxes: { features: { 0: 'samples' } },
    });
    const bytes = text(readFileSync(path));
    for (const name of ['features', 'scores', 'samples']) expect(bytes).toContain(name);
  });
});

describe('what a graph cannot hold is refused', () => {
  const refuse = (body: (...inputs: Tensor[]) => unknown, ...inputs: Tensor[]) =>
    expect(() => io.onnxBytes(new Lambda(body), inputs));

  test('an operation without a counterpart, by name, with the module', () => {
    class Inner extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.lgamma();
      }
    }
    const model = new nn.Sequential(new nn.Identity(), new Inner());
    expect(() => io.onnxBytes(model, ones([2]))).toThrow(/'lgamma' of Inner, the module '1' \(.*onnx\.test/);
  });

  test('indices of windows of different sizes', () => {
    expect(() =>
      io.onnxBytes(new nn.AdaptiveMaxPool2d(2, { returnIndices: true }), ones([1, 1, 5, 4])),
    ).toThrow(
      /the indices of windows that share out 5,4 into 2,2 and differ in size: use an input whose sizes divide/,
    );
  });

  test('volumes sampled with operators that know planes alone', () => {
    refuse((x) => F.gridSample(x, x.permute([0, 2, 3, 4, 1])), ones([1, 3, 2, 2, 2])).toThrow(/opset: 20/);
  });

  test('shapes that hang on elements', () => {
    refuse((x) => x.maskedSelect(x.gt(0)), tensor([1, -2, 3, 4.5, -0.25])).toThrow(/exportOnnx/);
  });

  test('numbers that JavaScript computes from elements', () => {
    refuse((x) => mul(x, Number(x.select(0, 0).item())), tensor([1, 2, 3])).toThrow(
      /another one for other inputs/,
    );
  });

  test('branches on elements', () => {
    refuse((x) => (x.select(0, 0).item() === 1 ? x.exp() : x.log()), tensor([1, 2, 3])).toThrow(
      /other operations for other inputs/,
    );
  });

  test('random numbers', () => {
    refuse((x) => add(x, rand([20])), ones([20])).toThrow(/random/);
  });

  test('writing into a part of a tensor', () => {
    refuse(
      (x) => {
        const y = x.mul(2);
        y.select(0, 1).add_(x.select(0, 0));
        return y;
      },
      ones([3, 2]),
    ).toThrow(/writes into part of a tensor/);
  });

  test('options that do not fit', () => {
    const model = new Lambda((x) => softmax(x, 0));
    expect(() => io.onnxBytes(model, ones([2]), { opset: 9 })).toThrow(/use 17 to 20/);
    expect(() => io.onnxBytes(model, ones([2]), { inputNames: ['a', 'b'] })).toThrow(/give each its own/);
    expect(() => io.onnxBytes(model, ones([2]), { outputNames: [] })).toThrow(/returns 1 tensors/);
    expect(() => io.onnxBytes(model, ones([2]), { dynamicAxes: { input: [3] } })).toThrow(/use 0 to 0/);
  });
});
