import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readNotebook } from '../../kernel/cli/notebook.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Row {
  heading: string;
  notebooks: string[];
  result: string;
}

/** The README's table of notebooks. */
const rows: Row[] = readFileSync(join(root, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|') && line.includes('](notebooks/'))
  .map((line) => {
    const [, heading, links, result] = line.split('|').map((cell) => cell.trim());
    return {
      heading,
      notebooks: [...links.matchAll(/\((notebooks\/[^)]+)\)/g)].map(([, path]) => path),
      result,
    };
  });

/** The note's headings that have something below them. */
const headings = [
  '归一化和标准化',
  '正则化',
  '一维、二维、三维卷积',
  '梯度消失与梯度爆炸',
  'loss权重设计',
  '多标签分类，二分类，多分类',
  'Batchnorm',
  'SGD',
  'MaxPooling',
  'Avg Pooling',
  'CONV',
  'BN',
  '深度度量学习',
  '分组卷积',
  '空洞卷积(Dilated Convolution)',
  'FPN(特征金字塔网络)',
  '金字塔与SSD的区别',
];

/** What a notebook printed, as it is stored. */
function printed(path: string): string {
  const outputs = readNotebook(join(root, path)).cells.flatMap(({ outputs = [] }) => outputs) as {
    text?: string | string[];
    data?: Record<string, unknown>;
  }[];
  return outputs.flatMap(({ text, data }) => [text ?? data?.['text/plain'] ?? ''].flat()).join('\n');
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const two = (value: number): string => String(Number(value.toPrecision(2)));

/** Where the numbers of a result stand in the notebook's outputs, and how the README writes them. */
const results: Record<string, { of: RegExp; as: (...values: number[]) => string }[]> = {
  '00-getting-started': [{ of: /([\d.]+) % of 2004 digits/, as: (share) => `${Math.round(share)} %` }],
  '01-normalization-standardization': [
    {
      of: /raw\s+(\S+)\s+\S+\nnormalized.*\nstandardized\s+(\S+)/,
      as: (raw, z) => `${two(raw / 1e10)} · 10¹⁰ falls to ${Math.round(z)}`,
    },
    {
      of: /raw\s+\S+\s+(\S+)\nnormalized.*\nstandardized\s+\S+\s+(\S+)/,
      as: (raw, z) => `${raw.toFixed(2)} and ${z.toFixed(2)}`,
    },
  ],
  '02-regularization': [
    {
      of: /L2: (\d+) zeros of 20\nL1, subgradient: (\d+) zeros of 20\nL1, proximal: (\d+) zeros/,
      as: (l2, sub, proximal) => `${l2}, ${sub} and ${proximal} of 20 weights`,
    },
  ],
  '03-convolution-1d-2d-3d': [
    {
      of: /Conv1d\D+\(32, 16, 3\)\s+(\d+)\nConv2d.*\)\s+(\d+)\nConv3d.*\)\s+(\d+)/,
      as: (...counts) => counts.map((n) => n.toLocaleString('en')).join(' / '),
    },
  ],
  '04-vanishing-exploding-gradients': [
    {
      of: /50\s+(0\.0e\+0)\s+(\S+)/,
      as: (single, double) => `exactly ${single} in float32 (${double} in float64)`,
    },
  ],
  '05-loss-weights': [
    { of: /\nSGD\s+(\S+)/, as: (gap) => `${gap.toExponential(0)} for SGD` },
    { of: /\nAdam\s+(\S+)/, as: (gap) => `${two(gap)} for Adam` },
  ],
  '06-multilabel-binary-multiclass': [
    { of: /\n\s+10\s+([\d.]+)/, as: (floor) => `below ${floor}` },
    {
      of: /accuracy: ([\d.]+) % with logits, ([\d.]+) % with softmax twice/,
      as: (right, twice) => `${Math.round(twice)} % instead of ${Math.round(right)} %`,
    },
  ],
  '07-batchnorm': [
    {
      of: /statistics of the batch\s+(\S+)\n.*frozen\s+(\S+)/,
      as: (ruined, kept) => `${percent(ruined)}; frozen, ${percent(kept)}`,
    },
  ],
  '08-sgd-from-scratch': [
    { of: /x = (\S+), f\(x\) = (\S+): done/, as: (x, f) => `f(${x}) = ${f.toFixed(2)}` },
  ],
  '09-max-pooling': [
    { of: /3 x 3\s+1\s+.*?(\S+)\s+(\S+)\n/, as: (dx, dy) => `${dx.toFixed(1)} of ${dy.toFixed(1)}` },
  ],
  '10-average-pooling': [
    { of: /3 x 3\s+1\s+.*?(\S+)\s+(\S+)\n/, as: (dx, dy) => `${dx.toFixed(1)} of ${dy.toFixed(1)}` },
  ],
  '11-convolution-from-scratch': [
    {
      of: /one image: \[ (\d+), (\d+), (\d+), (\d+) \]\ntwo images: /,
      as: (...shape) => `(${shape.join(', ')})`,
    },
  ],
  '12-batchnorm-from-scratch': [
    {
      of: /note: +gamma, beta\nlibrary: weight, bias, running_mean, running_var, num_batches_tracked/,
      as: () => 'five differences',
    },
  ],
  '13-metric-learning': [
    {
      of: /pixels\s+(\S+)\s+\S+\nall\s+(\S+).*\nsemi-hard.*\nbatch-hard\s+(\S+)/,
      as: (pixels, learned, collapsed) =>
        `from ${percent(pixels)} to ${percent(learned)}; collapsed, ${percent(collapsed)}`,
    },
  ],
  '14-grouped-convolution': [
    {
      of: /standard\s+(\d+)\s+\S+\nseparable\s+(\d+)\s/,
      as: (standard, separable) =>
        `${separable.toLocaleString('en')} parameters instead of ${standard.toLocaleString('en')}`,
    },
  ],
  '15-dilated-convolution': [
    {
      of: /IoU: (\S+) plain, (\S+) dilated/,
      as: (plain, dilated) => `IoU ${dilated.toFixed(2)} instead of ${plain.toFixed(2)}`,
    },
  ],
  '16-fpn': [{ of: /all: (\S+),/, as: (map) => `mAP ${map.toFixed(2)}` }],
  '17-fpn-vs-ssd': [
    { of: /inside\s+(\S+)\s+(\S+)/, as: (ssd, fpn) => `${ssd.toFixed(2)} to ${fpn.toFixed(2)}` },
    { of: /all\s+(\S+)\s+(\S+)/, as: (ssd, fpn) => `${ssd.toFixed(2)} against ${fpn.toFixed(2)}` },
  ],
};

