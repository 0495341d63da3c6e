import fc from 'fast-check';

import { describe, expect, test } from 'vitest';
import { createRowChecker, type RowChecker } from '../../src/answer/check-field.js';
import { createSchema, parseField } from '../../src/model/field.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { compileSchema } from '../../src/model/schema.js';
import { createTestAsk } from '../helpers/check-parts.js';
import { valueArbitrary } from '../helpers/schema-arbitrary.js';

describe('harmless variations are repaired and noted', () => {
  const cases: readonly (readonly [string, string | JsonObject, JsonValue, JsonValue])[] = [
    ['a numeric string for an integer', 'integer', '42', 42],
    ['thousands separators', 'integer', '1,234,567', 1234567],
    ['thousands separators and decimals', 'number', '-1,234.50', -1234.5],
    ['narrow spaces between digits', 'integer', '12\u202f000', 12000],
    ['a word for a boolean', 'boolean', 'Yes', true],
    ['another word for a boolean', 'boolean', ' FALSE ', false],
    ['surrounding space', 'string', '  Jane Doe\n', 'Jane Doe'],
    ['surrounding white space plus another repair', 'integer', ' 7 ', 7],
    ['a single value for a list', 'list(string)', 'a', ['a']],
    ['a single value of another type for a list', 'list(integer)', '42', [42]],
    ['a list of one for a single value', 'string', ['Jane'], 'Jane'],
    ['a numeric string inside a list', 'list(integer)', [1, '2', '3'], [1, 2, 3]],
    ['a number for text', 'string', 94043, '94043'],
    ['a URL without a scheme', 'url', 'example.com/about?x=1', 'https://example.com/about?x=1'],
    ['a URL that starts with slashes', 'url', '//example.com', 'https://example.com'],
    [
      'a URL with non-ASCII letters',
      'url',
      'https://de.example.org/Müller',
      'https://de.example.org/M%C3%BCller',
    ],
    ['a time for a date', 'date', '2024-05-01T00:00:00Z', '2024-05-01'],
    ['different case of an enum value', 'enum(Series A|Series B|IPO)', 'series_b', 'Series B'],
    [
      'an unknown key',
      { properties: { at: { properties: { city: {} }, additionalProperties: false } } },
      { city: 'x', source: 'y' },
      { city: 'x' },
    ],
    [
      'a variation deep inside an object',
      { properties: { at: { properties: { year: { type: 'integer' } } } } },
      { year: '1998' },
      { year: 1998 },
    ],
  ];
  test.each(cases)('%s', (_, type, value, expected) => {
    const [checker, name] = createFieldChecker(type);
    const verdict = checker.checkField(name, value);
    expect(verdict).toMatchObject({ state: 'valid', value: expected, fault: null });
    expect(verdict.issue).toMatch(/^read .+ as .+/);
  });
});

