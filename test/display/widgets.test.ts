import { beforeEach, describe, expect, test } from 'vitest';
import {
  anywidget,
  display,
  interact,
  jsdlink,
  jslink,
  link,
  plot,
  progress,
  widgets,
} from '../../display/index.ts';
import { joinBuffers, splitBuffers } from '../../display/widgets/buffers.ts';
import { type Recorder, record, type TestComm } from './recorder.ts';

let host: Recorder;
beforeEach(() => {
  host = record();
});

const stateOf = (index: number) => host.opened[index].data.state as Record<string, unknown>;
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('the protocol', () => {
  test('a widget opens a comm with its whole state, version 2.1.0', () => {
    const slider = new widgets.IntSlider({ value: 3, max: 10, description: 'layers' });
    const { target, data, metadata, comm } = host.opened.find(({ comm: { id } }) => id === slider.modelId)!;
    expect(target).toBe('jupyter.widget');
    expect(metadata).toEqual({ version: '2.1.0' });
    expect(comm.id).toBe(slider.modelId);
    expect(data.state).toMatchObject({
      _model_module: '@jupyter-widgets/controls',
      _model_module_version: '2.0.0',
      _model_name: 'IntSliderModel',
      _view_name: 'IntSliderView',
      value: 3,
      min: 0,
      max: 10,
      continuous_update: true,
      readout_format: 'd',
      description: 'layers',
    });
    expect((data.state as { layout: string }).layout).toMatch(/^IPY_MODEL_/);
    // What it refers to was opened before it.
    expect(stateOf(0)._model_name).toBe('LayoutModel');
  });

  test('setting a trait sends an update; the front-end’s is echoed and observed, not sent back', () => {
    const slider = new widgets.IntSlider({ max: 10 });
    const comm = host.commOf('IntSliderModel');
    slider.value = 7;
    expect(comm.sent.map(({ data }) => data)).toEqual([
      { method: 'update', state: { value: 7 }, buffer_paths: [] },
    ]);
    const seen: unknown[] = [];
    slider.observe(({ old, value, fromUser }) => seen.push([old, value, fromUser]));
    comm.receive({ method: 'update', state: { value: 9 }, buffer_paths: [] });
    expect(slider.value).toBe(9);
    expect(seen).toEqual([[7, 9, true]]);
    expect(comm.sent.slice(1).map(({ data }) => data.method)).toEqual(['echo_update']);
  });

  test('a value that is corrected goes back to the front-end', () => {
    const slider = new widgets.IntSlider({ max: 10 });
    const comm = host.commOf('IntSliderModel');
    comm.receive({ method: 'update', state: { value: 50 }, buffer_paths: [] });
    expect(slider.value).toBe(10);
    expect(comm.sent.at(-1)!.data).toMatchObject({ method: 'update', state: { value: 10 } });
  });

  test('request_state and request_states are answered', () => {
    const slider = new widgets.FloatSlider({ value: 2 });
    const comm = host.commOf('FloatSliderModel');
    comm.receive({ method: 'request_state' });
    expect(comm.sent[0].data).toMatchObject({
      method: 'update',
      state: { value: 2, _model_name: 'FloatSliderModel' },
    });
    const control = { sent: [] as Record<string, unknown>[], onMessage: (_: unknown) => {} };
    host.targets.get('jupyter.widget.control')!(
      Object.assign(control, { send: (data: Record<string, unknown>) => control.sent.push(data) }) as never,
      {} as never,
    );
    control.onMessage({ data: { method: 'request_states' }, metadata: {}, buffers: [] });
    expect(control.sent[0]).toMatchObject({
      method: 'update_states',
      states: { [slider.modelId]: { model_name: 'FloatSliderModel', state: { value: 2 } } },
    });
  });

  test('bytes go beside the state and come back', () => {
    const { state, paths, buffers } = splitBuffers({
      a: Uint8Array.of(1),
      list: [Uint8Array.of(2), 3],
      b: { c: 4 },
    });
    expect(state).toEqual({ list: [null, 3], b: { c: 4 } });
    expect(paths).toEqual([['a'], ['list', 0]]);
    expect(joinBuffers(state, paths, buffers)).toEqual({
      a: Uint8Array.of(1),
      list: [Uint8Array.of(2), 3],
      b: { c: 4 },
    });
    expect(() => joinBuffers({}, [['x', 'y']], [Uint8Array.of(1)])).toThrow('x.y leads nowhere');
    new widgets.Image({ value: Uint8Array.of(9, 8) });
    const opened = host.opened.at(-1)!;
    expect(opened.data.buffer_paths).toEqual([['value']]);
    expect([...opened.buffers[0]]).toEqual([9, 8]);
  });

  test('a value of the wrong type, or beyond its bounds, is an error or a correction that names the widget', () => {
    const {
      IntSlider,
      FloatSlider,
      IntText,
      BoundedFloatText,
      IntRangeSlider,
      FloatRangeSlider,
      FloatLogSlider,
    } = widgets;
    expect(() => new IntSlider({ value: 2.5 })).toThrow(
      'IntSlider: value must be a whole number, got 2.5: use FloatSlider',
    );
    expect(() => new IntSlider({ min: 10, max: 5 })).toThrow('IntSlider: min 10 is above max 5');
    expect(() => new IntText({ value: 0.5 })).toThrow(
      'IntText: value must be a whole number, got 0.5: use FloatText',
    );
    expect(() => new FloatSlider({ value: Number.NaN })).toThrow(
      'FloatSlider: value must be a number, got NaN',
    );
    expect(() => new IntRangeSlider({ value: [8, 2] })).toThrow(
      'IntRangeSlider: the range [8, 2] is the wrong way round',
    );
    expect(() => new FloatRangeSlider({ value: 3 as never })).toThrow(
      'FloatRangeSlider: value must be a pair [low, high] of numbers, got 3',
    );
    expect(() => new FloatLogSlider({ value: 0 })).toThrow('FloatLogSlider: value must be above 0, got 0');
    expect(() => new widgets.Checkbox({ value: 'yes' as never })).toThrow(
      "Checkbox: value must be a boolean, got 'yes'",
    );
    expect(() => new widgets.Text({ value: 3 as never })).toThrow('Text: value must be a string, got 3');
    expect(() => new widgets.ColorPicker({ value: '#12' })).toThrow("ColorPicker: '#12' is no colour");
    expect(() => new widgets.DatePicker({ value: new Date(Number.NaN) })).toThrow(
      'DatePicker: value must be a valid Date or null',
    );
    expect(() => new widgets.Image({ value: 'a.png' as never })).toThrow(
      'Image: value must be the bytes of a picture',
    );
    expect(() => new widgets.VBox({ children: [1 as never] })).toThrow('VBox: child 0 is no widget: 1');
    expect(new IntSlider({ value: 500 }).value).toBe(100);
    expect(new IntRangeSlider({ value: [150, 200] }).value).toEqual([100, 100]);
    expect(new FloatLogSlider({ value: 1e9 }).value).toBe(1e4);
    expect(new BoundedFloatText({ value: -1 }).value).toBe(0);
    const slider = new IntSlider({ value: 80 });
    const comm = host.commOf('IntSliderModel');
    // New bounds move the value between them, in one message.
    slider.setTraits({ min: 0, max: 50 });
    expect(comm.sent.map(({ data }) => data.state)).toEqual([{ max: 50, value: 50 }]);
    slider.setTraits({ min: 200, max: 300 });
    expect(slider.value).toBe(200);
    // Nothing is changed where something is wrong.
    expect(() => slider.setTraits({ description: 'new', value: 'x' })).toThrow('value must be a number');
    expect(slider.description).toBe('');
  });

  test('an unknown trait is an error that names the known ones', () => {
    expect(() => new widgets.IntSlider({ valeu: 1 } as never)).toThrow(/there is no 'valeu': it has .*value/);
    expect(() => new widgets.IntSlider({ value: 'x' as never })).toThrow('must be a number');
  });
});

