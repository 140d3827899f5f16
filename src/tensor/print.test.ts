import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import * as gradbook from '../index.ts';
import { getPrintOptions, type PrintOptions, setPrintOptions, type Tensor, tensor } from '../index.ts';

const golden = JSON.parse(
  readFileSync(new URL('../../test/golden/data/modules/printing.json', import.meta.url), 'utf8'),
) as { plain: [string, string][]; options: [string, string, string][] };

const { arange, eye, full, ones, slice, zeros } = gradbook;
const evaluate = (expression: string): unknown =>
  new Function('tensor', 'arange', 'eye', 'full', 'ones', 'slice', 'zeros', `return ${expression}`)(
    ...[tensor, arange, eye, full, ones, slice, zeros],
  );

afterEach(() => setPrintOptions({ profile: 'default', sciMode: null }));

describe('tensors print as in PyTorch 2.13', () => {
  test.each(golden.plain)('%s', (expression, expected) => {
    expect(String(evaluate(expression) as Tensor)).toBe(expected);
  });

  test.each(golden.options)('%s with %s', (expression, options, expected) => {
    setPrintOptions(evaluate(`(${options})`) as PrintOptions);
    expect((evaluate(expression) as Tensor).toString()).toBe(expected);
  });
});

test('console.log shows a tensor in the same way, also inside of other values', () => {
  expect(inspect({ x: tensor([1, 2]) })).toBe('{ x: tensor([1., 2.]) }');
});

test('options that make no sense are refused, and nothing changes', () => {
  const before = getPrintOptions();
  expect(() => setPrintOptions({ precision: Number.NaN })).toThrow(/precision is NaN/);
  expect(() => setPrintOptions({ edgeitems: -1 })).toThrow(/edgeitems is -1/);
  expect(getPrintOptions()).toEqual(before);
});
