import { describe, expect, test } from 'vitest';
import { makeSample } from '../../src/autograd/samples.ts';
import { noGrad, operations, Tensor } from '../../src/index.ts';

/** What a program may give by mistake where a tensor is due. */
const mistakes: readonly [string, unknown][] = [
  ['undefined', undefined],
  ['text', 'text'],
  ['an object', {}],
  ['NaN', Number.NaN],
  ['an array', [1, 2]],
];

const bits = (tensor: Tensor): string => JSON.stringify([tensor.shape, tensor.dtype, tensor.toArray()]);

/** Calls an operation's first sample with `value` at one place, and gives what it throws; null when it takes that. */
function thrown(name: string, place: number, value: unknown): { error: unknown; changed: boolean } {
  const operation = operations().get(name)!;
  const { args } = makeSample(operation.samples()[0], 3);
  args[place] = value;
  const tensors = args.flat().filter((arg) => arg instanceof Tensor);
  const before = tensors.map(bits);
  let error: unknown = null;
  try {
    noGrad(() => operation.call(...args));
  } catch (caught) {
    error = caught;
  }
  return { error, changed: error !== null && tensors.some((tensor, i) => bits(tensor) !== before[i]) };
}

const places = [...operations().values()].flatMap((operation) => {
  const [sample] = operation.samples();
  if (!sample) return [];
  const { args } = makeSample(sample, 3);
  return args.flatMap((arg, place) =>
    arg instanceof Tensor || (Array.isArray(arg) && arg[0] instanceof Tensor)
      ? [[operation.name, place] as const]
      : [],
  );
});

describe('what is no tensor, where a tensor is due', () => {
  test.each(mistakes)('%s: each operation says its name, the value and the cure', (_, value) => {
    const unclear: string[] = [];
    for (const [name, place] of places) {
      const { error, changed } = thrown(name, place, value);
      if (changed) unclear.push(`${name}, argument ${place}: changed something before it failed`);
      if (error === null) continue;
      const { message } = error as Error;
      if (
        /\bundefined\b/.test(message.replace(/ is undefined: |: undefined stands/, '')) ||
        !/^[\w.]+: .*\b.+/.test(message) ||
        /^Cannot read|is not a function|is not iterable|^Invalid array/.test(message)
      )
        unclear.push(`${name}, argument ${place}: ${message}`);
    }
    expect(unclear).toEqual([]);
  });

  test.each(mistakes.slice(0, 3))('%s is never taken as a first tensor', (_, value) => {
    const taken = places
      .filter(([name, place]) => place === 0 && thrown(name, place, value).error === null)
      .map(([name]) => name);
    expect(taken).toEqual([]);
  });
});
