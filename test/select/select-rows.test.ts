import { expect, test } from 'vitest';
import type { StoredAnswer } from '../../src/ledger/records.js';
import { createAsk } from '../../src/model/ask.js';
import { createQuestion } from '../../src/model/question.js';
import type { CellRow } from '../../src/model/row.js';
import { InFlight, type SelectContext, selectRows } from '../../src/select/select-rows.js';
import { createAnswer } from '../helpers/rows.js';

const ASK = createAsk({
  query: 'Who?',
  system: null,
  schema: { type: 'object', properties: { answer: { type: 'string' } } },
  fields: [{ name: 'answer', schema: { type: 'string' } }],
  send: ['company'],
  efforts: ['low'],
  escalateBelow: null,
});
const KEY = readKey(createRow(0));
const FIELDS = ['answer'];

test('the first row that an earlier process sent is not a duplicate; the next equal one is', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  expect(select({ inFlight })).toEqual(['in_progress', 'duplicate']);
});

test('the first row of an earlier process is not a duplicate either if its run has already ended', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  inFlight.remove(KEY, FIELDS);
  const stored = createStored({ fields: new Map([['answer', createAnswer('Acme')]]) });
  expect(select({ inFlight, findAnswers: () => new Map([[KEY, stored]]) })).toEqual([
    'in_progress',
    'duplicate',
  ]);
});

test('the same if that run has failed the row', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  inFlight.remove(KEY, FIELDS);
  const stored = createStored({ failure: 'never answered', failureInvocation: 2 });
  expect(select({ inFlight, findAnswers: () => new Map([[KEY, stored]]) })).toEqual([
    'in_progress',
    'failed',
  ]);
});

/** Selects two equal rows, in the second invocation of a job. */
function select(context: Partial<SelectContext>): string[] {
  const rows = [createRow(0), createRow(1)];
  const selections = selectRows(rows, {
    ask: ASK,
    overwrite: false,
    inFlight: new InFlight(),
    isWanted: () => true,
    isExcluded: () => false,
    findAnswers: () => new Map(),
    isStale: () => false,
    isFromThisInvocation: () => true,
    failedThisInvocation: (stored) => stored.failureInvocation === 2,
    ...context,
  });
  return selections.map(({ status }) => status);
}

function createRow(ordinal: number): CellRow {
  return {
    kind: 'cells',
    ordinal,
    line: ordinal + 2,
    columns: new Map([['company', 0]]),
    cells: ['Acme'],
  };
}

function readKey(row: CellRow): string {
  const question = createQuestion(row, ASK, false);
  if (question.status !== 'question') throw new Error('the row asks something');
  return question.key;
}

function createStored(parts: Partial<StoredAnswer>): StoredAnswer {
  return {
    fields: new Map(),
    failure: null,
    failureInvocation: null,
    costMicros: 0,
    estimatedMicros: 0,
    runId: 'agent_run_1',
    answeredJobId: 'j_1',
    answeredInvocation: 2,
    answeredAtMs: 1_000,
    ...parts,
  };
}
