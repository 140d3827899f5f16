import type { Tensor } from '../tensor/tensor.ts';
import { GELU, ReLU, Sigmoid, Tanh } from './activations.ts';
import { linearActivated, type ProductEnd } from './functional/linearActivated.ts';
import { Linear } from './linear.ts';
import { AnyModule, indented, Module } from './module.ts';
import { Parameter } from './parameter.ts';

/** A module from one tensor to one tensor. */
export type Layer = Module<[Tensor], Tensor>;

/** The activations that the product of a linear layer can end with. */
const ends = new Map<unknown, ProductEnd>([
  [ReLU, 'relu'],
  [GELU, 'gelu'],
  [Sigmoid, 'sigmoid'],
  [Tanh, 'tanh'],
]);

/** What a linear layer and the activation behind it give, in one pass; null where they are other layers, watched, or recorded. */
function joined(input: Tensor, layer: Layer, next: Layer | undefined): Tensor | null {
  const end = next === undefined ? undefined : ends.get(next.constructor);
  if (next === undefined || end === undefined || layer.hasHooks || next.hasHooks) return null;
  if ((next as unknown as Partial<GELU>).approximate === 'tanh' || Object.hasOwn(next, 'forward'))
    return null;
  const linear = layer as unknown as Linear;
  if (linear.constructor !== Linear || linear.forward !== Linear.prototype.forward) return null;
  return linearActivated(input, linear.weight, linear.bias, end);
}

/** The element of a tuple at a literal index (also from the end is `T[number]`). */
type At<T extends readonly unknown[], I extends number> = `${I}` extends keyof T ? T[I] : T[number];

function place(name: string, index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length)
    throw new RangeError(`${name}: index ${index} is out of range for ${length} items`);
  return index < 0 ? index + length : index;
}

/** Shared by `Sequential` and `ModuleList`: modules under the names 0, 1, 2, ... */
interface Indexed<M> {
  [index: number]: M;
}

export interface Sequential<L extends readonly Layer[] = readonly Layer[]> extends Indexed<L[number]> {}

