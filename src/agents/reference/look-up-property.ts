import { splitColumnName } from '../../model/column-kind.js';
import { formatCanonicalJson, isJsonObject, type JsonValue } from '../../model/json.js';
import { normalizeText } from '../../model/normalize.js';
import { isEmpty } from '../../model/row.js';
import type { Citation, Confidence } from '../../model/run.js';
import { coerceValue } from './coerce-value.js';
import type { SchemaNode, SchemaReader } from './schema-reader.js';
import { createCitation, describeRecord, isSourceColumn, type Table, type TableRecord } from './table.js';
import type { TableIndex } from './table-index.js';

/**
 * Finds the columns of a table for a property of the answer. Only the best tier is returned: the property's
 * own name, then the same words in another spelling, then a synonym, then, for a nested property whose last
 * word occurs only once, that word alone. If two columns of one tier match, both are returned and must agree. A column
 * that the user chose for the property comes before all of them.
 */
export function findColumns(table: Table, path: readonly string[], isLeafUnique: boolean): readonly number[] {
  const names = new Set([path.join('.'), path.join('_')]);
  const chosen = table.columns.flatMap(({ fields = [] }, index) =>
    fields.some((field) => names.has(field)) ? [index] : [],
  );
  if (chosen.length > 0) return chosen;
  const key = splitColumnName(path.join(' ')).join('_');
  const meaning = resolveMeaning(key);
  const leaf = splitColumnName(path.at(-1) ?? '').join('_');
  const tiers: ((name: string, key: string) => boolean)[] = [
    (name) => names.has(name),
    (_name, other) => other === key,
    (_name, other) => resolveMeaning(other) === meaning,
  ];
  if (path.length > 1 && isLeafUnique && !VAGUE_WORDS.has(leaf)) {
    tiers.push((_name, other) => resolveMeaning(other) === resolveMeaning(leaf));
  }
  for (const isMatch of tiers) {
    const found = table.columns.flatMap((column, index) =>
      column.key !== '' && isMatch(column.name, column.key) ? [index] : [],
    );
    if (found.length > 0) return found;
  }
  return [];
}

/**
 * A nested property with such a name differs from a top-level column of that name: `ceo.name` is not `name`.
 */
const VAGUE_WORDS = new Set(
  'id name title type kind value url link date year status code description text note email phone domain website'.split(
    ' ',
  ),
);

/** Synonyms. Short on purpose: names that are not here must match exactly. */
const SYNONYMS: readonly (readonly string[])[] = [
  [
    'employees',
    'employee_count',
    'number_of_employees',
    'employees_count',
    'num_employees',
    'headcount',
    'head_count',
    'staff_count',
  ],
  [
    'founded',
    'year_founded',
    'founded_year',
    'founding_year',
    'foundation_year',
    'year_of_foundation',
    'founded_in',
    'established',
  ],
  ['ceo', 'ceo_name', 'chief_executive', 'chief_executive_officer'],
  ['website', 'homepage', 'web_page', 'website_url', 'homepage_url', 'company_website'],
  ['domain', 'company_domain', 'domain_name', 'web_domain'],
  ['email', 'email_address', 'mail', 'contact_email'],
  ['phone', 'phone_number', 'telephone', 'telephone_number', 'tel', 'contact_phone'],
  ['ticker', 'ticker_symbol', 'stock_ticker', 'stock_symbol'],
  ['exchange', 'stock_exchange'],
  ['industry', 'industry_name', 'primary_industry', 'main_industry'],
  ['postal_code', 'postcode', 'post_code', 'zip', 'zip_code'],
  ['street', 'street_address', 'address_line_1', 'address_line1'],
  ['country', 'country_name'],
  ['city', 'city_name', 'town'],
  ['job_title', 'role', 'position'],
  ['linkedin', 'linkedin_url', 'linkedin_profile'],
  ['description', 'about', 'short_description'],
  ['company', 'company_name', 'organisation', 'organization', 'organisation_name', 'organization_name'],
];

const MEANINGS = new Map(SYNONYMS.flatMap((names) => names.map((name) => [name, names[0] ?? name] as const)));

/** Maps synonyms to the same key. `hq` is short for headquarters in any position. */
function resolveMeaning(key: string): string {
  const spelled = key
    .replace(/(?<=^|_)(?:hq|headquarter|head_office)(?=_|$)/g, 'headquarters')
    .replace(/(?<=^|_)organization(?=_|$)/g, 'organisation');
  return MEANINGS.get(spelled) ?? spelled;
}

const MAX_SOURCES = 5;

/**
 * URLs that a record lists as its sources: first of the column itself (`ceo_source`, `ceo_citations`), then
 * of the whole record.
 */
