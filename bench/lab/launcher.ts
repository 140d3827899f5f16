import type { Browser } from 'playwright-core';
import { browserProgram, launchBrowser } from '../../test/lab/browserPage.ts';
import { token } from './contestants.ts';

/** Milliseconds that a browser is left to itself: it prepares much when it has started. */
const settling = 5000;

/** A browser that has come to rest; null where there is none. */
export async function settledBrowser(): Promise<Browser | null> {
  if (!browserProgram) return null;
  const browser = await launchBrowser();
  const page = await browser.newPage();
  await page.waitForTimeout(settling);
  await page.close();
  return browser;
}

/** Seconds until the launcher shows to one who was never here, and to the same when he comes back. */
export async function timeToLauncher(browser: Browser, url: string): Promise<{ cold: number; warm: number }> {
  const context = await browser.newContext();
  const visit = async (): Promise<number> => {
    const page = await context.newPage();
    const begin = performance.now();
    await page.goto(`${url}lab?token=${token}&reset`, { waitUntil: 'commit', timeout: 120_000 });
    await page.waitForSelector('.jp-LauncherCard', { timeout: 120_000 });
    const seconds = (performance.now() - begin) / 1000;
    // What follows the launcher is not the next visit's.
    await page.waitForTimeout(2000);
    await page.close();
    return seconds;
  };
  try {
    const cold = await visit();
    // Chromium keeps a script's compiled code from the second visit on.
    await visit();
    return { cold, warm: await visit() };
  } finally {
    await context.close();
  }
}
