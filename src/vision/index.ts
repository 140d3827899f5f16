export * from './anchors.ts';
export * from './boxCoder.ts';
export * from './boxes.ts';
export * from './hardNegatives.ts';
export * from './matcher.ts';
export * from './meanAveragePrecision.ts';
export * from './nms.ts';
export * from './roiAlign.ts';
