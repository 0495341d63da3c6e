import { type Blanks, DEFAULT_BLANKS } from '../model/blank.js';
import { cleanCell } from '../model/clean-cell.js';
import { type ColumnKind, resolveColumnKind } from '../model/column-kind.js';
import { readEntityKey } from '../model/entity-key.js';
import { type JsonObject, type JsonValue, readOwn } from '../model/json.js';
import { type Row, readValue } from '../model/row.js';

/** A record of the exclusion file. */
export interface ExclusionRecord {
  readonly line: number;
  readonly values: JsonObject;
}

export interface ExclusionOptions {
  /** The columns of the input that tell whether a row is a record. */
  readonly on: readonly string[];
  /** Fields that tell it too: then no row is excluded, but every answer that is a record. */
  readonly onAnswer: readonly string[];
  /** The columns of a record that may be told to the agent. */
  readonly tell: readonly string[];
  /** Which values name nothing to compare. @default what is blank without options */
  readonly blanks?: Blanks;
}

export interface Exclusion {
  /** The first record that excludes this row. */
  findMatch(row: Row): ExclusionRecord | null;
  /** The first record that excludes an answer: what was sent of the row, and the values that came back by field. */
  findExcludedAnswer(record: JsonObject, values: JsonObject): ExclusionRecord | null;
  /** The fields that make an answer an excluded one. */
  readonly answerFields: readonly string[];
  /** The records to tell the agent with a batch: those that share a key with one of its rows, at most so many. */
  relevantTo(records: readonly JsonObject[], limit?: number): JsonObject[];
  /** The records that no row matched so far, in the order of the list. */
  listUnmatched(): ExclusionRecord[];
  /** The records without a value to compare. */
  listBlank(): ExclusionRecord[];
}

const MAX_TOLD = 100;

/**
 * Compares rows with the records of an exclusion file by normalised keys: registrable domain, case-folded e-mail, company
 * name without legal form, digits of a phone. A record excludes a row if they agree in every key column that is filled in
 * both, and in one at least.
 */
export function createExclusion(records: readonly ExclusionRecord[], options: ExclusionOptions): Exclusion {
  const { on, onAnswer, tell, blanks = DEFAULT_BLANKS } = options;
  const ours = on.map(createKeyColumn);
  const theirs = onAnswer.map(createKeyColumn);
  const all = [...ours, ...theirs];
  const keyed = records.map((record) => ({
    record,
    keys: readKeys(all, blanks, (column) => record.values[column]),
  }));
  const patterns = groupByPattern(keyed);
  let byKey: readonly KeyIndex[] | null = null;
  return {
    findMatch(row) {
      if (records.length === 0 || onAnswer.length > 0) return null;
      const keys = readKeys(ours, blanks, (column) => readValue(row, column));
      return findFirst(patterns, keys);
    },
    answerFields: onAnswer,
    findExcludedAnswer(record, values) {
      if (records.length === 0 || onAnswer.length === 0) return null;
      const sent = readKeys(ours, blanks, (column) => readOwn(record, column));
      const answered = readKeys(theirs, blanks, (field) => values[field]);
      // Nothing found is nothing to exclude, whatever the row itself has in common with a record; nor is half an answer.
      const isWhole = onAnswer.every((field) => Object.hasOwn(values, field));
      return !isWhole || answered.every((key) => key === null)
        ? null
        : findFirst(patterns, [...sent, ...answered], on.length);
    },
    relevantTo(rows, limit = MAX_TOLD) {
      byKey ??= indexByKey(all.length, keyed);
      const groups = new Set<readonly ExclusionRecord[]>();
      for (const row of rows) {
        for (const [column, key] of readKeys(all, blanks, (name) => readOwn(row, name)).entries()) {
          const group = key === null ? undefined : byKey[column]?.get(key);
          if (group !== undefined) groups.add(group);
        }
      }
      return takeWhileSmall(
        takeInTurn([...groups], limit).map((record) => pickValues(record.values, tell, blanks)),
      );
    },
    listUnmatched() {
      const matched = new Set(patterns.flatMap((pattern) => pattern.listMatched()));
      return records.filter((record) => !matched.has(record));
    },
    listBlank() {
      const blank = keyed.filter(({ keys }) => keys.every((key) => key === null));
      return blank.map(({ record }) => record);
    },
  };
}

/** The first of each group, then the second of each: a key that half the list has leaves room for the others. */
function takeInTurn(groups: readonly (readonly ExclusionRecord[])[], limit: number): ExclusionRecord[] {
  const taken = new Set<ExclusionRecord>();
  const longest = Math.max(0, ...groups.map((group) => group.length));
  for (let turn = 0; turn < longest; turn++) {
    for (const group of groups) {
      const record = group[turn];
      if (record === undefined) continue;
      taken.add(record);
      if (taken.size >= limit) return [...taken];
    }
  }
  return [...taken];
}

