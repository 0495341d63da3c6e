import type { AnswerKeys } from './answer-keys.js';
import type { Database } from './database.js';
import { mergeTail } from './merge-tail.js';

/** Source of answers: a run, or only a recorded failure. */
export interface AnswerSource {
  readonly runId: string | null;
  readonly job: number | null;
  readonly invocation: number | null;
  readonly intendedAt: number | null;
  readonly answeredAt: number | null;
}

/**
 * Inserts answers of one source for keys that have none, as checked in the same transaction. Takes fields in
 * stored form by key. Returns the answer numbers.
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
  // Bind the shared values once, because parsing a row of JSON costs more than writing it.
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
