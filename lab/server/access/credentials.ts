import { createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** Compares in constant time, whatever the lengths. */
export function same(given: string, expected: string): boolean {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** `scrypt:<salt>:<hash>`, to keep instead of the password. */
export function hashPassword(password: string, salt = randomBytes(16).toString('hex')): string {
  return `scrypt:${salt}:${scryptSync(password, salt, 32).toString('hex')}`;
}

/** What lets a browser or a program in: the token, a password, or the cookie that either was traded for. */
export class Credentials {
  readonly token: string;
  readonly #passwordHash: string | undefined;
  /** What the cookie holds: of no use to another run of the server. */
  readonly #session = randomBytes(32).toString('hex');

  constructor(token: string, passwordHash?: string) {
    this.token = token;
    this.#passwordHash = passwordHash;
  }

  get hasPassword(): boolean {
    return this.#passwordHash !== undefined;
  }

  /** Whether it is the token or, where there is one, the password. */
  accepts(secret: string): boolean {
    if (secret !== '' && same(secret, this.token)) return true;
    const [, salt] = this.#passwordHash?.split(':') ?? [];
    return salt !== undefined && same(hashPassword(secret, salt), this.#passwordHash!);
  }

  isToken(secret: string): boolean {
    return secret !== '' && same(secret, this.token);
  }

  isSession(cookie: string | undefined): boolean {
    return cookie !== undefined && same(cookie, this.#session);
  }

  /** Guards the login form against being sent from another page. */
  formToken(): string {
    return createHmac('sha256', this.#session).update('login').digest('hex');
  }

  get session(): string {
    return this.#session;
  }
}