describe('controls', () => {
  test('a choice is an index on the wire and a value here', () => {
    const choice = new widgets.Dropdown({ options: { small: 1, large: 10 }, value: 10 });
    const comm = host.commOf('DropdownModel');
    expect(host.opened.at(-1)!.data.state).toMatchObject({ _options_labels: ['small', 'large'], index: 1 });
    const seen: unknown[] = [];
    choice.observe(({ value }) => seen.push(value));
    comm.receive({ method: 'update', state: { index: 0 }, buffer_paths: [] });
    expect(choice.value).toBe(1);
    expect(seen).toEqual([1]);
    expect(() => new widgets.Dropdown({ options: ['a'], value: 'b' })).toThrow(
      'b is not among the options a',
    );
  });

  test('a button tells of clicks, until told not to', () => {
    const button = new widgets.Button({ description: 'go' });
    let clicks = 0;
    const end = button.onClick(() => clicks++);
    const comm = host.commOf('ButtonModel');
    comm.receive({ method: 'custom', content: { event: 'click' } });
    end();
    comm.receive({ method: 'custom', content: { event: 'click' } });
    expect(clicks).toBe(1);
  });

  test('a date is year, month from 0, day', () => {
    const picker = new widgets.DatePicker({ value: new Date(Date.UTC(2024, 1, 29)) });
    expect(host.opened.at(-1)!.data.state).toMatchObject({ value: { year: 2024, month: 1, date: 29 } });
    host
      .commOf('DatePickerModel')
      .receive({ method: 'update', state: { value: { year: 2025, month: 0, date: 2 } }, buffer_paths: [] });
    expect(picker.value).toEqual(new Date(Date.UTC(2025, 0, 2)));
  });

  test('boxes refer to their children', () => {
    const label = new widgets.Label({ value: 'x' });
    new widgets.HBox({ children: [label], layout: { width: '50%' } });
    expect(host.opened.at(-1)!.data.state).toMatchObject({ children: [`IPY_MODEL_${label.modelId}`] });
    expect(
      host.opened.findLast(
        ({ data }) => (data.state as { _model_name: string })._model_name === 'LayoutModel',
      )!.data.state,
    ).toMatchObject({ width: '50%' });
  });

  test('output takes what is displayed inside, streams joined', () => {
    const output = new widgets.Output();
    output.append({ output_type: 'stream', name: 'stdout', text: 'a' });
    output.append({ output_type: 'stream', name: 'stdout', text: 'b' });
    expect(output.outputs).toEqual([{ output_type: 'stream', name: 'stdout', text: 'ab' }]);
    output.clear({ wait: true });
    expect(output.outputs).toHaveLength(1);
    output.append({ output_type: 'display_data', data: { 'text/plain': 'c' }, metadata: {} });
    expect(output.outputs).toHaveLength(1);
  });

  test('a bar, a chart and a figure inside an output are replaced there, not added', () => {
    const output = new widgets.Output();
    const figure = plot.line([1, 2]);
    output.capture(() => {
      for (const i of progress(3, { desc: 'inside' })) progress.set({ i });
      display(figure);
    });
    const texts = () =>
      output.outputs.map((one) =>
        one.output_type === 'display_data' ? one.data['text/plain'] : one.output_type,
      );
    expect(texts()).toEqual([expect.stringMatching(/^inside: 100% 3\/3/), 'Figure: scatter']);
    figure.update({ layout: { title: { text: 'later' } } });
    expect(texts()[1]).toBe("Figure 'later': scatter");
    output.clear();
    figure.update({ layout: { title: { text: 'gone' } } });
    expect(output.outputs).toEqual([]);
  });

  test('link keeps two equal, jslink asks the front-end to', () => {
    const a = new widgets.IntSlider({ value: 1 });
    const b = new widgets.IntText({ value: 5 });
    const end = link([a, 'value'], [b, 'value']);
    expect(b.value).toBe(1);
    b.value = 8;
    expect(a.value).toBe(8);
    end();
    a.value = 2;
    expect(b.value).toBe(8);
    jslink([a, 'value'], [b, 'value']);
    expect(host.opened.at(-1)!.data.state).toMatchObject({
      _model_name: 'LinkModel',
      source: [`IPY_MODEL_${a.modelId}`, 'value'],
      target: [`IPY_MODEL_${b.modelId}`, 'value'],
    });
    jsdlink([a, 'value'], [b, 'value']);
    expect(host.opened.at(-1)!.data.state).toMatchObject({ _model_name: 'DirectionalLinkModel' });
  });

  test('anywidget models have their module and share their state', () => {
    const counter = anywidget({ _esm: 'export default {}', state: { count: 1 } });
    const comm = host.commOf('AnyModel');
    expect(host.opened.at(-1)!.data.state).toMatchObject({
      _model_module: 'anywidget',
      _view_name: 'AnyView',
      _esm: 'export default {}',
      count: 1,
    });
    comm.receive({ method: 'update', state: { count: 2 }, buffer_paths: [] });
    expect(counter.count).toBe(2);
  });
});

