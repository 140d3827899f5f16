import { inspect } from 'node:util';
import type { AnyModule } from '../nn/module.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import type { ReceptiveField } from './geometry.ts';
import { type LayerCall, type ModelInput, traceLayers } from './trace.ts';

const grouped = (value: number): string => value.toLocaleString('en-US');

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** `7` where all dimensions agree, else `7x3`. */
function short(values: readonly number[] | undefined): string {
  if (!values || values.length === 0) return '';
  return values.every((value) => value === values[0]) ? String(values[0]) : values.join('x');
}

const columns = [
  'layer',
  'output shape',
  'parameters',
  'MACs',
  'output',
  'field',
  'stride',
  'padding',
] as const;

const cells = (call: LayerCall): string[] => {
  const field: ReceptiveField | null = call.receptiveField;
  return [
    call.name === '' ? call.module.typeName : `${call.name} (${call.module.typeName})`,
    `[${call.outputShape.join(', ')}]`,
    call.parameters === 0 ? '' : grouped(call.parameters),
    call.macs === 0 ? '' : grouped(call.macs),
    megabytes(call.bytes),
    short(field?.size),
    short(field?.stride),
    short(field?.padding),
  ];
};

/** What a model consists of: one row for each call of a layer, and totals. Printed, it is a table. */
export class Summary {
  readonly layers: readonly LayerCall[];
  /** Elements of all parameters, a shared one once. */
  readonly parameters: number;
  /** Elements of the parameters that are learnt. */
  readonly trainable: number;
  /** Multiplications with an addition of one forward pass. */
  readonly macs: number;
  /** Bytes of all parameters and buffers. */
  readonly parameterBytes: number;
  /** Bytes of all layers' outputs: what a forward pass keeps for backward, roughly. */
  readonly outputBytes: number;

  constructor(model: AnyModule, layers: readonly LayerCall[]) {
    const parameters = model.parameters();
    const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
    this.layers = layers;
    this.parameters = total(parameters.map(({ size }) => size));
    this.trainable = total(parameters.map(({ size, requiresGrad }) => (requiresGrad ? size : 0)));
    this.macs = total(layers.map(({ macs }) => macs));
    this.parameterBytes = total(
      [...parameters, ...model.buffers()].map(({ size, dtype }) => size * dtypeInfo(dtype).bytes),
    );
    this.outputBytes = total(layers.map(({ bytes }) => bytes));
  }

  /** What each row says, by column. */
  get rows(): Record<(typeof columns)[number], string>[] {
    return this.layers.map((call) => {
      const texts = cells(call);
      return Object.fromEntries(columns.map((name, c) => [name, texts[c]])) as Record<
        (typeof columns)[number],
        string
      >;
    });
  }

  /** The totals, as lines. */
  get totals(): string[] {
    return [
      `parameters: ${grouped(this.parameters)} (${grouped(this.trainable)} trainable), ${megabytes(this.parameterBytes)}`,
      `MACs: ${grouped(this.macs)}; outputs: ${megabytes(this.outputBytes)}`,
    ];
  }

  toString(): string {
    const rows = [columns, ...this.layers.map(cells)];
    const widths = columns.map((_, c) => Math.max(...rows.map((row) => row[c].length)));
    const line = (row: readonly string[]): string =>
      row
        .map((text, c) => (c < 2 ? text.padEnd(widths[c]) : text.padStart(widths[c])))
        .join('  ')
        .trimEnd();
    const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
    return [line(columns), rule, ...rows.slice(1).map(line), rule, ...this.totals].join('\n');
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * Runs a model once in evaluation mode and tells, layer by layer: output shape, parameters, multiplications (MACs), bytes of the output,
 * and size, stride and padding of the receptive field.
 *
 * @param input the input, several, or one input's shape with the batch size.
 *
 * @example
 * summary(new LeNet(), [1, 1, 28, 28])
 */
export const summary = (model: AnyModule, input: ModelInput): Summary =>
  new Summary(model, traceLayers(model, input));

/** The multiplications with an addition of one forward pass, as published counts have them: convolutions, linear layers, attention. */
export const countMacs = (model: AnyModule, input: ModelInput): number => summary(model, input).macs;
