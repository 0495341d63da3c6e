import { sep } from 'node:path';
import type { StoredAnswer } from '../ledger/ledger.js';
import {
  describeExcluded,
  type ExclusionPlace,
  type FieldAnswer,
  type FilledRow,
  isDoubtful,
  type RowOutcome,
  type RowStatus,
  UNFIT,
} from '../model/answer.js';
import { type Ask, isEmbedded, listNextSteps } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { createFieldColumns, type FieldColumns } from '../model/output-columns.js';
import {
  listFormulaFields,
  type Question,
  type ReturnedCells,
  type RowQuestion,
  resolveKey,
} from '../model/question.js';
import { getValue, type Row } from '../model/row.js';
import { isSameCell } from '../model/same-value.js';
import { type AnswerRules, cleanAnswer, cleanLine } from '../model/untrusted-text.js';
import type { AnswerExclusion } from './check-run.js';

/** An exclusion list, which applies to rows or to answers. */
type RowExclusion = AnswerExclusion & { findMatch(row: Row): ExclusionPlace | null };

export interface JoinContext {
  readonly ask: Ask;
  /** Status of a row without an answer. */
  readonly unasked: 'over_budget' | 'pending';
  /** False for a row beyond `--limit` or outside `--sample`: it is pending, whatever the cap. */
  isWanted(row: Row): boolean;
  readonly exclusion: RowExclusion;
  /** Name of the exclusion file in messages. */
  readonly exclusionName: string;
  /** True to keep values exactly as the agent returned them, including control characters. */
  readonly raw: boolean;
  /** Set for a filled file that was returned. */
  readonly returned?: ReturnedCells | null;
  /** Which cells are blank. Without it, no cells of the row are compared. */
  readonly blanks?: Pick<Blanks, 'isUnfilled'>;
  /** True if values of the row are replaced. */
  readonly overwrite?: boolean;
  /** True the first time a key is seen in this reading: a duplicate costs nothing. */
  claimKey(key: string): boolean;
}

const MAX_ERROR_LENGTH = 8_000;

const NO_FIELDS: ReadonlyMap<string, FieldAnswer> = new Map();

/** Joins each row of a chunk, by its question, with its stored answer: exactly one outcome per row. */
export function joinRows(
  rows: readonly Row[],
  questions: readonly RowQuestion[],
  answers: ReadonlyMap<string, StoredAnswer>,
  context: JoinContext,
): FilledRow[] {
  const findFields = (key: string) => answers.get(key)?.fields;
  const rules = { raw: context.raw, isEmbedded: isEmbedded(context.ask) };
  return rows.map((row, index) => {
    const question = questions[index];
    if (question === undefined) throw new RangeError('a row has a question');
    const key = question.status === 'question' ? resolveKey(question, findFields) : '';
    const stored = answers.get(key);
    const outcome = createOutcome(row, question, stored, rules, context);
    const isFree = stored === undefined || stored.costMicros === 0 || !context.claimKey(key);
    const paid = isFree ? outcome : addCost(outcome, stored);
    return { row, outcome: addReturned(row, paid, question, stored, context) };
  });
}

/** Adds what a returned file has of the row already, and the values that a person rejected. */
function addReturned(
  row: Row,
  outcome: RowOutcome,
  question: RowQuestion,
  stored: StoredAnswer | undefined,
  { ask, returned = null }: JoinContext,
): RowOutcome {
  const rejected = question.status === 'question' ? stored?.rejected : undefined;
  const known = rejected === undefined ? outcome : { ...outcome, rejected };
  if (returned === null || row.kind === 'faulty') return known;
  const open = question.status === 'question' ? question.fields : [];
  const names = open.filter((name) => returned.fields.has(name));
  // The sources beside a formula of the user are those of an answer that was there before.
  const formulas = listFormulaFields(row, ask, returned);
  const kept = ask.fields.flatMap(({ name }) => {
    if (!returned.fields.has(name) || open.includes(name)) return [];
    const reason = formulas.includes(name) ? 'blank' : returned.findKept(row, name);
    return reason === null ? [] : [[name, reason] as const];
  });
  const cleared = kept.flatMap(([name]) => (returned.findKept(row, name) === 'blank' ? [name] : []));
  return {
    ...known,
    ...(cleared.length === 0 ? {} : describeCleared(known, cleared, ask)),
    runId: addRuns(outcome.runId, returned.listKeptRuns(row)),
    ...(names.length === 0 ? {} : { returned: names }),
    ...(kept.length === 0 ? {} : { kept: new Map(kept) }),
  };
}

/** A row with cells that stay cleared is not complete. */
function describeCleared(
  { status, error }: RowOutcome,
  cleared: readonly string[],
  { fields }: Ask,
): Partial<Pick<RowOutcome, 'status' | 'error'>> {
  if (status !== 'enriched' && status !== 'unchanged') return {};
  const reason = `${cleared.join(', ')}: cleared, not requested again`;
  return {
    status: cleared.length === fields.length ? 'not_found' : 'partial',
    error: error === null ? reason : `${error}; ${reason}`,
  };
}

