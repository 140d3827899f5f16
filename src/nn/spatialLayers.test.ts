import { describe, expect, test } from 'vitest';
import { F, manualSeed, nn, ones, type Tensor, tensor, zeros } from '../index.ts';

const ramp = (shape: number[]): Tensor =>
  tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i)).reshape(shape);

// biome-ignore format: one layer a line
const printed: [nn.AnyModule, string][] = [
  [new nn.Conv2d(3, 16, 3, { padding: 'same', paddingMode: 'reflect' }), 'Conv2d(3, 16, kernel_size=(3, 3), stride=(1, 1), padding=same, padding_mode=reflect)'],
  [new nn.Conv1d(4, 6, 3, { stride: 2, padding: 1, dilation: 2, groups: 2, bias: false }), 'Conv1d(4, 6, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, bias=False)'],
  [new nn.ConvTranspose2d(4, 6, 3, { stride: 2, outputPadding: 1 }), 'ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))'],
  [new nn.MaxPool2d(2), 'MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)'],
  [new nn.MaxPool2d(3, 2, { padding: 1, dilation: 2, returnIndices: true, ceilMode: true }), 'MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True)'],
  [new nn.MaxPool1d([3]), 'MaxPool1d(kernel_size=(3,), stride=(3,), padding=0, dilation=1, ceil_mode=False)'],
  [new nn.AvgPool1d(2), 'AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))'],
  [new nn.AvgPool2d(3, { stride: 2, padding: 1, divisorOverride: 4 }), 'AvgPool2d(kernel_size=3, stride=2, padding=1)'],
  [new nn.AvgPool3d([1, 2, 2]), 'AvgPool3d(kernel_size=(1, 2, 2), stride=(1, 2, 2), padding=0)'],
  [new nn.AdaptiveAvgPool2d([null, 3]), 'AdaptiveAvgPool2d(output_size=(None, 3))'],
  [new nn.AdaptiveMaxPool1d(4, { returnIndices: true }), 'AdaptiveMaxPool1d(output_size=4)'],
  [new nn.LPPool2d(2, 3, { ceilMode: true }), 'LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=True)'],
  [new nn.LPPool1d(1.5, 2, 3), 'LPPool1d(norm_type=1.5, kernel_size=2, stride=3, ceil_mode=False)'],
  [new nn.MaxUnpool1d(2, 3, { padding: 1 }), 'MaxUnpool1d(kernel_size=(2,), stride=(3,), padding=(1,))'],
  [new nn.ReflectionPad2d([1, 2, 0, 1]), 'ReflectionPad2d((1, 2, 0, 1))'],
  [new nn.ZeroPad2d(2), 'ZeroPad2d((2, 2, 2, 2))'],
  [new nn.ConstantPad1d(2, 3.5), 'ConstantPad1d(padding=(2, 2), value=3.5)'],
  [new nn.CircularPad3d(1), 'CircularPad3d((1, 1, 1, 1, 1, 1))'],
  [new nn.ReplicationPad1d(1), 'ReplicationPad1d((1, 1))'],
  [new nn.Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners: true }), "Upsample(scale_factor=2.0, mode='bilinear')"],
  [new nn.Upsample({ size: [3, 4] }), "Upsample(size=(3, 4), mode='nearest')"],
  [new nn.Upsample({ scaleFactor: [2, 1.5] }), "Upsample(scale_factor=(2.0, 1.5), mode='nearest')"],
  [new nn.UpsamplingBilinear2d({ size: 7 }), "UpsamplingBilinear2d(size=7, mode='bilinear')"],
  [new nn.PixelShuffle(2), 'PixelShuffle(upscale_factor=2)'],
  [new nn.PixelUnshuffle(3), 'PixelUnshuffle(downscale_factor=3)'],
  [new nn.ChannelShuffle(2), 'ChannelShuffle(groups=2)'],
  [new nn.Fold(4, 2), 'Fold(output_size=4, kernel_size=2, dilation=1, padding=0, stride=1)'],
  [new nn.Unfold([2, 3], { padding: 1, stride: 2 }), 'Unfold(kernel_size=(2, 3), dilation=1, padding=1, stride=2)'],
];

test.each(printed.map(([layer, text]) => [text, layer] as const))('prints as PyTorch: %s', (text, layer) => {
  expect(String(layer)).toBe(text);
});

describe('parameters', () => {
  const drawn = [
    -0.003743410110473633, 0.26822179555892944, -0.4115225672721863, -0.3679695129394531,
    -0.19257718324661255, 0.13407868146896362, -0.009906589984893799, 0.39644473791122437,
    -0.04437202215194702, 0.1323062777519226, -0.15110653638839722, -0.09828269481658936, -0.4776742458343506,
    -0.33114105463027954, -0.20611155033111572,
  ];

  test.each([
    ['Conv2d(2, 3, (1, 2))', () => new nn.Conv2d(2, 3, [1, 2])],
    ['ConvTranspose1d(2, 4, 2, groups=2)', () => new nn.ConvTranspose1d(2, 4, 2, { groups: 2 })],
  ])('after manual_seed(0), %s starts as in PyTorch', (_, make) => {
    manualSeed(0);
    const layer = make();
    const values = [layer.weight, layer.bias as Tensor].flatMap((p) => p.reshape([-1]).toArray());
    expect(values).toEqual(drawn.slice(0, values.length));
  });

  test('shapes and names', () => {
    const shapes = (layer: nn.AnyModule): Record<string, readonly number[]> =>
      Object.fromEntries(layer.namedParameters().map(([name, p]) => [name, p.shape]));
    expect(shapes(new nn.Conv2d(4, 6, 3, { groups: 2 }))).toEqual({ weight: [6, 2, 3, 3], bias: [6] });
    expect(shapes(new nn.ConvTranspose2d(4, 6, 3, { groups: 2 }))).toEqual({
      weight: [4, 3, 3, 3],
      bias: [6],
    });
    expect(shapes(new nn.Conv3d(2, 4, [1, 2, 3], { bias: false }))).toEqual({ weight: [4, 2, 1, 2, 3] });
  });
});