describe('other invalid values become null, with the reason', () => {
  const cases: readonly (readonly [string, string | JsonObject, JsonValue, string])[] = [
    ['words for a number', 'integer', 'about forty', 'must be integer, got "about forty"'],
    ['a fraction for an integer', 'integer', 3.5, 'must be integer, got 3.5'],
    ['a number with wrong separators', 'integer', '1,23', 'must be integer, got "1,23"'],
    [
      'a number too large to be exact',
      'integer',
      '12345678901234567890',
      'must be integer, got "12345678901234567890"',
    ],
    ['an unknown enum value', 'enum(a|b)', 'c', 'must be "a" or "b", got "c"'],
    ['two values for one', 'string', ['a', 'b'], 'must be string, got ["a","b"]'],
    [
      'two dates for one',
      'date',
      '2019-05-01 00:00 or 2021-03-02 00:00',
      'must match format "date", got "2019-05-01 00:00 or 2021-03-02 00:00"',
    ],
    ['a number for a URL', 'url', '3.14', 'must match format "uri" (http or https), got "3.14"'],
    [
      'a long run of spaces for a phone',
      'phone',
      `+${' '.repeat(200_000)}y`,
      `must match format "phone", got "+${' '.repeat(38)}…`,
    ],
    [
      'text where only parts have columns',
      { properties: { at: { properties: { city: {} } } } },
      'Berlin',
      'must be object, got "Berlin"',
    ],
    ['a date that does not exist', 'date', '2023-02-29', 'must match format "date", got "2023-02-29"'],
    ['another number than 0 and 1 for a boolean', 'boolean', 2, 'must be boolean, got 2'],
    [
      'text that is not an email address',
      'email',
      'jane at example',
      'must match format "email", got "jane at example"',
    ],
    ['text for a URL', 'url', 'its site', 'must match format "uri" (http or https), got "its site"'],
    [
      'a part of an object',
      { properties: { at: { properties: { 'year ': { type: 'integer' } } } } },
      { 'year ': 'soon' },
      '/year  must be integer, got "soon"',
    ],
  ];
  test.each(cases)('%s', (_, type, value, issue) => {
    const [checker, name] = createFieldChecker(type);
    expect(checker.checkField(name, value)).toMatchObject({ state: 'invalid', value: null, issue });
  });

  test('the excerpt is short and has no control characters', () => {
    const [checker, name] = createFieldChecker('integer');
    const { issue, fault } = checker.checkField(name, `\u001b[31m\u202e\u009b2J${'x'.repeat(10_000)}`);
    expect(issue?.length).toBeLessThan(100);
    expect(issue).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(fault).toBe('must be integer');
  });

  test('a deeply nested value is rejected without overflowing the stack', () => {
    const [checker, name] = createFieldChecker({ properties: { f: true } });
    const deep = JSON.parse(`${'['.repeat(20_000)}1${']'.repeat(20_000)}`);
    expect(checker.checkField(name, deep)).toMatchObject({ state: 'invalid', issue: 'is nested too deeply' });
  });
});

describe('"nothing found" is not an error', () => {
  test.each([
    ['null where the schema requires text', { properties: { f: { type: 'string' } }, required: ['f'] }, null],
    ['blank text', 'string', ' \n'],
    ['blank text for a number', 'integer', ''],
    ['"N/A" for a number', 'integer', 'N/A'],
    ['"None" for text', 'string', 'None'],
    ['"unknown" for an enum', 'enum(a|b)', 'unknown'],
    ['"N/A" for a list', 'list(string)', 'N/A'],
    ['a list of blanks', 'list(string)', [null, '']],
    [
      'an object with only blank parts',
      { properties: { at: { type: 'object', properties: { city: {}, zip: {} } } } },
      { city: null, zip: { code: ' ' } },
    ],
  ] as const)('%s', (_, type, value) => {
    const [checker, name] = createFieldChecker(type);
    expect(checker.checkField(name, value)).toEqual({
      state: 'nothing',
      value: null,
      issue: null,
      fault: null,
    });
  });

  test('a phrase is given as the reason', () => {
    const [checker, name] = createFieldChecker('string');
    expect(checker.checkField(name, 'Not publicly available')).toEqual({
      state: 'nothing',
      value: null,
      issue: 'the agent answered "Not publicly available"',
      fault: null,
    });
  });

  test('an empty list is a valid result', () => {
    const [checker, name] = createFieldChecker('list(string)');
    expect(checker.checkField(name, [])).toMatchObject({ state: 'valid', value: [] });
  });

  test('errors are found behind any number of null parts', () => {
    const person = { type: 'object', properties: { mail: { type: 'string', format: 'email' } } };
    const [checker, name] = createFieldChecker({ properties: { at: { type: 'array', items: person } } });
    const people = [...Array.from({ length: 60 }, () => ({ mail: null })), { mail: 'jane at example' }];
    expect(checker.checkField(name, people)).toMatchObject({ state: 'invalid' });
  });

  test('a null part of an object keeps the other parts', () => {
    const address = {
      type: 'object',
      properties: { city: { type: 'string' }, zip: { type: 'string' } },
      required: ['city', 'zip'],
    };
    const [checker, name] = createFieldChecker({ properties: { at: address } });
    const verdict = checker.checkField(name, { city: 'Bern', zip: null });
    expect(verdict).toMatchObject({ state: 'valid', value: { city: 'Bern', zip: null }, issue: null });
  });
});

