import type { Database } from './database.js';

interface Counts {
  /** Answers up to the mark, and how many of them are found by their keys. */
  readonly answers: number;
  readonly found: number;
  readonly keys: number;
  /** Tail keys that another answer has too. */
  readonly doubled: number;
}

/**
 * Lists faults of the file, one per line: damaged pages, broken references, answers that cannot be found by
 * their keys.
 */
export function checkLedger(database: Database): string[] {
  const faults = database.check();
  // Keys can only be checked if the pages are intact.
  return faults.length > 0 ? faults : checkKeys(database);
}

/**
 * Checks that each answer is found by its key, in the table or the tail, and that every key belongs to its
 * answer.
 */
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
    ...describe(counts.keys - counts.found, 'keys that point to the wrong answer'),
    ...describe(counts.doubled, 'keys with more than one answer'),
  ];
}

function describe(count: number, what: string): string[] {
  return count === 0 ? [] : [`${what}: ${count}`];
}
