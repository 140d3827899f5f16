import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { browserProgram, screenshot } from './browserPage.ts';
import { notebook } from './labServer.ts';
import { testNoProblems, useLabTab } from './labTab.ts';

describe.skipIf(!browserProgram)('documents in a browser (skipped where there is no Chromium)', () => {
  const used = useLabTab();

  test('a notebook runs, is saved, renamed, and is as it was after a reload', async () => {
    const path = await used.openNew('const a = 20;\nconsole.log("hello");', 'a + 22');
    const renamed = `renamed-${path}`;
    await used.tab.runAll();
    expect((await used.tab.cells()).map(({ output }) => output.trim())).toEqual(['hello', '[2]:42']);
    await used.tab.command('docmanager:save');
    expect(JSON.parse(readFileSync(join(used.lab.folder, path), 'utf8')).cells[0].outputs[0].text).toEqual([
      'hello\n',
    ]);
    await used.tab.command('docmanager:rename', {}, false);
    await used.tab.page.waitForSelector('.jp-Dialog input');
    await used.tab.page.fill('.jp-Dialog input', renamed);
    await used.tab.page.click('.jp-Dialog .jp-mod-accept');
    await expect.poll(() => existsSync(join(used.lab.folder, renamed)), { timeout: 60_000 }).toBe(true);
    await used.tab.page.waitForSelector(`.lm-TabBar-tabLabel:has-text("${renamed}")`);
    await used.tab.page.reload();
    await used.tab.ready();
    await used.tab.page.waitForSelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell', {
      timeout: 60_000,
    });
    await used.tab.openDocument(renamed);
    expect((await used.tab.cells())[1].output).toContain('42');
  }, 240_000);

  test('a checkpoint brings back what was there', async () => {
    await used.openNew('1', '2');
    await used.tab.command('docmanager:save');
    await used.tab.edit(1);
    await used.tab.page.keyboard.type(' + 1000');
    const restored = used.tab.command('docmanager:restore-checkpoint');
    await used.tab.page.click('.jp-Dialog .jp-mod-warn');
    await restored;
    await expect
      .poll(() => used.tab.page.textContent('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook'), {
        timeout: 60_000,
      })
      .not.toContain('1000');
  }, 120_000);

  test('a notebook that changed on disk meanwhile is not written over without a question', async () => {
    const path = await used.openNew('1');
    await used.tab.edit(0);
    await used.tab.page.keyboard.type(' + 1');
    const theirs = JSON.stringify(notebook('somebody else'));
    // Times of files that lie closer together than this do not count as a change.
    await used.tab.page.waitForTimeout(1500);
    used.write(path, theirs);
    await used.tab.command('docmanager:save', {}, false);
    await used.tab.page.waitForSelector('.jp-Dialog:has-text("File Changed")', { timeout: 30_000 });
    await screenshot(used.tab.page, 'conflict');
    expect(readFileSync(join(used.lab.folder, path), 'utf8')).toBe(theirs);
    await used.tab.page.click('.jp-Dialog button:has-text("Revert")');
    await used.tab.page.waitForSelector(
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
    const path = used.newName();
    used.write(path, risky);
    await used.tab.openDocument(path);
    const shown = '.jp-NotebookPanel:not(.lm-mod-hidden)';
    await used.tab.page.waitForSelector(`${shown} .jp-OutputArea-output:has-text("theirs")`);
    await used.tab.page.waitForTimeout(500);
    expect(await used.tab.page.evaluate('window.ran')).toBeUndefined();
    expect(await used.tab.page.locator(`${shown} .jp-OutputArea-output script`).count()).toBe(0);
    expect(await used.tab.page.locator(`${shown} [onerror]`).count()).toBe(0);
    const trusting = used.tab.command('notebook:trust');
    await used.tab.page.click('.jp-Dialog .jp-mod-warn');
    await trusting;
    await expect.poll(() => used.tab.page.evaluate('window.ran'), { timeout: 60_000 }).toBeDefined();
    const read = await used.lab.request('GET', `api/contents/${path}`);
    expect(read.json.content.cells[0].metadata.trusted).toBe(true);
  }, 120_000);

  test('a file is uploaded and downloaded', async () => {
    const upload = join(used.lab.folder, '..', 'upload.csv');
    writeFileSync(upload, 'x,y\n1,2\n3,4\n');
    const chooser = used.tab.page.waitForEvent('filechooser');
    await used.tab.command('filebrowser:activate');
    await used.tab.page.click('[data-jp-item-name="uploader"] jp-button');
    await (await chooser).setFiles(upload);
    await used.tab.page.waitForSelector('.jp-DirListing-item:has-text("upload.csv")', { timeout: 60_000 });
    await used.tab.command('docmanager:open', { path: 'upload.csv' });
    await used.tab.page.waitForSelector('.jp-CSVViewer');
    await screenshot(used.tab.page, 'table');
    const download = used.tab.page.waitForEvent('download');
    await used.tab.command('docmanager:download', { path: 'upload.csv' }, false);
    const file = await (await download).path();
    expect(readFileSync(file, 'utf8')).toBe('x,y\n1,2\n3,4\n');
  }, 120_000);

  testNoProblems(used);
});
