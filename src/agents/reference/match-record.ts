import { createEntityKey, normalizeDomain } from '../../model/entity-key.js';
import type { JsonObject, JsonValue } from '../../model/json.js';
import { normalizeText } from '../../model/normalize.js';
import { isEmpty } from '../../model/row.js';
import type { Confidence } from '../../model/run.js';
import { isMailProvider } from '../../model/shared-sites.js';
import type { MatchedRecord } from './look-up-property.js';
import { createColumn, describeRecord, type Roles, resolveRoles, type Table } from './table.js';
import { foldName, listKeys, listNames, type NameKind, type TableIndex } from './table-index.js';

interface RecordMatches {
  readonly matches: readonly MatchedRecord[];
  /** Why a table returned no record although it had candidates. */
  readonly reasons: readonly string[];
}

/**
 * Looks up an input record in every table. If it has no domain and a matched record has one, tables without a
 * match are searched again by that domain. Those matches get no higher confidence than the match with the
 * domain.
 */
export function findMatches(tables: readonly TableIndex[], input: InputRecord): RecordMatches {
  const results = tables.map((index) => ({ index, match: matchRecord(index, input) }));
  const found = results.flatMap(({ index, match }) => resolveMatch(index, match));
  const reasons = results.flatMap(({ match }) => (match.status === 'unsure' ? [match.reason] : []));
  if (input.domains.length > 0 || input.roles.subject === 'person') return { matches: found, reasons };
  const bridge = found.find((matched) => getDomain(matched) !== null);
  const domain = bridge === undefined ? null : getDomain(bridge);
  if (bridge === undefined || domain === null) return { matches: found, reasons };
  const further = results
    .filter(({ match }) => match.status === 'none')
    .flatMap(({ index }) => resolveMatch(index, matchRecord(index, addDomain(input, domain))))
    .map((matched) => ({ ...matched, confidence: bridge.confidence }));
  return { matches: [...found, ...further], reasons };
}

function resolveMatch(index: TableIndex, match: Match): MatchedRecord[] {
  return match.status === 'found' ? [{ index, record: match.record, confidence: match.confidence }] : [];
}

function getDomain({ index, record }: MatchedRecord): string | null {
  if (index.roles.subject === 'person') return null;
  const keys = index.roles.domains.flatMap((column) => listKeys(index.table, column, record));
  const [domain] = keys.filter((key) => key.startsWith('domain:'));
  return domain?.replace('domain:', '') ?? null;
}

/**
 * Narrows records that share a key to those that also agree with the input record in more columns: first its
 * name, then every other column that both have. Fully equal records count as one.
 */
function narrowRecords(index: TableIndex, input: InputRecord, records: readonly number[]): readonly number[] {
  if (records.length < 2) return records;
  let left = keepIfAny(records, (record) => hasSameName(index, input, record));
  for (const [at, column] of input.table.columns.entries()) {
    if (left.length < 2) return left;
    const theirs = index.table.columns.findIndex((other) => other.key === column.key && column.key !== '');
    const keys = new Set(listInputKeys(input, at));
    if (theirs < 0 || keys.size === 0) continue;
    left = keepIfAny(left, (record) => listKeys(index.table, theirs, record).some((key) => keys.has(key)));
  }
  return dropTwins(index, left);
}

function keepIfAny(records: readonly number[], test: (record: number) => boolean): readonly number[] {
  const kept = records.filter(test);
  return kept.length > 0 ? kept : records;
}

function hasSameName(index: TableIndex, input: InputRecord, record: number): boolean {
  return (['person', 'company'] as const).some((kind) => {
    const ours = new Set(listInputNames(input, kind).map((name) => foldName(kind, name)));
    return listNames(index.table, index.roles, kind, record).some((name) => ours.has(foldName(kind, name)));
  });
}

function dropTwins(index: TableIndex, records: readonly number[]): readonly number[] {
  const seen = new Set<string>();
  return records.filter((record) => {
    const text = JSON.stringify((index.table.records[record]?.values ?? []).map(foldValue));
    const isNew = !seen.has(text);
    seen.add(text);
    return isNew;
  });
}

function foldValue(value: JsonValue): JsonValue {
  return typeof value === 'string' ? normalizeText(value) : value;
}

