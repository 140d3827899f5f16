import type { DType, TypedArray } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';

type Element = (...values: number[]) => number;

/** One row of each operand: its array, its place, its step; then how many elements. */
interface Loops {
  unary: (o: TypedArray, po: number, so: number, a: TypedArray, pa: number, sa: number, n: number) => void;
  binary: (
    o: TypedArray,
    po: number,
    so: number,
    a: TypedArray,
    pa: number,
    sa: number,
    b: TypedArray,
    pb: number,
    sb: number,
    n: number,
  ) => void;
  ternary: (
    o: TypedArray,
    po: number,
    so: number,
    a: TypedArray,
    pa: number,
    sa: number,
    b: TypedArray,
    pb: number,
    sb: number,
    c: TypedArray,
    pc: number,
    sc: number,
    n: number,
  ) => void;
}

/** The bodies of the loops: the contiguous case, a number on one side, and any steps. */
const bodies: Record<keyof Loops, string> = {
  unary: `(o, po, so, a, pa, sa, n) => {
    if (so === 1 && sa === 1) for (let i = 0; i < n; i++) o[po + i] = f(a[pa + i]);
    else for (let i = 0; i < n; i++, po += so, pa += sa) o[po] = f(a[pa]);
  }`,
  binary: `(o, po, so, a, pa, sa, b, pb, sb, n) => {
    if (so === 1 && sa === 1 && sb === 1) for (let i = 0; i < n; i++) o[po + i] = f(a[pa + i], b[pb + i]);
    else if (so === 1 && sa === 1 && sb === 0) {
      const y = b[pb];
      for (let i = 0; i < n; i++) o[po + i] = f(a[pa + i], y);
    } else for (let i = 0; i < n; i++, po += so, pa += sa, pb += sb) o[po] = f(a[pa], b[pb]);
  }`,
  ternary: `(o, po, so, a, pa, sa, b, pb, sb, c, pc, sc, n) => {
    for (let i = 0; i < n; i++, po += so, pa += sa, pb += sb, pc += sc) o[po] = f(a[pa], b[pb], c[pc]);
  }`,
};

/** The loop over any function and any arrays, which V8 cannot inline. */
const general: { [K in keyof Loops]: (f: Element) => Loops[K] } = {
  unary: (f) => (o, po, so, a, pa, sa, n) => {
    for (let i = 0; i < n; i++, po += so, pa += sa) o[po] = f(a[pa]);
  },
  binary: (f) => (o, po, so, a, pa, sa, b, pb, sb, n) => {
    for (let i = 0; i < n; i++, po += so, pa += sa, pb += sb) o[po] = f(a[pa], b[pb]);
  },
  ternary: (f) => (o, po, so, a, pa, sa, b, pb, sb, c, pc, sc, n) => {
    for (let i = 0; i < n; i++, po += so, pa += sa, pb += sb, pc += sc) o[po] = f(a[pa], b[pb], c[pc]);
  },
};

const codes: Record<DType, number> = { float32: 0, float64: 1, int32: 2, uint8: 3, bool: 3 };

interface Known {
  /** Elements that went through the general loop so far. */
  seen: number;
  loop: Loops[keyof Loops] | null;
}

const known = new WeakMap<Element, Map<number, Known>>();

/** How many elements make a loop of its own worth compiling. */
const worthwhile = 4096;

/**
 * The loop for an element function and the dtypes of `tensors`. A loop that serves many functions and kinds of arrays is fifty times
 * slower in V8 than one that serves one of each, which is compiled with the function inside. So each combination that has seen some
 * work gets a loop of its own. A function that is made anew for each call never does: it stays with the general one.
 */
export function loopOf<K extends keyof Loops>(
  f: (...values: never[]) => number,
  kind: K,
  tensors: readonly Tensor[],
  size: number,
): Loops[K] {
  const element = f as Element;
  let code = 1;
  for (let i = 0; i < tensors.length; i++) code = code * 4 + codes[tensors[i].dtype];
  let byType = known.get(element);
  if (byType === undefined) known.set(element, (byType = new Map()));
  let entry = byType.get(code);
  if (entry === undefined) byType.set(code, (entry = { seen: 0, loop: null }));
  else if (entry.loop === null && entry.seen >= worthwhile)
    entry.loop = new Function('f', `return ${bodies[kind]}`)(element) as Loops[K];
  if (entry.loop !== null) return entry.loop as Loops[K];
  entry.seen += size;
  return general[kind](element);
}
