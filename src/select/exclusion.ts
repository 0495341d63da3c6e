import { type Blanks, DEFAULT_BLANKS } from '../model/blank.js';
import { type ColumnKind, resolveColumnKind } from '../model/column-kind.js';
import { normalizeEntityKey } from '../model/entity-key.js';
import { getOwn, type JsonObject, type JsonValue } from '../model/json.js';
import { cleanCell, getValue, type Row } from '../model/row.js';
import { ExclusionStore, type KeyIndex, type Keys } from './exclusion-store.js';

/** A record of the exclusion file. */
export interface ExclusionRecord {
  readonly line: number;
  readonly values: JsonObject;
}

export interface ExclusionOptions {
  /** Input columns to match rows by. */
  readonly on: readonly string[];
  /** Fields to match answers by. If set, no row is excluded, but every answer that is on the list. */
  readonly onAnswer: readonly string[];
  /** Columns of a record that may be sent to the agent. */
  readonly tell: readonly string[];
  /** Which values count as blank. @default the default blanks */
  readonly blanks?: Blanks;
}

/** Position of a record in the exclusion file. */
export type ExclusionPlace = Pick<ExclusionRecord, 'line'>;

/** Number of records, equal ones included, with the lines of the first few. */
export interface RecordCount {
  readonly count: number;
  readonly lines: readonly number[];
}

export interface Exclusion {
  /** Returns the first record that excludes this row, or null. */
  findMatch(row: Row): ExclusionPlace | null;
  /**
   * Returns the first record that excludes an answer, given the values sent for the row and the values found
   * by field.
   */
  findExcludedAnswer(record: JsonObject, values: JsonObject): ExclusionPlace | null;
  /** Fields that answers are matched by. */
  readonly answerFields: readonly string[];
  /** Returns the records to send with a batch: those that share a key with one of its rows, at most `limit`. */
  relevantTo(records: readonly JsonObject[], limit?: number): JsonObject[];
  /** Counts the records that no row has matched so far. */
  countUnmatched(): RecordCount;
  /** Counts the records without a value in any key column. */
  countBlank(): RecordCount;
}

const MAX_SENT = 100;

/** An exclusion list while it is being read. */
export interface ExclusionList {
  /** Number of records added. */
  readonly count: number;
  /** Number of distinct records. */
  readonly size: number;
  /** Bytes of JSON stored for sending to the agent. */
  readonly toldBytes: number;
  add(record: ExclusionRecord): void;
  /** Call this after all records are added. */
  finish(): Exclusion;
}

/** Matches rows against the records of an exclusion file; see `openExclusion`. */
export function createExclusion(records: readonly ExclusionRecord[], options: ExclusionOptions): Exclusion {
  const list = openExclusion(options);
  for (const record of records) list.add(record);
  return list.finish();
}

/**
 * Matches rows against an exclusion file by normalized keys: registrable domain, case-folded email, company
 * name without legal form, digits of a phone. A record excludes a row if they agree in every key column that
 * both have, and in at least one.
 */
export function openExclusion(options: ExclusionOptions): ExclusionList {
  const { on, onAnswer, tell, blanks = DEFAULT_BLANKS } = options;
  const ours = on.map(createKeyColumn);
  const theirs = onAnswer.map(createKeyColumn);
  const all = [...ours, ...theirs];
  const used = [...new Set([...on, ...onAnswer, ...tell])];
  const store = new ExclusionStore(all.length);
  const recent = new RecentRecords();
  let count = 0;
  return {
    get count() {
      return count;
    },
    get size() {
      return store.size;
    },
    get toldBytes() {
      return store.textBytes;
    },
    add({ line, values }) {
      count += 1;
      const cells = formatCells(values, used);
      const known = recent.find(cells);
      if (known !== undefined) {
        store.repeat(known);
        return;
      }
      const keys = readKeys(all, blanks, (column) => values[column]);
      recent.add(cells, store.add(keys, line, JSON.stringify(pickValues(values, tell, blanks))));
    },
    finish: () => createMatcher(store, { ...options, blanks }, ours, theirs),
  };
}

