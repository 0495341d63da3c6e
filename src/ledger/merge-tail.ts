import type { Database } from './database.js';

/** Brings the keys of the tail into their table, in its order, and moves the mark: part of the caller's transaction. */
export function mergeTail(database: Database): void {
  database.run(
    `insert into answer_key (ask, key, answer)
     select ask, key, number from answer where number > (select through from answer_key_mark) order by ask, key`,
  );
  // The mark never goes back: by the mark alone, every process tells whether the tail that it has at hand is still one.
  database.run(
    `update answer_key_mark set through = (select max(number) from answer)
     where through < (select max(number) from answer)`,
  );
}
