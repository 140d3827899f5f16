import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { browserProgram, screenshot } from './browserPage.ts';
import { testNoProblems, useLabTab } from './labTab.ts';

describe.skipIf(!browserProgram)('kernels in a browser (skipped where there is no Chromium)', () => {
  const used = useLabTab();

  test('completion and hover answer while a cell runs; an interrupt ends it and keeps the variables', async () => {
    await used.openNew('const wanted = { alpha: 1, beta: "two" };', 'while (true);', 'wanted.');
    await used.tab.run(0);
    await used.tab.edit(1);
    await used.tab.page.keyboard.press('Control+Enter');
    await used.tab.kernelIs('busy');
    await used.tab.edit(2);
    // A busy machine may answer later than the front end waits: ask again.
    await expect
      .poll(
        async () => {
          await used.tab.page.keyboard.press('Tab');
          await used.tab.page.waitForSelector('.jp-Completer-item', { timeout: 3000 }).catch(() => {});
          return used.tab.page.locator('.jp-Completer-item').count();
        },
        { timeout: 40_000 },
      )
      .toBeGreaterThan(0);
    const offered = await used.tab.page.$$eval('.jp-Completer-match', (nodes) =>
      nodes.map((n) => n.textContent),
    );
    expect(offered).toEqual(expect.arrayContaining(['alpha', 'beta']));
    await screenshot(used.tab.page, 'completion');
    await used.tab.page.keyboard.press('Escape');
    await used.tab.page.keyboard.press('Home');
    await used.tab.page.keyboard.press('Shift+Tab');
    await used.tab.page.waitForSelector('.jp-Tooltip', { timeout: 60_000 });
    expect(await used.tab.page.textContent('.jp-Tooltip')).toContain('alpha');
    await screenshot(used.tab.page, 'hover');
    await used.tab.page.keyboard.press('Escape');
    await used.tab.command('notebook:interrupt-kernel');
    await used.tab.kernelIs('idle');
    expect((await used.tab.cells())[1].output).toMatch(/Interrupt/);
    await used.tab.edit(2);
    await used.tab.page.keyboard.type('beta');
    expect(await used.tab.run(2)).toContain('two');
  }, 240_000);

  test('a restart forgets the variables; a crash is told, and the next kernel works', async () => {
    const path = await used.openNew('const wanted = 1;', 'wanted');
    await used.tab.run(0);
    expect(await used.tab.run(1)).toContain('1');
    await used.tab.command('kernelmenu:restart', {}, false);
    await used.tab.page.click('.jp-Dialog .jp-mod-accept');
    await used.tab.page.waitForSelector('.jp-Dialog', { state: 'detached' });
    await used.tab.kernelIs('idle');
    await used.tab.edit(1);
    await used.tab.page.keyboard.press('Control+Enter');
    await expect
      .poll(async () => (await used.tab.cells())[1].output, { timeout: 60_000 })
      .toMatch(/Cannot find/);
    const sessions = (await used.lab.request('GET', 'api/sessions')).json as {
      path: string;
      kernel: { id: string };
    }[];
    const { id } = sessions.find((session) => session.path === path)!.kernel;
    process.kill(used.lab.server.kernels.get(id)!.pid!, 'SIGKILL');
    await used.tab.page.waitForSelector('.jp-Dialog:has-text("Kernel Restarting")', { timeout: 30_000 });
    await screenshot(used.tab.page, 'crash');
    await used.tab.acceptDialogs();
    await used.tab.kernelIs('idle');
    expect(used.lab.server.kernels.list().map((kernel) => kernel.id)).toContain(id);
    await used.tab.run(0);
    expect(await used.tab.run(1)).toContain('1');
  }, 240_000);

  test('a terminal and a console work', async () => {
    await used.tab.command('terminal:create-new');
    await used.tab.page.waitForSelector('.jp-Terminal .xterm-screen');
    await used.tab.page.click('.jp-Terminal');
    await used.tab.page.keyboard.type('echo $((40+2)) > from-terminal.txt\n');
    await expect
      .poll(() => existsSync(join(used.lab.folder, 'from-terminal.txt')), { timeout: 60_000 })
      .toBe(true);
    await screenshot(used.tab.page, 'terminal');
    await used.tab.command('console:create', { kernelPreference: { name: 'gradbook' } }, false);
    const input = used.tab.page.locator('.jp-CodeConsole-input .cm-content');
    // The prompt is made anew when the kernel has introduced itself.
    await used.tab.page.waitForSelector('.jp-CodeConsole-banner:has-text("gradbook")', { timeout: 60_000 });
    await used.tab.kernelIs('idle');
    await input.click();
    await used.tab.page.keyboard.type('6 * 7');
    await used.tab.page.keyboard.press('Shift+Enter');
    await used.tab.page.waitForSelector('.jp-CodeConsole .jp-OutputArea-output:has-text("42")', {
      timeout: 60_000,
    });
  }, 180_000);

  test('a figure is drawn; a slider that is moved calls the kernel, which draws anew', async () => {
    await used.openNew(
      "plot.bar({ cats: 12, dogs: 9, birds: 5 }, { title: 'animals' })",
      'let last = 0;\ninteract(({ n }) => (last = n * 10), { n: [1, 6] })',
      'last',
    );
    await used.tab.runAll();
    const shown = '.jp-NotebookPanel:not(.lm-mod-hidden)';
    await used.tab.page.waitForSelector(`${shown} .js-plotly-plot .bars path`, { timeout: 60_000 });
    const handle = used.tab.page.locator(`${shown} .widget-slider [role=slider]`);
    await handle.focus();
    await used.tab.page.keyboard.press('End');
    expect(await handle.getAttribute('aria-valuetext')).toBe('6');
    await used.tab.page.waitForSelector(`${shown} .widget-output :text-is("60")`, { timeout: 30_000 });
    await screenshot(used.tab.page, 'figure');
    expect(await used.tab.run(2)).toContain('60');
  }, 120_000);

  testNoProblems(used);
});
