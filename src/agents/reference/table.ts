import { pathToFileURL } from 'node:url';
import { createUsageError, type RowfillError } from '../../errors.js';
import { type ColumnKind, resolveColumnKind, splitColumnName } from '../../model/column-kind.js';
import type { JsonValue } from '../../model/json.js';
import type { Citation } from '../../model/run.js';

/** What the records of a table (or an input record) are about; `name` is a bare name that could be either. */
export type Subject = 'person' | 'company' | 'name' | 'thing';

/** Which columns say who or what a record is; the numbers are indexes into the columns. */
export interface Roles {
  readonly subject: Subject;
  /** Columns that hold a person's whole name. */
  readonly people: readonly number[];
  /** First and last name, where they stand apart. */
  readonly nameParts: readonly [number, number] | null;
  readonly companies: readonly number[];
  readonly domains: readonly number[];
  readonly emails: readonly number[];
  readonly phones: readonly number[];
  readonly links: readonly number[];
  readonly identifiers: readonly number[];
}

/**
 * Tells the roles of columns by their names. A plain `name` is a person's where a company stands beside it (name, company),
 * a company's where a domain does (name, domain); `contact_name` is a fact about a company, unless nothing else is there.
 */
export function resolveRoles(columns: readonly TableColumn[]): Roles {
  const pick = (test: (column: TableColumn) => boolean): number[] =>
    columns.flatMap((column, index) => (test(column) ? [index] : []));
  const domains = pick((column) => column.kind === 'domain');
  const named = pick((column) => column.kind === 'company' && hasOnly(column, NAME_WORDS));
  const companies = pick((column) => column.kind === 'company' && !hasOnly(column, NAME_WORDS));
  const whole = pick((column) => column.kind === 'person' && !has(column, NAME_PARTS));
  const people = whole.filter((index) => columns[index]?.key.startsWith('contact') !== true);
  const [first] = pick((column) => FIRST_NAMES.has(column.key));
  const [last] = pick((column) => LAST_NAMES.has(column.key));
  const nameParts = first === undefined || last === undefined ? null : ([first, last] as const);
  const aliases = pick((column) => ALIASES.has(column.key));
  const rest = {
    domains,
    emails: pick((column) => column.kind === 'email'),
    phones: pick((column) => column.kind === 'phone'),
    links: pick((column) => column.kind === 'url' && !isSourceColumn(column)),
    identifiers: pick(isIdentifier),
    nameParts,
  };
  const isPeople = people.length > 0 || nameParts !== null;
  if (isPeople) {
    return { ...rest, subject: 'person', people, companies: companies.length > 0 ? companies : named };
  }
  if (named.length > 0 && companies.length > 0) {
    return { ...rest, subject: 'person', people: [...named, ...aliases], companies };
  }
  if (companies.length + named.length > 0 || domains.length > 0) {
    const isOpen = companies.length === 0 && domains.length === 0;
    const names = [...companies, ...named, ...aliases];
    return { ...rest, subject: isOpen ? 'name' : 'company', people: isOpen ? names : [], companies: names };
  }
  return { ...rest, subject: whole.length > 0 ? 'person' : 'thing', people: whole, companies: [] };
}

/** True for a column that says where a record's facts come from, not what they are. */
export function isSourceColumn(column: TableColumn): boolean {
  return SOURCES.has(column.key);
}

const NAME_WORDS = new Set(['name', 'names', 'legal', 'official', 'full', 'main', 'primary', 'the']);
const NAME_PARTS = new Set([
  'first',
  'last',
  'given',
  'family',
  'middle',
  'surname',
  'forename',
  'firstname',
  'lastname',
]);
const FIRST_NAMES = new Set(['first_name', 'firstname', 'given_name', 'forename']);
const LAST_NAMES = new Set(['last_name', 'lastname', 'family_name', 'surname']);
const ALIASES = new Set(['alias', 'aliases', 'aka', 'also_known_as', 'other_names', 'alternative_names']);
const SOURCES = new Set(
  'source sources source_url source_urls source_link source_page reference references reference_url citation citations citation_url evidence_url'.split(
    ' ',
  ),
);
const IDENTIFIER_WORDS = new Set(
  'id key isin lei cik duns uuid guid sku ean gtin isbn issn doi orcid vat ticker symbol'.split(' '),
);
const NUMBERED = new Set(
  'registration company customer account order part serial employee member invoice'.split(' '),
);

function has(column: TableColumn, words: ReadonlySet<string>): boolean {
  return splitColumnName(column.name).some((word) => words.has(word));
}

function hasOnly(column: TableColumn, words: ReadonlySet<string>): boolean {
  return splitColumnName(column.name).every((word) => words.has(word));
}

// `row_id` is the name that a run gives to its rows: it says nothing about the world.
function isIdentifier(column: TableColumn): boolean {
  if (column.kind !== 'text' || column.key === 'row_id') return false;
  const words = column.key.split('_');
  const last = words.at(-1) ?? '';
  return (
    IDENTIFIER_WORDS.has(last) ||
    (/^(?:number|no|nr)$/.test(last) && words.some((word) => NUMBERED.has(word)))
  );
}

export interface TableColumn {
  readonly name: string;
  /** The words of the name with `_` between: `Company Name` and `companyName` are the same column. */
  readonly key: string;
  readonly kind: ColumnKind;
}

export interface TableRecord {
  /** Where the record stands in its file, counted in the table's unit. */
  readonly position: number;
  /** One value for each column of the table, null where the record has none. */
  readonly values: readonly JsonValue[];
}

/** A file of records. Columns are found by index, so that no name in a file can reach an object's prototype. */
export interface Table {
  readonly path: string;
  /** The file's own name. */
  readonly name: string;
  /** CSV and TSV count rows, the header being row 1; JSONL and JSON count the lines on which records start. */
  readonly unit: 'row' | 'line';
  readonly columns: readonly TableColumn[];
  readonly records: readonly TableRecord[];
}

/** Names a column's kind and key once, for all its values. */
export function createColumn(name: string): TableColumn {
  return { name, key: splitColumnName(name).join('_'), kind: resolveColumnKind(name) };
}

/**
 * The place of a record as a citation: `file:///…/table.csv#row=N` as RFC 7111 writes it (1-based, the header is row 1),
 * `file:///…/table.jsonl#line=N` for JSONL and JSON (the 1-based line on which the record starts).
 */
export function createCitation(table: Table, record: TableRecord): Citation {
  return {
    url: `${pathToFileURL(table.path).href}#${table.unit}=${record.position}`,
    title: describeRecord(table, record),
  };
}

/** A record's place for a person: `companies.csv, row 4`. */
export function describeRecord(table: Table, record: TableRecord): string {
  return `${table.name}, ${table.unit} ${record.position}`;
}

/** A table that cannot be used as it is, with the line at fault where it is known. */
export function createTableError(
  path: string,
  line: number | null,
  what: string,
  hint = 'Correct the table, or move it out of the folder.',
  cause?: unknown,
): RowfillError {
  const where = line === null ? path : `${path}, line ${line}`;
  return createUsageError('REFERENCE_INVALID', `The table ${where} cannot be read: ${what}.`, hint, cause);
}
