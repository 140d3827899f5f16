import type { DType } from '../../tensor/dtype.ts';
import { ProtobufWriter } from './protobuf.ts';

/** Element types of ONNX (`TensorProto.DataType`). */
export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

export type OnnxType = DType | 'int64';

export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly texts: readonly string[] };

export interface OnnxNode {
  readonly operator: string;
  readonly name: string;
  /** Empty where an optional input is left out. */
  inputs: string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxConstant {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  /** A name stands for a size that may vary. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

// The numbers of the fields are those of onnx.proto3.

/** Kinds of attributes (`AttributeProto.AttributeType`). */
const kinds = { float: 1, integer: 2, text: 3, integers: 7, texts: 8 } as const;

function attributeMessage(name: string, value: Attribute): ProtobufWriter {
  const out = new ProtobufWriter().text(1, name);
  if (typeof value === 'number') return out.integer(3, value).integer(20, kinds.integer);
  if (typeof value === 'string') return out.text(4, value).integer(20, kinds.text);
  if ('float' in value) return out.float(2, value.float).integer(20, kinds.float);
  if ('texts' in value) {
    for (const each of value.texts) out.text(9, each);
    return out.integer(20, kinds.texts);
  }
  for (const each of value) out.integer(8, each);
  return out.integer(20, kinds.integers);
}

function nodeMessage({ operator, name, inputs, outputs, attributes }: OnnxNode): ProtobufWriter {
  const out = new ProtobufWriter();
  for (const input of inputs) out.text(1, input);
  for (const output of outputs) out.text(2, output);
  out.text(3, name).text(4, operator);
  for (const [key, value] of Object.entries(attributes)) out.message(5, attributeMessage(key, value));
  return out;
}

function tensorMessage({ name, type, shape, bytes }: OnnxConstant): ProtobufWriter {
  const out = new ProtobufWriter();
  for (const size of shape) out.integer(1, size);
  return out.integer(2, elementTypes[type]).text(8, name).bytes(9, bytes);
}

function valueMessage({ name, type, shape }: OnnxValue): ProtobufWriter {
  const sizes = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    if (typeof size === 'number') dimension.integer(1, size);
    else dimension.text(2, size);
    sizes.message(1, dimension);
  }
  const tensorType = new ProtobufWriter().integer(1, elementTypes[type]).message(2, sizes);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensorType));
}

/** The newest version of the file format that readers of an operator set know. */
const formatOf = (opset: number): number => (opset >= 21 ? 10 : opset >= 19 ? 9 : 8);

/** A model as the bytes of an .onnx file. Error: 2 GiB or more, which protocol buffers cannot hold. */
export function modelBytes(graph: OnnxGraph, opset: number): Uint8Array {
  const size = graph.constants.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size >= 2 ** 31)
    throw new RangeError(
      `exportOnnx: the weights take ${size} bytes, an .onnx file holds less than 2 GiB: export parts of the model`,
    );
  const body = new ProtobufWriter();
  for (const node of graph.nodes) body.message(1, nodeMessage(node));
  body.text(2, 'model');
  for (const constant of graph.constants) body.message(5, tensorMessage(constant));
  for (const input of graph.inputs) body.message(11, valueMessage(input));
  for (const output of graph.outputs) body.message(12, valueMessage(output));
  return new ProtobufWriter()
    .integer(1, formatOf(opset))
    .text(2, 'gradbook')
    .message(7, body)
    .message(8, new ProtobufWriter().text(1, '').integer(2, opset))
    .finish();
}
