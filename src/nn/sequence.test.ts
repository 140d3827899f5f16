import { describe, expect, test } from 'vitest';
import { arange, F, linspace, manualSeed, nn, ones, type Tensor, tensor } from '../index.ts';

const expectClose = (actual: Tensor, expected: readonly number[]): void => {
  const flat = actual.detach().reshape([actual.size]).toArray() as number[];
  expect(flat).toHaveLength(expected.length);
  for (const [i, value] of flat.entries()) expect(value).toBeCloseTo(expected[i], 5);
};

const upper = (size: number): Tensor =>
  tensor(
    Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (j > i ? -Infinity : 0))),
  );

// PyTorch's values for the same seeds and inputs.
describe('recurrent layers equal PyTorch from the same seed', () => {
  const x = linspace(-1, 1, 12).reshape([3, 2, 2]);

  test('two bidirectional LSTM layers', () => {
    manualSeed(0);
    const [output, [, cell]] = new nn.LSTM(2, 2, { numLayers: 2, bidirectional: true })(x);
    expectClose(
      output.at(1),
      [0.040406, -0.149428, 0.050185, 0.146272, 0.040639, -0.153601, 0.065889, 0.134749],
    );
    expectClose(cell.at(3), [0.086379, 0.254037, 0.122207, 0.246506]);
  });

  test('a GRU on a sequence without a batch, and its names', () => {
    manualSeed(0);
    const gru = new nn.GRU(2, 3, { batchFirst: true });
    const [output, hidden] = gru(x.at(0));
    expectClose(output, [0.680889, 0.338969, -0.237911, 0.790473, 0.497672, -0.321915]);
    expectClose(hidden, [0.790473, 0.497672, -0.321915]);
    expect(Object.keys(gru.stateDict())).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'bias_ih_l0',
      'bias_hh_l0',
    ]);
    expect(gru.biasHhL0.at(0).item()).toBe(0.38710546493530273);
    expect(String(new nn.LSTM(3, 4, { numLayers: 2, batchFirst: true, bidirectional: true }))).toBe(
      'LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)',
    );
    expect(() => gru(ones([2, 3, 4]))).toThrow(/input \(2, 3, 4\) should be \(B, T, 2\)/);
    expect(() => gru(ones([2, 3, 2]), ones([1, 1, 3]))).toThrow(/state \(1, 1, 3\) should be \(1, 2, 3\)/);
  });

  test('a layer is its cell, step by step', () => {
    manualSeed(0);
    const cell = new nn.RNNCell(2, 3);
    expectClose(cell(x.at(0)), [-0.550504, 0.663846, 0.572897, -0.468426, 0.440102, 0.556163]);
    const layer = new nn.RNN(2, 3);
    layer.loadStateDict(
      Object.fromEntries(Object.entries(cell.stateDict()).map(([name, value]) => [`${name}_l0`, value])),
    );
    let hidden = cell(x.at(0));
    hidden = cell(x.at(1), hidden);
    expectClose(layer(x)[0].at(1), hidden.reshape([6]).toArray() as number[]);
  });
});

describe('attention equals PyTorch from the same seed', () => {
  const x = arange(24).sin().reshape([2, 3, 4]);

  test('with other key and value sizes, learnt keys, zero attention and both masks', () => {
    manualSeed(1);
    const attention = new nn.MultiheadAttention(4, 2, {
      kdim: 5,
      vdim: 3,
      addBiasKv: true,
      addZeroAttn: true,
    });
    const query = linspace(-1, 1, 24).reshape([3, 2, 4]);
    const [output, weights] = attention(
      query,
      linspace(0, 1, 20).reshape([2, 2, 5]),
      linspace(1, -1, 12).reshape([2, 2, 3]),
      {
        keyPaddingMask: tensor([
          [false, true],
          [false, false],
        ]),
        attnMask: tensor([
          [false, true],
          [true, false],
          [false, false],
        ]),
      },
    );
    expectClose(
      output.at(0),
      [-0.10676, 0.103472, 0.038094, -0.077444, -0.065176, 0.09722, 0.016558, -0.055006],
    );
    expectClose(
      weights!.at(0),
      [0.372622, 0, 0.32088, 0.306498, 0, 0, 0.508055, 0.491945, 0.297435, 0, 0.360406, 0.342159],
    );
  });

  test('a transformer encoder with norms first and a causal mask', () => {
    manualSeed(2);
    const layer = new nn.TransformerEncoderLayer(4, 2, {
      dimFeedforward: 6,
      dropout: 0,
      activation: 'gelu',
      normFirst: true,
      batchFirst: true,
    });
    const encoder = new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(4));
    const expected = [
      -1.596172, 1.126975, 0.424428, 0.044769, -1.515006, 1.293561, 0.051933, 0.169512, -0.356819, 1.616377,
      -0.146698, -1.112861,
    ];
    expectClose(encoder(x, { srcMask: upper(3) }).at(1), expected);
    expectClose(encoder(x, { isCausal: true }).at(1), expected);
    expect(encoder.parameters()).toHaveLength(2 * 12 + 2);
    expect(String(encoder).split('\n').slice(0, 5)).toEqual([
      'TransformerEncoder(',
      '  (layers): ModuleList(',
      '    (0-1): 2 x TransformerEncoderLayer(',
      '      (self_attn): MultiheadAttention(',
      '        (out_proj): NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)',
    ]);
  });

  test('a transformer decoder', () => {
    manualSeed(3);
    const layer = new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 6, dropout: 0, batchFirst: true });
    const decoder = new nn.TransformerDecoder(layer, 2);
    const memory = arange(16).cos().reshape([2, 2, 4]);
    expectClose(
      decoder(x, memory, { tgtMask: upper(3) }).at(0),
      [
        -1.253282, -0.469615, 1.463322, 0.259575, -0.354472, -0.918609, -0.41705, 1.690131, 1.6304, -0.169784,
        -1.08119, -0.379426,
      ],
    );
  });

  test('a whole transformer, its weights drawn by Xavier and Bengio', () => {
    manualSeed(4);
    const model = new nn.Transformer(4, 2, {
      numEncoderLayers: 1,
      numDecoderLayers: 2,
      dimFeedforward: 6,
      dropout: 0,
      batchFirst: true,
    });
    const target = arange(16).cos().reshape([2, 2, 4]);
    const expected = [1.050112, 0.943074, -0.893043, -1.100143, -0.882699, -0.787934, 1.61135, 0.059284];
    const tgtMask = nn.Transformer.generateSquareSubsequentMask(2);
    expect(tgtMask.toArray()).toEqual([
      [0, -Infinity],
      [0, 0],
    ]);
    expectClose(model(x, target, { tgtMask }).at(0), expected);
    expectClose(model(x, target, { tgtIsCausal: true }).at(0), expected);
    expect(() => model(x, target.narrow(0, 0, 1))).toThrow(/batches of different sizes/);
  });

  test('a row that is hidden entirely gives 0, with finite gradients', () => {
    const query = ones([2, 3]).requiresGrad_();
    const mask = tensor([
      [true, false],
      [false, false],
    ]);
    const out = F.scaledDotProductAttention(query, ones([2, 3]), ones([2, 3]), { attnMask: mask });
    expect(out.toArray()).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
    out.sum().backward();
    expect(query.grad!.isfinite().all().item()).toBe(1);
    expect(() => F.scaledDotProductAttention(query, ones([2, 4]), ones([2, 3]))).toThrow(
      /should be \(\.\.\., L, E\)/,
    );
  });
});
