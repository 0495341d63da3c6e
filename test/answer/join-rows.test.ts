import { expect, test } from 'vitest';
import { type JoinContext, joinRows } from '../../src/answer/join-rows.js';
import type { StoredAnswer } from '../../src/ledger/ledger.js';
import type { FieldAnswer } from '../../src/model/answer.js';
import { createAsk } from '../../src/model/ask.js';
import type { JsonValue } from '../../src/model/json.js';
import { createQuestion } from '../../src/model/question.js';
import type { CellRow } from '../../src/model/row.js';
import { NO_EXCLUSION } from '../../src/select/select-rows.js';

const COLUMNS = new Map([
  ['company', 0],
  ['ceo', 1],
  ['seat', 2],
]);
const FIELDS = ['ceo', 'seat'].map((name) => ({ name, schema: { type: 'string' } }));

function ask(efforts: readonly string[] = ['low']) {
  const schema = { type: 'object', properties: { ceo: { type: 'string' }, seat: { type: 'string' } } };
  return createAsk({
    query: 'q',
    system: null,
    schema,
    fields: FIELDS,
    send: ['company'],
    efforts,
    escalateBelow: null,
  });
}

function row(ordinal: number, ...cells: readonly string[]): CellRow {
  return {
    kind: 'cells',
    ordinal,
    line: ordinal + 2,
    columns: COLUMNS,
    cells: [cells[0] ?? '', cells[1] ?? '', cells[2] ?? ''],
  };
}

function field(value: JsonValue, parts: Partial<FieldAnswer> = {}): FieldAnswer {
  return {
    value,
    confidence: null,
    citations: [],
    issue: null,
    runId: 'run_1',
    effort: 'low',
    triedEffort: 'low',
    ...parts,
  };
}

