import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { launchProfile } from '../../test/lab/browserPage.ts';
import { token } from './contestants.ts';

/** Milliseconds that a browser is left to itself: it prepares much when it has started. */
const settling = 5000;

/** Seconds from the address to the launcher. */
async function visit(browser: BrowserContext, url: string): Promise<number> {
  const page = await browser.newPage();
  const begin = performance.now();
  await page.goto(`${url}lab?token=${token}`, { waitUntil: 'commit', timeout: 120_000 });
  await page.waitForSelector('.jp-LauncherCard', { timeout: 120_000 });
  const seconds = (performance.now() - begin) / 1000;
  // What follows the launcher is not the next visit's.
  await page.waitForTimeout(2000);
  await page.close();
  return seconds;
}

/** Seconds until the launcher shows to one who was never here, and to the same when he comes back. */
export async function timeToLauncher(url: string): Promise<{ cold: number; warm: number }> {
  const profile = mkdtempSync(join(tmpdir(), 'gradbook-bench-browser-'));
  const browser = await launchProfile(profile);
  try {
    // It runs already when somebody comes.
    const other = await browser.newPage();
    await other.goto('data:text/html,<p>another page</p>');
    await other.waitForTimeout(settling);
    const cold = await visit(browser, url);
    // Chromium keeps a script's compiled code from the second visit on.
    await visit(browser, url);
    return { cold, warm: await visit(browser, url) };
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
