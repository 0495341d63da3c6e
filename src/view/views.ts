import { setImmediate } from 'node:timers/promises';
import { ROW_STATUSES } from '../model/answer.js';
import type { Facets, View, ViewCell, ViewFilter, ViewQuery } from './api.js';
import { LEVELS, showInput, VERDICT_MARKS } from './cell-text.js';
import type { Survey } from './survey.js';
import type { ViewJob } from './view-job.js';

/** Rows looked through at once; other requests are answered in between. */
const CHUNK_ROWS = 2_000;
const MAX_KEPT = 8;
const MAX_HOSTS = 12;
const MAX_REASONS = 8;
/** Sites with most rows, among which the most frequent of a filter are looked for. */
const MAX_CANDIDATES = 500;

interface KeptView extends View {
  /** Rows in their order; null for all rows in the order of the file. */
  readonly ordinals: Uint32Array | null;
}

/** Filters, sorts and counts rows. A view is a list of ordinals, made once: rows do not move while they are looked at. */
export class Views {
  readonly #view: ViewJob;
  readonly #survey: Survey;
  readonly #columns: () => readonly string[];
  readonly #kept = new Map<string, KeptView>();
  #number = 0;
  #lastSearch: { readonly text: string; readonly done: number; readonly hits: Uint8Array } | null = null;

  constructor(view: ViewJob, survey: Survey, columns: () => readonly string[]) {
    this.#view = view;
    this.#survey = survey;
    this.#columns = columns;
  }

