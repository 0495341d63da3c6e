import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/model/json.js';
import { compileSchema, SchemaError } from '../../src/model/schema.js';

const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';
const DRAFT_2019 = 'https://json-schema.org/draft/2019-09/schema';
const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';

describe('a value is checked by the draft that $schema names', () => {
  test('2020-12 is the draft of a schema that names none', () => {
    const schema = compileSchema({ prefixItems: [{ type: 'string' }], items: { type: 'integer' } });
    expect(schema.draft).toBe('2020-12');
    expect(schema.validate(['a', 1])).toEqual([]);
    expect(schema.validate([1, 'a']).map((issue) => issue.path)).toEqual(['/0', '/1']);
  });

  test('2019-09 knows tuples in items and unevaluatedProperties', () => {
    const schema = compileSchema({
      $schema: DRAFT_2019,
      allOf: [{ properties: { a: { items: [{ type: 'string' }], additionalItems: false } } }],
      unevaluatedProperties: false,
    });
    expect(schema.validate({ a: ['x'] })).toEqual([]);
    expect(schema.validate({ a: ['x', 'y'] })).not.toEqual([]);
    expect(schema.validate({ b: 1 })).not.toEqual([]);
  });

  test('draft-07 ignores what stands beside a reference, the later drafts do not', () => {
    const schema = {
      properties: { a: { $ref: '#/definitions/n', minimum: 5 } },
      definitions: { n: { type: 'integer' } },
    };
    expect(compileSchema({ $schema: DRAFT_07, ...schema }).validate({ a: 1 })).toEqual([]);
    expect(compileSchema({ $schema: DRAFT_2020, ...schema }).validate({ a: 1 })).not.toEqual([]);
  });

  test('a $schema without its empty fragment or with another scheme is the same draft', () => {
    expect(compileSchema({ $schema: 'https://json-schema.org/draft-07/schema' }).draft).toBe('draft-07');
    expect(compileSchema({ $schema: 'http://json-schema.org/draft/2019-09/schema#' }).draft).toBe('2019-09');
  });
});

test('formats are asserted, phone among them, and an unknown format or keyword is let be', () => {
  const schema = compileSchema({
    properties: {
      phone: { format: 'phone' },
      mail: { format: 'email' },
      day: { format: 'date' },
      x: { format: 'novel', novel: 1 },
    },
  });
  expect(
    schema.validate({ phone: '+1 (415) 555-0132 ext. 7', mail: 'a@b.co', day: '2024-02-29', x: 'y' }),
  ).toEqual([]);
  const issues = schema.validate({ phone: 'call us', mail: 'a@', day: '2023-02-29' });
  expect(issues.map((issue) => [issue.path, issue.keyword])).toEqual([
    ['/phone', 'format'],
    ['/mail', 'format'],
    ['/day', 'format'],
  ]);
});

test('a pattern that is only valid without the Unicode flag still works', () => {
  const schema = compileSchema({ pattern: '^[\\w-.]+$' });
  expect(schema.validate('a-b.c')).toEqual([]);
  expect(schema.validate('a b')).not.toEqual([]);
});

test('a part of a schema keeps its references', () => {
  const schema = compileSchema({
    $id: 'https://example.com/company',
    properties: { 'a/b~%"c': { $ref: '#/$defs/name' }, never: false },
    $defs: { name: { type: 'string', minLength: 2 } },
  });
  const part = schema.part('/properties/a~1b~0%"c');
  expect(part.validate('ab')).toEqual([]);
  expect(part.validate('a')).toEqual([
    { path: '', keyword: 'minLength', message: 'must NOT have fewer than 2 characters' },
  ]);
  expect(schema.part('/properties/never').validate(1)).not.toEqual([]);
});

describe('a schema that is none is refused with the path of the fault', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['an unknown type', { properties: { a: { type: 'strnig' } } }, '/properties/a/type'],
    ['a tuple in items, in 2020-12', { properties: { a: { items: [{}] } } }, '/properties/a/items'],
    ['a draft that is not taken', { $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema'],
    ['a $schema that is no text', { $schema: 7 }, '/$schema'],
    [
      'a reference to another machine',
      { properties: { a: { $ref: 'https://example.com/x.json' } } },
      '/properties/a/$ref',
    ],
    ['a reference to nothing', { items: { $ref: '#/$defs/nothing' } }, '/items/$ref'],
    ['a pattern that is none', { properties: { 'a/b': { pattern: '[' } } }, '/properties/a~1b/pattern'],
    ['an array', [], ''],
    ['a schema without end', createDeep(1000), ''],
  ];
  test.each(cases)('%s', (_, schema, path) => {
    const refuse = () => compileSchema(schema as JsonObject);
    expect(refuse).toThrow(SchemaError);
    expect(refuse).toThrow(expect.objectContaining({ code: 'INVALID_OUTPUT_SCHEMA', kind: 'usage', path }));
  });
});

test('schemas with the same $id do not meet', () => {
  const $id = 'https://example.com/same';
  const first = compileSchema({ $id, type: 'string' });
  const second = compileSchema({ $id, type: 'integer' });
  expect(first.validate('a')).toEqual([]);
  expect(second.validate('a')).not.toEqual([]);
  expect(() => compileSchema({ $ref: $id })).toThrow(SchemaError);
});

test('issues quote the schema and never the value', () => {
  const schema = compileSchema({
    properties: { a: { enum: ['x'] }, b: { const: 1 }, c: { pattern: '^c' } },
    additionalProperties: false,
  });
  const issues = schema.validate({ a: 'SECRET', b: 'SECRET', c: 'SECRET', SECRET: 1 });
  expect(issues).toHaveLength(4);
  expect(issues.map((issue) => issue.allowed ?? issue.property ?? null)).toEqual([
    'SECRET',
    ['x'],
    [1],
    null,
  ]);
  expect(JSON.stringify(issues.map((issue) => issue.message))).not.toContain('SECRET');
});

function createDeep(depth: number): JsonObject {
  let schema: JsonObject = {};
  for (let level = 0; level < depth; level += 1) schema = { not: schema };
  return schema;
}