function listSources(table: Table, record: TableRecord, column: number): readonly Citation[] {
  const key = table.columns[column]?.key ?? '';
  const own = new Set(
    ['source', 'sources', 'source_url', 'citation', 'citations'].map((word) => `${key}_${word}`),
  );
  const isOwn = table.columns.map((other) => own.has(other.key));
  const urls = [
    ...record.values.flatMap((value, at) => (isOwn[at] === true ? listUrls(value) : [])),
    ...record.values.flatMap((value, at) => {
      const other = table.columns[at];
      return other !== undefined && isSourceColumn(other) ? listUrls(value) : [];
    }),
  ];
  return [...new Set(urls)].slice(0, MAX_SOURCES).map((url) => ({ url }));
}

function listUrls(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(listUrls);
  if (typeof value !== 'string') return [];
  return value.split(/[\s;]+/).filter((part) => /^https?:\/\//i.test(part) && URL.canParse(part));
}

/** A table record that an input record was matched with. */
export interface MatchedRecord {
  readonly index: TableIndex;
  readonly record: number;
  readonly confidence: Confidence;
}

/**
 * Value of one property from the tables. `issue` says why there is no value although there was a candidate.
 */
export interface FoundValue {
  readonly value: JsonValue;
  readonly confidence: Confidence | null;
  readonly citations: readonly Citation[];
  readonly issue: string | null;
}

interface Reading extends MatchedRecord {
  readonly value: JsonValue;
  readonly column: number;
}

/**
 * Looks up one property in all matched records. The match with the highest confidence wins. Records with
 * equal confidence must agree, and all that agree are cited.
 */
export function lookUpProperty(
  reader: SchemaReader,
  node: SchemaNode,
  path: readonly string[],
  isLeafUnique: boolean,
  matches: readonly MatchedRecord[],
): FoundValue {
  const readings = matches.flatMap((match) => combineColumns(reader, node, path, isLeafUnique, match));
  const usable = readings.filter((reading) => reading.value !== null);
  const [odd] = readings;
  if (usable.length === 0) {
    return createNothing(odd === undefined ? null : `${describeReading(odd)} does not fit the schema`);
  }
  const best = Math.max(...usable.map((reading) => RANKS[reading.confidence]));
  const [first, ...others] = usable.filter((reading) => RANKS[reading.confidence] === best);
  if (first === undefined) return createNothing(null);
  const other = others.find((reading) => !isSameValue(reading.value, first.value));
  if (other !== undefined) {
    return createNothing(`${describeReading(first)} and ${describeReading(other)} disagree`);
  }
  const agreeing = usable
    .filter((reading) => isSameValue(reading.value, first.value))
    .sort((a, b) => RANKS[b.confidence] - RANKS[a.confidence]);
  return {
    value: first.value,
    confidence: first.confidence,
    citations: listCitations(agreeing),
    issue: null,
  };
}

const RANKS: Readonly<Record<Confidence, number>> = { low: 1, medium: 2, high: 3 };

/** No value, because nothing was found or it may not be returned. */
export function createNothing(issue: string | null): FoundValue {
  return { value: null, confidence: null, citations: [], issue };
}

function combineColumns(
  reader: SchemaReader,
  node: SchemaNode,
  path: readonly string[],
  isLeafUnique: boolean,
  match: MatchedRecord,
): Reading[] {
  const { table } = match.index;
  const values = table.records[match.record]?.values ?? [];
  return findColumns(table, path, isLeafUnique).flatMap((column) => {
    const raw = values[column] ?? null;
    if (isEmpty(raw)) return [];
    const value = coerceValue(reader, node, raw, match.index.readNumberStyle(column));
    return [{ ...match, column, value }];
  });
}

function isSameValue(a: JsonValue, b: JsonValue): boolean {
  return foldValue(a) === foldValue(b);
}

function foldValue(value: JsonValue): string {
  if (typeof value === 'string') return normalizeText(value);
  return isJsonObject(value) || Array.isArray(value) ? formatCanonicalJson(value) : JSON.stringify(value);
}

function describeReading(reading: Reading): string {
  const { table } = reading.index;
  const record = table.records[reading.record];
  const place = record === undefined ? table.name : describeRecord(table, record);
  return `${place} (${table.columns[reading.column]?.name ?? ''})`;
}

function listCitations(readings: readonly Reading[]): readonly Citation[] {
  const citations = readings.flatMap(({ index, record, column }) => {
    const found = index.table.records[record];
    if (found === undefined) return [];
    return [createCitation(index.table, found), ...listSources(index.table, found, column)];
  });
  return [...new Map(citations.map((citation) => [citation.url, citation])).values()];
}
