import type { Confidence } from '../model/run.js';
import { checkCompany, hasOtherDomain, hasOtherName } from './compare-company.js';
import { type InputRecord, listInputKeys, listInputNames } from './input-record.js';
import { narrowRecords } from './narrow-records.js';
import { describeRecord } from './table.js';
import type { NameKind, TableIndex } from './table-index.js';

/** What a table has to say about an input record. `reason` tells a person why there is no single record. */
export type Match =
  | {
      readonly status: 'found';
      readonly record: number;
      readonly confidence: Confidence;
    }
  | { readonly status: 'unsure'; readonly reason: string }
  | { readonly status: 'none' };

/**
 * The one record of a table that an input record is about: by domain, e-mail, link or identifier first, then by name, then by a name
 * with a slip of the pen. Records that match equally well are never chosen from.
 */
export function matchRecord(index: TableIndex, input: InputRecord): Match {
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
      : [findByKeys(index, roles.emails, readKeys(input, input.roles.emails))]),
    ...findByNamesake(index, input, roles.links, input.roles.links),
    ...findByNamesake(index, input, roles.identifiers, input.roles.identifiers),
  ].filter((hits) => hits.length > 0);
  // A fact about the employer is a fact about the person at one remove.
  const sure: Confidence = about === 'person' && holdsCompanies ? 'medium' : 'high';
  if (strong.length > 0) return decide(index, input, intersect(strong), sure, 'key', strong.flat());
  const phones = findByKeys(index, roles.phones, readKeys(input, input.roles.phones));
  if (phones.length > 0) return decide(index, input, phones, sure, 'telephone number', phones);
  const mail = holdsCompanies ? findByKeys(index, roles.domains, input.mailDomains) : [];
  return decide(index, input, mail, 'medium', 'domain of the e-mail address', mail);
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

/** A table about neither people nor companies is matched by every column that it shares with the input. */
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
  // The same name under another domain may be another company: worth a low confidence, and a similar name is not even that.
  return confidence === 'low' ? { status: 'none' } : decide(index, input, hits, 'low', 'name alone', hits);
}

/** People share names: where both sides name an employer it has to be the same one, and a similar name needs that to count at all. */
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

/** An input record about a person is put to a company table by the employer's name, to a table of bare names by the person's first. */
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

function readKeys(input: InputRecord, columns: readonly number[]): string[] {
  return columns.flatMap((column) => listInputKeys(input, column));
}

function findByKeys(index: TableIndex, columns: readonly number[], keys: readonly string[]): number[] {
  return unique(columns.flatMap((column) => keys.flatMap((key) => index.findByKey(column, key))));
}

/** Links and identifiers are compared with the column of the same name only; a bare `id` may count other things, so names must not differ. */
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
