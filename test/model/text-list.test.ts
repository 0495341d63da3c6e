import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatList, splitList } from '../../src/model/text-list.js';

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

test('every list of names comes back from its text', () => {
  const name = fc.string({ minLength: 1, unit: fc.constantFrom('a', ' ', ',', '"', '(', ')') });
  const names = fc.array(name.map((text) => text.trim()).filter((text) => text !== ''));
  fc.assert(
    fc.property(names, (parts) => {
      expect(splitList(formatList(parts))).toEqual(parts);
    }),
  );
});
