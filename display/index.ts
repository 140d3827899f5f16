import './values/collections.ts';
import './values/module.ts';
import './values/tensor.ts';

export { clearOutput, type Display, type DisplayHandle, type DisplayOptions, display } from './display.ts';
export type { MimeBundle } from './host.ts';
export * as show from './pictures/index.ts';
export { Figure, type FigureParts, type Trace } from './plot/figure.ts';
export * as plot from './plot/index.ts';
export { type SubplotOptions, subplots } from './plot/subplots.ts';
export { type Displayable, displaySymbol } from './registry.ts';
export { type LiveChart, type LiveOptions, live } from './training/live.ts';
export { type Progress, type ProgressOptions, progress } from './training/progress.ts';
export { type Row, Table, type TableOptions, table } from './values/table.ts';
export { type AnyWidgetOptions, anywidget } from './widgets/anywidget.ts';
export * as widgets from './widgets/index.ts';
export { interact } from './widgets/interact.ts';
export { jsdlink, jslink, link } from './widgets/link.ts';
