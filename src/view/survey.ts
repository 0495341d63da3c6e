import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ROW_STATUSES, type RowStatus } from '../model/answer.js';
import { KeySet } from '../model/key-set.js';
import { LEVELS, markVerdict, readHost, showCell, VERDICT_MARKS } from './cell-text.js';
import { createBytes, createShorts, createWords } from './growing-array.js';
import { LineFile } from './line-file.js';
import type { JoinedRow, ViewJob } from './view-job.js';

/** Rows joined at once. Other work goes on in between. */
const CHUNK_ROWS = 500;
/** More distinct sites and reasons are not counted. */
const MAX_HOSTS = 20_000;
const MAX_REASONS = 1_000;
const MAX_REASON_LENGTH = 160;
/** One byte per cell: the level in the low 4 bits, then the verdict in 3, and whether the value is doubtful. */
const LEVEL_BITS = 0b1111;
const VERDICT_SHIFT = 4;
const VERDICT_BITS = 0b111;
const DOUBT_BIT = 0b1000_0000;

/** Levels of cells that a person should look at. */
const DOUBTFUL = new Set((['low', 'unrated'] as const).map((level) => LEVELS.indexOf(level)));
const NOT_ON_PAGE = VERDICT_MARKS.indexOf('not_on_page') + 1;

/**
 * What filters, sorts and facets need of every row: status, cost, and the level of each cell, in a few bytes a row. It
 * is filled in the background, and changed row by row as answers arrive.
 */
export class Survey {
  /** Rows surveyed so far: those before this ordinal. */
  done = 0;
  isDone = false;
  readonly whenDone: Promise<void>;
  /** Rows by status, in the order of ROW_STATUSES. */
  readonly counts: number[] = ROW_STATUSES.map(() => 0);
  /** Sites of sources, each with the rows that cite it. */
  readonly hosts = new Map<string, number[]>();
  /** Texts of reasons; a row has the index plus 1. */
  readonly reasons: string[] = [];
  /** The texts of each row's cells of fields, as a JSON array. */
  readonly values: LineFile;
  readonly #view: ViewJob;
  readonly #fields: readonly string[];
  readonly #status = createBytes();
  readonly #costs = createWords();
  readonly #keys = createWords();
  readonly #reasonOf = createShorts();
  readonly #levels: readonly ReturnType<typeof createBytes>[];
  readonly #met = new KeySet();
  #isClosed = false;

  private constructor(view: ViewJob, values: LineFile) {
    this.#view = view;
    this.values = values;
    this.#fields = view.job.ask.fields.map(({ name }) => name);
    this.#levels = this.#fields.map(createBytes);
    this.whenDone = this.#surveyAll();
    this.whenDone.catch(() => undefined);
  }

  /** Starts surveying. */
  static async open(view: ViewJob): Promise<Survey> {
    return new Survey(view, await LineFile.create(join(view.rows.folder, 'values')));
  }

