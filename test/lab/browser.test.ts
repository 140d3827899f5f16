import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { browserProgram, LabPage, screenshot } from './browserPage.ts';
import { testNoProblems, useLabTab } from './labTab.ts';

describe.skipIf(!browserProgram)('JupyterLab in a browser (skipped where there is no Chromium)', () => {
  const used = useLabTab();

  test('the launcher shows the kernel, the notes and TypeScript files', async () => {
    await used.tab.page.waitForSelector('.jp-LauncherCard:has-text("Getting started")');
    const sections = await used.tab.page.$$eval('.jp-Launcher-sectionTitle', (nodes) =>
      nodes.map((n) => n.textContent),
    );
    expect(sections).toEqual(['Notebook', 'Notes', 'Console', '笔记', 'Other']);
    const cards = await used.tab.page.$$eval('.jp-LauncherCard-label', (nodes) =>
      nodes.map((n) => n.textContent?.trim()),
    );
    expect(cards).toEqual(
      expect.arrayContaining(['TypeScript (gradbook)', 'Getting started', 'TypeScript File']),
    );
    expect(await used.tab.page.locator('.jp-Launcher').count()).toBe(1);
    expect(used.tab.page.url()).not.toContain('token');
    await screenshot(used.tab.page, 'launcher');
  }, 120_000);

  test('a note opens as a copy, and all its cells run', async () => {
    await used.tab.page.click('.jp-LauncherCard:has-text("Getting started")');
    await used.tab.page.waitForSelector('.jp-NotebookPanel .jp-Cell');
    await used.tab.kernelIs('idle');
    expect(readdirSync(join(used.lab.folder, 'notes'))).toContain('00-getting-started.ipynb');
    await used.tab.runAll();
    const outputs = (await used.tab.cells()).map(({ output }) => output).join('\n');
    expect(outputs).not.toMatch(/Error/);
    await screenshot(used.tab.page, 'note');
  }, 240_000);

  test('the dark theme is there, and kept', async () => {
    await used.tab.command('apputils:change-theme', { theme: 'JupyterLab Dark' });
    await used.tab.page.waitForSelector('body[data-jp-theme-name="JupyterLab Dark"]', { state: 'attached' });
    await used.tab.page.waitForTimeout(1000);
    await screenshot(used.tab.page, 'dark');
    await used.tab.page.reload();
    await used.tab.ready();
    await used.tab.page.waitForSelector('body[data-jp-theme-name="JupyterLab Dark"]', {
      state: 'attached',
      timeout: 30_000,
    });
    await used.tab.command('apputils:change-theme', { theme: 'JupyterLab Light' });
  }, 120_000);

  test('the Help menu leads to the notes and to the pages of the kernel', async () => {
    await used.openNew('1');
    await used.tab.page.click('.lm-MenuBar-itemLabel:text-is("Help")');
    const menu = used.tab.page.locator('.lm-Menu[data-type], .lm-Menu').first();
    await menu.locator('.lm-Menu-itemLabel:text-is("Notes")').hover();
    await used.tab.page.waitForSelector('.lm-Menu-itemLabel:text-is("Getting started")');
    const labels = await menu.locator('.lm-Menu-itemLabel').allTextContents();
    expect(labels).toEqual(
      expect.arrayContaining([
        'About gradbook',
        'Notes',
        'About the TypeScript (gradbook) Kernel',
        'TypeScript',
      ]),
    );
    await screenshot(used.tab.page, 'help');
    await menu.locator('.lm-Menu-itemLabel:text-is("Licenses")').click();
    await used.tab.page.waitForSelector('.jp-Licenses-Grid tr:has-text("@jupyterlab/notebook")');
    await screenshot(used.tab.page, 'licenses');
  }, 120_000);

  test('the settings editor shows every extension’s settings and keeps what is changed', async () => {
    await used.tab.command('settingeditor:open', { query: 'Notebook' });
    const field = used.tab.page.locator('[id$="recordTiming"]').first();
    await field.waitFor({ state: 'attached' });
    await field.click();
    const id = '@jupyterlab/notebook-extension:tracker';
    await expect
      .poll(async () => (await used.lab.request('GET', `lab/api/settings/${id}`)).json.settings, {
        timeout: 60_000,
      })
      .toMatchObject({ recordTiming: true });
    await screenshot(used.tab.page, 'settings');
  }, 120_000);

  test('one who has no token sees the login page, which the token opens', async () => {
    const context = await used.browser.newContext({ colorScheme: 'dark' });
    const page = await context.newPage();
    await page.goto(`${used.lab.server.url}lab/tree`);
    expect(new URL(page.url()).pathname).toBe('/login');
    await page.fill('input[type=password]', 'wrong');
    await page.click('button');
    await page.waitForSelector('[role=alert]');
    await screenshot(page, 'login');
    await page.fill('input[type=password]', used.lab.server.token);
    await page.click('button');
    await page.waitForSelector('.jp-LabShell', { timeout: 120_000 });
    await context.close();
  }, 120_000);

  test('a second tab shares the kernel and its variables', async () => {
    const path = await used.openNew('const shared = 21;', 'shared * 2');
    await used.tab.run(0);
    const second = await LabPage.open(
      used.browser,
      used.address(`lab/workspaces/second-${path}/tree/${path}`),
    );
    await second.page.waitForSelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell', { timeout: 60_000 });
    await second.kernelIs('idle');
    expect(await second.run(1)).toContain('42');
    // The address named a document: no launcher stands in front of it.
    expect(await second.page.locator('.jp-Launcher').count()).toBe(0);
    const sessions = (await used.lab.request('GET', 'api/sessions')).json as { path: string }[];
    expect(sessions.filter((session) => session.path === path)).toHaveLength(1);
    await second.page.context().close();
  }, 120_000);

  testNoProblems(used);
});
