import type { Database } from './database.js';

/**
 * Moves the tail's keys into their table, in the table's order, and advances the mark, inside the caller's
 * transaction.
 */
export function mergeTail(database: Database): void {
  database.run(
    `insert into answer_key (ask, key, answer)
     select ask, key, number from answer where number > (select through from answer_key_mark) order by ask, key`,
  );
  // The mark must never decrease: other processes use it to tell whether their cached tail is still valid.
  database.run(
    `update answer_key_mark set through = (select max(number) from answer)
     where through < (select max(number) from answer)`,
  );
}
