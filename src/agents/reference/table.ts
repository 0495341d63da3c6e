import { pathToFileURL } from 'node:url';
import { createUsageError, type RowfillError } from '../../errors.js';
import { type ColumnKind, resolveColumnKind, splitColumnName } from '../../model/column-kind.js';
import type { JsonValue } from '../../model/json.js';
import type { Citation } from '../../model/run.js';

/**
 * What the records of a table (or an input record) are about. `name`: a bare name that could be a person or a
 * company.
 */
type Subject = 'person' | 'company' | 'name' | 'thing';

/** Columns that identify a record, as column indexes. */
export interface Roles {
  readonly subject: Subject;
  /** Columns with a person's full name. */
  readonly people: readonly number[];
  /** Columns of first and last name, if separate. */
  readonly nameParts: readonly [number, number] | null;
  readonly companies: readonly number[];
  readonly domains: readonly number[];
  readonly emails: readonly number[];
  readonly phones: readonly number[];
  readonly links: readonly number[];
  readonly identifiers: readonly number[];
}

/**
 * Resolves the roles of columns by their names. A plain `name` is a person's if there is a company column
 * (name, company), and a company's if there is a domain column (name, domain). `contact_name` is a fact about
 * a company, unless it is the only name.
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

/** True for a column with the sources of a record's facts rather than facts. */
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

// `row_id` is assigned by a run and says nothing about the world.
function isIdentifier(column: TableColumn): boolean {
  if (column.kind !== 'text' || column.key === 'row_id') return false;
  const words = column.key.split('_');
  const last = words.at(-1) ?? '';
  return (
    IDENTIFIER_WORDS.has(last) ||
    (/^(?:number|no|nr)$/.test(last) && words.some((word) => NUMBERED.has(word)))
  );
}

interface TableColumn {
  readonly name: string;
  /** The words of the name joined by `_`, so that `Company Name` and `companyName` are the same column. */
  readonly key: string;
  readonly kind: ColumnKind;
  /** Fields that the user looks up in this column, whatever its name. */
  readonly fields?: readonly string[];
}

export interface TableRecord {
  /** Position of the record in its file, in the table's unit. */
  readonly position: number;
  /** One value per column of the table; null if missing. */
  readonly values: readonly JsonValue[];
}

/**
 * A file of records. Columns are accessed by index, so that no name in a file can reach an object's
 * prototype.
 */
export interface Table {
  readonly path: string;
  /** File name without folder. */
  readonly name: string;
  /**
   * CSV and TSV count rows, with the header as row 1. JSONL and JSON count the lines on which records start.
   */
  readonly unit: 'row' | 'line';
  readonly columns: readonly TableColumn[];
  readonly records: readonly TableRecord[];
}

/** Resolves a column's kind and key once, for all its values. */
export function createColumn(name: string): TableColumn {
  return { name, key: splitColumnName(name).join('_'), kind: resolveColumnKind(name) };
}

/**
 * Citation of a record: `file:///…/table.csv#row=N` by RFC 7111 (1-based, the header is row 1), or
 * `file:///…/table.jsonl#line=N` for JSONL and JSON (1-based line on which the record starts).
 */
export function createCitation(table: Table, record: TableRecord): Citation {
  return {
    url: `${pathToFileURL(table.path).href}#${table.unit}=${record.position}`,
    title: describeRecord(table, record),
  };
}

/** Formats a record's position for display: `companies.csv, row 4`. */
export function describeRecord(table: Table, record: TableRecord): string {
  return `${table.name}, ${table.unit} ${record.position}`;
}

/** Error for a table that cannot be used, with the faulty line if known. */
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
