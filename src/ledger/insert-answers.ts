import type { AnswerKeys } from './answer-keys.js';
import type { Database } from './database.js';
import { mergeTail } from './merge-tail.js';

/** Where answers come from: a run that answered them, or nothing but a note. */
export interface AnswerSource {
  readonly runId: string | null;
  readonly job: number | null;
  readonly invocation: number | null;
  readonly intendedAt: number | null;
  readonly answeredAt: number | null;
}

/**
 * Writes answers of one source to keys that have none, as was just looked up in the same transaction: their fields, in the
 * ledger's form, by key. Returns their numbers.
 */
export function insertAnswers(
  database: Database,
  keys: AnswerKeys,
  ask: number,
  fields: ReadonlyMap<string, string>,
  source: AnswerSource,
): Map<string, number> {
  const numbers = new Map<string, number>();
  if (fields.size === 0) return numbers;
  const first = keys.next;
  const { runId, job, invocation, intendedAt, answeredAt } = source;
  // What all have in common is bound once: to take a row of JSON apart costs more than to write it.
  database.run(
    `insert into answer (number, ask, key, fields, run_id, job, invocation, intended_at, answered_at)
     select value ->> 0, ?, value ->> 1, value ->> 2, ?, ?, ?, ?, ? from json_each(?)`,
    ...[ask, runId, job, invocation, intendedAt, answeredAt],
    JSON.stringify([...fields].map(([key, text], index) => [first + index, key, text])),
  );
  for (const key of fields.keys()) {
    const number = keys.next;
    keys.add(ask, key, number);
    numbers.set(key, number);
  }
  if (keys.isLong) mergeTail(database);
  return numbers;
}
