import { inspect } from 'node:util';
import type { Tensor } from '../../src/index.ts';
import { type CapturedOutput, follow, host, type Shown } from '../host.ts';
import { plotlyMime } from '../plot/figure.ts';
import { displayIdOf, mimeBundle } from '../registry.ts';
import { type Check, classOf, control, type DescribedTraits, type DomTraits, described } from './kinds.ts';
import { type TraitChange, type Traits, Widget, type Wire } from './widget.ts';

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Errors: bounds that are the wrong way round; what is no number, or has to be whole and is not. */
function checkBounds(name: string, value: unknown, { min, max }: Readonly<Traits>, widget: string): void {
  if ((name === 'min' || name === 'max') && (min as number) > (max as number))
    throw new RangeError(`${widget}: min ${min} is above max ${max}`);
  const whole = ['value', 'min', 'max', 'step'].includes(name) && /^(?:Bounded)?Int|^Play/.test(widget);
  for (const one of [value].flat())
    if (whole && typeof one === 'number' && !Number.isInteger(one))
      throw new TypeError(
        `${widget}: ${name} must be a whole number, got ${one}${widget === 'Play' ? '' : `: use ${widget.replace('Int', 'Float')}`}`,
      );
}

/** Keeps a number within its bounds, as the front-end does. */
const bounded: Check = (name, value, traits, widget) => {
  checkBounds(name, value, traits, widget);
  return name === 'value' ? clamp(value as number, traits.min as number, traits.max as number) : value;
};

const whole: Check = (name, value, traits, widget) => {
  checkBounds(name, value, traits, widget);
  return value;
};

/** As `bounded`, where the bounds are exponents. Error: a value that has no logarithm. */
const logarithmic: Check = (name, value, traits, widget) => {
  checkBounds(name, value, traits, widget);
  if (name !== 'value') return value;
  if (!((value as number) > 0)) throw new RangeError(`${widget}: value must be above 0, got ${value}`);
  const { base, min, max } = traits as Record<string, number>;
  return clamp(value as number, base ** min, base ** max);
};

const pair: Check = (name, value, traits, widget) => {
  checkBounds(name, value, traits, widget);
  if (name !== 'value') return value;
  if (
    !Array.isArray(value) ||
    value.length !== 2 ||
    !value.every((x) => typeof x === 'number' && !Number.isNaN(x))
  )
    throw new TypeError(
      `${widget}: value must be a pair [low, high] of numbers, got ${inspect(value, { depth: 0 })}`,
    );
  const [low, high] = value as [number, number];
  if (low > high) throw new RangeError(`${widget}: the range [${low}, ${high}] is the wrong way round`);
  const { min, max } = traits as Record<string, number>;
  return [clamp(low, min, max), clamp(high, min, max)];
};

/** Error: a value of another class, or an invalid date. */
const day: Check = (name, value, _traits, widget) => {
  if (!['value', 'min', 'max'].includes(name) || value === null) return value;
  if (!(value instanceof Date) || Number.isNaN(value.getTime()))
    throw new TypeError(
      `${widget}: ${name} must be a valid Date or null, got ${inspect(value, { depth: 0 })}`,
    );
  return value;
};

