import { inspect } from 'node:util';
import { Checkbox, Dropdown, FloatSlider, IntSlider, Output, Text, VBox } from './controls.ts';
import { type Traits, Widget } from './widget.ts';

/** What stands for a control: see `interact`. */
export type Control =
  | boolean
  | string
  | number
  | readonly [number, number]
  | readonly [number, number, number]
  | readonly unknown[]
  | { readonly min: number; readonly max: number; readonly step?: number; readonly value?: number }
  | Readonly<Record<string, unknown>>
  | Widget;

/** The values that a control gives. */
export type ValueOf<C> = C extends Widget
  ? C extends { value: infer V }
    ? V
    : unknown
  : C extends { min: number; max: number }
    ? number
    : C extends boolean
      ? boolean
      : C extends string
        ? string
        : C extends number
          ? number
          : C extends readonly [number, number]
            ? number
            : C extends readonly (infer V)[]
              ? V
              : C extends Readonly<Record<string, infer V>>
                ? V
                : unknown;

const decimals = (x: number): number => (Number.isInteger(x) ? 0 : (String(x).split('.')[1]?.length ?? 3));

function slider(description: string, min: number, max: number, step?: number, value?: number): Widget {
  const whole =
    [min, max, step ?? 1].every(Number.isInteger) && (value === undefined || Number.isInteger(value));
  const middle = value ?? (whole ? Math.round((min + max) / 2) : (min + max) / 2);
  const by = step ?? (whole ? 1 : 10 ** Math.floor(Math.log10((max - min) / 50)));
  return whole
    ? new IntSlider({ description, min, max, step: by, value: middle })
    : new FloatSlider({
        description,
        min,
        max,
        step: by,
        value: middle,
        readoutFormat: `.${Math.max(2, decimals(by))}f`,
      });
}

/** The control that an abbreviation stands for. Error: one that stands for none. */
function controlFor(name: string, spec: Control): Widget {
  if (spec instanceof Widget) return spec;
  if (typeof spec === 'boolean') return new Checkbox({ description: name, value: spec });
  if (typeof spec === 'string') return new Text({ description: name, value: spec, continuousUpdate: false });
  if (typeof spec === 'number')
    return spec === 0
      ? slider(name, 0, 1, 0.01, 0)
      : slider(name, Math.min(-spec, 3 * spec), Math.max(-spec, 3 * spec), undefined, spec);
  if (Array.isArray(spec)) {
    if (spec.length === 2 && spec.every((x) => typeof x === 'number') && spec[0] < spec[1])
      return slider(name, spec[0], spec[1]);
    if (spec.length > 0) return new Dropdown({ description: name, options: spec as readonly unknown[] });
  } else if (typeof spec === 'object' && spec !== null) {
    const { min, max, step, value } = spec as Record<string, unknown>;
    if (typeof min === 'number' && typeof max === 'number')
      return slider(name, min, max, step as number | undefined, value as number | undefined);
    if (Object.keys(spec).length > 0)
      return new Dropdown({ description: name, options: spec as Record<string, unknown> });
  }
  throw new TypeError(
    `interact: ${inspect(spec)} is no control for '${name}': use [min, max], {min, max, step}, a list of values, a boolean, a string or a widget`,
  );
}

/** Controls with the output of a function below, which runs again when one of them changes. */
export class Interactive<V> extends VBox {
  readonly controls: Readonly<Record<string, Widget>>;
  readonly output: Output;
  readonly #run: (values: V) => unknown;
  #waiting = false;
  #running = false;

  constructor(run: (values: V) => unknown, specs: Readonly<Record<string, Control>>) {
    const controls = Object.fromEntries(
      Object.entries(specs).map(([name, spec]) => [name, controlFor(name, spec)]),
    );
    const output = new Output();
    super({ children: [...Object.values(controls), output] });
    this.controls = controls;
    this.output = output;
    this.#run = run;
    for (const control of Object.values(controls)) control.observe(() => this.#later());
    void this.#update();
  }

  get values(): V {
    return Object.fromEntries(
      Object.entries(this.controls).map(([name, control]) => [
        name,
        (control as unknown as { value: unknown }).value,
      ]),
    ) as V;
  }

  /** Many changes that come at once are answered once. */
  #later(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    setImmediate(() => void this.#update());
  }

  async #update(): Promise<void> {
    this.#waiting = false;
    if (this.#running) {
      this.#later();
      return;
    }
    this.#running = true;
    const { output } = this;
    output.clear({ wait: true });
    try {
      const result = await output.capture(() => this.#run(this.values));
      if (result !== undefined) await output.show(result);
      output.settle();
    } catch (thrown) {
      const { name, message } =
        thrown instanceof Error ? thrown : { name: 'Thrown', message: inspect(thrown) };
      output.append({
        output_type: 'error',
        ename: name,
        evalue: message,
        traceback: [`\u001b[31m${name}\u001b[39m: ${message}`],
      });
    } finally {
      this.#running = false;
    }
  }
}

/**
 * Runs a function with values from controls, and again whenever one of them changes; its result and output are shown below.
 *
 * Controls: `[min, max]` and `{min, max, step, value}` are sliders, whole numbers where all are whole; other lists, and values by
 * label, are drop-down lists; a boolean is a checkbox; a string a text; a number a slider around it; or any widget with a `value`.
 *
 * @example interact(({ dilation, groups }) => plot.heatmap(kernel(dilation, groups)), { dilation: [1, 4], groups: [1, 2, 4] })
 */
export function interact<const S extends Readonly<Record<string, Control>>>(
  run: (values: { [K in keyof S]: ValueOf<S[K]> }) => unknown,
  controls: S,
): Interactive<{ [K in keyof S]: ValueOf<S[K]> }> {
  return new Interactive(run, controls);
}

export type { Traits };
