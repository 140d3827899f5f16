/** A number that PyTorch holds as a float: printed with a point even when it is whole. */
class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Marks a number as a float for `repr`: `float(1)` prints `1.0`, as Python does. */
export const float = (value: number): Float => new Float(value);

function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [digits, exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 16) return Number.isInteger(value) ? `${value}.0` : String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** A value as Python prints it: `True`, `None`, `(3, 3)`, `'same'`, `1e-05`. */
export function formatPython(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value instanceof Float) return formatFloat(value.value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : formatFloat(value);
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `(${value.map(formatPython).join(', ')}${value.length === 1 ? ',' : ''})`;
  return String(value);
}

/**
 * What stands between the brackets when a module is printed, as PyTorch prints it.
 *
 * @param positional values without a name, in front. @param named camelCase names; `undefined` leaves one out, `null` is `None`.
 */
export function repr(positional: readonly unknown[], named: Readonly<Record<string, unknown>> = {}): string {
  const shown = Object.entries(named).filter(([, value]) => value !== undefined);
  return [
    ...positional.map(formatPython),
    ...shown.map(([name, value]) => `${snakeCase(name)}=${formatPython(value)}`),
  ].join(', ');
}

/** `runningMean` as PyTorch writes it: `running_mean`. */
export const snakeCase = (name: string): string =>
  name.replace(
    /([a-z0-9])([A-Z]+)/g,
    (_, before: string, capitals: string) => `${before}_${capitals.toLowerCase()}`,
  );
