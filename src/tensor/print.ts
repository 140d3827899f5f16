import { getDefaultDtype, isFloating } from './dtype.ts';
import type { Tensor } from './tensor.ts';

/** How tensors are printed. */
export interface PrintOptions {
  /** Digits after the point. Default 4. */
  precision?: number;
  /** From how many elements on only the edges of each dimension are printed. Default 1000. */
  threshold?: number;
  /** How many elements at each edge. Default 3. */
  edgeitems?: number;
  /** Characters in a line. Default 80. */
  linewidth?: number;
  /** Always or never in scientific notation; `null` decides by the values. Default `null`. */
  sciMode?: boolean | null;
  /** A whole set: `default`; `short` (2 digits, 2 edge elements); `full` (no summary). */
  profile?: 'default' | 'short' | 'full';
}

const profiles = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
} as const;

interface Settings {
  precision: number;
  threshold: number;
  edgeitems: number;
  linewidth: number;
  sciMode: boolean | null;
}

const settings: Settings = { ...profiles.default, sciMode: null };

/** Sets how tensors are printed, for the whole process; what is left out stays. Source: `torch.set_printoptions`. */
export function setPrintOptions({ profile, ...options }: PrintOptions): void {
  const next: Settings = { ...settings, ...(profile ? profiles[profile] : {}) };
  for (const [key, value] of Object.entries(options) as [keyof Settings, number | boolean | null][]) {
    if (value === undefined) continue;
    if (key !== 'sciMode' && !(typeof value === 'number' && value >= 0))
      throw new RangeError(`setPrintOptions: ${key} is ${value}: use a number from 0`);
    Object.assign(next, { [key]: value });
  }
  Object.assign(settings, next);
}

/** The present settings, to put them back later. */
export const getPrintOptions = (): Readonly<Settings> => ({ ...settings });

/** Rounds as C's printf does: a number exactly in the middle goes to the even digit, where JavaScript goes up. */
function fixed(value: number, digits: number): string {
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (size >= 1e21) return `${sign}${BigInt(size)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`;
  // 60 more digits tell a number in the middle from one beside it: a double has 53 bits.
  const long = size.toFixed(Math.min(100, digits + 60));
  const end = long.indexOf('.') + (digits === 0 ? 0 : digits + 1);
  const middle = /^\.?50*$/.test(long.slice(end));
  const even = '02468'.includes(long[end - 1]);
  return `${sign}${middle && even ? long.slice(0, end) : size.toFixed(digits)}`;
}

