import { expect, test } from 'vitest';
import { parseField } from '../../src/model/field.js';
import { allowNull, listNullable } from '../../src/model/nullable.js';

test.each([
  [
    { type: 'string', minLength: 1 },
    { type: ['string', 'null'], minLength: 1 },
  ],
  [{ enum: ['a'] }, { enum: ['a', null] }],
  [
    { type: 'string', enum: ['a'] },
    { type: ['string', 'null'], enum: ['a', null] },
  ],
  [{ const: 1 }, { anyOf: [{ const: 1 }, { type: 'null' }] }],
])('%j becomes %j', (schema, expected) => expect(allowNull(schema)).toEqual(expected));

test.each([
  ...[
    {},
    true,
    false,
    { minLength: 1 },
    { type: ['string', 'null'] },
    { enum: ['a', null] },
    { type: 'null' },
  ],
  { anyOf: [{ type: 'string' }, { type: 'null' }] },
])('%j stays as it is', (schema) => expect(allowNull(schema)).toBe(schema));

test('fields of --field are never listed', () => {
  const types = ['string', 'number', 'url', 'enum(a|b)', 'list(string)'];
  const fields = types.map((type, index) => parseField(`f${index}:${type}`));
  expect(listNullable({ fields })).toEqual([]);
  expect(listNullable({ fields: [...fields, { name: 'x', schema: { type: 'string' } }] })).toEqual(['x']);
});