describe('forward', () => {
  test('a padding mode pads, then convolves without padding', () => {
    const layer = new nn.Conv2d(1, 1, [2, 4], { padding: 'same', paddingMode: 'circular', bias: false });
    const x = ramp([1, 1, 3, 5]);
    const around = F.pad(x, [1, 2, 0, 1], 'circular');
    expect(layer(x).toArray()).toEqual(F.conv2d(around, layer.weight).toArray());
    const numbers = new nn.Conv1d(1, 1, 3, { padding: 2, paddingMode: 'reflect', bias: false });
    const line = ramp([1, 1, 4]);
    expect(numbers(line).toArray()).toEqual(
      F.conv1d(F.pad(line, [2, 2], 'reflect'), numbers.weight).toArray(),
    );
  });

  test('outputSize chooses the output padding of a transposed convolution', () => {
    const down = new nn.Conv2d(2, 2, 3, { stride: 2, padding: 1 });
    const up = new nn.ConvTranspose2d(2, 2, 3, { stride: 2, padding: 1 });
    const x = zeros([1, 2, 12, 11]);
    expect(up(down(x)).shape).toEqual([1, 2, 11, 11]);
    expect(up(down(x), x.shape).shape).toEqual(x.shape);
    expect(() => up(down(x), [13, 11])).toThrow(
      /ConvTranspose2d: requested an outputSize of \[13,11\], but valid sizes range from \[11,11\] to \[12,12\]/,
    );
  });

  test('pooling with indices and back; the types follow returnIndices', () => {
    const pool = new nn.MaxPool2d(2, { returnIndices: true });
    const [values, places] = pool(ramp([1, 1, 4, 4]));
    expect(places.reshape([-1]).toArray()).toEqual([5, 7, 13, 15]);
    const back: Tensor = new nn.MaxUnpool2d(2)(values, places);
    expect(back.sum().item()).toBe(5 + 7 + 13 + 15);
    const plain: Tensor = new nn.MaxPool2d(2)(ramp([1, 1, 4, 4]));
    expect(plain.toArray()).toEqual(values.toArray());
  });

  test('layers of a kind stand in a Sequential', () => {
    const net = new nn.Sequential(
      new nn.ReflectionPad2d(1),
      new nn.Conv2d(1, 4, 3, { stride: 2 }),
      new nn.MaxPool2d(3, 2, { padding: 1 }),
      new nn.PixelShuffle(2),
      new nn.Upsample({ size: [10, 12], mode: 'bicubic' }),
      new nn.AdaptiveAvgPool2d(1),
    );
    expect(net(ones([2, 1, 9, 9])).shape).toEqual([2, 1, 1, 1]);
  });
});

test.each([
  [
    'a stride with same',
    () => new nn.Conv2d(1, 1, 3, { padding: 'same', stride: 2 as 1 }),
    /Conv2d: padding='same' is not supported for strided convolutions/,
  ],
  [
    'groups that do not divide',
    () => new nn.Conv2d(3, 4, 3, { groups: 2 }),
    /Conv2d: inChannels 3 must be a whole number above 0, divisible by groups 2/,
  ],
  [
    'outputs that groups do not divide',
    () => new nn.ConvTranspose2d(4, 3, 3, { groups: 2 }),
    /ConvTranspose2d: outChannels 3 must be/,
  ],
  [
    'groups of 0',
    () => new nn.Conv1d(1, 1, 1, { groups: 0 }),
    /Conv1d: groups 0 must be a whole number from 1/,
  ],
  [
    'an unknown padding mode',
    () => new nn.Conv1d(1, 1, 1, { paddingMode: 'mirror' as 'reflect' }),
    /Conv1d: paddingMode 'mirror' is unknown: use zeros, reflect/,
  ],
  [
    'a kernel of three sizes',
    () => new nn.Conv2d(1, 1, [1, 2, 3] as unknown as [number, number]),
    /Conv2d: kernelSize \[1,2,3\] has 3 numbers/,
  ],
  [
    'two sizes for four sides',
    () => new nn.ZeroPad2d([1, 2] as unknown as number),
    /ZeroPad2d: padding \[1,2\] has 2 sizes: give one, or 4, the last dimension first/,
  ],
])('%s is refused', (_, call, message) => {
  expect(call).toThrow(message);
});

test("the types refuse 'same' with a stride", () => {
  // @ts-expect-error: 'same' needs stride 1
  expect(() => new nn.Conv2d(1, 1, 3, { padding: 'same', stride: 2 })).toThrow();
  // @ts-expect-error: 'same' needs stride 1
  expect(() => new nn.Conv1d(1, 1, 3, { padding: 'same', stride: [2] })).toThrow();
  expect(new nn.Conv2d(1, 1, 3, { padding: 'same', stride: [1, 1] }).stride).toEqual([1, 1]);
});