/** The cells of a record as one text; null if one of them is nested. */
function formatCells(values: JsonObject, columns: readonly string[]): string | null {
  const cells = columns.map((column) => values[column] ?? null);
  return cells.some((cell) => typeof cell === 'object' && cell !== null) ? null : JSON.stringify(cells);
}

const MAX_RECENT_LENGTH = 1_000_000;

/** Cache of recently added records by their cells: a repeated record takes a tenth of the time. */
class RecentRecords {
  readonly #records = new Map<string, number>();
  #length = 0;

  find(cells: string | null): number | undefined {
    return cells === null ? undefined : this.#records.get(cells);
  }

  add(cells: string | null, record: number): void {
    if (cells === null) return;
    if (this.#length > MAX_RECENT_LENGTH) {
      this.#records.clear();
      this.#length = 0;
    }
    this.#records.set(cells, record);
    this.#length += cells.length;
  }
}

function createMatcher(
  store: ExclusionStore,
  { on, onAnswer, blanks }: Required<ExclusionOptions>,
  ours: readonly KeyColumn[],
  theirs: readonly KeyColumn[],
): Exclusion {
  const all = [...ours, ...theirs];
  const patterns = groupByPattern(store, all.length);
  let groups: readonly ((key: string) => Iterable<number>)[] | null = null;
  const readPlace = (record: number | null): ExclusionPlace | null =>
    record === null ? null : { line: store.readLine(record) };
  return {
    findMatch(row) {
      if (store.size === 0 || onAnswer.length > 0) return null;
      const keys = readKeys(ours, blanks, (column) => getValue(row, column));
      return readPlace(findFirst(patterns, keys));
    },
    answerFields: onAnswer,
    findExcludedAnswer(record, values) {
      if (store.size === 0 || onAnswer.length === 0) return null;
      const sent = readKeys(ours, blanks, (column) => getOwn(record, column));
      const answered = readKeys(theirs, blanks, (field) => values[field]);
      // An empty or incomplete answer is never excluded, even if the row itself matches a record.
      const isWhole = onAnswer.every((field) => Object.hasOwn(values, field));
      return !isWhole || answered.every((key) => key === null)
        ? null
        : readPlace(findFirst(patterns, [...sent, ...answered], on.length));
    },
    relevantTo(rows, limit = MAX_SENT) {
      groups ??= all.map((_, column) => store.createGroups(column));
      const found = new Map<string, Iterable<number>>();
      for (const row of rows) {
        for (const [column, key] of readKeys(all, blanks, (name) => getOwn(row, name)).entries()) {
          const group = key === null ? undefined : groups[column]?.(key);
          if (group !== undefined) found.set(`${column}:${key}`, group);
        }
      }
      return takeWhileSmall(
        takeInTurn([...found.values()], limit).map((record) => JSON.parse(store.readText(record))),
      );
    },
    countUnmatched() {
      const matched = new Uint8Array(store.size);
      for (const pattern of patterns) pattern.markMatched(matched);
      return countRecords(store, (record) => matched[record] === 0);
    },
    countBlank: () =>
      countRecords(store, (record) => all.every((_, column) => !store.isFilled(record, column))),
  };
}

const MAX_LINES = 5;

function countRecords(store: ExclusionStore, isCounted: (record: number) => boolean): RecordCount {
  const lines: number[] = [];
  let count = 0;
  for (let record = 0; record < store.size; record += 1) {
    if (!isCounted(record)) continue;
    count += store.readCount(record);
    if (lines.length < MAX_LINES) lines.push(store.readLine(record));
  }
  return { count, lines };
}

/** Takes the first of each group, then the second of each, so that one frequent key leaves space for others. */
function takeInTurn(groups: readonly Iterable<number>[], limit: number): number[] {
  const taken = new Set<number>();
  let open = groups.map((group) => group[Symbol.iterator]());
  while (open.length > 0) {
    open = open.filter((group) => {
      const step = taken.size < limit ? group.next() : null;
      if (step === null || step.done === true) return false;
      taken.add(step.value);
      return true;
    });
  }
  return [...taken];
}

