import { types } from 'node:util';

const accessor = Symbol('accessor');

/** The value of a property that reading runs no code for; `accessor` where it does. */
function dataOf(value: object, name: string | symbol): unknown {
  for (let owner: object | null = value; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    if (types.isProxy(owner)) return accessor;
    const found = Object.getOwnPropertyDescriptor(owner, name);
    if (found) return 'value' in found ? (found.value as unknown) : accessor;
  }
  return undefined;
}

/** JavaScript's own functions that loops may call unwatched, as they are before any cell. */
const originals = new Map(
  Object.entries({ Math, Number, Date, performance }).map(([name, object]) => [
    name,
    {
      object: object as object,
      members: new Map(
        ['now', ...Object.getOwnPropertyNames(object)].map((member) => [member, dataOf(object, member)]),
      ),
    },
  ]),
);

/** Whether these members of a global are what they were when the kernel started, and no accessors. */
export function isOriginal(name: string, members: readonly string[]): boolean {
  const known = originals.get(name);
  if (!known || (globalThis as Record<string, unknown>)[name] !== known.object) return false;
  return members.every(
    (member) => dataOf(known.object, member) === known.members.get(member) && known.members.has(member),
  );
}

const arrayIterator = Object.getPrototypeOf([][Symbol.iterator]()) as object;
const { next } = arrayIterator as Iterator<unknown>;
const { values } = Array.prototype;

/** Whether `for of` over an array is JavaScript's own. */
const isIterationOriginal = (): boolean =>
  dataOf(Array.prototype, Symbol.iterator) === values && dataOf(arrayIterator, 'next') === next;

/** Above this, looking at every element would cost too much for a loop that may touch only a few. */
const limit = 2 ** 14;

const isPrimitive = (value: unknown): boolean =>
  (typeof value !== 'object' || value === null) && typeof value !== 'function';

/**
 * Whether using `value`'s elements (`elements`) and these `members` runs no code of the user's and gives only primitives: typed arrays,
 * arrays of primitives, and objects on which these members are no accessors.
 */
export function isPlain(value: unknown, elements: boolean, members: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  if (elements && !types.isTypedArray(value)) {
    if (
      !Array.isArray(value) ||
      !isIterationOriginal() ||
      Object.getPrototypeOf(value) !== Array.prototype ||
      value.length > limit
    )
      return false;
    for (let i = 0; i < value.length; i++) if (!isPrimitive(value[i])) return false;
  }
  return members.every((name) => (types.isTypedArray(value) && name === 'length') || isData(value, name));
}

function isData(value: object, name: string): boolean {
  const found = dataOf(value, name);
  return found !== accessor && isPrimitive(found);
}