describe('rules about several fields', () => {
  const schema = {
    properties: { country: { type: 'string' }, state: { type: 'string' }, zip: { type: 'string' } },
    required: ['country', 'state', 'zip'],
    dependentRequired: { state: ['zip'] },
    if: { properties: { country: { const: 'US' } }, required: ['country'] },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: { properties: { zip: { pattern: '^[0-9]{5}$' } } },
  };
  const check = (values: Readonly<Record<string, JsonValue>>) => {
    const fields = Object.entries(values).map(([name, value]) => [name, { value, issue: null }] as const);
    return Object.fromEntries(createRowChecker(createTestAsk(schema)).checkTogether(new Map(fields)));
  };

  test('are noted on the field that breaks one', () => {
    expect(check({ country: 'US', state: 'CA', zip: 'X1' })).toEqual({
      zip: 'does not go with the other fields: must match pattern "^[0-9]{5}$"',
    });
    expect(check({ country: 'CH', state: 'BE', zip: 'X1' })).toEqual({});
  });

  test('are noted on every filled field if no field is named', () => {
    const note = 'does not go with the other fields: must have property zip when property state is present';
    expect(check({ country: 'CH', state: 'BE', zip: null })).toEqual({ country: note, state: note });
  });

  test('do not report a required field that was not found', () => {
    expect(check({ country: 'CH', state: null, zip: null })).toEqual({});
  });

  test('are skipped if only some fields were requested', () => {
    expect(check({ country: 'US', zip: 'X1' })).toEqual({});
  });
});

test('a schema with unresolvable dynamic references is checked as a whole', () => {
  const schema = {
    $id: 'https://example.com/strict',
    $dynamicAnchor: 'node',
    $ref: 'tree',
    properties: { n: true, kid: true },
    required: ['n'],
    unevaluatedProperties: false,
    $defs: {
      tree: {
        $id: 'tree',
        $dynamicAnchor: 'node',
        properties: { n: { type: 'integer' }, kid: { $dynamicRef: '#node' } },
      },
    },
  };
  const checker = createRowChecker(createTestAsk(schema));
  expect(checker.checkField('kid', { n: 1, kid: { n: '2' } })).toMatchObject({
    value: { n: 1, kid: { n: 2 } },
  });
  expect(checker.checkField('kid', { n: 1, kid: { n: 'x' } })).toMatchObject({ state: 'invalid' });
});

test('a value whose check times out is invalid, and other values of the field are still checked', () => {
  const [checker] = createFieldChecker({
    properties: { f: { pattern: '^(?=(a+)+b)' }, g: { type: 'string', pattern: '^(a+)+$' } },
  });
  expect(checker.checkField('f', 'a'.repeat(60))).toMatchObject({
    state: 'invalid',
    value: null,
    fault: 'takes too long to check',
  });
  // Each such value shortens the timeout of the next, so many of them end soon.
  for (let count = 0; count < 50; count += 1)
    expect(checker.checkField('f', `${'a'.repeat(60)}${count}`).state).toBe('invalid');
  expect(checker.checkField('f', 'aab').state).toBe('valid');
  expect(checker.checkField('g', `${'a'.repeat(60)}!`)).toMatchObject({ state: 'invalid' });
  expect(checker.checkField('g', 'a'.repeat(60)).state).toBe('valid');
});

