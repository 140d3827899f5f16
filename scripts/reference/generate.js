// Writes the API reference from the records of the operations and the comments of everything that is exported.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exportsOf } from './source.js';

const root = new URL('../../', import.meta.url);
const at = (path) => fileURLToPath(new URL(path, root));

const camel = (name) =>
  name.replace(/([a-zA-Z0-9])_([a-z0-9])/g, (_, before, letter) => before + letter.toUpperCase());

/** A TSDoc comment as Markdown: examples become code, parameters a list. */
export function markdown(doc) {
  const out = [];
  let code = null;
  const close = () => {
    if (code?.join('').trim()) out.push('```ts', ...code, '```');
    code = null;
  };
  for (const line of doc.replace(/(\S) @(example|param|returns) /g, '$1\n@$2 ').split('\n')) {
    const tag = /^@(\w+)\s*(.*)$/.exec(line);
    if (tag) {
      close();
      const [, name, rest] = tag;
      if (name === 'example') {
        out.push('');
        code = rest ? [rest] : [];
      } else if (name === 'param')
        out.push(
          `- ${rest
            .replace(/^(\S+)\s+/, '`$1`: ')
            .replace(/ @param (\S+) /g, '\n- `$1`: ')
            .replace(/ @returns /, '\n- returns ')}`,
        );
      else if (name === 'returns') out.push(`- returns ${rest}`);
      else out.push(rest);
    } else if (code) {
      if (line.trim() === '' || /^(Errors?|Source|Shapes?):/.test(line)) {
        close();
        out.push('', line);
      } else code.push(line);
    } else {
      if (/^- /.test(out.at(-1) ?? '') && /^[A-Z]\w+:/.test(line)) out.push('');
      out.push(line);
    }
  }
  close();
  return out
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** Our call of an operation from PyTorch's signature: what stands behind `*` is a field of the options object. */
function callOf(record) {
  const parameters = /\((.*)\)$/
    .exec(record.torch)[1]
    .split(/,(?![^[(]*[\])])/)
    .map((p) => p.trim())
    .filter(Boolean);
  const star = parameters.indexOf('*');
  const named = (list) =>
    list.map((p) => {
      const [name, value] = p.split('=');
      return p.startsWith('*')
        ? `...${camel(name.slice(1))}`
        : `${camel(name)}${value === undefined ? '' : '?'}`;
    });
  const positional = named(star < 0 ? parameters : parameters.slice(0, star));
  const options = star < 0 ? [] : named(parameters.slice(star + 1));
  const all = options.length > 0 ? [...positional, `{ ${options.join(', ')} }`] : positional;
  return `${record.name}(${all.join(', ')})`;
}

const anchor = (name) => name.toLowerCase().replace(/[^\w-]/g, '');

/** The families of operations, in the order of the reference. */
const families = [
  'creation',
  'random',
  'indexing',
  'shape',
  'joining',
  'elementwise',
  'comparison',
  'reduction',
  'scan',
  'sorting',
  'linear algebra',
  'activation',
  'normalization',
  'convolution',
  'pooling',
  'resampling',
  'embedding',
  'recurrent',
  'attention',
  'loss',
  'vision',
];

/** Pieces of operations that are registered for the checks only. */
const isInternal = (record, known) => !known.has(record.name) && !/[._]/.test(record.name);

function operationsPage(library, docs) {
  const { Tensor, operations } = library;
  const records = [...operations().values()].filter((r) => !r.name.endsWith('_') && !isInternal(r, docs));
  const all = [...new Set([...families, ...records.map((r) => r.family)])];
  const lines = [
    '# Operations',
    '',
    'Every operation of the registry. `x.name(...)` is the method, the tensor being its first argument; `name_` writes over it.',
    '',
  ];
  lines.push(...all.map((family) => `- [${family}](#${family.replace(/ /g, '-')})`), '');
  for (const family of all) {
    const members = records.filter((r) => r.family === family).sort((a, b) => (a.name < b.name ? -1 : 1));
    if (members.length === 0) continue;
    lines.push(`## ${family}`, '');
    for (const record of members) {
      const { name } = record;
      const forms = [];
      if (name in Tensor.prototype) forms.push(`\`x.${name}\``);
      if (`${name}_` in Tensor.prototype) forms.push(`\`x.${name}_\``);
      lines.push(`### ${name}`, '', '```ts', callOf(record), '```', '');
      const doc = docs.get(name)?.doc ?? '';
      if (doc) lines.push(markdown(doc), '');
      const facts = [`PyTorch: \`${record.torch}\``];
      if (forms.length > 0) facts.push(`method: ${forms.join(', ')}`);
      facts.push(
        record.differentiable === true ? 'differentiable, twice' : `no gradient: ${record.differentiable}`,
      );
      if (record.differs) facts.push(`differs: ${record.differs}`);
      lines.push(`${facts.join('; ')}.`, '');
    }
  }
  return `${lines.join('\n').trim()}\n`;
}

function entryLines(entry, level = '##') {
  const lines = [`${level} ${entry.name}`, ''];
  if (entry.signature) lines.push('```ts', entry.signature, '```', '');
  if (entry.doc) lines.push(markdown(entry.doc), '');
  const shown = entry.members.filter((member) => member.doc);
  for (const member of shown)
    lines.push(`- \`${member.signature}\`: ${member.doc.split('\n\n')[0].replace(/\s+/g, ' ')}`);
  if (shown.length > 0) lines.push('');
  return lines;
}

function page(title, intro, entries) {
  const kinds = [
    ['Classes', 'class'],
    ['Functions', 'function', 'value'],
    ['Types', 'type'],
  ];
  const lines = [`# ${title}`, '', intro, ''];
  for (const [heading, ...of] of kinds) {
    const members = entries.filter(
      (entry) => of.includes(entry.kind) && (entry.doc || entry.kind === 'class'),
    );
    if (members.length === 0) continue;
    lines.push(`## ${heading}`, '');
    for (const entry of members.sort((a, b) => (a.name < b.name ? -1 : 1)))
      lines.push(...entryLines(entry, '###'));
  }
  return `${lines.join('\n').trim()}\n`;
}

const introductions = {
  autograd: "Gradients: `import { autograd } from 'gradbook'`. Most of it is exported by itself too.",
  nn: "Layers: `import { nn } from 'gradbook'`.",
  F: "Functional forms of the layers: `import { F } from 'gradbook'`. Operations of the registry are described in [operations](operations.md).",
  linalg: "Linear algebra: `import { linalg } from 'gradbook'`.",
  optim: "Optimizers and learning-rate schedules: `import { optim } from 'gradbook'`.",
  data: "Data sets, samplers and loaders: `import { data } from 'gradbook'`.",
  vision: "Detection: `import { vision } from 'gradbook'`.",
  metric: "Metric learning: `import { metric } from 'gradbook'`.",
  io: "Files: `import { io } from 'gradbook'`.",
};

/** Where the names of a part of PyTorch are looked for. */
function places(library) {
  const { Tensor, autograd, F, linalg, nn, optim, data, vision } = library;
  const proto = Tensor.prototype;
  const schedulers = { ...optim, ...(optim.lrScheduler ?? {}) };
  const getters = {
    is_leaf: 'isLeaf',
    is_contiguous: 'isContiguous',
    requires_grad_: 'requiresGrad_',
    shape: 'shape',
    dtype: 'dtype',
    grad: 'grad',
    grad_fn: 'gradFn',
    ndim: 'ndim',
    size: 'size',
  };
  const fields = new Set(['shape', 'grad', 'size', 'ndim']);
  return {
    'torch.Tensor': (name) =>
      camel(name) in proto || getters[name] in proto || fields.has(name) || name === 'index',
    torch: (name) =>
      camel(name) in library ||
      (name === 'concatenate' && 'concat' in library) ||
      (name === 'from_numpy' && 'fromArray' in library) ||
      (name === 'set_printoptions' && 'setPrintOptions' in library),
    'torch.autograd': (name) => camel(name) in autograd,
    'torch.autograd.functional': (name) => camel(name) in autograd,
    'torch.linalg': (name) => camel(name) in linalg,
    'torch.nn': (name) => name in nn,
    'torch.nn.functional': (name) => camel(name) in F || camel(name) in library,
    'torch.nn.init': (name) => camel(name) in (nn.init ?? {}),
    'torch.nn.utils': (name) =>
      [nn, nn.utils ?? {}, optim].some(
        (part) => camel(name) in part || camel(name).replace(/_$/, '') in part,
      ),
    'torch.optim': (name) => name in optim,
    'torch.optim.lr_scheduler': (name) => name in schedulers,
    // Dataset is an interface, which leaves nothing to find when the program runs.
    'torch.utils.data': (name) => camel(name) in data || name === 'Dataset',
    'torchvision.ops': (name) =>
      [camel(name), name, name.replace('RoIA', 'RoiA')].some((ours) => ours in vision) || name in nn,
  };
}

/** What is there of PyTorch: `yes`, `partly` with the difference, or `no`. */
export function compatibility(library) {
  const names = JSON.parse(readFileSync(new URL('pytorch.json', import.meta.url), 'utf8'));
  const has = places(library);
  const differences = new Map();
  for (const record of library.operations().values())
    if (record.differs)
      differences.set(
        record.torch.replace(/\(.*$/, '').replace(/^(Tensor|nn\.functional)\./, ''),
        record.differs,
      );
  return Object.entries(names).map(([part, list]) => ({
    part,
    rows: list.map((name) => {
      const there = has[part](name);
      const differs = there ? differences.get(name) : undefined;
      return { name, status: there ? (differs ? 'partly' : 'yes') : 'no', note: differs ?? '' };
    }),
  }));
}

function compatibilityPage(library) {
  const parts = compatibility(library);
  const lines = [
    '# What is there of PyTorch',
    '',
    "Names are PyTorch's; gradbook's are the same in camelCase (`index_select` is `indexSelect`). Complex, sparse, quantized and half-precision tensors and devices other than the CPU are not part of gradbook, and not listed.",
    '',
    '| part | yes | partly | no |',
    '|---|---|---|---|',
  ];
  const count = (rows, status) => rows.filter((row) => row.status === status).length;
  for (const { part, rows } of parts)
    lines.push(
      `| [${part}](#${anchor(part.replace(/\./g, ''))}) | ${count(rows, 'yes')} | ${count(rows, 'partly')} | ${count(rows, 'no')} |`,
    );
  for (const { part, rows } of parts) {
    lines.push('', `## ${part}`, '', '| PyTorch | there | note |', '|---|---|---|');
    for (const { name, status, note } of rows) lines.push(`| \`${name}\` | ${status} | ${note} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** All pages of the reference, by file name. @returns {Map<string, string>} */
export function generate(library) {
  const top = exportsOf(at('src/index.ts'));
  const namespaces = [...top.values()].filter((entry) => entry.kind === 'namespace');
  const documented = new Map();
  for (const entry of namespaces)
    for (const [name, inner] of exportsOf(entry.path)) {
      if (!documented.has(name)) documented.set(name, inner);
      documented.set(`${entry.name}.${name}`, inner);
    }
  for (const [name, entry] of top) documented.set(name, entry);
  const registered = library.operations();
  const pages = new Map();
  pages.set('operations.md', operationsPage(library, documented));
  const methods = exportsOf(at('src/ops/description.ts'));
  const autogradMethods = exportsOf(at('src/autograd/tensorMethods.ts'));
  const tensorClass = exportsOf(at('src/tensor/tensor.ts')).get('Tensor');
  const rest = [...top.values()].filter(
    (entry) => entry.kind !== 'namespace' && entry.name !== 'Tensor' && !registered.has(entry.name),
  );
  pages.set(
    'tensor.md',
    page(
      'Tensors',
      "The class `Tensor`, its methods that are no [operations](operations.md), and everything else that `import { ... } from 'gradbook'` gives.",
      [
        tensorClass,
        ...methods.values(),
        ...autogradMethods.values(),
        ...rest.filter((e) => !methods.has(e.name) && !autogradMethods.has(e.name)),
      ],
    ),
  );
  for (const { name, path } of namespaces) {
    const entries = [...exportsOf(path).values()].filter(
      (entry) => entry.kind !== 'namespace' && !(name === 'F' && registered.has(entry.name)),
    );
    pages.set(`${name}.md`, page(name, introductions[name] ?? '', entries));
  }
  pages.set('pytorch.md', compatibilityPage(library));
  const index = [
    '# Reference',
    '',
    'Written by `npm run docs` from the records of the operations and the comments in the source.',
    '',
    '- [operations](operations.md)',
    '- [tensors](tensor.md)',
    ...namespaces.map(({ name }) => `- [${name}](${name}.md)`),
    '- [what is there of PyTorch](pytorch.md)',
    '',
  ];
  pages.set('README.md', index.join('\n'));
  return pages;
}