/**
 * True if both sides have a domain and share no label. `global.abb` and `abb.com` are treated as one company.
 */
function hasOtherDomain(index: TableIndex, record: number, input: InputRecord): boolean {
  const theirs = listDomains(index, record);
  const ours = [...input.domains, ...input.mailDomains].filter(isDomainKey);
  if (theirs.length === 0 || ours.length === 0) return false;
  const labels = new Set(theirs.flatMap(listLabels));
  return !ours.flatMap(listLabels).some((label) => labels.has(label));
}

/** Compares the employers of a person's record and of the input, if both have one. */
function checkCompany(index: TableIndex, record: number, input: InputRecord): 'same' | 'other' | 'unknown' {
  const theirDomains = listDomains(index, record);
  const ourDomains = [...input.domains, ...input.mailDomains].filter(isDomainKey);
  if (theirDomains.some((domain) => ourDomains.includes(domain))) return 'same';
  // A bare name is the person's own and says nothing about the employer.
  const isBare = index.roles.subject === 'name' || input.roles.subject === 'name';
  const theirs = isBare ? [] : foldNames('company', listNames(index.table, index.roles, 'company', record));
  const ours = isBare ? [] : foldNames('company', listInputNames(input, 'company'));
  if (theirs.some((name) => ours.some((other) => isSameOrLonger(name, other)))) return 'same';
  const areNamed = theirs.length > 0 && ours.length > 0;
  return areNamed || (theirDomains.length > 0 && ourDomains.length > 0) ? 'other' : 'unknown';
}

/** True if both sides have names of the same kind and none match. */
function hasOtherName(index: TableIndex, record: number, input: InputRecord): boolean {
  const isBare = index.roles.subject === 'name' || input.roles.subject === 'name';
  const verdicts = (['person', 'company'] as const).flatMap((kind) => {
    const theirs = foldNames(kind, listNames(index.table, index.roles, kind, record));
    const ours = foldNames(kind, listInputNames(input, kind));
    if (theirs.length === 0 || ours.length === 0) return [];
    return [theirs.some((name) => ours.some((other) => isSameOrLonger(name, other)))];
  });
  return verdicts.includes(false) && !(isBare && verdicts.includes(true));
}

/**
 * "Meta" and "Meta Platforms" count as the same employer. Only safe if the name of the person also matches.
 */
function isSameOrLonger(name: string, other: string): boolean {
  return name === other || name.startsWith(`${other} `) || other.startsWith(`${name} `);
}

function foldNames(kind: NameKind, names: readonly string[]): string[] {
  return names.map((name) => foldName(kind, name));
}

function listDomains(index: TableIndex, record: number): string[] {
  return index.roles.domains.flatMap((column) => listKeys(index.table, column, record)).filter(isDomainKey);
}

function isDomainKey(key: string): boolean {
  return key.startsWith('domain:');
}

const COMMON_ENDINGS = new Set(['com', 'net', 'org', 'info', 'gov', 'edu']);

function listLabels(key: string): string[] {
  return key
    .replace('domain:', '')
    .split('.')
    .filter((label) => label.length > 2 && !COMMON_ENDINGS.has(label));
}

/** An input record prepared for lookup: only non-blank columns, each with its entity key. */
interface InputRecord {
  readonly record: JsonObject;
  /** The record as a one-row table, so that both sides are compared by the same rules. */
  readonly table: Table;
  readonly roles: Roles;
  readonly domains: readonly string[];
  /** Domains known only from the host of an email address. */
  readonly mailDomains: readonly string[];
}

export function createInputRecord(record: JsonObject): InputRecord {
  const entries = Object.entries(record).filter(([name, value]) => name !== 'row_id' && !isEmpty(value));
  const table: Table = {
    path: '',
    name: '',
    unit: 'row',
    columns: entries.map(([name]) => createColumn(name)),
    records: [{ position: 1, values: entries.map(([, value]) => value) }],
  };
  const roles = resolveRoles(table.columns);
  const domains = roles.domains.flatMap((column) => listKeys(table, column, 0));
  return {
    record,
    table,
    roles,
    domains,
    mailDomains: domains.length > 0 ? [] : listMailDomains(table, roles),
  };
}

