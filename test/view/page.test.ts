import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page, Request } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createAsk } from '../../src/model/ask.js';
import { createSchema, listFields, parseField } from '../../src/model/field.js';
import type { CellDetail } from '../../src/view/api.js';
import { createCellsAgent } from '../helpers/cells-agent.js';
import { CHROMIUM, useChromium } from '../helpers/chromium.js';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid, createPaidGate } from '../helpers/paid-server.js';
import { answerRows, createResult, type Script } from '../helpers/scripted-agent.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { openReport, openViewBench } from '../helpers/view-bench.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * What axe finds on a page in light and in dark. It is put in by the browser's own tools, which the policy does not hold
 * back.
 */
async function findFaults(page: Page): Promise<string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE);
  const faults: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const options = JSON.stringify({ runOnly: RULES, resultTypes: ['violations'] });
    const found = await page.evaluate(`axe.run(document, ${options})`);
    const { violations } = found as { violations: { id: string; nodes: { html: string }[] }[] };
    for (const { id, nodes } of violations)
      faults.push(`${colorScheme} ${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  }
  return faults;
}

/** Fewer rows, because axe looks at each element. */
const SMALL = { width: 1_180, height: 360 };

/** Goes to a row with the dialog of the page. Returns the text of its first column once it is there. */
function jump(page: Page, place: number): Promise<string> {
  return page.evaluate(`(async () => {
    const next = () => new Promise((resolve) => requestAnimationFrame(resolve));
    document.querySelector('.g').dispatchEvent(new KeyboardEvent('keydown', { key: 'j', altKey: true, bubbles: true }));
    while (document.querySelector('#go-to') === null) await next();
    const field = document.querySelector('#go-to');
    field.value = ${place + 1};
    field.form.requestSubmit();
    for (;;) {
      await next();
      const row = document.querySelector('.g-row[aria-rowindex="${place + 2}"]:not([hidden])');
      const text = row?.querySelector('.gc1')?.textContent ?? '';
      if (text !== '' && document.querySelector('#go-to') === null) return text;
    }
  })()`) as Promise<string>;
}

function readCell(page: Page, row: number, column: number): Promise<string | null> {
  return page.textContent(`.g-row[aria-rowindex="${row + 1}"] .gc${column}`);
}

describe.skipIf(CHROMIUM === null)(`the page in ${CHROMIUM ?? 'a browser, which is not installed'}`, () => {
  const open = useChromium();

  async function openFilled(count: number, script: Script = answerRows) {
    const bench = await openJobBench(script);
    bench.write('in.csv', createList(count));
    const { summary } = await bench.run();
    const ledger = join(bench.folder, 'ledger.sqlite');
    const view = await openViewBench({ job: summary.jobId, ledger, agent: { apiKey: 'test' } });
    return { bench, view, ledger, jobId: summary.jobId };
  }

  test('a job fills live, and the page ends with the numbers of the job', SLOW, async () => {
    const gate = createPaidGate();
    const bench = await openJobBench(gate.script, { maxActiveRuns: 100 });
    const count = chooseCount(2_000, 400);
    bench.write('in.csv', createList(count));
    const ledger = join(bench.folder, 'ledger.sqlite');
    const running = bench.run({ batchSize: 20, concurrency: 10 });
    await gate.reached(10);
    const [job] = await bench.listJobs();
    const view = await openViewBench({ job: job?.id ?? '', ledger });
    const { page, complaints } = await open(view.url);
    await page.waitForSelector('.dot.is-asked');
    expect(await page.textContent('.pulse b')).toBe('Waiting for answers');
    gate.open();
    const { summary } = await running;
    await expect.poll(() => page.textContent('.pulse b')).toBe('Done');
    await expect.poll(() => readCell(page, 1, 3)).toContain('answer to');
    const spent = `$${(summary.costMicros / 1_000_000).toFixed(2)}`;
    expect(await page.textContent('.money')).toContain(spent);
    expect(await page.getAttribute('.strip', 'aria-label')).toBe(
      `Rows by status: Enriched ${count.toLocaleString('en')}`,
    );
    await expect.poll(() => page.textContent('.facet >> nth=0')).toContain(count.toLocaleString('en'));
    expect(complaints).toEqual([]);
  });

  test('hostile text stays text, nothing is loaded from elsewhere, and the token leaves the address', async () => {
    const hostile = [
      '<img src=x onerror="window.hacked=1">',
      '=HYPERLINK("http://evil.example","x")',
      '\u001b[31mred\u001b[0m',
      '\u202eevil',
      'x'.repeat(100_000),
    ];
    const script = (task: AgentTask) => {
      const records = task.request.input?.data ?? [];
      const rows = records.map(({ row_id: id }, index) => ({
        row_id: id ?? '',
        fields: { answer: hostile[index % hostile.length] ?? '' },
      }));
      const grounding = rows.map((_, index) => ({
        field: `structured.rows[${index}].fields.answer`,
        citations: [
          { url: 'javascript:window.hacked=2', title: '<svg onload="window.hacked=3">' },
          { url: 'file:///etc/passwd', title: 'passwords' },
          { url: 'https://example.com/a', title: '<script>window.hacked=4</script>' },
        ],
        confidence: 'low' as const,
      }));
      return createResult({ rows }, grounding);
    };
    const bench = await openJobBench(script);
    const cells = hostile.map((text) => `"${text.replaceAll('"', '""')}"`);
    bench.write(
      'in.csv',
      `company,note\n${cells.map((cell, index) => `Company ${index},${cell}`).join('\n')}\n`,
    );
    const { summary } = await bench.run({ send: ['company'] });
    const ledger = join(bench.folder, 'ledger.sqlite');
    const view = await openViewBench({ job: summary.jobId, ledger });
    const { page, complaints, requests } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    expect(await readCell(page, 1, 3)).toContain('<img src=x');
    await page.click('.g-row[aria-rowindex="2"] .gc3');
    await page.waitForSelector('.source-list li');
    const links = await page.$$eval('.panel a', (all) =>
      all.map((a) => [a.getAttribute('href'), a.getAttribute('rel')]),
    );
    expect(links).toEqual([['https://example.com/a', 'noopener noreferrer nofollow']]);
    expect(await page.textContent('.source-list')).toContain('<svg onload');
    for (const row of [3, 4, 5, 6]) {
      await page.click(`.g-row[aria-rowindex="${row}"] .gc3`);
      await page.waitForSelector(`.panel:has-text("row ${row - 1}")`);
    }
    expect(await page.textContent('.foot-keys')).toContain('review, 5 left');
    await page.click('.g-row[aria-rowindex="3"] .gc3');
    await page.waitForSelector('.panel:has-text("row 2")');
    await page.keyboard.press('Alt+n');
    await page.waitForSelector('.panel:has-text("row 3")');
    expect(await page.$$eval('img, iframe, object, embed, #app script', (all) => all.length)).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    await expect(page.evaluate('document.body.innerHTML = "<b>x</b>"')).rejects.toThrow(/TrustedHTML/);
    expect(requests.filter((url) => !url.startsWith(view.origin))).toEqual([]);
    expect(page.url()).not.toContain(view.token);
    expect(requests.slice(1).filter((url) => url.includes(view.token))).toEqual([]);
    expect(complaints.filter((text) => !text.includes('TrustedHTML'))).toEqual([]);
  });

  test('the keyboard moves, opens, edits, undoes, searches and comes back', async () => {
    const { view } = await openFilled(60);
    const { page } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    await page.keyboard.press('Tab');
    expect(await page.textContent(':focus')).toBe('Skip to the rows');
    await page.keyboard.press('Enter');
    const place = () =>
      page.evaluate(
        "[document.activeElement?.closest('.g-row')?.getAttribute('aria-rowindex'), document.activeElement?.getAttribute('aria-colindex')]",
      ) as Promise<string[]>;
    await page.keyboard.press('Control+ArrowDown');
    expect(await place()).toEqual(['61', '2']);
    await page.keyboard.press('Control+Home');
    for (const key of ['ArrowDown', 'ArrowDown', 'End', 'ArrowLeft']) await page.keyboard.press(key);
    expect(await place()).toEqual(['4', '4']);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.panel:has-text("row 3")');
    expect(await place()).toEqual(['4', '4']);
    const before = await readCell(page, 3, 3);
    await page.keyboard.press('F2');
    expect(await page.inputValue('.cell-editor:focus')).toMatch(/^answer to /);
    await page.keyboard.type('typed by hand');
    await page.keyboard.press('Enter');
    await expect.poll(() => readCell(page, 3, 3)).toContain('typed by hand');
    await page.keyboard.press('Control+z');
    await expect.poll(() => readCell(page, 3, 3)).toContain(before?.replace(/\d+$|✎$/, '') ?? '');
    await page.keyboard.press('Shift+ArrowDown');
    expect(await page.textContent('.foot')).toContain('2 cells · 2 filled');
    await page.keyboard.press('Control+c');
    await expect
      .poll(() => page.evaluate('navigator.clipboard.readText()'))
      .toMatch(/^answer to \S+\nanswer to \S+$/);
    await page.keyboard.press('Space');
    await page.waitForSelector('.picked');
    await page.keyboard.press('Alt+k');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Alt+s');
    await page.keyboard.type('Company 5');
    await expect.poll(() => page.textContent('.count')).toBe('11 of 60 rows');
    await page.keyboard.press('Escape');
    expect((await place())[0]).toBe('2');
  });

  test('letters, digits and signs type into the cell, however fast, and act only together with Alt', async () => {
    const agent = createCellsAgent((company, field) => (field === 'year' ? '1999' : `answer to ${company}`));
    const bench = await openJobBench(agent.script);
    bench.write('in.csv', createList(16));
    const { summary } = await bench.run({ fields: ['answer', 'year:integer'] });
    const view = await openViewBench({ job: summary.jobId, ledger: join(bench.folder, 'ledger.sqlite') });
    const { page, requests, complaints } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    const editor = page.locator('.cell-editor');
    const toast = () => page.textContent('.toast');
    const type = async (text: string, ...keys: string[]) => {
      await page.keyboard.type(text);
      for (const key of keys) await page.keyboard.press(key);
    };
    // A row each, without a wait: every key that was a shortcut once, and what follows a letter.
    const words = ['Nice', 'Arr', 'ro', 'Fa', 'gr', 'Os', '/?', '[]', '-5', '=1', '7 N'];
    await page.click('.g-row[aria-rowindex="2"] .gc3');
    for (const word of words) await type(word, 'Enter', 'ArrowDown');
    const read = () => Promise.all(words.map(async (_, index) => readCell(page, index + 1, 3)));
    await expect.poll(read).toEqual(words.map((word) => `${word}✎`));
    expect(await page.textContent('.count')).toBe('16 rows');
    expect(bench.agent.tasks).toHaveLength(2);
    // An undo right after an edit is about that edit.
    await page.click('.g-row[aria-rowindex="2"] .gc3');
    await type('Ber', 'Enter', 'Control+z');
    await expect.poll(toast).toContain('The earlier value is back');
    await expect.poll(() => readCell(page, 1, 3)).toBe('Nice✎');
    // The text is left alone by Esc, by an empty dead key, and by F2 without a change.
    const puts = () => requests.filter((url) => url.endsWith('/api/cell')).length;
    const before = puts();
    const keys = await page.context().newCDPSession(page);
    const dead = { key: 'Dead', code: 'BracketLeft', windowsVirtualKeyCode: 219 };
    const pressDead = () => keys.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...dead });
    await type('x', 'Escape', 'F2', 'Enter');
    await pressDead();
    await page.keyboard.press('Enter');
    await type('x', 'Backspace', 'Enter');
    // Keys that act do not write, and what they would move to leaves a begun edit alone.
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/api/review?*', (route) => held.then(() => route.continue()), { times: 1 });
    await page.keyboard.press('Alt+n');
    await page.keyboard.type('N');
    const reviewed = page.waitForResponse(/api\/review/);
    answer();
    await reviewed;
    await type('a', 'Escape');
    expect(puts()).toBe(before);
    await pressDead();
    await keys.send('Input.imeSetComposition', { text: '´', selectionStart: 1, selectionEnd: 1 });
    await keys.send('Input.insertText', { text: 'É' });
    await type('v', 'Tab', 'ArrowLeft');
    await expect.poll(() => readCell(page, 1, 3)).toBe('Év✎');
    // Delete and a pasted value can be looked at first; a table is not pasted.
    await page.keyboard.press('Delete');
    expect(await editor.inputValue()).toBe('');
    await page.keyboard.press('Enter');
    await expect.poll(() => readCell(page, 1, 3)).toBe('✎');
    await page.evaluate(`navigator.clipboard.writeText('Lund\\nMalmö\\n')`);
    await page.keyboard.press('Control+v');
    await expect.poll(toast).toContain('one value at a time');
    await page.evaluate(`navigator.clipboard.writeText('"Lund\\nSkåne"\\n')`);
    await page.keyboard.press('Control+v');
    expect(await editor.inputValue()).toBe('Lund\nSkåne');
    // A click elsewhere keeps the value, as in any spreadsheet.
    await page.click('.g-row[aria-rowindex="4"] .gc1');
    await expect.poll(() => readCell(page, 1, 3)).toBe('Lund ⏎ Skåne✎');
    // A value that does not fit stays where it can be mended.
    await page.click('.g-row[aria-rowindex="2"] .gc4');
    await type('ca', 'Enter');
    await expect.poll(toast).toContain('Not kept: “ca”');
    expect(await page.inputValue('.cell-editor:focus')).toBe('ca');
    await page.keyboard.press('Control+a');
    await type('2000', 'Enter');
    await expect.poll(() => readCell(page, 1, 4)).toBe('2000✎');
    // A cell of the user says why, and does nothing.
    await page.click('.g-row[aria-rowindex="4"] .gc1');
    await type('n', 'Delete');
    await expect.poll(toast).toContain('Only filled columns can be changed');
    expect([await editor.count(), await page.$$eval('dialog[open]', (all) => all.length)]).toEqual([0, 0]);
    // Alt makes other signs on macOS, where the place of the key counts.
    await page.keyboard.press('Alt+ArrowRight');
    await page.evaluate(
      "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: '˚', code: 'KeyK', altKey: true, bubbles: true }))",
    );
    await page.waitForSelector('dialog[open]:has-text("next cell to review")');
    // The refused value.
    expect(complaints.filter((text) => !text.includes('400 (Bad Request)'))).toEqual([]);
  });

  test('a page holds no connection, and a typed value stays in its cell until it is saved, whatever the server does', async () => {
    const { view } = await openFilled(3);
    const { page } = await open(view.url, 'light', SMALL);
    await page.waitForSelector('.g-td.k-field .value');
    // A browser makes six connections to a server, for all of its tabs, so a page keeps none of them.
    const pending = new Set<Request>();
    page.on('request', (request) => pending.add(request));
    for (const end of ['requestfinished', 'requestfailed'] as const)
      page.on(end as 'requestfinished', (request) => pending.delete(request));
    await page.reload();
    await page.waitForSelector('.g-td.k-field .value');
    await expect.poll(() => pending.size).toBe(0);
    const bar = page.locator('.unsaved');
    const warned: string[] = [];
    page.on('dialog', (dialog) => {
      warned.push(dialog.type());
      void dialog.dismiss();
    });
    const type = async (row: number, text: string) => {
      await page.click(`.g-row[aria-rowindex="${row + 1}"] .gc3`);
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    };
    const stored = async (row: number) =>
      (await view.call<CellDetail>('GET', `/api/cell?row=${row - 1}&field=answer`)).body;
    await type(1, 'typed');
    await expect.poll(() => readCell(page, 1, 3)).toBe('typed✎');
    expect((await stored(1)).text).toBe('typed');
    // The value arrives, and its answer does not; then nothing arrives.
    let isCut = true;
    await page.route('**/api/cell', async (route) => {
      if (isCut && route.request().postData()?.includes('arrived') === true) await route.fetch();
      await (isCut ? route.abort() : route.continue());
    });
    await type(2, 'arrived');
    await expect.poll(() => bar.textContent()).toContain('“arrived”. rowfill does not answer');
    await type(3, 'cut off');
    await expect.poll(() => readCell(page, 3, 3)).toBe('cut off!');
    expect(await readCell(page, 2, 3)).toBe('arrived!');
    await page.close({ runBeforeUnload: true });
    await expect.poll(() => warned).toEqual(['beforeunload']);
    isCut = false;
    await bar.locator('text=Try now').click();
    await expect
      .poll(() => Promise.all([readCell(page, 2, 3), readCell(page, 3, 3)]))
      .toEqual(['arrived✎', 'cut off✎']);
    expect(await bar.textContent()).toBe('');
    expect((await stored(2)).earlier).toHaveLength(1);
    // Somebody else was faster: the person decides.
    await page.click('.g-row[aria-rowindex="2"] .gc3');
    const read = page.waitForResponse(/api\/cell\?/);
    await page.keyboard.type('mine');
    await read;
    await view.call('PUT', '/api/cell', { ordinal: 0, field: 'answer', text: 'theirs', was: 'typed' });
    await page.keyboard.press('Enter');
    await expect.poll(() => bar.textContent()).toContain('“mine”. The cell has changed meanwhile');
    expect([(await stored(1)).text, await readCell(page, 1, 3)]).toEqual(['theirs', 'mine!']);
    await bar.locator('text=Save anyway').click();
    await expect.poll(() => readCell(page, 1, 3)).toBe('mine✎');
    expect((await stored(1)).text).toBe('mine');
    // An undo is not made over somebody else's value either.
    await view.call('PUT', '/api/cell', { ordinal: 0, field: 'answer', text: 'theirs again', was: 'mine' });
    await page.click('.g-row[aria-rowindex="2"] .gc3');
    await page.keyboard.press('Control+z');
    await expect.poll(() => page.textContent('.toast')).toContain('The cell has changed meanwhile');
    expect((await stored(1)).text).toBe('theirs again');
    // The cell is read late, and has somebody else's value by then.
    const readLate = async (row: number, ...keys: string[]) => {
      let read = () => {};
      const held = new Promise<void>((resolve) => {
        read = resolve;
      });
      await page.route(/api\/cell\?/, (route) => held.then(() => route.continue()));
      await page.click(`.g-row[aria-rowindex="${row + 1}"] .gc3`);
      for (const key of keys) await page.keyboard.press(key);
      return { read };
    };
    const replace = async (row: number) => {
      const { text: was } = await stored(row);
      await view.call('PUT', '/api/cell', { ordinal: row - 1, field: 'answer', text: `theirs ${row}`, was });
    };
    for (const [row, key, shown] of [
      [1, 'm', 'm!'],
      [2, 'F2', 'my own!'],
      [3, 'Delete', '!'],
    ] as const) {
      const { read } = await readLate(row, key);
      if (key === 'F2') await page.keyboard.type('my own');
      await replace(row);
      await page.keyboard.press('Enter');
      read();
      await expect.poll(() => readCell(page, row, 3)).toBe(shown);
      expect((await stored(row)).text).toBe(`theirs ${row}`);
      await page.unroute(/api\/cell\?/);
      await bar.locator('text=Save anyway').click();
      await expect.poll(() => readCell(page, row, 3)).toBe(shown.replace('!', '✎'));
    }
    // What the person has seen is no conflict: two values in a row, and what the editor showed.
    const twice = await readLate(1, 'a', 'Enter', 'b', 'Enter');
    twice.read();
    await expect.poll(() => readCell(page, 1, 3)).toBe('b✎');
    const seen = await readLate(2, 'F2');
    await replace(2);
    seen.read();
    await expect.poll(() => page.inputValue('.cell-editor')).toBe('theirs 2');
    await page.keyboard.type('better');
    await page.keyboard.press('Enter');
    await expect.poll(() => readCell(page, 2, 3)).toBe('better✎');
    // Typed in the panel, which shows somebody else's value before it is saved.
    await page.click('.g-row[aria-rowindex="4"] .gc3');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.panel:has-text("row 3")');
    await page.fill('.panel #edit', 'from the panel');
    await view.call('PUT', '/api/cell', { ordinal: 2, field: 'answer', text: 'theirs since', was: null });
    await page.waitForSelector('.panel:has-text("theirs since")');
    await page.locator('.panel #edit').press('Enter');
    await expect.poll(() => readCell(page, 3, 3)).toBe('from the panel!');
    expect((await stored(3)).text).toBe('theirs since');
    await bar.locator('text=Save anyway').click();
    await expect.poll(() => readCell(page, 3, 3)).toBe('from the panel✎');
    expect(await page.inputValue('.panel #edit')).toBe('from the panel');
  });

  test('a dialog that is asked for while another one closes is opened', async () => {
    const { view } = await openFilled(3);
    const { page } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    const shown = await page.evaluate(`(async () => {
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const task = () => new Promise((resolve) => setTimeout(resolve, 0));
      const press = () =>
        document.querySelector('.g').dispatchEvent(new KeyboardEvent('keydown', { key: 'j', altKey: true, bubbles: true }));
      const isOpen = () => document.querySelector('#go-to') !== null && document.querySelector('dialog').open;
      const shown = [];
      for (const steps of [[], [task], [frame], [frame, task], [frame, frame], [task, frame, task], [frame, frame, task]]) {
        press();
        for (let tries = 0; tries < 100 && !isOpen(); tries += 1) await frame();
        document.querySelector('#go-to').value = 2;
        document.querySelector('#go-to').form.requestSubmit();
        for (const step of steps) await step();
        press();
        for (let tries = 0; tries < 10; tries += 1) await frame();
        shown.push(isOpen());
        document.querySelector('.dialog-close').click();
        for (let tries = 0; tries < 100 && document.querySelector('dialog').open; tries += 1) await frame();
      }
      return shown;
    })()`);
    expect(shown).toEqual(Array(7).fill(true));
    await page.keyboard.press('Alt+k');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'hidden' });
    expect(await page.evaluate("document.activeElement.closest('.g') !== null")).toBe(true);
  });

  test('filters combine, and survive reload and Back', async () => {
    const { view } = await openFilled(30);
    const { page } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    await page.fill('#search', 'Company 1');
    await expect.poll(() => page.textContent('.count')).toBe('11 of 30 rows');
    await page.click('.facet:has-text("Enriched")');
    await page.click('.facet:has-text("Failed")');
    await expect.poll(() => page.$$eval('.chip', (all) => all.length)).toBe(3);
    await page.click('text=Select all');
    await expect.poll(() => page.textContent('.picked b')).toBe('11');
    await page.click('.facet:has-text("Enriched")');
    await expect.poll(() => page.textContent('.count')).toBe('0 of 30 rows');
    await page.reload();
    await expect.poll(() => page.textContent('.count')).toBe('0 of 30 rows');
    await page.goBack();
    await expect.poll(() => page.textContent('.count')).toBe('11 of 30 rows');
    expect(page.url()).toContain('status=enriched');
    expect(page.url()).toContain('search=Company');
  });

  test('asking again shows the price on the button, and two clicks pay once', async () => {
    const { bench, view } = await openFilled(5, answerPaid);
    const { page } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    await page.click('.g-row[aria-rowindex="3"] .gc0');
    await page.click('.picked .is-primary');
    const button = page.locator('.dialog-actions .is-primary');
    await button.waitFor();
    await expect.poll(() => button.textContent()).toMatch(/^Ask for at most \$\d/);
    await button.dblclick({ noWaitAfter: true }).catch(() => undefined);
    await expect.poll(() => page.textContent('.toast')).toContain('Asked 1 row again for $0.025');
    expect(bench.agent.tasks.length).toBe(2);
    expect(await page.textContent('.money')).toContain('$0.05');
  });

  test('selected cells and the whole column of a filter are asked again, and nothing else of their rows', async () => {
    const agent = createCellsAgent((company, field, time) => `${field} of ${company}, ${time}`);
    const bench = await openJobBench(agent.script);
    bench.write('in.csv', createList(12));
    const { summary } = await bench.run({ fields: ['ceo', 'headcount', 'founded'] });
    agent.cells.splice(0);
    const ledger = join(bench.folder, 'ledger.sqlite');
    const view = await openViewBench({ job: summary.jobId, ledger, agent: { apiKey: 'test' } });
    const { page, complaints } = await open(view.url);
    await page.waitForSelector('.g-td.k-field .value');
    await page.click('.g-row[aria-rowindex="3"] .gc3');
    for (const key of ['Shift+ArrowDown', 'Shift+ArrowRight']) await page.keyboard.press(key);
    expect(await page.textContent('.picked')).toContain('4 cells of 2 fields');
    await page.keyboard.press('Alt+r');
    await page.locator('h2', { hasText: 'Ask 2 fields of 2 rows again' }).waitFor();
    await page.click('.toggle:has-text("headcount")');
    await page.locator('h2', { hasText: 'Ask ceo of 2 rows again' }).waitFor();
    const button = page.locator('.dialog-actions .is-primary', { hasText: 'for at most $0.0' });
    await button.dblclick({ noWaitAfter: true }).catch(() => undefined);
    await expect.poll(() => page.textContent('.toast')).toContain('Asked ceo of 2 rows again for $0.025');
    expect(agent.cells.splice(0)).toEqual(['Company 2 ceo', 'Company 3 ceo']);
    await expect.poll(() => readCell(page, 2, 3)).toContain('ceo of Company 2, 2');
    expect(await readCell(page, 2, 4)).toContain('headcount of Company 2, 1');
    await page.fill('#search', 'Company 1');
    await expect.poll(() => page.textContent('.count')).toBe('4 of 12 rows');
    await page.click('.g-row[aria-rowindex="2"] .gc5');
    await page.keyboard.press('Control+Space');
    expect(await page.textContent('.picked')).toContain('4 cells of founded');
    await page.click('.picked .is-primary');
    await button.click();
    await expect.poll(() => page.textContent('.toast')).toContain('Asked founded of 4 rows again for $0.025');
    expect(agent.cells).toEqual([1, 10, 11, 12].map((number) => `Company ${number} founded`));
    await expect.poll(() => page.textContent('.money')).toContain('$0.10');
    expect(complaints).toEqual([]);
  });

  test('on another machine the page asks for the key, and keeps it for its tab alone', async () => {
    const bench = await openJobBench(answerRows);
    bench.write('in.csv', createList(3));
    const { summary } = await bench.run();
    const job = { job: summary.jobId, ledger: join(bench.folder, 'ledger.sqlite') };
    const key = 'a-long-random-key.0123456789';
    const view = await openViewBench({ ...job, remote: { host: '0.0.0.0', key } });
    // An address of this machine that is not loopback, as another machine would use it.
    const own = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    const address = view.url.replace('0.0.0.0', own?.address ?? '127.0.0.1');
    const { page, requests } = await open(address, 'light', SMALL);
    await page.waitForSelector('#key');
    expect(await findFaults(page)).toEqual([]);
    await page.fill('#key', 'schlüssel');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.textContent('.key-form p')).toContain('wrong');
    await page.fill('#key', key);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.g-td.k-field .value');
    await page.reload();
    await page.waitForSelector('.g-td.k-field .value');
    expect(requests.filter((url) => url.includes(key) || !url.startsWith(address))).toEqual([]);
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).not.toContain(key);
  });

  test('axe finds nothing, in light and dark: rows, panel, filtered, a dialog, and the report', async () => {
    const { view, ledger, jobId } = await openFilled(20);
    const { page } = await open(view.url, 'light', SMALL);
    await page.waitForSelector('.g-td.k-field .value');
    expect(await findFaults(page)).toEqual([]);
    await page.click('.g-row[aria-rowindex="3"] .gc3');
    await page.waitForSelector('.panel');
    await page.click('.facet:has-text("Enriched")');
    await page.waitForSelector('.chip');
    await page.click('.g-row[aria-rowindex="3"] .gc3');
    await page.keyboard.press('F2');
    expect(await findFaults(page)).toEqual([]);
    expect(await page.inputValue('.cell-editor:focus')).not.toBe('');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Alt+k');
    await page.waitForSelector('dialog[open]');
    expect(await findFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'hidden' });
    await page.keyboard.press('Alt+r');
    await page.locator('h2', { hasText: 'Ask 1 row again' }).waitFor();
    expect(await findFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'hidden' });
    await page.fill('#search', 'nothing has this');
    await page.waitForSelector('.no-rows');
    expect(await findFaults(page)).toEqual([]);
    const report = await open(pathToFileURL(await openReport(jobId, ledger)).href, 'light', SMALL);
    await report.page.waitForSelector('html[data-ready]');
    await report.page.click('.g-row[aria-rowindex="3"] .gc3');
    expect(await findFaults(report.page)).toEqual([]);
    expect([report.complaints, report.requests.length]).toEqual([[], 1]);
  });

  const rows = chooseCount(1_000_000, 260_000);
  const jumps = chooseCount(200, 20);
  test(`of ${rows} rows the first, the last and ${jumps} random ones are shown`, SLOW, async () => {
    const bench = await openJobBench(answerRows);
    const input = bench.write('in.csv', createList(rows));
    const ledger = await openLedger(join(bench.folder, 'ledger.sqlite'));
    const schema = createSchema([parseField('answer')]);
    const ask = createAsk({
      agent: bench.server.url,
      query: 'Which?',
      system: null,
      schema,
      fields: listFields(schema),
      send: ['company'],
      efforts: ['low'],
      escalateBelow: null,
    });
    const job = await ledger.openJob({ ask, input, output: join(bench.folder, 'out.csv'), settings: {} });
    await ledger.close();
    const view = await openViewBench({
      job: job.id,
      ledger: join(bench.folder, 'ledger.sqlite'),
      isReadOnly: true,
    });
    const { page } = await open(view.url);
    const shown = rows.toLocaleString('en');
    await expect.poll(() => page.textContent('.count')).toBe(`${shown} rows`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    // A fixed sequence of places, so that a failure can be repeated.
    const places = Array.from({ length: jumps }, (_, index) => ((index + 1) * 7_654_321) % rows);
    for (const place of [rows - 1, 0, ...places]) {
      expect(await jump(page, place)).toBe(`Company ${place + 1}`);
    }
    const wheel = async (from: number, notches: number): Promise<number> => {
      await jump(page, from);
      const first = () =>
        page.$$eval('.g-row:not([hidden])', (all) =>
          Math.min(...all.map((row) => Number(row.getAttribute('aria-rowindex')) - 2)),
        );
      const before = await first();
      await page.mouse.move(700, 400);
      for (let notch = 0; notch < notches; notch += 1) await page.mouse.wheel(0, 320);
      await expect.poll(first).toBe(before + notches * 10);
      return before;
    };
    // A turn of the wheel is as long anywhere.
    for (const from of [1, rows / 2, rows - 1_000]) await wheel(from, 3);
  });
});
