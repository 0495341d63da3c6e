import { expect, test } from 'vitest';
import { hashValue } from '../../src/job/cell-verdicts.js';
import { VerdictTally } from '../../src/job/verdict-tally.js';
import type { CellVerdict } from '../../src/ledger/ledger.js';
import { createVerdict, formatVerdict, pickBest, type Verdict } from '../../src/model/verdict.js';
import { createTestField } from '../helpers/ledger-samples.js';

const URL_A = 'https://www.a.example/x';
const URL_B = 'https://b.example/';

function createStored(verdict: Verdict, url: string, value = 'Oslo', changes: object = {}): CellVerdict {
  const citation = { ...createVerdict(verdict, null), url, pageHash: null, checkedAtMs: 1, ...changes };
  return { key: 'k', field: 'hq_city', value: hashValue(value), citation };
}

function addCell(tally: VerdictTally, stored: readonly CellVerdict[], urls = [URL_A, URL_B]): void {
  const citations = urls.map((url) => ({ url, title: null }));
  tally.add(new Map([['hq_city', createTestField('Oslo', 'run_1', { citations })]]), stored);
}

test('counts a cell by its best citation, and each citation at its site', () => {
  const tally = new VerdictTally(['hq_city']);
  addCell(tally, [
    createStored('not_on_page', URL_A),
    createStored('on_page', URL_B, 'Oslo', { evidence: 'weak' }),
  ]);
  addCell(tally, [createStored('gone', URL_A), createStored('unreachable', URL_B)]);
  addCell(tally, [], []);
  // Of another value, of a page that is not cited any more, or not checked yet.
  addCell(tally, [createStored('on_page', URL_A, 'Rome'), createStored('on_page', 'https://c.example/')]);
  const { cells, columns, hosts } = tally.read();
  expect(cells).toMatchObject({ total: 3, strong: 0, counts: { on_page: 1, gone: 1, uncited: 1 } });
  expect(columns).toEqual([{ ...cells, name: 'hq_city' }]);
  expect(hosts.map(({ name, total }) => [name, total])).toEqual([
    ['a.example', 2],
    ['b.example', 2],
  ]);
});

test('the share has a 95 % interval, and is unknown without pages that could be read', () => {
  const tally = new VerdictTally(['hq_city']);
  for (let count = 0; count < 8; count += 1) addCell(tally, [createStored('on_page', URL_A)]);
  for (let count = 0; count < 2; count += 1) addCell(tally, [createStored('not_on_page', URL_A)]);
  for (let count = 0; count < 5; count += 1) addCell(tally, [createStored('blocked', URL_A)]);
  const { share, interval } = tally.read().cells;
  expect(share).toBe(0.8);
  // Wilson's interval for 8 of 10.
  expect(interval?.map((each) => each.toFixed(4))).toEqual(['0.4902', '0.9433']);
  expect(new VerdictTally(['hq_city']).read().cells).toMatchObject({ share: null, interval: null });
});

test('a list is on its pages if they have all of its parts together', () => {
  const parts = [
    [true, false, false],
    [false, true, true],
  ];
  const checked = parts.map((each, index) => ({
    ...createVerdict('not_on_page', null),
    parts: each,
    url: `https://${index}.example/`,
    pageHash: null,
    checkedAtMs: 1,
  }));
  const best = pickBest(checked);
  expect(best === null ? null : formatVerdict(best)).toBe('on_page?');
  expect(pickBest(checked.slice(0, 1))?.verdict).toBe('not_on_page');
  expect(pickBest([])).toBeNull();
});
