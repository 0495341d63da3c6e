import type { Batch, BatchRow } from '../model/batch.js';
import type { CheckedField, CheckedRow, CheckedRun, RejectedRow } from '../model/checked.js';
import { isJsonObject, type JsonObject, type JsonValue, readOwn } from '../model/json.js';
import { readEntryFields, readRowEntries } from '../model/row-entries.js';
import type { AgentRun } from '../model/run.js';
import { mergeVerdicts } from './merge-verdicts.js';
import type { FieldVerdict, RowChecker } from './row-checker.js';

export { createRowChecker, type RowChecker } from './row-checker.js';

/** Matches what a run brought to what was asked, by `row_id` alone, and judges every field by the user's schema. */
export function checkRun(batch: Batch, run: AgentRun, checker: RowChecker): CheckedRun {
  const entries = readEntries(batch, run.output.structured);
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

function readEntries(batch: Batch, structured: JsonValue): Entries {
  const { values: list } = readRowEntries(structured);
  const [onlyRow] = batch.rows;
  // One question and one answer belong together even where the answer forgot to say so.
  const isAlone = batch.rows.length === 1 && list.length === 1;
  const byId = new Map<string, Entry[]>(batch.rows.map((row) => [row.rowId, []]));
  let unknownIds = 0;
  let doubled = 0;
  for (const [index, value] of list.entries()) {
    const id = isJsonObject(value) ? readRowId(value) : null;
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

function readRowId(entry: JsonObject): string | null {
  const id = readOwn(entry, 'row_id');
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
    const found = readEntryFields(object, batch.fields);
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
  readonly verdicts: ReadonlyMap<string, FieldVerdict>;
  /** False if no field that came back is valid. */
  readonly isAnswered: boolean;
}

function judgeEntry(fields: JsonObject, names: readonly string[], checker: RowChecker): JudgedRow {
  const verdicts = new Map<string, FieldVerdict>();
  let isAnswered = false;
  for (const name of names) {
    const value = readOwn(fields, name);
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
  const verdicts = new Map<string, FieldVerdict>();
  const places = new Map<string, readonly number[]>();
  const disputed: string[] = [];
  let isAnswered = false;
  for (const name of names) {
    const found = entries.filter(({ fields }) => Object.hasOwn(fields, name));
    const judged = found.map(({ index, fields }) => {
      return { index, verdict: checker.checkField(name, fields[name] ?? null) };
    });
    const merged = mergeVerdicts(judged, (value) => checker.checkField(name, value));
    verdicts.set(name, merged.verdict);
    places.set(name, merged.places);
    if (merged.isDisputed) disputed.push(name);
    if (judged.some(({ verdict }) => verdict.state !== 'invalid')) isAnswered = true;
  }
  return { verdicts, isAnswered, twice: { places, disputed } };
}

function joinNotes(
  verdicts: ReadonlyMap<string, FieldVerdict>,
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

function describeFaults(verdicts: ReadonlyMap<string, FieldVerdict>): string {
  const faults = [...verdicts].flatMap(([name, { fault }]) => (fault === null ? [] : [`${name} ${fault}`]));
  return `no field of its entry is valid: ${faults.join('; ')}`;
}

/** Why a row has no entry, as far as the run tells. */
function describeAbsence(run: AgentRun): string {
  if (run.status === 'completed' && run.stopReason === 'schema_satisfied') return 'no entry came back for it';
  const reason = typeof run.stopReason === 'string' ? ` (${run.stopReason.slice(0, 40)})` : '';
  return `the run ended as ${run.status}${reason} without an entry for it`;
}
