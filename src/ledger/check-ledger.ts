import type { Database } from './database.js';

interface Counts {
  /** Answers up to the mark, and those of them that their keys lead to. */
  readonly answers: number;
  readonly found: number;
  readonly keys: number;
  /** Keys of the tail that another answer has as well. */
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
  const counts = database.get<Counts>(
    `select
       (select count(*) from answer where number <= mark.through) as answers,
       (select count(*) from answer cross join answer_key merged
          on merged.ask = answer.ask and merged.key = answer.key and merged.answer = answer.number
        where answer.number <= mark.through) as found,
       (select count(*) from answer_key) as keys,
       (select count(*) - count(distinct tail.ask || ' ' || tail.key) from answer tail where tail.number > mark.through)
       + (select count(*) from answer tail cross join answer_key merged
            on merged.ask = tail.ask and merged.key = tail.key
          where tail.number > mark.through) as doubled
     from answer_key_mark mark`,
  );
  if (counts === undefined) return ['the keys have no mark'];
  return [
    ...describe(counts.answers - counts.found, 'answers not found by their keys'),
    ...describe(counts.keys - counts.found, 'keys that lead to an answer not theirs'),
    ...describe(counts.doubled, 'keys with more than one answer'),
  ];
}

function describe(count: number, what: string): string[] {
  return count === 0 ? [] : [`${what}: ${count}`];
}
