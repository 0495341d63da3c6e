import {
  type CheckedField,
  type CheckedRow,
  type CheckedRun,
  DISPUTE,
  describeExcluded,
  type ExclusionPlace,
  type RejectedRow,
  UNFIT,
} from '../model/answer.js';
import type { Batch, BatchRow } from '../model/batch.js';
import { formatCanonicalJson, getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { PendingBatch, Question } from '../model/question.js';
import {
  findEntryFields,
  findEntryId,
  findGivenNumber,
  findStructured,
  listRowEntries,
  matchIds,
} from '../model/row-entries.js';
import type { AgentRun } from '../model/run.js';
import { cleanLine } from '../model/untrusted-text.js';
import type { FieldResult, RowChecker } from './check-field.js';
import { formatExcerpt } from './excerpt.js';

export { createRowChecker, type RowChecker } from './check-field.js';

/** Fields asked for a row of a batch. */
type AskedFields = (row: BatchRow) => readonly string[];

/**
 * Matches a run's entries to the batch's rows by `row_id` only, and validates every field that was asked for
 * the row against the user's schema.
 */
export function checkRun(
  batch: Batch,
  run: AgentRun,
  checker: RowChecker,
  listAsked: AskedFields = () => batch.fields,
): CheckedRun {
  const entries = matchEntries(batch, findStructured(run.output));
  const rows: CheckedRow[] = [];
  const rejected: RejectedRow[] = [];
  for (const row of batch.rows) {
    const found = entries.byId.get(row.rowId) ?? [];
    const verdict = checkRow(batch, row, listAsked(row), found, checker);
    if (verdict.status === 'checked') rows.push(verdict.row);
    else {
      const { rowId, key } = row;
      const detail = verdict.reason === null ? findFault(run) : null;
      const reason = verdict.reason ?? describeAbsence(run);
      rejected.push({ rowId, key, reason, ...(detail === null ? {} : { detail }) });
    }
  }
  return { rows, rejected, unknownIds: entries.unknownIds, doubled: entries.doubled };
}

interface Entry {
  /** Position in the agent's list. */
  readonly index: number;
  readonly object: JsonObject;
}

interface Entries {
  readonly byId: ReadonlyMap<string, readonly Entry[]>;
  readonly unknownIds: number;
  readonly doubled: number;
}

function matchEntries(batch: Batch, structured: JsonValue): Entries {
  const rowIds = batch.rows.map((row) => row.rowId);
  const { ids, values: list } = listRowEntries(structured, rowIds);
  const [onlyRow] = batch.rows;
  // One row and one entry belong together even without an id, or with the agent's own number.
  const isAlone = batch.rows.length === 1 && list.length === 1;
  const byId = new Map<string, Entry[]>();
  for (const rowId of rowIds) byId.set(rowId, []);
  const own: (JsonValue | undefined)[] = [];
  for (const value of list) own.push(isJsonObject(value) ? findEntryId(value) : undefined);
  const matched = matchIds(ids ?? own, rowIds);
  let unknownIds = 0;
  let doubled = 0;
  for (let index = 0; index < list.length; index += 1) {
    const value = list[index];
    const isForeign = isForeignId(ids?.[index] ?? own[index]);
    const rowId = matched[index] ?? (isAlone && !isForeign ? onlyRow?.rowId : undefined) ?? '';
    const found = byId.get(rowId);
    if (found === undefined || !isJsonObject(value)) {
      unknownIds += 1;
      continue;
    }
    if (found.length > 0) doubled += 1;
    found.push({ index, object: value });
  }
  return { byId, unknownIds, doubled };
}

/** True for an id that could be that of a row of another run. */
function isForeignId(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return value.trim() !== '' && findGivenNumber(value) === null;
  return Array.isArray(value);
}

type RowVerdict =
  | { readonly status: 'checked'; readonly row: CheckedRow }
  /** `reason` is null if there is no entry at all; then the run says why. */
  | { readonly status: 'rejected'; readonly reason: string | null };

/** The fields of one entry of a row; `index` is its position in the agent's own list. */
interface ReadableEntry {
  readonly index: number;
  readonly fields: JsonObject;
}

function checkRow(
  batch: Batch,
  row: BatchRow,
  names: readonly string[],
  entries: readonly Entry[],
  checker: RowChecker,
): RowVerdict {
  const readable: ReadableEntry[] = [];
  for (const { index, object } of entries) {
    const found = findEntryFields(object, batch.fields);
    if (found !== null && hasAny(found.fields, names)) readable.push({ index, fields: found.fields });
  }
  const [first] = readable;
  if (first === undefined) {
    const reason = entries.length === 0 ? null : 'its entry has none of the fields';
    return { status: 'rejected', reason };
  }
  const judged =
    readable.length === 1 ? judgeEntry(first.fields, names, checker) : judgeEntries(readable, names, checker);
  const { verdicts, isAnswered, twice } = judged;
  if (!isAnswered) return { status: 'rejected', reason: describeFaults(verdicts) };
  const { rowId, key } = row;
  const checked = { rowId, key, index: first.index, fields: joinNotes(verdicts, checker) };
  return { status: 'checked', row: twice === undefined ? checked : { ...checked, twice } };
}

function hasAny(fields: JsonObject, names: readonly string[]): boolean {
  for (const name of names) if (Object.hasOwn(fields, name)) return true;
  return false;
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

/** Merges all entries of a row into one answer. A null and a value give the value; two different values give null. */
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
): ReadonlyMap<string, CheckedField> {
  const notes = checker.checkTogether(verdicts);
  if (notes.size === 0) return verdicts;
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
  return `${UNFIT}: ${faults.join('; ')}`;
}

/** Explains why a row has no entry, from the run's status. */
function describeAbsence(run: AgentRun): string {
  if (run.status === 'completed' && run.stopReason === 'schema_satisfied') return 'no entry came back for it';
  const reason = typeof run.stopReason === 'string' ? ` (${run.stopReason.slice(0, 40)})` : '';
  return `the run ended as ${run.status}${reason} without an entry for it`;
}

const MAX_FAULT_LENGTH = 300;

/** What the agent says went wrong with a run; null if nothing. */
function findFault({ error }: AgentRun): string | null {
  const message = error?.message;
  return typeof message === 'string' ? cleanLine(message, MAX_FAULT_LENGTH) || null : null;
}

/** Why a row was rejected, for the user. */
export function describeRejection({ reason, detail }: RejectedRow): string {
  return detail === undefined ? reason : `${reason}: ${detail}`;
}

/** The part of the exclusion list that applies to answers. */
export interface AnswerExclusion {
  readonly answerFields: readonly string[];
  findExcludedAnswer(record: JsonObject, values: JsonObject): ExclusionPlace | null;
}

const EXCLUDED_FAULT = 'the answer is on the exclusion list (input.exclusion)';

/**
 * Rejects an answer on the exclusion list once, with that reason, so that it is retried. The second time, or
 * at the last attempt, its fields are set to null.
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
    const isRetried = question?.fault === EXCLUDED_FAULT || batch.attempt >= lastAttempt;
    if (match === null) rows.push(row);
    else if (isRetried) rows.push(nullFields(row, exclusion.answerFields, describeExcluded(match)));
    else rejected.push({ rowId: row.rowId, key: row.key, reason: EXCLUDED_FAULT });
  }
  return { ...checked, rows, rejected };
}

function listValues(row: CheckedRow): JsonObject {
  const values: Record<string, JsonValue> = Object.create(null);
  for (const [name, { value }] of row.fields) values[name] = value;
  return values;
}

function nullFields(row: CheckedRow, names: readonly string[], issue: string): CheckedRow {
  const fields = new Map<string, CheckedField>(row.fields);
  for (const name of names) {
    if (fields.has(name)) fields.set(name, { value: null, issue });
  }
  return { ...row, fields };
}

/** One entry's value for a field; `index` is the entry's position in the agent's list. */
interface JudgedField {
  readonly index: number;
  readonly verdict: FieldResult;
}

interface MergedCheck {
  readonly verdict: FieldResult;
  /** Positions of the entries that the value came from. */
  readonly places: readonly number[];
  readonly isDisputed: boolean;
}

/**
 * Merges the results for a field from all entries of a row; `judge` validates a value that was merged from
 * several.
 */
function mergeChecks(judged: readonly JudgedField[], judge: (value: JsonValue) => FieldResult): MergedCheck {
  const valid = judged.filter(({ verdict }) => verdict.state === 'valid');
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

/** Key that is equal for equal values: ignores surrounding white space and Unicode composition. */
function toComparable(value: JsonValue): string {
  return typeof value === 'string' ? `"${value.normalize('NFC').trim()}` : formatCanonicalJson(value);
}

/** Merges two values; nulls are filled from the other. Undefined if they differ. */
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

/** Reports two of the values and counts the others. */
function createDispute(values: readonly JsonValue[]): FieldResult {
  const [one = null, other = null, ...more] = values;
  const rest = more.length === 0 ? '' : ` and ${more.length} more`;
  const issue = `${DISPUTE}: ${formatExcerpt(one)} and ${formatExcerpt(other)}${rest}`;
  return { state: 'nothing', value: null, issue, fault: null };
}

/** Plan for the rows that a run did not answer. */
export interface Repair {
  /** Rows to retry at once, as a continuation of the run. */
  readonly followUp: PendingBatch | null;
  /** Rows to retry together with those of other runs. */
  readonly again: readonly Question[];
  readonly failures: readonly { readonly key: string; readonly reason: string }[];
}

/**
 * A few missing rows are pooled with those of other runs, which needs the fewest runs. If half a batch or
 * more failed on the first attempt, the run itself is continued with an explanation. At the last attempt rows
 * fail.
 */
export function planRepair(
  group: PendingBatch,
  rejected: readonly RejectedRow[],
  run: AgentRun,
  lastAttempt: number,
): Repair {
  if (rejected.length === 0) return { followUp: null, again: [], failures: [] };
  // The run was canceled on purpose: retrying would undo that.
  if (group.attempt >= lastAttempt || run.status === 'cancelled') {
    const failures = rejected.map((row) => ({ key: row.key, reason: describeRejection(row) }));
    return { followUp: null, again: [], failures };
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
 * Questions for the fields with two different values in one run. They are retried once; after a second
 * dispute both values are reported.
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
