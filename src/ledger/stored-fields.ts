import type { CitedSource, FieldAnswer } from '../model/answer.js';
import type { JsonValue } from '../model/json.js';
import type { Confidence } from '../model/run.js';

/** A field as stored. The run is null if it is the row's own run. */
export type StoredField = readonly [
  name: string,
  value: JsonValue,
  confidence: Confidence | null,
  citations: readonly CitedSource[],
  effort: string,
  triedEffort: string,
  runId: string | null,
  issue: string | null,
];

export type Fields = ReadonlyMap<string, FieldAnswer>;

/** Formats the fields of a row as compact JSON. `rowRunId` is the row's own run. */
export function formatFields(fields: Fields, rowRunId: string | null): string {
  const stored: StoredField[] = [];
  for (const [name, { value, confidence, citations, effort, triedEffort, runId, issue }] of fields) {
    const otherRunId = runId === rowRunId ? null : runId;
    stored.push([name, value, confidence, citations, effort, triedEffort, otherRunId, issue]);
  }
  return JSON.stringify(stored);
}

/** Parses what `formatFields` wrote, and restores the row's own run. */
export function parseFields(text: string, rowRunId: string | null): Fields {
  return readFields(JSON.parse(text) as StoredField[], rowRunId);
}

/** Same, from parsed JSON. */
export function readFields(stored: readonly StoredField[], rowRunId: string | null): Fields {
  const fields = new Map<string, FieldAnswer>();
  for (const [name, value, confidence, citations, effort, triedEffort, otherRunId, issue] of stored) {
    const runId = otherRunId ?? rowRunId ?? '';
    fields.set(name, { value, confidence, citations, issue, runId, effort, triedEffort });
  }
  return fields;
}