  /** Null for a row that is not surveyed yet. */
  statusOf(ordinal: number): RowStatus | null {
    return ROW_STATUSES[this.#status.get(ordinal) - 1] ?? null;
  }

  costOf(ordinal: number): number {
    return this.#costs.get(ordinal);
  }

  /** Index in LEVELS. */
  levelOf(field: number, ordinal: number): number {
    return (this.#levels[field]?.get(ordinal) ?? 0) & LEVEL_BITS;
  }

  /** Index in VERDICT_MARKS plus 1; 0 if nobody looked. */
  verdictOf(field: number, ordinal: number): number {
    return ((this.#levels[field]?.get(ordinal) ?? 0) >> VERDICT_SHIFT) & VERDICT_BITS;
  }

  /**
   * True for a cell that a person should look at: low or no confidence, doubtful, not on its pages, or the first of a
   * failed row.
   */
  needsReview(field: number, ordinal: number): boolean {
    const cell = this.#levels[field]?.get(ordinal) ?? 0;
    if (DOUBTFUL.has(cell & LEVEL_BITS) || (cell & DOUBT_BIT) !== 0) return true;
    return (
      this.verdictOf(field, ordinal) === NOT_ON_PAGE || (field === 0 && this.statusOf(ordinal) === 'failed')
    );
  }

  findField(name: string): number {
    return this.#fields.indexOf(name);
  }

  /** Why a row failed, as an index in `reasons` plus 1; 0 for none. */
  reasonOf(ordinal: number): number {
    return this.#reasonOf.get(ordinal);
  }

  /** Rows with one of these keys. Keys are shortened, so a wrong row is possible but rare. */
  findRows(keys: readonly string[]): number[] {
    const wanted = new Set(keys.map(shortenKey));
    const found: number[] = [];
    if (wanted.size === 0) return found;
    for (let ordinal = 0; ordinal < this.done; ordinal += 1) {
      if (wanted.has(this.#keys.get(ordinal))) found.push(ordinal);
    }
    return found;
  }

  /** Joins rows again after their answers have changed. */
  async update(ordinals: readonly number[]): Promise<void> {
    this.#dropHosts(ordinals);
    // Of equal rows the first bears the cost, and all of them are here.
    const met = new KeySet();
    for (let from = 0; from < ordinals.length; from += CHUNK_ROWS) {
      const rows = await this.#view.read(ordinals.slice(from, from + CHUNK_ROWS), (key) => met.add(key));
      for (const row of rows) this.#put(row);
    }
    await this.values.flush();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.whenDone.catch(() => undefined);
    await this.values.close();
  }

  async #surveyAll(): Promise<void> {
    const { rows } = this.#view;
    while (!this.#isClosed && !(rows.isRead && this.done === rows.count)) {
      if (this.done === rows.count) {
        await Promise.race([rows.whenRead, pause()]);
        continue;
      }
      const count = Math.min(CHUNK_ROWS, rows.count - this.done);
      const ordinals = Array.from({ length: count }, (_, index) => this.done + index);
      const joined = await this.#view.read(ordinals, (key) => this.#met.add(key));
      let isFull = false;
      for (const row of joined) isFull = this.#put(row) || isFull;
      if (isFull) await this.values.flush();
      this.done += count;
      await setImmediate();
    }
    await this.values.flush();
    this.isDone = !this.#isClosed;
  }

  #put({ row, outcome, key, verdicts }: JoinedRow): boolean {
    const { ordinal } = row;
    const before = this.#status.get(ordinal) - 1;
    if (before >= 0) this.counts[before] = (this.counts[before] ?? 0) - 1;
    const status = ROW_STATUSES.indexOf(outcome.status);
    this.counts[status] = (this.counts[status] ?? 0) + 1;
    this.#status.set(ordinal, status + 1);
    this.#costs.set(ordinal, Math.min(outcome.costMicros, 0xffff_ffff));
    this.#keys.set(ordinal, key === null ? 0 : shortenKey(key));
    this.#reasonOf.set(ordinal, outcome.status === 'failed' ? this.#findReason(outcome.error ?? '') : 0);
    const hosts = new Set<string>();
    const texts = this.#fields.map((name, field) => {
      const cell = showCell(row, name, outcome.fields.get(name), this.#view.blanks);
      const mark = markVerdict(verdicts.get(name));
      const seen = mark === null ? 0 : VERDICT_MARKS.indexOf(mark) + 1;
      const doubt = cell.mark === 'doubt' ? DOUBT_BIT : 0;
      this.#levels[field]?.set(ordinal, LEVELS.indexOf(cell.level) | (seen << VERDICT_SHIFT) | doubt);
      for (const source of cell.citations) {
        const host = readHost(source);
        if (host !== null) hosts.add(host);
      }
      return cell.text ?? '';
    });
    for (const host of hosts) this.#addHost(host, ordinal);
    return this.values.set(ordinal, JSON.stringify(texts));
  }

  /** Forgets which sites rows cited that had values. */
  #dropHosts(ordinals: readonly number[]): void {
    const dropped = new Set(ordinals.filter((ordinal) => HAVE_VALUES.has(this.statusOf(ordinal))));
    if (dropped.size === 0) return;
    for (const [host, rows] of this.hosts) {
      const kept = rows.filter((ordinal) => !dropped.has(ordinal));
      if (kept.length === 0) this.hosts.delete(host);
      else if (kept.length < rows.length) this.hosts.set(host, kept);
    }
  }

  #addHost(host: string, ordinal: number): void {
    const rows = this.hosts.get(host);
    if (rows !== undefined) {
      if (rows.at(-1) !== ordinal) rows.push(ordinal);
    } else if (this.hosts.size < MAX_HOSTS) this.hosts.set(host, [ordinal]);
  }

  #findReason(error: string): number {
    const reason = error.length <= MAX_REASON_LENGTH ? error : `${error.slice(0, MAX_REASON_LENGTH)}…`;
    const known = this.reasons.indexOf(reason);
    if (known >= 0) return known + 1;
    return this.reasons.length < MAX_REASONS ? this.reasons.push(reason) : 0;
  }
}

const HAVE_VALUES: ReadonlySet<RowStatus | null> = new Set(['enriched', 'partial'] as const);

/** Short enough not to be felt while the rest of a file is read. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** The first 32 bits of a row key; never 0. */
function shortenKey(key: string): number {
  return Number.parseInt(key.slice(0, 8), 16) || 1;
}
