export { confusion } from '../plot/classifiers.ts';
export { GraphPicture, graph, model } from './graphs.ts';
export { boxes, featureMaps, filters, images } from './images.ts';
export { decisionBoundary, embedding, learningRate, lossSurface } from './landscapes.ts';
export { activations, gradientFlow, gradients, weights } from './layers.ts';
export { Picture } from './picture.ts';
export { receptiveField } from './receptiveField.ts';
