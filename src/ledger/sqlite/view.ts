import { Block, type BlockRow, SPAN, unpackKeys } from '../blocks.js';
import { addBlock, type Reading, type RowState } from '../row-state.js';
import type { Database } from './database.js';
import { KeyIndex } from './key-index.js';

export const SELECT_BLOCKS = `
  select number, keys, kind, job, invocation, run_id as runId, cost_micros as costMicros, is_estimated as isEstimated,
    effort, is_refresh as isRefresh, intended_at as intendedAt, settled_at as settledAt, content
  from block`;
/** Blocks read into the index in one turn of the event loop. */
const LOAD_BLOCKS = 1_000;
/** Above this number of rows, only the blocks that are read are kept in memory. */
const CACHED_ROWS = 500;

/** True for a batch that this process has reserved and still holds. */
type IsOwn = (batchId: string, holder: number) => boolean;

/** An open batch that this process has not reserved. */
interface Claim {
  readonly batchId: string;
  readonly keys: readonly string[];
}

/**
 * What this process knows of an ask: where its rows are stored, and which rows are in open batches that it has not
 * reserved. Kept current by reading what changed. Used inside transactions only.
 */
export class AskView {
  readonly number: number;
  /** Number of the last change that this view includes. */
  change: number;
  answered = 0;
  settledRuns = 0;
  /** True if the counts must be written. */
  isChanged = false;
  /** Number of the last change that another process made, among those that this view has read one by one. */
  lastForeign = 0;
  readonly #database: Database;
  readonly #index = new KeyIndex();
  /** Blocks of other processes, by offset, that were added since this view was loaded. */
  readonly #foreignBlocks = new Set<number>();
  /** Number up to which blocks were loaded. They may be of any process. */
  #loaded: number;
  readonly #claims = new Map<number, Claim>();
  /** Number of these batches by row key. */
  readonly #claimed = new Map<string, number>();
  /** The blocks that were read last, by offset. */
  #blocks: ReadonlyMap<number, Block> = new Map();

  constructor(database: Database, number: number) {
    this.#database = database;
    this.number = number;
    this.change = this.base;
    this.#loaded = this.base;
  }

  /** The number before the first change. */
  get base(): number {
    return this.number * SPAN;
  }

  /** Condition for rows that belong to this ask. */
  get range(): string {
    return `number > ${this.base} and number < ${this.base + SPAN}`;
  }

