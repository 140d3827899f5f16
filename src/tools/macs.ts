import * as nn from '../nn/index.ts';
import type { AnyModule } from '../nn/module.ts';
import type { Tensor } from '../tensor/tensor.ts';

const product = (sizes: readonly number[]): number => sizes.reduce((p, q) => p * q, 1);

/**
 * How many multiplications with an addition one call of a module takes: those of convolutions, linear and recurrent layers and attention,
 * which is what published counts contain. Norms, activations and pooling count as 0, and modules inside count for themselves.
 */
export function macsOf(module: AnyModule, inputs: readonly Tensor[], output: Tensor): number {
  if (module instanceof nn.Conv1d || module instanceof nn.Conv2d || module instanceof nn.Conv3d)
    return output.size * product(module.weight.shape.slice(1));
  if (
    module instanceof nn.ConvTranspose1d ||
    module instanceof nn.ConvTranspose2d ||
    module instanceof nn.ConvTranspose3d
  )
    return inputs[0].size * product(module.weight.shape.slice(1));
  if (module instanceof nn.Linear) return output.size * module.inFeatures;
  if (module instanceof nn.Bilinear) return output.size * module.in1Features * (module.in2Features + 1);
  if (module instanceof nn.RNN || module instanceof nn.LSTM || module instanceof nn.GRU) {
    const steps = inputs[0].size / module.inputSize;
    return (
      steps * module.parameters().reduce((sum, weight) => sum + (weight.ndim === 2 ? weight.size : 0), 0)
    );
  }
  if (module instanceof nn.RNNCell || module instanceof nn.LSTMCell || module instanceof nn.GRUCell)
    return (inputs[0].size / module.inputSize) * (module.weightIh.size + module.weightHh.size);
  if (module instanceof nn.MultiheadAttention) {
    const [query, key, value] = inputs;
    const width = module.embedDim;
    const batchAxis = module.batchFirst ? 0 : 1;
    const lengthAxis = 1 - batchAxis;
    const batch = query.ndim === 3 ? query.shape[batchAxis] : 1;
    const length = query.ndim === 3 ? query.shape[lengthAxis] : query.shape[0];
    const keys = key.ndim === 3 ? key.shape[lengthAxis] : key.shape[0];
    return width * (query.size + key.size + value.size) + 2 * batch * length * keys * width;
  }
  return 0;
}
