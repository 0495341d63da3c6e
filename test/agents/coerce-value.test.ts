import { describe, expect, it } from 'vitest';
import { coerceValue } from '../../src/agents/coerce-value.js';
import { createSchemaReader } from '../../src/agents/schema-reader.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';

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
  ])('makes of %j and %j: %j', (schema, raw, value) => {
    expect(coerce(schema, raw)).toEqual(value);
  });

  it('comes to an end in a schema that holds itself', () => {
    const tree = { type: 'object', properties: { next: { $ref: '#' }, n: { type: 'integer' } } };
    expect(coerce(tree, { next: { next: { n: '1' } } })).toEqual({ next: { next: { n: 1 } } });
    expect(coerce({ $ref: '#' }, 'x')).toBe('x');
    expect(coerce({ allOf: [{ $ref: '#' }] }, 'x')).toBe('x');
  });
});
