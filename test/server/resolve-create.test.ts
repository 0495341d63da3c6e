import { expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { compileSchema } from '../../src/model/schema.js';
import { checkOutputSchema, resolveCreate } from '../../src/server/resolve-create.js';

test('keeps a request unchanged, with defaults filled in', () => {
  const body = {
    query: 'Find it.',
    systemPrompt: '',
    input: { data: [{ a: null, b: [1, { c: true }] }], exclusion: [] },
    outputSchema: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
    previousRunId: 'a:b-c_d.e',
    metadata: { empty: '' },
  };
  expect(resolveCreate(body, '2026-05-07')).toEqual({ ...body, effort: 'auto' });
  expect(resolveCreate(body, 'current')).toEqual({ ...body, effort: 'auto' });
});

test('keeps an outputSchema of null', () => {
  expect(resolveCreate({ query: 'x', outputSchema: null }, '2026-05-07').outputSchema).toBeNull();
});

test('drops input keys that are not in the contract', () => {
  const body = { query: 'x', input: { data: [], notes: 'private' } };
  expect(resolveCreate(body, 'current').input).toEqual({ data: [] });
});

test('the contract of 2026-05-07 keeps unknown keys and ignores a budget', () => {
  const body = { query: 'x', dataSources: ['any'], budget: { maxCostDollars: 0, other: 1 } };
  expect(resolveCreate(body, '2026-05-07')).toEqual({ query: 'x', effort: 'auto', dataSources: ['any'] });
});

test('the current contract keeps budgets and data sources', () => {
  const body = {
    query: 'x',
    effort: 'ultra',
    budget: { maxCostDollars: 20, maxDurationSeconds: 300 },
    dataSources: [{ provider: 'fiber' }],
  };
  expect(resolveCreate(body, 'current')).toEqual(body);
});

test.each(['minimal', 'low', 'medium', 'high', 'xhigh', 'auto', 'ultra', 'max'])(
  'the current contract accepts the effort %s',
  (effort) => {
    expect(resolveCreate({ query: 'x', effort }, 'current').effort).toBe(effort);
  },
);

test.each([
  [
    'draft-07',
    'http://json-schema.org/draft-07/schema#',
    { definitions: { a: {} }, $ref: '#/definitions/a' },
  ],
  ['2019-09', 'https://json-schema.org/draft/2019-09/schema', { $recursiveAnchor: true, $defs: { a: {} } }],
  ['2020-12', 'https://json-schema.org/draft/2020-12/schema', { prefixItems: [{ type: 'string' }] }],
])('accepts an outputSchema of %s', (_name, $schema, rest) => {
  const outputSchema = { $schema, ...rest };
  expect(resolveCreate({ query: 'x', outputSchema }, '2026-05-07').outputSchema).toEqual(outputSchema);
});

test('names with a meaning in JavaScript work like any other', () => {
  const body = JSON.parse('{"query":"x","metadata":{"__proto__":"a","constructor":"b"},"__proto__":{"c":1}}');
  const request = resolveCreate(body, '2026-05-07');
  expect(JSON.parse(JSON.stringify(request))).toEqual({ ...body, effort: 'auto' });
  expect(Object.hasOwn(request, '__proto__')).toBe(true);
  expect(Reflect.get({}, 'c')).toBeUndefined();
});

function createSchema(ids: JsonValue, fields: JsonObject, more: JsonObject = {}): JsonObject {
  const row = { properties: { row_id: { type: 'string', enum: ids }, fields } };
  return { ...more, properties: { rows: { type: 'array', items: row } } };
}

function explain(schema: JsonObject): string | null {
  try {
    compileSchema(schema);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const FIELDS = { type: 'object', properties: { city: { type: 'string' } } };

test.each([
  ['the same ids again', ['r1', 'r2'], FIELDS],
  ['other ids', ['r3', 'r4'], FIELDS],
  ['an id twice', ['r1', 'r1'], FIELDS],
  ['an id that is a number', ['r1', 2], FIELDS],
  ['a number twice', [2, 2], FIELDS],
  ['no ids', [], FIELDS],
  ['ids that are not a list', 'r1', FIELDS],
  ['a fault elsewhere', ['r5', 'r6'], { type: 'thing' }],
  ['a reference to an id', ['r1', 'r2'], { $ref: '#/properties/rows/items/properties/row_id/enum/0' }],
])('a cached valid schema does not affect one with %s', (_name, ids, fields) => {
  for (const draft of [
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2020-12/schema',
  ]) {
    const more = { $schema: draft };
    expect(checkOutputSchema(createSchema(['r1', 'r2'], FIELDS, more))).toBeNull();
    const schema = createSchema(ids, fields, more);
    expect(checkOutputSchema(schema)?.message ?? null).toBe(explain(schema));
  }
});

test('more ids than a schema may have parts are too many', () => {
  const many = Array.from({ length: 50_000 }, (_, index) => `r${index}`);
  expect(checkOutputSchema(createSchema(many, FIELDS))?.message).toContain('parts');
});
