import * as g from '../../src/index.ts';

const { F, nn } = g;

const halve = (inside: number, outside: number): g.nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(inside, outside, 3, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(outside),
    new nn.ReLU(),
    new nn.Conv2d(outside, outside, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(outside),
    new nn.ReLU(),
  );

const head = (channels: number, outputs: number): g.nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(channels, channels, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(channels, channels, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(channels, outputs, 3, { padding: 1 }),
  );

/** Four halvings, a feature pyramid over the last three, and two heads of 3x3 convolutions on each level. */
export class PyramidHead extends nn.Module<[g.Tensor], g.Tensor> {
  readonly stages: g.nn.ModuleList<g.nn.Sequential>;
  readonly lateral: g.nn.ModuleList<g.nn.Conv2d>;
  readonly smooth: g.nn.ModuleList<g.nn.Conv2d>;
  readonly classify: g.nn.Sequential;
  readonly regress: g.nn.Sequential;

  constructor(width = 16, channels = 64, anchors = 3, classes = 3) {
    super();
    const widths = [width, 2 * width, 4 * width, 8 * width];
    this.stages = new nn.ModuleList(widths.map((w, i) => halve(i === 0 ? 3 : widths[i - 1], w)));
    this.lateral = new nn.ModuleList(widths.slice(1).map((w) => new nn.Conv2d(w, channels, 1)));
    this.smooth = new nn.ModuleList(
      widths.slice(1).map(() => new nn.Conv2d(channels, channels, 3, { padding: 1 })),
    );
    this.classify = head(channels, anchors * classes);
    this.regress = head(channels, anchors * 4);
  }

  /** The loss against targets that are all alike: what is measured is the work. */
  forward(images: g.Tensor): g.Tensor {
    const maps: g.Tensor[] = [];
    for (const stage of this.stages) maps.push(stage(maps.at(-1) ?? images) as g.Tensor);
    let top: g.Tensor | null = null;
    const losses: g.Tensor[] = [];
    for (let i = 2; i >= 0; i--) {
      const side = this.lateral.at(i)(maps[i + 1]);
      top = top === null ? side : side.add(F.interpolate(top, { scaleFactor: 2, mode: 'nearest' }));
      const level = this.smooth.at(i)(top);
      const [scores, boxes] = [this.classify(level) as g.Tensor, this.regress(level) as g.Tensor];
      losses.push(F.binaryCrossEntropyWithLogits(scores, g.zerosLike(scores)));
      losses.push(F.smoothL1Loss(boxes, g.onesLike(boxes)));
    }
    return losses.reduce((a, b) => a.add(b));
  }
}
