import { EXCLUDED } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import type { CheckedField, CheckedRow, CheckedRun, RejectedRow } from '../model/checked.js';
import type { JsonObject, JsonValue } from '../model/json.js';

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
    const match = exclusion.findExcludedAnswer(question?.record ?? {}, readValues(row));
    const isTold = question?.fault === EXCLUDED_FAULT || batch.attempt >= lastAttempt;
    if (match === null) rows.push(row);
    else if (isTold) rows.push(nullFields(row, exclusion.answerFields, match.line));
    else rejected.push({ rowId: row.rowId, key: row.key, reason: EXCLUDED_FAULT });
  }
  return { ...checked, rows, rejected };
}

function readValues(row: CheckedRow): JsonObject {
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
