import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser, screenshot } from './browserPage.ts';
import { type Lab, notebook, openLab } from './labServer.ts';

describe.skipIf(!browserProgram)('JupyterLab in a browser (skipped where there is no Chromium)', () => {
  let lab: Lab;
  let browser: Browser;
  let tab: LabPage;
  const address = (path = 'lab?reset'): string =>
    `${lab.server.url}${path}${path.includes('?') ? '&' : '?'}token=${lab.server.token}`;
  const write = (name: string, content: unknown): void =>
    writeFileSync(join(lab.folder, name), typeof content === 'string' ? content : JSON.stringify(content));

  let written = 0;
  /** Opens a notebook that no other test knows, nor an earlier try of the same test. Returns its path. */
  const openNew = async (...cells: string[]): Promise<string> => {
    const path = `notebook-${++written}.ipynb`;
    write(path, notebook(...cells));
    await tab.openDocument(path);
    return path;
  };

  beforeAll(async () => {
    buildFrontEnd();
    lab = await openLab();
    browser = await launchBrowser();
    tab = await LabPage.open(browser, address());
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await lab?.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await screenshot(tab.page, 'failed');
    // What is open, a dialog above all, is not in the way of the next test or try.
    await tab.goto(address());
    tab.problems.length = 0;
  });

  test('the launcher shows the kernel, the notes and TypeScript files', async () => {
    await tab.page.waitForSelector('.jp-LauncherCard:has-text("Getting started")');
    const sections = await tab.page.$$eval('.jp-Launcher-sectionTitle', (nodes) =>
      nodes.map((n) => n.textContent),
    );
    expect(sections).toEqual(['Notebook', 'Notes', 'Console', '笔记', 'Other']);
    const cards = await tab.page.$$eval('.jp-LauncherCard-label', (nodes) =>
      nodes.map((n) => n.textContent?.trim()),
    );
    expect(cards).toEqual(
      expect.arrayContaining(['TypeScript (gradbook)', 'Getting started', 'TypeScript File']),
    );
    expect(tab.page.url()).not.toContain('token');
    await screenshot(tab.page, 'launcher');
  }, 120_000);

  test('a note opens as a copy, and all its cells run', async () => {
    await tab.page.click('.jp-LauncherCard:has-text("Getting started")');
    await tab.page.waitForSelector('.jp-NotebookPanel .jp-Cell');
    await tab.kernelIs('idle');
    expect(readdirSync(join(lab.folder, 'notes'))).toContain('00-getting-started.ipynb');
    await tab.runAll();
    const outputs = (await tab.cells()).map(({ output }) => output).join('\n');
    expect(outputs).not.toMatch(/Error/);
    await screenshot(tab.page, 'note');
  }, 240_000);

  test('a notebook runs, is saved, renamed, and is as it was after a reload', async () => {
    const path = await openNew('const a = 20;\nconsole.log("hello");', 'a + 22');
    const renamed = `renamed-${path}`;
    await tab.runAll();
    expect((await tab.cells()).map(({ output }) => output.trim())).toEqual(['hello', '[2]:42']);
    await tab.command('docmanager:save');
    expect(JSON.parse(readFileSync(join(lab.folder, path), 'utf8')).cells[0].outputs[0].text).toEqual([
      'hello\n',
    ]);
    await tab.command('docmanager:rename', {}, false);
    await tab.page.waitForSelector('.jp-Dialog input');
    await tab.page.fill('.jp-Dialog input', renamed);
    await tab.page.click('.jp-Dialog .jp-mod-accept');
    await expect.poll(() => existsSync(join(lab.folder, renamed)), { timeout: 60_000 }).toBe(true);
    await tab.page.waitForSelector(`.lm-TabBar-tabLabel:has-text("${renamed}")`);
    await tab.page.reload();
    await tab.ready();
    await tab.page.waitForSelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell', { timeout: 60_000 });
    await tab.openDocument(renamed);
    expect((await tab.cells())[1].output).toContain('42');
  }, 240_000);

  test('a checkpoint brings back what was there', async () => {
    await openNew('1', '2');
    await tab.command('docmanager:save');
    await tab.edit(1);
    await tab.page.keyboard.type(' + 1000');
    const restored = tab.command('docmanager:restore-checkpoint');
    await tab.page.click('.jp-Dialog .jp-mod-warn');
    await restored;
    await expect
      .poll(() => tab.page.textContent('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook'), {
        timeout: 60_000,
      })
      .not.toContain('1000');
  }, 120_000);

  test('a notebook that changed on disk meanwhile is not written over without a question', async () => {
    const path = await openNew('1');
    await tab.edit(0);
    await tab.page.keyboard.type(' + 1');
    const theirs = JSON.stringify(notebook('somebody else'));
    // Times of files that lie closer together than this do not count as a change.
    await tab.page.waitForTimeout(1500);
    write(path, theirs);
    await tab.command('docmanager:save', {}, false);
    await tab.page.waitForSelector('.jp-Dialog:has-text("File Changed")', { timeout: 30_000 });
    await screenshot(tab.page, 'conflict');
    expect(readFileSync(join(lab.folder, path), 'utf8')).toBe(theirs);
    await tab.page.click('.jp-Dialog button:has-text("Revert")');
    await tab.page.waitForSelector(
      '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell:has-text("somebody else")',
    );
  }, 120_000);

  test('HTML of others shows without its scripts until the user trusts it', async () => {
    const risky = notebook('1') as { cells: { outputs: object[] }[] };
    const html =
      '<b class="theirs">theirs</b><script>window.ran = "script"</script><img src="data:image/png;base64,AA" onerror="window.ran = 1">';
    risky.cells[0].outputs = [
      { output_type: 'display_data', metadata: {}, data: { 'text/html': html, 'text/plain': 'theirs' } },
    ];
    const path = `notebook-${++written}.ipynb`;
    write(path, risky);
    await tab.openDocument(path);
    const shown = '.jp-NotebookPanel:not(.lm-mod-hidden)';
    await tab.page.waitForSelector(`${shown} .jp-OutputArea-output:has-text("theirs")`);
    await tab.page.waitForTimeout(500);
    expect(await tab.page.evaluate('window.ran')).toBeUndefined();
    expect(await tab.page.locator(`${shown} .jp-OutputArea-output script`).count()).toBe(0);
    expect(await tab.page.locator(`${shown} [onerror]`).count()).toBe(0);
    const trusting = tab.command('notebook:trust');
    await tab.page.click('.jp-Dialog .jp-mod-warn');
    await trusting;
    await expect.poll(() => tab.page.evaluate('window.ran'), { timeout: 60_000 }).toBeDefined();
    const read = await lab.request('GET', `api/contents/${path}`);
    expect(read.json.content.cells[0].metadata.trusted).toBe(true);
  }, 120_000);

  test('completion and hover answer while a cell runs; an interrupt ends it and keeps the variables', async () => {
    await openNew('const wanted = { alpha: 1, beta: "two" };', 'while (true);', 'wanted.');
    await tab.run(0);
    await tab.edit(1);
    await tab.page.keyboard.press('Control+Enter');
    await tab.kernelIs('busy');
    await tab.edit(2);
    // A busy machine may answer later than the front end waits: ask again.
    await expect
      .poll(
        async () => {
          await tab.page.keyboard.press('Tab');
          await tab.page.waitForSelector('.jp-Completer-item', { timeout: 3000 }).catch(() => {});
          return tab.page.locator('.jp-Completer-item').count();
        },
        { timeout: 40_000 },
      )
      .toBeGreaterThan(0);
    const offered = await tab.page.$$eval('.jp-Completer-match', (nodes) => nodes.map((n) => n.textContent));
    expect(offered).toEqual(expect.arrayContaining(['alpha', 'beta']));
    await screenshot(tab.page, 'completion');
    await tab.page.keyboard.press('Escape');
    await tab.page.keyboard.press('Home');
    await tab.page.keyboard.press('Shift+Tab');
    await tab.page.waitForSelector('.jp-Tooltip', { timeout: 60_000 });
    expect(await tab.page.textContent('.jp-Tooltip')).toContain('alpha');
    await screenshot(tab.page, 'hover');
    await tab.page.keyboard.press('Escape');
    await tab.command('notebook:interrupt-kernel');
    await tab.kernelIs('idle');
    expect((await tab.cells())[1].output).toMatch(/Interrupt/);
    await tab.edit(2);
    await tab.page.keyboard.type('beta');
    expect(await tab.run(2)).toContain('two');
  }, 240_000);

  test('a restart forgets the variables; a crash is told, and the next kernel works', async () => {
    const path = await openNew('const wanted = 1;', 'wanted');
    await tab.run(0);
    expect(await tab.run(1)).toContain('1');
    await tab.command('kernelmenu:restart', {}, false);
    await tab.page.click('.jp-Dialog .jp-mod-accept');
    await tab.page.waitForSelector('.jp-Dialog', { state: 'detached' });
    await tab.kernelIs('idle');
    await tab.edit(1);
    await tab.page.keyboard.press('Control+Enter');
    await expect.poll(async () => (await tab.cells())[1].output, { timeout: 60_000 }).toMatch(/Cannot find/);
    const sessions = (await lab.request('GET', 'api/sessions')).json as {
      path: string;
      kernel: { id: string };
    }[];
    const { id } = sessions.find((session) => session.path === path)!.kernel;
    process.kill(lab.server.kernels.get(id)!.pid!, 'SIGKILL');
    await tab.page.waitForSelector('.jp-Dialog:has-text("Kernel Restarting")', { timeout: 30_000 });
    await screenshot(tab.page, 'crash');
    await tab.acceptDialogs();
    await tab.kernelIs('idle');
    expect(lab.server.kernels.list().map((kernel) => kernel.id)).toContain(id);
    await tab.run(0);
    expect(await tab.run(1)).toContain('1');
  }, 240_000);

  test('a file is uploaded and downloaded', async () => {
    const upload = join(lab.folder, '..', 'upload.csv');
    writeFileSync(upload, 'x,y\n1,2\n3,4\n');
    const chooser = tab.page.waitForEvent('filechooser');
    await tab.command('filebrowser:activate');
    await tab.page.click('[data-jp-item-name="uploader"] jp-button');
    await (await chooser).setFiles(upload);
    await tab.page.waitForSelector('.jp-DirListing-item:has-text("upload.csv")', { timeout: 60_000 });
    await tab.command('docmanager:open', { path: 'upload.csv' });
    await tab.page.waitForSelector('.jp-CSVViewer');
    await screenshot(tab.page, 'table');
    const download = tab.page.waitForEvent('download');
    await tab.command('docmanager:download', { path: 'upload.csv' }, false);
    const file = await (await download).path();
    expect(readFileSync(file, 'utf8')).toBe('x,y\n1,2\n3,4\n');
  }, 120_000);

  test('a terminal and a console work', async () => {
    await tab.command('terminal:create-new');
    await tab.page.waitForSelector('.jp-Terminal .xterm-screen');
    await tab.page.click('.jp-Terminal');
    await tab.page.keyboard.type('echo $((40+2)) > from-terminal.txt\n');
    await expect
      .poll(() => existsSync(join(lab.folder, 'from-terminal.txt')), { timeout: 60_000 })
      .toBe(true);
    await screenshot(tab.page, 'terminal');
    await tab.command('console:create', { kernelPreference: { name: 'gradbook' } }, false);
    const input = tab.page.locator('.jp-CodeConsole-input .cm-content');
    // The prompt is made anew when the kernel has introduced itself.
    await tab.page.waitForSelector('.jp-CodeConsole-banner:has-text("gradbook")', { timeout: 60_000 });
    await tab.kernelIs('idle');
    await input.click();
    await tab.page.keyboard.type('6 * 7');
    await tab.page.keyboard.press('Shift+Enter');
    await tab.page.waitForSelector('.jp-CodeConsole .jp-OutputArea-output:has-text("42")', {
      timeout: 60_000,
    });
  }, 180_000);

  test('a figure is drawn; a slider that is moved calls the kernel, which draws anew', async () => {
    await openNew(
      "plot.bar({ cats: 12, dogs: 9, birds: 5 }, { title: 'animals' })",
      'let last = 0;\ninteract(({ n }) => (last = n * 10), { n: [1, 6] })',
      'last',
    );
    await tab.runAll();
    const shown = '.jp-NotebookPanel:not(.lm-mod-hidden)';
    await tab.page.waitForSelector(`${shown} .js-plotly-plot .bars path`, { timeout: 60_000 });
    const handle = tab.page.locator(`${shown} .widget-slider [role=slider]`);
    await handle.focus();
    await tab.page.keyboard.press('End');
    expect(await handle.getAttribute('aria-valuetext')).toBe('6');
    await tab.page.waitForSelector(`${shown} .widget-output :text-is("60")`, { timeout: 30_000 });
    await screenshot(tab.page, 'figure');
    expect(await tab.run(2)).toContain('60');
  }, 120_000);

  test('the dark theme is there, and kept', async () => {
    await tab.command('apputils:change-theme', { theme: 'JupyterLab Dark' });
    await tab.page.waitForSelector('body[data-jp-theme-name="JupyterLab Dark"]', { state: 'attached' });
    await tab.page.waitForTimeout(1000);
    await screenshot(tab.page, 'dark');
    await tab.page.reload();
    await tab.ready();
    await tab.page.waitForSelector('body[data-jp-theme-name="JupyterLab Dark"]', {
      state: 'attached',
      timeout: 30_000,
    });
    await tab.command('apputils:change-theme', { theme: 'JupyterLab Light' });
  }, 120_000);

  test('a second tab shares the kernel and its variables', async () => {
    const path = await openNew('const shared = 21;', 'shared * 2');
    await tab.run(0);
    const second = await LabPage.open(browser, address(`lab/workspaces/second-${path}/tree/${path}`));
    await second.page.waitForSelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell', { timeout: 60_000 });
    await second.kernelIs('idle');
    expect(await second.run(1)).toContain('42');
    const sessions = (await lab.request('GET', 'api/sessions')).json as { path: string }[];
    expect(sessions.filter((session) => session.path === path)).toHaveLength(1);
    await second.page.context().close();
  }, 120_000);

  test('the page reported no error', () => {
    // JupyterLab looks for documents that were open before under their old names.
    expect(tab.problems.filter((problem) => !/^404 GET .*\/notebook-\d+\.ipynb/.test(problem))).toEqual([]);
  });
});