function findFirst(patterns: readonly Pattern[], keys: Keys, needsFrom = 0): number | null {
  let first: number | null = null;
  for (const pattern of patterns) {
    const match = pattern.find(keys, needsFrom);
    if (match !== null && (first === null || match < first)) first = match;
  }
  return first;
}

/** A key column, with the kind that determines how its values are compared. */
interface KeyColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

function createKeyColumn(name: string): KeyColumn {
  return { name, kind: resolveColumnKind(name) };
}

function readKeys(
  columns: readonly KeyColumn[],
  blanks: Blanks,
  read: (column: string) => JsonValue | undefined,
): Keys {
  return columns.map(({ name, kind }) => {
    const value = read(name);
    return value === undefined || blanks.isBlank(value) ? null : normalizeEntityKey(kind, value);
  });
}

/** Records with values in the same columns, indexed by the keys they can share with a row. */
class Pattern {
  private readonly store: ExclusionStore;
  private readonly filled: readonly boolean[];
  /** For each set of filled columns: index of the first record by its keys in them. */
  private readonly indexes = new Map<string, { readonly index: KeyIndex; readonly matched: Uint8Array }>();

  constructor(store: ExclusionStore, filled: readonly boolean[]) {
    this.store = store;
    this.filled = filled;
  }

  /**
   * Returns the first record that agrees in every column filled on both sides, at least one of them from
   * `needsFrom` on.
   */
  find(keys: Keys, needsFrom: number): number | null {
    const shared = this.filled.map((isFilled, index) => isFilled && keys[index] != null);
    if (!shared.includes(true, needsFrom)) return null;
    const name = shared.join();
    let known = this.indexes.get(name);
    if (known === undefined) {
      const index = this.store.createIndex(this.listMembers(), shared);
      known = { index, matched: new Uint8Array(this.store.size) };
      this.indexes.set(name, known);
    }
    const match = known.index.find(
      shared.map((isShared, column) => (isShared ? (keys[column] ?? null) : null)),
    );
    if (match !== null) known.matched[match] = 1;
    return match;
  }

  /** Marks the records with the keys of a matched row, not only the first such record. */
  markMatched(matched: Uint8Array): void {
    const indexes = [...this.indexes.values()].filter((known) => known.matched.includes(1));
    for (const record of this.listMembers())
      if (indexes.some((known) => known.matched[known.index.findSame(record)] === 1)) matched[record] = 1;
  }

  private *listMembers(): Generator<number> {
    for (let record = 0; record < this.store.size; record += 1)
      if (this.filled.every((isFilled, column) => this.store.isFilled(record, column) === isFilled))
        yield record;
  }
}

function groupByPattern(store: ExclusionStore, columns: number): readonly Pattern[] {
  const patterns = new Map<string, Pattern>();
  for (let record = 0; record < store.size; record += 1) {
    let name = '';
    for (let column = 0; column < columns; column += 1) name += store.isFilled(record, column) ? '1' : '0';
    if (!patterns.has(name))
      patterns.set(
        name,
        new Pattern(
          store,
          [...name].map((digit) => digit === '1'),
        ),
      );
  }
  return [...patterns.values()];
}

/** The values of a record to send, cleaned. */
function pickValues(values: JsonObject, columns: readonly string[], blanks: Blanks): JsonObject {
  const picked: Record<string, JsonValue> = Object.create(null);
  for (const column of columns) {
    const value = cleanCell(values[column]);
    if (value !== undefined && !blanks.isBlank(value)) picked[column] = value;
  }
  return picked;
}

/** Maximum size of the records sent with one batch, in bytes of JSON. */
const MAX_SENT_BYTES = 100_000;

function takeWhileSmall(records: readonly JsonObject[]): JsonObject[] {
  let bytes = 0;
  return records.filter((record) => {
    const size = Buffer.byteLength(JSON.stringify(record));
    if (bytes + size > MAX_SENT_BYTES) return false;
    bytes += size;
    return true;
  });
}
