import type { Shape } from '../../tensor/shape.ts';
import type { Attribute, OnnxConstant, OnnxNode, OnnxType } from './model.ts';
import type { Call, Value } from './recording.ts';

const writers: Record<OnnxType, (view: DataView, place: number, value: number) => void> = {
  float32: (view, place, value) => view.setFloat32(place, value, true),
  float64: (view, place, value) => view.setFloat64(place, value, true),
  int32: (view, place, value) => view.setInt32(place, value, true),
  int64: (view, place, value) => view.setBigInt64(place, BigInt(value), true),
  uint8: (view, place, value) => view.setUint8(place, value),
  bool: (view, place, value) => view.setUint8(place, value),
};

export const widths: Record<OnnxType, number> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

/** A constant, and where it consists of sizes, these: they may hang on the sizes of inputs. */
export type GraphConstant = OnnxConstant & { readonly sizes: readonly number[] | null };

const encode = (values: readonly number[], type: OnnxType): Uint8Array => {
  const bytes = new Uint8Array(values.length * widths[type]);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    writers[type](view, i * widths[type], value);
  });
  return bytes;
};

/** A graph that grows node by node. Names of intermediate values count up, so that two traces of one program agree in them. */
export class Graph {
  readonly opset: number;
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, GraphConstant>();
  readonly #names = new Map<Value, string>();
  /** What a reshaped value was before. */
  readonly #reshaped = new Map<string, { source: string; shape: Shape }>();
  readonly #taken: Set<string>;
  #count = 0;
  /** The call that is being written. */
  call: Call | null = null;

  /** @param taken names that belong to inputs, outputs and parameters. */
  constructor(opset: number, taken: Iterable<string>) {
    this.opset = opset;
    this.#taken = new Set(taken);
  }

  fresh(stem: string): string {
    let name: string;
    do name = `${stem}_${this.#count++}`;
    while (this.#taken.has(name));
    return name;
  }

  bind(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** The name of a value; a constant or parameter becomes an initializer when it is first needed. */
  nameOf(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const { tensor, source, bytes } = value;
    const name = source === 'constant' ? this.fresh('constant') : value.name;
    if (source === 'constant')
      this.constants.set(name, { name, type: tensor.dtype, shape: tensor.shape, bytes: bytes!, sizes: null });
    this.#names.set(value, name);
    return name;
  }

  /** Adds a node with one output, whose name it returns. */
  node(operator: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.several(operator, inputs, attributes, 1)[0];
  }

  /** Adds a node with several outputs. */
  several(
    operator: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute>,
    count: number,
  ): string[] {
    const name = this.fresh(`${this.call?.module || 'model'}/${operator}`);
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}:${i}`));
    this.nodes.push({ operator, name, inputs: [...inputs], outputs, attributes });
    return outputs;
  }

  constant(values: readonly number[], type: OnnxType, shape: Shape = [values.length]): string {
    const name = this.fresh('constant');
    this.constants.set(name, { name, type, shape, bytes: encode(values, type), sizes: null });
    return name;
  }

  scalar(value: number, type: OnnxType): string {
    return this.constant([value], type, []);
  }

  /** Whole numbers (axes, ends of ranges, shapes) that may hang on the sizes of inputs. */
  sizes(values: readonly number[]): string {
    const name = this.fresh('sizes');
    this.constants.set(name, {
      name,
      type: 'int64',
      shape: [values.length],
      bytes: encode(values, 'int64'),
      sizes: values,
    });
    return name;
  }

  /** The value in another shape; a shape that it had before gives the value from before. */
  reshape(input: string, from: Shape, to: Shape): string {
    const origin = this.#reshaped.get(input) ?? { source: input, shape: from };
    if (origin.shape.length === to.length && origin.shape.every((size, d) => size === to[d]))
      return origin.source;
    const name = this.node('Reshape', [origin.source, this.sizes(to)]);
    this.#reshaped.set(name, origin);
    return name;
  }
}