function addRuns(runId: string | null, others: readonly string[]): string | null {
  if (others.length === 0) return runId;
  return [...new Set([...(runId?.split(' ') ?? []), ...others])].join(' ');
}

/** The first of several equal rows gets their cost. */
function addCost(outcome: RowOutcome, { costMicros, estimatedMicros }: StoredAnswer): RowOutcome {
  return { ...outcome, costMicros, isCostEstimated: estimatedMicros > 0 };
}

const FREE = { costMicros: 0, isCostEstimated: false } as const;

function createOutcome(
  row: Row,
  question: RowQuestion,
  stored: StoredAnswer | undefined,
  rules: AnswerRules,
  context: JoinContext,
): RowOutcome {
  if (question.status === 'skipped') return createBareOutcome('skipped', question.reason);
  const exclusion = context.exclusion.findMatch(row);
  if (exclusion !== null) {
    // With `/` on Windows too, so that the same list gives the same bytes everywhere.
    const name = context.exclusionName.replaceAll(sep, '/');
    const error = `excluded by ${name}, ${exclusion.unit} ${exclusion.line}`;
    return { ...createBareOutcome('excluded', error), ...findHumanFields(question, stored, rules, context) };
  }
  switch (question.status) {
    case 'unchanged':
      return createBareOutcome('unchanged', null);
    case 'invalid':
      return { ...createBareOutcome('failed', question.reason), failure: 'unsendable' };
    case 'question':
      return stored === undefined
        ? createBareOutcome(resolveUnasked(row, context), null)
        : createAnsweredOutcome(row, question, stored, rules, context);
  }
}

/** What persons gave in a row that is left out: it stays in a file that was returned. */
function findHumanFields(
  question: RowQuestion,
  stored: StoredAnswer | undefined,
  rules: AnswerRules,
  { returned = null }: JoinContext,
): Partial<Pick<RowOutcome, 'fields'>> {
  if (returned === null || stored === undefined || question.status !== 'question') return {};
  const names = question.fields.filter((name) => stored.fields.get(name)?.who === 'human');
  return names.length === 0 ? {} : { fields: cleanFields(names, stored.fields, rules) };
}

function resolveUnasked(row: Row, context: JoinContext): Unasked {
  return context.isWanted(row) ? context.unasked : 'pending';
}

type Unasked = JoinContext['unasked'];

function createAnsweredOutcome(
  row: Row,
  { fields: asked, record }: Pick<Question, 'fields' | 'record'>,
  stored: StoredAnswer,
  rules: AnswerRules,
  context: JoinContext,
): RowOutcome {
  const { ask, exclusion } = context;
  const unasked = resolveUnasked(row, context);
  const known = withholdOthers(row, cleanFields(asked, stored.fields, rules), context);
  const fields = exclusion.answerFields.length === 0 ? known : withholdExcluded(known, record, exclusion);
  let found = 0;
  let hasIssues = false;
  for (const { value, issue } of fields.values()) {
    if (value !== null) found += 1;
    if (issue !== null) hasIssues = true;
  }
  const open =
    found === asked.length
      ? []
      : listNextSteps(ask, asked, stored.fields).flatMap(({ fields: names }) => names);
  const status = resolveStatus(found, asked.length, open.length > 0, stored.failure !== null, unasked);
  const reasons = [
    ...(stored.failure === null ? [] : [stored.failure]),
    ...(hasIssues ? describeHoles(fields) : []),
    ...(status === 'partial' && stored.failure === null && open.length > 0
      ? [`${open.join(', ')}: not requested yet${unasked === 'over_budget' ? ', budget reached' : ''}`]
      : []),
  ];
  return {
    status,
    ...(status === 'failed' && stored.failure?.startsWith(UNFIT) === true
      ? { failure: 'unfit' as const }
      : {}),
    error: reasons.length === 0 ? null : cleanLine(reasons.join('; '), MAX_ERROR_LENGTH),
    ...FREE,
    ...describeRuns(fields, stored.runId),
    fields,
  };
}

/** Withholds an answer that was bought without this list. What a person gave stays. */
function withholdExcluded(
  fields: ReadonlyMap<string, FieldAnswer>,
  record: JsonObject,
  exclusion: AnswerExclusion,
): ReadonlyMap<string, FieldAnswer> {
  const values: Record<string, JsonValue> = Object.create(null);
  for (const [name, { value }] of fields) values[name] = value;
  const match = exclusion.findExcludedAnswer(record, values);
  if (match === null) return fields;
  const withheld = new Map(fields);
  for (const name of exclusion.answerFields) {
    const answer = fields.get(name);
    if (answer !== undefined && answer.who !== 'human')
      withheld.set(name, withholdAnswer(answer, describeExcluded(match)));
  }
  return withheld;
}

function withholdAnswer(answer: FieldAnswer, issue: string): FieldAnswer {
  return { ...answer, value: null, confidence: null, citations: [], issue };
}

