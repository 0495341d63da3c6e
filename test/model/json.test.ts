import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compactJson, measureDepth, parseMembers } from '../../src/model/json.js';

const spaced = fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, '\t', '\r\n '));

test('parseMembers finds the value of every member of any object', () => {
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

test('compactJson keeps the meaning and removes all white space', () => {
  fc.assert(
    fc.property(spaced, ([object, indent]) => {
      expect(compactJson(JSON.stringify(object, null, indent))).toBe(JSON.stringify(object));
    }),
    { numRuns: 500 },
  );
});

test('measureDepth ignores brackets inside strings', () => {
  expect(measureDepth('{}')).toBe(1);
  expect(measureDepth('{"a":[{"b":"[[[[\\"[["}]}')).toBe(3);
});

test('compacts a long string without a stack overflow', () => {
  const text = JSON.stringify({ a: `${'x\\"'.repeat(1_000_000)}` });
  expect(compactJson(` ${text} `)).toBe(text);
});
