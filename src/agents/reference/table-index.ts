import Fuse from 'fuse.js';
import { isNobody, normalizeCompanyName } from '../../model/company-name.js';
import { isPlaceholder, listEntityKeys } from '../../model/entity-key.js';
import { normalizePersonName, normalizeText } from '../../model/normalize.js';
import { type NumberStyle, resolveNumberStyle } from './coerce-value.js';
import { type Roles, resolveRoles, type Table } from './table.js';

const MIN_CHARACTERS = 6;
const MAX_CHARACTERS = 200;
const MAX_CACHED = 10_000;

/**
 * Finds names that differ from a given one by one typo: a letter added, missing or changed, or two neighbors
 * swapped. Numbers, words of one or two letters and words with a sign must be equal: "Fund II" is not "Fund
 * III". All names must be normalized.
 */
export function createSimilarNames(names: readonly string[]): (name: string) => readonly string[] {
  const halves = new Map<string, string[]>();
  for (const name of names) {
    if (name.length < MIN_CHARACTERS || name.length > MAX_CHARACTERS) continue;
    for (const half of listHalves(name, name.length)) {
      const others = halves.get(half);
      if (others === undefined) halves.set(half, [name]);
      else others.push(name);
    }
  }
  const cache = new Map<string, readonly string[]>();
  return (name) => {
    const known = cache.get(name) ?? findSimilar(halves, name);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(name, known);
    return known;
  };
}

/**
 * One typo leaves one half of a name intact, so only names that share a half need a comparison. `length` is
 * that of the name to find.
 */
function listHalves(name: string, length: number): readonly string[] {
  const half = Math.floor((length - 1) / 2);
  return [`${length}^${name.slice(0, half)}`, `${length}$${name.slice(-half)}`];
}

function findSimilar(halves: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  if (name.length < MIN_CHARACTERS || name.length > MAX_CHARACTERS) return [];
  const lengths = [name.length - 1, name.length, name.length + 1];
  const near = new Set(
    lengths.flatMap((length) => listHalves(name, length).flatMap((half) => halves.get(half) ?? [])),
  );
  const fixed = listFixedWords(name);
  return [...near].filter(
    (other) => other !== name && listFixedWords(other) === fixed && isOneSlip(name, other),
  );
}

