import {
  type CheckedField,
  type CheckedRow,
  type CheckedRun,
  DISPUTE,
  EXCLUDED,
  type RejectedRow,
} from '../model/answer.js';
import type { Batch, BatchRow } from '../model/batch.js';
import { formatCanonicalJson, getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { PendingBatch, Question } from '../model/question.js';
import { findEntryFields, listRowEntries } from '../model/row-entries.js';
import type { AgentRun } from '../model/run.js';
import { type FieldResult, formatExcerpt, isAbsence, type RowChecker } from './check-field.js';

export { createRowChecker, type RowChecker } from './check-field.js';

/** Matches what a run brought to what was asked, by `row_id` alone, and judges every field by the user's schema. */
export function checkRun(batch: Batch, run: AgentRun, checker: RowChecker): CheckedRun {
  const entries = matchEntries(batch, run.output.structured);
  const rows: CheckedRow[] = [];
  const rejected: RejectedRow[] = [];
  for (const row of batch.rows) {
    const verdict = checkRow(batch, row, entries.byId.get(row.rowId) ?? [], checker);
    if (verdict.status === 'checked') rows.push(verdict.row);
    else rejected.push({ rowId: row.rowId, key: row.key, reason: verdict.reason ?? describeAbsence(run) });
  }
  return { rows, rejected, unknownIds: entries.unknownIds, doubled: entries.doubled };
}

interface Entry {
  /** Position in the agent's own list. */
  readonly index: number;
  readonly object: JsonObject;
}

interface Entries {
  readonly byId: ReadonlyMap<string, readonly Entry[]>;
  readonly unknownIds: number;
  readonly doubled: number;
}

function matchEntries(batch: Batch, structured: JsonValue): Entries {
  const { values: list } = listRowEntries(structured);
  const [onlyRow] = batch.rows;
  // One question and one answer belong together even where the answer forgot to say so.
  const isAlone = batch.rows.length === 1 && list.length === 1;
  const byId = new Map<string, Entry[]>(batch.rows.map((row) => [row.rowId, []]));
  let unknownIds = 0;
  let doubled = 0;
  for (const [index, value] of list.entries()) {
    const id = isJsonObject(value) ? findRowId(value) : null;
    const fallback = isAlone && isJsonObject(value) && id === null ? onlyRow?.rowId : undefined;
    const found = byId.get(id ?? fallback ?? '');
    if (found === undefined || !isJsonObject(value)) {
      unknownIds += 1;
      continue;
    }
    if (found.length > 0) doubled += 1;
    found.push({ index, object: value });
  }
  return { byId, unknownIds, doubled };
}

function findRowId(entry: JsonObject): string | null {
  const id = getOwn(entry, 'row_id');
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && id.trim() !== '' ? id.trim() : null;
}

type RowVerdict =
  | { readonly status: 'checked'; readonly row: CheckedRow }
  /** `reason` is null where nothing came back at all: then the run says why. */
  | { readonly status: 'rejected'; readonly reason: string | null };

/** The fields of one entry of a row; `index` is its position in the agent's own list. */
interface ReadableEntry {
  readonly index: number;
  readonly fields: JsonObject;
}

function checkRow(batch: Batch, row: BatchRow, entries: readonly Entry[], checker: RowChecker): RowVerdict {
  const readable: ReadableEntry[] = [];
  for (const { index, object } of entries) {
    const found = findEntryFields(object, batch.fields);
    if (found !== null) readable.push({ index, fields: found.fields });
  }
  const [first] = readable;
  if (first === undefined) {
    const reason = entries.length === 0 ? null : 'its entry holds none of the fields';
    return { status: 'rejected', reason };
  }
  const judged =
    readable.length === 1
      ? judgeEntry(first.fields, batch.fields, checker)
      : judgeEntries(readable, batch.fields, checker);
  const { verdicts, isAnswered, ...twice } = judged;
  if (!isAnswered) return { status: 'rejected', reason: describeFaults(verdicts) };
  const { rowId, key } = row;
  const fields = joinNotes(verdicts, checker);
  return { status: 'checked', row: { rowId, key, index: first.index, fields, ...twice } };
}

interface JudgedRow extends Pick<CheckedRow, 'twice'> {
  readonly verdicts: ReadonlyMap<string, FieldResult>;
  /** False if no field that came back is valid. */
  readonly isAnswered: boolean;
}

function judgeEntry(fields: JsonObject, names: readonly string[], checker: RowChecker): JudgedRow {
  const verdicts = new Map<string, FieldResult>();
  let isAnswered = false;
  for (const name of names) {
    const value = getOwn(fields, name);
    const verdict = checker.checkField(name, value ?? null);
    verdicts.set(name, verdict);
    if (value !== undefined && verdict.state !== 'invalid') isAnswered = true;
  }
  return { verdicts, isAnswered };
}

/** Judges several entries of a row as one answer. Null beside a value is the value; different values leave the field null. */
function judgeEntries(
  entries: readonly ReadableEntry[],
  names: readonly string[],
  checker: RowChecker,
): JudgedRow {
  const verdicts = new Map<string, FieldResult>();
  const places = new Map<string, readonly number[]>();
  const disputed: string[] = [];
  let isAnswered = false;
  for (const name of names) {
    const found = entries.filter(({ fields }) => Object.hasOwn(fields, name));
    const judged = found.map(({ index, fields }) => {
      return { index, verdict: checker.checkField(name, fields[name] ?? null) };
    });
    const merged = mergeChecks(judged, (value) => checker.checkField(name, value));
    verdicts.set(name, merged.verdict);
    places.set(name, merged.places);
    if (merged.isDisputed) disputed.push(name);
    if (judged.some(({ verdict }) => verdict.state !== 'invalid')) isAnswered = true;
  }
  return { verdicts, isAnswered, twice: { places, disputed } };
}

function joinNotes(
  verdicts: ReadonlyMap<string, FieldResult>,
  checker: RowChecker,
): Map<string, CheckedField> {
  const notes = checker.checkTogether(verdicts);
  const fields = new Map<string, CheckedField>();
  for (const [name, { value, issue }] of verdicts) {
    const note = notes.get(name) ?? null;
    fields.set(name, {
      value,
      issue: issue === null || note === null ? (issue ?? note) : `${issue}; ${note}`,
    });
  }
  return fields;
}

function describeFaults(verdicts: ReadonlyMap<string, FieldResult>): string {
  const faults = [...verdicts].flatMap(([name, { fault }]) => (fault === null ? [] : [`${name} ${fault}`]));
  return `no field of its entry is valid: ${faults.join('; ')}`;
}

/** Why a row has no entry, as far as the run tells. */
function describeAbsence(run: AgentRun): string {
  if (run.status === 'completed' && run.stopReason === 'schema_satisfied') return 'no entry came back for it';
  const reason = typeof run.stopReason === 'string' ? ` (${run.stopReason.slice(0, 40)})` : '';
  return `the run ended as ${run.status}${reason} without an entry for it`;
}

/** The exclusion file, as far as it speaks of answers. */
export interface AnswerExclusion {
  readonly answerFields: readonly string[];
  findExcludedAnswer(record: JsonObject, values: JsonObject): { readonly line: number } | null;
}

const EXCLUDED_FAULT = 'the answer was a record of input.exclusion, which is not wanted';

/**
 * An answer that is on the exclusion list goes round once more with that said; the second time its fields are nulled, and
 * so they are at the last attempt.
 */
export function excludeAnswers(
  checked: CheckedRun,
  batch: Batch,
  exclusion: AnswerExclusion,
  lastAttempt: number,
): CheckedRun {
  if (exclusion.answerFields.length === 0) return checked;
  const asked = new Map(batch.rows.map((row) => [row.key, row]));
  const rows: CheckedRow[] = [];
  const rejected: RejectedRow[] = [...checked.rejected];
  for (const row of checked.rows) {
    const question = asked.get(row.key);
    const match = exclusion.findExcludedAnswer(question?.record ?? {}, listValues(row));
    const isTold = question?.fault === EXCLUDED_FAULT || batch.attempt >= lastAttempt;
    if (match === null) rows.push(row);
    else if (isTold) rows.push(nullFields(row, exclusion.answerFields, match.line));
    else rejected.push({ rowId: row.rowId, key: row.key, reason: EXCLUDED_FAULT });
  }
  return { ...checked, rows, rejected };
}

function listValues(row: CheckedRow): JsonObject {
  const values: Record<string, JsonValue> = Object.create(null);
  for (const [name, { value }] of row.fields) values[name] = value;
  return values;
}

function nullFields(row: CheckedRow, names: readonly string[], line: number): CheckedRow {
  const fields = new Map<string, CheckedField>(row.fields);
  for (const name of names) {
    if (fields.has(name))
      fields.set(name, { value: null, issue: `${EXCLUDED} ${line} of the exclusion file` });
  }
  return { ...row, fields };
}

/** What one entry of a row says of a field; `index` is the entry's place in the agent's list. */
export interface JudgedField {
  readonly index: number;
  readonly verdict: FieldResult;
}

export interface MergedCheck {
  readonly verdict: FieldResult;
  /** The entries that the value came from. */
  readonly places: readonly number[];
  readonly isDisputed: boolean;
}

/** One verdict on a field out of those on all entries of a row; `judge` looks at a value that was put together from several. */
export function mergeChecks(
  judged: readonly JudgedField[],
  judge: (value: JsonValue) => FieldResult,
): MergedCheck {
  const found = judged.filter(({ verdict }) => verdict.state === 'valid');
  const told = found.filter(({ verdict }) => !isAbsence(verdict.value));
  const valid = told.length === 0 ? found : told;
  const [first] = valid;
  if (first === undefined) {
    const best = judged.find(({ verdict }) => verdict.state === 'nothing') ?? judged[0];
    const places = best === undefined ? [] : [best.index];
    return { verdict: best?.verdict ?? judge(null), places, isDisputed: false };
  }
  const places = valid.map(({ index }) => index);
  const values = [
    ...new Map(valid.map(({ verdict }) => [toComparable(verdict.value), verdict.value])).values(),
  ];
  if (values.length === 1) return { verdict: first.verdict, places, isDisputed: false };
  const whole = values.slice(1).reduce<JsonValue | undefined>(joinParts, values[0]);
  const verdict = whole === undefined ? null : judge(whole);
  if (verdict?.state === 'valid') return { verdict, places, isDisputed: false };
  return { verdict: createDispute(values), places: [], isDisputed: true };
}

/** Equal for values that read the same: white space at the ends and the form of accents tell no two texts apart. */
function toComparable(value: JsonValue): string {
  return typeof value === 'string' ? `"${value.normalize('NFC').trim()}` : formatCanonicalJson(value);
}

/** Two values as one, where a null in either leaves room for the other; undefined if they differ. */
function joinParts(one: JsonValue | undefined, other: JsonValue): JsonValue | undefined {
  if (one === undefined) return undefined;
  if (one === null) return other;
  if (other === null || toComparable(one) === toComparable(other)) return one;
  if (!isJsonObject(one) || !isJsonObject(other)) return undefined;
  const joined: [string, JsonValue][] = [];
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const part = joinParts(getOwn(one, name) ?? null, getOwn(other, name) ?? null);
    if (part === undefined) return undefined;
    joined.push([name, part]);
  }
  return Object.fromEntries(joined);
}

