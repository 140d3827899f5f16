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

  beforeAll(async () => {
    buildFrontEnd();
    lab = await openLab();
    write('plain.ipynb', notebook('const a = 20;\nconsole.log("hello");', 'a + 22'));
    browser = await launchBrowser();
    tab = await LabPage.open(browser, address());
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await lab?.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await screenshot(tab.page, 'failed');
  });

  test('the launcher shows the kernel, the notes and TypeScript files', async () => {
    await tab.page.waitForSelector('.jp-LauncherCard');
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
    await tab.openDocument('plain.ipynb');
    await tab.runAll();
    expect((await tab.cells()).map(({ output }) => output.trim())).toEqual(['hello', '[2]:42']);
    await tab.command('docmanager:save');
    const read = (name: string) => JSON.parse(readFileSync(join(lab.folder, name), 'utf8'));
    expect(read('plain.ipynb').cells[0].outputs[0].text).toEqual(['hello\n']);
    await tab.command('docmanager:rename', {}, false);
    await tab.page.waitForSelector('.jp-Dialog input');
    await tab.page.fill('.jp-Dialog input', 'renamed.ipynb');
    await tab.page.click('.jp-Dialog .jp-mod-accept');
    await expect.poll(() => existsSync(join(lab.folder, 'renamed.ipynb')), { timeout: 10_000 }).toBe(true);
    await tab.page.waitForSelector('.lm-TabBar-tabLabel:has-text("renamed.ipynb")');
    await tab.page.reload();
    await tab.ready();
    await tab.page.waitForSelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell', { timeout: 60_000 });
    await tab.openDocument('renamed.ipynb');
    expect((await tab.cells())[1].output).toContain('42');
  }, 240_000);

  test('a checkpoint brings back what was there', async () => {
    await tab.openDocument('renamed.ipynb');
    await tab.command('docmanager:save');
    await tab.edit(1);
    await tab.page.keyboard.type(' + 1000');
    await tab.command('docmanager:restore-checkpoint', {}, false);
    await tab.page.click('.jp-Dialog .jp-mod-warn');
    await expect
      .poll(() => tab.page.textContent('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook'), {
        timeout: 15_000,
      })
      .not.toContain('1000');
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
    const second = await LabPage.open(browser, address('lab/workspaces/second/tree/renamed.ipynb'));
    await second.page.waitForSelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell', { timeout: 60_000 });
    await second.kernelIs('idle');
    const sessions = (await lab.request('GET', 'api/sessions')).json as { path: string }[];
    expect(sessions.filter(({ path }) => path === 'renamed.ipynb')).toHaveLength(1);
    await second.page.context().close();
  }, 120_000);

  test('the page reported no error', () => {
    // JupyterLab looks for documents that were open before under their old names.
    expect(tab.problems.filter((problem) => !/^404 GET .*plain\.ipynb/.test(problem))).toEqual([]);
  });
});