/** Names of an input record. */
function listInputNames(input: InputRecord, kind: NameKind): readonly string[] {
  return listNames(input.table, input.roles, kind, 0);
}

/** Entity keys of an input record in one column. */
function listInputKeys(input: InputRecord, column: number): readonly string[] {
  return listKeys(input.table, column, 0);
}

/** Adds a domain from another table to an input record. Unchanged if it already has one. */
function addDomain(input: InputRecord, domain: string): InputRecord {
  return input.domains.length > 0 ? input : { ...input, domains: [createEntityKey('domain', domain) ?? ''] };
}

function listMailDomains(table: Table, roles: Roles): string[] {
  return roles.emails
    .flatMap((column) => listKeys(table, column, 0))
    .map((key) => normalizeDomain(key.replace(/^email:/, '')))
    .flatMap((domain) => (domain === null || isMailProvider(domain) ? [] : [`domain:${domain}`]));
}

/** Result of a table lookup. `reason` tells the user why there is no single record. */
type Match =
  | {
      readonly status: 'found';
      readonly record: number;
      readonly confidence: Confidence;
    }
  | { readonly status: 'unsure'; readonly reason: string }
  | { readonly status: 'none' };

/**
 * Finds the one table record for an input record: first by domain, email, link or identifier, then by name,
 * then by a name with a typo. If several match equally well, none is chosen.
 */
function matchRecord(index: TableIndex, input: InputRecord): Match {
  const byKey = matchByKey(index, input);
  if (byKey.status !== 'none') return byKey;
  return index.roles.subject === 'thing' ? matchBySharedColumns(index, input) : matchByName(index, input);
}

function matchByKey(index: TableIndex, input: InputRecord): Match {
  const { roles } = index;
  const about = input.roles.subject;
  const holdsCompanies = roles.subject !== 'person';
  const strong = [
    ...(holdsCompanies ? [findByKeys(index, roles.domains, input.domains)] : []),
    ...(about === 'person' && holdsCompanies
      ? []
      : [findByKeys(index, roles.emails, listKeysOf(input, input.roles.emails))]),
    ...findByNamesake(index, input, roles.links, input.roles.links),
    ...findByNamesake(index, input, roles.identifiers, input.roles.identifiers),
  ].filter((hits) => hits.length > 0);
  // A fact about the employer is only indirectly a fact about the person.
  const sure: Confidence = about === 'person' && holdsCompanies ? 'medium' : 'high';
  if (strong.length > 0) return decide(index, input, intersect(strong), sure, 'key', strong.flat());
  const phones = findByKeys(index, roles.phones, listKeysOf(input, input.roles.phones));
  if (phones.length > 0) return decide(index, input, phones, sure, 'phone number', phones);
  const mail = holdsCompanies ? findByKeys(index, roles.domains, input.mailDomains) : [];
  return decide(index, input, mail, 'medium', 'domain of the email address', mail);
}

function matchByName(index: TableIndex, input: InputRecord): Match {
  for (const kind of listNameKinds(index, input)) {
    const names = listInputNames(input, kind);
    const exact = names.flatMap((name) => index.findByName(kind, name));
    const folded = exact.length > 0 ? exact : names.flatMap((name) => index.findByFoldedName(kind, name));
    if (folded.length > 0) return decideByName(index, input, kind, unique(folded), 'medium');
    const similar = names.flatMap((name) => index.findBySimilarName(kind, name)).flat();
    if (similar.length > 0) return decideByName(index, input, kind, unique(similar), 'low');
  }
  return { status: 'none' };
}

/** A table about neither people nor companies is matched by all columns that it shares with the input. */
function matchBySharedColumns(index: TableIndex, input: InputRecord): Match {
  const shared = input.table.columns.flatMap((column, at) => {
    const theirs = index.table.columns.findIndex((other) => other.key === column.key && column.key !== '');
    const keys = listInputKeys(input, at);
    return theirs < 0 || keys.length === 0 ? [] : [findByKeys(index, [theirs], keys)];
  });
  if (shared.length === 0) return { status: 'none' };
  const hits = intersect(shared);
  return decide(index, input, hits, 'high', 'value of the same column', hits);
}