describe('interact', () => {
  test('abbreviations become controls, and a change runs the function again', async () => {
    const calls: unknown[] = [];
    const shown = interact(
      (values) => {
        calls.push({ ...values });
        return values.dilation * 2;
      },
      {
        dilation: [1, 4],
        rate: { min: 0, max: 1, step: 0.1, value: 0.5 },
        groups: [1, 2, 4],
        bias: true,
        name: 'x',
      },
    );
    await settle();
    expect(calls).toEqual([{ dilation: 3, rate: 0.5, groups: 1, bias: true, name: 'x' }]);
    expect(Object.values(shown.controls).map((control) => control.kind.model)).toEqual([
      'IntSliderModel',
      'FloatSliderModel',
      'DropdownModel',
      'CheckboxModel',
      'TextModel',
    ]);
    const comm: TestComm = host.commOf('IntSliderModel');
    comm.receive({ method: 'update', state: { value: 2 }, buffer_paths: [] });
    comm.receive({ method: 'update', state: { value: 4 }, buffer_paths: [] });
    await settle();
    // Changes that come together are answered once.
    expect(calls).toHaveLength(2);
    expect(calls[1]).toMatchObject({ dilation: 4 });
    expect(shown.output.outputs).toEqual([
      { output_type: 'display_data', data: { 'text/plain': '8' }, metadata: {} },
    ]);
  });

  test('an error is shown and does not end it', async () => {
    const shown = interact(
      ({ n }) => {
        if (n === 1) throw new RangeError('no');
        return n;
      },
      { n: [1, 2, 3] },
    );
    await settle();
    expect(shown.output.outputs[0]).toMatchObject({
      output_type: 'error',
      ename: 'RangeError',
      evalue: 'no',
    });
    host.commOf('DropdownModel').receive({ method: 'update', state: { index: 2 }, buffer_paths: [] });
    await settle();
    expect(shown.output.outputs[0]).toMatchObject({ data: { 'text/plain': '3' } });
  });

  test('what stands for no control is an error', () => {
    expect(() => interact(() => 0, { x: [] })).toThrow("[] is no control for 'x'");
  });
});
