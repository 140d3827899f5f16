import { asOne } from '../../autograd/primitive.ts';
import { add, mul, sub } from '../../ops/arithmetic.ts';
import { type GridPadding, gridCoordinates, insideImage } from '../../ops/gridCoordinates.ts';
import { matmul } from '../../ops/matmul.ts';
import { floor } from '../../ops/pointwise.ts';
import { polynomial } from '../../ops/polynomial.ts';
import { pick } from '../../ops/pooling.ts';
import { op } from '../../ops/record.ts';
import { select, transpose, unsqueeze } from '../../ops/shape.ts';
import { expand, reshape } from '../../ops/views.ts';
import { tensor } from '../../tensor/creation.ts';
import { formatShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';

export interface GridSampleOptions {
  /** `bilinear` (default; trilinear for volumes), `nearest`, `bicubic` (planes). */
  mode?: 'bilinear' | 'nearest' | 'bicubic';
  /** What is seen outside the image. Default zeros. */
  paddingMode?: GridPadding;
  /** Whether -1 and 1 are the centres of the corner pixels, or (default) the corners of the image. */
  alignCorners?: boolean | null;
}

/** How a grid is read, as a tracer sees it. */
export interface GridSampling extends Required<GridSampleOptions> {
  alignCorners: boolean;
}

/** A neighbour along one dimension: whole coordinates (N, P), and its weight there. */
interface Neighbour {
  readonly at: Tensor;
  readonly weight: Tensor;
}

/** The nearest pixel, half way to the even one. It does not move with the coordinate: the weight carries a zero gradient. */
function nearestNeighbours(x: Tensor): Neighbour[] {
  const at = Tensor.allocate(x.shape, x.dtype);
  const dense = x.detach().contiguous();
  for (let i = 0; i < dense.size; i++) {
    const value = dense.elements[dense.offset + i];
    const below = Math.floor(value);
    const rest = value - below;
    at.elements[at.offset + i] = rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
  }
  return [{ at, weight: add(mul(x, 0), 1) }];
}

function linearNeighbours(x: Tensor): Neighbour[] {
  const left = floor(x.detach());
  const share = sub(x, left);
  return [
    { at: left, weight: sub(1, share) },
    { at: add(left, 1), weight: share },
  ];
}

/** Keys' cubic convolution with a = -0.75: the weights of the four neighbours as polynomials of the share of the way between. */
function cubicNeighbours(x: Tensor): Neighbour[] {
  const a = -0.75;
  const left = floor(x.detach());
  const share = sub(x, left);
  return [
    { at: sub(left, 1), weight: polynomial(share, [0, a, -2 * a, a]) },
    { at: left, weight: polynomial(share, [1, 0, -(a + 3), a + 2]) },
    { at: add(left, 1), weight: polynomial(share, [0, -a, 2 * a + 3, -(a + 2)]) },
    { at: add(left, 2), weight: polynomial(share, [0, 0, a, -a]) },
  ];
}

/**
 * The places (N, P) in the plane of the pixels whose whole coordinates are given, one tensor a dimension, and 1 where they are in the
 * image, 0 (and place 0) where not. `inside` brings a coordinate into the image first.
 */
function places(
  coordinates: readonly Tensor[],
  sizes: readonly number[],
  inside: (at: number, size: number) => number,
): { index: Tensor; present: Tensor } {
  const [first] = coordinates;
  const index = Tensor.allocate(first.shape, 'int32');
  const present = Tensor.allocate(first.shape, first.dtype);
  const dense = coordinates.map((c) => c.contiguous());
  for (let i = 0; i < first.size; i++) {
    let place = 0;
    let valid = 1;
    dense.forEach((c, d) => {
      const at = inside(c.elements[c.offset + i], sizes[d]);
      if (!(at >= 0 && at < sizes[d])) valid = 0;
      place = place * sizes[d] + at;
    });
    index.elements[index.offset + i] = valid ? place : 0;
    present.elements[present.offset + i] = valid;
  }
  return { index, present };
}

/** Every combination of one neighbour a dimension. */
const combinations = (all: readonly Neighbour[][]): Neighbour[][] =>
  all.reduce<Neighbour[][]>(
    (rest, choices) => rest.flatMap((chosen) => choices.map((choice) => [...chosen, choice])),
    [[]],
  );

function checkGrid(input: Tensor, grid: Tensor, mode: string): number {
  const rank = input.ndim - 2;
  if ((rank !== 2 && rank !== 3) || grid.ndim !== input.ndim)
    throw new RangeError(
      `gridSample: expected 4D or 5D input and grid with same number of dimensions, but got input ${formatShape(input.shape)} and grid ${formatShape(grid.shape)}: (N, C, H, W) with (N, h, w, 2), or (N, C, D, H, W) with (N, d, h, w, 3)`,
    );
  if (grid.shape[0] !== input.shape[0])
    throw new RangeError(
      `gridSample: expected grid and input to have same batch size, but got input ${formatShape(input.shape)} and grid ${formatShape(grid.shape)}`,
    );
  if (grid.shape.at(-1) !== rank)
    throw new RangeError(
      `gridSample: expected grid to have size ${rank} in last dimension, but got grid ${formatShape(grid.shape)}`,
    );
  if (input.shape.slice(2).some((size) => size === 0))
    throw new RangeError(
      `gridSample: expected input to have non-empty spatial dimensions, but got ${formatShape(input.shape)}`,
    );
  if (mode === 'bicubic' && rank === 3)
    throw new RangeError("gridSample: bicubic works on 4D input only: use 'bilinear' for volumes");
  if (input.dtype !== grid.dtype)
    throw new TypeError(
      `gridSample: the input is ${input.dtype} but the grid ${grid.dtype}: convert one with to('${input.dtype}')`,
    );
  return rank;
}

/**
 * Reads an image at the points of a grid.
 *
 * @param input `(N, C, H, W)` or `(N, C, D, H, W)`.
 * @param grid `(N, h, w, 2)` with (x, y), or `(N, d, h, w, 3)` with (x, y, z): -1 is the left (top, front) end, 1 the right one.
 * @returns `(N, C, h, w)` or `(N, C, d, h, w)`. Both inputs get gradients, of any order.
 * Errors: shapes that do not fit; `bicubic` with volumes. Source: Jaderberg et al. 2015; `torch.nn.functional.grid_sample`.
 */
export const gridSample: (input: Tensor, grid: Tensor, options?: GridSampleOptions) => Tensor = op(
  {
    name: 'gridSample',
    torch:
      "nn.functional.grid_sample(input, grid, *, mode='bilinear', padding_mode='zeros', align_corners=None)",
    family: 'resampling',
    differentiable: true,
    samples: () => {
      const grid = { shape: [1, 1, 3, 2], data: [-0.31, 0.22, 0.43, -0.64, 1.15, 0.37] };
      return [
        [{ shape: [1, 2, 3, 4] }, grid],
        [{ shape: [1, 2, 3, 4] }, grid, { paddingMode: 'border', alignCorners: true }],
        [{ shape: [1, 2, 3, 4] }, grid, { paddingMode: 'reflection' }],
        [{ shape: [1, 2, 3, 4] }, grid, { mode: 'bicubic' }],
        [{ shape: [1, 1, 2, 3, 2] }, { shape: [1, 1, 1, 2, 3], low: -0.9, high: -0.4 }],
      ];
    },
  },
  (
    input: Tensor,
    grid: Tensor,
    { mode = 'bilinear', paddingMode = 'zeros', alignCorners }: GridSampleOptions = {},
  ) => {
    const neighbours = { bilinear: linearNeighbours, nearest: nearestNeighbours, bicubic: cubicNeighbours }[
      mode
    ];
    if (!neighbours)
      throw new RangeError(`gridSample: mode '${mode}' is unknown: use bilinear, nearest or bicubic`);
    if (!['zeros', 'border', 'reflection'].includes(paddingMode))
      throw new RangeError(
        `gridSample: paddingMode '${paddingMode}' is unknown: use zeros, border or reflection`,
      );
    const rank = checkGrid(input, grid, mode);
    const align = alignCorners ?? false;
    const attrs: GridSampling = { mode, paddingMode, alignCorners: align };
    return asOne('gridSample', [input, grid], attrs, () => {
      const spatial = input.shape.slice(2);
      const [batch, channels] = input.shape;
      const points = grid.shape.slice(1, -1);
      const flat = reshape(grid, [batch, -1, rank]);
      // A cubic curve looks at neighbours outside before the padding brings them in; the others pad the point itself.
      const pointPadding = mode === 'bicubic' ? 'zeros' : paddingMode;
      // The grid's last dimension counts from the innermost: x belongs to the width.
      const along = spatial.map((size, d) =>
        neighbours(gridCoordinates(select(flat, 2, rank - 1 - d), size, pointPadding, align)),
      );
      const inside = (at: number, size: number): number =>
        mode === 'bicubic' ? Math.trunc(insideImage([at, 1], size, paddingMode, align)[0]) : at;
      let out: Tensor | null = null;
      for (const chosen of combinations(along)) {
        const { index, present } = places(
          chosen.map(({ at }) => at),
          spatial,
          inside,
        );
        const weight = chosen.reduce((product, { weight: w }) => mul(product, w), present);
        const values = pick(input, expand(unsqueeze(index, 1), [batch, channels, index.shape[1]]));
        const term = mul(values, unsqueeze(weight, 1));
        out = out === null ? term : add(out, term);
      }
      return reshape(out as Tensor, [batch, channels, ...points]);
    });
  },
);

/** The normalized centres of `size` pixels. */
function centres(size: number, alignCorners: boolean): number[] {
  return Array.from({ length: size }, (_, i) => {
    if (alignCorners) return size > 1 ? -1 + (2 * i) / (size - 1) : 0;
    return (2 * i + 1) / size - 1;
  });
}

/**
 * A grid for `gridSample`: where each pixel of the output lies in the input, under affine maps.
 *
 * @param theta `(N, 2, 3)` for planes, `(N, 3, 4)` for volumes: matrix and translation, in normalized coordinates (x, y[, z]).
 * @param size of the output, `[N, C, H, W]` or `[N, C, D, H, W]`. @param options `alignCorners` as `gridSample` will have it.
 * @returns `(N, H, W, 2)` or `(N, D, H, W, 3)`. Errors: maps that do not fit the size. Source: `torch.nn.functional.affine_grid`.
 */
export const affineGrid: (
  theta: Tensor,
  size: readonly number[],
  options?: { alignCorners?: boolean | null },
) => Tensor = op(
  {
    name: 'affineGrid',
    torch: 'nn.functional.affine_grid(theta, size, *, align_corners=None)',
    family: 'resampling',
    differentiable: true,
    samples: () => [
      [{ shape: [1, 2, 3] }, [1, 1, 2, 3]],
      [{ shape: [1, 3, 4] }, [1, 1, 2, 2, 3], { alignCorners: true }],
    ],
  },
  (theta: Tensor, size: readonly number[], { alignCorners }: { alignCorners?: boolean | null } = {}) => {
    const rank = size.length - 2;
    if (rank !== 2 && rank !== 3)
      throw new RangeError(
        `affineGrid: size [${size}] must be [N, C, H, W] or [N, C, D, H, W], of whole numbers above 0`,
      );
    if (
      theta.ndim !== 3 ||
      theta.shape[0] !== size[0] ||
      theta.shape[1] !== rank ||
      theta.shape[2] !== rank + 1
    )
      throw new RangeError(
        `affineGrid: expected a batch of ${rank}D affine matrices of shape (${size[0]}, ${rank}, ${rank + 1}) for size [${size}], but got ${formatShape(theta.shape)}`,
      );
    if (!theta.isFloating)
      throw new TypeError(`affineGrid: theta is ${theta.dtype}: convert it to a floating dtype`);
    if (size.some((n) => !Number.isInteger(n) || n < 1))
      throw new RangeError(`affineGrid: expected non-zero, positive output size, got [${size}]`);
    const spatial = size.slice(2);
    const axes = spatial.map((n) => centres(n, alignCorners ?? false));
    // Homogeneous coordinates of every pixel, the innermost dimension first.
    let pixels: number[][] = [[1]];
    for (const axis of axes) pixels = pixels.flatMap((rest) => axis.map((c) => [c, ...rest]));
    const base = tensor(pixels, { dtype: theta.dtype });
    const grid = matmul(unsqueeze(base, 0), transpose(theta, 1, 2));
    return reshape(grid, [size[0], ...spatial, rank]);
  },
);
