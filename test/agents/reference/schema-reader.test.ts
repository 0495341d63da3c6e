import { describe, expect, it } from 'vitest';
import { createSchemaReader } from '../../../src/agents/reference/schema-reader.js';
import type { JsonObject } from '../../../src/model/json.js';

/** The type that the reader finds at a path of properties. */
function readType(schema: JsonObject, ...path: string[]): unknown {
  const reader = createSchemaReader(schema);
  const node = path.reduce((at, name) => reader.listProperties(at).get(name) ?? at, reader.root);
  return reader
    .listVariants(node)
    .flat()
    .map((part) => part.schema.type)
    .find((type) => type !== undefined);
}

describe('a reference is followed', () => {
  it.each<[string, JsonObject]>([
    ['to $defs', { properties: { a: { $ref: '#/$defs/x' } }, $defs: { x: { type: 'integer' } } }],
    [
      'to definitions',
      { properties: { a: { $ref: '#/definitions/x~1y' } }, definitions: { 'x/y': { type: 'integer' } } },
    ],
    [
      'over several steps',
      {
        properties: { a: { $ref: '#/$defs/y' } },
        $defs: { x: { type: 'integer' }, y: { $ref: '#/$defs/x' } },
      },
    ],
    [
      'to an anchor',
      { properties: { a: { $ref: '#int' } }, $defs: { x: { $anchor: 'int', type: 'integer' } } },
    ],
    [
      'to an anchor of draft-07',
      { properties: { a: { $ref: '#int' } }, definitions: { x: { $id: '#int', type: 'integer' } } },
    ],
    [
      'to an id',
      {
        properties: { a: { $ref: 'https://x.example/int' } },
        $defs: { x: { $id: 'https://x.example/int', type: 'integer' } },
      },
    ],
    [
      'to an id relative to the root',
      {
        $id: 'https://x.example/a/root',
        properties: { a: { $ref: 'int' } },
        $defs: { x: { $id: 'int', type: 'integer' } },
      },
    ],
    [
      'to a URN',
      {
        $id: 'urn:x:root',
        properties: { a: { $ref: 'urn:x:root#/$defs/x' } },
        $defs: { x: { type: 'integer' } },
      },
    ],
    [
      'with an encoded pointer',
      { properties: { a: { $ref: '#/$defs/a%20b' } }, $defs: { 'a b': { type: 'integer' } } },
    ],
    ['through allOf', { allOf: [{ properties: { a: { type: 'integer' } } }] }],
    [
      'dynamically',
      {
        properties: { a: { $dynamicRef: '#int' } },
        $defs: { x: { $dynamicAnchor: 'int', type: 'integer' } },
      },
    ],
  ])('%s', (_title, schema) => {
    expect(readType(schema, 'a')).toBe('integer');
  });

  it('inside a schema that is embedded under its own id', () => {
    const inner = {
      $id: 'rowfill:fields',
      properties: { a: { $ref: '#/$defs/x' } },
      $defs: { x: { type: 'integer' } },
    };
    const schema = {
      properties: { rows: { items: { properties: { fields: inner } } } },
      $defs: { x: { type: 'string' } },
    };
    const reader = createSchemaReader(schema);
    const rows = reader.listProperties(reader.root).get('rows');
    const item = rows === undefined ? null : reader.readItems(rows);
    const fields = item === null ? undefined : reader.listProperties(item).get('fields');
    const a = fields === undefined ? undefined : reader.listProperties(fields).get('a');
    expect(
      a === undefined
        ? []
        : reader
            .listVariants(a)
            .flat()
            .map((part) => part.pointer),
    ).toEqual([
      '/properties/rows/items/properties/fields/properties/a',
      '/properties/rows/items/properties/fields/$defs/x',
    ]);
  });

  it.each<[string, JsonObject]>([
    ['nowhere', { properties: { a: { $ref: '#/$defs/none' } } }],
    ['to the network', { properties: { a: { $ref: 'https://x.example/none' } } }],
    ['in a circle', { properties: { a: { $ref: '#/properties/a' } } }],
    ['that is not text', { properties: { a: { $ref: 7 } } }],
    ['badly encoded', { properties: { a: { $ref: '#/%E0%A4%A' } } }],
  ])('safely %s', (_title, schema) => {
    expect(readType(schema, 'a')).toBeUndefined();
  });
});

it.each<[JsonObject, boolean]>([
  [{ type: 'string' }, false],
  [{ type: ['string', 'null'] }, true],
  [{}, true],
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, true],
  [{ enum: ['a', null] }, true],
  [{ enum: ['a'] }, false],
  [{ const: 1 }, false],
  [{ allOf: [{}, { type: 'integer' }] }, false],
])('knows whether %j allows null: %s', (schema, allowed) => {
  const reader = createSchemaReader(schema);
  expect(reader.allowsNull(reader.root)).toBe(allowed);
});

it('handles many choices', () => {
  const choice = { anyOf: Array.from({ length: 10 }, () => ({ type: 'integer' })) };
  const schema = { allOf: Array.from({ length: 10 }, () => choice) };
  const reader = createSchemaReader(schema);
  expect(reader.listVariants(reader.root).length).toBeLessThan(100);
});

it('handles definitions that each use the next one twice', () => {
  const defs = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => {
      const next = { $ref: `#/$defs/d${index + 1}` };
      return [`d${index}`, { allOf: [next, next], properties: { [`p${index}`]: next } }];
    }),
  );
  const reader = createSchemaReader({ $ref: '#/$defs/d0', $defs: defs });
  expect(reader.listProperties(reader.root).size).toBe(60);
});