  /** Creates a view and counts its facets. Filters and sorts consider the rows surveyed so far. */
  async create(query: ViewQuery): Promise<View> {
    const { ordinals, facets } = await this.#select(query.filter);
    const sorted = query.sort === null ? ordinals : await this.#sort(ordinals, query.sort);
    this.#number += 1;
    const id = String(this.#number);
    const count = sorted?.length ?? this.#view.rows.count;
    this.#kept.set(id, { id, count, facets, ordinals: sorted });
    for (const old of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(old);
    }
    return { id, count, facets };
  }

  /** Counts the facets of a filter. */
  async count(filter: ViewFilter): Promise<{ readonly count: number; readonly facets: Facets }> {
    const { ordinals, facets } = await this.#select(filter);
    return { count: ordinals?.length ?? this.#view.rows.count, facets };
  }

  /** Ordinals of the rows at places of a view; null if the view is not kept any more. */
  list(id: string, from: number, count: number): number[] | null {
    const kept = this.#kept.get(id);
    if (kept === undefined) return null;
    const total = kept.ordinals?.length ?? this.#view.rows.count;
    const length = Math.max(0, Math.min(count, total - from));
    return Array.from({ length }, (_, index) => kept.ordinals?.[from + index] ?? from + index);
  }

  /**
   * The next cell of a view that a person should look at, after or before the field at an index of a row; null if there is
   * none. `undefined` if the view is not kept any more.
   */
  async findReview(
    id: string,
    place: number,
    field: number,
    by: 1 | -1,
  ): Promise<ViewCell | null | undefined> {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    const { fields } = this.#view.job.ask;
    const total = kept.ordinals?.length ?? this.#survey.done;
    for (let row = place; row >= 0 && row < total; row += by) {
      const ordinal = kept.ordinals?.[row] ?? row;
      for (let step = 0; step < fields.length; step += 1) {
        const at = by > 0 ? step : fields.length - 1 - step;
        if (row === place && by * (at - field) <= 0) continue;
        const name = fields[at]?.name;
        if (name !== undefined && this.#survey.needsReview(at, ordinal))
          return { place: row, ordinal, field: name };
      }
      if (row % CHUNK_ROWS === 0) await setImmediate();
    }
    return null;
  }

  async #select(filter: ViewFilter): Promise<{ ordinals: Uint32Array | null; facets: Facets }> {
    const hits = filter.search.trim() === '' ? null : await this.#search(filter.search.trim());
    const counter = new FacetCounter(this.#survey, this.#view.job.ask.fields.length, filter, hits);
    const found = counter.isOpen ? null : new Uint32Array(this.#survey.done);
    let count = 0;
    for (let ordinal = 0; ordinal < this.#survey.done; ordinal += 1) {
      if (!counter.add(ordinal) || found === null) continue;
      found[count] = ordinal;
      count += 1;
    }
    const facets = counter.read(this.#view.job.ask.fields.findIndex(({ name }) => name === filter.field));
    return { ordinals: found?.slice(0, count) ?? null, facets };
  }

  /** Looks for a text in the cells of the input and in the values, whatever its case. */
  async #search(text: string): Promise<Uint8Array> {
    const last = this.#lastSearch;
    const { done } = this.#survey;
    if (last !== null && last.text === text && last.done === done && this.#survey.isDone) return last.hits;
    const needle = text.toLowerCase();
    const columns = this.#columns();
    const isHit = (cell: string): boolean => cell.toLowerCase().includes(needle);
    // Rows are stored as JSON, in which plain text stands as it is: most rows need not be parsed.
    const isPlain = PLAIN.test(needle);
    const mayHold = (stored: string): boolean => !isPlain || isHit(stored);
    const hits = new Uint8Array(done);
    for (let from = 0; from < done; from += CHUNK_ROWS) {
      const ordinals = listFrom(from, Math.min(CHUNK_ROWS, done - from));
      const values = await this.#survey.values.read(ordinals);
      for (const [index, value] of values.entries()) {
        if (mayHold(value) && parseTexts(value).some(isHit)) hits[from + index] = 1;
      }
      const rows = await this.#view.rows.read(ordinals, mayHold);
      for (const row of rows) if (showInput(row, columns).some(isHit)) hits[row.ordinal] = 1;
      await setImmediate();
    }
    this.#lastSearch = { text, done, hits };
    return hits;
  }

  /** Sorts rows by a column, blanks last. Equal rows stay in the order of the file. */
  async #sort(
    ordinals: Uint32Array | null,
    { column, descending }: NonNullable<ViewQuery['sort']>,
  ): Promise<Uint32Array> {
    const rows = ordinals ?? Uint32Array.from(listFrom(0, this.#survey.done));
    const rank = await this.#rank(rows, column);
    const sign = descending ? -1 : 1;
    const order = Array.from(rows, (_, index) => index);
    order.sort((a, b) => {
      const [first = Number.NaN, second = Number.NaN] = [rank[a], rank[b]];
      if (Number.isNaN(first) || Number.isNaN(second))
        return Number(Number.isNaN(first)) - Number(Number.isNaN(second)) || a - b;
      return sign * (first - second) || a - b;
    });
    return Uint32Array.from(order, (index) => rows[index] ?? 0);
  }

  /** A number for each row by which it is sorted; NaN for a blank. */
  async #rank(rows: Uint32Array, column: string): Promise<Float64Array> {
    const survey = this.#survey;
    if (column === '#status') {
      return Float64Array.from(rows, (row) => ROW_STATUSES.indexOf(survey.statusOf(row) ?? 'pending'));
    }
    if (column === '#cost') return Float64Array.from(rows, (row) => survey.costOf(row));
    const texts = await this.#readColumn(rows, column);
    const filled = texts.filter((text) => text !== '');
    if (filled.every((text) => Number.isFinite(Number(text)))) {
      return Float64Array.from(texts, (text) => (text === '' ? Number.NaN : Number(text)));
    }
    const distinct = [...new Set(filled)].map((text) => ({ text, folded: text.toLocaleLowerCase('en') }));
    distinct.sort((a, b) => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0));
    const ranks = new Map(distinct.map(({ text }, index) => [text, index]));
    return Float64Array.from(texts, (text) => ranks.get(text) ?? Number.NaN);
  }

  async #readColumn(rows: Uint32Array, column: string): Promise<string[]> {
    const field = this.#view.job.ask.fields.findIndex(({ name }) => name === column);
    const texts: string[] = [];
    for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
      const ordinals = [...rows.subarray(from, from + CHUNK_ROWS)];
      if (field >= 0) {
        const values = await this.#survey.values.read(ordinals);
        for (const value of values) texts.push(parseTexts(value)[field] ?? '');
      } else {
        const read = await this.#view.rows.read(ordinals);
        for (const row of read) texts.push(showInput(row, [column])[0]?.trim() ?? '');
      }
      await setImmediate();
    }
    return texts;
  }
}

/** Text that JSON never writes otherwise. */
const PLAIN = /^[ !#-.0-[\]-~]*$/;

function listFrom(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

function parseTexts(line = ''): readonly string[] {
  // Only the survey writes these lines.
  return line === '' ? [] : (JSON.parse(line) as string[]);
}

/** Counts each group of a facet under all filters but its own, in one pass over the rows. */
class FacetCounter {
  /** True if no filter is set. */
  readonly isOpen: boolean;
  readonly #survey: Survey;
  readonly #hits: Uint8Array | null;
  readonly #statuses: ReadonlySet<number>;
  readonly #levels: ReadonlySet<number>;
  readonly #verdicts: ReadonlySet<number>;
  readonly #fieldAt: number[];
  /** The fields that levels and verdicts are about. */
  readonly #chosen: readonly number[];
  readonly #onHosts: Uint8Array | null;
  readonly #reasons: ReadonlySet<number>;
  readonly #countStatus = ROW_STATUSES.map(() => 0);
  readonly #countFields: number[][];
  readonly #countVerdicts: number[][];
  readonly #countReasons: number[];
  #countReview = 0;
  /** Rows that pass all filters but that of hosts. */
  readonly #passHosts: Uint8Array;

  constructor(survey: Survey, fields: number, filter: ViewFilter, hits: Uint8Array | null) {
    this.#survey = survey;
    this.#hits = hits;
    this.#statuses = new Set(filter.status.map((status) => ROW_STATUSES.indexOf(status)));
    this.#levels = new Set(filter.levels.map((level) => LEVELS.indexOf(level)));
    this.#verdicts = new Set(filter.verdicts.map((mark) => VERDICT_MARKS.indexOf(mark) + 1));
    this.#fieldAt = listFrom(0, fields);
    this.#chosen = filter.field === null ? this.#fieldAt : [survey.findField(filter.field)];
    this.#onHosts = filter.hosts.length === 0 ? null : markRows(survey, filter.hosts);
    this.#reasons = new Set(filter.reasons.map((reason) => survey.reasons.indexOf(reason) + 1));
    this.#countFields = this.#fieldAt.map(() => LEVELS.map(() => 0));
    this.#countVerdicts = this.#fieldAt.map(() => VERDICT_MARKS.map(() => 0));
    this.#countReasons = survey.reasons.map(() => 0);
    this.#passHosts = new Uint8Array(survey.done);
    this.isOpen =
      hits === null &&
      this.#onHosts === null &&
      this.#statuses.size + this.#levels.size + this.#verdicts.size + this.#reasons.size === 0;
  }

  /** Counts a row. Returns true if it passes all filters. */
  add(ordinal: number): boolean {
    if (this.#hits !== null && this.#hits[ordinal] !== 1) return false;
    const survey = this.#survey;
    const status = ROW_STATUSES.indexOf(survey.statusOf(ordinal) ?? 'pending');
    const reason = survey.reasonOf(ordinal);
    const byStatus = this.#statuses.size === 0 || this.#statuses.has(status);
    const byLevel = this.#levels.size === 0 || this.#hasLevel(ordinal);
    const byVerdict = this.#verdicts.size === 0 || this.#hasVerdict(ordinal);
    const byHost = this.#onHosts === null || this.#onHosts[ordinal] === 1;
    const byReason = this.#reasons.size === 0 || this.#reasons.has(reason);
    const misses = [byStatus, byLevel, byVerdict, byHost, byReason].reduce(
      (sum, isIn) => sum + Number(!isIn),
      0,
    );
    if (misses > 1) return false;
    const isPassed = misses === 0;
    if (isPassed)
      for (const field of this.#fieldAt) this.#countReview += Number(survey.needsReview(field, ordinal));
    if (isPassed || !byStatus) this.#countStatus[status] = (this.#countStatus[status] ?? 0) + 1;
    if (isPassed || !byLevel) this.#countLevels(ordinal);
    if (isPassed || !byVerdict) this.#countSeen(ordinal);
    if (isPassed || !byHost) this.#passHosts[ordinal] = 1;
    if (reason > 0 && (isPassed || !byReason))
      this.#countReasons[reason - 1] = (this.#countReasons[reason - 1] ?? 0) + 1;
    return isPassed;
  }

  /** `field` is the index of the field that levels are about; -1 for all. */
  read(field: number): Facets {
    const fields = this.#countFields;
    const levels = LEVELS.map((_, level) =>
      fields.reduce((sum, counts, at) => sum + (field < 0 || at === field ? (counts[level] ?? 0) : 0), 0),
    );
    return {
      status: this.#countStatus,
      levels,
      fields,
      verdicts: VERDICT_MARKS.map((_, mark) =>
        this.#countVerdicts.reduce(
          (sum, counts, at) => sum + (field < 0 || at === field ? (counts[mark] ?? 0) : 0),
          0,
        ),
      ),
      hosts: this.#countHosts(),
      review: this.#countReview,
      reasons: takeMost(
        this.#survey.reasons.map((reason, index) => [reason, this.#countReasons[index] ?? 0] as const),
        MAX_REASONS,
      ),
    };
  }

  #hasLevel(ordinal: number): boolean {
    return this.#chosen.some((field) => this.#levels.has(this.#survey.levelOf(field, ordinal)));
  }

  #hasVerdict(ordinal: number): boolean {
    return this.#chosen.some((field) => this.#verdicts.has(this.#survey.verdictOf(field, ordinal)));
  }

  #countSeen(ordinal: number): void {
    for (const field of this.#fieldAt) {
      const mark = this.#survey.verdictOf(field, ordinal) - 1;
      const counts = this.#countVerdicts[field];
      if (mark >= 0 && counts !== undefined) counts[mark] = (counts[mark] ?? 0) + 1;
    }
  }

  #countLevels(ordinal: number): void {
    for (const field of this.#fieldAt) {
      const level = this.#survey.levelOf(field, ordinal);
      const counts = this.#countFields[field];
      if (counts !== undefined) counts[level] = (counts[level] ?? 0) + 1;
    }
  }

  #countHosts(): Facets['hosts'] {
    const candidates = [...this.#survey.hosts].sort((a, b) => b[1].length - a[1].length);
    const counted = candidates.slice(0, MAX_CANDIDATES).map(([host, rows]) => {
      let count = 0;
      for (const ordinal of rows) count += this.#passHosts[ordinal] ?? 0;
      return [host, count] as const;
    });
    return takeMost(counted, MAX_HOSTS);
  }
}

function takeMost(
  counted: readonly (readonly [string, number])[],
  most: number,
): readonly (readonly [string, number])[] {
  return counted
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, most);
}

function markRows(survey: Survey, hosts: readonly string[]): Uint8Array {
  const marked = new Uint8Array(survey.done);
  for (const host of hosts) for (const ordinal of survey.hosts.get(host) ?? []) marked[ordinal] = 1;
  return marked;
}
