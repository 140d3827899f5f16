import type { GridSampling } from '../../../nn/functional/gridSample.ts';
import type { Resampling } from '../../../ops/resample.ts';
import type { Shape } from '../../../tensor/shape.ts';
import { type Mapping, mapping, Unsupported } from '../mapping.ts';

type Between = Resampling & { readonly from: Shape; readonly to: Shape };

/** The names that its methods have since operator set 20. */
const gridModes = { bilinear: 'linear', nearest: 'nearest', bicubic: 'cubic' } as const;

export const resampling: Record<string, Mapping> = {
  gridSample: mapping<GridSampling>(
    (g, { inputs, attrs: { mode, paddingMode, alignCorners }, tensors: [{ ndim }] }) => {
      if (ndim === 5 && g.opset < 20)
        throw new Unsupported('sampling volumes needs operator set 20: give { opset: 20 }');
      return g.node('GridSample', inputs, {
        mode: g.opset < 20 ? mode : gridModes[mode],
        padding_mode: paddingMode,
        align_corners: Number(alignCorners),
      });
    },
  ),
  interpolate: mapping<Between>((g, { inputs: [x], attrs }) => {
    const { method, steps, flag, antialias, from, to } = attrs;
    if (antialias && g.opset < 18)
      throw new Unsupported('antialiasing needs operator set 18: give { opset: 18 }');
    const aligned = method !== 'nearest' && flag;
    const exact = method === 'nearest' && flag;
    // With sizes the operator takes steps of from / to, with factors of 1 / factor: PyTorch has both.
    const bySize = aligned || steps.every((step, d) => step === from[d + 2] / to[d + 2]);
    const place = bySize
      ? ['', '', g.sizes(to)]
      : ['', g.constant([1, 1, ...steps.map((step) => 1 / step)], 'float32')];
    return g.node('Resize', [x, ...place], {
      mode: method,
      coordinate_transformation_mode: aligned
        ? 'align_corners'
        : method === 'nearest' && !exact
          ? 'asymmetric'
          : 'half_pixel',
      ...(method === 'nearest' ? { nearest_mode: exact ? 'round_prefer_ceil' : 'floor' } : {}),
      ...(method === 'cubic' ? { cubic_coeff_a: { float: antialias ? -0.5 : -0.75 } } : {}),
      ...(antialias ? { antialias: 1, exclude_outside: 1 } : {}),
    });
  }),
};
