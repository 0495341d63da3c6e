import { expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { compileSchema } from '../../src/model/schema.js';
import { checkOutputSchema } from '../../src/server/check-output-schema.js';

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
  ['ids that are no list', 'r1', FIELDS],
  ['a fault elsewhere', ['r5', 'r6'], { type: 'thing' }],
  ['a reference to an id', ['r1', 'r2'], { $ref: '#/properties/rows/items/properties/row_id/enum/0' }],
])('after a good schema, one with %s is judged as if it were the first', (_name, ids, fields) => {
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
