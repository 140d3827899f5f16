import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { buildFrontEnd, LabPage, launchBrowser, screenshot } from './browserPage.ts';
import { type Lab, notebook, openLab } from './labServer.ts';

/** A lab and a tab in which the tests of a file work, one after the other. */
export class LabTab {
  lab!: Lab;
  browser!: Browser;
  tab!: LabPage;
  #written = 0;

  address(path = 'lab?reset'): string {
    const { url, token } = this.lab.server;
    return `${url}${path}${path.includes('?') ? '&' : '?'}token=${token}`;
  }

  write(name: string, content: unknown): void {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(this.lab.folder, name), text);
  }

  /** A notebook's name that no other test knows, nor an earlier try of the same test. */
  newName(): string {
    return `notebook-${++this.#written}.ipynb`;
  }

  /** Opens a new notebook. Returns its path. */
  async openNew(...cells: string[]): Promise<string> {
    const path = this.newName();
    this.write(path, notebook(...cells));
    await this.tab.openDocument(path);
    return path;
  }
}

/** Opens the lab before the file's tests, and ends it behind them; a test that fails leaves nothing open to the next. */
export function useLabTab(): LabTab {
  const used = new LabTab();
  beforeAll(async () => {
    buildFrontEnd();
    used.lab = await openLab();
    used.browser = await launchBrowser();
    used.tab = await LabPage.open(used.browser, used.address());
  }, 600_000);
  afterAll(async () => {
    await used.browser?.close();
    await used.lab?.close();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await screenshot(used.tab.page, 'failed');
    // What is open, a dialog above all, is not in the way of the next test or try.
    await used.tab.goto(used.address());
    used.tab.problems.length = 0;
  });
  return used;
}

/** The last test of a file. */
export function testNoProblems(used: LabTab): void {
  test('the page reported no error', () => {
    // JupyterLab looks for documents that were open before under their old names.
    expect(used.tab.problems.filter((problem) => !/^404 GET .*\/notebook-\d+\.ipynb/.test(problem))).toEqual(
      [],
    );
  });
}
