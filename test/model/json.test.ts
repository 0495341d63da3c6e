import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compactJson, measureDepth, parseMembers } from '../../src/model/json.js';

const spaced = fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, '\t', '\r\n '));

test('every member of any object is found where its value stands', () => {
  fc.assert(
    fc.property(spaced, ([object, indent]) => {
      const text = JSON.stringify(object, null, indent);
      const found = parseMembers(text).map(({ key, start, end }) => [
        key,
        JSON.parse(text.slice(start, end)),
      ]);
      expect(found).toEqual(Object.entries(JSON.parse(text)));
    }),
    { numRuns: 500 },
  );
});

test('a text made compact means the same and is as short as JSON can be', () => {
  fc.assert(
    fc.property(spaced, ([object, indent]) => {
      expect(compactJson(JSON.stringify(object, null, indent))).toBe(JSON.stringify(object));
    }),
    { numRuns: 500 },
  );
});

test('depth is counted outside of strings only', () => {
  expect(measureDepth('{}')).toBe(1);
  expect(measureDepth('{"a":[{"b":"[[[[\\"[["}]}')).toBe(3);
});

test('a long string is made compact without a stack of its length', () => {
  const text = JSON.stringify({ a: `${'x\\"'.repeat(1_000_000)}` });
  expect(compactJson(` ${text} `)).toBe(text);
});
