import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSchema, FIELD_TYPES, listFields, parseField } from '../../src/model/field.js';
import type { JsonObject } from '../../src/model/json.js';
import { compileSchema, SchemaError } from '../../src/model/schema.js';

describe('the short form of a field', () => {
  const cases: readonly (readonly [string, string, JsonObject])[] = [
    ['ceo', 'ceo', { type: ['string', 'null'] }],
    [' ceo : integer ', 'ceo', { type: ['integer', 'null'] }],
    ['ceo=Who: leads=it', 'ceo', { type: ['string', 'null'], description: 'Who: leads=it' }],
    ['day:date=Of founding', 'day', { type: ['string', 'null'], format: 'date', description: 'Of founding' }],
    ['at:datetime', 'at', { type: ['string', 'null'], format: 'date-time' }],
    ['site:url', 'site', { type: ['string', 'null'], format: 'uri' }],
    ['mail:email', 'mail', { type: ['string', 'null'], format: 'email' }],
    ['tel:phone', 'tel', { type: ['string', 'null'], format: 'phone' }],
    [
      'size:enum(s|m = 1| l )=Size',
      'size',
      { type: ['string', 'null'], enum: ['s', 'm = 1', 'l', null], description: 'Size' },
    ],
    ['tags:list(string)', 'tags', { type: ['array', 'null'], items: { type: 'string' } }],
    [
      'tags:list( enum(a|b) )',
      'tags',
      { type: ['array', 'null'], items: { type: 'string', enum: ['a', 'b'] } },
    ],
    ['days:list(date)', 'days', { type: ['array', 'null'], items: { type: 'string', format: 'date' } }],
  ];
  test.each(cases)('%s', (text, name, schema) => {
    expect(parseField(text)).toEqual({ name, schema });
  });

  const faults: readonly (readonly [string, RegExp, RegExp])[] = [
    ['', /no name/, /name:type/],
    [':integer', /no name/, /name:type/],
    ['a:int', /"int" is not a valid type/, /mean integer\?/],
    ['a:stirng', /"stirng" is not a valid type/, /mean string\?/],
    ['a:', /"" is not a valid type/, /The types are string/],
    ['a:enum', /"enum" is not a valid type/, /mean enum\(a\|b\)\?/],
    ['a:enum()', /its enum has an empty choice/, /./],
    ['a:enum(x|x)', /lists "x" twice/, /./],
    ['a:list(list(string))', /list of lists/, /./],
    ['a:list(bool)', /"bool" is not a valid type/, /mean boolean\?/],
  ];
  test.each(faults)('rejects %j and quotes it', (text, message, hint) => {
    const read = () => parseField(text);
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_FIELD', kind: 'usage' }));
    expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining(JSON.stringify(text)) }));
    expect(read).toThrow(expect.objectContaining({ message: expect.stringMatching(message) }));
    expect(read).toThrow(expect.objectContaining({ hint: expect.stringMatching(hint) }));
  });

  test('any text is either a field with a valid schema or a usage error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z:=()|, ]{0,20}$/)), (text) => {
        try {
          compileSchema(createSchema([parseField(text)]));
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_FIELD', kind: 'usage' });
        }
      }),
    );
  });
});

test('every type allows null, so that an agent can report that it found nothing', () => {
  const types = [...FIELD_TYPES, 'enum(a|b)', 'list(string)'];
  const schema = createSchema(types.map((type, index) => parseField(`f${index}:${type}`)));
  const nothing = Object.fromEntries(types.map((_, index) => [`f${index}`, null]));
  expect(compileSchema(schema).validate(nothing)).toEqual([]);
  expect(compileSchema(schema).validate({})).not.toEqual([]);
  expect(compileSchema(schema).validate({ ...nothing, more: 1 })).not.toEqual([]);
});

describe('the names of fields', () => {
  const faults: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['listed twice', ['a', 'b', 'a'], /"a" cannot be filled: it is listed twice/],
    ['a result column', ['enrichment_status'], /enrichment/],
    ['the result key of JSON output', ['enrichment'], /enrichment/],
    ['the confidence column of another', ['a_confidence', 'a'], /"a" already adds a column/],
    ['the citations column of another', ['a', 'a_citations'], /"a" already adds a column/],
    ['a part of another', ['a', 'a.b'], /parts of "a"/],
    ['empty', [' '], /empty/],
    ['a prototype', ['__proto__'], /JavaScript/],
    ['a line break', ['a\nb'], /control character/],
  ];
  test.each(faults)('%s is refused', (_, names, message) => {
    const create = () => createSchema(names.map((name) => ({ name, schema: {} })));
    expect(create).toThrow(
      expect.objectContaining({ code: 'INVALID_FIELD', message: expect.stringMatching(message) }),
    );
    if (new Set(names).size < names.length) return;
    const properties = Object.fromEntries(names.map((name) => [name, {}]));
    expect(() => listFields({ properties })).toThrow(expect.objectContaining({ code: 'INVALID_FIELD' }));
  });

  test('row_id, dots and names that only resemble reserved ones are allowed', () => {
    const names = ['row_id', 'a.b', 'a b', 'b_confidence', 'enriched', 'constructor', 'fields', 'A'];
    expect(
      listFields(createSchema(names.map((name) => ({ name, schema: {} })))).map((field) => field.name),
    ).toEqual(names);
  });
});

describe('the fields of a schema', () => {
  test('are the properties of its root, in order', () => {
    const schema = { type: 'object', properties: { b: { type: 'string' }, a: true } };
    expect(listFields(schema)).toEqual([
      { name: 'b', schema: { type: 'string' } },
      { name: 'a', schema: true },
    ]);
  });

  test('include those behind a local reference and in allOf', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      $ref: '#/definitions/Row',
      properties: { ignored: {} },
      definitions: {
        Row: { allOf: [{ $ref: '#/definitions/A' }, { properties: { b: {}, a: {} } }] },
        A: { properties: { a: {} } },
      },
    };
    expect(listFields(schema).map((field) => field.name)).toEqual(['a', 'b']);
  });

  test('have their references resolved, except cycles', () => {
    const schema = {
      properties: { at: { $ref: '#/$defs/place', description: 'Seat' } },
      $defs: {
        place: {
          type: 'object',
          properties: { city: { $ref: '#/$defs/text' }, within: { $ref: '#/$defs/place' } },
        },
        text: { type: 'string' },
      },
    };
    expect(listFields(schema)).toEqual([
      {
        name: 'at',
        schema: { type: 'object', properties: { city: { type: 'string' }, within: {} }, description: 'Seat' },
      },
    ]);
  });

  const faults: readonly (readonly [string, JsonObject, string])[] = [
    ['whose root is an array', { type: 'array', items: {} }, '/type'],
    ['whose root is text', { type: 'string' }, '/type'],
    ['whose root has no properties', { type: 'object' }, ''],
    ['with empty properties', { properties: {} }, ''],
    ['that refers to itself', { $ref: '#' }, ''],
  ];
  test.each(faults)('rejects a schema %s', (_, schema, path) => {
    expect(() => listFields(schema)).toThrow(SchemaError);
    expect(() => listFields(schema)).toThrow(expect.objectContaining({ path, kind: 'usage' }));
  });
});
