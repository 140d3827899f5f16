import { escapeHtml } from './ansi.ts';

type Fields = Record<string, unknown>;

/** The widgets' states that a notebook keeps in its metadata, by model. */
export type WidgetStates = Readonly<Record<string, { model_name?: string; state?: Fields }>>;

export const widgetType = 'application/vnd.jupyter.widget-view+json';

export function widgetStatesOf(metadata: Fields | undefined): WidgetStates {
  const widgets = metadata?.widgets as Fields | undefined;
  const saved = widgets?.['application/vnd.jupyter.widget-state+json'] as Fields | undefined;
  return (saved?.state as WidgetStates | undefined) ?? {};
}

const notes = {
  en: 'The controls move in the lab, where a kernel runs; this is what they showed when the notebook was saved.',
  zh: '控件在实验室（有内核运行时）里可以拖动；这里显示的是保存笔记时的状态。',
} as const;

const control = (description: unknown, input: string, readout = ''): string =>
  `<label class="control"><span>${escapeHtml(String(description ?? ''))}</span>${input}<output>${escapeHtml(readout)}</output></label>`;

/** A range, a day (whose months count from 0), or anything else as it is. */
function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(' – ');
  const { year, month, date } = value as Record<'year' | 'month' | 'date', number | undefined>;
  return year === undefined || month === undefined || date === undefined
    ? String(value)
    : [year, month + 1, date].map((part) => String(part).padStart(2, '0')).join('-');
}

const childrenOf = ({ children }: Fields): string[] =>
  (Array.isArray(children) ? children : []).map((child) => String(child).replace(/^IPY_MODEL_/, ''));

/**
 * A widget as it stood when its notebook was saved: controls that do not move, and what they brought about.
 *
 * @param outputOf turns an output of the notebook format into HTML. Null for a widget whose state is not there.
 */
export function widgetToHtml(
  id: string,
  states: WidgetStates,
  outputOf: (output: Fields) => string,
  language = 'en',
): string | null {
  const drawn = (model: string): string => {
    const { model_name: name = '', state = {} } = states[model] ?? {};
    const { description, value } = state;
    if (/Slider|Progress/.test(name) && typeof value === 'number') {
      const [min, max] = [state.min, state.max].map(Number);
      if (name.endsWith('ProgressModel'))
        return control(
          description,
          `<progress max="${max - min}" value="${value - min}"></progress>`,
          String(value),
        );
      // The ends of a logarithmic slider are exponents.
      const place = name === 'FloatLogSliderModel' ? Math.log(value) / Math.log(Number(state.base)) : value;
      return control(
        description,
        `<input type="range" disabled min="${min}" max="${max}" step="any" value="${place}">`,
        String(value),
      );
    }
    if (name === 'CheckboxModel')
      return control(description, `<input type="checkbox" disabled${value ? ' checked' : ''}>`);
    if (Array.isArray(state._options_labels)) {
      const options = state._options_labels.map(
        (label, i) => `<option${i === state.index ? ' selected' : ''}>${escapeHtml(String(label))}</option>`,
      );
      return control(description, `<select disabled>${options.join('')}</select>`);
    }
    if (name === 'OutputModel')
      return (Array.isArray(state.outputs) ? (state.outputs as Fields[]) : []).map(outputOf).join('');
    if (name === 'HTMLModel') return String(value ?? '');
    if (name === 'PlayModel') return '<button type="button" disabled>▶</button>';
    const children = childrenOf(state).map(drawn).join('');
    if (children) return children;
    if (name === 'ButtonModel')
      return `<button type="button" disabled>${escapeHtml(String(description))}</button>`;
    return value === undefined || value === null ? '' : control(description, '', wordsOf(value));
  };
  if (!states[id]) return null;
  const note = notes[language.startsWith('zh') ? 'zh' : 'en'];
  return `<div class="widget">${drawn(id)}<p class="note">${note}</p></div>`;
}
