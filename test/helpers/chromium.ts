import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

const PLACES = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser of this machine; null if none is installed: then tests that need one are skipped. */
export const CHROMIUM = PLACES.find((path) => path !== '' && existsSync(path)) ?? null;

/** Keeps Chromium from making requests of its own. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface OpenedPage {
  readonly page: Page;
  /** What the page complained about, such as a style that its policy refused. */
  readonly complaints: string[];
  /** Addresses of all requests. */
  readonly requests: string[];
}

/** Starts one browser for a file of tests. Returns a function that opens a page of its own until the test ends. */
export function useChromium() {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: FLAGS,
      // Other tests share the process, and its signals are theirs.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
  });
  afterAll(() => browser?.close());
  return async (
    url: string,
    colors: 'light' | 'dark' = 'light',
    viewport = { width: 1_400, height: 800 },
  ): Promise<OpenedPage> => {
    const context = await browser.newContext({
      viewport,
      colorScheme: colors,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(url);
    return { page, complaints, requests };
  };
}
