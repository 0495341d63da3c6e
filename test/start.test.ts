import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { normalizeDomain } from '../src/model/entity-key.js';
import { NO_FOLDER_LINKS } from './helpers/platform.js';
import { createWorkdir } from './helpers/workdir.js';

type Table = readonly Record<string, string>[];

const ROOT = join(import.meta.dirname, '..');
const MAX_TABLE_WIDTH = 100;

test.skipIf(NO_FOLDER_LINKS)(
  'npm start fills and shows the sample from any folder, and uses the ledger the second time',
  {
    timeout: 60_000,
  },
  () => {
    const workdir = createWorkdir();
    cpSync(join(ROOT, 'samples'), join(workdir.path, 'samples'), {
      recursive: true,
      filter: (path) => !path.includes('.filled.'),
    });
    for (const folder of ['dist', 'node_modules']) {
      symlinkSync(join(ROOT, folder), join(workdir.path, folder), 'junction');
    }
    const start = () =>
      execFileSync(process.execPath, [join(workdir.path, 'samples/start.mjs')], {
        cwd: tmpdir(),
        env: { ...process.env, ROWFILL_HOME: workdir.home, EXA_API_KEY: '' },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });

    const shown = start();
    expect(shown).toMatch(
      /^Microsoft Corporat… +Redmond +United States +1975 +MSFT +enriched +headquarters\.csv#row=/m,
    );
    expect(shown).toContain(join('samples', 'companies.filled.csv'));
    const table = shown
      .split('\n')
      .filter((line) => / {2}/.test(line.trim()) && !/[$\\]|--schema/.test(line));
    expect(table.length).toBeGreaterThan(10);
    for (const line of table) expect([...line].length).toBeLessThanOrEqual(MAX_TABLE_WIDTH);

    const first = workdir.read('samples/companies.filled.csv');
    expect(start()).toBe(shown);
    expect(workdir.read('samples/companies.filled.csv')).toBe(first);
    checkFilled(readTable(first), workdir.path);
  },
);

/** Checks that every row is there with the values and sources of the tables. */
function checkFilled(filled: Table, folder: string): void {
  const list = readTable(readFileSync(join(ROOT, 'samples/companies.csv'), 'utf8'));
  const lines = readFileSync(join(folder, 'samples/reference/headquarters.csv'), 'utf8').split('\n');
  const facts = new Map(lines.map((line, index) => [line.split(',')[1], { line, number: index + 1 }]));
  expect(filled.map((row) => [row.company, row.domain, row.notes])).toEqual(
    list.map((row) => [row.company, row.domain, row.notes]),
  );
  for (const [index, row] of filled.entries()) {
    expect(row.city).toContain(list[index]?.city);
    const fact = facts.get(normalizeDomain(row.domain ?? '') ?? '');
    if (fact === undefined || row.enrichment_status === 'excluded') continue;
    expect(fact.line).toContain(`,${row.country},${row.founded},`);
    expect(row.country_citations).toContain(`headquarters.csv#row=${fact.number} `);
  }
  const statuses = (names: RegExp) =>
    filled.filter((row) => names.test(row.company ?? '')).map((row) => row.enrichment_status);
  expect(statuses(/^(Adobe|Robert Bosch|Hermès|Samsung|BHP)/)).toEqual(Array(5).fill('excluded'));
  expect(statuses(/^(Quillmark|Tidewell|IKEA|Dyson|Canva|Merck)/)).toEqual(Array(6).fill('not_found'));
  expect(statuses(/^(Patagonia|Costco|3M|Embraer)/)).toEqual(Array(4).fill('partial'));
  expect(statuses(/^(Microsoft|Deere|Nestlé|ABB|BMW|TSMC)/)).toEqual(Array(6).fill('enriched'));
  const merck = filled.find((row) => row.company === 'Merck')?.enrichment_error;
  expect(merck).toMatch(/^city, country, .+: 2 records match equally well \(headquarters\.csv, row \d+; /);
  for (const name of ['Siemens AG', 'Cloudflare, Inc.']) {
    const runs = filled.filter((row) => row.company === name).map((row) => row.enrichment_run_id);
    expect(runs).toEqual([runs[0], runs[0]]);
  }
}

function readTable(text: string): Table {
  return Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true }).data;
}
