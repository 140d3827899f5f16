import type { Symbol as TsSymbol } from 'typescript/unstable/sync';

/** A symbol, as the compiler names it. */
export type Meant = Pick<TsSymbol, 'id' | 'flags'>;

/** A name that can be written at some place. */
export interface Offer {
  name: string;
  /** What it is, in the words of the compiler's completions. */
  type: string;
  symbol?: Meant;
}

/** What the compiler offers at a place, whatever is typed of it: one answer for every letter. */
export class Offers {
  /** In the order in which they are shown. */
  readonly all: readonly Offer[];
  /** The program that they are of, and the place in it. */
  readonly program: number;
  readonly place: number;
  /** The types of those that were shown. */
  readonly signatures = new Map<Offer, string | undefined>();

  constructor(all: readonly Offer[], program: number, place: number) {
    this.all = all;
    this.program = program;
    this.place = place;
  }

  /** Those that begin like `typed`, in any case. */
  fitting(typed: string): Offer[] {
    const wanted = typed.toLowerCase();
    return this.all.filter(({ name }) => name.toLowerCase().startsWith(wanted)).slice(0, 500);
  }
}
