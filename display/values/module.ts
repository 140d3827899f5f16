import { nn, Summary } from '../../src/index.ts';
import { escapeHtml, page } from '../html.ts';
import { register } from '../registry.ts';
import { formatBytes, formatCount } from './numbers.ts';
import { Table } from './table.ts';

type AnyModule = nn.AnyModule;

const countOf = (module: AnyModule): number => module.parameters().reduce((sum, { size }) => sum + size, 0);

/** A module's name, its settings, and how many parameters are below it. */
function headOf(name: string, module: AnyModule): string {
  const extra = module.extraRepr().replaceAll('\n', ', ');
  const count = countOf(module);
  return `${name ? `<span class="dim">${escapeHtml(name)}: </span>` : ''}<b>${escapeHtml(module.typeName)}</b>${extra ? `(<code>${escapeHtml(extra)}</code>)` : ''}${count > 0 ? ` <span class="dim">${formatCount(count)}</span>` : ''}`;
}

/** Children below a fold; equal neighbours deep in a large model stay folded. */
function treeOf(name: string, module: AnyModule, depth: number): string {
  const own = module
    .namedParameters({ recurse: false })
    .concat(module.namedBuffers({ recurse: false }) as never)
    .map(
      ([key, tensor]) =>
        `<div class="leaf"><span class="dim">${escapeHtml(key)}</span> <span class="tag">(${tensor.shape.join(', ')})</span>${tensor.requiresGrad ? '' : '<span class="dim">fixed</span>'}</div>`,
    )
    .join('');
  const children = module.namedChildren();
  if (children.length === 0 && own === '') return `<div class="leaf">${headOf(name, module)}</div>`;
  const open = depth === 0 || (depth === 1 && children.length > 0 && children.length <= 12) ? ' open' : '';
  return `<details${open}><summary>${headOf(name, module)}</summary>${own}${children.map(([key, child]) => treeOf(key, child, depth + 1)).join('')}</details>`;
}

register(nn.AnyModule, (module) => {
  const parameters = module.parameters();
  const total = countOf(module);
  const trainable = parameters.reduce((sum, p) => sum + (p.requiresGrad ? p.size : 0), 0);
  const bytes = parameters.reduce((sum, p) => sum + p.size * p.elements.BYTES_PER_ELEMENT, 0);
  const facts = `${formatCount(total)} parameters${trainable < total ? `, ${formatCount(trainable)} trainable` : ''}, ${formatBytes(bytes)}, ${module.training ? 'training' : 'evaluation'} mode`;
  return {
    'text/html': page(`${treeOf('', module, 0)}<div class="dim">${facts}</div>`),
    'text/plain': module.toString(),
  };
});

register(Summary, (summary) => ({
  'text/html': new Table(summary.rows, {
    caption: summary.totals.join('\n'),
    limit: 200,
    rightAligned: ['parameters', 'MACs', 'output', 'field', 'stride', 'padding'],
  }).toHtml(),
  'text/plain': summary.toString(),
}));
