import { RowfillError } from '../errors.js';
import type { Database } from './database.js';

/** Long enough for its keys to fill table pages, short enough to be read again after a crash. */
const MAX_TAIL = 20_000;

/** State of the keys in the current transaction. */
interface Sight {
  readonly through: number;
  /** Highest answer number ever assigned. */
  readonly last: number;
  /** Whether the table has a key of this ask. */
  readonly isAskMerged: number;
  readonly added: string;
}

/** Reads only new tail entries. If the mark moved, reads the whole tail again. */
export const READ_TAIL = `
  select mark.through,
    coalesce((select seq from sqlite_sequence where name = 'answer'), 0) as last,
    exists (select 1 from answer_key where ask = ?1) as isAskMerged,
    (select json_group_array(json_array(number, ask, key)) from answer
     where number > iif(mark.through = ?2, ?3, mark.through)) as added
  from answer_key_mark mark`;

/** Looks up each key once; `cross join` forces the planner to use this order. */
export const FIND_MERGED = `
  select json_group_array(found.key) as keys, json_group_array(found.answer) as answers
  from json_each(?2) asked cross join answer_key found on found.ask = ?1 and found.key = asked.value`;

/**
 * Finds the answer of a key. Keys are hashes, so an index over all of them would write one page per row. The
 * table `answer_key` has the keys of answers up to a mark. The answers after it, the tail, are read once and
 * cached here until `mergeTail` moves their keys into the table, many per page.
 */
export class AnswerKeys {
  readonly #database: Database;
  readonly #maxTail: number;
  /** Answer numbers by ask and key. */
  readonly #tail = new Map<number, Map<string, number>>();
  #length = 0;
  /** The mark that the tail starts after; null: the tail must be read again. */
  #through: number | null = null;
  #last = 0;
  #rollbacks = 0;

  constructor(database: Database, maxTail = MAX_TAIL) {
    this.#database = database;
    this.#maxTail = maxTail;
  }

  /** Answer numbers of these keys in the current transaction. Keys without an answer are missing. */
  find(ask: number, keys: readonly string[]): Map<string, number> {
    const { isAskMerged } = this.#readTail(ask);
    const tail = this.#tail.get(ask);
    const found = new Map<string, number>();
    const others: string[] = [];
    for (const key of keys) {
      const number = tail?.get(key);
      if (number === undefined) others.push(key);
      else found.set(key, number);
    }
    if (isAskMerged === 1 && others.length > 0) this.#findMerged(ask, others, found);
    return found;
  }

  /** Number for the next answer of this transaction. Call `add` once the answer is written. */
  get next(): number {
    return this.#last + 1;
  }

  /** Adds an answer that was just written. */
  add(ask: number, key: string, number: number): void {
    const known = this.#tail.get(ask);
    if (known === undefined) this.#tail.set(ask, new Map([[key, number]]));
    else known.set(key, number);
    this.#length += 1;
    this.#last = Math.max(this.#last, number);
  }

  /** True if the tail is long enough to merge. */
  get isLong(): boolean {
    return this.#length >= this.#maxTail;
  }

  #readTail(ask: number): Sight {
    // After a rollback, the tail may have answers that no longer exist and whose numbers are reused.
    if (this.#rollbacks !== this.#database.rollbacks) this.#through = null;
    const sight = this.#database.get<Sight>(READ_TAIL, ask, this.#through, this.#last);
    if (sight === undefined) throw new RowfillError('defect', 'LEDGER_KEYS', 'The keys have no mark');
    if (sight.through !== this.#through) {
      this.#tail.clear();
      this.#length = 0;
    }
    for (const [number, owner, key] of JSON.parse(sight.added) as [number, number, string][]) {
      this.add(owner, key, number);
    }
    this.#through = sight.through;
    this.#last = sight.last;
    this.#rollbacks = this.#database.rollbacks;
    return sight;
  }

  #findMerged(ask: number, keys: readonly string[], found: Map<string, number>): void {
    const merged = this.#database.get<{ keys: string; answers: string }>(
      FIND_MERGED,
      ask,
      JSON.stringify(keys),
    );
    if (merged === undefined) return;
    const answers = JSON.parse(merged.answers) as number[];
    for (const [index, key] of (JSON.parse(merged.keys) as string[]).entries()) {
      found.set(key, answers[index] ?? 0);
    }
  }
}
