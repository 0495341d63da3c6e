import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { PROGRAM, runNode } from './contenders.mjs';
import { writeInput } from './input.mjs';
import { createRandom } from './latencies.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-sync',
  '--enable-precise-memory-info',
];
const JUMPS = 200;

/** What is measured: the view, and a bare list of the same rows from the same server. `jump` is run in the page. */
const VIEW = {
  command: [PROGRAM, 'view', '--no-open'],
  firstRow: '.g-td.k-field',
  isRead: (page, rows) => page.locator('.count', { hasText: `${rows.toLocaleString('en')} rows` }).waitFor(),
  jump: (place) => `(async () => {
    const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
    document.querySelector('.g').dispatchEvent(new KeyboardEvent('keydown', { key: 'j', altKey: true, bubbles: true }));
    while (document.querySelector('#go-to') === null) await next();
    const field = document.querySelector('#go-to');
    field.value = ${place + 1};
    const startedAtMs = performance.now();
    field.form.requestSubmit();
    for (;;) {
      await next();
      const row = document.querySelector('.g-row[aria-rowindex="${place + 2}"]:not([hidden])');
      if ((row?.querySelector('.gc1')?.textContent ?? '') !== '') return performance.now() - startedAtMs;
    }
  })()`,
};
const PLAIN = {
  command: [fileURLToPath(new URL('./plain-view.mjs', import.meta.url))],
  firstRow: '.row:not([hidden]) .cell',
  isRead: (page, rows) => page.waitForSelector(`html[data-ready="${rows}"]`),
  jump: (place) => `window.jump(${place})`,
};

/**
 * Opens a job of many rows in Chromium: first rows, random jumps, the wheel, memory. Times in ms, from the page's own
 * clock. Each figure has that of a plain list of the same rows beside it, measured in the same run.
 */
export async function measureView({ rows, seed, folder }) {
  if (CHROMIUM === undefined) return { Chromium: 'is not installed' };
  writeInput(join(folder, 'in.csv'), rows);
  // One run, so that the job is in the ledger; the other rows are pending.
  const table = join(folder, 'table.csv');
  writeInput(table, 10);
  const fields = ['-f', 'segment_name', '--look-up', 'segment_name=segment'];
  const args = ['run', join(folder, 'in.csv'), '--reference', table, ...fields];
  await runNode([PROGRAM, ...args, '--limit', '8', '--quiet', '-o', join(folder, 'out.csv')], { folder });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    // They take turns at being the first, because the second finds the file in memory.
    const order = seed % 2 === 1 ? [VIEW, PLAIN] : [PLAIN, VIEW];
    const found = new Map();
    for (const kind of order) found.set(kind, await measurePage(kind, browser, { rows, seed, folder }));
    return compare(found.get(VIEW), found.get(PLAIN));
  } finally {
    await browser.close();
  }
}

async function measurePage(kind, browser, { rows, seed, folder }) {
  const env = { ...process.env, ROWFILL_HOME: folder };
  const words = kind === PLAIN ? [...kind.command, join(folder, 'ledger.sqlite')] : kind.command;
  const server = spawn(process.execPath, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const startedAtMs = performance.now();
  const context = await browser.newContext({ viewport: { width: 1_400, height: 800 } });
  try {
    const address = await new Promise((resolve, reject) => {
      server.stdout.once('data', (text) => resolve(String(text).trim()));
      server.once('exit', (code) => reject(new Error(`the server of the page ended with ${code}`)));
    });
    const servedMs = performance.now() - startedAtMs;
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForSelector(kind.firstRow);
    const firstMs = await page.evaluate('performance.now()');
    await kind.isRead(page, rows);
    await page.evaluate(`window.long = [];
      new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.long.push(duration); })
        .observe({ entryTypes: ['longtask'] });`);
    const random = createRandom(seed);
    const times = [];
    for (let jump = 0; jump < JUMPS; jump += 1)
      times.push(await page.evaluate(kind.jump(Math.floor(random() * rows))));
    times.sort((a, b) => a - b);
    await page.mouse.move(800, 400);
    for (let notch = 0; notch < 100; notch += 1) await page.mouse.wheel(0, 400);
    await page.waitForTimeout(1_000);
    const long = await page.evaluate('window.long');
    return {
      'address after ms': servedMs,
      'first rows ms': firstMs,
      'jump p50 ms': times[JUMPS / 2],
      'jump p95 ms': times[Math.floor(JUMPS * 0.95)],
      'jump max ms': times.at(-1),
      'long tasks': long.length,
      'longest task ms': Math.max(0, ...long),
      'heap MB': await page.evaluate('performance.memory.usedJSHeapSize / 1e6'),
    };
  } finally {
    await context.close();
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    await ended;
  }
}

/** Each figure of the view with that of the plain list, and how many times as much it is. */
function compare(view, plain) {
  return Object.fromEntries(
    Object.entries(view).map(([name, figure]) => {
      const other = plain[name];
      const ratio = other === 0 ? '' : `, ×${(figure / other).toFixed(1)}`;
      return [name, `${format(figure)} (plain ${format(other)}${ratio})`];
    }),
  );
}

function format(figure) {
  return figure < 20 ? Number(figure.toFixed(1)) : Math.round(figure);
}
