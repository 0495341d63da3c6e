import { expect, test } from 'vitest';
import { numberName, readDropName } from '../../src/watch/drop-name.js';

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
  expect(readDropName(name)).toEqual({ status: 'table' });
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
  expect(readDropName(name)).toEqual({ status: 'hidden' });
});

test.each([
  'list.pdf',
  'README',
  'list.csv.bak',
  'list.filled.csv',
  'list.filled.jsonl.gz',
  `${'x'.repeat(200)}.csv`,
])('%s is not filled, for a reason that is told', (name) => {
  expect(readDropName(name)).toMatchObject({ status: 'other', reason: expect.stringMatching(/^its name /) });
});

test('a number goes in front of the ending, the whole of it', () => {
  expect(numberName('list.csv', 1)).toBe('list.csv');
  expect(numberName('list.csv', 2)).toBe('list-2.csv');
  expect(numberName('a.b.jsonl.gz', 13)).toBe('a.b-13.jsonl.gz');
});
