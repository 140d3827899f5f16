import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../kernel/cli/staticFigures.ts';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Chromium, Chrome or Edge, where this machine has one. `CHROME_PATH` names another. */
export const browserProgram = findBrowser();

/** Builds the front end where it is not built yet, or has changed. */
export function buildFrontEnd(): void {
  const prepare = fileURLToPath(new URL('../../scripts/prepareLab.js', import.meta.url));
  execFileSync(process.execPath, [prepare], { stdio: 'inherit' });
}

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: browserProgram, args: flags });

/** One that keeps what it has cached in a folder, compiled scripts too, as a user's own does. */
export const launchProfile = (folder: string): Promise<BrowserContext> =>
  chromium.launchPersistentContext(folder, { executablePath: browserProgram, args: flags });

/** Where screenshots go: nowhere, unless `GRADBOOK_SCREENSHOTS` names a folder. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.GRADBOOK_SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

const shown = '.jp-NotebookPanel:not(.lm-mod-hidden)';

/** A JupyterLab page, and what a user does there. */
export class LabPage {
  readonly page: Page;
  /** Errors that the page reported. */
  readonly problems: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => {
      // JupyterLab says the first of every kernel that is not being debugged, the second of one that dies with requests under way.
      if (error.message !== 'No active debugger session' && !/Canceled future for/.test(error.message))
        this.problems.push(error.message);
    });
    page.on('response', (response) => {
      if (response.status() >= 400)
        this.problems.push(`${response.status()} ${response.request().method()} ${response.url()}`);
    });
  }

  static async open(browser: Browser, url: string): Promise<LabPage> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 860 },
      acceptDownloads: true,
    });
    // A page that is slow is no failure: tests that wait for something in it say how long.
    context.setDefaultNavigationTimeout(120_000);
    context.setDefaultTimeout(60_000);
    const lab = new LabPage(await context.newPage());
    await lab.goto(url);
    return lab;
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
    await this.ready();
  }

  /** Until the layout is restored. */
  async ready(): Promise<void> {
    await this.page.waitForFunction('window.jupyterapp !== undefined', null, { timeout: 120_000 });
    await this.page.evaluate('window.jupyterapp.restored');
    await this.page.waitForSelector('.jp-LabShell');
  }

  /** Runs a command of JupyterLab's, as its menus do. Does not wait for its end when `wait` is false. */
  async command(id: string, args: object = {}, wait = true): Promise<void> {
    const call = `window.jupyterapp.commands.execute(${JSON.stringify(id)}, ${JSON.stringify(args)})`;
    await this.page.evaluate(`${call}${wait ? '' : ', undefined'}${wait ? '.then(() => undefined)' : ''}`);
  }

  /** Opens a document, and waits for its kernel where it is a notebook. */
  async openDocument(path: string): Promise<void> {
    // Another document may take the focus while this one opens.
    const current = `window.jupyterapp.shell.currentWidget?.context?.path === ${JSON.stringify(path)}`;
    for (let i = 0; i < 5; i++) {
      await this.command('docmanager:open', { path });
      const opened = await this.page.waitForFunction(current, null, { timeout: 5000 }).catch(() => null);
      if (opened) break;
    }
    if (path.endsWith('.ipynb')) {
      await this.page.waitForSelector(`${shown} .jp-Cell`);
      await this.kernelIs('idle');
    }
  }

  /** Until the current document has a kernel that is connected and in that state. */
  async kernelIs(state: 'idle' | 'busy'): Promise<void> {
    const kernel = 'window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel';
    await this.page.waitForFunction(
      `${kernel}?.status === '${state}' && ${kernel}.connectionStatus === 'connected'`,
      null,
      { timeout: 120_000 },
    );
  }

  /** Accepts the dialog that shows, and those behind it. */
  async acceptDialogs(): Promise<void> {
    const dialog = this.page.locator('.jp-Dialog');
    for (let i = 0; i < 5 && (await dialog.count()) > 0; i++) {
      await this.page.keyboard.press('Enter');
      await dialog.waitFor({ state: 'detached', timeout: 5000 }).catch(() => {});
    }
  }

  /** The visible notebook's cells: what their prompt and their output say. */
  cells(): Promise<{ prompt: string; output: string }[]> {
    return this.page.$$eval(`${shown} .jp-CodeCell`, (nodes) =>
      nodes.map((node) => ({
        prompt: node.querySelector('.jp-InputPrompt')?.textContent ?? '',
        output: node.querySelector('.jp-OutputArea')?.textContent ?? '',
      })),
    );
  }

  /** Runs all cells, and waits until each has ended. */
  async runAll(): Promise<void> {
    await this.command('notebook:run-all-cells');
    await this.kernelIs('idle');
  }

  /** Puts the cursor at the end of a code cell, counted from 0. */
  async edit(cell: number): Promise<void> {
    // A cell has its editor when it has been in sight.
    await this.page.evaluate(`(() => {
      const notebook = window.jupyterapp.shell.currentWidget.content;
      const codeCells = notebook.widgets.flatMap((widget, i) => (widget.model.type === 'code' ? [i] : []));
      notebook.activeCellIndex = codeCells[${cell}];
      return notebook.scrollToItem(codeCells[${cell}]);
    })()`);
    const editor = this.page.locator(`${shown} .jp-CodeCell`).nth(cell).locator('.cm-content');
    await editor.click();
    await this.page.keyboard.press('Control+End');
  }

  /** Runs one code cell, counted from 0, and waits for its end. Returns its output. */
  async run(cell: number): Promise<string> {
    await this.edit(cell);
    await this.command('notebook:run-cell');
    await this.kernelIs('idle');
    return (await this.cells())[cell].output;
  }
}
