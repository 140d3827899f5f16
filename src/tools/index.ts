export type { ReceptiveField, WindowLayer } from './geometry.ts';
export { Profile, type ProfileRow, profile } from './profile.ts';
export { type MeasuredField, measureReceptiveField, receptiveField } from './receptiveField.ts';
export { countMacs, Summary, summary } from './summary.ts';
export type { LayerCall, ModelInput } from './trace.ts';