const OTHER_PARTS = 'its answer differs from the parts that the row has';

/**
 * Withholds objects of which the row has other parts of its own: the rest would be that of something else. In a returned
 * file, the cells are answers.
 */
function withholdOthers(
  row: Row,
  fields: ReadonlyMap<string, FieldAnswer>,
  { ask, blanks, overwrite = false, returned = null }: JoinContext,
): ReadonlyMap<string, FieldAnswer> {
  if (blanks === undefined || overwrite || row.kind !== 'cells') return fields;
  const others = listSpreadFields(ask).filter(({ name, values }) => {
    const answer = fields.get(name);
    if (answer === undefined || answer.value === null || returned?.fields.has(name) === true) return false;
    return values.some(({ title, path, schema }) => {
      const cell = getValue(row, title);
      if (blanks.isUnfilled(title, cell)) return false;
      const part = path.reduce<JsonValue | undefined>(
        (inner, key) => (isJsonObject(inner) ? getOwn(inner, key) : undefined),
        answer.value,
      );
      return !isSameCell(cell, part, schema);
    });
  });
  if (others.length === 0) return fields;
  const withheld = new Map(fields);
  for (const { name } of others) {
    const answer = fields.get(name);
    if (answer !== undefined) withheld.set(name, withholdAnswer(answer, OTHER_PARTS));
  }
  return withheld;
}

const spreadByAsk = new WeakMap<Ask, readonly FieldColumns[]>();

/** The fields of an ask that have several columns. */
function listSpreadFields(ask: Ask): readonly FieldColumns[] {
  const known = spreadByAsk.get(ask);
  if (known !== undefined) return known;
  const found = createFieldColumns(ask.fields, ask.schema).filter(({ values }) => values.length > 1);
  spreadByAsk.set(ask, found);
  return found;
}

/** Ids of the runs that answered these fields, newest first, and when the newest did. */
function describeRuns(
  fields: ReadonlyMap<string, FieldAnswer>,
  lastRun: string | null,
): Pick<RowOutcome, 'runId' | 'foundAtMs'> {
  let foundAtMs: number | null = null;
  let first: string | null = null;
  let isOne = true;
  for (const answer of fields.values()) {
    foundAtMs = Math.max(foundAtMs ?? 0, answer.foundAtMs ?? 0);
    if (answer.runId === '') continue;
    first ??= answer.runId;
    isOne &&= first === answer.runId;
  }
  if (isOne) return { runId: cleanRunId(first ?? lastRun), foundAtMs };
  const newest = [...fields.values()].sort((a, b) => (b.foundAtMs ?? 0) - (a.foundAtMs ?? 0));
  const runIds = new Set(newest.flatMap(({ runId }) => (runId === '' ? [] : [cleanLine(runId, 200)])));
  return { runId: [...runIds].join(' '), foundAtMs };
}

function cleanRunId(runId: string | null): string | null {
  return runId === null ? null : cleanLine(runId, 200);
}

/** The answers to the fields asked for, as they may be shown. */
function cleanFields(
  asked: readonly string[],
  stored: ReadonlyMap<string, FieldAnswer>,
  rules: AnswerRules,
): ReadonlyMap<string, FieldAnswer> {
  if (isClean(asked, stored, rules)) return stored;
  const fields = new Map<string, FieldAnswer>();
  for (const name of asked) {
    const answer = stored.get(name);
    if (answer !== undefined) fields.set(name, cleanAnswer(answer, rules));
  }
  return fields;
}

/** True for the fields asked for, in this order, without anything to clean: then no copy is needed. */
function isClean(
  asked: readonly string[],
  stored: ReadonlyMap<string, FieldAnswer>,
  rules: AnswerRules,
): boolean {
  let index = 0;
  for (const [name, answer] of stored) {
    if (name !== asked[index] || cleanAnswer(answer, rules) !== answer) return false;
    index += 1;
  }
  return index === asked.length;
}

/** Explains why fields have no value; fields with the same reason are listed together. */
function describeHoles(fields: ReadonlyMap<string, FieldAnswer>): string[] {
  const names = new Map<string, string[]>();
  for (const [name, field] of fields) {
    const { value, issue } = field;
    if (issue !== null && (value === null || isDoubtful(field)))
      names.set(issue, [...(names.get(issue) ?? []), name]);
  }
  return [...names].map(([issue, shared]) => `${shared.join(', ')}: ${issue}`);
}

function resolveStatus(
  found: number,
  asked: number,
  isOpen: boolean,
  hasFailed: boolean,
  unasked: Unasked,
): RowStatus {
  if (found === asked) return 'enriched';
  if (found > 0) return 'partial';
  if (!isOpen) return 'not_found';
  // Nothing found yet, and a field or a higher effort is still to be tried.
  return hasFailed ? 'failed' : unasked;
}

function createBareOutcome(status: RowStatus, error: string | null): RowOutcome {
  return { status, error, ...FREE, runId: null, foundAtMs: null, fields: NO_FIELDS };
}
