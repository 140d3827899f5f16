import { copyKernel } from '../ops/cast.ts';
import { asStridedAt } from '../ops/views.ts';
import { type DType, dtypeInfo } from '../tensor/dtype.ts';
import { formatShape, isContiguous, type Shape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mode } from './mode.ts';
import { type Edge, type Gradient, Node } from './node.ts';
import { edgeOf } from './primitive.ts';

/**
 * Refuses what an in-place write would corrupt. Errors: a leaf that requires grad; a view that was made without recording, or with others
 * by one operation, and is written with recording; an inference tensor outside `inferenceMode`; memory that is read more than once.
 *
 * @param recorded whether the written values have a history.
 */
export function checkWritable(name: string, target: Tensor, recorded = false): void {
  const { base } = target;
  if (target.isInference && !mode.inference)
    throw new Error(
      `${name}: an inference tensor ${formatShape(target.shape)} cannot be changed in place outside inferenceMode: clone() it first`,
    );
  if (mode.grad) {
    if (base !== null && target.viewOrigin !== null && (recorded || base.requiresGrad))
      throw new Error(
        target.viewOrigin === 'several'
          ? `${name}: this view is one of several that a single operation returned (split, chunk, unbind), and those cannot be changed in place while gradients are recorded: use ${name.replace(/_$/, '')} without the underscore, or narrow and select for the view`
          : `${name}: a view that was made inside noGrad is being changed in place outside of it, so that it is unclear whether gradients should follow: move both inside noGrad, or both outside`,
      );
    if (base?.requiresGrad && base.isLeaf)
      throw new Error(
        `${name}: a view of a leaf Variable that requires grad is being used in an in-place operation. Use noGrad(), or clone() first`,
      );
    if (target.requiresGrad && target.isLeaf)
      throw new Error(
        `${name}: a leaf Variable that requires grad is being used in an in-place operation. Use noGrad(), or clone() first`,
      );
  }
  for (let d = 0; d < target.ndim; d++)
    if (target.strides[d] === 0 && target.shape[d] > 1)
      throw new Error(
        `${name}: more than one element of the written-to tensor ${formatShape(target.shape)} refers to a single memory location (it is expanded): clone() it first`,
      );
}

/**
 * Runs `write`, which changes the elements of `target`, and gives it the history of what was written: the edge that `write` returns,
 * `null` for constants. A view passes it on to its base. Without recording, histories stay as they are.
 */
export function overwrite(
  name: string,
  target: Tensor,
  write: () => Edge | null,
  recorded = false,
  source: Tensor | null = null,
): Tensor {
  checkWritable(name, target, recorded);
  mode.tracer?.overwrites(name, target, source);
  const { base } = target;
  const baseEdge = base !== null && mode.grad ? edgeOf(base) : null;
  const edge = write();
  target.storage.version++;
  if (!mode.grad) return target;
  if (base !== null) {
    if (edge || baseEdge) base.setHistory(sliceWrite(name, base, target, baseEdge, edge), 0);
  } else if (edge) target.setHistory(edge.node, edge.index);
  else if (target.gradFn !== null) target.setHistory(null, 0);
  return target;
}

/**
 * Writes `result`, computed from `target` (and others) by recorded operations, into `target`: values, version and history, also
 * through a view into the graph of its base. Errors: another shape; a dtype of a higher category.
 */
export function assign(name: string, target: Tensor, result: Tensor): Tensor {
  checkResult(name, target, result.shape, result.dtype);
  const cast = result.dtype === target.dtype ? result : result.to(target.dtype);
  const write = (): Edge | null => {
    copyKernel(target, cast);
    return edgeOf(cast);
  };
  return overwrite(name, target, write, cast.requiresGrad, cast);
}

/** Errors: a result of another shape, or of a dtype that the target cannot hold. */
export function checkResult(name: string, target: Tensor, shape: Shape, dtype: DType): void {
  if (!sameShape(target.shape, shape))
    throw new RangeError(
      `${name}: the result ${formatShape(shape)} does not fit the tensor ${formatShape(target.shape)} that it is written to`,
    );
  if (dtypeInfo(dtype).category > dtypeInfo(target.dtype).category)
    throw new TypeError(
      `${name}: result type ${dtype} can't be cast to the desired output type ${target.dtype}`,
    );
}

/** The history of a base whose view was overwritten: its own gradient outside the view, the new values' gradient inside. */
function sliceWrite(
  name: string,
  base: Tensor,
  view: Tensor,
  baseEdge: Node['edges'][number],
  edge: Node['edges'][number],
): Node {
  const { shape, strides, offset } = view;
  const node = new Node(`${name}CopySlices`, [baseEdge, edge], (_ctx, [g]): Gradient[] => {
    if (!g) return [null, null];
    const dense = likeBase(g, base);
    const inside = asStridedAt(dense, shape, strides, offset - base.offset + dense.offset);
    const outside = baseEdge ? noViewWrite(dense, shape, strides, offset - base.offset + dense.offset) : null;
    return [outside, edge ? inside.clone() : null];
  });
  node.saveNothing();
  node.outputs = [{ shape: base.shape, dtype: base.dtype }];
  return node;
}

/** The gradient row-major, which is the base's layout too. */
function likeBase(g: Tensor, base: Tensor): Tensor {
  if (!isContiguous(base.shape, base.strides))
    throw new Error(
      `an in-place operation through a view needs a row-major base for its gradient, this one has strides [${base.strides}]: clone() it first`,
    );
  return g.contiguous();
}

/** The gradient with zeros where the view was written, differentiable. */
function noViewWrite(
  g: Tensor,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): Tensor {
  const mask = Tensor.allocate(g.shape, g.dtype);
  mask.elements.fill(1, mask.offset, mask.offset + mask.size);
  const window = mask.alias(shape, strides, offset - g.offset + mask.offset);
  copyKernel(window, Tensor.allocate([], g.dtype, true).expand(shape));
  return g.mul(mask);
}

Tensor.refreshView = (view, base) => {
  const edge = edgeOf(base);
  if (!edge) {
    view.setHistory(null, 0);
    return;
  }
  const before = mode.grad;
  mode.grad = true;
  try {
    const fresh = asStridedAt(base, view.shape, view.strides, view.offset);
    view.setHistory(fresh.gradFn, fresh.outputIndex);
  } finally {
    mode.grad = before;
  }
};
