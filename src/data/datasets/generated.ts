import { tensor } from '../../tensor/creation.ts';
import { Generator } from '../../tensor/generator.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Points in the plane and their classes. */
export interface Points {
  /** `(N, 2)`, float32. */
  data: Tensor;
  /** `(N,)`, int32. */
  target: Tensor;
}

export interface PointsOptions {
  /** Standard deviation of the normal noise on each coordinate. */
  noise?: number;
  /** Where the randomness comes from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

function checkCount(name: string, n: number): void {
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`${name}: ${n} examples: the number must be a whole one from 1`);
}

function points(
  name: string,
  n: number,
  { noise = 0, generator = Generator.default }: PointsOptions,
  point: (i: number, generator: Generator) => [x: number, y: number, label: number],
): Points {
  checkCount(name, n);
  const rows: number[][] = [];
  const labels: number[] = [];
  for (let i = 0; i < n; i++) {
    const [x, y, label] = point(i, generator);
    rows.push(noise > 0 ? [x + noise * generator.normal(), y + noise * generator.normal()] : [x, y]);
    labels.push(label);
  }
  return { data: tensor(rows), target: tensor(labels, { dtype: 'int32' }) };
}

/** Two interleaving half circles of radius 1. Default noise 0.1. Source: scikit-learn's `make_moons`. */
export const moons = (n: number, { noise = 0.1, ...options }: PointsOptions = {}): Points =>
  points('moons', n, { noise, ...options }, (i) => {
    const label = i % 2;
    const per = Math.ceil(n / 2);
    const angle = (Math.PI * Math.floor(i / 2)) / Math.max(1, per - 1);
    return label === 0
      ? [Math.cos(angle), Math.sin(angle), 0]
      : [1 - Math.cos(angle), 0.5 - Math.sin(angle), 1];
  });

/** Circles around the origin, one a class, of radii 1, 2, ... Default two of them and noise 0.1. */
export const circles = (
  n: number,
  { noise = 0.1, classes = 2, ...options }: PointsOptions & { classes?: number } = {},
): Points =>
  points('circles', n, { noise, ...options }, (i, generator) => {
    const label = i % classes;
    const angle = 2 * Math.PI * generator.uniform53();
    return [(label + 1) * Math.cos(angle), (label + 1) * Math.sin(angle), label];
  });

/** Arms that wind around the origin `turns` times, one a class. Defaults: two arms, 1.5 turns, noise 0.05, radius 1. */
export const spirals = (
  n: number,
  {
    noise = 0.05,
    classes = 2,
    turns = 1.5,
    ...options
  }: PointsOptions & { classes?: number; turns?: number } = {},
): Points =>
  points('spirals', n, { noise, ...options }, (i) => {
    const label = i % classes;
    const way = (Math.floor(i / classes) + 1) / Math.ceil(n / classes);
    const angle = 2 * Math.PI * (turns * way + label / classes);
    return [way * Math.cos(angle), way * Math.sin(angle), label];
  });

/** Normal clouds around given centres, or around `classes` points on a circle of radius 3. Defaults: 3 classes, noise 0.5. */
export const blobs = (
  n: number,
  {
    noise = 0.5,
    classes = 3,
    centers = Array.from({ length: classes }, (_, c) => [
      3 * Math.cos((2 * Math.PI * c) / classes),
      3 * Math.sin((2 * Math.PI * c) / classes),
    ]),
    ...options
  }: PointsOptions & { classes?: number; centers?: readonly (readonly number[])[] } = {},
): Points =>
  points('blobs', n, { noise, ...options }, (i) => {
    const label = i % centers.length;
    return [centers[label][0], centers[label][1], label];
  });

/** Points in the square from -1 to 1; class 1 where the signs of the coordinates differ. Default noise 0. */
export const xor = (n: number, options: PointsOptions = {}): Points =>
  points('xor', n, options, (_, generator) => {
    const [x, y] = [2 * generator.uniform53() - 1, 2 * generator.uniform53() - 1];
    return [x, y, x > 0 === y > 0 ? 0 : 1];
  });

/** Points in the square from -1 to 1, coloured like a board of `cells` x `cells`. Default 4 cells, noise 0. */
export const checkerboard = (
  n: number,
  { cells = 4, ...options }: PointsOptions & { cells?: number } = {},
): Points =>
  points('checkerboard', n, options, (_, generator) => {
    const [u, v] = [generator.uniform53(), generator.uniform53()];
    return [2 * u - 1, 2 * v - 1, (Math.floor(u * cells) + Math.floor(v * cells)) % 2];
  });

/** A curve with noise: `x` `(N, 1)` evenly drawn from [-1, 1], `y` `(N, 1)` = sin(pi x) + noise. Default noise 0.1. */
export function sine(
  n: number,
  { noise = 0.1, generator = Generator.default }: PointsOptions = {},
): { x: Tensor; y: Tensor } {
  checkCount('sine', n);
  const x = Array.from({ length: n }, () => [2 * generator.uniform53() - 1]);
  const y = x.map(([value]) => [Math.sin(Math.PI * value) + noise * generator.normal()]);
  return { x: tensor(x), y: tensor(y) };
}
