import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatDuration,
  formatList,
  formatMicros,
  showName,
  splitList,
  splitMicros,
  suggestSimilar,
  toMicros,
} from '../../src/model/format.js';

test('shares add up to the amount and differ by at most one micro-dollar', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), fc.integer({ min: 1, max: 500 }), (micros, parts) => {
      const shares = splitMicros(micros, parts);
      expect(shares).toHaveLength(parts);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(micros);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }),
  );
});

test('formatted money parses back to the same amount', () => {
  expect(formatMicros(25_000)).toBe('0.025');
  expect(formatMicros(0)).toBe('0.00');
  expect(formatMicros(1_000_000)).toBe('1.00');
  expect(formatMicros(3_125)).toBe('0.003125');
  fc.assert(
    fc.property(fc.nat(2_000_000_000), (micros) => {
      expect(toMicros(Number(formatMicros(micros)))).toBe(micros);
    }),
  );
});

const COLUMNS = ['Company Name', 'domain', 'country', 'employees', 'e-mail'];

test('suggests the intended word for a typo', () => {
  expect(suggestSimilar('domian', COLUMNS)).toEqual(['domain']);
  expect(suggestSimilar('DOMAIN', COLUMNS)).toEqual(['domain']);
  expect(suggestSimilar('company_name', COLUMNS)).toEqual(['Company Name']);
  expect(suggestSimilar('email', COLUMNS)).toEqual(['e-mail']);
  expect(suggestSimilar('comp', COLUMNS)).toEqual(['Company Name']);
});

test('suggests nothing for an unrelated word', () => {
  expect(suggestSimilar('ceo', COLUMNS)).toEqual([]);
  expect(suggestSimilar('', COLUMNS)).toEqual([]);
});

test('suggests at most three words, nearest first', () => {
  expect(suggestSimilar('abcd', ['abcx', 'abcd', 'abdc', 'xbcd'])).toHaveLength(3);
  expect(suggestSimilar('abcd', ['abcx', 'abcd'])[0]).toBe('abcd');
});

test.each([
  ['\u200b', '"\\u200b"'],
  ['', '""'],
  [' ', '" "'],
  ['name\u00a0', '"name\\u00a0"'],
  ['\ufeffname', '"\\ufeffname"'],
  ['na\u00adme', '"na\\u00adme"'],
  ['a\nb', '"a\\nb"'],
  ['a\u202eb', '"a\\u202eb"'],
  ['\u3164', '"\\u3164"'],
  ['\u{e0041}x', '"\\udb40\\udc41x"'],
  ['name\u200d', '"name\\u200d"'],
  ['Umsatz (€)', 'Umsatz (€)'],
  ['first name', 'first name'],
  ['👨\u200d👩\u200d👧 family', '👨\u200d👩\u200d👧 family'],
  ['❤\ufe0f', '❤\ufe0f'],
  ['می\u200cخواهم', 'می\u200cخواهم'],
])('%j is shown as %s', (name, shown) => {
  expect(showName(name)).toBe(shown);
});

test.each([
  ['company,domain', ['company', 'domain']],
  [' a , ,b, ', ['a', 'b']],
  ['"Company, legal name", domain', ['Company, legal name', 'domain']],
  ['"say ""hi""",b', ['say "hi"', 'b']],
  ['stage:enum(a, b), Revenue (US, EU)', ['stage:enum(a, b)', 'Revenue (US, EU)']],
  ['12" screen, b', ['12" screen', 'b']],
  ['"a" b, c', ['"a" b', 'c']],
  ['a (b, c', ['a (b', 'c']],
  ['', []],
])('%s', (text, parts) => {
  expect(splitList(text)).toEqual(parts);
});

test('every list of names survives formatting and splitting', () => {
  const name = fc.string({ minLength: 1, unit: fc.constantFrom('a', ' ', ',', '"', '(', ')') });
  const names = fc.array(name.map((text) => text.trim()).filter((text) => text !== ''));
  fc.assert(
    fc.property(names, (parts) => {
      expect(splitList(formatList(parts))).toEqual(parts);
    }),
  );
});

test('a clock that was set back gives no negative duration', () => {
  expect(formatDuration(-259_198)).toBe('0.0 s');
});
