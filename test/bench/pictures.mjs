// Makes the pictures of the view in docs/pictures from the sample job, with the built program and this machine's Chromium:
// node test/bench/pictures.mjs
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PROGRAM = join(ROOT, 'dist/cli/main.js');
const PICTURES = join(ROOT, 'docs/pictures');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'];
/** The page uses the system's font, which is Inter in the pictures where it is installed. */
const FONTS =
  '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>' +
  ['system-ui', 'sans-serif']
    .map(
      (name) =>
        `<match target="pattern"><test name="family"><string>${name}</string></test><edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>`,
    )
    .join('') +
  '</fontconfig>';

const folder = mkdtempSync(join(tmpdir(), 'rowfill-pictures-'));
const started = [];
try {
  if (CHROMIUM === undefined) throw new Error('no Chromium is installed');
  await takePictures();
} finally {
  for (const child of started) child.kill('SIGINT');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function takePictures() {
  cpSync(join(ROOT, 'samples'), join(folder, 'samples'), { recursive: true });
  mkdirSync(join(folder, 'fontconfig'));
  writeFileSync(join(folder, 'fontconfig/fonts.conf'), FONTS);
  mkdirSync(PICTURES, { recursive: true });
  const [agent] = await start([
    'serve',
    '--reference',
    'samples/reference',
    '--price',
    '--latency',
    '3s..5s',
  ]);
  const ask = [
    'run',
    'samples/companies.csv',
    '--recipe',
    'samples/companies.recipe.yaml',
    '--api-url',
    agent,
  ];
  // Nothing but the agent of the recipe is replaced.
  const options = [
    ...ask,
    '--yes',
    '--batch-size',
    '4',
    '--concurrency',
    '3',
    '-o',
    'samples/companies.filled.csv',
  ];
  const [, filled] = await start(options, false);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  const [address] = await start(['view', '--no-open']);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
    env: { ...process.env, XDG_CONFIG_HOME: folder },
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(address);
  await page.waitForSelector('.g-td.k-field .value');
  await page.waitForSelector('.pulse span');
  await page.click('text=Follow');
  await page.waitForSelector('.dot.is-asked');
  await page.waitForTimeout(900);
  await page.screenshot({ path: join(PICTURES, 'view.png') });
  await filled;
  await page.locator('.pulse b', { hasText: 'Done' }).waitFor();
  await page.reload();
  await page.waitForSelector('.g-td.k-field .value');
  await page.click('.g-row[aria-rowindex="8"] .gc4');
  await page.waitForSelector('.panel');
  await page.keyboard.press('F2');
  await page.fill('.cell-editor', 'USA');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.badge.l-human');
  await page.click('.g-row[aria-rowindex="5"] .gc4');
  await page.waitForSelector('.panel:has-text("row 4")');
  // Until the changed cell no longer shines.
  await page.waitForTimeout(2_000);
  await page.screenshot({ path: join(PICTURES, 'panel.png') });
  await browser.close();
}

/** Starts the program. Resolves with the first line that it prints, if one is awaited, and a promise of its end. */
async function start(args, hasAddress = true) {
  const env = { ...process.env, ROWFILL_HOME: join(folder, 'home') };
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', hasAddress ? 'ignore' : 'inherit'],
  });
  started.push(child);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (!hasAddress) return ['', ended];
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
  });
  return [line, ended];
}
