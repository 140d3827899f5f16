import { describe, expect, test } from 'vitest';
import { notebookToHtml } from './html.ts';
import { type WidgetStates, widgetToHtml } from './widgets.ts';

const states: WidgetStates = {
  box: {
    model_name: 'VBoxModel',
    state: { children: ['IPY_MODEL_rate', 'IPY_MODEL_kind', 'IPY_MODEL_on', 'IPY_MODEL_out'] },
  },
  rate: {
    model_name: 'FloatSliderModel',
    state: { description: 'η', value: 0.25, min: 0, max: 1, step: 0.05 },
  },
  kind: {
    model_name: 'DropdownModel',
    state: { description: 'kind', _options_labels: ['a', 'b < c'], index: 1 },
  },
  on: { model_name: 'CheckboxModel', state: { description: 'fusion', value: true } },
  out: {
    model_name: 'OutputModel',
    state: { outputs: [{ output_type: 'stream', name: 'stdout', text: 'moved' }] },
  },
};

describe('a widget on a page without a kernel', () => {
  test('shows its controls as they stood, and what they brought about', () => {
    const html = widgetToHtml('box', states, ({ text }) => `<pre>${text}</pre>`)!;
    expect(html).toContain('<input type="range" disabled min="0" max="1" step="any" value="0.25">');
    expect(html).toContain('<output>0.25</output>');
    expect(html).toContain('<option selected>b &lt; c</option>');
    expect(html).toContain('<input type="checkbox" disabled checked>');
    expect(html).toContain('<pre>moved</pre>');
    expect(html).toContain('The controls move in the lab');
  });

  test('is null where its state was not saved', () => {
    expect(widgetToHtml('gone', states, () => '')).toBeNull();
  });

  test('is part of the notebook’s page, in its language, and falls back to its text', () => {
    const cell = (id: string) => ({
      cell_type: 'code' as const,
      source: 'interact(…)',
      metadata: {},
      execution_count: 1,
      outputs: [
        {
          output_type: 'execute_result',
          execution_count: 1,
          metadata: {},
          data: { 'application/vnd.jupyter.widget-view+json': { model_id: id }, 'text/plain': 'VBox(…)' },
        },
      ],
    });
    const metadata = { widgets: { 'application/vnd.jupyter.widget-state+json': { state: states } } };
    const notebook = { cells: [cell('box'), cell('gone')], metadata } as unknown as Parameters<
      typeof notebookToHtml
    >[0];
    const html = notebookToHtml(notebook, 'a', { language: 'zh' });
    expect(html).toContain('<pre class="stdout">moved</pre>');
    expect(html).toContain('控件');
    expect(html).toContain('<pre>VBox(…)</pre>');
  });
});