/** Names two of the values; the others are counted. */
function createDispute(values: readonly JsonValue[]): FieldResult {
  const [one = null, other = null, ...more] = values;
  const rest = more.length === 0 ? '' : ` and ${more.length} more`;
  const issue = `${DISPUTE}: ${formatExcerpt(one)} and ${formatExcerpt(other)}${rest}`;
  return { state: 'nothing', value: null, issue, fault: null };
}

/** What becomes of the rows of a run that were not answered. */
export interface Repair {
  /** Rows that go round again at once, as a continuation of the run. */
  readonly followUp: PendingBatch | null;
  /** Rows that go round again together with those of other runs. */
  readonly again: readonly Question[];
  readonly failures: readonly { readonly key: string; readonly reason: string }[];
}

/**
 * A few rows left out of a good run are pooled with those of other runs, which costs fewest runs. Where half a batch or
 * more went wrong the first time, the run itself is continued and told what was wrong. At the last attempt rows fail.
 */
export function planRepair(
  group: PendingBatch,
  rejected: readonly RejectedRow[],
  run: AgentRun,
  lastAttempt: number,
): Repair {
  if (rejected.length === 0) return { followUp: null, again: [], failures: [] };
  // Somebody cancelled the run on purpose: to ask again at once would undo that.
  if (group.attempt >= lastAttempt || run.status === 'cancelled') {
    return { followUp: null, again: [], failures: rejected.map(({ key, reason }) => ({ key, reason })) };
  }
  const reasons = new Map(rejected.map(({ key, reason }) => [key, reason]));
  const again = group.questions
    .filter((question) => reasons.has(question.key))
    .map((question) => ({
      ...question,
      attempt: question.attempt + 1,
      fault: reasons.get(question.key) ?? null,
    }));
  const isMostlyWrong = again.length * 2 >= group.questions.length;
  if (group.attempt > 1 || !isMostlyWrong || run.status !== 'completed') {
    return { followUp: null, again, failures: [] };
  }
  const { fields, level } = group;
  return {
    followUp: { questions: again, fields, level, attempt: group.attempt + 1, previousRunId: run.id },
    again: [],
    failures: [],
  };
}

const DISPUTED_FAULT = 'two entries came back for one record, with different values';

/**
 * The fields that one run answered twice, with different values, to be asked once more: a second dispute is left as it is,
 * with both values named.
 */
export function planDisputeRepair(
  group: PendingBatch,
  rows: readonly CheckedRow[],
  run: AgentRun,
  lastAttempt: number,
): readonly Question[] {
  const doubled = rows.filter(({ twice }) => twice !== undefined);
  if (doubled.length === 0 || group.attempt >= lastAttempt || run.status === 'cancelled') return [];
  const disputed = new Map(doubled.map(({ key, twice }) => [key, twice?.disputed ?? []]));
  return group.questions.flatMap((question) => {
    const fields = disputed.get(question.key) ?? [];
    if (fields.length === 0 || question.fault === DISPUTED_FAULT) return [];
    return [{ ...question, fields, attempt: question.attempt + 1, fault: DISPUTED_FAULT }];
  });
}
