import { describe, expect, test } from 'vitest';
import { makeSample } from '../../src/autograd/samples.ts';
import { noGrad, operations, Tensor } from '../../src/index.ts';
import type { RegisteredOp } from '../../src/ops/record.ts';

const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The parameters of a record's signature: name, default, and the place; `null` for the place of an option. */
function parametersOf({ torch }: RegisteredOp): { name: string; initial: string; place: number | null }[] {
  const parts = torch.replace(/^[^(]*\(|\)$/g, '').split(/, (?![^[(]*[\])])/);
  const star = parts.indexOf('*');
  return parts
    .filter((part) => part !== '*')
    .map((part, i) => {
      const [name, initial = ''] = part.split('=');
      return { name: camel(name), initial, place: star < 0 || i < star ? i : null };
    });
}

const sampled = [...operations().values()].filter(({ samples }) => samples().length > 0);
const label = (name: string): string => name.replace(/^F\./, '');

/** The arguments of an operation's first sample, with one parameter changed. */
function changed(
  operation: RegisteredOp,
  parameter: { name: string; place: number | null },
  value: unknown,
): unknown[] {
  const { args } = makeSample(operation.samples()[0], 3);
  if (parameter.place !== null) {
    while (args.length < parameter.place) args.push(undefined);
    args[parameter.place] = value;
    return args;
  }
  const positional = parametersOf(operation).filter(({ place }) => place !== null).length;
  const last = args.at(-1);
  const options = last !== null && typeof last === 'object' && last.constructor === Object ? args.pop() : {};
  while (args.length < positional) args.push(undefined);
  return [...args, { ...(options as object), [parameter.name]: value }];
}

describe('numbers with a default, and options, are not NaN', () => {
  const numbers = sampled.flatMap((operation) =>
    parametersOf(operation)
      .filter(({ initial }) => /^-?[\d.]+(e-?\d+)?$/.test(initial))
      .map((parameter) => [operation.name, parameter.name, operation, parameter] as const),
  );
  test.each(numbers)('%s: %s', (name, _, operation, parameter) => {
    const call = (): unknown => operation.call(...changed(operation, parameter, Number.NaN));
    expect(call).toThrow(RangeError);
    expect(call).toThrow(/NaN/);
    expect(call).toThrow(new RegExp(`^${label(name).replace('.', '\\.')}: `));
  });
});

describe('dimensions are those of the input', () => {
  /** Other names of an operation, which its errors call by the first. */
  const aliases = new Set([
    'concat',
    'ravel',
    'splitWithSizes',
    'swapaxes',
    'swapdims',
    'unsqueezeCopy',
    'sliceDim',
  ]);
  const dimensions = sampled
    .filter(({ name }) => !aliases.has(name))
    .flatMap((operation) =>
      parametersOf(operation)
        .filter(({ name }) => /^(dim|dim0|dim1|startDim|axis0)$/.test(name))
        .map((parameter) => [operation.name, parameter.name, operation, parameter] as const),
    );
  test.each(dimensions)('%s: %s', (name, _, operation, parameter) => {
    expect(() => operation.call(...changed(operation, parameter, 99))).toThrow(
      new RegExp(
        `^${label(name)
          .replace(/^linalg\.cross/, 'cross')
          .replace('.', '\\.')}: .*99`,
      ),
    );
  });
});

/** Every tensor in a result. */
const tensorsIn = (result: unknown): Tensor[] =>
  result instanceof Tensor
    ? [result]
    : typeof result === 'object' && result !== null
      ? Object.values(result).flatMap(tensorsIn)
      : [];

describe('a second backward through a graph that needed what it saved names the operation', () => {
  test.each(sampled.filter(({ differentiable }) => differentiable === true))('$name', ({ call, samples }) => {
    for (const sample of samples()) {
      const outputs = tensorsIn(call(...makeSample(sample, 3).args)).filter((out) => out.requiresGrad);
      if (outputs.length === 0) continue;
      const total = outputs.map((out) => out.sum()).reduce((a, b) => a.add(b));
      total.backward();
      try {
        total.backward();
      } catch (error) {
        expect(String(error)).toMatch(
          /^Error: Trying to backward through the graph a second time: \w+ has already .*retainGraph: true/,
        );
      }
    }
  });
});

describe('a disposed tensor is never read', () => {
  test.each(sampled)('$name', ({ call, samples }) => {
    const { args } = makeSample(samples()[0], 3);
    const given = args.find((arg) => arg instanceof Tensor && arg.size > 0) as Tensor | undefined;
    if (!given) return;
    given.dispose();
    expect(() => noGrad(() => tensorsIn(call(...args)).map((out) => out.toArray()))).toThrow(
      /this tensor was disposed: its memory has been given back/,
    );
  });
});

describe('in place, leaves that require grad and expanded tensors are not written', () => {
  const inPlace = [...operations().values()].flatMap((operation) => {
    const plain = operation.name.endsWith('_') && operations().get(operation.name.slice(0, -1));
    return plain && plain.samples().length > 0 ? [[operation.name, operation, plain] as const] : [];
  });
  test.each(inPlace)('%s', (name, { call }, { samples }) => {
    const { args } = makeSample(samples()[0], 3);
    const [first, ...rest] = args as [Tensor, ...unknown[]];
    if (first.isFloating)
      expect(() => call(first.detach().clone().requiresGrad_(), ...rest)).toThrow(
        `${name}: a leaf Variable that requires grad is being used in an in-place operation`,
      );
    if (first.ndim > 0 && first.shape[0] > 1)
      expect(() => noGrad(() => call(first.detach().narrow(0, 0, 1).expand(first.shape), ...rest))).toThrow(
        `${name}: more than one element of the written-to tensor`,
      );
  });
});
