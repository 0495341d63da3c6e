import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
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

/** Opens a job of many rows in Chromium: first rows, random jumps, the wheel. Times in ms, from the page's own clock. */
export async function measureView({ rows, seed, folder }) {
  if (CHROMIUM === undefined) return { Chromium: 'is not installed' };
  writeInput(join(folder, 'in.csv'), rows);
  // One run, so that the job is in the ledger; the other rows are pending.
  const table = join(folder, 'table.csv');
  writeInput(table, 10);
  const args = [
    'run',
    join(folder, 'in.csv'),
    '--reference',
    table,
    '-f',
    'segment_name',
    '--look-up',
    'segment_name=segment',
  ];
  await runNode([PROGRAM, ...args, '--limit', '8', '--quiet', '-o', join(folder, 'out.csv')], { folder });
  const env = { ...process.env, ROWFILL_HOME: folder };
  const view = spawn(process.execPath, [PROGRAM, 'view', '--no-open'], { cwd: folder, env });
  const startedAtMs = performance.now();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const address = await new Promise((resolve) =>
      view.stdout.once('data', (text) => resolve(String(text).trim())),
    );
    const servedMs = performance.now() - startedAtMs;
    const page = await browser.newPage({ viewport: { width: 1_400, height: 800 } });
    await page.goto(address);
    await page.waitForSelector('.g-td.k-field');
    const firstMs = await page.evaluate('performance.now()');
    await page.locator('.count', { hasText: `${rows.toLocaleString('en')} rows` }).waitFor();
    await page.evaluate(`window.long = [];
      new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.long.push(duration); })
        .observe({ entryTypes: ['longtask'] });`);
    const random = createRandom(seed);
    const times = [];
    for (let jump = 0; jump < JUMPS; jump += 1) times.push(await jumpTo(page, Math.floor(random() * rows)));
    times.sort((a, b) => a - b);
    await page.mouse.move(800, 400);
    for (let notch = 0; notch < 100; notch += 1) await page.mouse.wheel(0, 400);
    await page.waitForTimeout(1_000);
    const long = await page.evaluate('window.long');
    return {
      'address after ms': Math.round(servedMs),
      'first rows ms': Math.round(firstMs),
      'jump p50 ms': Math.round(times[JUMPS / 2]),
      p95: Math.round(times[Math.floor(JUMPS * 0.95)]),
      max: Math.round(times.at(-1)),
      'longest task ms': Math.round(Math.max(0, ...long)),
      'heap MB': Number((await page.evaluate('performance.memory.usedJSHeapSize / 1e6')).toFixed(1)),
    };
  } finally {
    await browser.close();
    const ended = new Promise((resolve) => view.once('exit', resolve));
    view.kill('SIGINT');
    await ended;
  }
}

/** Goes to a row, and returns how long it takes until its text is there. */
function jumpTo(page, place) {
  return page.evaluate(`(async () => {
    const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
    document.querySelector('.g').dispatchEvent(new KeyboardEvent('keydown', { key: 'g', bubbles: true }));
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
  })()`);
}
