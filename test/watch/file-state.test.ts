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
])('%s is filled', (name) => {
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
])('%s is temporary and skipped silently', (name) => {
  expect(parseDropName(name)).toEqual({ status: 'hidden' });
});

test.each([
  'list.pdf',
  'README',
  'list.csv.bak',
  'list.filled.csv',
  'list.filled.jsonl.gz',
  `${'x'.repeat(200)}.csv`,
])('%s is skipped with a reason', (name) => {
  expect(parseDropName(name)).toMatchObject({ status: 'other', reason: expect.stringMatching(/^its name /) });
});

test('inserts a number before the whole extension', () => {
  expect(numberName('list.csv', 1)).toBe('list.csv');
  expect(numberName('list.csv', 2)).toBe('list-2.csv');
  expect(numberName('a.b.jsonl.gz', 13)).toBe('a.b-13.jsonl.gz');
});

const state = (size: number, mtimeMs = 1, inode = 7) => ({
  size,
  mtimeMs,
  id: { inode: String(inode), device: '1' },
});

test('a file is complete once it has not changed for the settle time', () => {
  const still = new StillFiles(100);
  expect(still.observe(new Map([['a', state(5)]]), 0)).toEqual([]);
  expect(still.observe(new Map([['a', state(5)]]), 99)).toEqual([]);
  expect(still.observe(new Map([['a', state(5)]]), 100)).toEqual(['a']);
});

test.each([
  ['grows', state(6)],
  ['is modified', state(5, 2)],
  ['is replaced by one of the same size and time', state(5, 1, 8)],
])('a file that %s must settle again', (_title, changed) => {
  const still = new StillFiles(100);
  still.observe(new Map([['a', state(5)]]), 0);
  expect(still.observe(new Map([['a', changed]]), 100)).toEqual([]);
  expect(still.observe(new Map([['a', changed]]), 199)).toEqual([]);
  expect(still.observe(new Map([['a', changed]]), 200)).toEqual(['a']);
});

test('a file that disappeared and came back must settle again', () => {
  const still = new StillFiles(100);
  still.observe(new Map([['a', state(5)]]), 0);
  still.observe(new Map(), 50);
  expect(still.observe(new Map([['a', state(5)]]), 100)).toEqual([]);
});
