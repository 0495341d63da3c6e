import type { AnswerKeys } from './answer-keys.js';
import type { Database } from './database.js';
import { mergeTail } from './merge-tail.js';

/** The columns of `answer` that change, in the order in which they are written. */
export type AnswerColumns = readonly [
  fields: string,
  runId: string | null,
  job: number | null,
  invocation: number | null,
  intendedAt: number | null,
  answeredAt: number | null,
];

/** Writes answers to keys that have none, as was just looked up in the same transaction, and returns their numbers. */
export function insertAnswers(
  database: Database,
  keys: AnswerKeys,
  ask: number,
  answers: ReadonlyMap<string, AnswerColumns>,
): Map<string, number> {
  const numbers = new Map<string, number>();
  if (answers.size === 0) return numbers;
  const first = keys.next;
  const rows = [...answers].map(([key, columns], index) => [first + index, key, ...columns]);
  database.run(
    `insert into answer (number, ask, key, fields, run_id, job, invocation, intended_at, answered_at)
     select value ->> 0, ?, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
     from json_each(?)`,
    ask,
    JSON.stringify(rows),
  );
  for (const key of answers.keys()) {
    const number = keys.next;
    keys.add(ask, key, number);
    numbers.set(key, number);
  }
  if (keys.isLong) mergeTail(database);
  return numbers;
}
