import { isFound, type RowAnswer } from '../model/answer.js';
import { type Ask, isGoodEnough } from '../model/ask.js';
import type { Database } from './database.js';
import type { StoredField } from './stored-fields.js';

/** Number of rows or cells that runs answered, and how many of them have a value. */
export interface Yield {
  readonly answered: number;
  readonly filled: number;
}

/** Results of one job's runs at one effort. */
export interface EffortYield {
  /** By row: filled means at least one value. */
  readonly rows: Yield;
  /** By field. */
  readonly fields: ReadonlyMap<string, Yield>;
}

/** Results of a job's runs over all its invocations. */
export interface JobYield {
  readonly efforts: ReadonlyMap<string, EffortYield>;
  /** The user let the job continue although nothing was found. */
  readonly keepsGoing: boolean;
}

/** Field name that stands for whole rows. */
const ROWS = '';

/** Adds a run's answers to the counts of its job. */
export function addYield(
  database: Database,
  job: number,
  effort: string,
  answers: readonly RowAnswer[],
): void {
  if (answers.length === 0) return;
  const counts = new Map<string, { answered: number; filled: number }>();
  const count = (name: string, isFilled: boolean): void => {
    const known = counts.get(name) ?? { answered: 0, filled: 0 };
    known.answered += 1;
    if (isFilled) known.filled += 1;
    if (known.answered === 1) counts.set(name, known);
  };
  for (const { fields } of answers) {
    let isRowFilled = false;
    for (const [name, field] of fields) {
      const isFilled = isFound(field);
      if (isFilled) isRowFilled = true;
      count(name, isFilled);
    }
    count(ROWS, isRowFilled);
  }
  database.run(
    `insert into job_yield (job, effort, field, answered, filled)
     select ?, ?, value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true
     on conflict do update set answered = answered + excluded.answered, filled = filled + excluded.filled`,
    job,
    effort,
    JSON.stringify([...counts].map(([name, { answered, filled }]) => [name, answered, filled])),
  );
}

/** Reads the results of a job; empty if it is not open yet. */
export function readYield(database: Database, jobId: string): JobYield {
  const job = database.get<{ number: number; keepsGoing: number }>(
    'select number, keeps_going as keepsGoing from job where id = ?',
    jobId,
  );
  const counts = database.all<Yield & { effort: string; field: string }>(
    'select effort, field, answered, filled from job_yield where job = ? order by effort, field',
    job?.number ?? null,
  );
  const efforts = new Map<string, { rows: Yield; fields: Map<string, Yield> }>();
  for (const { effort, field, answered, filled } of counts) {
    const known = efforts.get(effort) ?? { rows: { answered: 0, filled: 0 }, fields: new Map() };
    if (field === ROWS) known.rows = { answered, filled };
    else known.fields.set(field, { answered, filled });
    efforts.set(effort, known);
  }
  return { efforts, keepsGoing: job?.keepsGoing === 1 };
}

/** Records that a job continues although nothing was found. Cannot be undone. */
export function keepGoing(database: Database, jobId: string): void {
  database.run('update job set keeps_going = 1 where id = ?', jobId);
}

/** Maximum rows read per ask: enough to estimate the share that goes to the next effort level, and still fast. */
const MAX_ESCALATION_ROWS = 2_000;

/** Rows sent at an effort, and how many of them it left incomplete for the next one. */
export interface EffortClimb {
  readonly asked: number;
  readonly climbed: number;
}

/** Counts rows by effort for the same question to the same agent, with any fields. */
export function readClimbs(database: Database, ask: Ask): ReadonlyMap<string, EffortClimb> {
  const asks = database.all<{ number: number; efforts: string }>(
    `select number, content -> '$.efforts' as efforts from ask
     where content ->> '$.query' = ? and content ->> '$.system' is ? and content ->> '$.agent' = ?`,
    ask.query,
    ask.system,
    ask.agent,
  );
  const climbs = new Map<string, { asked: number; climbed: number }>();
  for (const { number, efforts } of asks) {
    const rows = database.all<{ fields: string }>(
      `select fields from answer where answered_at is not null and number in (
         select answer from answer_key where ask = ?1
         union all select number from answer where number > (select through from answer_key_mark) and ask = ?1
       ) limit ?2`,
      number,
      MAX_ESCALATION_ROWS,
    );
    const ladder = JSON.parse(efforts) as string[];
    for (const { fields } of rows) countClimbs(JSON.parse(fields) as StoredField[], ladder, ask, climbs);
  }
  return climbs;
}

function countClimbs(
  fields: readonly StoredField[],
  ladder: readonly string[],
  ask: Ask,
  climbs: Map<string, { asked: number; climbed: number }>,
): void {
  for (const [level, effort] of ladder.entries()) {
    const tried = fields.filter((field) => ladder.indexOf(field[5]) >= level);
    if (tried.length === 0) return;
    const isLacking = ([, value, confidence, , , triedEffort]: StoredField): boolean =>
      triedEffort !== effort || !isGoodEnough(ask, { value, confidence });
    const counts = climbs.get(effort) ?? { asked: 0, climbed: 0 };
    counts.asked += 1;
    if (tried.some(isLacking)) counts.climbed += 1;
    climbs.set(effort, counts);
  }
}
