import { expect, test } from 'vitest';
import { findColumn, findLikeColumn, foldName, suggestColumns } from '../../src/model/column-name.js';

test.each([
  ['company\u00a0name', 'company name'],
  ['  web \t domain\r\n', 'web domain'],
  ['cafe\u0301', 'caf\u00e9'],
  ['e\u00admail\u200b', 'email'],
  ['\ufeffcompany\u200e', 'company'],
  ['a\u202fb\u3000c', 'a b c'],
  ['\u{1f469}\u200d\u{1f4bb}', '\u{1f469}\u200d\u{1f4bb}'],
])('%j is the name %j', (name, folded) => {
  expect(foldName(name)).toBe(folded);
});

test('a column is found by a name that looks the same', () => {
  expect(findColumn('company name', ['web', 'company\u00a0name'])).toBe('company\u00a0name');
  expect(findColumn('caf\u00e9', ['cafe\u0301'])).toBe('cafe\u0301');
  expect(findColumn('a  b', ['a b'])).toBe('a b');
  expect(findColumn('A b', ['a b'])).toBeNull();
});

test('an equal name wins, and two that look the same are not chosen from', () => {
  expect(findColumn('a\u00a0b', ['a b', 'a\u00a0b'])).toBe('a\u00a0b');
  expect(findColumn('a\u2007b', ['a b', 'a\u00a0b'])).toBeNull();
});

test('a like column may differ in case, blanks, hyphens and underscores', () => {
  for (const column of ['Cust_ID', 'CUST ID', 'cust-id', 'custid', 'cust\u00a0id']) {
    expect(findLikeColumn('cust_id', ['other', column])).toBe(column);
  }
  expect(findLikeColumn('id', ['ID', 'Id'])).toBeNull();
  expect(findLikeColumn('ID', ['ID', 'Id'])).toBe('ID');
});

test('a suggestion shows what differs', () => {
  expect(suggestColumns('compny', ['company', 'city'])).toBe('Did you mean company?');
  expect(suggestColumns('company', ['c\u043empany'])).toBe(
    'Did you mean c\u043empany (its \u043e is U+043E)?',
  );
  expect(suggestColumns('companyname', ['company\u00a0name'])).toBe('Did you mean "company\\u00a0name"?');
  expect(suggestColumns('zzz', ['company'])).toBeNull();
});
