import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coerceValue,
  parseDate,
  parseMoment,
  parseNumber,
  resolveNumberStyle,
} from '../../../src/agents/reference/coerce-value.js';
import { createSchemaReader } from '../../../src/agents/reference/schema-reader.js';
import type { JsonObject, JsonValue } from '../../../src/model/json.js';

function coerce(schema: JsonObject, raw: JsonValue): JsonValue {
  const reader = createSchemaReader(schema);
  return coerceValue(reader, reader.root, raw, 'point');
}

describe('coerceValue', () => {
  it.each<[JsonObject, JsonValue, JsonValue]>([
    [{ type: 'integer' }, '1,234', 1234],
    [{ type: 'integer' }, '1234.0', 1234],
    [{ type: 'integer' }, '12.5', null],
    [{ type: 'integer' }, '$1.2M', null],
    [{ type: 'integer' }, true, null],
    [{ type: 'number' }, '12.5', 12.5],
    [{ type: 'number' }, 12.5, 12.5],
    [{ type: 'boolean' }, 'Yes', true],
    [{ type: 'boolean' }, 0, false],
    [{ type: 'boolean' }, 'maybe', null],
    [{ type: 'string' }, ' x ', 'x'],
    [{ type: 'string' }, 42, '42'],
    [{ type: 'string' }, { a: 1 }, null],
    [{ type: 'string' }, 'n/a', null],
    [{ type: 'null' }, 'x', null],
    [{ type: ['integer', 'null'] }, '7', 7],
    [{ type: ['integer', 'string'] }, '7', 7],
    [{ type: ['integer', 'string'] }, '005930', '005930'],
    [{ type: ['boolean', 'string'] }, 'yes', 'yes'],
    [{ anyOf: [{ type: 'null' }, { type: 'integer' }] }, '7', 7],
    [{ oneOf: [{ type: 'integer' }, { enum: ['many'] }] }, 'MANY', 'many'],
    [{ allOf: [{ type: 'integer' }, { minimum: 1 }] }, '7', 7],
    [{ enum: ['Public', 'Private', null] }, 'PUBLIC', 'Public'],
    [{ enum: ['Public', 'Private'] }, 'state-owned', null],
    [{ enum: ['a', 'A'] }, 'A', 'A'],
    [{ enum: ['a', 'A'] }, 'ａ', null],
    [{ enum: ['none', 'some'] }, 'None', 'none'],
    [{ enum: [1, 2] }, '2', 2],
    [{ enum: ['real_estate'] }, 'Real Estate', 'real_estate'],
    [{ const: 'yes' }, 'YES', 'yes'],
    [{ type: 'string', format: 'date' }, 'March 1, 2024', '2024-03-01'],
    [{ type: 'string', format: 'date' }, '1/2/2024', null],
    [{ type: 'string', format: 'date-time' }, '2024-03-01 10:00Z', '2024-03-01T10:00:00Z'],
    [{ type: 'string', format: 'date-time' }, '2024-03-01', null],
    [{ format: 'uri' }, 'www.acme.com/x', 'https://www.acme.com/x'],
    [{ type: 'string', format: 'uri' }, 'http://acme.com', 'http://acme.com'],
    [{ type: 'string', format: 'email' }, 'mailto:a@b.de', 'a@b.de'],
    [{ type: 'array', items: { type: 'string' } }, 'a; b;', ['a', 'b']],
    [{ type: 'array', items: { type: 'string' } }, 'a', ['a']],
    [{ type: 'array', items: { type: 'string' } }, '["a", "b, c"]', ['a', 'b, c']],
    [{ type: 'array', items: { type: 'string' } }, 'Smith, Inc., Jones', null],
    [{ type: 'array', items: { type: 'integer' } }, '1;x', null],
    [{ type: 'array', items: { enum: ['A', 'B'] } }, 'a, b', ['A', 'B']],
    [{ items: { type: 'integer' } }, ['1', 2], [1, 2]],
    [{ type: 'array' }, 'a;b', ['a', 'b']],
    [
      { type: 'object', properties: { fullName: { type: 'string' } } },
      { full_name: 'x', y: 1 },
      { fullName: 'x' },
    ],
    [{ type: 'object', properties: { n: { type: 'integer' } } }, '{"n": "5"}', { n: 5 }],
    [{ type: 'object', properties: { n: { type: 'integer' }, m: {} }, required: ['n'] }, { m: 1 }, null],
    [{ type: 'object', properties: { n: { type: 'integer' }, m: { type: 'string' } } }, { n: 1 }, { n: 1 }],
    [{ type: 'object' }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{}, '1', '1'],
    [{}, 1, 1],
    [{ minimum: 3 }, '4', 4],
    [{ pattern: '^x' }, 'xy', 'xy'],
    [{ type: 'integer' }, null, null],
  ])('converts with schema %j the value %j to %j', (schema, raw, value) => {
    expect(coerce(schema, raw)).toEqual(value);
  });

  it('terminates for a recursive schema', () => {
    const tree = { type: 'object', properties: { next: { $ref: '#' }, n: { type: 'integer' } } };
    expect(coerce(tree, { next: { next: { n: '1' } } })).toEqual({ next: { next: { n: 1 } } });
    expect(coerce({ $ref: '#' }, 'x')).toBe('x');
    expect(coerce({ allOf: [{ $ref: '#' }] }, 'x')).toBe('x');
  });
});

