import { describe, expect, test } from 'vitest';
import { createRowChecker } from '../../src/answer/check-field.js';
import { createSchema, parseField } from '../../src/model/field.js';
import type { JsonValue } from '../../src/model/json.js';
import { createTestAsk } from '../helpers/check-parts.js';

describe('a value of another type', () => {
  const cases: readonly (readonly [string, JsonValue, JsonValue | null])[] = [
    ['enum(yes|no)', true, 'yes'],
    ['enum(NA|EMEA)', 'NA', 'NA'],
    ['enum(yes|no)', 'Y', 'yes'],
    ['datetime', '2024-03-01T10:30Z', '2024-03-01T10:30:00Z'],
    ['datetime', '2024-03-01T10:30 +0100', '2024-03-01T10:30:00+01:00'],
    ['datetime', '2024-03-01 10:30:00 UTC', '2024-03-01T10:30:00Z'],
    ['phone', 'tel:+1-415-555-0132', '+1-415-555-0132'],
    ['phone', 'Phone: +1 415 555 0132', '+1 415 555 0132'],
    ['phone', '+1 *** *** 1234', null],
    ['list(integer)', '[1, 2]', [1, 2]],
    ['list(integer)', '1, 2, 3', [1, 2, 3]],
    ['list(integer)', '1; 2', [1, 2]],
    ['list(integer)', '1,234, 5,678', [1234, 5678]],
    ['list(integer)', '2019\n2020', [2019, 2020]],
    ['list(integer)', ['1', '2'], [1, 2]],
    ['list(integer)', '7', [7]],
    ['list(integer)', 7, [7]],
    ['list(integer)', '1,234', null],
    ['list(integer)', 'a; b', null],
    ['list(url)', 'https://a.example, b.example', ['https://a.example', 'https://b.example']],
    ['list(email)', 'Jane <jane@acme.example>; joe@acme.example', ['jane@acme.example', 'joe@acme.example']],
    ['list(enum(a|b))', 'A, B', ['a', 'b']],
    ['list(date)', '1 March 2024; 2024/03/02', ['2024-03-01', '2024-03-02']],
  ];
  test.each(cases)('%s: %j', (type, given, expected) => {
    const checker = createRowChecker(createTestAsk(createSchema([parseField(`f:${type}`)])));
    expect(checker.checkField('f', given).value).toEqual(expected);
  });

  test('a text with two readings of different types is not read', () => {
    const schema = { properties: { f: { type: ['integer', 'boolean', 'null'] } } };
    expect(createRowChecker(createTestAsk(schema)).checkField('f', '1').state).toBe('invalid');
  });

  test('a schema with a pattern, or without a type, may allow other addresses than http', () => {
    for (const f of [{ format: 'uri' }, { type: 'string', format: 'uri', pattern: '^(ftp|mailto):' }]) {
      const checker = createRowChecker(createTestAsk({ properties: { f } }));
      expect(checker.checkField('f', 'mailto:jane@acme.example').state).toBe('valid');
    }
  });

  test('multiples of decimal fractions are valid', () => {
    const checker = createRowChecker(
      createTestAsk({ properties: { f: { type: 'number', multipleOf: 0.01 } } }),
    );
    for (const price of [0.29, 19.99, 1.1, 4.35, 1e21, 0, -0.07, 123456789.12])
      expect(checker.checkField('f', price)).toMatchObject({ state: 'valid', value: price });
    for (const price of [0.295, 1e-9, 19.999])
      expect(checker.checkField('f', price).issue).toContain('must be multiple of 0.01');
  });

  test('parts of an object get the names of the schema', () => {
    const at = {
      type: 'object',
      properties: { zip_code: { type: 'string' }, city: { type: 'string' }, café: { type: 'string' } },
      additionalProperties: false,
    };
    const checker = createRowChecker(createTestAsk({ properties: { at } }));
    const given = { zipCode: '3011', City: 'N/A', 'cafe\u0301': 'x【1†a】' };
    const expected = { zip_code: '3011', city: null, café: 'x' };
    expect(checker.checkField('at', given).value).toEqual(expected);
    expect(checker.checkField('at', JSON.stringify(given)).value).toEqual(expected);
    expect(checker.checkField('at', { city: 'N/A', zip_code: '-' }).state).toBe('nothing');
  });

  test('long and repetitive texts are checked quickly', () => {
    const types = ['url', 'email', 'list(string)', 'list(integer)', 'number', 'date', 'boolean', 'phone'];
    const checker = createRowChecker(
      createTestAsk(createSchema(types.map((type, index) => parseField(`f${index}:${type}`)))),
    );
    const parts = [
      ' ',
      ',',
      ', ',
      '```',
      '[',
      '{"',
      '1,',
      '- ',
      '* ',
      '[1]',
      'a@',
      '&amp;',
      '【',
      '\ue200',
      '(',
    ];
    for (const part of parts)
      for (const length of [1_990, 90_000])
        for (const index of types.keys()) {
          const text = `x${part.repeat(length / part.length)}`;
          expect(checker.checkField(`f${index}`, text).state).not.toBe('unchecked');
        }
  });
});
