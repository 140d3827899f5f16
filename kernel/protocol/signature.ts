import { createHmac, getHashes, timingSafeEqual } from 'node:crypto';

/** How many signatures are remembered, so that a message cannot be sent twice. */
const historySize = 2 ** 16;

/** Signs messages and checks signatures (`hmac-sha256` and the like); an empty key switches both off. */
export class Signer {
  readonly #key: string;
  readonly #hash: string;
  readonly #seen = new Set<string>();

  /** Error: a scheme that is not `hmac-` and a known hash. */
  constructor(key: string, scheme: string) {
    const hash = /^hmac-(.+)$/.exec(scheme)?.[1] ?? '';
    if (!getHashes().includes(hash))
      throw new Error(`signature scheme '${scheme}' is unknown: use hmac-sha256`);
    this.#key = key;
    this.#hash = hash;
  }

  /** The hexadecimal signature of the four JSON frames. */
  sign(frames: readonly (Buffer | string)[]): string {
    if (this.#key === '') return '';
    const hmac = createHmac(this.#hash, this.#key);
    for (const frame of frames) hmac.update(frame);
    return hmac.digest('hex');
  }

  /** Why the message must be dropped, or null. Constant time in the signature; nothing is parsed before. */
  refuse(signature: Buffer, frames: readonly Buffer[]): string | null {
    if (this.#key === '') return null;
    const expected = Buffer.from(this.sign(frames));
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      return 'wrong signature';
    const digest = signature.toString('latin1');
    if (this.#seen.has(digest)) return 'signature seen before';
    this.#seen.add(digest);
    if (this.#seen.size > historySize) {
      let spare = Math.floor(historySize / 10);
      for (const old of this.#seen) {
        if (spare-- === 0) break;
        this.#seen.delete(old);
      }
    }
    return null;
  }
}
