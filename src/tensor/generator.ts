const words = 624;
const shift = 397;

/** Everything that decides a generator's next numbers. */
export interface GeneratorState {
  readonly seed: number;
  readonly words: Uint32Array;
  readonly next: number;
  readonly spareNormal: number | null;
}

/** Where a generator's stream is, to read and to write: 624 words, and which of them comes next. For kernels that draw many numbers. */
export let streamOf: (generator: Generator) => Int32Array;

/**
 * A source of pseudo-random numbers: the Mersenne twister (mt19937) as PyTorch's CPU generator seeds and reads it, so that equal seeds
 * give equal streams in both.
 *
 * @example
 * randn([2, 3], { generator: new Generator(0) })
 *
 * Source: `torch.Generator`; Matsumoto and Nishimura 1998.
 */
export class Generator {
  /** The generator of every random operation that is not given one. */
  static readonly default: Generator = new Generator();

  /** The words, and behind them which of them comes next. */
  readonly #state = new Int32Array(words + 1);
  #seed = 0;
  #spareNormal: number | null = null;

  static {
    streamOf = (generator) => generator.#state;
  }

  /** @param seed a whole number; by default one that differs each time. */
  constructor(seed?: number) {
    if (seed === undefined) this.seed();
    else this.manualSeed(seed);
  }

  /** Starts the stream that belongs to `seed`, a whole number of which the low 32 bits count. Returns the generator. */
  manualSeed(seed: number): this {
    if (!Number.isSafeInteger(seed))
      throw new RangeError(
        `manualSeed: seed ${seed} is not a whole number between -2^53 and 2^53: use one, such as 0`,
      );
    const state = this.#state;
    let word = (seed % 2 ** 32) | 0;
    state[0] = word;
    for (let i = 1; i < words; i++) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) | 0;
      state[i] = word;
    }
    state[words] = words;
    this.#seed = seed;
    this.#spareNormal = null;
    return this;
  }

  /** Starts a stream that nobody can foresee, and returns its seed. */
  seed(): number {
    const seed = crypto.getRandomValues(new Uint32Array(2));
    const value = (seed[0] & 0x1fffff) * 2 ** 32 + seed[1];
    this.manualSeed(value);
    return value;
  }

  /** The seed that the stream started from. */
  initialSeed(): number {
    return this.#seed;
  }

  /** A copy of where the stream is. */
  getState(): GeneratorState {
    return {
      seed: this.#seed,
      words: new Uint32Array(this.#state.subarray(0, words)),
      next: this.#state[words],
      spareNormal: this.#spareNormal,
    };
  }

  /** Continues from where a stream was. Error: not a state of `getState`. */
  setState(state: GeneratorState): this {
    if (!(state?.words instanceof Uint32Array) || state.words.length !== words)
      throw new TypeError('setState: this is not a state that getState() returned');
    this.#state.set(state.words);
    this.#state[words] = state.next;
    this.#seed = state.seed;
    this.#spareNormal = state.spareNormal;
    return this;
  }

  /** A generator that continues the same stream on its own. */
  clone(): Generator {
    return new Generator(0).setState(this.getState());
  }

  #twist(): void {
    const s = this.#state;
    const mix = (high: number, low: number): number => {
      const y = (high & 0x80000000) | (low & 0x7fffffff);
      return (y >>> 1) ^ (low & 1 ? 0x9908b0df : 0);
    };
    let i = 0;
    for (; i < words - shift; i++) s[i] = s[i + shift] ^ mix(s[i], s[i + 1]);
    for (; i < words - 1; i++) s[i] = s[i + shift - words] ^ mix(s[i], s[i + 1]);
    s[words - 1] = s[shift - 1] ^ mix(s[words - 1], s[0]);
    s[words] = 0;
  }

  /** The next 32 random bits, as a number from -2^31 to 2^31 - 1. */
  bits(): number {
    const state = this.#state;
    if (state[words] === words) this.#twist();
    let y = state[state[words]++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  /** A whole number from 0 to `range` - 1 (`range` up to 2^53): 32 bits are drawn for ranges below 2^28, else 64. */
  below(range: number | bigint): number {
    if (range < 2 ** 28) return (this.bits() >>> 0) % Number(range);
    const high = this.bits() >>> 0;
    const low = this.bits() >>> 0;
    return Number(((BigInt(high) << 32n) | BigInt(low)) % BigInt(range));
  }

  /** A number in [0, 1) of 24 bits, from 32 drawn bits. */
  uniform24(): number {
    return (this.bits() & 0xffffff) * 2 ** -24;
  }

  /** A number in [0, 1) of 53 bits, from 64 drawn bits. */
  uniform53(): number {
    const high = this.bits() & 0x1fffff;
    const low = this.bits() >>> 0;
    return (high * 2 ** 32 + low) * 2 ** -53;
  }

  /** A standard normal number (Box and Muller 1958); every second one was computed with the one before. */
  normal(): number {
    const spare = this.#spareNormal;
    if (spare !== null) {
      this.#spareNormal = null;
      return spare;
    }
    const angle = 2 * Math.PI * this.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform53()));
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/**
 * Seeds the default generator, so that what follows can be repeated, here and in PyTorch.
 *
 * @example
 * manualSeed(0); rand([2]) // tensor([0.4963, 0.7682])
 *
 * Source: `torch.manual_seed`.
 */
export const manualSeed = (seed: number): Generator => Generator.default.manualSeed(seed);

/** Seeds the default generator with a number that differs each time, and returns it. Source: `torch.seed`. */
export const seed = (): number => Generator.default.seed();

/** The seed of the default generator. Source: `torch.initial_seed`. */
export const initialSeed = (): number => Generator.default.initialSeed();

/** Where the default generator's stream is. Source: `torch.get_rng_state`. */
export const getRngState = (): GeneratorState => Generator.default.getState();

/** Puts the default generator back to where it was. Source: `torch.set_rng_state`. */
export function setRngState(state: GeneratorState): void {
  Generator.default.setState(state);
}
