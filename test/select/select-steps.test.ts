import { expect, test } from 'vitest';
import type { StoredAnswer } from '../../src/ledger/ledger.js';
import type { FieldAnswer } from '../../src/model/answer.js';
import { createAsk } from '../../src/model/ask.js';
import { createQuestion } from '../../src/model/question.js';
import type { CellRow } from '../../src/model/row.js';
import { InFlight } from '../../src/select/in-flight.js';
import { createQuestions, type SelectContext, selectRows } from '../../src/select/select-rows.js';

const COLUMNS = new Map([
  ['company', 0],
  ['ceo', 1],
  ['seat', 2],
]);
const ASK = createAsk({
  query: 'q',
  system: null,
  schema: { type: 'object', properties: { ceo: {}, seat: {} } },
  fields: [
    { name: 'ceo', schema: {} },
    { name: 'seat', schema: {} },
  ],
  send: ['company'],
  efforts: ['low', 'high'],
  escalateBelow: null,
});

function row(company: string, ceo = '', seat = ''): CellRow {
  return { kind: 'cells', ordinal: 0, line: 2, columns: COLUMNS, cells: [company, ceo, seat] };
}

function keyOf(company: string): string {
  const question = createQuestion(row(company), ASK, false);
  return question.status === 'question' ? question.key : '';
}

function field(value: string | null, triedEffort = 'low'): FieldAnswer {
  const rest = { confidence: null, citations: [], issue: null, runId: 'run_1', effort: 'low' };
  return { value, triedEffort, ...rest };
}

function stored(ceo: FieldAnswer, seat: FieldAnswer, parts: Partial<StoredAnswer> = {}): StoredAnswer {
  return {
    fields: new Map([
      ['ceo', ceo],
      ['seat', seat],
    ]),
    failure: null,
    failureInvocation: null,
    costMicros: 0,
    estimatedMicros: 0,
    runId: 'run_1',
    answeredJobId: 'j_1',
    answeredInvocation: 1,
    answeredAtMs: 1,
    ...parts,
  };
}

function createContext(parts: Partial<SelectContext>): SelectContext {
  return {
    ask: ASK,
    overwrite: false,
    isWanted: () => true,
    isExcluded: () => false,
    keepFresh: ({ fields }) => fields,
    isFromThisInvocation: () => false,
    failedThisInvocation: (each) => each.failure !== null,
    ...parts,
  };
}

function select(
  rows: readonly CellRow[],
  answer: StoredAnswer | null,
  parts: Partial<SelectContext> = {},
  inFlight = new InFlight(),
) {
  const context = createContext(parts);
  const answers = new Map(answer === null ? [] : [[keyOf('A'), answer]]);
  const found = { answers, elsewhere: new Set<string>(), seen: 0 };
  return selectRows(createQuestions(rows, context), found, inFlight.openLook([keyOf('A')]), context);
}

function selectOne(answer: StoredAnswer | null, parts: Partial<SelectContext> = {}, one = row('A')) {
  const [selection] = select([one], answer, parts);
  if (selection?.status !== 'ask') return selection?.status;
  return selection.questions.map(({ fields, level }) => [...fields, level]);
}

test('only the fields that the ledger lacks are sent, each at its own effort level', () => {
  expect(selectOne(null)).toEqual([['ceo', 'seat', 0]]);
  expect(selectOne(stored(field('x'), field(null)))).toEqual([['seat', 1]]);
  expect(selectOne(stored(field('x'), field(null, 'high')))).toBe('reused');
  expect(selectOne(stored(field('x'), field('y')), { keepFresh: () => new Map() })).toEqual([
    ['ceo', 'seat', 0],
  ]);
  expect(selectOne(null, {}, row('A', 'known'))).toEqual([['seat', 0]]);
});

test('rows that are not sent have a reason', () => {
  expect(selectOne(null, {}, row('A', 'x', 'y'))).toBe('unchanged');
  expect(selectOne(null, {}, row(' '))).toBe('invalid');
  expect(selectOne(null, { isWanted: () => false })).toBe('out_of_scope');
  expect(selectOne(null, { isExcluded: () => true })).toBe('excluded');
  expect(selectOne(stored(field('x'), field('y')), { isFromThisInvocation: () => true })).toBe('duplicate');
});

test('a row that failed in this invocation is not sent again, and is not called failed if it has everything', () => {
  expect(selectOne(stored(field(null), field('y'), { failure: 'no' }))).toBe('failed');
  expect(selectOne(stored(field(null), field('y'), { failure: 'no' }), {}, row('A', 'known'))).toBe('reused');
});

test('the first of equal rows is sent; a later one only for fields that the first already had', () => {
  const rows = [row('A', 'known'), row('A'), row('A'), row('B')];
  const selections = select(rows, null);
  expect(
    selections.map((each) =>
      each.status === 'ask' ? each.questions.map(({ fields }) => fields) : each.status,
    ),
  ).toEqual([[['seat']], [['ceo']], 'duplicate', [['ceo', 'seat']]]);
});

test('the first row that an earlier process sent waits for its answer; the next is a duplicate', () => {
  const inFlight = new InFlight();
  inFlight.inherit(keyOf('A'), ['ceo', 'seat']);
  const selections = select([row('A'), row('A')], null, {}, inFlight);
  expect(selections.map(({ status }) => status)).toEqual(['in_progress', 'duplicate']);
});
