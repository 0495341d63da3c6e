import { RowfillError } from '../errors.js';
import type { Database } from './database.js';

/** Long enough for its keys to fill pages of the table, short enough to be read again after a crash. */
const MAX_TAIL = 20_000;

/** The keys as a transaction sees them. */
interface Sight {
  readonly through: number;
  /** The highest number that was ever given to an answer. */
  readonly last: number;
  /** Whether any answer of the ask has its key in the table. */
  readonly isAskMerged: number;
  readonly added: string;
}

/** Reads of the tail only what came since, unless the mark has moved: then the tail is another one. */
export const READ_TAIL = `
  select mark.through,
    coalesce((select seq from sqlite_sequence where name = 'answer'), 0) as last,
    exists (select 1 from answer_key where ask = ?1) as isAskMerged,
    (select json_group_array(json_array(number, ask, key)) from answer
     where number > iif(mark.through = ?2, ?3, mark.through)) as added
  from answer_key_mark mark`;

/** Looks each key up once: `cross join` holds the planner to this order. */
export const FIND_MERGED = `
  select json_group_array(found.key) as keys, json_group_array(found.answer) as answers
  from json_each(?2) asked cross join answer_key found on found.ask = ?1 and found.key = asked.value`;

/**
 * Tells which answer a key has. A key is a hash, so an index over all of them would have a page to write for every row.
 * The table `answer_key` holds those of the answers up to a mark; the answers after it, the tail, are read from the file
 * once and kept at hand here, until `mergeTail` brings their keys into the table, many to a page.
 */
export class AnswerKeys {
  readonly #database: Database;
  readonly #maxTail: number;
  /** Numbers by ask and key. */
  readonly #tail = new Map<number, Map<string, number>>();
  #length = 0;
  /** The mark that the tail begins after; null: it has to be read whole. */
  #through: number | null = null;
  #last = 0;
  #rollbacks = 0;

  constructor(database: Database, maxTail = MAX_TAIL) {
    this.#database = database;
    this.#maxTail = maxTail;
  }

  /** The numbers of the answers to these keys, as the transaction at hand sees them; a key without an answer is missing. */
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

  /** The number that the next answer of this transaction gets; it must be told of by `add` once it is written. */
  get next(): number {
    return this.#last + 1;
  }

  /** Takes an answer in that was written just now. */
  add(ask: number, key: string, number: number): void {
    const known = this.#tail.get(ask);
    if (known === undefined) this.#tail.set(ask, new Map([[key, number]]));
    else known.set(key, number);
    this.#length += 1;
    this.#last = Math.max(this.#last, number);
  }

  /** True once it is time to merge the tail. */
  get isLong(): boolean {
    return this.#length >= this.#maxTail;
  }

  #readTail(ask: number): Sight {
    // What was rolled back may be in the tail, and its numbers are given to others.
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
