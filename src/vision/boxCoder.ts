import { stack } from '../ops/join.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkBoxes } from './boxes.ts';

/**
 * Boxes as offsets from reference boxes (anchors), and back: centre offsets in units of the anchor's size, log ratios of sizes,
 * each times a weight.
 *
 * Source: Girshick et al. 2014; `torchvision.models.detection._utils.BoxCoder`.
 */
export class BoxCoder {
  readonly weights: readonly [number, number, number, number];
  /** Log ratios are cut here before exp, so that one bad prediction does not overflow. Default ln(1000 / 16). */
  readonly clip: number;

  /** @param weights of dx, dy, dw, dh: `[10, 10, 5, 5]` for heads, `[1, 1, 1, 1]` for proposals. */
  constructor(weights: readonly [number, number, number, number] = [1, 1, 1, 1], clip = Math.log(1000 / 16)) {
    this.weights = weights;
    this.clip = clip;
  }

  /** Offsets `(N, 4)` of `boxes` `(N, 4)` from `anchors` `(N, 4)`, all corners. */
  encode(boxes: Tensor, anchors: Tensor): Tensor {
    checkBoxes('BoxCoder.encode', boxes);
    if (boxes.shape.join() !== anchors.shape.join())
      throw new RangeError(
        `BoxCoder.encode: boxes ${formatShape(boxes.shape)} and anchors ${formatShape(anchors.shape)} must pair up`,
      );
    const [x, y, w, h] = centred(boxes);
    const [ax, ay, aw, ah] = centred(anchors);
    const [wx, wy, ww, wh] = this.weights;
    return stack(
      [
        x.sub(ax).div(aw).mul(wx),
        y.sub(ay).div(ah).mul(wy),
        w.div(aw).log().mul(ww),
        h.div(ah).log().mul(wh),
      ],
      -1,
    );
  }

  /** Corners `(N, 4)` from offsets `(N, 4)` and `anchors` `(N, 4)`. */
  decode(offsets: Tensor, anchors: Tensor): Tensor {
    checkBoxes('BoxCoder.decode', anchors);
    if (offsets.shape.join() !== anchors.shape.join())
      throw new RangeError(
        `BoxCoder.decode: offsets ${formatShape(offsets.shape)} and anchors ${formatShape(anchors.shape)} must pair up`,
      );
    const [dx, dy, dw, dh] = offsets.unbind(-1).map((t, i) => t.div(this.weights[i]));
    const [ax, ay, aw, ah] = centred(anchors);
    const x = dx.mul(aw).add(ax);
    const y = dy.mul(ah).add(ay);
    const halfW = dw.clamp(undefined, this.clip).exp().mul(aw).mul(0.5);
    const halfH = dh.clamp(undefined, this.clip).exp().mul(ah).mul(0.5);
    return stack([x.sub(halfW), y.sub(halfH), x.add(halfW), y.add(halfH)], -1);
  }
}

/** Centre x, centre y, width, height. */
function centred(boxes: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  const [x1, y1, x2, y2] = boxes.unbind(-1);
  const w = x2.sub(x1);
  const h = y2.sub(y1);
  return [x1.add(w.mul(0.5)), y1.add(h.mul(0.5)), w, h];
}