  /** True if any of these rows has changed since a change. */
  hasChanged(keys: readonly string[], since: number): boolean {
    const wanted = new Set(keys);
    const blocks = this.#database.all<{ keys: Uint8Array | null }>(
      'select keys from block where number > ? and number < ?',
      Math.max(since, this.base),
      this.base + SPAN,
    );
    return blocks.some(({ keys: packed }) => unpackKeys(packed).some((key) => wanted.has(key)));
  }

  /** Draws the number of the next change. */
  draw(): number {
    this.change += 1;
    this.isChanged = true;
    return this.change;
  }

  /** Reads the next blocks into the index. Returns false once all are read. */
  load(): boolean {
    const blocks = this.#database.all<{ number: number; keys: Uint8Array | null }>(
      'select number, keys from block where number > ? and number < ? order by number limit ?',
      this.#loaded,
      this.base + SPAN,
      LOAD_BLOCKS,
    );
    for (const { number, keys } of blocks) {
      if (keys !== null) for (const key of unpackKeys(keys)) this.#index.add(key, number - this.base);
      this.#loaded = number;
    }
    return blocks.length === LOAD_BLOCKS;
  }

  /** Reads the counts and the open batches, once all blocks are loaded. */
  start(isOwn: IsOwn): void {
    this.#readCounts();
    this.#readBatches(this.base, isOwn);
    this.lastForeign = this.change;
  }

  /**
   * Takes in what other processes changed since this view was current. Returns false if the ask is gone.
   */
  sync(isOwn: IsOwn): boolean {
    const before = this.change;
    if (!this.#readCounts()) return false;
    if (this.change === before) return true;
    const blocks = this.#database.all<{ number: number; keys: Uint8Array | null; batch: string | null }>(
      'select number, keys, batch from block where number > ? and number < ? order by number',
      before,
      this.base + SPAN,
    );
    const ended = new Set(blocks.flatMap(({ batch }) => batch ?? []));
    for (const { number, keys } of blocks) {
      if (keys === null) continue;
      this.#foreignBlocks.add(number - this.base);
      for (const key of unpackKeys(keys)) this.#index.add(key, number - this.base);
    }
    for (const [number, { batchId }] of this.#claims) if (ended.has(batchId)) this.release(number);
    this.#readBatches(before, isOwn);
    this.lastForeign = this.change;
    return true;
  }

  /** Keys of these in open batches that this process has not reserved. */
  listElsewhere(keys: readonly string[]): Set<string> {
    return this.#claimed.size === 0 ? NONE : new Set(keys.filter((key) => this.#claimed.has(key)));
  }

  /** True if another process claimed or answered the key after the change `seen`. */
  isTaken(key: string, seen: number): boolean {
    if (this.#claimed.has(key)) return true;
    if (seen >= this.lastForeign) return false;
    const loaded = this.#loaded - this.base;
    const offsets = this.#index.find(key).filter((offset) => offset + this.base > seen);
    return offsets.some((offset) => offset <= loaded || this.#foreignBlocks.has(offset));
  }

  /** True if any process answered the key after the change `seen`. */
  isAnsweredSince(key: string, seen: number): boolean {
    return this.#index.find(key).some((offset) => offset + this.base > seen);
  }

  /** Keys in open batches of a holder. */
  listOwnKeys(holder: number): ReadonlySet<string> {
    const rows = this.#database.all<{ keys: Uint8Array }>(
      `select keys from batch where ${this.range} and holder = ?`,
      holder,
    );
    return new Set(rows.flatMap(({ keys }) => unpackKeys(keys)));
  }

  /** Forgets the claim of a batch that has ended. Returns false if there was none. */
  release(number: number): boolean {
    for (const key of this.#claims.get(number)?.keys ?? []) {
      const batches = (this.#claimed.get(key) ?? 0) - 1;
      if (batches > 0) this.#claimed.set(key, batches);
      else this.#claimed.delete(key);
    }
    return this.#claims.delete(number);
  }

  /** Treats a block as another process's, because it settles a batch that this process has taken over. */
  markForeign(number: number): void {
    this.#foreignBlocks.add(number - this.base);
    this.lastForeign = number;
  }

  /** Adds a block of this process. Returns the keys that may have been there before. */
  add(number: number, keys: readonly string[]): string[] {
    const offset = number - this.base;
    const repeated: string[] = [];
    for (const key of keys) if (this.#index.add(key, offset)) repeated.push(key);
    return repeated;
  }

  /** Reads the states of rows, from the view of a job, or as they were before a change. Unknown keys are missing. */
  read(
    keys: readonly string[],
    job: number,
    reading: Reading,
    before = Number.POSITIVE_INFINITY,
  ): Map<string, RowState> {
    const last = before - this.base;
    const found: (readonly number[])[] = [];
    const offsets = new Set<number>();
    for (const key of keys) {
      const places = this.#index.find(key);
      found.push(places);
      for (const offset of places) if (offset < last) offsets.add(offset);
    }
    this.#fetch(offsets);
    const states = new Map<string, RowState>();
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] ?? '';
      let state: RowState | null = null;
      for (const offset of found[index] ?? []) {
        const block = offset < last ? this.#blocks.get(offset) : undefined;
        if (block !== undefined) state = addBlock(state, key, block, job, reading);
      }
      if (state !== null) states.set(key, state);
    }
    return states;
  }

  /**
   * Reads the blocks at these offsets, except those that were read last. Many are dropped, because the next rows of a
   * file are mostly in others. Into a new map each time: a map that lives long keeps what was in it alive, because the
   * tables that it has outgrown are only freed when all memory is searched, and still hold their entries.
   */
  #fetch(offsets: ReadonlySet<number>): void {
    const missing = [...offsets].filter((offset) => !this.#blocks.has(offset));
    if (missing.length === 0) return;
    let rows = 0;
    for (const block of this.#blocks.values()) rows += block.length;
    const blocks = new Map<number, Block>();
    for (const [offset, block] of this.#blocks)
      if (rows <= CACHED_ROWS || offsets.has(offset)) blocks.set(offset, block);
    const read = this.#database.all<BlockRow>(
      `${SELECT_BLOCKS} where number in (select value from json_each(?))`,
      JSON.stringify(missing.map((offset) => offset + this.base)),
    );
    for (const row of read) blocks.set(row.number - this.base, new Block(row));
    this.#blocks = blocks;
  }

  #readCounts(): boolean {
    const counts = this.#database.get<{ change: number; answered: number; settledRuns: number }>(
      'select change, answered, settled_runs as settledRuns from ask_count where ask = ?',
      this.number,
    );
    if (counts === undefined) return false;
    this.change = counts.change;
    this.answered = counts.answered;
    this.settledRuns = counts.settledRuns;
    return true;
  }

  #readBatches(after: number, isOwn: IsOwn): void {
    const batches = this.#database.all<{ number: number; id: string; holder: number; keys: Uint8Array }>(
      'select number, id, holder, keys from batch where number > ? and number < ?',
      after,
      this.base + SPAN,
    );
    for (const { number, id, holder, keys } of batches) {
      if (isOwn(id, holder)) continue;
      const claim = { batchId: id, keys: unpackKeys(keys) };
      this.#claims.set(number, claim);
      for (const key of claim.keys) this.#claimed.set(key, (this.#claimed.get(key) ?? 0) + 1);
    }
  }
}

const NONE: Set<string> = new Set();