function stored(
  fields: Readonly<Record<string, FieldAnswer>>,
  parts: Partial<StoredAnswer> = {},
): StoredAnswer {
  return {
    fields: new Map(Object.entries(fields)),
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

interface Case {
  readonly answers?: Readonly<Record<string, StoredAnswer>>;
  readonly efforts?: readonly string[];
  readonly context?: Partial<JoinContext>;
}

/** Joins rows with the answers for their companies. */
function join(rows: readonly CellRow[], { answers = {}, efforts, context = {} }: Case) {
  const theAsk = ask(efforts);
  const byKey = new Map(
    Object.entries(answers).map(([company, answer]) => {
      const question = createQuestion(row(0, company), theAsk, false);
      return [question.status === 'question' ? question.key : '', answer] as const;
    }),
  );
  const met = new Set<string>();
  const questions = rows.map((each) => createQuestion(each, theAsk, false));
  return joinRows(rows, questions, byKey, {
    ask: theAsk,
    raw: false,
    unasked: 'pending',
    isWanted: () => true,
    exclusion: NO_EXCLUSION,
    exclusionName: 'customers.csv',
    claimKey: (key) => !met.has(key) && met.add(key) !== undefined,
    ...context,
  }).map(({ outcome }) => outcome);
}

const cases: readonly [string, Case, { status: string; error: string | null }][] = [
  [
    'every requested field has a value',
    { answers: { A: stored({ ceo: field('x'), seat: field('y') }) } },
    { status: 'enriched', error: null },
  ],
  [
    'a field was not found',
    { answers: { A: stored({ ceo: field('x'), seat: field(null) }) } },
    { status: 'partial', error: null },
  ],
  [
    'a field was not valid',
    { answers: { A: stored({ ceo: field('x'), seat: field(null, { issue: 'must be string, got 3' }) }) } },
    { status: 'partial', error: 'seat: must be string, got 3' },
  ],
  [
    'nothing was found, for one reason',
    { answers: { A: stored({ ceo: field(null, { issue: 'two' }), seat: field(null, { issue: 'two' }) }) } },
    { status: 'not_found', error: 'ceo, seat: two' },
  ],
  [
    'its values break a rule across fields',
    {
      answers: {
        A: stored({
          ceo: field('x', { issue: 'does not go with the other fields: no' }),
          seat: field('y', { issue: 'read "Y" as "y"' }),
        }),
      },
    },
    { status: 'enriched', error: 'ceo: does not go with the other fields: no' },
  ],
  [
    'nothing was found',
    { answers: { A: stored({ ceo: field(null), seat: field(null) }) } },
    { status: 'not_found', error: null },
  ],
  [
    'nothing was found and a higher effort is left',
    { answers: { A: stored({ ceo: field(null), seat: field(null) }) }, efforts: ['low', 'high'] },
    { status: 'pending', error: null },
  ],
  [
    'nothing was found and the cap cannot cover a higher effort',
    {
      answers: { A: stored({ ceo: field(null), seat: field(null) }) },
      efforts: ['low', 'high'],
      context: { unasked: 'over_budget' },
    },
    { status: 'over_budget', error: null },
  ],
  [
    'some fields were found and the cap cannot cover the rest',
    {
      answers: { A: stored({ ceo: field('x'), seat: field(null) }) },
      efforts: ['low', 'high'],
      context: { unasked: 'over_budget' },
    },
    { status: 'partial', error: 'seat: not requested yet, budget reached' },
  ],
  [
    'some fields were found and one was never requested',
    { answers: { A: stored({ ceo: field('x') }) } },
    { status: 'partial', error: 'seat: not requested yet' },
  ],
  [
    'the row failed',
    { answers: { A: stored({}, { failure: 'no entry came back for it' }) } },
    { status: 'failed', error: 'no entry came back for it' },
  ],
  [
    'some fields were found and the next run failed',
    {
      answers: { A: stored({ ceo: field('x'), seat: field(null) }, { failure: 'the run ended as failed' }) },
      efforts: ['low', 'high'],
    },
    { status: 'partial', error: 'the run ended as failed' },
  ],
  [
    'nothing was found and the next run failed',
    {
      answers: { A: stored({ ceo: field(null), seat: field(null) }, { failure: 'the run ended as failed' }) },
      efforts: ['low', 'high'],
    },
    { status: 'failed', error: 'the run ended as failed' },
  ],
  [
    'a row with the same key failed and this one got its answer',
    { answers: { A: stored({ ceo: field(null), seat: field(null) }, { failure: 'something else' }) } },
    { status: 'not_found', error: 'something else' },
  ],
  ['it was not sent', {}, { status: 'pending', error: null }],
  [
    'it was not sent because the cap was reached',
    { context: { unasked: 'over_budget' } },
    { status: 'over_budget', error: null },
  ],
  [
    'it was not sent because it is beyond the limit',
    { context: { unasked: 'over_budget', isWanted: () => false } },
    { status: 'pending', error: null },
  ],
  [
    'it is on the exclusion list, even if answered',
    {
      answers: { A: stored({ ceo: field('x'), seat: field('y') }) },
      context: { exclusion: { ...NO_EXCLUSION, findMatch: () => ({ line: 7, unit: 'line' }) } },
    },
    { status: 'excluded', error: 'excluded by customers.csv, line 7' },
  ],
];

for (const [name, parts, expected] of cases) {
  test(`a row is ${expected.status} if ${name}`, () => {
    expect(join([row(0, 'A')], parts)).toMatchObject([expected]);
  });
}

test('a row that lacks one field gets its status from that field only', () => {
  const answers = { A: stored({ ceo: field(null), seat: field('y') }) };
  const outcomes = join([row(0, 'A', 'known', ''), row(1, 'A', '', 'known'), row(2, 'A', 'a', 'b')], {
    answers,
  });
  expect(outcomes.map(({ status }) => status)).toEqual(['enriched', 'not_found', 'unchanged']);
  expect(outcomes.map(({ fields }) => [...fields.keys()])).toEqual([['seat'], ['ceo'], []]);
});

test('a row without anything to send fails with a reason', () => {
  expect(join([row(0, ' ')], {})).toMatchObject([
    { status: 'failed', error: 'nothing to send: company blank', costMicros: 0 },
  ]);
});

test('the first of equal rows gets the cost, even if its answer failed', () => {
  const answers = {
    A: stored({ ceo: field('x'), seat: field('y') }, { costMicros: 25 }),
    B: stored({}, { costMicros: 7, failure: 'no' }),
  };
  const outcomes = join([row(0, 'A'), row(1, 'B'), row(2, 'A'), row(3, 'B'), row(4, 'C')], { answers });
  expect(outcomes.map(({ costMicros }) => costMicros)).toEqual([25, 7, 0, 0, 0]);
});

test('a row that needs nothing more leaves its cost to an equal row that does', () => {
  const answers = { A: stored({ ceo: field('x'), seat: field('y') }, { costMicros: 25 }) };
  const outcomes = join([row(0, 'A', 'known', 'known'), row(1, 'A')], { answers });
  expect(outcomes.map(({ costMicros }) => costMicros)).toEqual([0, 25]);
});

test('a row that is not data is skipped with its reason, even if it is on the exclusion list', () => {
  const dashes = { ...row(0, '---', '---'), skip: 'a line of dashes' };
  const outcomes = join([dashes], {
    context: { exclusion: { ...NO_EXCLUSION, findMatch: () => ({ line: 3, unit: 'line' }) } },
  });
  expect(outcomes).toMatchObject([{ status: 'skipped', error: 'a line of dashes', costMicros: 0 }]);
});
