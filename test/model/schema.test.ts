import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listFields } from '../../src/model/field.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { compileSchema, SchemaError } from '../../src/model/schema.js';
import { DRAFT_URIS } from '../../src/model/schema-index.js';
import { valueArbitrary } from '../helpers/schema-arbitrary.js';

const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';
const DRAFT_2019 = 'https://json-schema.org/draft/2019-09/schema';
const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema';

describe('a value is validated by the draft in $schema', () => {
  test('the default draft is 2020-12', () => {
    const schema = compileSchema({ prefixItems: [{ type: 'string' }], items: { type: 'integer' } });
    expect(schema.draft).toBe('2020-12');
    expect(schema.validate(['a', 1])).toEqual([]);
    expect(schema.validate([1, 'a']).map((issue) => issue.path)).toEqual(['/0', '/1']);
  });

  test('2019-09 supports tuples in items and unevaluatedProperties', () => {
    const schema = compileSchema({
      $schema: DRAFT_2019,
      allOf: [{ properties: { a: { items: [{ type: 'string' }], additionalItems: false } } }],
      unevaluatedProperties: false,
    });
    expect(schema.validate({ a: ['x'] })).toEqual([]);
    expect(schema.validate({ a: ['x', 'y'] })).not.toEqual([]);
    expect(schema.validate({ b: 1 })).not.toEqual([]);
  });

  test('draft-07 ignores keywords next to a reference, later drafts do not', () => {
    const schema = {
      properties: { a: { $ref: '#/definitions/n', minimum: 5, type: 'string' } },
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

test('formats are checked, including phone; unknown formats and keywords are ignored', () => {
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

test('ignores keywords that only ajv knows', () => {
  const own = { nullable: true, $async: true, id: 'x', formatMinimum: '2024-01-01' };
  const schema = compileSchema({
    ...own,
    properties: { a: { ...own, type: 'string', format: 'date' }, b: { nullable: true } },
  });
  expect(schema.validate({ a: '2023-01-01', b: 1 })).toEqual([]);
  expect(schema.validate({ a: null })).not.toEqual([]);
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

describe('rejects an invalid schema with the path of the fault', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['an unknown type', { properties: { a: { type: 'strnig' } } }, '/properties/a/type'],
    ['a tuple in items, in 2020-12', { properties: { a: { items: [{}] } } }, '/properties/a/items'],
    ['an unsupported draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema'],
    ['a $schema that is not text', { $schema: 7 }, '/$schema'],
    [
      'a reference to another machine',
      { properties: { a: { $ref: 'https://example.com/x.json' } } },
      '/properties/a/$ref',
    ],
    ['a reference to nothing', { items: { $ref: '#/$defs/nothing' } }, '/items/$ref'],
    ['an invalid pattern', { properties: { 'a/b': { pattern: '[' } } }, '/properties/a~1b/pattern'],
    ['an array', [], ''],
    ['an infinitely deep schema', createDeep(1000), ''],
  ];
  test.each(cases)('%s', (_, schema, path) => {
    const refuse = () => compileSchema(schema as JsonObject);
    expect(refuse).toThrow(SchemaError);
    const hint = expect.stringMatching(/./);
    const facts = { code: 'INVALID_OUTPUT_SCHEMA', kind: 'usage', path, hint };
    expect(refuse).toThrow(expect.objectContaining(facts));
  });
});

test.each<[string, JsonObject]>([
  ['itself', { $ref: '#' }],
  [
    'a cycle of definitions',
    { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } } },
  ],
  ['an anchor', { properties: { a: { $anchor: 'a', not: { $ref: '#a' } } } }],
])('rejects a schema with an endless self-reference: %s', (_, schema) => {
  expect(() => compileSchema(schema)).toThrow(/without end/);
});

test('a schema may refer to itself deeper in the value', () => {
  const schema = compileSchema({ properties: { kids: { items: { $ref: '#' } }, n: { type: 'integer' } } });
  expect(schema.validate({ kids: [{ kids: [{ n: 1 }] }] })).toEqual([]);
  expect(schema.validate({ kids: [{ kids: [{ n: 'x' }] }] }).map((issue) => issue.path)).toEqual([
    '/kids/0/kids/0/n',
  ]);
});

test('an extremely deep value gives an issue, not a crash', () => {
  const schema = compileSchema({ items: { $ref: '#' } });
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  expect(schema.validate(deep)).toEqual([{ path: '', keyword: 'depth', message: 'is nested too deeply' }]);
});

test('any schema either compiles or is rejected with a SchemaError', () => {
  const word = fc.constantFrom(
    ...[
      '$schema',
      '$id',
      '$ref',
      '$anchor',
      '$dynamicRef',
      '$dynamicAnchor',
      '$recursiveRef',
      '$defs',
      'definitions',
    ],
    ...[
      'type',
      'properties',
      'items',
      'allOf',
      'not',
      'enum',
      'pattern',
      'format',
      'required',
      '$async',
      'nullable',
      '__proto__',
    ],
  );
  const { schema: arbitrary } = fc.letrec<{ schema: JsonValue }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<JsonValue[]>(
        '#',
        '#a',
        '#/$defs/a',
        'a',
        '',
        '%',
        '(',
        'object',
        'http://[',
        1,
        -1,
        null,
        true,
        false,
        [],
        {},
      ),
      fc.constantFrom<JsonValue[]>(...Object.values(DRAFT_URIS)),
      fc.array(tie('schema'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(word, word, fc.string()), tie('schema'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(arbitrary, valueArbitrary, (schema, value) => {
      try {
        const compiled = compileSchema(schema as JsonObject);
        compiled.validate(value);
        listFields(schema as JsonObject);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'usage' });
      }
    }),
    { numRuns: 300 },
  );
});

test('schemas with the same $id do not interfere', () => {
  const $id = 'https://example.com/same';
  const first = compileSchema({ $id, type: 'string' });
  const second = compileSchema({ $id, type: 'integer' });
  expect(first.validate('a')).toEqual([]);
  expect(second.validate('a')).not.toEqual([]);
  expect(() => compileSchema({ $ref: $id })).toThrow(SchemaError);
});

test('issues quote the schema, never the value', () => {
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

describe('no schema and no value takes forever', () => {
  const definitions = (count: number, create: (index: number) => JsonValue) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, create(index)]));

  test('distinguishes two patterns of one schema', () => {
    const schema = compileSchema({ properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } });
    expect(schema.validate({ a: 'a', b: 'b' })).toEqual([]);
    expect(schema.validate({ a: 'b', b: 'a' }).map(({ path }) => path)).toEqual(['/a', '/b']);
  });

  test.each([
    ['pattern', { properties: { x: { pattern: '^(a+)+$' } } }, { x: `${'a'.repeat(60)}!` }],
    ['patternProperties', { patternProperties: { '^(a+)+$': false } }, { a: 1, [`${'a'.repeat(60)}!`]: 1 }],
    ['propertyNames', { propertyNames: { pattern: '^(a|aa)+$' } }, { [`${'a'.repeat(60)}!`]: 1 }],
    ['items', { properties: { x: { items: { pattern: '(\\s*,?)*;' } } } }, { x: [' '.repeat(60)] }],
  ])('a backtracking pattern in %s gets an answer', (_, schema, value) => {
    expect(
      compileSchema(schema)
        .validate(value)
        .map(({ keyword }) => keyword),
    ).not.toContain('timeout');
    expect(compileSchema(schema).validate(value)).not.toEqual([]);
  });

  test.each([
    ['a back-reference', { properties: { x: { pattern: '^(a+)+\\1b$' } } }, { x: 'a'.repeat(60) }],
    [
      'uniqueItems over many objects',
      { properties: { x: { uniqueItems: true } } },
      { x: Array.from({ length: 100_000 }, (_, index) => ({ index })) },
    ],
    [
      'a definition that doubles with each level of the value',
      {
        $ref: '#/$defs/t',
        $defs: {
          t: {
            allOf: [
              { properties: { c: { $ref: '#/$defs/t' } } },
              { properties: { c: { $ref: '#/$defs/t' } } },
            ],
          },
        },
      },
      Array.from({ length: 40 }).reduce((inner: JsonValue) => ({ c: inner }), {}),
    ],
  ])('a check that takes too long makes the value invalid: %s', (_, schema, value) => {
    const compiled = compileSchema(schema as JsonObject);
    expect(compiled.validate(value)).toEqual([
      { path: '', keyword: 'timeout', message: 'takes too long to check' },
    ]);
    // Later values are checked normally.
    expect(compiled.validate({})).toEqual([]);
  });

  test('rejects references that double at each step', () => {
    const schema = {
      properties: { x: { $ref: '#/$defs/a0' } },
      $defs: definitions(60, (index) =>
        index === 59
          ? { type: 'string' }
          : { allOf: [{ $ref: `#/$defs/a${index + 1}` }, { $ref: `#/$defs/a${index + 1}` }] },
      ),
    };
    expect(() => compileSchema(schema)).toThrow(/more than 10,000 checks of one value/);
    const branches = Array.from({ length: 5 }, () => ({ $ref: '#/$defs/a0' }));
    const ways = {
      $defs: definitions(9, (index) =>
        index === 8 ? {} : { anyOf: branches.map(() => ({ $ref: `#/$defs/a${index + 1}` })) },
      ),
    };
    expect(() => compileSchema({ ...ways, $ref: '#/$defs/a0' })).toThrow(/more than 10,000 checks/);
  });

  test('accepts definitions that refer to each other', () => {
    const names = Object.keys(definitions(12, () => null));
    const schema = {
      properties: { x: { $ref: '#/$defs/a0' } },
      $defs: definitions(12, () => ({
        type: 'object',
        properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }])),
      })),
    };
    expect(listFields(schema).map(({ name }) => name)).toEqual(['x']);
    expect(compileSchema(schema).validate({ x: { a1: { a2: {} } } })).toEqual([]);
    expect(compileSchema(schema).validate({ x: { a1: { a2: 1 } } })[0]?.path).toBe('/x/a1/a2');
  });

  test('rejects a schema with too many subschemas before compiling, with a hint', () => {
    const branches = Array.from({ length: 24_000 }, (_, index) => ({ const: index }));
    for (const schema of [
      { anyOf: branches },
      { properties: Object.fromEntries(branches.map((branch, index) => [`p${index}`, branch])) },
      { items: { prefixItems: branches } },
    ])
      expect(() => compileSchema(schema)).toThrow(/contains more than 2,000 schemas/);
  });

  test('accepts an enum with many thousands of values', () => {
    const values = Array.from({ length: 30_000 }, (_, index) => `v${index}`);
    const schema = compileSchema({ enum: values });
    expect(schema.validate('v29999')).toEqual([]);
    expect(schema.validate('w')).toHaveLength(1);
  });

  test('lists only the first of millions of invalid items', () => {
    const schema = compileSchema({ properties: { x: { items: { type: 'string' } } } });
    const issues = schema.validate({ x: new Array(3_000_000).fill(1) });
    expect(issues.map(({ path, keyword }) => [path, keyword])).toEqual([
      ['/x/0', 'type'],
      ['', 'size'],
    ]);
    expect(schema.validate({ x: new Array(1_000_000).fill('a') })).toEqual([]);
  });
});