function decideByName(
  index: TableIndex,
  input: InputRecord,
  kind: NameKind,
  hits: readonly number[],
  confidence: Confidence,
): Match {
  if (kind === 'person') return decidePerson(index, input, hits, confidence);
  const agreeing = hits.filter((record) => !hasOtherDomain(index, record, input));
  if (agreeing.length > 0) return decide(index, input, agreeing, confidence, 'name', agreeing);
  // The same name with another domain may be another company, so the confidence is low. A similar name is not
  // enough.
  return confidence === 'low' ? { status: 'none' } : decide(index, input, hits, 'low', 'name alone', hits);
}

/**
 * People share names: if both sides have an employer, it must match, and a similar name only counts with a
 * matching employer.
 */
function decidePerson(
  index: TableIndex,
  input: InputRecord,
  hits: readonly number[],
  confidence: Confidence,
): Match {
  const verdicts = hits.map((record) => ({ record, company: checkCompany(index, record, input) }));
  const same = verdicts.filter(({ company }) => company === 'same').map(({ record }) => record);
  if (same.length > 0) return decide(index, input, same, confidence, 'name and employer', same);
  const open = verdicts.filter(({ company }) => company === 'unknown').map(({ record }) => record);
  if (confidence === 'low') return { status: 'none' };
  if (open.length > 0) return decide(index, input, open, confidence, 'name', open);
  return {
    status: 'unsure',
    reason: `a person of this name is at another employer (${listPlaces(index, hits)})`,
  };
}

function decide(
  index: TableIndex,
  input: InputRecord,
  hits: readonly number[],
  confidence: Confidence,
  how: string,
  all: readonly number[],
): Match {
  if (all.length === 0) return { status: 'none' };
  const left = narrowRecords(index, input, unique(hits));
  const [record] = left;
  if (record !== undefined && left.length === 1) return { status: 'found', record, confidence };
  if (left.length === 0)
    return {
      status: 'unsure',
      reason: `its ${how}s point to different records (${listPlaces(index, unique(all))})`,
    };
  return {
    status: 'unsure',
    reason: `${left.length} records match equally well (${listPlaces(index, left)})`,
  };
}

function listPlaces(index: TableIndex, records: readonly number[]): string {
  const places = records.slice(0, 3).flatMap((at) => {
    const found = index.table.records[at];
    return found === undefined ? [] : [describeRecord(index.table, found)];
  });
  return places.join('; ') + (records.length > 3 ? ` and ${records.length - 3} more` : '');
}

/**
 * A person record is looked up in a company table by the employer's name, and in a table of bare names first
 * by the person's name.
 */
function listNameKinds(index: TableIndex, input: InputRecord): readonly NameKind[] {
  const about = input.roles.subject;
  switch (index.roles.subject) {
    case 'person':
      return about === 'company' ? [] : ['person'];
    case 'company':
      return ['company'];
    case 'name':
      return about === 'person' ? ['person', 'company'] : ['company'];
    case 'thing':
      return [];
  }
}

function listKeysOf(input: InputRecord, columns: readonly number[]): string[] {
  return columns.flatMap((column) => listInputKeys(input, column));
}

function findByKeys(index: TableIndex, columns: readonly number[], keys: readonly string[]): number[] {
  return unique(columns.flatMap((column) => keys.flatMap((key) => index.findByKey(column, key))));
}

/**
 * Compares links and identifiers only with the column of the same name. A bare `id` may number different
 * things, so names must not differ.
 */
function findByNamesake(
  index: TableIndex,
  input: InputRecord,
  theirs: readonly number[],
  ours: readonly number[],
): number[][] {
  return ours.map((column) => {
    const key = input.table.columns[column]?.key;
    const namesakes = theirs.filter((other) => index.table.columns[other]?.key === key);
    const hits = findByKeys(index, namesakes, listInputKeys(input, column));
    return key === 'id' ? hits.filter((record) => !hasOtherName(index, record, input)) : hits;
  });
}

function intersect(sets: readonly (readonly number[])[]): number[] {
  const [first = [], ...rest] = sets;
  return first.filter((record) => rest.every((set) => set.includes(record)));
}

function unique(records: readonly number[]): number[] {
  return [...new Set(records)];
}
