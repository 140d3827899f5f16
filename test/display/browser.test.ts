import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser, screenshot } from '../lab/browserPage.ts';
import { type Lab, notebook, openLab } from '../lab/labServer.ts';

const path = 'widgets.ipynb';
/** How long a slow machine may take until what was sent has arrived. */
const patience = { timeout: 60_000 };

// One notebook, one kernel and one cell, which each test writes and runs anew.
describe.skipIf(!browserProgram)('widgets in JupyterLab (skipped where there is no Chromium)', () => {
  let lab: Lab;
  let browser: Browser;
  let tab: LabPage;
  /** Where the cell shows its outputs. */
  let area: Locator;

  beforeAll(async () => {
    buildFrontEnd();
    lab = await openLab();
    writeFileSync(join(lab.folder, path), JSON.stringify(notebook('0', '0')));
    browser = await launchBrowser();
    tab = await LabPage.open(browser, `${lab.server.url}lab?reset&token=${lab.server.token}`);
    await tab.openDocument(path);
    area = tab.page
      .locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell')
      .first()
      .locator('.jp-Cell-outputArea');
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await lab?.close();
  });
  afterEach(async ({ task }) => {
    // A loop of a test that failed must not keep the kernel from the next.
    writeFileSync(join(lab.folder, 'go'), '');
    if (task.result?.state === 'fail')
      await screenshot(tab.page, `failed-${task.name.replaceAll(/\W+/g, '-')}`);
  });

  const current = 'window.jupyterapp.shell.currentWidget';
  /** Writes the cell and starts it. */
  async function start(source: string): Promise<void> {
    await tab.page.evaluate(`(() => {
      const { content } = ${current};
      content.activeCellIndex = 0;
      content.widgets[0].model.sharedModel.setSource(${JSON.stringify(source)});
    })()`);
    await tab.command('notebook:run-cell', {}, false);
  }
  /** Runs the cell, and waits for its end. */
  async function shows(source: string): Promise<void> {
    await start(source);
    await tab.page.waitForFunction(
      `(() => { const cell = ${current}.content.widgets[0]; return cell.model.executionState === 'idle' && cell.model.executionCount !== null; })()`,
      null,
      patience,
    );
    await tab.kernelIs('idle');
  }
  /** What an expression is in the kernel, as text. */
  const ask = (expression: string): Promise<string> =>
    tab.page.evaluate(`(async () => {
      const future = ${current}.sessionContext.session.kernel.requestExecute({ code: ${JSON.stringify(`String(${expression})`)}, silent: false, store_history: false });
      let answer = '';
      future.onIOPub = ({ content }) => { answer += content.data?.['text/plain'] ?? content.evalue ?? ''; };
      const { content } = await future.done;
      if (content.status !== 'ok') throw new Error(content.evalue);
      return answer.replace(/^'|'$/g, '');
    })()`);
  /** Runs a statement in the kernel. */
  const tell = (statement: string): Promise<string> => ask(`(() => { ${statement} })()`);
  const becomes = (expression: string, value: string): Promise<void> =>
    expect.poll(() => ask(expression), patience).toBe(value);
  const input = (selector: string, nth = 0): Locator => area.locator(selector).nth(nth);
  /** An expression of the first plot's element, `node`, in the page. */
  const onPlot = (expression: string): Promise<unknown> =>
    tab.page.evaluate(
      `(() => { const node = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .js-plotly-plot'); return ${expression}; })()`,
    );
  const within = (reads: () => Promise<unknown>) => expect.poll(reads, patience);

  test('sliders of whole, broken, paired numbers and of choices move, and are moved', async () => {
    await shows(`const whole = new widgets.IntSlider({ value: 3, min: 1, max: 10, description: 'layers' });
      const broken = new widgets.FloatSlider({ value: 0.5, min: 0, max: 1, step: 0.25 });
      const log = new widgets.FloatLogSlider({ value: 0.001, min: -6, max: 0, step: 1 });
      const range = new widgets.IntRangeSlider({ value: [2, 8], min: 0, max: 10 });
      const choice = new widgets.SelectionSlider({ options: ['small', 'medium', 'large'] });
      new widgets.VBox({ children: [whole, broken, log, range, choice] })`);
    const handle = (nth: number): Locator => area.locator('[role=slider]').nth(nth);
    await handle(5).waitFor();
    expect(await area.locator('.widget-label').first().textContent()).toBe('layers');
    await handle(0).press('End');
    await becomes('whole.value', '10');
    await handle(1).press('ArrowRight');
    await becomes('broken.value', '0.75');
    await handle(2).press('ArrowRight');
    await becomes('log.value.toFixed(9)', '0.010000000');
    await handle(3).press('ArrowRight');
    await handle(4).press('ArrowLeft');
    await becomes('range.value', '3,7');
    await handle(5).press('End');
    await becomes('choice.value', 'large');
    await tell(
      "whole.value = 4; broken.value = 0.25; log.value = 0.1; range.value = [1, 5]; choice.value = 'medium'",
    );
    const readouts = () => area.locator('.widget-readout').allTextContents();
    await within(readouts).toEqual(['4', '0.25', '0.100', '1 – 5', 'medium']);
    expect(await handle(0).getAttribute('aria-valuetext')).toBe('4');
  }, 120_000);

  test('a pointer drags a slider, and each place arrives', async () => {
    await shows(`const dragged = new widgets.IntSlider({ value: 0, max: 20 });
      const places: number[] = [];
      dragged.observe(({ value, fromUser }) => { if (fromUser) places.push(value as number); });
      dragged`);
    const handle = input('[role=slider]');
    const base = (await input('.noUi-base').boundingBox())!;
    await handle.hover();
    await tab.page.mouse.down();
    await tab.page.mouse.move(base.x + base.width / 2, base.y + base.height / 2, { steps: 4 });
    await tab.page.mouse.move(base.x + base.width, base.y + base.height / 2, { steps: 4 });
    await tab.page.mouse.up();
    await becomes('dragged.value', '20');
    expect(Number(await ask('places.length'))).toBeGreaterThan(1);
    expect(await ask('places.at(-1)')).toBe('20');
  }, 120_000);

  test('choices: drop-down list, radio and toggle buttons, a list to select from', async () => {
    await shows(`const options = { small: 1, medium: 10, large: 100 };
      const [drop, radio, toggles, select] = [widgets.Dropdown, widgets.RadioButtons, widgets.ToggleButtons, widgets.Select].map((Kind) => new Kind({ options }));
      new widgets.VBox({ children: [drop, radio, toggles, select] })`);
    await input('.widget-dropdown select').selectOption('large');
    await becomes('drop.value', '100');
    await input('.widget-radio input', 1).click();
    await becomes('radio.value', '10');
    await input('.widget-toggle-buttons button', 2).click();
    await becomes('toggles.value', '100');
    await input('.widget-select select').selectOption('medium');
    await becomes('select.value', '10');
    await tell('for (const one of [drop, radio, toggles, select]) one.value = 1');
    await within(() => input('.widget-dropdown select').inputValue()).toBe('small');
    await within(() => input('.widget-radio input').isChecked()).toBe(true);
    await within(() => input('.widget-toggle-buttons button').getAttribute('class')).toContain('mod-active');
    await within(() => input('.widget-select select').inputValue()).toBe('small');
    await tell('(drop as widgets.Dropdown<unknown>).options = ["new", "newer"]');
    await within(() => area.locator('.widget-dropdown option').allTextContents()).toEqual(['new', 'newer']);
    await becomes('drop.value', 'new');
  }, 120_000);

  test('checkbox, toggle button and button', async () => {
    await shows(`const box = new widgets.Checkbox({ description: 'augment' });
      const toggle = new widgets.ToggleButton({ description: 'on' });
      const button = new widgets.Button({ description: 'train', buttonStyle: 'primary', icon: 'play' });
      const valid = new widgets.Valid({ value: false });
      let clicks = 0;
      button.onClick(() => { button.description = 'clicked ' + ++clicks; });
      new widgets.HBox({ children: [box, toggle, button, valid] })`);
    await input('input[type=checkbox]').check();
    await becomes('box.value', 'true');
    await input('.widget-toggle-button').click();
    await becomes('toggle.value', 'true');
    await input('.widget-button').click();
    await input('.widget-button:has-text("clicked 1")').click(patience);
    await becomes('clicks', '2');
    await tell('box.value = false; toggle.value = false; button.disabled = true; valid.value = true');
    await within(() => input('input[type=checkbox]').isChecked()).toBe(false);
    await within(() => input('.widget-toggle-button').getAttribute('class')).not.toContain('mod-active');
    await within(() => input('.widget-button').isDisabled()).toBe(true);
  }, 120_000);

  test('text, lines of text, password, numbers and suggestions', async () => {
    await shows(`const words = new widgets.Text({ value: 'a', description: 'name' });
      const lines = new widgets.Textarea({ value: 'one' });
      const secret = new widgets.Password();
      const count = new widgets.BoundedIntText({ value: 3, max: 12 });
      const real = new widgets.FloatText({ value: 0.5 });
      const free = new widgets.Combobox({ options: ['SGD', 'Adam'] });
      new widgets.VBox({ children: [words, lines, secret, count, real, free] })`);
    const texts = 'input:is([type=text]:not([list]))';
    await input(texts).fill('grünes <b>');
    await becomes('words.value', 'grünes <b>');
    await input('textarea').fill('one\ntwo');
    await becomes('lines.value.split("\\n").length', '2');
    await input('input[type=password]').fill('geheim');
    await becomes('secret.value', 'geheim');
    await input('input[type=number]').fill('40');
    await input('input[type=number]').press('Enter');
    await becomes('count.value', '12');
    await input('input[type=number]', 1).fill('0.125');
    await input('input[type=number]', 1).press('Enter');
    await becomes('real.value', '0.125');
    await input('input[list]').fill('Adam');
    await input('input[list]').press('Enter');
    await becomes('free.value', 'Adam');
    await tell(
      "words.value = 'x'; lines.value = 'y'; secret.value = 'z'; count.value = 5; real.value = 2.5; free.value = 'SGD'",
    );
    const shown = (): Promise<string[]> =>
      area
        .locator('input, textarea')
        .evaluateAll((all) => all.map((one) => (one as unknown as { value: string }).value));
    await within(shown).toEqual(['x', 'y', 'z', '5', '2.5', 'SGD']);
  }, 120_000);

  test('color and date', async () => {
    await shows(`const color = new widgets.ColorPicker({ value: '#4c8dd6' });
      const date = new widgets.DatePicker({ value: new Date(Date.UTC(2024, 1, 29)) });
      new widgets.VBox({ children: [color, date] })`);
    await within(() => input('input[type=date]').inputValue()).toBe('2024-02-29');
    await input('input[type=date]').fill('2025-01-02');
    await input('input[type=date]').blur();
    await becomes('date.value.toISOString()', '2025-01-02T00:00:00.000Z');
    await input('input[type=color]').fill('#ff8800');
    await becomes('color.value', '#ff8800');
    await tell("color.value = '#00ff00'; date.value = new Date(Date.UTC(2030, 11, 31))");
    await within(() => input('input[type=color]').inputValue()).toBe('#00ff00');
    await within(() => input('input[type=date]').inputValue()).toBe('2030-12-31');
  }, 120_000);

  test('tabs, accordion and boxes hold others', async () => {
    await shows(`const label = (value: string) => new widgets.Label({ value });
      const tabs = new widgets.Tab({ titles: ['first', 'second'], children: [label('on first'), label('on second')] });
      const folds = new widgets.Accordion({ titles: ['upper', 'lower'], children: [label('in upper'), label('in lower')] });
      const grid = new widgets.GridBox({ children: [label('g1'), label('g2')], layout: { gridTemplateColumns: '50px 50px' } });
      new widgets.VBox({ children: [tabs, folds, new widgets.HBox({ children: [label('left'), label('right')] }), grid] })`);
    await input('.lm-TabBar-tab:has-text("second")').click();
    await becomes('tabs.selectedIndex', '1');
    await area.locator(':text-is("on second")').waitFor();
    await input('.jupyter-widget-Collapse-header:has-text("lower")').click();
    await becomes('folds.selectedIndex', '1');
    await area.locator(':text-is("in lower")').waitFor();
    const place = async (text: string) =>
      (await area.locator(`.widget-label:text-is("${text}")`).boundingBox())!;
    const [left, right, g1, g2] = [
      await place('left'),
      await place('right'),
      await place('g1'),
      await place('g2'),
    ];
    expect(Math.abs(left.y - right.y)).toBeLessThan(2);
    expect(right.x).toBeGreaterThan(left.x);
    expect(Math.abs(g1.y - g2.y)).toBeLessThan(2);
    await tell('tabs.selectedIndex = 0; folds.selectedIndex = 0; tabs.titles = ["erster", "zweiter"]');
    await within(() => input('.lm-TabBar-tab.lm-mod-current').textContent()).toBe('erster');
    await area.locator(':text-is("in upper")').waitFor();
  }, 120_000);

  test('output, image, HTML and label show what the kernel gives them', async () => {
    await shows(`const out = new widgets.Output();
      const square = (color: string) => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30" fill="' + color + '"/></svg>');
      const image = new widgets.Image({ value: square('red'), format: 'svg+xml' });
      const html = new widgets.HTML({ value: '<i class="mine">meant</i>' });
      const plain = new widgets.Label({ value: 'plain <i>' });
      out.capture(() => { console.log('printed'); display(plot.line([1, 4, 9])); });
      new widgets.VBox({ children: [out, image, html, plain] })`);
    await area.locator('.widget-output :text-is("printed")').waitFor();
    await area.locator('.widget-output .js-plotly-plot .scatterlayer .trace').waitFor({ state: 'attached' });
    const size = (): Promise<unknown> =>
      input('img.widget-image').evaluate((one) => (one as unknown as { naturalWidth: number }).naturalWidth);
    await within(size).toBe(40);
    expect(await input('.widget-html-content i.mine').textContent()).toBe('meant');
    expect(await area.locator('.widget-label').last().textContent()).toBe('plain <i>');
    const before = await input('img.widget-image').getAttribute('src');
    await tell(
      "image.value = square('blue'); html.value = '<b>new</b>'; out.clear(); out.append({ output_type: 'stream', name: 'stdout', text: 'later' })",
    );
    await within(() => input('img.widget-image').getAttribute('src')).not.toBe(before);
    await within(() => input('.widget-html-content b').textContent()).toBe('new');
    await area.locator('.widget-output :text-is("later")').waitFor();
    expect(await area.locator('.widget-output .js-plotly-plot').count()).toBe(0);
  }, 120_000);

  test('progress and play', async () => {
    await shows(`const bar = new widgets.IntProgress({ value: 25, max: 100 });
      const play = new widgets.Play({ max: 3, interval: 20 });
      jslink([play, 'value'], [bar, 'value']);
      new widgets.HBox({ children: [play, bar] })`);
    const share = (): Promise<string> =>
      input('.progress-bar').evaluate((one) => (one as unknown as { style: { width: string } }).style.width);
    await within(share).toBe('0%');
    await input('.widget-play button').click();
    await becomes('play.value', '3');
    await becomes('bar.value', '3');
    await tell('bar.max = 12');
    await within(share).toBe('25%');
  }, 120_000);

  test('link goes through the kernel, both ways; observe tells who moved', async () => {
    await shows(`const [a, b] = [new widgets.IntSlider({ value: 1, max: 10 }), new widgets.IntSlider({ value: 7, max: 10 })];
      link([a, 'value'], [b, 'value']);
      const told: string[] = [];
      const end = b.observe(({ old, value, fromUser }) => told.push(old + '>' + value + (fromUser ? ' user' : '')));
      new widgets.VBox({ children: [a, b] })`);
    const values = (): Promise<(string | null)[]> =>
      Promise.all([0, 1].map((nth) => input('[role=slider]', nth).getAttribute('aria-valuetext')));
    await within(values).toEqual(['1', '1']);
    await input('[role=slider]').press('End');
    await within(values).toEqual(['10', '10']);
    await input('[role=slider]', 1).press('Home');
    await within(values).toEqual(['0', '0']);
    await tell('a.value = 5; end(); a.value = 6');
    await within(values).toEqual(['6', '6']);
    expect(await ask('told.at(-1)')).toBe('0>5');
    expect(await ask('told.includes("10>0 user")')).toBe('true');
  }, 120_000);

  test('interact: a function runs again with what its controls say', async () => {
    await shows(
      `interact(({ dilation, groups }) => \`dilation \${dilation}, groups \${groups}\`, { dilation: [1, 4], groups: [1, 2, 4] })`,
    );
    const result = (): Promise<string | null> => area.locator('.widget-output').textContent();
    await within(result).toContain('dilation 3, groups 1');
    await input('[role=slider]').press('End');
    await within(result).toContain('dilation 4, groups 1');
    await input('select').selectOption('4');
    await within(result).toContain('dilation 4, groups 4');
    await shows(
      `interact(({ n }) => { if (n === 2) throw new RangeError('two is not allowed'); console.log('before'); return plot.bar(tensor([1, 2, 3]).mul(n)); }, { n: [1, 3] })`,
    );
    await within(result).toContain('two is not allowed');
    await input('[role=slider]').press('End');
    await area
      .locator('.widget-output .js-plotly-plot .barlayer .point')
      .nth(2)
      .waitFor({ state: 'attached' });
    await within(result).toContain('before');
    expect(await result()).not.toContain('not allowed');
  }, 120_000);

  test('an anywidget model: its module renders, its state goes both ways, so do its messages', async () => {
    await shows(`const counter = anywidget({
        _esm: \`export default { render({ model, el }) {
          const button = document.createElement('button');
          const draw = () => { button.textContent = 'count ' + model.get('count') + ' of ' + model.get('at_most'); };
          button.className = 'any';
          button.addEventListener('click', () => { model.set('count', model.get('count') + 1); model.save_changes(); model.send({ kind: 'clicked' }); });
          model.on('change:count', draw);
          model.on('msg:custom', ({ say }) => { button.title = say; });
          draw();
          el.append(button);
        } }\`,
        _css: '.any { color: rgb(1, 2, 3); }',
        state: { count: 1, atMost: 9 },
      });
      const heard: unknown[] = [];
      counter.onMessage((content) => heard.push(content));
      counter`);
    const button = input('button.any');
    await within(() => button.textContent()).toBe('count 1 of 9');
    await button.click();
    await becomes('counter.count', '2');
    await becomes('JSON.stringify(heard)', '[{"kind":"clicked"}]');
    await within(() => button.textContent()).toBe('count 2 of 9');
    await tell("counter.count = 7; counter.send({ say: 'hello' })");
    await within(() => button.textContent()).toBe('count 7 of 9');
    await within(() => button.getAttribute('title')).toBe('hello');
    await within(() =>
      tab.page.evaluate("getComputedStyle(document.querySelector('button.any')).color"),
    ).toBe('rgb(1, 2, 3)');
  }, 120_000);

  test('the rest of the controls: pairs of numbers, bars of numbers, whole and bounded numbers', async () => {
    await shows(`const range = new widgets.FloatRangeSlider({ value: [0.2, 0.6], max: 1, step: 0.1 });
      const bar = new widgets.FloatProgress({ value: 0.5, min: 0, max: 2, barStyle: 'success', description: 'done' });
      const whole = new widgets.IntText({ value: 3, description: 'whole' });
      const within = new widgets.BoundedFloatText({ value: 0.5, min: 0, max: 1, step: 0.1 });
      const bounded = new widgets.BoundedIntText({ value: 5, min: 1, max: 9 });
      const valid = new widgets.Valid({ value: false, readout: 'too small' });
      new widgets.VBox({ children: [range, bar, whole, within, bounded, valid] })`);
    await input('[role=slider]').press('ArrowRight');
    await input('[role=slider]', 1).press('ArrowLeft');
    await becomes('range.value.map((x) => x.toFixed(1)).join()', '0.3,0.5');
    const numbers = 'input[type=number]';
    await input(numbers).fill('-7');
    await input(numbers).press('Enter');
    await becomes('whole.value', '-7');
    await input(numbers, 1).fill('5');
    await input(numbers, 1).press('Enter');
    await becomes('within.value', '1');
    await input(numbers, 2).fill('-5');
    await input(numbers, 2).press('Enter');
    await becomes('bounded.value', '1');
    const share = (): Promise<string> =>
      input('.progress-bar').evaluate((one) => (one as unknown as { style: { width: string } }).style.width);
    await within(share).toBe('25%');
    expect(await input('.progress-bar').getAttribute('class')).toContain('progress-bar-success');
    await tell(
      'bar.value = 1.5; whole.value = 40; within.value = 0.25; bounded.value = 99; range.value = [0, 1]',
    );
    await within(share).toBe('75%');
    const shown = (): Promise<string[]> =>
      area
        .locator(numbers)
        .evaluateAll((all) => all.map((one) => (one as unknown as { value: string }).value));
    await within(shown).toEqual(['40', '0.25', '9']);
    await within(() => area.locator('.widget-readout').first().textContent()).toBe('0.00 – 1.00');
    expect(await area.locator('.widget-valid').textContent()).toContain('too small');
  }, 120_000);

  test('layout and style are seen; a wrong value is an error with a name and changes nothing; what is closed goes', async () => {
    await shows(
      `const styled = new widgets.IntSlider({ value: 3, description: 'wide', layout: { width: '421px', border: '3px solid rgb(7, 8, 9)' }, style: { handleColor: 'rgb(1, 2, 3)', descriptionWidth: '111px' } });
      const button = new widgets.Button({ description: 'coloured', style: { buttonColor: 'rgb(4, 5, 6)' }, tooltip: 'a tip' });
      new widgets.VBox({ children: [styled, button] })`,
    );
    const cssOf = (selector: string, name: string): Promise<string> =>
      tab.page.evaluate(
        `getComputedStyle(document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea ${selector}')).${name}`,
      );
    await input('[role=slider]').waitFor();
    await within(() => cssOf('.widget-slider', 'width')).toBe('421px');
    await within(() => cssOf('.widget-slider .noUi-handle', 'backgroundColor')).toBe('rgb(1, 2, 3)');
    await within(() => cssOf('.widget-slider', 'borderLeftColor')).toBe('rgb(7, 8, 9)');
    await within(() => cssOf('.widget-label', 'width')).toBe('111px');
    await within(() => cssOf('.widget-button', 'backgroundColor')).toBe('rgb(4, 5, 6)');
    expect(await input('.widget-button').getAttribute('title')).toBe('a tip');
    await tell("(styled.layout as widgets.Layout).width = '300px'");
    await within(() => cssOf('.widget-slider', 'width')).toBe('300px');
    await expect(ask('styled.value = 2.5')).rejects.toThrow(
      'IntSlider: value must be a whole number, got 2.5',
    );
    await expect(ask('(styled as { value: unknown }).value = "x"')).rejects.toThrow(
      "IntSlider: value must be a number, got 'x'",
    );
    expect(await ask('styled.value')).toBe('3');
    await tell('styled.max = 2');
    await within(() => input('[role=slider]').getAttribute('aria-valuetext')).toBe('2');
    await tell('styled.close(); button.close()');
    await within(() => area.locator('[role=slider], .widget-button').count()).toBe(0);
  }, 120_000);

  test('jsdlink goes one way without the kernel; a box of widgets takes new children', async () => {
    await shows(`const [from, to] = [new widgets.IntSlider({ value: 1, max: 10 }), new widgets.IntSlider({ value: 5, max: 10 })];
      jsdlink([from, 'value'], [to, 'value']);
      const holder = new widgets.HBox({ children: [from, to] });
      holder`);
    const values = (): Promise<(string | null)[]> =>
      Promise.all([0, 1].map((nth) => input('[role=slider]', nth).getAttribute('aria-valuetext')));
    await within(values).toEqual(['1', '1']);
    await input('[role=slider]').press('End');
    await within(values).toEqual(['10', '10']);
    await input('[role=slider]', 1).press('Home');
    await within(values).toEqual(['10', '0']);
    await becomes('from.value + ":" + to.value', '10:0');
    await tell("holder.children = [new widgets.Label({ value: 'alone' })]");
    await within(() => area.locator('.widget-label').allTextContents()).toEqual(['alone']);
  }, 120_000);

  test('interact takes every abbreviation, and a widget', async () => {
    await shows(`interact((values) => JSON.stringify(values), {
      whole: [1, 9], broken: [0, 0.5], stepped: { min: 0, max: 1, step: 0.5, value: 0.5 }, around: 4,
      list: ['a', 'b'], labelled: { small: 1, large: 2 }, flag: true, word: 'x', own: new widgets.FloatLogSlider({ value: 100 }) })`);
    const result = async (): Promise<unknown> => {
      const text = (await area.locator('.widget-output').textContent()) ?? '';
      return JSON.parse(/\{.*\}/.exec(text)?.[0] ?? 'null');
    };
    const first = {
      whole: 5,
      broken: 0.25,
      stepped: 0.5,
      around: 4,
      list: 'a',
      labelled: 1,
      flag: true,
      word: 'x',
      own: 100,
    };
    await within(result).toEqual(first);
    await input('input[type=checkbox]').uncheck();
    await input('select', 1).selectOption('large');
    await input('input[type=text]').fill('new');
    await input('input[type=text]').press('Enter');
    await input('[role=slider]', 3).press('Home');
    await within(result).toEqual({ ...first, flag: false, labelled: 2, word: 'new', around: -4 });
  }, 120_000);

  test('a bar and a chart inside an output grow there, started by a button', async () => {
    await shows(`const place = new widgets.Output();
      const go2 = new widgets.Button({ description: 'train' });
      go2.onClick(() => place.capture(() => {
        const inner = live({ loss: 'linear' });
        for (const i of progress(5, { desc: 'inside' })) inner.add({ loss: i });
      }));
      new widgets.VBox({ children: [go2, place] })`);
    await input('.widget-button').click();
    await area
      .locator('.widget-output .js-plotly-plot .scatterlayer .trace')
      .waitFor({ state: 'attached', ...patience });
    await within(() => area.locator('.widget-output [role=progressbar]').count()).toBe(1);
    await within(() => area.locator('.widget-output').textContent()).toContain('100% 5/5');
    await within(() => onPlot('node.calcdata[0].length')).toBe(5);
  }, 120_000);

  test('an interrupt leaves a bar that says it has stopped, and a chart with every step; the next bar starts anew', async () => {
    await start(`const halted = live({ loss: 'linear' });
      let done = 0;
      for (const i of progress(1_000_000, { desc: 'halted' })) { const t = performance.now(); while (performance.now() - t < 5); halted.add({ loss: i }); done = i; }`);
    await area.locator('.js-plotly-plot .scatterlayer .trace').waitFor({ state: 'attached', ...patience });
    await tab.command('notebook:interrupt-kernel');
    await tab.kernelIs('idle');
    await within(() => area.locator('[role=progressbar] span').getAttribute('style')).toContain(
      '--jp-error-color1',
    );
    const steps = Number(await ask('done'));
    // The step that the interrupt cut is in the chart or not.
    await within(async () => steps + 1 - Number(await onPlot('node.calcdata[0].at(-1).x')) <= 1).toBe(true);
    await shows("for (const _ of progress(2, { desc: 'next' }));");
    await within(() => area.locator('[role=progressbar]').getAttribute('aria-valuenow')).toBe('100');
    expect(await area.locator('[role=progressbar]').count()).toBe(1);
  }, 120_000);

  test('what the user does while a cell computes is handled where it yields', async () => {
    await start(`const live1 = new widgets.IntSlider({ max: 10 });
      const moves: string[] = [];
      live1.observe(({ value }) => moves.push('moved ' + value));
      display(live1);
      while (live1.value !== 10) await new Promise((done) => setTimeout(done, 10));
      moves.push('end of the cell');
      moves.join(', ')`);
    await input('[role=slider]').press('End', patience);
    await tab.kernelIs('idle');
    await within(() => area.textContent()).toContain('moved 10, end of the cell');
  }, 120_000);

  test('what the user does while a cell never yields is answered in order after it', async () => {
    const go = join(lab.folder, 'go');
    rmSync(go, { force: true });
    await start(`const order: string[] = [];
      const buttons = ['one', 'two', 'three'].map((description) => new widgets.Button({ description }));
      for (const button of buttons) button.onClick(() => order.push(button.description));
      display(new widgets.HBox({ children: buttons }));
      const { existsSync } = await import('node:fs');
      while (!existsSync('go'));
      order.push('end of the cell')`);
    await tab.kernelIs('busy');
    for (const nth of [2, 0, 1, 0]) await input('.widget-button', nth).click(patience);
    writeFileSync(go, '');
    await becomes('order', 'end of the cell,three,one,two,one');
  }, 120_000);

  test('bars of nested loops, one of them async, show both and end full', async () => {
    const go = join(lab.folder, 'go');
    rmSync(go, { force: true });
    await start(`const { existsSync: there } = await import('node:fs');
      async function* batches() { for (let i = 0; i < 4; i++) { await new Promise((done) => setTimeout(done, 30)); yield i; } }
      for (const epoch of progress(2, { desc: 'epoch' })) {
        for await (const batch of progress(batches(), { desc: 'batch', total: 4 })) {
          progress.set({ loss: 1 / (batch + 2) });
          while (epoch === 1 && batch === 2 && !there('go')) await new Promise((done) => setTimeout(done, 20));
        }
      }`);
    const bars = area.locator('[role=progressbar]');
    const shares = (): Promise<(string | null)[]> =>
      bars.evaluateAll((all) =>
        all.map((one) =>
          (one as unknown as { getAttribute(name: string): string }).getAttribute('aria-valuenow'),
        ),
      );
    await within(shares).toEqual(['50', '50']);
    expect(await area.textContent()).toMatch(/epoch.*1\/2.*batch.*2\/4.*loss 0\.33/s);
    writeFileSync(go, '');
    await tab.kernelIs('idle');
    await within(shares).toEqual(['100']);
  }, 120_000);

  test('a live chart grows inside a loop that never yields, and ends complete', async () => {
    const go = join(lab.folder, 'go');
    rmSync(go, { force: true });
    await start(`const { existsSync: stop } = await import('node:fs');
      const chart = live({ loss: 'log', accuracy: 'linear' });
      let steps = 0;
      while (!stop('go')) { const t = performance.now(); while (performance.now() - t < 1); chart.add({ loss: 1 / ++steps, accuracy: steps }); }`);
    const plot = area.locator('.js-plotly-plot');
    const longest = (): Promise<number> =>
      onPlot('Math.max(...node.calcdata.map((trace) => trace.at(-1).x))') as Promise<number>;
    await plot.waitFor(patience);
    await within(() => plot.locator('.scatterlayer .trace').count()).toBe(2);
    const early = await longest();
    await within(longest).toBeGreaterThan(early);
    writeFileSync(go, '');
    await tab.kernelIs('idle');
    const steps = Number(await ask('steps'));
    await within(longest).toBe(steps - 1);
  }, 120_000);

  test('figure.update draws in place: the plot stays, nothing is taken away, the page does not jump', async () => {
    await shows(`const figure = plot.line([1, 4, 9], { mode: 'lines+markers', title: 'before' });
      figure`);
    const plot = area.locator('.js-plotly-plot');
    await within(() => plot.locator('.gtitle').textContent()).toBe('before');
    await onPlot(`(() => {
      node.kept = true;
      window.removed = 0;
      window.heights = new Set();
      const area = node.closest('.jp-OutputArea');
      new MutationObserver((records) => { for (const { removedNodes } of records) for (const one of removedNodes) if (one.contains?.(node) || one === node || one.classList?.contains('main-svg')) window.removed++; }).observe(area, { childList: true, subtree: true });
      new ResizeObserver(() => window.heights.add(Math.round(area.getBoundingClientRect().height))).observe(area);
    })()`);
    for (let i = 1; i <= 20; i++)
      await tell(
        `figure.update({ data: [{ y: [${i}, 4, 9, 16] }], layout: { title: { text: 'after ${i}' } } })`,
      );
    await within(() => plot.locator('.gtitle').textContent()).toBe('after 20');
    expect(await plot.locator('.scatterlayer .point').count()).toBe(4);
    expect(await onPlot('node.kept')).toBe(true);
    expect(await tab.page.evaluate('window.removed')).toBe(0);
    expect(await tab.page.evaluate('window.heights.size')).toBeLessThanOrEqual(1);
  }, 120_000);

  test('a table sorts at a click on a column', async () => {
    await shows("[{ name: 'b', n: 10 }, { name: 'a', n: 9 }, { name: 'c', n: 100 }]");
    const column = (nth: number): Promise<string[]> =>
      area.locator(`tbody td:nth-child(${nth})`).allTextContents();
    await input('th:has-text("n")', 1).click();
    expect(await column(2)).toEqual(['9', '10', '100']);
    await input('th:has-text("n")', 1).click();
    expect(await column(2)).toEqual(['100', '10', '9']);
    await input('th').click();
    expect(await column(1)).toEqual(['a', 'b', 'c']);
    // 7919 is prime: the second column has each number below 200 once.
    await shows('Array.from({ length: 200 }, (_, i) => ({ i, j: (i * 7919) % 200 }))');
    await input('th:has-text("j")').click();
    const seen = await area.locator('tbody tr:visible').allTextContents();
    expect(seen).toHaveLength(25);
    expect(seen[0]).toBe('00');
    expect(seen[16]).toBe('… 176 more rows …');
    expect(seen[24]).toMatch(/199$/);
  }, 120_000);

  test('a notebook that is saved has the states of its widgets, and shows them when it is opened again', async () => {
    await shows(`const kept = new widgets.IntSlider({ value: 42, description: 'kept' });\nkept`);
    await input('[role=slider]').waitFor();
    await tab.command('docmanager:save');
    const saved = JSON.parse(readFileSync(join(lab.folder, path), 'utf8'));
    const states = Object.values(
      saved.metadata.widgets['application/vnd.jupyter.widget-state+json'].state,
    ) as { model_name: string; state: { value?: number } }[];
    expect(
      states.filter(({ model_name, state }) => model_name === 'IntSliderModel' && state.value === 42),
    ).toHaveLength(1);
    // Another notebook has another kernel, which knows nothing of the slider.
    writeFileSync(join(lab.folder, 'saved.ipynb'), JSON.stringify(saved));
    await tab.openDocument('saved.ipynb');
    await tab.page
      .locator('.jp-NotebookPanel:not(.lm-mod-hidden) [role=slider][aria-valuetext="42"]')
      .waitFor(patience);
  }, 120_000);

  test('the page reported no error', () => {
    expect(existsSync(join(lab.folder, path))).toBe(true);
    expect(tab.problems).toEqual([]);
  });
});
