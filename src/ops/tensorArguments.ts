import { Tensor } from '../tensor/tensor.ts';
import type { OpRecord } from './record.ts';

/** A parameter that is a tensor (or a list of tensors) in every sample of an operation. */
interface TensorParameter {
  readonly place: number;
  readonly name: string;
  readonly list: boolean;
  /** It can be left out, or is null in a sample. */
  readonly optional: boolean;
}

const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The positional parameters of a signature: `[name, default]`. */
export function positionalParameters(
  torch: string,
): (readonly [name: string, initial: string | undefined])[] {
  const parts = torch.replace(/^[^(]*\(|\)$/g, '').split(/, (?![^[(]*[\])])/);
  const star = parts.indexOf('*');
  return (star < 0 ? parts : parts.slice(0, star)).map((part) => {
    const [name, initial] = part.split('=');
    return [camel(name), initial];
  });
}

const isDescription = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'shape' in value && Array.isArray(value.shape);

const isList = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.length > 0 && value.every(isDescription);

/** Which parameters an operation's samples show to be tensors. */
export function tensorParameters({ torch, samples }: OpRecord): readonly TensorParameter[] {
  const calls = samples();
  return positionalParameters(torch).flatMap(([name, initial], place) => {
    const values = calls.map((call) => call[place]).filter((value) => value !== undefined && value !== null);
    const list = values.length > 0 && values.every(isList);
    if (!list && !(values.length > 0 && values.every(isDescription))) return [];
    return [
      { place, name, list, optional: initial !== undefined || calls.some((call) => call[place] === null) },
    ];
  });
}

function described(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string')
    return `the text '${value.length > 40 ? `${value.slice(0, 40)}...` : value}'`;
  if (typeof value !== 'object')
    return `the ${typeof value}${typeof value === 'function' ? '' : ` ${String(value)}`}`;
  if (Array.isArray(value)) return 'an array';
  const made = value.constructor?.name ?? 'Object';
  return made === 'Object' ? 'an object' : `${/^[AEIOU]/.test(made) ? 'an' : 'a'} ${made}`;
}

const couldBeTensor = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  Array.isArray(value) ||
  ArrayBuffer.isView(value);

/** The error that says what stands where a tensor is due, and how to get one. */
export function notATensor(operation: string, parameter: string, value: unknown, also = ''): TypeError {
  const cure = couldBeTensor(value)
    ? `make it a tensor with tensor(${Array.isArray(value) ? '[...]' : '...'})`
    : 'give a tensor';
  return new TypeError(`${operation}: ${parameter} is ${described(value)}: ${cure}${also}`);
}

const operationOf = (record: OpRecord): string => record.name.replace(/^F\./, '');

/** What stands where a tensor is due and can never be one: nothing, text, an object. */
function refused(value: unknown): boolean {
  return !(value instanceof Tensor) && !couldBeTensor(value);
}

/** Refuses, before anything is done, what can be no tensor where a tensor must stand. */
export function checkTensors(
  record: OpRecord,
  parameters: readonly TensorParameter[],
  args: unknown[],
): void {
  for (let i = 0; i < parameters.length; i++) {
    const { place, list, optional, name } = parameters[i];
    const value = args[place];
    if (value instanceof Tensor) continue;
    const wrong = optional
      ? typeof value === 'string' || typeof value === 'number'
      : list
        ? !Array.isArray(value)
        : refused(value);
    if (wrong)
      throw list
        ? new TypeError(`${operationOf(record)}: ${name} is ${described(value)}: give an array of tensors`)
        : notATensor(operationOf(record), name, value);
  }
}

/** What a function that knows no operation's name says of a value. */
class WrongValue extends TypeError {}

/** A number, or the error that `explained` completes. */
export function checkNumber(value: unknown): void {
  if (typeof value !== 'number' && typeof value !== 'boolean')
    throw new WrongValue(`${described(value)} stands for a tensor or a number: give one`);
}

/** What V8 says of a value that is used as what it is not. */
const isRaw = ({ message }: Error): boolean =>
  /^Cannot (read|destructure|convert|use|set)|is not (a function|iterable|a constructor)|^Invalid array length/.test(
    message,
  );

/** The error of a call, or a clearer one where an argument is not what the operation takes. */
export function explained(
  record: OpRecord,
  parameters: readonly TensorParameter[],
  args: unknown[],
  error: unknown,
): unknown {
  const operation = operationOf(record);
  if (!(error instanceof Error)) return error;
  // A dtype or a shape that is undefined is that of no tensor.
  if (error.message.startsWith(`${operation}: `) && !/\bundefined\b/.test(error.message)) return error;
  for (const { place, name, list, optional } of parameters) {
    const value = args[place];
    if (value instanceof Tensor || (optional && (value === undefined || value === null))) continue;
    if (!list || !Array.isArray(value)) return notATensor(operation, name, value);
    const wrong = value.findIndex((item) => !(item instanceof Tensor));
    if (wrong >= 0) return notATensor(operation, `${name}[${wrong}]`, value[wrong]);
  }
  if (error instanceof WrongValue) return new TypeError(`${operation}: ${error.message}`);
  if (error instanceof TypeError && isRaw(error))
    return new TypeError(
      `${operation}: an argument is not what it takes (${error.message}): give ${record.torch}`,
      {
        cause: error,
      },
    );
  return error;
}
