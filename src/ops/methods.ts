import * as autograd from '../autograd/tensorMethods.ts';
import * as creation from '../tensor/creation.ts';
import { Tensor } from '../tensor/tensor.ts';
import '../autograd/inplace.ts';
import * as arithmetic from './arithmetic.ts';
import * as clamp from './clamp.ts';
import * as comparison from './comparison.ts';
import * as matmul from './matmul.ts';
import * as pairwise from './pairwise.ts';
import * as pointwise from './pointwise.ts';
import * as reduce from './reduce.ts';
import * as shape from './shape.ts';
import * as statistics from './statistics.ts';
import * as views from './views.ts';

/** The operations that are also methods: `sum(x, 0)` is `x.sum(0)`. */
const methods = {
  ...arithmetic,
  ...comparison,
  ...clamp,
  ...pairwise,
  ...pointwise,
  sum: reduce.sum,
  ...shape,
  ...matmul,
  ...statistics,
  clone: views.clone,
  contiguous: views.contiguous,
  reshape: views.reshape,
  expand: views.expand,
  asStrided: views.asStrided,
  toArray: creation.toArray,
  item: creation.item,
  backward: autograd.backward,
  to: autograd.to,
  detach: autograd.detach,
  requiresGrad_: autograd.requiresGrad_,
  retainGrad: autograd.retainGrad,
  registerHook: autograd.registerHook,
};

type Method<F> = F extends (input: never, ...rest: infer R) => infer O ? (...rest: R) => O : never;

/** Every operation above as a method, its first parameter being the tensor itself. */
export type TensorMethods = { [K in keyof typeof methods]: Method<(typeof methods)[K]> };

for (const [name, call] of Object.entries(methods)) {
  const run = call as (self: Tensor, ...rest: unknown[]) => unknown;
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Tensor, ...rest: unknown[]) {
      return run(this, ...rest);
    },
  });
}
