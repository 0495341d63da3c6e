import { isFound, type RowAnswer } from '../model/answer.js';
import type { JobYield, Yield } from './records.js';

/** Counts of rows or cells that runs answered, and of those with a value. */
export type Found = [answered: number, filled: number];

/** What a job's runs found: by effort, the rows, and the cells by field. A list, because a field may have any name. */
export type StoredYields = [effort: string, rows: Found, fields: [name: string, found: Found][]][];

/** Adds a run's answers to counts. */
export function addYield(yields: StoredYields, effort: string, answers: readonly RowAnswer[]): void {
  if (answers.length === 0) return;
  const known = yields.find(([name]) => name === effort);
  const [, rows, fields]: StoredYields[number] = known ?? [effort, [0, 0], []];
  if (known === undefined) yields.push([effort, rows, fields]);
  const byName = new Map(fields);
  for (const answer of answers) {
    let isRowFilled = false;
    for (const [name, field] of answer.fields) {
      let found = byName.get(name);
      if (found === undefined) {
        found = [0, 0];
        byName.set(name, found);
        fields.push([name, found]);
      }
      found[0] += 1;
      if (!isFound(field)) continue;
      found[1] += 1;
      isRowFilled = true;
    }
    rows[0] += 1;
    if (isRowFilled) rows[1] += 1;
  }
}

/** The counts by name. */
export function toJobYield(yields: StoredYields, keepsGoing: boolean): JobYield {
  const efforts = yields.map(([effort, rows, fields]) => {
    const byField = fields.map(([name, found]) => [name, toYield(found)] as const);
    return [effort, { rows: toYield(rows), fields: new Map(byField) }] as const;
  });
  return { efforts: new Map(efforts), keepsGoing };
}

function toYield([answered, filled]: Found): Yield {
  return { answered, filled };
}
