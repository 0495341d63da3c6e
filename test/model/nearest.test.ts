import { expect, test } from 'vitest';
import { readNearest } from '../../src/model/nearest.js';

const COLUMNS = ['Company Name', 'domain', 'country', 'employees', 'e-mail'];

test('a mistyped word finds what it was meant to be', () => {
  expect(readNearest('domian', COLUMNS)).toEqual(['domain']);
  expect(readNearest('DOMAIN', COLUMNS)).toEqual(['domain']);
  expect(readNearest('company_name', COLUMNS)).toEqual(['Company Name']);
  expect(readNearest('email', COLUMNS)).toEqual(['e-mail']);
  expect(readNearest('comp', COLUMNS)).toEqual(['Company Name']);
});

test('a word that is like none finds none', () => {
  expect(readNearest('ceo', COLUMNS)).toEqual([]);
  expect(readNearest('', COLUMNS)).toEqual([]);
});

test('at most three are offered, the nearest first', () => {
  expect(readNearest('abcd', ['abcx', 'abcd', 'abdc', 'xbcd'])).toHaveLength(3);
  expect(readNearest('abcd', ['abcx', 'abcd'])[0]).toBe('abcd');
});
