export { loadNpy, loadNpz, npyBytes, parseNpy, saveNpy, saveNpz } from './npy.ts';
export { exportOnnx, type OnnxOptions, onnxBytes } from './onnx/export.ts';
export { loadPyTorch, type PyTorchValue, parsePyTorch } from './pytorch.ts';
export {
  loadSafetensors,
  parseSafetensors,
  type SafetensorsContent,
  type SafetensorsOptions,
  safetensorsBytes,
  saveSafetensors,
} from './safetensors.ts';
