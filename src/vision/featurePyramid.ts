import { ModuleList, Sequential } from '../nn/containers.ts';
import { Conv2d } from '../nn/convolution.ts';
import { interpolate } from '../nn/functional/interpolate.ts';
import { maxPool2d } from '../nn/functional/pooling.ts';
import { kaimingUniform_, zeros_ } from '../nn/init.ts';
import { Module } from '../nn/module.ts';
import { relu } from '../ops/pointwise.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Adds coarser levels to a pyramid: `[name, map]`, the finest first. */
export abstract class ExtraLevels extends Module<
  [results: [string, Tensor][], inputs: [string, Tensor][]],
  [string, Tensor][]
> {}

/** One more level, `pool`: every second pixel of the coarsest. Source: `torchvision.ops.feature_pyramid_network.LastLevelMaxPool`. */
export class LastLevelMaxPool extends ExtraLevels {
  forward(results: [string, Tensor][]): [string, Tensor][] {
    const [, coarsest] = results[results.length - 1];
    return [...results, ['pool', maxPool2d(coarsest, 1, 2)]];
  }
}

/**
 * Two more levels, `p6` and `p7`, by strided convolutions, as RetinaNet has them: of the coarsest result when it has `inChannels`
 * channels as `outChannels` says, else of the coarsest input.
 *
 * Source: `torchvision.ops.feature_pyramid_network.LastLevelP6P7`.
 */
export class LastLevelP6P7 extends ExtraLevels {
  readonly p6: Conv2d;
  readonly p7: Conv2d;
  readonly #ofResult: boolean;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.#ofResult = inChannels === outChannels;
    this.p6 = lateral(new Conv2d(inChannels, outChannels, 3, { stride: 2, padding: 1 }));
    this.p7 = lateral(new Conv2d(outChannels, outChannels, 3, { stride: 2, padding: 1 }));
  }

  forward(results: [string, Tensor][], inputs: [string, Tensor][]): [string, Tensor][] {
    const from = this.#ofResult ? results : inputs;
    const p6 = this.p6(from[from.length - 1][1]);
    return [...results, ['p6', p6], ['p7', this.p7(relu(p6))]];
  }
}

/** Weights as the pyramid starts with: even ones of variance 1 / fan in, no bias. */
function lateral(conv: Conv2d): Conv2d {
  kaimingUniform_(conv.weight, { a: 1 });
  if (conv.bias) zeros_(conv.bias);
  return conv;
}

/**
 * A feature pyramid: coarse maps, which know what, are enlarged and added to finer ones, which know where.
 *
 * Each level goes through a 1x1 convolution to `outChannels`; from the coarsest on, the sum so far is enlarged (nearest) to exactly the
 * next level's size and added; a 3x3 convolution smooths each sum.
 *
 * @example
 * const fpn = new vision.FeaturePyramidNetwork([64, 128, 256], 64, new vision.LastLevelMaxPool());
 * const { c2, c3, c4, pool } = fpn({ c2: x2, c3: x3, c4: x4 });
 *
 * Source: Lin et al. 2017; `torchvision.ops.FeaturePyramidNetwork`, whose parameter names it has.
 */
export class FeaturePyramidNetwork extends Module<
  [Readonly<Record<string, Tensor>>],
  Record<string, Tensor>
> {
  readonly innerBlocks: ModuleList<Sequential>;
  readonly layerBlocks: ModuleList<Sequential>;
  readonly extraBlocks: ExtraLevels | null;

  /**
   * @param inChannels of each level, the finest first. @param outChannels of every level of the result.
   * @param extraBlocks adds coarser levels. Error: a level without channels.
   */
  constructor(inChannels: readonly number[], outChannels: number, extraBlocks: ExtraLevels | null = null) {
    super();
    const block = (channels: number, kernel: number): Sequential => {
      if (channels === 0)
        throw new RangeError('FeaturePyramidNetwork: a level with 0 channels is not supported: leave it out');
      return new Sequential(
        lateral(new Conv2d(channels, outChannels, kernel, { padding: (kernel - 1) / 2 })),
      );
    };
    this.innerBlocks = new ModuleList(inChannels.map((channels) => block(channels, 1)));
    this.layerBlocks = new ModuleList(inChannels.map(() => block(outChannels, 3)));
    this.extraBlocks = extraBlocks;
  }

  /**
   * @param features `(N, C, H, W)` by name, the finest first.
   * @returns maps under the same names, then those of the extra levels. Error: another number of levels.
   */
  forward(features: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const inputs = Object.entries(features);
    const inner = [...this.innerBlocks];
    const smooth = [...this.layerBlocks];
    if (inputs.length !== inner.length)
      throw new RangeError(
        `FeaturePyramidNetwork: ${inputs.length} feature maps (${Object.keys(features)}) for ${inner.length} levels`,
      );
    const results: [string, Tensor][] = [];
    let sum: Tensor | null = null;
    for (let level = inputs.length - 1; level >= 0; level--) {
      const [name, map] = inputs[level];
      const own = inner[level](map);
      sum = sum === null ? own : own.add(interpolate(sum, { size: own.shape.slice(2) }));
      results.unshift([name, smooth[level](sum)]);
    }
    return Object.fromEntries(this.extraBlocks ? this.extraBlocks(results, inputs) : results);
  }
}