function findFirst(patterns: readonly Pattern[], keys: Keys, needsFrom = 0): ExclusionRecord | null {
  let first: ExclusionRecord | null = null;
  for (const pattern of patterns) {
    const match = pattern.find(keys, needsFrom);
    if (match !== null && (first === null || match.line < first.line)) first = match;
  }
  return first;
}

/** The key in each column; null where it is blank. */
type Keys = readonly (string | null)[];

type KeyIndex = ReadonlyMap<string, readonly ExclusionRecord[]>;

interface KeyedRecord {
  readonly record: ExclusionRecord;
  readonly keys: Keys;
}

/** A key column with the kind that says how its values are compared. */
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
    return value === undefined || blanks.isBlank(value) ? null : readEntityKey(kind, value);
  });
}

/** The first record by its keys in some columns, and the keys that a row had too. */
interface PatternIndex {
  readonly shared: readonly boolean[];
  readonly first: ReadonlyMap<string, ExclusionRecord>;
  readonly matched: Set<string>;
}

/** Records that are filled in the same columns, indexed by the keys that they can share with a row. */
class Pattern {
  private readonly members: readonly KeyedRecord[];
  private readonly filled: readonly boolean[];
  /** For each set of columns that rows are filled in: the first record by its keys in them. */
  private readonly indexes = new Map<string, PatternIndex>();

  constructor(members: readonly KeyedRecord[], filled: readonly boolean[]) {
    this.members = members;
    this.filled = filled;
  }

  /** The first record that agrees in every column filled on both sides; one of those from `needsFrom` on must be. */
  find(keys: Keys, needsFrom: number): ExclusionRecord | null {
    const shared = this.filled.map((isFilled, index) => isFilled && keys[index] !== null);
    if (!shared.includes(true, needsFrom)) return null;
    const name = shared.join();
    let index = this.indexes.get(name);
    if (index === undefined) {
      index = this.createIndex(shared);
      this.indexes.set(name, index);
    }
    const joined = joinKeys(keys, shared);
    const match = index.first.get(joined);
    if (match === undefined) return null;
    index.matched.add(joined);
    return match;
  }

  /** The records that share their keys with a row that was looked for: also those behind the first that has them. */
  listMatched(): ExclusionRecord[] {
    const indexes = [...this.indexes.values()].filter(({ matched }) => matched.size > 0);
    const isMatched = ({ keys }: KeyedRecord): boolean =>
      indexes.some(({ shared, matched }) => matched.has(joinKeys(keys, shared)));
    return this.members.filter(isMatched).map(({ record }) => record);
  }

  private createIndex(shared: readonly boolean[]): PatternIndex {
    const first = new Map<string, ExclusionRecord>();
    for (const { record, keys } of this.members) {
      const name = joinKeys(keys, shared);
      if (!first.has(name)) first.set(name, record);
    }
    return { shared, first, matched: new Set() };
  }
}

function groupByPattern(records: readonly KeyedRecord[]): readonly Pattern[] {
  const groups = new Map<string, KeyedRecord[]>();
  for (const keyed of records) {
    const name = keyed.keys.map((key) => key !== null).join();
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [keyed]);
    else group.push(keyed);
  }
  return [...groups.values()].map(
    (members) => new Pattern(members, members[0]?.keys.map((key) => key !== null) ?? []),
  );
}

/** For each key column the records by their key in it. */
function indexByKey(columns: number, records: readonly KeyedRecord[]): readonly KeyIndex[] {
  const indexes = Array.from({ length: columns }, (): Map<string, ExclusionRecord[]> => new Map());
  for (const { record, keys } of records) {
    for (const [column, key] of keys.entries()) {
      if (key === null) continue;
      const found = indexes[column]?.get(key);
      if (found === undefined) indexes[column]?.set(key, [record]);
      else found.push(record);
    }
  }
  return indexes;
}

// No key holds a line break.
function joinKeys(keys: Keys, shared: readonly boolean[]): string {
  return keys.filter((_key, index) => shared[index] === true).join('\n');
}

/** What is told of a record, as it may be sent. */
function pickValues(values: JsonObject, columns: readonly string[], blanks: Blanks): JsonObject {
  const picked: Record<string, JsonValue> = Object.create(null);
  for (const column of columns) {
    const value = cleanCell(values[column]);
    if (value !== undefined && !blanks.isBlank(value)) picked[column] = value;
  }
  return picked;
}

/** The most that the records told with one batch may weigh, in bytes of JSON. */
const MAX_TOLD_BYTES = 100_000;

function takeWhileSmall(records: readonly JsonObject[]): JsonObject[] {
  let bytes = 0;
  return records.filter((record) => {
    const size = Buffer.byteLength(JSON.stringify(record));
    if (bytes + size > MAX_TOLD_BYTES) return false;
    bytes += size;
    return true;
  });
}
