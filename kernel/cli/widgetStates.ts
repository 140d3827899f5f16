import type { Kernel } from '@jupyterlab/services';
import type { MimeBundle } from '../interfaces.ts';

const mime = 'application/vnd.jupyter.widget-state+json';
/** Milliseconds that a kernel has to tell its widgets' states. */
const patience = 5000;

interface States {
  states: Record<string, { state: MimeBundle; [field: string]: unknown }>;
  buffer_paths: (string | number)[][];
}

/** Notices a kernel's widgets, and saves their last state into a notebook's metadata as JupyterLab does. */
export class WidgetStates {
  readonly #kernel: Kernel.IKernelConnection;
  #seen = false;

  constructor(kernel: Kernel.IKernelConnection) {
    this.#kernel = kernel;
    // A target that is known keeps its comms open; their messages are read at the end, all at once.
    kernel.registerCommTarget('jupyter.widget', () => {
      this.#seen = true;
    });
  }

  async saveTo(metadata: MimeBundle): Promise<void> {
    if (!this.#seen) return;
    const comm = this.#kernel.createComm('jupyter.widget.control');
    const answer = new Promise<{ data: States; buffers: Uint8Array[] } | null>((resolve) => {
      setTimeout(() => resolve(null), patience).unref();
      comm.onMsg = ({ content, buffers = [] }) => {
        const data = content.data as unknown as States & { method: string };
        if (data.method !== 'update_states') return;
        resolve({
          data,
          buffers: buffers.map((part) =>
            part instanceof ArrayBuffer
              ? new Uint8Array(part)
              : new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
          ),
        });
      };
    });
    await comm.open({}, { version: '1.0.0' }).done;
    await comm.send({ method: 'request_states' }).done;
    const got = await answer;
    if (!got) return;
    const { states, buffer_paths: paths } = got.data;
    const binary = new Map<string, MimeBundle[]>();
    paths.forEach(([id, , ...path], i) => {
      const part = { encoding: 'base64', path, data: Buffer.from(got.buffers[i]).toString('base64') };
      binary.set(String(id), [...(binary.get(String(id)) ?? []), part]);
    });
    for (const [id, state] of Object.entries(states)) if (binary.has(id)) state.buffers = binary.get(id);
    metadata.widgets = { [mime]: { version_major: 2, version_minor: 0, state: states } };
  }
}
