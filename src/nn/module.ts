import { inspect } from 'node:util';
import { noGrad } from '../autograd/mode.ts';
import { copyKernel } from '../ops/cast.ts';
import type { DType } from '../tensor/dtype.ts';
import { isFloating } from '../tensor/dtype.ts';
import { sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { observeBackward } from './backwardHooks.ts';
import { Callable, run } from './callable.ts';
import type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardPreHook,
  HookHandle,
  Hooks,
} from './hooks.ts';
import { Buffer, Parameter, rebind } from './parameter.ts';
import { snakeCase } from './repr.ts';

/** Tensors by name: `conv1.weight`, `bn1.running_mean`. The names are PyTorch's, so that its files can be read and written. */
export type StateDict = Record<string, Tensor>;

export interface LoadOptions {
  /** Whether names that only one side has are an error. Default true. */
  strict?: boolean;
}

export interface NamedOptions {
  /** Put in front of every name. */
  prefix?: string;
  /** Whether submodules count too. Default true. */
  recurse?: boolean;
  /** Whether a shared tensor is listed once. Default true. */
  removeDuplicate?: boolean;
}

/** A module, whatever it takes and gives: what `Module` adds is the types of its own `forward`. */
export abstract class AnyModule extends Callable {
  /** Whether the module is in training mode (dropout active, batch statistics). Change it with `train()` and `eval()`. */
  training = true;
  #hooks: Hooks | null = null;
  readonly #buffers = new Map<string, boolean>();

  /** What the module computes. Call the module itself instead, so that hooks run. */
  abstract forward(...inputs: readonly unknown[]): unknown;

  /** Runs `forward` and the hooks. `model(x)` calls it. */
  [run](inputs: readonly unknown[]): unknown {
    const hooks = this.#hooks;
    if (hooks === null) return this.forward(...inputs);
    let given = inputs;
    for (const hook of [...hooks.pre]) given = hook(this, given) ?? given;
    const watched = hooks.backward.length > 0 || hooks.backwardPre.length > 0;
    const watch = watched ? observeBackward(this, [...hooks.backwardPre], [...hooks.backward]) : null;
    if (watch) given = watch.inputs(given);
    let output = this.forward(...given);
    for (const hook of [...hooks.forward]) output = hook(this, given, output) ?? output;
    return watch ? watch.outputs(output) : output;
  }

  /** Whether hooks run around `forward`. */
  get hasHooks(): boolean {
    return this.#hooks !== null;
  }

  /** The class name, as printed. */
  get typeName(): string {
    return this.constructor.name;
  }

  /** What stands between the brackets in print: the module's settings. */
  extraRepr(): string {
    return '';
  }

  /** The module and its submodules, as PyTorch prints them. */
  override toString(): string {
    const extra = this.extraRepr();
    const lines = extra === '' ? [] : extra.split('\n');
    const single = lines.length === 1;
    const children = this.printedChildren();
    if (children.length === 0 && single) return `${this.typeName}(${extra})`;
    const all = [...lines, ...children];
    return all.length === 0 ? `${this.typeName}()` : `${this.typeName}(\n  ${all.join('\n  ')}\n)`;
  }

  /** One text for each submodule. */
  protected printedChildren(): string[] {
    return this.ownModules().map(([name, module]) => `(${name}): ${indented(module)}`);
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** The module's own properties as `[name in the state dict, value]`; containers list their items. */
  protected entries(): Iterable<readonly [string, unknown]> {
    return Object.entries(this).map(([name, value]) => [snakeCase(name), value] as const);
  }

  private ownModules(): [string, AnyModule][] {
    const found: [string, AnyModule][] = [];
    for (const [name, value] of this.entries()) if (value instanceof AnyModule) found.push([name, value]);
    return found;
  }

  private ownParameters(): [string, Parameter][] {
    const found: [string, Parameter][] = [];
    for (const [name, value] of this.entries()) if (value instanceof Parameter) found.push([name, value]);
    return found;
  }

  private ownBuffers(): [string, Tensor, boolean][] {
    const found: [string, Tensor, boolean][] = [];
    for (const [name, value] of this.entries()) {
      if (!(value instanceof Tensor) || value instanceof Parameter) continue;
      const persistent = value instanceof Buffer ? value.persistent : this.#buffers.get(name);
      if (persistent !== undefined) found.push([name, value, persistent]);
    }
    return found;
  }

  /**
   * Sets a parameter under a name that is only known at run time; `this.weight = new Parameter(...)` does the same for a fixed one.
   * Errors: a name that the module has for something else; one with a dot.
   */
  registerParameter(name: string, parameter: Parameter | null): void {
    this.#register('registerParameter', name, parameter);
  }

  /** Sets a buffer under a name; a tensor assigned to that property later is the buffer then. Errors: as `registerParameter`. */
  registerBuffer(
    name: string,
    tensor: Tensor | null,
    { persistent = true }: { persistent?: boolean } = {},
  ): void {
    this.#register('registerBuffer', name, tensor);
    this.#buffers.set(snakeCase(name), persistent);
  }

  /** Sets a submodule under a name. Errors: as `registerParameter`. */
  registerModule(name: string, module: AnyModule | null): void {
    this.#register('registerModule', name, module);
  }

  #register(op: string, name: string, value: unknown): void {
    if (name === '' || name.includes('.'))
      throw new RangeError(`${op}: '${name}' is no name: it must not be empty or hold a dot`);
    if (name in this)
      throw new RangeError(`${op}: ${this.typeName} already has '${name}': choose another name`);
    Object.assign(this, { [name]: value });
  }

