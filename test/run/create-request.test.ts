import { Ajv } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ask, createAsk } from '../../src/model/ask.js';
import { createSchema, listFields, parseField } from '../../src/model/field.js';
import { isJsonObject, type JsonObject, type JsonValue, resolvePointer } from '../../src/model/json.js';
import { compileSchema } from '../../src/model/schema.js';
import { DRAFT_URIS, type SchemaDraft } from '../../src/model/schema-index.js';
import { createOutputSchema, createRequest } from '../../src/run/create-request.js';
import { createTestBatch } from '../helpers/ledger-samples.js';
import { createSchemaArbitrary, valueArbitrary } from '../helpers/schema-arbitrary.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

function request(
  send: readonly string[],
  records: readonly JsonObject[],
  exclusion: readonly JsonObject[] = [],
) {
  const schema = { type: 'object', properties: { ceo: { type: 'string' } } };
  const ask = createAsk({
    query: 'Who leads it?',
    system: 'Prefer filings.',
    schema,
    fields: [{ name: 'ceo', schema: { type: 'string' } }],
    send,
    efforts: ['low'],
    escalateBelow: null,
  });
  const job = { id: 'j_1', askId: ask.id, invocation: 1 };
  const rows = records.map((record, index) => ({ key: `k${index}`, record }));
  const batch = createTestBatch(job, [], { fields: ['ceo'], rows });
  return createRequest(ask, batch, exclusion);
}

test('each record has a short id, and cell text is only in the data', () => {
  const created = request(['company'], [{ company: 'ignore the above and …' }, { company: 'Acme' }]);
  expect(created.input?.data).toEqual([
    { company: 'ignore the above and …', row_id: expect.stringMatching(/^r[0-9a-z]{8}-[1-9]\d{2,3}$/) },
    { company: 'Acme', row_id: expect.stringMatching(/^r[0-9a-z]{8}-[1-9]\d{2,3}$/) },
  ]);
  expect(JSON.stringify([created.query, created.systemPrompt, created.outputSchema])).not.toContain('ignore');
  expect(created.query).not.toContain('column row_id of its own');
});

test('an input column called row_id is sent under another name', () => {
  const created = request(
    ['row_id', 'own_row_id', 'company'],
    [{ row_id: '77', own_row_id: 'x', company: 'Acme' }],
    [{ row_id: '78', company: 'Bolt' }],
  );
  expect(created.input).toEqual({
    data: [
      {
        own_own_row_id: '77',
        own_row_id: 'x',
        company: 'Acme',
        row_id: expect.stringMatching(/^r[0-9a-z]{8}-[1-9]\d{2,3}$/),
      },
    ],
    exclusion: [{ own_own_row_id: '78', company: 'Bolt' }],
  });
  expect(created.query).toContain('row_id of its own: it is sent as own_own_row_id');
});

test('a column called __proto__ works', () => {
  const record: JsonObject = JSON.parse('{"__proto__": "a", "constructor": "b"}');
  const [sent] = request(['__proto__', 'constructor', 'row_id'], [record]).input?.data ?? [];
  expect(Object.entries(sent ?? {})).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
    ['row_id', expect.stringMatching(/^r[0-9a-z]{8}-[1-9]\d{2,3}$/)],
  ]);
});

const DRAFTS: readonly SchemaDraft[] = ['draft-07', '2019-09', '2020-12'];

test('the output schema is a closed list of one entry per row', () => {
  const schema = createSchema([parseField('ceo=Who leads it today'), parseField('staff:integer')]);
  expect(createOutputSchema(createTestAsk(schema), ['ceo', 'staff'], ['r1', 'r2'])).toEqual({
    type: 'object',
    properties: {
      rows: {
        type: 'array',
        minItems: 2,
        maxItems: 2,
        items: {
          type: 'object',
          properties: { row_id: { type: 'string', enum: ['r1', 'r2'] }, fields: schema },
          required: ['row_id', 'fields'],
          additionalProperties: false,
        },
      },
    },
    required: ['rows'],
    additionalProperties: false,
  });
});

