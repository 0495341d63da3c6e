import { expect, test } from 'vitest';
import { createBlanks, DEFAULT_BLANKS } from '../../src/model/blank.js';
import { parseField } from '../../src/model/field.js';

const PLACEHOLDERS = [
  ...['N/A', 'n/a', '#N/A', '#REF!', '#VALUE!', 'NULL', 'null', '\\N', '(blank)', '?'],
  ...['-', '--', '—', '–', '‑', '−', '- -', ' N/A ', '\u200bn/a\ufeff', '\u00a0-\u00a0'],
];
const EMPTY = ['', ' \t\n', '\u00a0', '\u3000', '\u200b\u2060', '\u00ad', '\u2800', '\u3164', '\u0000'];
const VALUES = [
  ...[
    'Acme',
    'N',
    'na.example',
    'Null & Co',
    'Null',
    '-1',
    '?!',
    'A-1',
    '0',
    'no',
    'N/A Records',
    '#1',
    'dash-',
  ],
  ...['\\n', 'blank', '#DIV', '☐', `- ${'x'.repeat(100)}`],
];
const WEAK = ['NA', 'na', 'None', 'nil', 'unknown', 'Unknown'];

test.each([...PLACEHOLDERS, ...EMPTY])('%j is blank in any column', (text) => {
  expect(DEFAULT_BLANKS.isBlank(text)).toBe(true);
  expect(DEFAULT_BLANKS.isUnfilled('any', text)).toBe(true);
});

test.each(VALUES)('%j is a value', (text) => {
  expect(DEFAULT_BLANKS.isBlank(text)).toBe(false);
  expect(DEFAULT_BLANKS.isUnfilled('any', text)).toBe(false);
});

test.each(WEAK)('%j is blank only in a column to fill', (text) => {
  expect(DEFAULT_BLANKS.isBlank(text)).toBe(false);
  expect(DEFAULT_BLANKS.isUnfilled('any', text)).toBe(true);
});

test('numbers and booleans are values; lists and objects of blanks are blank', () => {
  expect([0, false, ['x'], { a: 0 }].map(DEFAULT_BLANKS.isBlank)).toEqual([false, false, false, false]);
  expect([null, undefined, [], {}, ['N/A', null], { a: { b: '' } }].map(DEFAULT_BLANKS.isBlank)).toEqual(
    Array.from({ length: 6 }, () => true),
  );
  expect(DEFAULT_BLANKS.isUnfilled('offices', [])).toBe(false);
});

test('an enum member is a value of its field, wherever the enum is', () => {
  const schema = { $defs: { yes: { enum: ['n/a', 'yes'] } } };
  const nested = { type: 'object', properties: { code: { anyOf: [{ const: 'None' }, { type: 'null' }] } } };
  const fields = [
    parseField('region:enum(NA|EU|unknown)'),
    { name: 'ok', schema: { $ref: '#/$defs/yes' } },
    { name: 'plan', schema: nested },
  ];
  const blanks = createBlanks({ fields, schema });
  expect(['NA', 'unknown', 'na', 'N/A'].map((text) => blanks.isUnfilled('region', text))).toEqual([
    ...[false, false, true, true],
  ]);
  expect(blanks.isUnfilled('ok', 'n/a')).toBe(false);
  expect(blanks.isUnfilled('plan.code', 'None')).toBe(false);
  expect(blanks.isUnfilled('other', 'None')).toBe(true);
});

test('blank words replace the built-in list; +word adds to it', () => {
  const replaced = createBlanks({ words: ['tbd', '-'] });
  expect(['tbd', '-', '', ' '].map(replaced.isBlank)).toEqual([true, true, true, true]);
  expect(['N/A', '--', 'TBD'].map(replaced.isBlank)).toEqual([false, false, false]);
  expect(replaced.isUnfilled('any', 'unknown')).toBe(false);
  const added = createBlanks({ words: ['+tbd', '+Acme'] });
  expect(['tbd', 'Acme', 'N/A', 'Bolt'].map(added.isBlank)).toEqual([true, true, true, false]);
  expect(added.isUnfilled('any', 'unknown')).toBe(true);
});
