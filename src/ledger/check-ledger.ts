import type { Database } from './database.js';

interface Faults {
  readonly lost: number;
  readonly stray: number;
  readonly doubled: number;
}

/** What is wrong with the file, one line each: damaged pages, broken references, answers that their keys do not lead to. */
export function checkLedger(database: Database): string[] {
  const faults = database.check();
  // Keys can only be followed where the pages are whole.
  return faults.length > 0 ? faults : checkKeys(database);
}

/** Each answer is found by its key, in the table or in the tail, and no key leads elsewhere. */
function checkKeys(database: Database): string[] {
  const faults = database.get<Faults>(
    `select
       (select count(*) from answer where number <= mark.through and not exists (
          select 1 from answer_key merged
          where merged.ask = answer.ask and merged.key = answer.key and merged.answer = answer.number)) as lost,
       (select count(*) from answer_key merged where merged.answer > mark.through or not exists (
          select 1 from answer
          where answer.number = merged.answer and answer.ask = merged.ask and answer.key = merged.key)) as stray,
       (select count(*) - count(distinct tail.ask || ' ' || tail.key) from answer tail where tail.number > mark.through)
       + (select count(*) from answer tail join answer_key merged on merged.ask = tail.ask and merged.key = tail.key
          where tail.number > mark.through) as doubled
     from answer_key_mark mark`,
  );
  if (faults === undefined) return ['the keys have no mark'];
  return [
    ...describe(faults.lost, 'answers not found by their keys'),
    ...describe(faults.stray, 'keys that lead to an answer not theirs'),
    ...describe(faults.doubled, 'keys with more than one answer'),
  ];
}

function describe(count: number, what: string): string[] {
  return count === 0 ? [] : [`${what}: ${count}`];
}
