import { Generator, nn, noGrad, rand, randint, randn, randperm, type Tensor } from '../../src/index.ts';
import type { Verdict } from './operators.ts';
import type { NamedVerdict } from './suites.ts';

/** One generator's numbers after `manual_seed(seed)`, drawn in the order of the fields. */
export interface Stream {
  seed: number;
  note: string;
  [draw: string]: unknown;
}

type Layer = (in0: number, out: number, size: number, options: object) => { weight: Tensor; bias: Tensor };

/** The layers draw from the default generator: it is lent the stream's place. */
function layer(
  generator: Generator,
  make: () => { weight: Tensor; bias: Tensor },
): { weight: Tensor; bias: Tensor } {
  const before = Generator.default.getState();
  Generator.default.setState(generator.getState());
  try {
    return noGrad(make);
  } finally {
    generator.setState(Generator.default.getState());
    Generator.default.setState(before);
  }
}

const layers = nn as unknown as Record<string, (new (...args: unknown[]) => ReturnType<Layer>) | undefined>;

/** How each field of a stream is drawn; `null` where the library has no such layer. */
const draws: Record<string, (generator: Generator, done: Map<string, Tensor>) => Tensor | null> = {
  rand_f32_5: (generator) => rand(5, { generator }),
  rand_f64_5: (generator) => rand(5, { generator, dtype: 'float64' }),
  randint_0_100_8: (generator) => randint(0, 100, [8], { generator }),
  randperm_10: (generator) => randperm(10, { generator }),
  'randn_f32_20 (1e-6)': (generator) => randn(20, { generator }),
  randn_f64_5: (generator) => randn(5, { generator, dtype: 'float64' }),
  'uniform_f32_-2_3_4': (generator) => rand(4).uniform_(-2, 3, { generator }),
  Linear_3_2_f32_weight: (generator, done) => {
    const { Linear } = layers;
    if (!Linear) return null;
    const made = layer(generator, () => new Linear(3, 2));
    done.set('bias', made.bias);
    return made.weight;
  },
  Linear_3_2_f32_bias: (_generator, done) => done.get('bias') ?? null,
  Conv2d_2_2_3_f32_weight_flat: (generator) => {
    const { Conv2d } = layers;
    return Conv2d ? layer(generator, () => new Conv2d(2, 2, 3)).weight : null;
  },
};

function compare(ours: Tensor, expected: unknown, tolerance: number): Verdict {
  const values = [expected].flat(9) as number[];
  const actual = ours.detach().contiguous();
  if (actual.size !== values.length)
    return { status: 'failed', reason: `${actual.size} numbers instead of ${values.length}` };
  for (let i = 0; i < values.length; i++) {
    const number = actual.elements[actual.offset + i];
    if (Math.abs(number - values[i]) > tolerance * Math.max(1, Math.abs(values[i])))
      return { status: 'failed', reason: `${number} instead of ${values[i]} at ${i}` };
  }
  return { status: 'passed' };
}

/** Compares one stream with what our generators and layers draw, bit by bit. */
export function runStream({ seed, note: _, ...fields }: Stream): NamedVerdict[] {
  const generator = new Generator(seed);
  const done = new Map<string, Tensor>();
  return Object.entries(fields).map(([field, expected]) => {
    const name = `random seed ${seed} ${field}`;
    const draw = draws[field];
    if (!draw) return { name, verdict: { status: 'failed', reason: 'nobody knows how to draw this' } };
    const ours = draw(generator, done);
    if (!ours) return { name, verdict: { status: 'skipped', reason: `random: no layer for ${field}` } };
    return { name, verdict: compare(ours, expected, field.startsWith('randn') ? 1e-6 : 0) };
  });
}
