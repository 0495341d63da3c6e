import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { OUTCOME_KEY } from '../model/output-columns.js';
import { getValue, type Row } from '../model/row.js';

export const RUN_COLUMN = 'enrichment_run_id';

/** What rowfill wrote about a row of a JSON file; null if nothing. */
export function getOutcome(row: Row): JsonObject | null {
  if (row.kind !== 'object') return null;
  const outcome = row.object[OUTCOME_KEY];
  return isJsonObject(outcome) ? outcome : null;
}

/** What a row of a JSON file says of a field; null if nothing. */
export function getFieldOutcome(row: Row, field: string): JsonObject | null {
  const fields = getOutcome(row)?.fields;
  const outcome = isJsonObject(fields) && Object.hasOwn(fields, field) ? fields[field] : undefined;
  return isJsonObject(outcome) ? outcome : null;
}

export function listOutcomeFields(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const fields = getOutcome(row)?.fields;
    return isJsonObject(fields) ? Object.keys(fields) : [];
  });
}

/** Ids of the runs whose answers a row of a filled file shows. */
export function listRunIds(row: Row): string[] {
  const outcome = getOutcome(row);
  const texts: (JsonValue | undefined)[] =
    outcome === null ? [getValue(row, RUN_COLUMN)] : [outcome.run_id ?? undefined, ...listFieldRuns(outcome)];
  return texts.flatMap((text) =>
    typeof text === 'string' ? text.split(/\s+/).filter((id) => id !== '') : [],
  );
}

/** Each field of a JSON file names its run too. */
function listFieldRuns({ run_id, fields }: JsonObject): (JsonValue | undefined)[] {
  if (run_id !== undefined || !isJsonObject(fields)) return [];
  return Object.values(fields).map((field) => (isJsonObject(field) ? field.run_id : undefined));
}
