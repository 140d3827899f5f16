import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A tensor as the golden files write it: row-major, `"nan"`, `"inf"` and `"-inf"` for those numbers. */
export interface GoldenTensor {
  data: (number | boolean | string)[];
  shape: number[];
  dtype: string;
  requiresGrad?: boolean;
}

/** One call of one PyTorch operator, and what came of it. */
export interface GoldenCase {
  op: string;
  variant: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  out: unknown[];
  grads?: (GoldenTensor | null)[] | null;
}

export const isGoldenTensor = (value: unknown): value is GoldenTensor =>
  typeof value === 'object' && value !== null && 'data' in value && 'shape' in value && 'dtype' in value;

/** The operators that a folder has cases of, by name, in order. Error: no folder. */
export function goldenOperators(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl.gz'))
    .map((name) => name.replace(/\.jsonl\.gz$/, ''))
    .sort();
}

export const readCases = (folder: string, operator: string): GoldenCase[] =>
  gunzipSync(readFileSync(join(folder, `${operator}.jsonl.gz`)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as GoldenCase);
