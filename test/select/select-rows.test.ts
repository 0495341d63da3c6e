import { expect, test } from 'vitest';
import type { StoredAnswer } from '../../src/ledger/ledger.js';
import { createAsk } from '../../src/model/ask.js';
import { createQuestion } from '../../src/model/question.js';
import type { CellRow } from '../../src/model/row.js';
import { InFlight } from '../../src/select/in-flight.js';
import { createQuestions, type SelectContext, selectRows } from '../../src/select/select-rows.js';
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
  expect(select(inFlight)).toEqual(['in_progress', 'duplicate']);
});

test('the first row of an earlier process is not a duplicate either if its run has already ended', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  inFlight.remove(KEY, FIELDS);
  const stored = createStored({ fields: new Map([['answer', createAnswer('Acme')]]) });
  expect(select(inFlight, stored)).toEqual(['in_progress', 'duplicate']);
});

test('the same if that run has failed the row', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  inFlight.remove(KEY, FIELDS);
  const stored = createStored({ failure: 'never answered', failureInvocation: 2 });
  expect(select(inFlight, stored)).toEqual(['in_progress', 'failed']);
});

/** Selects two equal rows, in the second invocation of a job. */
function select(inFlight: InFlight, stored?: StoredAnswer): string[] {
  return selectWhile(inFlight, () => stored);
}

/** The same; `work` runs while the ledger is read, and returns what the ledger knew before. */
function selectWhile(inFlight: InFlight, work: () => StoredAnswer | undefined): string[] {
  const questions = createQuestions([createRow(0), createRow(1)], CONTEXT);
  const look = inFlight.openLook([KEY]);
  const stored = work();
  const answers = new Map(stored === undefined ? [] : [[KEY, stored]]);
  const selections = selectRows(questions, { answers, elsewhere: new Set(), seen: 7 }, look, CONTEXT);
  look.close();
  return selections.map(({ status }) => status);
}

const CONTEXT: SelectContext = {
  ask: ASK,
  overwrite: false,
  isWanted: () => true,
  isExcluded: () => false,
  keepFresh: ({ fields }) => fields,
  isFromThisInvocation: () => true,
  failedThisInvocation: (stored) => stored.failureInvocation === 2,
};

test('a row whose run was settled while the ledger was read is a duplicate and is not sent again', () => {
  const inFlight = new InFlight();
  inFlight.add(KEY, FIELDS);
  const selected = selectWhile(inFlight, () => {
    inFlight.remove(KEY, FIELDS);
    return undefined;
  });
  expect(selected).toEqual(['duplicate', 'duplicate']);
  expect(inFlight.holds(KEY)).toBe(false);
  // A later look reads the answer from the ledger, so nothing is remembered.
  expect(select(inFlight)).toEqual(['ask', 'duplicate']);
});

test('a row claims the run of an earlier process before the ledger is read, so that repairs are kept', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  const selected = selectWhile(inFlight, () => {
    expect(inFlight.isUnclaimed(KEY)).toBe(false);
    return undefined;
  });
  expect(selected).toEqual(['in_progress', 'duplicate']);
  expect(inFlight.isUnclaimed(KEY)).toBe(false);
});

test('a row whose inherited run ended without it before the row was read is retried, not asked as if for the first time', () => {
  const inFlight = new InFlight();
  inFlight.inherit(KEY, FIELDS);
  inFlight.remove(KEY, FIELDS);
  const lost = { key: KEY, record: { company: 'Acme' }, fields: FIELDS, level: 0, seen: 3 };
  inFlight.keepRetry({ ...lost, attempt: 3, fault: 'no entry came back for it' });
  const found = { answers: new Map(), elsewhere: new Set<string>(), seen: 7 };
  const ask = () =>
    selectRows(createQuestions([createRow(0)], CONTEXT), found, inFlight.openLook([KEY]), CONTEXT);
  expect(ask()).toMatchObject([
    { questions: [{ attempt: 3, fault: 'no entry came back for it', seen: 7, level: 0 }] },
  ]);
  inFlight.remove(KEY, FIELDS);
  expect(ask()).toMatchObject([{ questions: [{ attempt: 1, fault: null }] }]);
  inFlight.remove(KEY, FIELDS);
  inFlight.keepRetry({ ...lost, level: 1, attempt: 3, fault: null });
  expect(ask()).toMatchObject([{ questions: [{ attempt: 1, level: 0 }] }]);
});

test('a key that no row of the chunk uses stays unclaimed', () => {
  const inFlight = new InFlight();
  inFlight.inherit('former key', FIELDS);
  inFlight.openLook(['former key']).close();
  expect(inFlight.isUnclaimed('former key')).toBe(true);
});

test('a question carries the change of the ledger at which its key was looked up', () => {
  const questions = createQuestions([createRow(0)], CONTEXT);
  const found = { answers: new Map(), elsewhere: new Set<string>(), seen: 7 };
  expect(selectRows(questions, found, new InFlight().openLook([KEY]), CONTEXT)).toMatchObject([
    { status: 'ask', questions: [{ key: KEY, seen: 7 }] },
  ]);
});

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
