import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { type CommChannel, type CommMessage, host, type MimeBundle } from '../host.ts';
import { type Displayable, displaySymbol } from '../registry.ts';
import { joinBuffers, splitBuffers } from './buffers.ts';

export const protocolVersion = '2.1.0';
const widgetTarget = 'jupyter.widget';
const controlTarget = 'jupyter.widget.control';
export const widgetMime = 'application/vnd.jupyter.widget-view+json';

/** A widget's values by name, as its front-end model has them but in camelCase. */
export type Traits = Record<string, unknown>;

export interface TraitChange<T = unknown> {
  name: string;
  old: T;
  value: T;
  /** Whether the change came from the front-end. */
  fromUser: boolean;
}

/** How a trait looks on the wire where that differs: a date, for instance. */
export interface Wire {
  to(value: unknown): unknown;
  from(value: unknown): unknown;
}

/** What every widget of one kind has in common. */
export interface Kind {
  /** The names of the front-end's classes, and where they live. */
  model: string;
  view: string | null;
  module: string;
  moduleVersion: string;
  /** Traits with their first values. A function makes a new value for each widget. */
  defaults: Traits;
  wires?: Readonly<Record<string, Wire>>;
  /** Bounds: what a value becomes when it is set, beside the others. Errors for values that cannot be; `widget` names it in them. */
  check?: (name: string, value: unknown, traits: Readonly<Traits>, widget: string) => unknown;
}

const snake = (name: string): string =>
  name.startsWith('_') ? name : name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const camel = (name: string): string =>
  name.startsWith('_') ? name : name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

/** Every open widget, by model id. */
const open = new Map<string, Widget>();

const reference = 'IPY_MODEL_';

function toWire(value: unknown): unknown {
  if (value instanceof Widget) return `${reference}${value.modelId}`;
  if (Array.isArray(value)) return value.map(toWire);
  return value;
}

function fromWire(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith(reference))
    return open.get(value.slice(reference.length)) ?? value;
  if (Array.isArray(value)) return value.map(fromWire);
  return value;
}

const same = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => same(x, b[i]));
  return false;
};

type Observer = (change: TraitChange) => void;

/**
 * A model that the front-end shows, over a comm (widget protocol 2.1). Its traits are properties: setting one changes the front-end,
 * and a change there sets it here. Shown as a cell's last value or with `display`.
 */
export class Widget implements Displayable {
  readonly modelId = randomUUID().replaceAll('-', '');
  readonly kind: Kind;
  readonly #traits: Traits;
  readonly #observers = new Map<string, Set<Observer>>();
  readonly #custom = new Set<(content: unknown, buffers: Uint8Array[]) => void>();
  #comm: CommChannel | null = null;
  /** What the front-end has just sent: it needs no answer. */
  #incoming: Map<string, unknown> | null = null;

