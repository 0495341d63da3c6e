import { expect, test } from 'vitest';
import { numberName, parseDropName, StillFiles } from '../../src/watch/file-state.js';

test.each([
  'list.csv',
  'LIST.CSV',
  'a.b.tsv',
  'list.jsonl',
  'list.ndjson',
  'list.json',
  'list.csv.gz',
  'list.xlsx',
  'Ünïcode list (1).csv',
])('%s is a file to fill', (name) => {
  expect(parseDropName(name)).toEqual({ status: 'table' });
});

test.each([
  '.list.csv',
  '~$list.xlsx',
  'list.csv~',
  'list.csv.part',
  'list.csv.PARTIAL',
  'list.csv.crdownload',
  'list.csv.filepart',
  'list.csv.tmp',
  '.~lock.list.csv#',
  '#list.csv#',
])('%s is in the making, and left alone without a word', (name) => {
  expect(parseDropName(name)).toEqual({ status: 'hidden' });
});

test.each([
  'list.pdf',
  'README',
  'list.csv.bak',
  'list.filled.csv',
  'list.filled.jsonl.gz',
  `${'x'.repeat(200)}.csv`,
])('%s is not filled, for a reason that is told', (name) => {
  expect(parseDropName(name)).toMatchObject({ status: 'other', reason: expect.stringMatching(/^its name /) });
});

test('a number goes in front of the ending, the whole of it', () => {
  expect(numberName('list.csv', 1)).toBe('list.csv');
  expect(numberName('list.csv', 2)).toBe('list-2.csv');
  expect(numberName('a.b.jsonl.gz', 13)).toBe('a.b-13.jsonl.gz');
});

const state = (size: number, mtimeMs = 1, inode = 7) => ({ size, mtimeMs, inode, device: 1 });

test('a file is whole once it has stayed as it is for long enough, by the clock of who looks', () => {
  const still = new StillFiles(100);
  expect(still.observe(new Map([['a', state(5)]]), 0)).toEqual([]);
  expect(still.observe(new Map([['a', state(5)]]), 99)).toEqual([]);
  expect(still.observe(new Map([['a', state(5)]]), 100)).toEqual(['a']);
});

test.each([
  ['grows', state(6)],
  ['is written to', state(5, 2)],
  ['is replaced by another of its size and time', state(5, 1, 8)],
])('a file that %s begins anew', (_title, changed) => {
  const still = new StillFiles(100);
  still.observe(new Map([['a', state(5)]]), 0);
  expect(still.observe(new Map([['a', changed]]), 100)).toEqual([]);
  expect(still.observe(new Map([['a', changed]]), 199)).toEqual([]);
  expect(still.observe(new Map([['a', changed]]), 200)).toEqual(['a']);
});

test('a file that went away and came back begins anew', () => {
  const still = new StillFiles(100);
  still.observe(new Map([['a', state(5)]]), 0);
  still.observe(new Map(), 50);
  expect(still.observe(new Map([['a', state(5)]]), 100)).toEqual([]);
});