describe('parseDate', () => {
  it.each([
    ['2024-03-01', '2024-03-01'],
    ['2024/3/1', '2024-03-01'],
    ['2024-03-01T10:00:00Z', '2024-03-01'],
    ['31.12.2024', '2024-12-31'],
    ['12/31/2024', '2024-12-31'],
    ['5.5.2024', '2024-05-05'],
    ['1 March 2024', '2024-03-01'],
    ['March 1st, 2024', '2024-03-01'],
    ['Sept 9, 2024', '2024-09-09'],
    ['01-Mar-2024', '2024-03-01'],
    ['01/02/2024', null],
    ['1.2.2024', null],
    ['31/12/24', null],
    ['2024', null],
    ['March 2024', null],
    ['2024-02-30', null],
    ['30 February 2024', null],
    ['2024-13-01', null],
    ['20240301', null],
    ['Ma 1 2024', null],
    ['1 March 2024 or later', null],
    ['', null],
  ])('reads %j as %j', (text, date) => {
    expect(parseDate(text)).toBe(date);
  });

  it('parses any formatted day', () => {
    const day = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(day, (date) => {
        expect(parseDate(date.toISOString())).toBe(date.toISOString().slice(0, 10));
      }),
    );
  });
});

describe('parseMoment', () => {
  it.each([
    ['2024-03-01T10:00:00Z', '2024-03-01T10:00:00Z'],
    ['2024-03-01 10:00:00.5+0200', '2024-03-01T10:00:00.5+02:00'],
    ['2024-03-01T10:00z', '2024-03-01T10:00:00Z'],
    ['2024-03-01T10:00:00', null],
    ['2024-03-01', null],
    ['2024-02-30T10:00:00Z', null],
    ['2024-03-01T25:00:00Z', null],
  ])('reads %j as %j', (text, moment) => {
    expect(parseMoment(text)).toBe(moment);
  });
});

describe('parseNumber', () => {
  it.each([
    ['42', 42],
    [' 1,234 ', 1234],
    ['1,234,567.89', 1234567.89],
    ['1 234 567', 1234567],
    ['1\u00a0234', 1234],
    ["1'234", 1234],
    ['-5', -5],
    ['−5', -5],
    ['+5', 5],
    ['1.5', 1.5],
    ['1e6', 1e6],
    ['007', 7],
    ['１２', 12],
    ['', null],
    ['1,5', null],
    ['12,34', null],
    ['1,234,5', null],
    ['1.234.567', null],
    ['$1.2M', null],
    ['$5', null],
    ['12%', null],
    ['5 000 people', null],
    ['10-50', null],
    ['~500', null],
    ['500+', null],
    ['(5)', null],
    ['0x10', null],
    ['Infinity', null],
    ['NaN', null],
    ['1e999', null],
    ['12345678901234567890', null],
    ['1 2', null],
  ])('reads %j as %j', (text, number) => {
    expect(parseNumber(text, 'point')).toBe(number);
  });

  it.each([
    ['1.234,56', 1234.56],
    ['1,5', 1.5],
    ['1.234', 1234],
    ['1,234', 1.234],
    ['1,234.5', null],
  ])('reads %j as %j in a column with decimal commas', (text, number) => {
    expect(parseNumber(text, 'comma')).toBe(number);
  });

  it('parses any integer with thousands commas', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        expect(parseNumber(number.toLocaleString('en-US'), 'point')).toBe(number);
      }),
    );
  });
});

describe('resolveNumberStyle', () => {
  it.each([
    [['1,234', '2,000,000'], 'point'],
    [['1,234', '1,5'], 'comma'],
    [['1.234,00'], 'comma'],
    [['a, b', 7, null], 'point'],
    [[], 'point'],
  ])('detects in %j the decimal %s', (values, style) => {
    expect(resolveNumberStyle(values)).toBe(style);
  });
});