/** Error: what no CSS colour looks like. */
const color: Check = (name, value, _traits, widget) => {
  if (
    name === 'value' &&
    !/^(?:#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})|[a-z]+|[a-z]+\(.*\))$/i.test(value as string)
  )
    throw new TypeError(`${widget}: '${value}' is no colour: use #rrggbb or a name such as 'teal'`);
  return value;
};

/** Error: what is not bytes. */
const bytes: Check = (name, value, _traits, widget) => {
  if (name === 'value' && !ArrayBuffer.isView(value))
    throw new TypeError(
      `${widget}: value must be the bytes of a picture, a Uint8Array, got ${inspect(value, { depth: 0, maxStringLength: 60 })}`,
    );
  return value;
};

/** Error: children that are no widgets. */
const holding: Check = (name, value, _traits, widget) => {
  if (name !== 'children') return value;
  if (!Array.isArray(value))
    throw new TypeError(`${widget}: children must be a list of widgets, got ${inspect(value, { depth: 0 })}`);
  const odd = value.findIndex((child) => !(child instanceof Widget));
  if (odd >= 0)
    throw new TypeError(
      `${widget}: child ${odd} is no widget: ${inspect(value[odd], { depth: 0 })}. Show values with an Output widget`,
    );
  return value;
};

const slider = {
  disabled: false,
  continuousUpdate: true,
  orientation: 'horizontal',
  readout: true,
  behavior: 'drag-tap',
};
const sliderStyle = { style: 'SliderStyle' } as const;

export interface SliderTraits extends DescribedTraits {
  value: number;
  min: number;
  max: number;
  step: number;
  orientation: 'horizontal' | 'vertical';
  readout: boolean;
  readoutFormat: string;
  /** Whether the value follows the pointer, or comes when it is let go. */
  continuousUpdate: boolean;
}
export interface RangeTraits extends Omit<SliderTraits, 'value'> {
  value: readonly [number, number];
}

/** @example new widgets.IntSlider({ value: 3, min: 1, max: 10, description: 'layers' }) */
export const IntSlider = classOf<SliderTraits>(
  described(
    'IntSlider',
    { min: 0, max: 100, step: 1, value: 0, readoutFormat: 'd', ...slider },
    { ...sliderStyle, check: bounded },
  ),
);
export const FloatSlider = classOf<SliderTraits>(
  described(
    'FloatSlider',
    { min: 0, max: 10, step: 0.1, value: 0, readoutFormat: '.2f', ...slider },
    { ...sliderStyle, check: bounded },
  ),
);
/** `min` and `max` are exponents of `base`. */
export const FloatLogSlider = classOf<SliderTraits & { base: number }>(
  described(
    'FloatLogSlider',
    { min: 0, max: 4, step: 0.1, base: 10, value: 1, readoutFormat: '.3g', ...slider },
    { ...sliderStyle, check: logarithmic },
  ),
);
export const IntRangeSlider = classOf<RangeTraits>(
  described(
    'IntRangeSlider',
    { min: 0, max: 100, step: 1, value: () => [25, 75], readoutFormat: 'd', ...slider },
    { ...sliderStyle, check: pair },
  ),
);
export const FloatRangeSlider = classOf<RangeTraits>(
  described(
    'FloatRangeSlider',
    { min: 0, max: 1, step: 0.01, value: () => [0.25, 0.75], readoutFormat: '.2f', ...slider },
    { ...sliderStyle, check: pair },
  ),
);

export interface ProgressTraits extends DescribedTraits {
  value: number;
  min: number;
  max: number;
  barStyle: 'success' | 'info' | 'warning' | 'danger' | '';
  orientation: 'horizontal' | 'vertical';
}
const progress = { barStyle: '', orientation: 'horizontal', min: 0, max: 100, value: 0 };
export const IntProgress = classOf<ProgressTraits>(
  described('IntProgress', progress, { style: 'ProgressStyle', view: 'ProgressView', check: bounded }),
);
export const FloatProgress = classOf<ProgressTraits>(
  described('FloatProgress', progress, { style: 'ProgressStyle', view: 'ProgressView', check: bounded }),
);

/** Counts from `min` to `max` while it plays. Link its value to a slider's. */
export const Play = classOf<
  DescribedTraits & {
    value: number;
    min: number;
    max: number;
    step: number;
    interval: number;
    repeat: boolean;
    playing: boolean;
    showRepeat: boolean;
  }
>(
  described(
    'Play',
    {
      disabled: false,
      value: 0,
      min: 0,
      max: 100,
      step: 1,
      interval: 100,
      repeat: false,
      playing: false,
      showRepeat: true,
    },
    { check: bounded },
  ),
);

export interface NumberTraits extends DescribedTraits {
  value: number;
  step: number;
  continuousUpdate: boolean;
}
const number = { disabled: false, continuousUpdate: false, value: 0 };
export const IntText = classOf<NumberTraits>(described('IntText', { ...number, step: 1 }, { check: whole }));
export const FloatText = classOf<NumberTraits>(described('FloatText', { ...number, step: null }));
export const BoundedIntText = classOf<NumberTraits & { min: number; max: number }>(
  described(
    'BoundedIntText',
    { ...number, step: 1, min: 0, max: 100 },
    { view: 'IntTextView', check: bounded },
  ),
);
export const BoundedFloatText = classOf<NumberTraits & { min: number; max: number }>(
  described(
    'BoundedFloatText',
    { ...number, step: null, min: 0, max: 100 },
    { view: 'FloatTextView', check: bounded },
  ),
);

export interface TextTraits extends DescribedTraits {
  value: string;
  placeholder: string;
  continuousUpdate: boolean;
}
const words = { disabled: false, value: '', placeholder: '\u200b', continuousUpdate: true };
export const Text = classOf<TextTraits>(described('Text', words, { style: 'TextStyle' }));
export const Textarea = classOf<TextTraits & { rows: number | null }>(
  described('Textarea', { ...words, rows: null }, { style: 'TextStyle' }),
);
export const Password = classOf<TextTraits>(described('Password', words, { style: 'TextStyle' }));
export const Combobox = classOf<TextTraits & { options: readonly string[]; ensureOption: boolean }>(
  described('Combobox', { ...words, options: () => [], ensureOption: false }, { style: 'TextStyle' }),
);
/** Text that is shown as it is. */
export const Label = classOf<DescribedTraits & { value: string }>(
  described('Label', { value: '', placeholder: '\u200b' }, { style: 'LabelStyle' }),
);
/** HTML that is shown as it is: escape what comes from elsewhere. */
export const HTML = classOf<DescribedTraits & { value: string }>(
  described('HTML', { value: '', placeholder: '\u200b' }, { style: 'HTMLStyle' }),
);

export const Checkbox = classOf<DescribedTraits & { value: boolean; indent: boolean }>(
  described('Checkbox', { disabled: false, value: false, indent: true }, { style: 'CheckboxStyle' }),
);
export const ToggleButton = classOf<DescribedTraits & { value: boolean; icon: string; buttonStyle: string }>(
  described('ToggleButton', { disabled: false, value: false, icon: '', buttonStyle: '' }),
);
export const Valid = classOf<DescribedTraits & { value: boolean; readout: string }>(
  described('Valid', { disabled: false, value: false, readout: 'Invalid' }),
);

export interface ButtonTraits extends DomTraits {
  description: string;
  icon: string;
  buttonStyle: 'primary' | 'success' | 'info' | 'warning' | 'danger' | '';
  style: Widget | Readonly<Record<string, unknown>>;
}
/** @example const go = new widgets.Button({ description: 'train' }); go.onClick(() => train()) */
export class Button extends classOf<ButtonTraits>(
  control(
    'Button',
    { description: '', disabled: false, icon: '', buttonStyle: '' },
    { style: 'ButtonStyle' },
  ),
) {
  /** Calls back at each click. @returns a function that ends it. */
  onClick(clicked: () => void): () => void {
    return this.onMessage((content) => {
      if ((content as { event?: string }).event === 'click') clicked();
    });
  }
}

/** Months count from 0 on the wire, as they do in JavaScript. */
const dateWire: Wire = {
  to: (value) =>
    value instanceof Date
      ? { year: value.getUTCFullYear(), month: value.getUTCMonth(), date: value.getUTCDate() }
      : null,
  from: (value) => {
    const day = value as { year: number; month: number; date: number } | null;
    return day ? new Date(Date.UTC(day.year, day.month, day.date)) : null;
  },
};
/** A day, as midnight UTC. */
export const DatePicker = classOf<
  DescribedTraits & { value: Date | null; min: Date | null; max: Date | null; step: number | 'any' }
>(
  described(
    'DatePicker',
    { disabled: false, value: null, min: null, max: null, step: () => 1 },
    { wires: { value: dateWire, min: dateWire, max: dateWire }, check: day },
  ),
);
export const ColorPicker = classOf<DescribedTraits & { value: string; concise: boolean }>(
  described('ColorPicker', { disabled: false, value: '#4c8dd6', concise: false }, { check: color }),
);

/** A picture from the bytes of a PNG, JPEG, GIF or SVG file. */
export const Image = classOf<
  DomTraits & { value: Uint8Array; format: string; width: string; height: string }
>(
  control('Image', { value: () => new Uint8Array(), format: 'png', width: '', height: '' }, { check: bytes }),
);

// Choices

/** Values, which are their own labels; `[label, value]` pairs; or values by label. */
export type Choices<T> = readonly T[] | readonly (readonly [string, T])[] | Readonly<Record<string, T>>;

function choicesOf<T>(choices: Choices<T>): { labels: string[]; values: T[] } {
  if (!Array.isArray(choices))
    return { labels: Object.keys(choices), values: Object.values(choices as Record<string, T>) };
  if (
    choices.length > 0 &&
    choices.every((c) => Array.isArray(c) && c.length === 2 && typeof c[0] === 'string')
  )
    return {
      labels: choices.map(([label]) => label as string),
      values: choices.map((c) => (c as [string, T])[1]),
    };
  return { labels: choices.map(String), values: [...choices] as T[] };
}

export interface SelectionOptions<T> extends Partial<DescribedTraits> {
  options: Choices<T>;
  value?: T;
  rows?: number;
  icons?: readonly string[];
  tooltips?: readonly string[];
  buttonStyle?: string;
}

const selection = { disabled: false, _options_labels: () => [], index: null };

/** One of several values. `value` is the value itself; the front-end sees its label. */
abstract class Selection<T> extends Widget {
  #values: T[];

  constructor(
    kind: ConstructorParameters<typeof Widget>[0],
    { options, value, ...rest }: SelectionOptions<T>,
    first: number | null,
  ) {
    const { labels, values } = choicesOf(options);
    const index = value === undefined ? (values.length > 0 ? first : null) : values.indexOf(value);
    if (index === -1)
      throw new RangeError(
        `${kind.model.replace(/Model$/, '')}: ${String(value)} is not among the options ${labels.join(', ')}`,
      );
    super(kind, { ...rest, _options_labels: labels, index });
    this.#values = values;
  }

  get value(): T | null {
    const { index } = this as unknown as { index: number | null };
    return index === null ? null : this.#values[index];
  }

  set value(value: T | null) {
    const index = value === null ? null : this.#values.indexOf(value);
    if (index === -1)
      throw new RangeError(
        `${this.kind.model.replace(/Model$/, '')}: ${String(value)} is not among the options ${this.#values.map(String).join(', ')}`,
      );
    this.setTraits({ index });
  }

  get options(): readonly T[] {
    return this.#values;
  }

  set options(options: Choices<T>) {
    const { labels, values } = choicesOf(options);
    this.#values = values;
    this.setTraits({ _options_labels: labels, index: values.length > 0 ? 0 : null });
  }

  override observe(
    observer: (change: TraitChange) => void,
    name: string | readonly string[] = 'value',
  ): () => void {
    if (name !== 'value') return super.observe(observer, name);
    const valueAt = (index: unknown): T | null => (index === null ? null : this.#values[index as number]);
    return super.observe(
      (change) =>
        observer({ ...change, name: 'value', old: valueAt(change.old), value: valueAt(change.value) }),
      'index',
    );
  }

  override toString(): string {
    return `${this.kind.model.replace(/Model$/, '')}(value=${JSON.stringify(this.value)})`;
  }
}

const dropdownKind = described('Dropdown', selection);
const radioKind = described('RadioButtons', { ...selection, orientation: 'vertical' });
const selectKind = described('Select', { ...selection, rows: 5 });
const selectionSliderKind = described('SelectionSlider', {
  ...selection,
  index: 0,
  continuousUpdate: true,
  orientation: 'horizontal',
  readout: true,
  behavior: 'drag-tap',
});
const toggleKind = described(
  'ToggleButtons',
  { ...selection, icons: () => [], tooltips: () => [], buttonStyle: '' },
  { style: 'ToggleButtonsStyle' },
);

/** @example new widgets.Dropdown({ options: ['SGD', 'Adam'], description: 'optimizer' }) */
export class Dropdown<T> extends Selection<T> {
  constructor(options: SelectionOptions<T>) {
    super(dropdownKind, options, 0);
  }
}
export class RadioButtons<T> extends Selection<T> {
  constructor(options: SelectionOptions<T>) {
    super(radioKind, options, 0);
  }
}
export class Select<T> extends Selection<T> {
  constructor(options: SelectionOptions<T>) {
    super(selectKind, options, 0);
  }
}
export class SelectionSlider<T> extends Selection<T> {
  constructor(options: SelectionOptions<T>) {
    super(selectionSliderKind, options, 0);
  }
}
export class ToggleButtons<T> extends Selection<T> {
  constructor(options: SelectionOptions<T>) {
    super(toggleKind, options, 0);
  }
}

// Containers

export interface BoxTraits extends DomTraits {
  children: readonly Widget[];
  boxStyle: 'success' | 'info' | 'warning' | 'danger' | '';
}
const box = { children: () => [], boxStyle: '' };
export const Box = classOf<BoxTraits>(control('Box', box, { check: holding }));
export const HBox = classOf<BoxTraits>(control('HBox', box, { check: holding }));
export const VBox = classOf<BoxTraits>(control('VBox', box, { check: holding }));
/** Children in a grid: say which in its layout's `gridTemplateColumns`. */
export const GridBox = classOf<BoxTraits>(control('GridBox', box, { check: holding }));

export interface PagesTraits extends BoxTraits {
  titles: readonly string[];
  selectedIndex: number | null;
}
export const Tab = classOf<PagesTraits>(
  control('Tab', { ...box, titles: () => [], selectedIndex: () => 0 }, { check: holding }),
);
export const Accordion = classOf<PagesTraits>(
  control('Accordion', { ...box, titles: () => [], selectedIndex: null }, { check: holding }),
);

/**
 * A place for output: what a function prints and displays while it runs.
 *
 * @example
 * const out = new widgets.Output()
 * out.capture(() => console.log('inside'))
 */
export class Output extends Widget {
  declare outputs: readonly CapturedOutput[];
  declare layout: InstanceType<typeof Widget>;
  #clearNext = false;

  constructor(values: Partial<DomTraits> = {}) {
    const kind = control('Output', { msgId: '', outputs: () => [] });
    super({ ...kind, module: '@jupyter-widgets/output', moduleVersion: '1.0.0' }, values as Traits);
  }

  /** Outputs that can be replaced, by id, and how to stop waiting for that. */
  readonly #named = new Map<string, { output: CapturedOutput; end: () => void }>();

  /** Adds one output; pieces of one stream are joined. What has an `id` is replaced when another value is shown under it. */
  append(output: CapturedOutput, id?: string): void {
    const kept = this.#clearNext ? [] : this.outputs;
    this.#clearNext = false;
    if (kept.length === 0) this.#forget();
    const last = kept.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name) {
      this.setTraits({ outputs: [...kept.slice(0, -1), { ...last, text: last.text + output.text }] });
      return;
    }
    const added = lean(output);
    if (id !== undefined) {
      this.#named.get(id)?.end();
      this.#named.set(id, { output: added, end: follow(id, (shown) => this.#replace(shown)) });
    }
    this.setTraits({ outputs: [...kept, added] });
  }

  #replace({ id, data, metadata }: Shown): void {
    const named = this.#named.get(id);
    if (!named) return;
    const next = lean({ output_type: 'display_data', data, metadata });
    const { output } = named;
    named.output = next;
    this.setTraits({ outputs: this.outputs.map((one) => (one === output ? next : one)) });
  }

  #forget(): void {
    for (const { end } of this.#named.values()) end();
    this.#named.clear();
  }

  override close(): void {
    this.#forget();
    super.close();
  }

  /** Shows a value here, after what is there. */
  async show(value: unknown): Promise<void> {
    const data = await mimeBundle(value);
    this.append({ output_type: 'display_data', data, metadata: {} }, displayIdOf(value));
  }

  /** Removes what is shown; with wait, when the next output comes. */
  clear({ wait = false }: { wait?: boolean } = {}): void {
    this.#clearNext = wait;
    if (wait) return;
    this.#forget();
    this.setTraits({ outputs: [] });
  }

  /** After `clear({wait: true})`: removes what is shown where nothing came. */
  settle(): void {
    if (this.#clearNext) this.clear();
    this.#clearNext = false;
  }

  /** Runs `body`; what it prints and displays, also later in its promises and timers, is shown here. */
  capture<T>(body: () => T): T {
    return host().capture(
      (output, id) => (output === 'clear' ? this.clear() : this.append(output, id)),
      body,
    );
  }
}

/** A figure goes without its HTML form: front-ends that show widgets know the other. */
function lean(output: CapturedOutput): CapturedOutput {
  if (output.output_type !== 'display_data' || !(plotlyMime in output.data)) return output;
  const { 'text/html': _, ...data } = output.data;
  return { ...output, data };
}

export type { Tensor };
