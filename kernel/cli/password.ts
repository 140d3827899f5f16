import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { hashPassword } from '../../lab/server/access/credentials.ts';
import { writeWhole } from '../../lab/server/contents/atomic.ts';
import { jupyterConfigFolder } from '../../lab/server/page/folders.ts';

const passwordFile = (): string => join(jupyterConfigFolder(), 'gradbook-password');

/** The hash that {@link setPassword} kept. Error: the file holds something else. */
export function storedPassword(): string | undefined {
  const file = passwordFile();
  if (!existsSync(file)) return undefined;
  const hash = readFileSync(file, 'utf8').trim();
  if (!/^scrypt:[0-9a-f]{32}:[0-9a-f]{64}$/.test(hash))
    throw new Error(`${file} holds no password: set it anew with gradbook password`);
  return hash;
}

/** Asks on the terminal without showing what is typed; behind a pipe, reads lines. */
async function ask(questions: readonly string[]): Promise<string[]> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY });
  const lines = terminal[Symbol.asyncIterator]();
  terminal.on('SIGINT', () => terminal.close());
  const answers: string[] = [];
  try {
    for (const question of questions) {
      process.stderr.write(question);
      const { value, done } = await lines.next();
      process.stderr.write('\n');
      if (done) throw new Error('no password was given; nothing is changed');
      answers.push(value);
    }
    return answers;
  } finally {
    terminal.close();
  }
}

/**
 * Asks for a password twice and keeps its hash, for the login page of `gradbook lab`.
 *
 * @returns the file that holds the hash, which only the user can read.
 * Errors: shorter than 8 characters, the two differ.
 */
export async function setPassword(): Promise<string> {
  const [password, again] = await ask(['Password: ', 'Again: ']);
  if (password.length < 8)
    throw new Error(`the password has ${password.length} characters; it needs at least 8`);
  if (password !== again) throw new Error('the two differ; nothing is changed');
  const file = passwordFile();
  await mkdir(dirname(file), { recursive: true });
  await writeWhole(file, `${hashPassword(password)}\n`);
  await chmod(file, 0o600);
  return file;
}

/** Whether there was one to remove. */
export async function removePassword(): Promise<boolean> {
  const there = existsSync(passwordFile());
  await rm(passwordFile(), { force: true });
  return there;
}
