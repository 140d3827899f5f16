export * from './anchors.ts';
export * from './boxCoder.ts';
export {
  type BoxFormat,
  type BoxReduction,
  boxArea,
  boxConvert,
  boxIou,
  clipBoxesToImage,
  completeBoxIou,
  completeBoxIouLoss,
  distanceBoxIou,
  distanceBoxIouLoss,
  generalizedBoxIou,
  generalizedBoxIouLoss,
  removeSmallBoxes,
} from './boxes.ts';
export * from './detector.ts';
export * from './featurePyramid.ts';
export * from './focalLoss.ts';
export * from './hardNegatives.ts';
export * from './heads.ts';
export * from './matcher.ts';
export * from './meanAveragePrecision.ts';
export * as models from './models/index.ts';
export * from './multiScaleRoiAlign.ts';
export { batchedNms, nms } from './nms.ts';
export { type RoiAlignOptions, roiAlign } from './roiAlign.ts';
export * from './roiPool.ts';
