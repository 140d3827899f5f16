import * as core from '../tensor/creation.ts';
import { type DType, dtypeInfo, getDefaultDtype } from '../tensor/dtype.ts';
import { checkShape, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { op } from './record.ts';

/** A function that takes a shape as one list or as several sizes: `zeros([2, 3])`, `zeros(2, 3)`, `zeros(2, 3, { dtype })`. */
export interface Sized<O> {
  (shape: Shape, options?: O): Tensor;
  (...sizes: number[]): Tensor;
  (...sizesThenOptions: [...sizes: number[], options: O]): Tensor;
}

/** Accepts all of the ways to write a shape. Error: sizes that are not whole numbers from 0. */
export function sized<O extends object>(
  name: string,
  make: (shape: Shape, options: O | undefined) => Tensor,
): Sized<O> {
  return (...args: (Shape | number | O | undefined)[]): Tensor => {
    const [first] = args;
    const last = args.at(-1);
    const options = typeof last === 'object' && !Array.isArray(last) ? (last as O) : undefined;
    const shape = Array.isArray(first)
      ? [...(first as Shape)]
      : (args.filter((arg) => typeof arg !== 'object' && arg !== undefined) as number[]);
    if (args.length === 0)
      throw new TypeError(`${name}: no shape: write ${name}([]) for a single number, ${name}(2, 3) or more`);
    checkShape(name, shape);
    return make(shape, options);
  };
}

const constant = (name: string, value: number): Sized<core.TensorOptions> =>
  op(
    {
      name,
      torch: `${name}(size, *, dtype=None, requires_grad=False)`,
      family: 'creation',
      differentiable: 'has no input',
      samples: () => [],
    },
    sized<core.TensorOptions>(name, (shape, options) => core.full(shape, value, options)),
  );

/** Zeros. @example zeros(2, 3) */
export const zeros: Sized<core.TensorOptions> = constant('zeros', 0);

/** Ones. @example ones(2, 3) */
export const ones: Sized<core.TensorOptions> = constant('ones', 1);

/** A tensor whose elements are whatever its memory holds: to be filled before it is read. @example empty(2, 3).fill_(7) */
export const empty: Sized<core.TensorOptions> = op(
  {
    name: 'empty',
    torch: 'empty(size, *, dtype=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'has no input',
    samples: () => [],
  },
  sized<core.TensorOptions>(
    'empty',
    (shape, { dtype = getDefaultDtype(), requiresGrad = false }: core.TensorOptions = {}) =>
      started(Tensor.allocate(shape, checked(dtype)), requiresGrad),
  ),
);

/** A tensor of one value. A boolean gives `bool`, a number the default floating dtype. @example full([2, 3], 7) */
export const full: (shape: Shape, value: number | boolean, options?: core.TensorOptions) => Tensor = op(
  {
    name: 'full',
    torch: 'full(size, fill_value, *, dtype=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'has no input',
    samples: () => [],
    differs:
      'a whole number gives the default floating dtype, as everywhere that a tensor is made from numbers',
  },
  core.full,
);

const checked = (dtype: DType): DType => {
  dtypeInfo(dtype);
  return dtype;
};

function started(out: Tensor, requiresGrad: boolean): Tensor {
  if (requiresGrad) out.requiresGrad = true;
  return out;
}

type Like = (input: Tensor, options?: core.TensorOptions) => Tensor;

const like = (
  name: string,
  torch: string,
  make: (shape: Shape, options: core.TensorOptions) => Tensor,
): Like =>
  op(
    {
      name,
      torch: `${torch}(input, *, dtype=None, requires_grad=False)`,
      family: 'creation',
      differentiable: 'does not read the values of its input',
      samples: () => [],
    },
    (input: Tensor, options: core.TensorOptions = {}) =>
      make(input.shape, { ...options, dtype: options.dtype ?? input.dtype }),
  );

/** Zeros of the input's shape and dtype. */
export const zerosLike: Like = like('zerosLike', 'zeros_like', (shape, options) =>
  core.full(shape, 0, options),
);

/** Ones of the input's shape and dtype. */
export const onesLike: Like = like('onesLike', 'ones_like', (shape, options) => core.full(shape, 1, options));

/** A tensor to be filled, of the input's shape and dtype. */
export const emptyLike: Like = like('emptyLike', 'empty_like', (shape, options) => empty(shape, options));

/** One value in the input's shape and dtype. */
export const fullLike: (input: Tensor, value: number | boolean, options?: core.TensorOptions) => Tensor = op(
  {
    name: 'fullLike',
    torch: 'full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'does not read the values of its input',
    samples: () => [],
  },
  (input: Tensor, value: number | boolean, options: core.TensorOptions = {}) =>
    core.full(input.shape, value, { ...options, dtype: options.dtype ?? input.dtype }),
);

function finite(name: string, values: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(values))
    if (!Number.isFinite(value)) throw new RangeError(`${name}: ${key} is ${value}: give a finite number`);
}

function write(out: Tensor, value: (i: number) => number): Tensor {
  const { elements, offset, size } = out;
  for (let i = 0; i < size; i++) elements[offset + i] = value(i);
  return out;
}

