import { kernel } from '../engine/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * One step of an LSTM from the sums of its gates: i, f, g, o = σ, σ, tanh, σ of fromInput + fromHidden; next = f cell + i g;
 * hidden = o tanh(next).
 *
 * hidden, next, cell (B, H); gates (the activated i, f, g, o), fromInput, fromHidden (B, 4 H).
 */
export const lstmKernel = kernel(
  'recurrent.lstm',
  (hidden: Tensor, next: Tensor, gates: Tensor, fromInput: Tensor, fromHidden: Tensor, cell: Tensor) => {
    const [batch, size] = cell.shape;
    const [x, h, c] = [fromInput.elements, fromHidden.elements, cell.elements];
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < size; j++) {
        const sum = (gate: number): number =>
          x[fromInput.offset + b * fromInput.strides[0] + (gate * size + j) * fromInput.strides[1]] +
          h[fromHidden.offset + b * fromHidden.strides[0] + (gate * size + j) * fromHidden.strides[1]];
        const [i, f, g, o] = [sigmoid(sum(0)), sigmoid(sum(1)), Math.tanh(sum(2)), sigmoid(sum(3))];
        const state = f * c[cell.offset + b * cell.strides[0] + j * cell.strides[1]] + i * g;
        const place = gates.offset + b * 4 * size + j;
        gates.elements[place] = i;
        gates.elements[place + size] = f;
        gates.elements[place + 2 * size] = g;
        gates.elements[place + 3 * size] = o;
        next.elements[next.offset + b * size + j] = state;
        hidden.elements[hidden.offset + b * size + j] = o * Math.tanh(state);
      }
  },
);

/** Gradients of `recurrent.lstm`: of the sums of the gates (B, 4 H) and the cell (B, H). A missing incoming gradient is zero. */
export const lstmBackwardKernel = kernel(
  'recurrent.lstmBackward',
  (
    gradGates: Tensor,
    gradCell: Tensor,
    gradHidden: Tensor | null,
    gradNext: Tensor | null,
    gates: Tensor,
    cell: Tensor,
    next: Tensor,
  ) => {
    const [batch, size] = cell.shape;
    const read = (t: Tensor | null, b: number, j: number): number =>
      t ? t.elements[t.offset + b * t.strides[0] + j * t.strides[1]] : 0;
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < size; j++) {
        const place = b * 4 * size + j;
        const gate = (k: number): number => gates.elements[gates.offset + place + k * size];
        const [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)];
        const squashed = Math.tanh(read(next, b, j));
        const slope = read(gradHidden, b, j);
        const state = slope * o * (1 - squashed * squashed) + read(gradNext, b, j);
        const out = gradGates.elements;
        const to = gradGates.offset + place;
        out[to] = state * g * i * (1 - i);
        out[to + size] = state * read(cell, b, j) * f * (1 - f);
        out[to + 2 * size] = state * i * (1 - g * g);
        out[to + 3 * size] = slope * squashed * o * (1 - o);
        gradCell.elements[gradCell.offset + b * size + j] = state * f;
      }
  },
);

/**
 * One step of a GRU from the sums of its gates: r, z = σ of fromInput + fromHidden; n = tanh(fromInput + r fromHidden);
 * next = (1 - z) n + z hidden.
 *
 * next, hidden (B, H); gates (the activated r, z, n), fromInput, fromHidden (B, 3 H).
 */
export const gruKernel = kernel(
  'recurrent.gru',
  (next: Tensor, gates: Tensor, fromInput: Tensor, fromHidden: Tensor, hidden: Tensor) => {
    const [batch, size] = hidden.shape;
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < size; j++) {
        const x = (gate: number): number =>
          fromInput.elements[
            fromInput.offset + b * fromInput.strides[0] + (gate * size + j) * fromInput.strides[1]
          ];
        const h = (gate: number): number =>
          fromHidden.elements[
            fromHidden.offset + b * fromHidden.strides[0] + (gate * size + j) * fromHidden.strides[1]
          ];
        const r = sigmoid(x(0) + h(0));
        const z = sigmoid(x(1) + h(1));
        const n = Math.tanh(x(2) + r * h(2));
        const before = hidden.elements[hidden.offset + b * hidden.strides[0] + j * hidden.strides[1]];
        const place = gates.offset + b * 3 * size + j;
        gates.elements[place] = r;
        gates.elements[place + size] = z;
        gates.elements[place + 2 * size] = n;
        next.elements[next.offset + b * size + j] = (1 - z) * n + z * before;
      }
  },
);

/** Gradients of `recurrent.gru`: of both sums of the gates (B, 3 H) and the hidden state (B, H). */
export const gruBackwardKernel = kernel(
  'recurrent.gruBackward',
  (
    gradFromInput: Tensor,
    gradFromHidden: Tensor,
    gradHidden: Tensor,
    grad: Tensor,
    gates: Tensor,
    fromHidden: Tensor,
    hidden: Tensor,
  ) => {
    const [batch, size] = hidden.shape;
    for (let b = 0; b < batch; b++)
      for (let j = 0; j < size; j++) {
        const place = b * 3 * size + j;
        const gate = (k: number): number => gates.elements[gates.offset + place + k * size];
        const [r, z, n] = [gate(0), gate(1), gate(2)];
        const slope = grad.elements[grad.offset + b * grad.strides[0] + j * grad.strides[1]];
        const before = hidden.elements[hidden.offset + b * hidden.strides[0] + j * hidden.strides[1]];
        const candidate =
          fromHidden.elements[
            fromHidden.offset + b * fromHidden.strides[0] + (2 * size + j) * fromHidden.strides[1]
          ];
        const gradN = slope * (1 - z) * (1 - n * n);
        const gradR = gradN * candidate * r * (1 - r);
        const gradZ = slope * (before - n) * z * (1 - z);
        const write = (out: Tensor, k: number, value: number): void => {
          out.elements[out.offset + place + k * size] = value;
        };
        write(gradFromInput, 0, gradR);
        write(gradFromInput, 1, gradZ);
        write(gradFromInput, 2, gradN);
        write(gradFromHidden, 0, gradR);
        write(gradFromHidden, 1, gradZ);
        write(gradFromHidden, 2, gradN * r);
        gradHidden.elements[gradHidden.offset + b * size + j] = slope * z;
      }
  },
);
