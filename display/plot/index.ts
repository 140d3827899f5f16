export { confusion, pr, prCurve, roc, rocCurve } from './classifiers.ts';
export { bar, line, scatter, scatter3d } from './curves.ts';
export { box, hist, parallel } from './distributions.ts';
export { contour, heatmap, image, surface } from './fields.ts';
export { setHtmlFallback } from './html.ts';