describe('names that every JavaScript object has', () => {
  const PROPERTIES = { constructor: { type: 'string' }, toString: { type: 'integer' } };

  test.each<[JsonObject, JsonValue, boolean]>([
    [{ properties: PROPERTIES }, {}, true],
    [{ properties: PROPERTIES }, { constructor: 'Ferrari' }, true],
    [{ properties: PROPERTIES }, { constructor: 1 }, false],
    [{ required: ['constructor'] }, {}, false],
    [{ required: ['toString', '__proto__'] }, { toString: 1 }, false],
    [{ required: ['constructor'] }, { constructor: 'Ferrari' }, true],
    [{ dependentRequired: { valueOf: ['a'] } }, {}, true],
    [{ properties: PROPERTIES, unevaluatedProperties: false }, { hasOwnProperty: 1 }, false],
  ])('%j for %j is %j', (schema, value, isValid) => {
    expect(compileSchema(schema).validate(value).length === 0).toBe(isValid);
  });
});

/** The kinds of differences from the drafts that the official test suite shows. The suite is not on npm. */
describe('differs from the drafts on purpose, or because ajv does', () => {
  test('formats are checked by 2020-12 too, which says that they are remarks only', () => {
    expect(compileSchema({ format: 'email' }).validate('x')).not.toEqual([]);
  });

  test.each<[string, JsonObject]>([
    ['a reference to another file, because nothing is fetched', { $ref: 'https://example.com/other.json' }],
    ["a reference to a draft's own schema", { $ref: DRAFT_2020 }],
    ['a dynamic reference to another resource', { $dynamicRef: 'other#node' }],
    ['an enum without values, which nothing can fit', { enum: [] }],
    ['a dialect of its own', { $schema: 'https://example.com/dialect' }],
  ])('refuses %s', (_what, schema) => {
    expect(() => compileSchema(schema)).toThrow(SchemaError);
  });

  test('unevaluatedItems allows all items once contains is met: never too strict', () => {
    const schema = compileSchema({ contains: { const: 'a' }, unevaluatedItems: false });
    expect(schema.validate(['a'])).toEqual([]);
    expect(schema.validate(['a', 'b'])).toEqual([]);
    expect(schema.validate(['b'])).not.toEqual([]);
  });

  test('a condition without consequences tells unevaluatedProperties nothing', () => {
    const condition = { properties: { a: { const: 1 } }, required: ['a'] };
    const schema = { unevaluatedProperties: false, if: condition };
    expect(compileSchema(schema).validate({ a: 1 })).not.toEqual([]);
    expect(compileSchema({ ...schema, ...condition }).validate({ a: 1 })).toEqual([]);
  });
});
