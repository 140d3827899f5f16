export { type AnyWidgetOptions, anywidget } from './anywidget.ts';
export * from './controls.ts';
export { Interactive } from './interact.ts';
export { Layout } from './kinds.ts';
export { jsdlink, jslink, link } from './link.ts';
export { Widget } from './widget.ts';