describe('the README’s table of notebooks', () => {
  test('has every heading of the note, in its order', () => {
    const inTable = rows.flatMap(({ heading }) => heading.split(', ')).filter((heading) => heading !== '');
    expect(inTable).toEqual(headings);
  });

  test('links to notebooks that exist in both editions, each once', () => {
    const paths = rows.flatMap(({ notebooks }) => notebooks);
    for (const path of paths)
      expect([path, existsSync(join(root, path)), existsSync(join(root, path.replace('/', '/zh/')))]).toEqual(
        [path, true, true],
      );
    expect(new Set(paths).size).toBe(paths.length);
    expect(
      paths.map((path) => path.replace(/^notebooks\/|\.ipynb$/g, '')).filter((name) => name !== '00-gallery'),
    ).toEqual(Object.keys(results));
  });

  test.each(Object.keys(results))('says what the stored notebook %s printed', (name) => {
    const path = `notebooks/${name}.ipynb`;
    const row = rows.find(({ notebooks }) => notebooks.includes(path))!;
    const text = printed(path);
    for (const { of, as } of results[name]) {
      const found = of.exec(text);
      expect(found, `${of} in what ${name} printed`).not.toBeNull();
      expect(row.result).toContain(as(...found!.slice(1).map(Number)));
    }
  });
});
