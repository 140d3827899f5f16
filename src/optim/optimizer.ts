import { enableGrad, noGrad } from '../autograd/mode.ts';
import { copyKernel } from '../ops/cast.ts';
import { outsideScopes } from '../tensor/memory.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** What an optimizer remembers of one parameter: step counts, averages, buffers. */
export type OptimizerState = Record<string, Tensor | number>;

/** Parameters that are stepped with the same options. The options may be changed between steps; schedulers change `lr`. */
export type ParamGroup<O extends object> = O & { params: Tensor[]; initialLr?: number };

/** Parameters with options of their own; what is left out is the optimizer's default. */
export type ParamGroupInput<O extends object> = Partial<O> & { readonly params: Iterable<Tensor> };

/** Parameters, or groups of them. */
export type Params<O extends object> = Iterable<Tensor> | Iterable<ParamGroupInput<O>>;

export interface OptimizerStateDict {
  /** State by the parameter's place, counted through all groups. */
  state: Record<number, OptimizerState>;
  paramGroups: (Record<string, unknown> & { params: number[] })[];
}

/** Every optimizer has a learning rate. */
export interface LearningRate {
  /** The step size, above 0. */
  lr: number;
}

/**
 * The base of all optimizers: groups of parameters, state by parameter, and the step.
 *
 * Parameters whose `grad` is null are passed over: they get no state and do not decay. Source: `torch.optim.Optimizer`.
 */
export abstract class Optimizer<O extends LearningRate = LearningRate> {
  readonly paramGroups: ParamGroup<O>[] = [];
  readonly state = new Map<Tensor, OptimizerState>();
  readonly #defaults: O;

  constructor(params: Params<O>, defaults: O) {
    this.#defaults = defaults;
    const given: (Tensor | ParamGroupInput<O>)[] = [...params];
    const name = this.constructor.name;
    if (given.length === 0) throw new RangeError(`${name}: got an empty list of parameters`);
    if (given.every((item) => item instanceof Tensor))
      this.addParamGroup({ params: given as Tensor[] } as unknown as ParamGroupInput<O>);
    else
      for (const item of given) {
        if (item instanceof Tensor || !('params' in item))
          throw new TypeError(
            `${name}: pass either tensors or groups such as {params: [...], lr: 0.1}, not both`,
          );
        this.addParamGroup(item);
      }
  }

