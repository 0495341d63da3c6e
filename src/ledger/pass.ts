import type { Database } from './database.js';

/** One reading of an input: remembers which row keys were met, outside of the program's memory. */
export class Pass {
  readonly #database: Database;
  readonly #number: number;

  constructor(database: Database, number: number) {
    this.#database = database;
    this.#number = number;
    database.exec(
      'create table if not exists temp.met (pass integer, key text, primary key (pass, key)) strict, without rowid',
    );
  }

  /** For each key, true if this is the first time it is met: the rows after it are its twins. */
  claimKeys(keys: readonly string[]): boolean[] {
    const rows = this.#database.all<{ key: string }>(
      'insert or ignore into temp.met (pass, key) select ?, value from json_each(?) returning key',
      this.#number,
      JSON.stringify(keys),
    );
    const first = new Set(rows.map((row) => row.key));
    return keys.map((key) => first.delete(key));
  }

  /** Forgets the keys. */
  end(): void {
    this.#database.run('delete from temp.met where pass = ?', this.#number);
  }
}