  constructor(kind: Kind, values: Readonly<Traits> = {}) {
    this.kind = kind;
    this.#traits = {};
    for (const [name, first] of Object.entries(kind.defaults)) {
      const given = values[name];
      this.#traits[name] =
        given !== undefined ? given : typeof first === 'function' ? (first as () => unknown)() : first;
      Object.defineProperty(this, name, {
        enumerable: true,
        get: () => this.#traits[name],
        set: (value: unknown) => this.setTraits({ [name]: value }),
      });
    }
    for (const name of Object.keys(values)) if (values[name] !== undefined) this.#known(name);
    for (const name of Object.keys(this.#traits))
      this.#traits[name] = this.#checked(name, this.#traits[name], this.#traits);
    this.#open();
  }

  #known(name: string): void {
    if (!(name in this.#traits))
      throw new TypeError(
        `${this.#name}: there is no '${name}': it has ${Object.keys(this.#traits)
          .filter((n) => !n.startsWith('_'))
          .join(', ')}`,
      );
  }

  get #name(): string {
    return this.kind.model.replace(/Model$/, '');
  }

  /** A value as it will be. Error: one of another type than the trait's first value. */
  #checked(name: string, value: unknown, traits: Readonly<Traits>): unknown {
    const { check, defaults, module } = this.kind;
    const wanted = typeof defaults[name];
    // The traits of an anywidget model are its author's.
    if (module !== 'anywidget' && ['number', 'string', 'boolean'].includes(wanted)) {
      if (typeof value !== wanted || Number.isNaN(value))
        throw new TypeError(
          `${this.#name}: ${name} must be a ${wanted}, got ${inspect(value, { depth: 0, maxStringLength: 60 })}`,
        );
    }
    return check ? check(name, value, traits, this.#name) : value;
  }

  #open(): void {
    const { comms } = host();
    open.set(this.modelId, this);
    if (!comms) return;
    registerControl();
    const { state, paths, buffers } = splitBuffers(this.wireState());
    this.#comm = comms.open(
      widgetTarget,
      { state, buffer_paths: paths },
      { version: protocolVersion },
      buffers,
      this.modelId,
    );
    this.#comm.onMessage = (message) => this.#receive(message);
    this.#comm.onClose = () => {
      this.#comm = null;
      open.delete(this.modelId);
    };
  }

  /** The whole state, or some traits, as the front-end has it. */
  wireState(names: readonly string[] = Object.keys(this.#traits)): Record<string, unknown> {
    const { model, view, module, moduleVersion } = this.kind;
    const state: Record<string, unknown> =
      names.length === Object.keys(this.#traits).length
        ? {
            _model_module: module,
            _model_module_version: moduleVersion,
            _model_name: model,
            _view_module: view === null ? null : module,
            _view_module_version: view === null ? '' : moduleVersion,
            _view_name: view,
            _view_count: null,
          }
        : {};
    for (const name of names) state[snake(name)] = this.#encode(name, this.#traits[name]);
    return state;
  }

  #encode(name: string, value: unknown): unknown {
    const wire = this.kind.wires?.[name];
    return wire ? wire.to(value) : toWire(value);
  }

  /** Sets several traits in one message, and tells the observers. */
  setTraits(values: Readonly<Traits>): void {
    const changes: TraitChange[] = [];
    for (const name of Object.keys(values)) this.#known(name);
    // Bounds that are set together are checked together, and all before anything is changed.
    const next = { ...this.#traits, ...values };
    const wanted = new Map(
      Object.entries(values).map(([name, value]) => [name, this.#checked(name, value, next)]),
    );
    // New bounds move the value between them.
    if ((wanted.has('min') || wanted.has('max')) && 'value' in next && !wanted.has('value'))
      wanted.set('value', this.#checked('value', next.value, next));
    for (const [name, value] of wanted) {
      const old = this.#traits[name];
      if (same(old, value)) continue;
      this.#traits[name] = value;
      changes.push({ name, old, value, fromUser: this.#incoming !== null });
    }
    const toSend = changes
      .map(({ name }) => name)
      .filter((name) => !this.#incoming?.has(name) || !same(this.#incoming.get(name), this.#traits[name]));
    if (toSend.length > 0) this.#send('update', toSend);
    for (const change of changes) this.#notify(change);
  }

  #notify(change: TraitChange): void {
    for (const observer of [...(this.#observers.get(change.name) ?? []), ...(this.#observers.get('') ?? [])])
      observer(change);
  }

  #send(method: 'update' | 'echo_update', names: readonly string[]): void {
    if (!this.#comm) return;
    const partial: Record<string, unknown> = {};
    for (const name of names) partial[snake(name)] = this.#encode(name, this.#traits[name]);
    const { state, paths, buffers } = splitBuffers(partial);
    this.#comm.send({ method, state, buffer_paths: paths }, buffers);
  }

  #receive({ data, buffers }: CommMessage): void {
    if (data.method === 'update') {
      const raw = joinBuffers(
        { ...(data.state as Record<string, unknown>) },
        (data.buffer_paths ?? []) as (string | number)[][],
        buffers,
      );
      const values: Traits = {};
      for (const [key, value] of Object.entries(raw)) {
        const name = camel(key);
        if (name in this.#traits)
          values[name] = this.kind.wires?.[name] ? this.kind.wires[name].from(value) : fromWire(value);
      }
      // Other views of the same model learn of it from the echo.
      this.#comm?.send(
        { method: 'echo_update', state: data.state, buffer_paths: data.buffer_paths ?? [] },
        buffers,
      );
      this.#incoming = new Map(Object.entries(values));
      try {
        this.setTraits(values);
      } finally {
        this.#incoming = null;
      }
    } else if (data.method === 'request_state') {
      const { state, paths, buffers: binary } = splitBuffers(this.wireState());
      this.#comm?.send({ method: 'update', state, buffer_paths: paths }, binary);
    } else if (data.method === 'custom') for (const receive of this.#custom) receive(data.content, buffers);
  }

  /**
   * Calls back after a trait changes (`value` by default), from here or from the front-end. @returns a function that ends it.
   *
   * @example slider.observe(({ value }) => console.log(value))
   */
  observe(observer: Observer, name: string | readonly string[] = 'value'): () => void {
    const names = typeof name === 'string' ? [name] : name;
    for (const one of names) {
      this.#known(one);
      const all = this.#observers.get(one) ?? new Set();
      this.#observers.set(one, all.add(observer));
    }
    return () => {
      for (const one of names) this.#observers.get(one)?.delete(observer);
    };
  }

  /** Sends the front-end a message of its own kind. */
  send(content: unknown, buffers?: Uint8Array[]): void {
    this.#comm?.send({ method: 'custom', content }, buffers);
  }

  /** Calls back for each message of the front-end's own kind, such as a click. @returns a function that ends it. */
  onMessage(receive: (content: unknown, buffers: Uint8Array[]) => void): () => void {
    this.#custom.add(receive);
    return () => void this.#custom.delete(receive);
  }

  /** Removes the widget from the front-end. */
  close(): void {
    this.#comm?.close();
    this.#comm = null;
    open.delete(this.modelId);
  }

  /** `IntSlider(value=3, min=0, max=10)` */
  toString(): string {
    const name = this.#name;
    const shown = ['description', 'value', 'min', 'max', 'children', 'outputs']
      .filter((trait) => trait in this.#traits && this.#traits[trait] !== '')
      .map((trait) => {
        const value = this.#traits[trait];
        if (trait === 'outputs') return `${(value as unknown[]).length} outputs`;
        if (Array.isArray(value) && value[0] instanceof Widget)
          return `children=[${value.map(String).join(', ')}]`;
        if (ArrayBuffer.isView(value)) return `${trait}=<${value.byteLength} bytes>`;
        return `${trait}=${JSON.stringify(value)}`;
      });
    return `${name}(${shown.join(', ')})`;
  }

  [displaySymbol](): MimeBundle {
    if (this.kind.view === null) return { 'text/plain': this.toString() };
    return {
      [widgetMime]: { model_id: this.modelId, version_major: 2, version_minor: 0 },
      'text/plain': this.toString(),
    };
  }
}

let registeredWith: unknown = null;

/** Answers the front-end's request for the states of all widgets, and widgets that the front-end opens. */
function registerControl(): void {
  const { comms } = host();
  if (!comms || comms === registeredWith) return;
  registeredWith = comms;
  comms.register(controlTarget, (comm) => {
    comm.onMessage = ({ data }) => {
      if (data.method !== 'request_states') return;
      const paths: (string | number)[][] = [];
      const buffers: Uint8Array[] = [];
      const states: Record<string, unknown> = {};
      for (const [id, widget] of open) {
        const split = splitBuffers(widget.wireState());
        states[id] = {
          model_name: widget.kind.model,
          model_module: widget.kind.module,
          model_module_version: widget.kind.moduleVersion,
          state: split.state,
        };
        for (const path of split.paths) paths.push([id, 'state', ...path]);
        buffers.push(...split.buffers);
      }
      comm.send({ method: 'update_states', states, buffer_paths: paths }, buffers);
    };
  });
}