  /** Adds parameters, for instance of layers that are unfrozen later. Errors: not a leaf; already in a group; bad options. */
  addParamGroup(group: ParamGroupInput<O>): void {
    const name = this.constructor.name;
    const options = Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
    const full = { ...this.#defaults, ...options, params: [...group.params] } as ParamGroup<O>;
    this.check(full);
    for (const [option, value] of Object.entries(full))
      if (Number.isNaN(value)) throw new RangeError(`${name}: ${option} is NaN: give a number`);
    const known = new Set(this.paramGroups.flatMap((g) => g.params));
    for (const param of full.params) {
      if (!(param instanceof Tensor))
        throw new TypeError(`${name}: ${String(param)} is not a tensor: pass model.parameters() or tensors`);
      if (!param.isLeaf)
        throw new Error(
          `${name}: cannot optimize a non-leaf tensor ${formatShape(param.shape)}: detach() it and set requiresGrad`,
        );
      if (!param.isFloating)
        throw new TypeError(`${name}: a parameter is ${param.dtype}; only floating tensors have gradients`);
      if (known.has(param))
        throw new Error(`${name}: a parameter ${formatShape(param.shape)} appears in more than one group`);
      known.add(param);
    }
    this.paramGroups.push(full);
  }

  /** Refuses options that make no sense; subclasses add theirs. */
  protected check(group: ParamGroup<O>): void {
    this.atLeast(group.lr, 'lr', 0);
  }

  protected atLeast(value: number, option: string, low: number, below = Infinity): void {
    if (!(value >= low && value < below))
      throw new RangeError(
        `${this.constructor.name}: ${option} is ${value}: it must be at least ${low}${below === Infinity ? '' : ` and below ${below}`}`,
      );
  }

  /** Steps the parameters of one group, which all have a gradient; both lists are row-major. */
  protected abstract update(group: ParamGroup<O>, batch: Batch): void;

  /**
   * Changes every parameter by its gradient.
   *
   * @param closure computes the loss again, with gradients recorded, and returns it; needed by LBFGS only.
   * @returns what `closure` returned.
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    const loss = closure ? enableGrad(closure) : undefined;
    noGrad(() => {
      for (const group of this.paramGroups) {
        const batch = new Batch(
          group.params.filter((p) => p.innerGrad !== null),
          this.state,
        );
        if (batch.owners.length === 0) continue;
        outsideScopes(() => this.update(group, batch));
        batch.finish();
      }
    });
    return loss;
  }

  /** Forgets all gradients. @param options `setToNull: false` fills them with zeros instead. Default true, as PyTorch 2. */
  zeroGrad({ setToNull = true }: { setToNull?: boolean } = {}): void {
    for (const { params } of this.paramGroups)
      for (const p of params)
        if (setToNull) p.dropGrad();
        else if (p.grad) {
          const g = p.grad.detach();
          copyKernel(g, Tensor.allocate([], g.dtype, true).expand(g.shape));
          g.storage.version++;
          p.grad = g;
        }
  }

  /** Everything that a later `loadStateDict` needs to go on as if nothing had happened. The tensors are not copied. */
  stateDict(): OptimizerStateDict {
    const all = this.paramGroups.flatMap((g) => g.params);
    const state: Record<number, OptimizerState> = {};
    all.forEach((param, i) => {
      const own = this.state.get(param);
      if (own) state[i] = { ...own };
    });
    let next = 0;
    const paramGroups = this.paramGroups.map(({ params, ...options }) => ({
      ...structuredClone(options),
      params: params.map(() => next++),
    }));
    return { state, paramGroups };
  }

  /** Takes over options and state. Errors: another number of groups or parameters; a state tensor of another shape. Nothing changes then. */
  loadStateDict({ state, paramGroups }: OptimizerStateDict): void {
    const name = this.constructor.name;
    const sizes = (groups: readonly { params: readonly unknown[] }[]) =>
      groups.map((g) => g.params.length).join(', ');
    if (sizes(paramGroups) !== sizes(this.paramGroups))
      throw new RangeError(
        `${name}.loadStateDict: the state has groups of [${sizes(paramGroups)}] parameters, this optimizer has [${sizes(this.paramGroups)}]`,
      );
    const byPlace = new Map<number, Tensor>();
    paramGroups.forEach(({ params }, i) => {
      for (const [j, place] of params.entries()) byPlace.set(place, this.paramGroups[i].params[j]);
    });
    const loaded = new Map<Tensor, OptimizerState>();
    for (const [place, entries] of Object.entries(state)) {
      const param = byPlace.get(Number(place));
      if (!param)
        throw new RangeError(`${name}.loadStateDict: state for parameter ${place}, which is in no group`);
      const own: OptimizerState = {};
      for (const [key, value] of Object.entries(entries)) {
        if (value instanceof Tensor && value.ndim > 0 && !sameShape(value.shape, param.shape))
          throw new RangeError(
            `${name}.loadStateDict: ${key} of parameter ${place} is ${formatShape(value.shape)}, the parameter is ${formatShape(param.shape)}`,
          );
        own[key] = value instanceof Tensor ? value.detach().to(param.dtype).clone() : value;
      }
      loaded.set(param, own);
    }
    this.state.clear();
    for (const [param, own] of loaded) this.state.set(param, own);
    paramGroups.forEach(({ params: _, ...options }, i) => {
      Object.assign(this.paramGroups[i], structuredClone(options));
    });
  }

  /** The class and the options of each group, as PyTorch prints them. */
  toString(): string {
    const groups = this.paramGroups.map(({ params: _, ...options }, i) => {
      const lines = Object.entries(options)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `    ${key}: ${Array.isArray(value) ? `(${value.join(', ')})` : value}`);
      return `Parameter Group ${i}\n${lines.join('\n')}`;
    });
    return `${this.constructor.name} (\n${groups.join('\n\n')}\n)`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** The parameters of one group that have a gradient, with row-major memory for the kernels, and their state. */
export class Batch {
  /** The parameters themselves: the keys of the state. */
  readonly owners: readonly Tensor[];
  readonly params: readonly Tensor[];
  readonly grads: readonly Tensor[];
  readonly #state: Map<Tensor, OptimizerState>;

  constructor(owners: readonly Tensor[], state: Map<Tensor, OptimizerState>) {
    this.owners = owners;
    this.#state = state;
    this.params = owners.map((p) => (p.isContiguous ? p : p.clone()));
    this.grads = owners.map((p) => (p.innerGrad as Tensor).detach().contiguous());
  }

  /** The state of the i-th parameter, made with `create` at its first step. */
  stateOf<S extends OptimizerState>(i: number, create: (param: Tensor) => S): S {
    const owner = this.owners[i];
    let own = this.#state.get(owner) as S | undefined;
    if (!own) this.#state.set(owner, (own = create(owner)));
    return own;
  }

  /** The batch split by a key of each parameter, such as its step count, so that one kernel call serves all with the same key. */
  split<K>(keyOf: (i: number) => K): Map<K, number[]> {
    const groups = new Map<K, number[]>();
    for (let i = 0; i < this.owners.length; i++) {
      const key = keyOf(i);
      const places = groups.get(key);
      if (places) places.push(i);
      else groups.set(key, [i]);
    }
    return groups;
  }

  /** Writes parameters that are not row-major back, and tells autograd of the change. */
  finish(): void {
    this.owners.forEach((owner, i) => {
      if (owner !== this.params[i]) copyKernel(owner, this.params[i]);
      owner.storage.version++;
    });
  }
}

/** Zeros in a parameter's shape and dtype, row-major. */
export const zerosLike = (param: Tensor): Tensor => Tensor.allocate(param.shape, param.dtype, true);

/** The items at certain places. */
export const pick = <T>(items: readonly T[], places: readonly number[]): T[] => places.map((i) => items[i]);
