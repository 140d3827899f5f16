import type { Mapping } from '../mapping.ts';
import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { losses } from './losses.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { recurrent } from './recurrent.ts';
import { reductions } from './reduction.ts';
import { resampling } from './resampling.ts';
import { shapes } from './shapes.ts';

/** How each primitive is written, by its name. */
export const mappings: ReadonlyMap<string, Mapping> = new Map(
  Object.entries({
    ...elementwise,
    ...shapes,
    ...products,
    ...convolutions,
    ...pooling,
    ...normalization,
    ...reductions,
    ...indexing,
    ...resampling,
    ...recurrent,
    ...losses,
  }),
);
