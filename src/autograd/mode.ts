/** Whether operations are recorded. Process-wide, as in PyTorch it is thread-wide. */
export const mode = { grad: true, inference: false, anomaly: false };

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
 * Makes backward check every gradient: a NaN or an infinity stops it with an error that names the operation, the line of its
 * forward call, the shapes and the first bad index. Slow; for finding a bug. Source: `torch.autograd.set_detect_anomaly`.
 */
export function detectAnomaly(enabled: boolean): void {
  mode.anomaly = enabled;
}
