export {
  blobs,
  checkerboard,
  circles,
  moons,
  type Points,
  type PointsOptions,
  sine,
  spirals,
  xor,
} from './generated.ts';
export { type Mnist, type MnistOptions, mnist } from './mnist.ts';
export { type DetectionTarget, type Shapes, type ShapesOptions, shapeNames, shapes } from './shapes.ts';
export { anscombe, iris, penguins, type Table } from './tables.ts';