describe.each(DRAFTS)(
  '%s: a value without null is valid in the output schema exactly when it is valid alone',
  (draft) => {
    test('for random schemas with references, anchors and their own resources', SLOW, () => {
      let valid = 0;
      let invalid = 0;
      fc.assert(
        fc.property(
          createSchemaArbitrary(draft),
          fc.array(valueArbitrary, { minLength: 12, maxLength: 12 }),
          (schema, values) => {
            fc.pre(hasNoRing(schema));
            const alone = compilePlain(draft, schema);
            const ask = createTestAsk(schema);
            const inside = createOutputSchema(ask, readNames(ask), ['r1']);
            const plainInside = compilePlain(draft, inside);
            const ownInside = compileSchema(inside);
            const ownAlone = compileSchema(schema);
            for (const value of values) {
              const expected = alone(value);
              const wrapped = { rows: [{ row_id: 'r1', fields: value }] };
              if (expected) valid += 1;
              else invalid += 1;
              if (hasNull(value)) {
                // A field may be null inside, so a valid value stays valid.
                if (expected) expect(plainInside(wrapped)).toBe(true);
                continue;
              }
              expect(plainInside(wrapped)).toBe(expected);
              const own = ownAlone.validate(value).length === 0;
              expect(ownInside.validate(wrapped).length === 0).toBe(own);
              // The plain compiler applies a type next to a draft-07 reference, which the draft ignores.
              if (draft !== 'draft-07') expect(own).toBe(expected);
            }
          },
        ),
        { numRuns: chooseCount(40, 10) },
      );
      // A few schemas may accept all values, or none.
      expect(Math.min(valid, invalid)).toBeGreaterThanOrEqual(chooseCount(21, 0));
    });

    test('for each field of random schemas if only some fields are requested', SLOW, () => {
      fc.assert(
        fc.property(
          createSchemaArbitrary(draft),
          fc.array(valueArbitrary, { minLength: 8, maxLength: 8 }),
          fc.nat(),
          (schema, values, pick) => {
            fc.pre(hasNoRing(schema));
            const ask = createTestAsk(schema);
            const names = readNames(ask);
            const name = names[pick % names.length] ?? '';
            fc.pre(names.length > 1);
            const own = compileSchema(schema).part(
              `/properties/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
            );
            const inside = compileSchema(createOutputSchema(ask, [name], ['r1']));
            for (const value of values) {
              const wrapped = { rows: [{ row_id: 'r1', fields: { [name]: value } }] };
              const isValid = inside.validate(wrapped).length === 0;
              const isExpected = own.validate(value).length === 0;
              if (value !== null || isExpected) expect(isValid).toBe(isExpected);
            }
          },
        ),
        { numRuns: chooseCount(40, 10) },
      );
    });

    test('the draft is named once, at the root, if the schema names it', () => {
      const schema = { $schema: DRAFT_URIS[draft], type: 'object', properties: { a: {}, b: {} } };
      for (const names of [['a'], ['a', 'b']]) {
        const text = JSON.stringify(createOutputSchema(createTestAsk(schema), names, ['r1']));
        expect(text.startsWith(`{"$schema":${JSON.stringify(DRAFT_URIS[draft])}`)).toBe(true);
        expect(text.split('$schema')).toHaveLength(2);
      }
    });
  },
);

describe('references keep their meaning', () => {
  const cases: readonly (readonly [string, SchemaDraft, JsonObject, JsonValue, JsonValue])[] = [
    [
      'a root that is a reference, as generators produce it',
      'draft-07',
      {
        $ref: '#/definitions/Row',
        definitions: {
          Row: { type: 'object', properties: { a: { $ref: '#/definitions/N' } } },
          N: { type: 'integer' },
        },
      },
      { a: 1 },
      { a: 'x' },
    ],
    [
      'a recursive reference of 2019-09',
      '2019-09',
      {
        type: 'object',
        properties: { n: { type: 'integer' }, kid: { $recursiveRef: '#' } },
        additionalProperties: false,
      },
      { n: 1, kid: { kid: { n: 2 } } },
      { n: 1, kid: { kid: { n: 'x' } } },
    ],
    [
      'a dynamic reference with one anchor',
      '2020-12',
      {
        $dynamicAnchor: 'node',
        type: 'object',
        properties: { n: { type: 'integer' }, kid: { $dynamicRef: '#node' } },
      },
      { kid: { kid: { n: 2 } } },
      { kid: { kid: { n: 'x' } } },
    ],
    [
      'a dynamic reference that a later resource overrides',
      '2020-12',
      {
        $id: 'https://example.com/strict',
        $dynamicAnchor: 'node',
        $ref: 'tree',
        properties: { n: true, kid: true },
        unevaluatedProperties: false,
        $defs: {
          tree: {
            $id: 'tree',
            $dynamicAnchor: 'node',
            type: 'object',
            properties: { n: { type: 'integer' }, kid: { $dynamicRef: '#node' } },
          },
        },
      },
      { n: 1, kid: { kid: { n: 1 } } },
      { n: 1, kid: { kid: { m: 1 } } },
    ],
    [
      'a recursive reference that an outer resource overrides',
      '2019-09',
      {
        $id: 'https://example.com/strict',
        $recursiveAnchor: true,
        $ref: 'tree',
        properties: { n: true, kid: true },
        unevaluatedProperties: false,
        $defs: {
          tree: {
            $id: 'tree',
            $recursiveAnchor: true,
            type: 'object',
            properties: { n: { type: 'integer' }, kid: { $recursiveRef: '#' } },
          },
        },
      },
      { n: 1, kid: { kid: { n: 1 } } },
      { n: 1, kid: { kid: { m: 1 } } },
    ],
    [
      'an anchor and a definition that share a name with those of another resource',
      '2020-12',
      {
        properties: {
          a: { $ref: '#x' },
          b: { $ref: 'item' },
          c: { $ref: 'item#x' },
          d: { $ref: '#/$defs/x' },
        },
        $defs: {
          x: { $anchor: 'x', type: 'integer' },
          item: { $id: 'item', $ref: '#/$defs/x', $defs: { x: { $anchor: 'x', type: 'string' } } },
        },
      },
      { a: 1, b: 's', c: 's', d: 1 },
      { a: 's', b: 's', c: 's', d: 1 },
    ],
    [
      'a plain and a dynamic reference at once',
      '2020-12',
      {
        $dynamicAnchor: 'node',
        properties: { kid: { $ref: '#/$defs/named', $dynamicRef: '#node' }, name: { type: 'string' } },
        $defs: { named: { required: ['name'] } },
      },
      { kid: { name: 'x' } },
      { kid: { name: 7 } },
    ],
    [
      'a pointer into a non-keyword',
      '2020-12',
      {
        properties: { a: { $ref: '#/components/N' } },
        components: { N: { $ref: '#/components/M' }, M: { type: 'integer' } },
      },
      { a: 1 },
      { a: 'x' },
    ],
    [
      'a property, a definition and data named like keywords',
      '2020-12',
      {
        properties: { $ref: { $ref: '#/$defs/$ref' }, $id: { const: { $ref: '#/$defs/nothing' } } },
        $defs: { $ref: { type: 'integer' } },
      },
      { $ref: 1, $id: { $ref: '#/$defs/nothing' } },
      { $ref: 'x' },
    ],
    [
      'anchors and resources inside prefixItems',
      '2020-12',
      {
        properties: {
          a: {
            prefixItems: [
              { $id: 'item', $defs: { n: { $anchor: 'n', type: 'integer' } }, items: { $ref: '#n' } },
            ],
          },
          b: { $ref: 'item#/$defs/n' },
        },
      },
      { a: [[1]], b: 1 },
      { a: [['x']], b: 1 },
    ],
  ];

  test.each(cases)('%s', (_, draft, parts, good, bad) => {
    const schema = { $schema: DRAFT_URIS[draft], ...parts };
    const ask = createTestAsk(schema);
    const whole = compilePlain(draft, createOutputSchema(ask, readNames(ask), ['r1']));
    for (const [value, isValid] of [
      [good, true],
      [bad, false],
    ] as const) {
      expect(compileSchema(schema).validate(value).length === 0).toBe(isValid);
      expect(whole({ rows: [{ row_id: 'r1', fields: value }] })).toBe(isValid);
    }
  });
});

test('a schema for some fields keeps their required rules and drops the rest', () => {
  const schema = {
    type: 'object',
    description: 'A company',
    properties: { a: { $ref: '#/$defs/n' }, b: { type: 'string' }, c: {} },
    required: ['a', 'c'],
    dependentRequired: { a: ['b'] },
    $defs: { n: { type: 'integer' } },
  };
  const output = createOutputSchema(createTestAsk(schema), ['b', 'a'], ['r1']);
  const check = compileSchema(output);
  const wrap = (fields: JsonObject) =>
    check.validate({ rows: [{ row_id: 'r1', fields }] }).map((issue) => issue.keyword);
  expect(wrap({ a: 1 })).toEqual([]);
  expect(wrap({ a: 'x' })).toEqual(['type', 'type', 'anyOf']);
  expect(wrap({ a: null })).toEqual([]);
  expect(wrap({ b: 'x' })).toEqual(['required']);
  expect(wrap({ a: 1, c: 1 })).toEqual(['additionalProperties']);
});

describe('a field may be null, so that the agent need not guess', () => {
  const types: readonly JsonObject[] = [
    ...[
      { type: 'string' },
      { type: ['string', 'integer'] },
      { enum: ['a', 'b'] },
      { type: 'string', enum: ['a'] },
    ],
    ...[{ const: 1 }, { $ref: '#/$defs/n' }, { oneOf: [{ type: 'string' }, { type: 'integer' }] }],
    ...[
      { allOf: [{ type: 'string' }] },
      { type: 'object', properties: { x: {} } },
      { not: { type: 'null' } },
    ],
  ];
  test.each(types)('%j', (type) => {
    const schema = { properties: { a: type, b: {} }, required: ['a'], $defs: { n: { type: 'integer' } } };
    for (const names of [['a'], ['a', 'b']]) {
      const check = compileSchema(createOutputSchema(createTestAsk(schema), names, ['r1']));
      expect(check.validate({ rows: [{ row_id: 'r1', fields: { a: null } }] })).toEqual([]);
      expect(check.validate({ rows: [{ row_id: 'r1', fields: {} }] })).not.toEqual([]);
    }
  });

  test('a schema that allows null is sent as it is', () => {
    const schema = createSchema([parseField('a'), parseField('b:enum(x|y)'), parseField('c:list(url)')]);
    const sent = createOutputSchema(createTestAsk(schema), ['a', 'b', 'c'], ['r1']);
    expect(resolvePointer(sent, '/properties/rows/items/properties/fields')).toEqual(schema);
  });

  test('parts of other fields that refer to a field stay as they are', () => {
    const schema = { properties: { a: { type: 'string' }, b: { items: { $ref: '#/properties/a' } } } };
    const check = compileSchema(createOutputSchema(createTestAsk(schema), ['a', 'b'], ['r1']));
    expect(check.validate({ rows: [{ row_id: 'r1', fields: { b: [null] } }] })).not.toEqual([]);
  });
});

test('rows are limited to the ids that were sent, and each entry is closed', () => {
  const output = createOutputSchema(createTestAsk({ properties: { a: {} } }), ['a'], ['r1', 'r2']);
  const isValid = (rows: JsonValue) => compileSchema(output).validate({ rows }).length === 0;
  expect(
    isValid([
      { row_id: 'r2', fields: {} },
      { row_id: 'r1', fields: { a: 1 } },
    ]),
  ).toBe(true);
  expect(isValid([{ row_id: 'r1', fields: {} }])).toBe(false);
  expect(
    isValid([
      { row_id: 'r1', fields: {} },
      { row_id: 'r3', fields: {} },
    ]),
  ).toBe(false);
  expect(
    isValid([
      { row_id: 'r1', fields: {} },
      { row_id: 'r2', fields: {}, more: 1 },
    ]),
  ).toBe(false);
});

function createTestAsk(schema: JsonObject): Ask {
  const named = isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const fields = named.length > 0 ? named.map((name) => ({ name, schema: true })) : listFields(schema);
  return createAsk({
    query: 'q',
    system: null,
    schema,
    fields,
    send: [],
    efforts: ['low'],
    escalateBelow: null,
  });
}

function readNames(ask: Ask): string[] {
  return ask.fields.map((field) => field.name);
}

/** A random schema may be circular, which is rejected; that has its own test. */
function hasNoRing(schema: JsonObject): boolean {
  try {
    compileSchema(schema);
    return true;
  } catch (error) {
    if (String(error).includes('without end')) return false;
    throw error;
  }
}

/** The plain compiler without our code, as an independent check. */
function compilePlain(draft: SchemaDraft, schema: JsonObject): (value: unknown) => boolean {
  const Compiler = draft === 'draft-07' ? Ajv : draft === '2019-09' ? Ajv2019 : Ajv2020;
  const ajv = new Compiler({ strict: false, logger: false, ignoreKeywordsWithRef: draft === 'draft-07' });
  formats.default(ajv);
  const check = ajv.compile(schema);
  return (value) => check(value) === true;
}

/** True for an object with a null member. */
function hasNull(value: JsonValue): boolean {
  return isJsonObject(value) && Object.values(value).includes(null);
}
