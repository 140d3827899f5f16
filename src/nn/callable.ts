/** What calling a module does; a symbol, so that modules may have a method of any name. */
export const run = Symbol('run');

/**
 * Makes the instances of its subclasses functions that run the module. A function whose prototype is the class's: no proxy stands
 * between a module and its properties.
 */
export class Callable {
  constructor() {
    const self = (...inputs: unknown[]): unknown =>
      (self as unknown as { [run](inputs: unknown[]): unknown })[run](inputs);
    Object.setPrototypeOf(self, new.target.prototype);
    const own = self as { name?: string; length?: number };
    delete own.name;
    delete own.length;
    // biome-ignore lint/correctness/noConstructorReturn: the returned function becomes `this` of the subclasses
    return self as unknown as this;
  }
}
