import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJsonRow } from '../../src/read/jsonl-reader.js';

function readObject(text: string): unknown {
  const result = parseJsonRow(text, 100);
  return result.status === 'object' ? result.object : result;
}

test('any object is parsed like JSON.parse', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const text = JSON.stringify(object);
      expect(readObject(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  '9007199254740993',
  '-9007199254740993',
  '12345678901234567890',
  '0.1234567890123456789',
  '3.14159265358979323846',
  '1e400',
  '-1e400',
  '123456789012345678e-3',
])('%s cannot be represented as a number and becomes text', (number) => {
  expect(readObject(`{"a":[{"b":${number}}],"c":"${number}"}`)).toEqual({ a: [{ b: number }], c: number });
});

test.each([
  ['9007199254740992', 9007199254740992],
  ['0.30000000000000004', 0.30000000000000004],
  ['1.50', 1.5],
  ['1e3', 1000],
  ['1E+2', 100],
  ['100000000000000000000', 1e20],
  ['-0.000001', -0.000001],
  ['1.7976931348623157e308', Number.MAX_VALUE],
  ['5e-324', Number.MIN_VALUE],
])('%s stays a number', (text, number) => {
  expect(readObject(`{"a":${text}}`)).toEqual({ a: number });
});

test('a long string next to a long number is read correctly', () => {
  const text = JSON.stringify({ a: 'x"\\'.repeat(500_000) });
  const object = readObject(`${text.slice(0, -1)},"b":12345678901234567890}`);
  expect(object).toMatchObject({ b: '12345678901234567890' });
});

test('the fault says what is wrong and quotes no text', () => {
  const faults = [
    '{"secret":}',
    '{"secret":1},',
    '{"secret":1,}',
    '["secret"]',
    '"secret"',
    'secret',
    '1',
    'true',
  ];
  for (const text of faults) {
    const result = parseJsonRow(text, 100);
    expect(result.status).toBe('fault');
    expect(JSON.stringify(result)).not.toContain('secret');
  }
});