  /** The submodules directly below, each once, by name. */
  namedChildren(): [string, AnyModule][] {
    const seen = new Set<AnyModule>();
    return this.ownModules().filter(([, module]) => !seen.has(module) && seen.add(module));
  }

  /** The submodules directly below, each once. */
  children(): AnyModule[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module (named by the prefix, or nothing) and all below it, parents first, each once unless told otherwise. */
  namedModules({
    prefix = '',
    removeDuplicate = true,
  }: Omit<NamedOptions, 'recurse'> = {}): [string, AnyModule][] {
    const found: [string, AnyModule][] = [];
    const seen = new Set<AnyModule>();
    const visit = (module: AnyModule, name: string): void => {
      if (removeDuplicate && seen.has(module)) return;
      seen.add(module);
      found.push([name, module]);
      for (const [key, child] of module.ownModules()) visit(child, name === '' ? key : `${name}.${key}`);
    };
    visit(this, prefix);
    return found;
  }

  /** This module and all below it, each once. */
  modules(): AnyModule[] {
    return this.namedModules().map(([, module]) => module);
  }

  #gather<T extends Tensor>(
    { prefix = '', recurse = true, removeDuplicate = true }: NamedOptions,
    own: (module: AnyModule) => [string, T][],
  ): [string, T][] {
    const modules: [string, AnyModule][] = recurse
      ? this.namedModules({ prefix, removeDuplicate })
      : [[prefix, this]];
    const seen = new Set<T>();
    const found: [string, T][] = [];
    for (const [path, module] of modules)
      for (const [name, value] of own(module)) {
        if (removeDuplicate && seen.has(value)) continue;
        seen.add(value);
        found.push([path === '' ? name : `${path}.${name}`, value]);
      }
    return found;
  }

  /** The learnt tensors by name, the module's own first, a shared one once. */
  namedParameters(options: NamedOptions = {}): [string, Parameter][] {
    return this.#gather(options, (module) => module.ownParameters());
  }

  /** The learnt tensors, a shared one once: what an optimizer takes. */
  parameters({ recurse = true }: { recurse?: boolean } = {}): Parameter[] {
    return this.namedParameters({ recurse }).map(([, parameter]) => parameter);
  }

  /** The buffers by name (running statistics and the like). */
  namedBuffers(options: NamedOptions = {}): [string, Tensor][] {
    return this.#gather(options, (module) => module.ownBuffers().map(([name, value]) => [name, value]));
  }

  /** The buffers, a shared one once. */
  buffers({ recurse = true }: { recurse?: boolean } = {}): Tensor[] {
    return this.namedBuffers({ recurse }).map(([, buffer]) => buffer);
  }

  /** The submodule of a dotted name; the module itself for `''`. Error: no such name. */
  getSubmodule(target: string): AnyModule {
    let module: AnyModule = this;
    for (const name of target === '' ? [] : target.split('.')) {
      const found = module.ownModules().find(([key]) => key === name);
      if (!found)
        throw new RangeError(
          `getSubmodule: ${module.typeName} has no submodule '${name}' (of '${target}'): it has ${
            module
              .ownModules()
              .map(([key]) => key)
              .join(', ') || 'none'
          }`,
        );
      [, module] = found;
    }
    return module;
  }

