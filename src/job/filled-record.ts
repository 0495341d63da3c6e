import type { CitedSource } from '../model/answer.js';
import type { Blanks } from '../model/blank.js';
import { isJsonObject, type JsonObject, type JsonValue, readOwn } from '../model/json.js';
import { toMicros } from '../model/money.js';
import type { RowStatus } from '../model/outcome.js';
import type { Confidence } from '../model/run.js';

/** Where a value comes from. */
export interface FilledSource {
  readonly confidence: Confidence | null;
  readonly citations: readonly CitedSource[];
}

/** A row of a program with what became of it. */
export interface FilledRecord<T extends object> {
  /** The row as it was given, as a copy. */
  readonly input: T;
  /** A value for each field that was asked for, also where the row had it already; null where nothing was found. */
  readonly values: JsonObject;
  readonly status: RowStatus;
  /** Why, in words: the reason of a failure, the line that excluded the row, the field that was not valid. */
  readonly error: string | null;
  /** The row's share of what the job was billed, in micro-dollars: a million is a dollar. */
  readonly costMicros: number;
  /** True if the agent did not say what some of that cost: it is then the reserved price. */
  readonly isCostEstimated: boolean;
  readonly runId: string | null;
  /** Where the values come from, by field; a field that was not asked about this row is missing. */
  readonly fields: Readonly<Record<string, FilledSource>>;
}

/** Reads back what the job wrote about a row. */
export function readFilledRecord<T extends object>(
  input: T,
  line: string,
  fields: readonly string[],
  blanks: Blanks,
): FilledRecord<T> {
  const record: unknown = JSON.parse(line);
  if (!isJsonObject(record) || !isJsonObject(record.enrichment))
    throw new TypeError('a line is a filled row');
  // Written a moment ago by the writer of JSON Lines, in just this shape.
  const enrichment = record.enrichment as unknown as Enrichment;
  // A placeholder of the row that was asked about and stayed is no value that was found.
  const isLeft = (name: string, value: JsonValue | undefined): boolean =>
    Object.hasOwn(enrichment.fields, name) &&
    blanks.isUnfilled(name, value) &&
    Reflect.get(input, name) === value;
  const readField = (name: string) => {
    const value = readOwn(record, name);
    return [name, isLeft(name, value) ? null : (value ?? null)];
  };
  return {
    input,
    values: Object.fromEntries(fields.map(readField)),
    status: enrichment.status,
    error: enrichment.error,
    costMicros: toMicros(enrichment.cost_usd),
    isCostEstimated: enrichment.cost_estimated === true,
    runId: enrichment.run_id,
    fields: enrichment.fields,
  };
}

interface Enrichment {
  readonly status: RowStatus;
  readonly error: string | null;
  readonly cost_usd: number;
  readonly cost_estimated?: boolean;
  readonly run_id: string | null;
  readonly fields: Readonly<Record<string, FilledSource>>;
}