function scientific(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(digits).split('e');
  const power = Number(exponent);
  return `${Object.is(value, -0) ? '-' : ''}${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const special = (value: number): string | null =>
  Number.isNaN(value) ? 'nan' : value === Infinity ? 'inf' : value === -Infinity ? '-inf' : null;

interface Format {
  width: number;
  format(value: number): string;
}

/** One format for all elements: whole numbers as `1.`, others with `precision` digits, or in scientific notation where they differ widely. */
function formatOf(tensor: Tensor, values: readonly number[]): Format {
  const { precision, sciMode } = settings;
  let format: (value: number) => string;
  let width = 1;
  if (!isFloating(tensor.dtype)) {
    format = tensor.dtype === 'bool' ? (value) => (value ? 'True' : 'False') : String;
    for (const value of values) width = Math.max(width, format(value).length);
  } else {
    const finite = values.filter((value) => Number.isFinite(value) && value !== 0);
    const sizes = finite.map(Math.abs);
    const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
    const smallest = sizes.reduce((a, b) => Math.min(a, b), Infinity);
    const whole = finite.every(Number.isInteger);
    const wide = finite.length > 0 && (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
    const exponent = finite.length > 0 && (sciMode ?? wide);
    const body = exponent
      ? (value: number) => scientific(value, precision)
      : whole
        ? (value: number) => `${fixed(value, 0)}.`
        : (value: number) => fixed(value, precision);
    for (const value of finite) width = Math.max(width, body(value).length);
    format = (value) => special(value) ?? body(value);
  }
  return { width, format: (value) => format(value).padStart(width) };
}

/** The indices of a dimension that are printed, `null` for the dots. */
function shown(size: number, summarize: boolean): (number | null)[] {
  const { edgeitems } = settings;
  if (!summarize || size <= 2 * edgeitems) return Array.from({ length: size }, (_, i) => i);
  const edge = Array.from({ length: edgeitems }, (_, i) => i);
  return [...edge, null, ...edge.map((i) => size - edgeitems + i)];
}

/** Calls `visit` for every element that is printed. */
function eachShown(tensor: Tensor, summarize: boolean, visit: (value: number) => void): void {
  const { shape, strides, elements } = tensor;
  const walk = (dim: number, place: number): void => {
    if (dim === shape.length) visit(elements[place]);
    else
      for (const i of shown(shape[dim], summarize)) if (i !== null) walk(dim + 1, place + i * strides[dim]);
  };
  walk(0, tensor.offset);
}

function body(tensor: Tensor, indent: number): string {
  const { shape, strides, elements } = tensor;
  const summarize = tensor.size > settings.threshold;
  const values: number[] = [];
  eachShown(tensor, summarize, (value) => void values.push(value));
  const { width, format } = formatOf(tensor, values);
  const perLine = Math.max(1, Math.floor((settings.linewidth - indent - shape.length + 1) / (width + 2)));
  const level = (dim: number, place: number): string => {
    if (dim === shape.length) return format(elements[place]);
    const inner = dim === shape.length - 1;
    const parts = shown(shape[dim], summarize).map((i) =>
      i === null ? (inner ? ' ...' : '...') : level(dim + 1, place + i * strides[dim]),
    );
    const gap = ' '.repeat(indent + dim + 1);
    if (!inner) return `[${parts.join(`,${'\n'.repeat(shape.length - dim - 1)}${gap}`)}]`;
    const lines: string[] = [];
    for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(', '));
    return `[${lines.join(`,\n${gap}`)}]`;
  };
  return level(0, tensor.offset);
}

const nodeNames: Readonly<Record<string, string>> = {
  to: 'ToCopy',
  extreme: 'Amax',
};

/** PyTorch's name of a node: `MulBackward0` for `mul`. */
export const nodeName = (name: string): string =>
  `${nodeNames[name] ?? name[0].toUpperCase() + name.slice(1)}Backward0`;

function suffixes(tensor: Tensor): string[] {
  const out: string[] = [];
  const { dtype, gradFn } = tensor;
  if (tensor.size === 0 && tensor.ndim !== 1) out.push(`size=(${tensor.shape.join(', ')})`);
  if (dtype !== getDefaultDtype() && (dtype !== 'bool' || tensor.size === 0))
    out.push(`dtype=torch.${dtype}`);
  if (gradFn) out.push(`grad_fn=<${gradFn.foreign ? gradFn.name : nodeName(gradFn.name)}>`);
  else if (tensor.requiresGrad) out.push('requires_grad=True');
  return out;
}

/**
 * The tensor as PyTorch prints it: `tensor([[1., 2.],\n        [3., 4.]])`. From 1000 elements on only the edges of each dimension are
 * shown; `setPrintOptions` changes that, the digits and the width.
 */
export function formatTensor(tensor: Tensor): string {
  const prefix = 'tensor(';
  const indent = prefix.length;
  const text = `${prefix}${tensor.size === 0 ? '[]' : body(tensor, indent)}`;
  let line = text.length - text.lastIndexOf('\n') + 1;
  let out = text;
  for (const suffix of suffixes(tensor)) {
    if (line + suffix.length + 2 > settings.linewidth) {
      out += `,\n${' '.repeat(indent)}${suffix}`;
      line = indent + suffix.length;
    } else {
      out += `, ${suffix}`;
      line += suffix.length + 2;
    }
  }
  return `${out})`;
}
