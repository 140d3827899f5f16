import type { PadMode } from '../ops/pad.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { pad } from './functional/pad.ts';
import type { Rank } from './functional/spatial.ts';
import { Module } from './module.ts';
import { repr } from './repr.ts';

/** One number for every side, or (before, after) of each dimension, **the last one first**: `[left, right, top, bottom]`. */
export type Padding<N extends Rank> =
  | number
  | (N extends 1
      ? readonly [number, number]
      : N extends 2
        ? readonly [number, number, number, number]
        : readonly [number, number, number, number, number, number]);

abstract class PadNd<N extends Rank> extends Module {
  readonly padding: readonly number[];

  /** Error: another number of sizes than the dimensions have sides. */
  constructor(rank: N, padding: Padding<N>) {
    super();
    const all: readonly number[] =
      typeof padding === 'number' ? new Array<number>(2 * rank).fill(padding) : padding;
    if (all.length !== 2 * rank)
      throw new RangeError(
        `${this.typeName}: padding [${all}] has ${all.length} sizes: give one, or ${2 * rank}, the last dimension first`,
      );
    this.padding = all;
  }

  protected abstract readonly mode: PadMode;

  forward(input: Tensor): Tensor {
    return pad(input, this.padding, this.mode);
  }

  override extraRepr(): string {
    return repr([this.padding]);
  }
}

abstract class ConstantPadNd<N extends Rank> extends PadNd<N> {
  protected readonly mode = 'constant';
  readonly value: number;

  constructor(rank: N, padding: Padding<N>, value: number) {
    super(rank, padding);
    this.value = value;
  }

  override forward(input: Tensor): Tensor {
    return pad(input, this.padding, 'constant', this.value);
  }

  override extraRepr(): string {
    return repr([], { padding: this.padding, value: this.value });
  }
}

/** A line with `value` around it. Source: `torch.nn.ConstantPad1d`. */
export class ConstantPad1d extends ConstantPadNd<1> {
  constructor(padding: Padding<1>, value: number) {
    super(1, padding, value);
  }
}

/** A plane with `value` around it. Source: `torch.nn.ConstantPad2d`. */
export class ConstantPad2d extends ConstantPadNd<2> {
  constructor(padding: Padding<2>, value: number) {
    super(2, padding, value);
  }
}

/** A volume with `value` around it. Source: `torch.nn.ConstantPad3d`. */
export class ConstantPad3d extends ConstantPadNd<3> {
  constructor(padding: Padding<3>, value: number) {
    super(3, padding, value);
  }
}

/** A line with zeros around it. Source: `torch.nn.ZeroPad1d`. */
export class ZeroPad1d extends PadNd<1> {
  protected readonly mode = 'constant';

  constructor(padding: Padding<1>) {
    super(1, padding);
  }
}

/** A plane with zeros around it. Source: `torch.nn.ZeroPad2d`. */
export class ZeroPad2d extends PadNd<2> {
  protected readonly mode = 'constant';

  constructor(padding: Padding<2>) {
    super(2, padding);
  }
}

/** A volume with zeros around it. Source: `torch.nn.ZeroPad3d`. */
export class ZeroPad3d extends PadNd<3> {
  protected readonly mode = 'constant';

  constructor(padding: Padding<3>) {
    super(3, padding);
  }
}

/** A line with its mirror image around it, without the edge itself. Source: `torch.nn.ReflectionPad1d`. */
export class ReflectionPad1d extends PadNd<1> {
  protected readonly mode = 'reflect';

  constructor(padding: Padding<1>) {
    super(1, padding);
  }
}

/** A plane with its mirror image around it, without the edge itself. Source: `torch.nn.ReflectionPad2d`. */
export class ReflectionPad2d extends PadNd<2> {
  protected readonly mode = 'reflect';

  constructor(padding: Padding<2>) {
    super(2, padding);
  }
}

/** A volume with its mirror image around it, without the edge itself. Source: `torch.nn.ReflectionPad3d`. */
export class ReflectionPad3d extends PadNd<3> {
  protected readonly mode = 'reflect';

  constructor(padding: Padding<3>) {
    super(3, padding);
  }
}

/** A line with its edge repeated around it. Source: `torch.nn.ReplicationPad1d`. */
export class ReplicationPad1d extends PadNd<1> {
  protected readonly mode = 'replicate';

  constructor(padding: Padding<1>) {
    super(1, padding);
  }
}

/** A plane with its edge repeated around it. Source: `torch.nn.ReplicationPad2d`. */
export class ReplicationPad2d extends PadNd<2> {
  protected readonly mode = 'replicate';

  constructor(padding: Padding<2>) {
    super(2, padding);
  }
}

/** A volume with its edge repeated around it. Source: `torch.nn.ReplicationPad3d`. */
export class ReplicationPad3d extends PadNd<3> {
  protected readonly mode = 'replicate';

  constructor(padding: Padding<3>) {
    super(3, padding);
  }
}

/** A line with its other side at each side. Source: `torch.nn.CircularPad1d`. */
export class CircularPad1d extends PadNd<1> {
  protected readonly mode = 'circular';

  constructor(padding: Padding<1>) {
    super(1, padding);
  }
}

/** A plane with its other side at each side. Source: `torch.nn.CircularPad2d`. */
export class CircularPad2d extends PadNd<2> {
  protected readonly mode = 'circular';

  constructor(padding: Padding<2>) {
    super(2, padding);
  }
}

/** A volume with its other side at each side. Source: `torch.nn.CircularPad3d`. */
export class CircularPad3d extends PadNd<3> {
  protected readonly mode = 'circular';

  constructor(padding: Padding<3>) {
    super(3, padding);
  }
}
