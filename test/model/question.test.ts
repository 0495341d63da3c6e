import { expect, test } from 'vitest';
import { createAsk } from '../../src/model/ask.js';
import { createQuestion } from '../../src/model/question.js';
import { MAX_CELL_LENGTH, type Row } from '../../src/model/row.js';

const ASK = createAsk({
  query: 'q',
  system: null,
  schema: {},
  fields: [
    { name: 'ceo', schema: { type: 'string' } },
    { name: 'address', schema: { type: 'object' } },
  ],
  send: ['name', 'domain'],
  efforts: ['low'],
  escalateBelow: null,
});

function row(cells: Record<string, string>): Row {
  const names = Object.keys(cells);
  const columns = new Map(names.map((name, index) => [name, index]));
  return { kind: 'cells', ordinal: 0, line: 2, columns, cells: Object.values(cells) };
}

test('the record has only sent columns, cleaned, without blanks', () => {
  const question = createQuestion(row({ name: '  Acme\u0000\u202e ', domain: ' ', secret: 'x' }), ASK, false);
  expect(question).toMatchObject({
    status: 'question',
    record: { name: 'Acme' },
    fields: ['ceo', 'address'],
  });
});

test('rows with equal sent values are the same question, whatever else they contain', () => {
  const first = createQuestion(row({ name: 'Acme', domain: 'acme.com', note: 'a' }), ASK, false);
  const second = createQuestion(row({ domain: 'acme.com ', name: 'Acme' }), ASK, false);
  const third = createQuestion(row({ name: 'Acme', domain: 'acme.org' }), ASK, false);
  expect(first.status === 'question' && second.status === 'question' && first.key === second.key).toBe(true);
  expect(first.status === 'question' && third.status === 'question' && first.key === third.key).toBe(false);
});

test('skips filled fields; one blank dotted column makes an object unfilled', () => {
  const filled = { name: 'Acme', ceo: 'Ann' };
  expect(createQuestion(row(filled), ASK, false)).toMatchObject({ fields: ['address'] });
  const half = row({ ...filled, 'address.city': 'Ulm', 'address.country': '' });
  expect(createQuestion(half, ASK, false)).toMatchObject({ fields: ['address'] });
  const whole = row({ ...filled, 'address.city': 'Ulm', 'address.country': 'DE' });
  expect(createQuestion(whole, ASK, false)).toEqual({ status: 'unchanged' });
  expect(createQuestion(whole, ASK, true)).toMatchObject({ fields: ['ceo', 'address'] });
});

test('ignores a column that only starts like a field, and requires every part of an object', () => {
  const fields = [
    { name: 'company', schema: { type: ['string', 'null'] } },
    { name: 'hq', schema: { type: 'object', properties: { city: {}, zip: {} } } },
  ];
  const ask = createAsk({ ...ASK, fields, send: ['domain'] });
  const flat = row({ domain: 'acme.com', company: '', 'company.id': '17', 'hq.city': 'Ulm' });
  expect(createQuestion(flat, ask, false)).toMatchObject({ fields: ['company', 'hq'] });
  const whole = row({ domain: 'acme.com', company: 'Acme', 'hq.city': 'Ulm', 'hq.zip': '89073' });
  expect(createQuestion(whole, ask, false)).toEqual({ status: 'unchanged' });
});

test('a row without any sent value is not sent', () => {
  expect(createQuestion(row({ name: '', domain: '\t' }), ASK, false)).toEqual({
    status: 'invalid',
    reason: 'nothing to send: name, domain blank',
  });
});

test('shortens a long cell without splitting a character', () => {
  const question = createQuestion(
    row({ name: `${'x'.repeat(MAX_CELL_LENGTH - 1)}😀`, domain: '' }),
    ASK,
    false,
  );
  expect(question.status === 'question' && question.record.name).toBe('x'.repeat(MAX_CELL_LENGTH - 1));
});

test('a column named __proto__ is a column', () => {
  const ask = createAsk({ ...ASK, send: ['__proto__'] });
  const columns = new Map([['__proto__', 0]]);
  const question = createQuestion({ kind: 'cells', ordinal: 0, line: 2, columns, cells: ['v'] }, ask, false);
  expect(question.status === 'question' && Object.entries(question.record)).toEqual([['__proto__', 'v']]);
});
