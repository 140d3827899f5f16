import {
  type CommChannel,
  type CommHost,
  type CommMessage,
  type DisplayHost,
  type MimeBundle,
  type Shown,
  type Sink,
  setHost,
} from '../../display/host.ts';

/** A comm whose front-end is the test. */
export class TestComm implements CommChannel {
  readonly id: string;
  readonly sent: { data: MimeBundle; buffers: Uint8Array[] }[] = [];
  onMessage: (message: CommMessage) => void = () => {};
  onClose: (message: CommMessage) => void = () => {};

  constructor(id: string) {
    this.id = id;
  }

  send(data: MimeBundle, buffers: Uint8Array[] = []): void {
    this.sent.push({ data, buffers });
  }

  close(): void {}

  /** The front-end says something. */
  receive(data: MimeBundle, buffers: Uint8Array[] = []): void {
    this.onMessage({ data, metadata: {}, buffers });
  }
}

/** Who shows things in tests: it only takes notes. */
export class Recorder implements DisplayHost {
  readonly rich = true;
  cell = 'cell';
  readonly shown: Shown[] = [];
  readonly texts: string[] = [];
  readonly opened: {
    comm: TestComm;
    target: string;
    data: MimeBundle;
    metadata: MimeBundle;
    buffers: Uint8Array[];
  }[] = [];
  readonly targets = new Map<string, (comm: CommChannel, message: CommMessage) => void>();
  #endings: (() => void)[] = [];
  #sink: Sink | null = null;

  readonly comms: CommHost = {
    open: (target, data = {}, metadata = {}, buffers = [], id = String(this.opened.length)) => {
      const comm = new TestComm(id);
      this.opened.push({ comm, target, data, metadata, buffers });
      return comm;
    },
    register: (target, opened) => void this.targets.set(target, opened),
  };

  publish(shown: Shown): void {
    const { kind, data, metadata, id } = shown;
    if (this.#sink && kind === 'display_data')
      this.#sink({ output_type: 'display_data', data, metadata }, id);
    else this.shown.push(shown);
  }

  clear(): void {
    this.#sink?.('clear');
  }

  stream(text: string): void {
    this.texts.push(text);
  }

  capture<T>(sink: Sink, body: () => T): T {
    const before = this.#sink;
    this.#sink = sink;
    try {
      return body();
    } finally {
      this.#sink = before;
    }
  }

  atCellEnd(callback: () => void): void {
    this.#endings.push(callback);
  }

  endCell(): void {
    while (this.#endings.length > 0) for (const callback of this.#endings.splice(0)) callback();
  }

  /** The comm of the model with this name that was opened last. */
  commOf(model: string): TestComm {
    const found = this.opened.findLast(({ data }) => (data.state as MimeBundle)._model_name === model);
    if (!found) throw new Error(`no ${model} was opened`);
    return found.comm;
  }
}

/** A fresh recorder as the host. */
export function record(): Recorder {
  const recorder = new Recorder();
  setHost(recorder);
  return recorder;
}