interface Arange {
  (end: number, options?: core.TensorOptions): Tensor;
  (start: number, end: number, options?: core.TensorOptions): Tensor;
  (start: number, end: number, step: number, options?: core.TensorOptions): Tensor;
}

/**
 * Numbers from `start` (default 0) to `end`, not included, by `step` (default 1).
 *
 * @returns `(ceil((end - start) / step),)`, int32 when all three are whole, else the default floating dtype.
 * Errors: step 0; a step away from the end. Source: `torch.arange`.
 * @example arange(5) // tensor([0, 1, 2, 3, 4], dtype=torch.int32)
 */
export const arange: Arange = op(
  {
    name: 'arange',
    torch: 'arange(start, end=None, step=None, *, dtype=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'has no input',
    samples: () => [],
  },
  (...args: (number | core.TensorOptions | undefined)[]) => {
    const numbers = args.filter((arg): arg is number => typeof arg === 'number');
    const { dtype, requiresGrad = false } =
      args.find((arg): arg is core.TensorOptions => typeof arg === 'object') ?? {};
    if (numbers.length === 0) throw new TypeError('arange: give an end, such as arange(5)');
    const [start, end, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
    finite('arange', { start, end, step });
    if (step === 0) throw new RangeError('arange: step is 0: use a positive or a negative number');
    if ((end - start) * step < 0)
      throw new RangeError(`arange: step ${step} leads away from end ${end} when starting at ${start}`);
    const type = dtype ?? (numbers.every(Number.isInteger) ? 'int32' : getDefaultDtype());
    const length = Math.ceil((end - start) / step);
    return started(
      write(Tensor.allocate([length], checked(type)), (i) => start + i * step),
      requiresGrad,
    );
  },
);

const linearSteps = (start: number, end: number, steps: number, dtype: DType): ((i: number) => number) => {
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  const half = steps === 1 ? 1 : Math.floor(steps / 2);
  if (dtype !== 'float32') return (i) => (i < half ? start + step * i : end - step * (steps - i - 1));
  const [a, b] = [Math.fround(start), Math.fround(end)];
  const stride = steps > 1 ? Math.fround(Math.fround(b - a) / (steps - 1)) : 0;
  return (i) => (i < half ? a + stride * i : b - stride * (steps - i - 1));
};

function checkSteps(name: string, steps: number): void {
  if (!Number.isInteger(steps) || steps < 0)
    throw new RangeError(`${name}: steps is ${steps}: use a whole number from 0`);
}

/**
 * `steps` numbers from `start` to `end`, both included, evenly spaced.
 *
 * Source: `torch.linspace`. @example linspace(0, 1, 5)
 */
export const linspace: (
  start: number | Tensor,
  end: number | Tensor,
  steps: number,
  options?: core.TensorOptions,
) => Tensor = op(
  {
    name: 'linspace',
    torch: 'linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'has no input',
    samples: () => [],
  },
  (
    from: number | Tensor,
    to: number | Tensor,
    steps: number,
    { dtype = getDefaultDtype(), requiresGrad = false }: core.TensorOptions = {},
  ) => {
    checkSteps('linspace', steps);
    const [start, end] = [from, to].map((x) => (x instanceof Tensor ? core.item(x) : x));
    finite('linspace', { start, end });
    return started(
      write(Tensor.allocate([steps], checked(dtype)), linearSteps(start, end, steps, dtype)),
      requiresGrad,
    );
  },
);

/** `base` to the power of `steps` numbers evenly spaced from `start` to `end`. Source: `torch.logspace`. */
export const logspace: (
  start: number,
  end: number,
  steps: number,
  options?: core.TensorOptions & { base?: number },
) => Tensor = op(
  {
    name: 'logspace',
    torch: 'logspace(start, end, steps, *, base=10.0, dtype=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'has no input',
    samples: () => [],
  },
  (
    start: number,
    end: number,
    steps: number,
    {
      base = 10,
      dtype = getDefaultDtype(),
      requiresGrad = false,
    }: core.TensorOptions & { base?: number } = {},
  ) => {
    checkSteps('logspace', steps);
    finite('logspace', { start, end, base });
    const exponent = linearSteps(start, end, steps, 'float64');
    return started(
      write(Tensor.allocate([steps], checked(dtype)), (i) => base ** exponent(i)),
      requiresGrad,
    );
  },
);

/** Ones on the diagonal, zeros elsewhere, `(n, m)`; `m` is `n` by default. */
export const eye: (n: number, m?: number | null, options?: core.TensorOptions) => Tensor = op(
  {
    name: 'eye',
    torch: 'eye(n, m=None, *, dtype=None, device=None, requires_grad=False)',
    family: 'creation',
    differentiable: 'has no input',
    samples: () => [],
  },
  (
    n: number,
    m?: number | null,
    { dtype = getDefaultDtype(), requiresGrad = false }: core.TensorOptions = {},
  ) => {
    const columns = m ?? n;
    checkShape('eye', [n, columns]);
    const out = Tensor.allocate([n, columns], checked(dtype), true);
    for (let i = 0; i < Math.min(n, columns); i++) out.elements[out.offset + i * columns + i] = 1;
    return started(out, requiresGrad);
  },
);
