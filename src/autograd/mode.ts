import type { Tensor } from '../tensor/tensor.ts';

/** Watches the operations of a program as they run: what exports a model. */
export interface Tracer {
  /** An operation that has run. */
  ran(name: string, inputs: readonly (Tensor | null)[], attrs: unknown, outputs: readonly Tensor[]): void;
  /** Elements that are about to be overwritten in place: by `source`, or (`null`) by what no operation computed. */
  overwrites(name: string, target: Tensor, source: Tensor | null): void;
}

/** Whether operations are recorded. Process-wide, as in PyTorch it is thread-wide. */
export const mode = {
  grad: true,
  inference: false,
  anomaly: false,
  /** Sees every operation while a model is traced. */
  tracer: null as Tracer | null,
  /**
   * Sees what an operation keeps for backward. It may return a function that brings the tensors back later, instead of keeping them;
   * checkpointing does.
   */
  save: null as
    | ((tensors: (Tensor | null | undefined)[]) => (() => (Tensor | null | undefined)[]) | null)
    | null,
};

function within<T>(grad: boolean, inference: boolean, body: () => T): T {
  const before = { grad: mode.grad, inference: mode.inference };
  mode.grad = grad;
  mode.inference = inference;
  const restore = (): void => {
    mode.grad = before.grad;
    mode.inference = before.inference;
  };
  let result: T;
  try {
    result = body();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}

/**
 * Runs `body` without recording for autograd: what it computes has `requiresGrad` false. An async body keeps the mode until its
 * promise settles; code that runs in between sees it too.
 *
 * Source: `torch.no_grad`.
 */
export const noGrad = <T>(body: () => T): T => within(false, mode.inference, body);

/** Records again inside `noGrad`. Source: `torch.enable_grad`. */
export const enableGrad = <T>(body: () => T): T => within(true, mode.inference, body);

/** As `noGrad`, and what it creates can never be saved for a backward pass. Source: `torch.inference_mode`. */
export const inferenceMode = <T>(body: () => T): T => within(false, true, body);

/** Whether operations on tensors with `requiresGrad` are being recorded. */
export const isGradEnabled = (): boolean => mode.grad;

/** Switches recording on or off until it is switched again. Prefer `noGrad`, which puts the mode back. */
export function setGradEnabled(enabled: boolean): void {
  mode.grad = enabled;
}

/**
 * Makes backward check every gradient: a NaN or an infinity stops it with an error that names the operation, the lines that led to its
 * forward call, the shapes and the first bad index. Slow; for finding a bug.
 *
 * @example detectAnomaly(() => loss(model(x), y).backward())
 * @param switchOrBody a function to run with checking, whose result is returned; or true and false, to switch it on and off.
 * Source: `torch.autograd.detect_anomaly`, `set_detect_anomaly`.
 */
export function detectAnomaly(enabled: boolean): void;
export function detectAnomaly<T>(body: () => T): T;
export function detectAnomaly<T>(switchOrBody: boolean | (() => T)): T | undefined {
  if (typeof switchOrBody === 'boolean') {
    mode.anomaly = switchOrBody;
    return undefined;
  }
  const before = mode.anomaly;
  mode.anomaly = true;
  try {
    return switchOrBody();
  } finally {
    mode.anomaly = before;
  }
}