function listFixedWords(name: string): string {
  const words = name.split(' ').filter((word) => word.length <= 2 || /[\p{N}\p{Sc}+#@]/u.test(word));
  return words.sort().join(' ');
}

// The matcher searches for a text inside another, so try both directions. Its score is the share of wrong
// letters.
function isOneSlip(name: string, other: string): boolean {
  if (isSwap(name, other)) return true;
  const there = Fuse.match(name, other, MATCHING);
  const back = Fuse.match(other, name, MATCHING);
  return (
    there.isMatch && back.isMatch && Math.max(there.score * name.length, back.score * other.length) < 1.5
  );
}

const MATCHING = { ignoreLocation: true, ignoreFieldNorm: true, threshold: 0.25 };

function isSwap(name: string, other: string): boolean {
  if (name.length !== other.length) return false;
  let at = 0;
  while (at < name.length && name[at] === other[at]) at += 1;
  return `${name.slice(0, at)}${name[at + 1]}${name[at]}${name.slice(at + 2)}` === other;
}

export type NameKind = 'person' | 'company';

/** A table with lookup indexes. Each is built on first use, and then answers in constant time. */
export interface TableIndex {
  readonly table: Table;
  readonly roles: Roles;
  /** Records with this entity key in a column. */
  findByKey(column: number, key: string): readonly number[];
  /** Records with this name, ignoring case, accents and spaces. */
  findByName(kind: NameKind, name: string): readonly number[];
  /** Records with this name, ignoring titles and legal forms too. */
  findByFoldedName(kind: NameKind, name: string): readonly number[];
  /** Records whose normalized name differs from this one by one typo; one list per name. */
  findBySimilarName(kind: NameKind, name: string): readonly (readonly number[])[];
  /** Number style of a column. */
  readNumberStyle(column: number): NumberStyle;
}

type Index = ReadonlyMap<string, readonly number[]>;

export function createTableIndex(table: Table): TableIndex {
  const roles = resolveRoles(table.columns);
  const indexes = new Map<string, Index>();
  const open = (name: string, build: () => Index): Index => {
    const known = indexes.get(name) ?? build();
    indexes.set(name, known);
    return known;
  };
  const byName = (kind: NameKind): Index =>
    open(`${kind} name`, () =>
      indexRecords(table, (record) => listNames(table, roles, kind, record).map(normalizeText)),
    );
  const byFoldedName = (kind: NameKind): Index =>
    open(`${kind} folded`, () =>
      indexRecords(table, (record) =>
        listNames(table, roles, kind, record).map((name) => foldName(kind, name)),
      ),
    );
  const styles = new Map<number, NumberStyle>();
  const similar = new Map<NameKind, (name: string) => readonly string[]>();
  return {
    table,
    roles,
    findByKey: (column, key) =>
      open(`column ${column}`, () => indexRecords(table, (record) => listKeys(table, column, record))).get(
        key,
      ) ?? [],
    findByName: (kind, name) => byName(kind).get(normalizeText(name)) ?? [],
    findByFoldedName: (kind, name) => byFoldedName(kind).get(foldName(kind, name)) ?? [],
    findBySimilarName: (kind, name) => {
      const find = similar.get(kind) ?? createSimilarNames([...byFoldedName(kind).keys()]);
      similar.set(kind, find);
      return find(foldName(kind, name)).map((found) => byFoldedName(kind).get(found) ?? []);
    },
    readNumberStyle: (column) => {
      const style =
        styles.get(column) ?? resolveNumberStyle(table.records.map((record) => record.values[column]));
      styles.set(column, style);
      return style;
    },
  };
}

/** Normalizes a name for comparison. */
export function foldName(kind: NameKind, name: string): string {
  return kind === 'person' ? normalizePersonName(name) : normalizeCompanyName(name);
}

/** Names of a record: its name columns and their aliases. */
export function listNames(table: Table, roles: Roles, kind: NameKind, record: number): string[] {
  const values = table.records[record]?.values ?? [];
  const names = (kind === 'person' ? roles.people : roles.companies).flatMap((column) =>
    splitList(values[column]),
  );
  if (kind === 'company') return names.filter((name) => !isNobody(name));
  if (roles.nameParts === null) return names;
  const parts = roles.nameParts.flatMap((column) => splitList(values[column]));
  return parts.length === 2 ? [parts.join(' '), ...names] : names;
}

/** Entity keys of a record in a column. A cell may have several values. */
export function listKeys(table: Table, column: number, record: number): string[] {
  const { kind = 'text' } = table.columns[column] ?? {};
  return splitList(table.records[record]?.values[column])
    .flatMap((text) => listEntityKeys(kind, text))
    .filter((key) => !(STRICT_KINDS.has(kind) && key.startsWith('text:')));
}

/** In these columns, text that is not a domain, address or number does not identify the record. */
const STRICT_KINDS: ReadonlySet<string> = new Set(['domain', 'url', 'email', 'phone']);

function splitList(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(splitList);
  if (typeof value !== 'string' && typeof value !== 'number') return [];
  return String(value)
    .split(';')
    .map((part) => part.trim())
    .filter((part) => !isPlaceholder(part));
}

function indexRecords(table: Table, list: (record: number) => readonly string[]): Index {
  const index = new Map<string, number[]>();
  for (let record = 0; record < table.records.length; record++) {
    for (const key of list(record)) {
      const known = index.get(key);
      if (known === undefined) index.set(key, [record]);
      else if (known.at(-1) !== record) known.push(record);
    }
  }
  return index;
}