test('a list of millions of wrong items reports the first', () => {
  const [checker] = createFieldChecker('list(string)');
  const verdict = checker.checkField('f', new Array(3_000_000).fill(1));
  expect(verdict).toMatchObject({ state: 'invalid', value: null });
  expect(verdict.fault).toBe('must be string');
});

test('every value that is kept is valid or only has extra nulls', () => {
  const types = [
    'string',
    'integer',
    'number',
    'boolean',
    'date',
    'url',
    'email',
    'phone',
    'enum(a|b)',
    'list(integer)',
  ];
  const schema = createSchema(types.map((type, index) => parseField(`f${index}:${type}`)));
  const checker = createRowChecker(createTestAsk(schema));
  const compiled = compileSchema(schema);
  fc.assert(
    fc.property(
      fc.nat(types.length - 1),
      fc.oneof(valueArbitrary, fc.jsonValue() as fc.Arbitrary<JsonValue>),
      (index, value) => {
        const verdict = checker.checkField(`f${index}`, value);
        expect(compiled.part(`/properties/f${index}`).validate(verdict.value)).toEqual([]);
        if (verdict.state !== 'valid') expect(verdict.value).toBeNull();
        if (compiled.part(`/properties/f${index}`).validate(value).length === 0 && typeof value !== 'string')
          expect(verdict.value).toEqual(value);
      },
    ),
    { numRuns: 2_000 },
  );
});

/** Creates a checker for one field, from a short type or a whole schema; also returns the field's name. */
function createFieldChecker(type: string | JsonObject): [RowChecker, string] {
  const schema = typeof type === 'string' ? createSchema([parseField(`f:${type}`)]) : type;
  const ask = createTestAsk(schema);
  return [createRowChecker(ask), ask.fields[0]?.name ?? ''];
}

describe('a value of the right kind that breaks another rule', () => {
  test.each<[JsonObject, JsonValue]>([
    [{ maximum: 3 }, 3.5],
    [{ minimum: 20 }, -3],
    [{ multipleOf: 2 }, 7],
    [{ allOf: [{ maximum: 30 }, { minimum: 20 }] }, 35],
    [{ type: ['integer', 'string'], minimum: 0 }, -1],
    [{ anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string' }] }, -1],
    [{ oneOf: [{ type: 'integer' }, { minimum: 2 }] }, 3],
    [{ if: { minimum: 0 }, else: { minimum: -10 } }, -100],
    [{ not: { type: 'integer' } }, 1],
    [{ maxLength: 2 }, 'foo'],
    [{ minLength: 2 }, 'f'],
    [{ contains: { minimum: 5 } }, [2, 3, 4]],
    [{ contains: false }, ['foo']],
    [{ maxProperties: 1 }, { a: 1, b: 2 }],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }],
    [{ allOf: [{ required: ['a'] }] }, { b: 1 }],
  ])('is not valid in another kind, to which the rule does not apply: %j, %j', (schema, value) => {
    const [checker, name] = createFieldChecker({ type: 'object', properties: { f: schema } });
    expect(checker.checkField(name, value)).toMatchObject({ state: 'invalid', value: null });
  });

  test.each<[JsonObject, JsonValue, JsonValue]>([
    [{ type: 'string', maxLength: 4 }, 35, '35'],
    [{ type: 'integer', minimum: 20 }, '35', 35],
    [{ type: ['array', 'null'], items: { type: 'string' } }, 'a', ['a']],
    [{ enum: [true, false] }, 1, true],
    [{ anyOf: [{ type: 'integer', minimum: 0 }, { type: 'null' }] }, '35', 35],
    [{ type: 'object', required: ['a'] }, [{ a: 1 }], { a: 1 }],
  ])('one of the wrong kind is still read: %j, %j as %j', (schema, value, read) => {
    const [checker, name] = createFieldChecker({ type: 'object', properties: { f: schema } });
    expect(checker.checkField(name, value)).toMatchObject({ state: 'valid', value: read });
  });
});
