import type { nn, Tensor } from '../../src/index.ts';
import { histogram } from '../plot/distributions.ts';
import { Figure, type Trace } from '../plot/figure.ts';
import { plain, plainWords } from '../plot/options.ts';
import { palette } from '../values/colors.ts';
import { statistics, valuesOf } from '../values/numbers.ts';

/** Tensors by name, or a model, whose parameters are meant. */
export type Named = Readonly<Record<string, Tensor>> | nn.AnyModule;

const isModule = (value: Named): value is nn.AnyModule =>
  typeof (value as { namedParameters?: unknown }).namedParameters === 'function';

const entriesOf = (named: Named): [string, Tensor][] =>
  isModule(named) ? named.namedParameters() : Object.entries(named);

/** Distributions one above the other, each to its own height, on one axis. */
function ridges(title: string, sets: readonly [string, ArrayLike<number>][], log: boolean): Figure {
  if (sets.length === 0) throw new RangeError(`${title}: there is nothing to show`);
  const bins = 80;
  const all = sets.map(([, values]) => statistics(values));
  const bound = Math.max(...all.map(({ min, max }) => Math.max(Math.abs(min), Math.abs(max)))) || 1;
  const low = Math.min(0, ...all.map(({ min }) => min));
  const high = Math.max(0, ...all.map(({ max }) => max));
  const [from, to] = low === high ? [-bound, bound] : [low, high];
  const width = (to - from) / bins;
  const data = sets.flatMap(([name, values], i) => {
    const counts = histogram(values, bins, from, to).map((n) => (log ? Math.log1p(n) : n));
    const most = Math.max(1e-12, ...counts);
    const base = sets.length - 1 - i;
    const x = Float64Array.from({ length: bins }, (_, b) => from + (b + 0.5) * width);
    const color = palette[i % palette.length];
    return [
      {
        type: 'scatter',
        mode: 'lines',
        x: [from, to],
        y: [base, base],
        line: { width: 0 },
        hoverinfo: 'skip',
        showlegend: false,
      },
      {
        type: 'scatter',
        mode: 'lines',
        name: plain(name),
        x,
        y: counts.map((n) => base + (0.9 * n) / most),
        fill: 'tonexty',
        fillcolor: `${color}66`,
        line: { color, width: 1.3 },
        showlegend: false,
        hovertemplate: `${plain(name)}: %{x:.4g}<extra></extra>`,
      },
    ];
  });
  return new Figure({
    data: data as unknown as Trace[],
    layout: {
      title: { text: title },
      height: 110 + sets.length * 46,
      xaxis: { zeroline: true },
      yaxis: {
        tickvals: sets.map((_, i) => sets.length - 1 - i + 0.3),
        ticktext: sets.map(([name]) => plain(name)),
        showgrid: false,
        zeroline: false,
      },
    },
  });
}

export interface DistributionOptions {
  title?: string;
  /** Logarithm of the counts, so that tails are seen. Default true. */
  log?: boolean;
}

/**
 * How a model's activations are distributed, layer by layer.
 *
 * @example
 * show.activations({ conv1: h1, conv2: h2, logits })
 * show.activations(model, x)   // runs the model, with hooks on its layers
 */
export function activations(named: Readonly<Record<string, Tensor>>, options?: DistributionOptions): Figure;
export function activations(model: nn.AnyModule, input: Tensor, options?: DistributionOptions): Figure;
export function activations(
  named: Named,
  second?: Tensor | DistributionOptions,
  third?: DistributionOptions,
): Figure {
  if (!isModule(named))
    return distributions('activations', Object.entries(named), second as DistributionOptions);
  const seen: [string, Tensor][] = [];
  const hooks = named
    .namedModules()
    .filter(([name, module]) => name !== '' && module.children().length === 0)
    .map(([name, module]) =>
      module.registerForwardHook((_module, _inputs, output) => {
        const shape = (output as Tensor | undefined)?.shape;
        if (shape) seen.push([`${name} ${module.typeName}`, (output as Tensor).detach()]);
      }),
    );
  try {
    (named as unknown as (input: Tensor) => unknown)(second as Tensor);
  } finally {
    for (const hook of hooks) hook.remove();
  }
  return distributions('activations', seen, third);
}

function distributions(title: string, sets: [string, Tensor][], options: DistributionOptions = {}): Figure {
  return ridges(
    options.title ?? title,
    sets.map(([name, tensor]) => [name, valuesOf(tensor)]),
    options.log ?? true,
  );
}

/** How parameters are distributed, by name. @example show.weights(model) */
export const weights = (named: Named, options?: DistributionOptions): Figure =>
  distributions('weights', entriesOf(named), options);

const gradientsOf = (name: string, named: Named): [string, Tensor][] => {
  const found = entriesOf(named).flatMap(([key, tensor]): [string, Tensor][] =>
    tensor.grad ? [[key, tensor.grad]] : [],
  );
  if (found.length === 0) throw new Error(`${name}: no tensor has a gradient yet: call backward() first`);
  return found;
};

/** How gradients are distributed, parameter by parameter, after a backward. @example show.gradients(model) */
export const gradients = (named: Named, options?: DistributionOptions): Figure =>
  distributions('gradients', gradientsOf('show.gradients', named), options);

/**
 * Mean and greatest size of the gradient of each parameter, from the first layer to the last: whether gradients vanish or explode on the way.
 *
 * @example loss.backward(); show.gradientFlow(model)
 */
export function gradientFlow(named: Named, { title = 'gradient flow' }: { title?: string } = {}): Figure {
  const found = gradientsOf('show.gradientFlow', named);
  const names = found.map(([name]) => name);
  const sizes = found.map(([, gradient]) => {
    const values = valuesOf(gradient);
    let sum = 0;
    let most = 0;
    for (let i = 0; i < values.length; i++) {
      const size = Math.abs(values[i]);
      sum += size;
      if (size > most) most = size;
    }
    return { mean: sum / Math.max(1, values.length), most };
  });
  const bar = (name: string, y: number[], color: string, opacity: number): Trace =>
    ({ type: 'bar', name, x: plainWords(names), y, marker: { color }, opacity }) as unknown as Trace;
  return new Figure({
    data: [
      bar(
        'greatest |gradient|',
        sizes.map(({ most }) => most),
        palette[0],
        0.35,
      ),
      bar(
        'mean |gradient|',
        sizes.map(({ mean }) => mean),
        palette[1],
        1,
      ),
    ],
    layout: {
      title: { text: title },
      barmode: 'overlay',
      bargap: 0.35,
      xaxis: { type: 'category', tickangle: -40 },
      yaxis: { type: 'log', exponentformat: 'power', nticks: 5, title: { text: '|gradient|' } },
      legend: { orientation: 'h', y: 1.12, x: 1, xanchor: 'right' },
    } as never,
  });
}
