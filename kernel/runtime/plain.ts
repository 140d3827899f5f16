import { types } from 'node:util';

/** Above this, looking at every element would cost too much for a loop that may touch only a few. */
const limit = 2 ** 20;

const isPrimitive = (value: unknown): boolean =>
  (typeof value !== 'object' || value === null) && typeof value !== 'function';

/**
 * Whether using `value`'s elements (`elements`) and these `members` runs no code of the user's and gives only primitives: typed arrays,
 * arrays of primitives, and objects on which these members are no accessors.
 */
export function isPlain(value: unknown, elements: boolean, members: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  if (elements && !types.isTypedArray(value)) {
    if (!Array.isArray(value) || Object.getPrototypeOf(value) !== Array.prototype || value.length > limit)
      return false;
    for (let i = 0; i < value.length; i++) if (!isPrimitive(value[i])) return false;
  }
  return members.every((name) => (types.isTypedArray(value) && name === 'length') || isData(value, name));
}

function isData(value: object, name: string): boolean {
  for (let owner: object | null = value; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    if (types.isProxy(owner)) return false;
    const found = Object.getOwnPropertyDescriptor(owner, name);
    if (found) return 'value' in found && isPrimitive(found.value);
  }
  return true;
}