  /** The parameter of a dotted name. Error: no such name. */
  getParameter(target: string): Parameter {
    return this.#named('getParameter', target, (module) => module.ownParameters());
  }

  /** The buffer of a dotted name. Error: no such name. */
  getBuffer(target: string): Tensor {
    return this.#named('getBuffer', target, (module) =>
      module.ownBuffers().map(([name, value]) => [name, value]),
    );
  }

  #named<T>(op: string, target: string, own: (module: AnyModule) => [string, T][]): T {
    const cut = target.lastIndexOf('.');
    const module = this.getSubmodule(cut < 0 ? '' : target.slice(0, cut));
    const name = target.slice(cut + 1);
    const found = own(module).find(([key]) => key === name);
    if (!found)
      throw new RangeError(
        `${op}: ${module.typeName} has no '${name}' (of '${target}'): it has ${
          own(module)
            .map(([key]) => key)
            .join(', ') || 'none'
        }`,
      );
    return found[1];
  }

  /** Puts this module and all below it in training mode, or out of it. */
  train(mode = true): this {
    this.training = mode;
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** Puts this module and all below it in evaluation mode: `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `visit` with every module below this one and then with this one: for initialising weights. */
  apply(visit: (module: AnyModule) => void): this {
    for (const child of this.children()) child.apply(visit);
    visit(this);
    return this;
  }

  /**
   * Converts floating parameters and buffers. They stay the same objects, so that an optimizer made before keeps working; gradients
   * are converted too. Error: a dtype that is not floating.
   */
  to(dtype: DType): this {
    if (!isFloating(dtype))
      throw new TypeError(`to: a module's dtype is floating, not ${dtype}: use float32 or float64`);
    noGrad(() => {
      for (const tensor of [...this.parameters(), ...this.buffers()])
        if (tensor.isFloating && tensor.dtype !== dtype) {
          if (tensor.grad) tensor.grad = tensor.grad.to(dtype);
          rebind(tensor, tensor.detach().to(dtype));
        }
    });
    return this;
  }

  /** `to('float32')`. */
  float(): this {
    return this.to('float32');
  }

  /** `to('float64')`. */
  double(): this {
    return this.to('float64');
  }

  /** Sets `requiresGrad` of every parameter: `false` freezes the module. */
  requiresGrad_(value = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = value;
    return this;
  }

  /** Forgets the gradients of every parameter; with `setToNull` false they are filled with zeros. */
  zeroGrad({ setToNull = true }: { setToNull?: boolean } = {}): void {
    for (const parameter of this.parameters()) {
      if (setToNull || !parameter.innerGrad) parameter.dropGrad();
      else parameter.grad = Tensor.allocate(parameter.shape, parameter.dtype, true);
    }
  }

  #hook<K extends keyof Hooks>(kind: K, hook: Hooks[K][number]): HookHandle {
    this.#hooks ??= { pre: [], forward: [], backwardPre: [], backward: [] };
    const hooks = this.#hooks;
    const list = hooks[kind] as (typeof hook)[];
    list.push(hook);
    return {
      remove: () => {
        const place = list.indexOf(hook);
        if (place >= 0) list.splice(place, 1);
        if (Object.values(hooks).every((each) => each.length === 0) && this.#hooks === hooks)
          this.#hooks = null;
      },
    };
  }

  /** Calls `hook(module, inputs)` before each `forward`; what it returns (if anything) replaces the inputs. */
  registerForwardPreHook(hook: ForwardPreHook): HookHandle {
    return this.#hook('pre', hook);
  }

  /** Calls `hook(module, inputs, output)` after each `forward`; what it returns (if anything) replaces the output. */
  registerForwardHook(hook: ForwardHook): HookHandle {
    return this.#hook('forward', hook);
  }

  /**
   * Calls `hook(module, gradInputs, gradOutputs)` in backward, once the gradients of the module's inputs are there; what it returns
   * (if anything) replaces them. Inputs and outputs that are tensors (also in arrays) count, in order.
   */
  registerFullBackwardHook(hook: BackwardHook): HookHandle {
    return this.#hook('backward', hook);
  }

  /** Calls `hook(module, gradOutputs)` in backward before the module's own; what it returns (if anything) replaces them. */
  registerFullBackwardPreHook(hook: BackwardPreHook): HookHandle {
    return this.#hook('backwardPre', hook);
  }

  /**
   * Every parameter and persistent buffer by name, a shared one under each of its names. They are detached and share the memory of
   * the module's own: `clone()` what must not change. `keepVars` gives the parameters themselves.
   */
  stateDict({ prefix = '', keepVars = false }: { prefix?: string; keepVars?: boolean } = {}): StateDict {
    const state: StateDict = {};
    this.#state((name, tensor) => {
      state[prefix + name] = keepVars ? tensor : tensor.detach();
    });
    return state;
  }

  #state(visit: (name: string, tensor: Tensor) => void): void {
    for (const [path, module] of this.namedModules({ removeDuplicate: false })) {
      const prefix = path === '' ? '' : `${path}.`;
      for (const [name, parameter] of module.ownParameters()) visit(prefix + name, parameter);
      for (const [name, buffer, persistent] of module.ownBuffers())
        if (persistent) visit(prefix + name, buffer);
    }
  }

  /**
   * Copies the values of a state dict into the module's parameters and buffers, converting dtypes; nothing is copied if there is an
   * error.
   *
   * @returns the names that only the module has, and those that only the state dict has (both empty when `strict`).
   * Errors: sizes that differ; with `strict`, names that differ. The message lists all of them.
   */
  loadStateDict(
    state: Readonly<StateDict>,
    { strict = true }: LoadOptions = {},
  ): { missingKeys: string[]; unexpectedKeys: string[] } {
    const own = this.stateDict({ keepVars: true });
    const missingKeys = Object.keys(own).filter((name) => !Object.hasOwn(state, name));
    const unexpectedKeys = Object.keys(state).filter((name) => !Object.hasOwn(own, name));
    const shared = Object.keys(own).filter((name) => Object.hasOwn(state, name));
    const quoted = (names: string[]): string => names.map((name) => `"${name}"`).join(', ');
    const problems = shared
      .filter((name) => !sameShape(own[name].shape, state[name].shape))
      .map(
        (name) =>
          `size mismatch for ${name}: copying a param with shape torch.Size([${state[name].shape.join(', ')}]) from checkpoint, the shape in current model is torch.Size([${own[name].shape.join(', ')}]).`,
      );
    if (strict && unexpectedKeys.length > 0)
      problems.unshift(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}. `);
    if (strict && missingKeys.length > 0)
      problems.unshift(`Missing key(s) in state_dict: ${quoted(missingKeys)}. `);
    if (problems.length > 0)
      throw new Error(`Error(s) in loading state_dict for ${this.typeName}:\n\t${problems.join('\n\t')}`);
    for (const name of shared) {
      copyKernel(own[name], state[name]);
      own[name].storage.version++;
    }
    return { missingKeys, unexpectedKeys };
  }
}

type Call<I extends readonly unknown[], O> = (...inputs: I) => O;

/** A module is a function that runs it with its hooks: `model(x)`. */
export interface Module<I extends readonly unknown[] = [Tensor], O = Tensor> extends Call<I, O> {}

/**
 * The base of every layer and model.
 *
 * Assign parameters, buffers and other modules to properties in the constructor, write `forward`, and call the instance:
 * `model(x)` runs `forward` with the hooks around it.
 *
 * @example
 * class Net extends nn.Module {
 *   fc1 = new nn.Linear(4, 16);
 *   fc2 = new nn.Linear(16, 3);
 *   forward(x: Tensor) {
 *     return this.fc2(F.relu(this.fc1(x)));
 *   }
 * }
 * const net = new Net();
 * net(randn([8, 4]));
 *
 * A module that takes something else than one tensor, or gives something else, says so: `extends nn.Module<[Tensor, Tensor], Tensor[]>`.
 *
 * Names in `stateDict()`, `namedParameters()`, `namedModules()` and in print are PyTorch's: a property `runningMean` is `running_mean`.
 * Modules in a plain array are not seen: use `ModuleList`.
 *
 * Source: `torch.nn.Module`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface adds the call signature, `Callable` implements it
export abstract class Module<I extends readonly unknown[] = [Tensor], O = Tensor> extends AnyModule {
  abstract override forward(...inputs: I): O;

  override registerForwardPreHook(hook: ForwardPreHook<I>): HookHandle {
    return super.registerForwardPreHook(hook as unknown as ForwardPreHook);
  }

  override registerForwardHook(hook: ForwardHook<I, O>): HookHandle {
    return super.registerForwardHook(hook as unknown as ForwardHook);
  }
}

/** A submodule's text below its parent's. */
export const indented = (module: AnyModule): string => module.toString().replaceAll('\n', '\n  ');