/**
 * Layers that run one after another.
 *
 * @param layers the layers; or one record of layers by name.
 *
 * @example
 * const net = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3));
 * net.at(0).outFeatures; // at(0) is known to be a Linear
 *
 * Source: `torch.nn.Sequential`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface types the numbered properties
export class Sequential<L extends readonly Layer[] = readonly Layer[]> extends Module {
  readonly #names: string[] = [];

  constructor(...layers: L);
  constructor(layers: Readonly<Record<string, Layer>>);
  constructor(...layers: readonly unknown[]) {
    super();
    const [first] = layers;
    const named = layers.length === 1 && typeof first === 'object' && first !== null;
    for (const [name, layer] of named
      ? Object.entries(first as Record<string, Layer>)
      : layers.map((layer, i) => [String(i), layer as Layer] as const))
      this.#put(name, layer);
  }

  #put(name: string, layer: Layer): void {
    if (!(layer instanceof AnyModule))
      throw new TypeError(`Sequential: layer ${name} is not a module: ${String(layer)}`);
    this.registerModule(name, layer as AnyModule);
    this.#names.push(name);
  }

  protected override *entries(): Iterable<readonly [string, unknown]> {
    for (const name of this.#names) yield [name, (this as unknown as Record<string, unknown>)[name]];
  }

  /** How many layers. */
  override get length(): number {
    return this.#names.length;
  }

  /** The layer at an index, its own type known for a literal one; negative ones count from the end. Error: out of range. */
  at<I extends number>(index: I): At<L, I> {
    const name = this.#names[place('Sequential', index, this.length)];
    return (this as unknown as Record<string, Layer>)[name] as At<L, I>;
  }

  *[Symbol.iterator](): IterableIterator<Layer> {
    for (const name of this.#names) yield (this as unknown as Record<string, Layer>)[name];
  }

  /** Adds a layer at the end. */
  append(layer: Layer): this {
    this.#put(String(this.length), layer);
    return this;
  }

  /** Adds layers at the end. */
  extend(layers: Iterable<Layer>): this {
    for (const layer of layers) this.append(layer);
    return this;
  }

  /** The layers from `start` to before `end`, shared with this one: a part of a network. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(...[...this].slice(start, end));
  }

  forward(input: Tensor): Tensor {
    const layers = [...this];
    let value = input;
    for (let i = 0; i < layers.length; i++) {
      const both = joined(value, layers[i], layers[i + 1]);
      if (both !== null) i++;
      value = both ?? layers[i](value);
    }
    return value;
  }
}

export interface ModuleList<M extends AnyModule = Layer> extends Indexed<M> {}

/**
 * Modules in a list: they are registered (those of a plain array are not), and used by index or in a loop. It has no `forward`.
 *
 * Source: `torch.nn.ModuleList`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface types the numbered properties
export class ModuleList<M extends AnyModule = Layer> extends Module<[], never> {
  #length = 0;

  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  forward(): never {
    throw new Error('ModuleList: it has no forward: call the modules in it');
  }

  protected override *entries(): Iterable<readonly [string, unknown]> {
    for (let i = 0; i < this.#length; i++) yield [String(i), this[i]];
  }

  /** PyTorch's short form: equal neighbours as `(0-5): 6 x Linear(...)`. */
  protected override printedChildren(): string[] {
    const texts = [...this].map((module) => indented(module));
    const lines: string[] = [];
    for (let i = 0; i < texts.length; ) {
      let end = i + 1;
      while (end < texts.length && texts[end] === texts[i]) end++;
      lines.push(end - i > 1 ? `(${i}-${end - 1}): ${end - i} x ${texts[i]}` : `(${i}): ${texts[i]}`);
      i = end;
    }
    return lines;
  }

  /** How many modules. */
  override get length(): number {
    return this.#length;
  }

  /** The module at an index; negative ones count from the end. Error: out of range. */
  at(index: number): M {
    return this[place('ModuleList', index, this.#length)];
  }

  *[Symbol.iterator](): IterableIterator<M> {
    for (let i = 0; i < this.#length; i++) yield this[i];
  }

  /** Adds a module at the end. */
  append(module: M): this {
    if (!(module instanceof AnyModule))
      throw new TypeError(`ModuleList: item ${this.#length} is not a module: ${String(module)}`);
    this[this.#length++] = module;
    return this;
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<M>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  /** Puts a module before the one at `index`. */
  insert(index: number, module: M): this {
    const all = [...this];
    all.splice(index, 0, module);
    this.#length = 0;
    return this.extend(all);
  }
}

/**
 * Modules by name: they are registered, under exactly these names. It has no `forward`.
 *
 * @example
 * this.heads = new nn.ModuleDict({ boxes: new nn.Linear(64, 4), scores: new nn.Linear(64, 21) });
 * this.heads.get('boxes')(features);
 *
 * Source: `torch.nn.ModuleDict`.
 */
export class ModuleDict<T extends Record<string, AnyModule> = Record<string, Layer>> extends Module<
  [],
  never
> {
  readonly #items = new Map<keyof T & string, T[keyof T & string]>();

  constructor(modules: T = {} as T) {
    super();
    for (const [name, module] of Object.entries(modules)) this.set(name as keyof T & string, module as never);
  }

  forward(): never {
    throw new Error('ModuleDict: it has no forward: call the modules in it');
  }

  protected override entries(): Iterable<readonly [string, unknown]> {
    return this.#items;
  }

  /** How many modules. */
  get size(): number {
    return this.#items.size;
  }

  /** The module of a name. Error: no such name. */
  get<K extends keyof T & string>(name: K): T[K] {
    const found = this.#items.get(name);
    if (!found) throw new RangeError(`ModuleDict: no '${name}' among ${[...this.#items.keys()].join(', ')}`);
    return found as unknown as T[K];
  }

  has(name: string): boolean {
    return this.#items.has(name);
  }

  /** Adds or replaces the module of a name. Errors: a name that is empty or has a dot; not a module. */
  set<K extends keyof T & string>(name: K, module: T[K]): this {
    if (name === '' || name.includes('.'))
      throw new RangeError(`ModuleDict: '${name}' is no name: it must not be empty or hold a dot`);
    if (!((module as unknown) instanceof AnyModule))
      throw new TypeError(`ModuleDict: '${name}' is not a module: ${String(module)}`);
    this.#items.set(name, module);
    return this;
  }

  delete(name: keyof T & string): boolean {
    return this.#items.delete(name);
  }

  keys(): string[] {
    return [...this.#items.keys()];
  }

  values(): T[keyof T & string][] {
    return [...this.#items.values()];
  }

  /** `[name, module]` pairs, in order. */
  items(): [string, T[keyof T & string]][] {
    return [...this.#items];
  }
}

const asParameter = (tensor: Tensor): Parameter =>
  tensor instanceof Parameter ? tensor : new Parameter(tensor);

const describeParameter = (parameter: Parameter): string =>
  `Parameter containing: [torch.${parameter.dtype} of size ${parameter.shape.join('x')}]`;

export interface ParameterList extends Indexed<Parameter> {}

/**
 * Parameters in a list: they are registered; plain tensors become parameters. It has no `forward`.
 *
 * Source: `torch.nn.ParameterList`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface types the numbered properties
export class ParameterList extends Module<[], never> {
  #length = 0;

  constructor(parameters: Iterable<Tensor> = []) {
    super();
    this.extend(parameters);
  }

  forward(): never {
    throw new Error('ParameterList: it has no forward: use the parameters in it');
  }

  protected override *entries(): Iterable<readonly [string, unknown]> {
    for (let i = 0; i < this.#length; i++) yield [String(i), this[i]];
  }

  override extraRepr(): string {
    return [...this].map((parameter, i) => `  (${i}): ${describeParameter(parameter)}`).join('\n');
  }

  override toString(): string {
    return `${this.typeName}(${this.extraRepr()})`;
  }

  /** How many parameters. */
  override get length(): number {
    return this.#length;
  }

  /** The parameter at an index; negative ones count from the end. Error: out of range. */
  at(index: number): Parameter {
    return this[place('ParameterList', index, this.#length)];
  }

  *[Symbol.iterator](): IterableIterator<Parameter> {
    for (let i = 0; i < this.#length; i++) yield this[i];
  }

  /** Adds a parameter at the end. */
  append(parameter: Tensor): this {
    this[this.#length++] = asParameter(parameter);
    return this;
  }

  /** Adds parameters at the end. */
  extend(parameters: Iterable<Tensor>): this {
    for (const parameter of parameters) this.append(parameter);
    return this;
  }
}

/**
 * Parameters by name: they are registered, under exactly these names; plain tensors become parameters. It has no `forward`.
 *
 * Source: `torch.nn.ParameterDict`.
 */
export class ParameterDict extends Module<[], never> {
  readonly #items = new Map<string, Parameter>();

  constructor(parameters: Readonly<Record<string, Tensor>> = {}) {
    super();
    for (const [name, parameter] of Object.entries(parameters)) this.set(name, parameter);
  }

  forward(): never {
    throw new Error('ParameterDict: it has no forward: use the parameters in it');
  }

  protected override entries(): Iterable<readonly [string, unknown]> {
    return this.#items;
  }

  override extraRepr(): string {
    return this.items()
      .map(([name, parameter]) => `  (${name}): ${describeParameter(parameter)}`)
      .join('\n');
  }

  override toString(): string {
    return `${this.typeName}(${this.extraRepr()})`;
  }

  /** How many parameters. */
  get size(): number {
    return this.#items.size;
  }

  /** The parameter of a name. Error: no such name. */
  get(name: string): Parameter {
    const found = this.#items.get(name);
    if (!found) throw new RangeError(`ParameterDict: no '${name}' among ${this.keys().join(', ')}`);
    return found;
  }

  has(name: string): boolean {
    return this.#items.has(name);
  }

  /** Adds or replaces the parameter of a name. Error: a name that is empty or has a dot. */
  set(name: string, parameter: Tensor): this {
    if (name === '' || name.includes('.'))
      throw new RangeError(`ParameterDict: '${name}' is no name: it must not be empty or hold a dot`);
    this.#items.set(name, asParameter(parameter));
    return this;
  }

  delete(name: string): boolean {
    return this.#items.delete(name);
  }

  keys(): string[] {
    return [...this.#items.keys()];
  }

  /** `[name, parameter]` pairs, in order. */
  items(): [string, Parameter][] {
    return [...this.#items];
  }
}
