import { inspect } from 'node:util';
import { escapeHtml, page } from '../html.ts';
import { brief, plainText, register } from '../registry.ts';
import { formatBytes, formatCount, statistics } from './numbers.ts';
import { dataUri } from './png.ts';
import { sparkline, statisticsText } from './tensor.ts';

const short = (value: unknown): string => {
  const text =
    typeof value === 'string'
      ? value
      : inspect(value, {
          depth: 1,
          breakLength: Number.POSITIVE_INFINITY,
          maxArrayLength: 10,
          maxStringLength: 300,
        });
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

const limit = 100;
const more = (size: number): string =>
  size > limit ? ` <span class="dim">(first ${limit} shown)</span>` : '';

register(Map, (map) => {
  const rows = [...map.entries()].slice(0, limit);
  return {
    'text/html': page(
      `<div><span class="tag">Map</span> <span class="dim">${formatCount(map.size)} entries</span>${more(map.size)}</div><table><thead><tr><th class="l">key</th><th class="l">value</th></tr></thead><tbody>${rows
        .map(
          ([key, value]) =>
            `<tr><td class="l">${escapeHtml(short(key))}</td><td class="l">${escapeHtml(short(value))}</td></tr>`,
        )
        .join('')}</tbody></table>`,
    ),
    'text/plain': plainText(map),
  };
});

register(Set, (set) => ({
  'text/html': page(
    `<div><span class="tag">Set</span> <span class="dim">${formatCount(set.size)} values</span>${more(set.size)}</div><div class="row">${[
      ...set,
    ]
      .slice(0, limit)
      .map((value) => `<span class="tag">${escapeHtml(short(value))}</span>`)
      .join(' ')}</div>`,
  ),
  'text/plain': plainText(set),
}));

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** `3 days ago`, `in 2 hours` */
function relative(date: Date, now = Date.now()): string {
  const seconds = (date.getTime() - now) / 1000;
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

register(Date, (date) => {
  if (Number.isNaN(date.getTime())) return { 'text/plain': 'Invalid Date' };
  const local = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' }).format(date);
  return {
    'text/html': page(
      `<code>${date.toISOString()}</code> <span class="dim">${escapeHtml(`${local}, ${relative(date)}`)}</span>`,
    ),
    'text/plain': date.toISOString(),
  };
});

/** What a stack trace shows of an error that is a value, not a failure. */
register(Error, (error) => {
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((row) => /^\s+at /.test(row) && !/node:internal|\/gradbook\/|kernel\/runtime/.test(row));
  const cause =
    error.cause === undefined
      ? ''
      : `<div class="dim">caused by ${escapeHtml(error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : short(error.cause))}</div>`;
  const stack =
    frames.length > 0
      ? `<details><summary class="dim">${frames.length} ${frames.length === 1 ? 'frame' : 'frames'}</summary><pre>${escapeHtml(frames.join('\n'))}</pre></details>`
      : '';
  return {
    'text/html': page(
      `<div><b style="color:var(--jp-error-color1,var(--vscode-errorForeground,#d32f2f))">${escapeHtml(error.name)}</b>: ${escapeHtml(brief(error.message, 10_000))}</div>${cause}${stack}`,
    ),
    'text/plain': brief(`${error.name}: ${error.message}`, 10_000),
  };
});

const signatures: readonly [string, (bytes: Uint8Array) => boolean][] = [
  ['image/png', (b) => b[0] === 0x89 && b[1] === 0x50 && b[2] === 0x4e && b[3] === 0x47],
  ['image/jpeg', (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff],
  ['image/gif', (b) => b[0] === 0x47 && b[1] === 0x49 && b[2] === 0x46 && b[3] === 0x38],
  [
    'image/webp',
    (b) =>
      Buffer.from(b.subarray(0, 4)).toString('latin1') === 'RIFF' &&
      Buffer.from(b.subarray(8, 12)).toString('latin1') === 'WEBP',
  ],
  [
    'image/svg+xml',
    (b) =>
      /^(?:\ufeff)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]/.test(
        Buffer.from(b.subarray(0, 600)).toString('utf8'),
      ),
  ],
];

/** A picture's MIME type from its first bytes, or null. */
export const imageType = (bytes: Uint8Array): string | null =>
  bytes.length < 12 ? null : (signatures.find(([, matches]) => matches(bytes))?.[0] ?? null);

register(Uint8Array, (bytes) => {
  const type = imageType(bytes);
  if (!type) return null;
  const text = `<${type.replace('image/', '').replace('+xml', '').toUpperCase()} image, ${formatBytes(bytes.length)}>`;
  if (type === 'image/svg+xml') {
    // Shown as an image, an SVG cannot run the scripts it may contain.
    return {
      'text/html': `<img src="${dataUri(bytes, type)}" alt="" style="background:#fff">`,
      'text/plain': text,
    };
  }
  if (type === 'image/webp')
    return { 'text/html': `<img src="${dataUri(bytes, type)}" alt="">`, 'text/plain': text };
  return {
    [type]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    'text/plain': text,
  };
});

const TypedArrayBase = Object.getPrototypeOf(Uint8Array) as abstract new () => ArrayLike<number>;

register(TypedArrayBase, (array) => {
  const text = plainText(array);
  if (array.length < 2 || typeof array[0] === 'bigint') return { 'text/plain': text };
  const bytes = (array as unknown as ArrayBufferView).byteLength;
  return {
    'text/html': page(
      `<div><span class="tag">${escapeHtml(array.constructor.name)}(${formatCount(array.length)})</span> <span class="dim">${formatBytes(bytes)}, ${statisticsText(statistics(array))}</span></div><div class="row">${sparkline(array)}</div><details${array.length <= 100 ? ' open' : ''}><summary class="dim">values</summary><pre>${escapeHtml(text)}</pre></details>`,
    ),
    'text/plain': text,
  };
});
