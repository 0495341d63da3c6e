import { type InputRecord, listInputNames } from './input-record.js';
import { foldName, listKeys, listNames, type NameKind, type TableIndex } from './table-index.js';

/** True when both sides have a domain and no label of theirs is the same: `global.abb` and `abb.com` are taken for one company's. */
export function hasOtherDomain(index: TableIndex, record: number, input: InputRecord): boolean {
  const theirs = listDomains(index, record);
  const ours = [...input.domains, ...input.mailDomains].filter(isDomainKey);
  if (theirs.length === 0 || ours.length === 0) return false;
  const labels = new Set(theirs.flatMap(listLabels));
  return !ours.flatMap(listLabels).some((label) => labels.has(label));
}

/** Whether the employers of a person's record and of the input are the same, as far as both name one. */
export function checkCompany(
  index: TableIndex,
  record: number,
  input: InputRecord,
): 'same' | 'other' | 'unknown' {
  const theirDomains = listDomains(index, record);
  const ourDomains = [...input.domains, ...input.mailDomains].filter(isDomainKey);
  if (theirDomains.some((domain) => ourDomains.includes(domain))) return 'same';
  // A bare name is the person's own, and names no employer.
  const isBare = index.roles.subject === 'name' || input.roles.subject === 'name';
  const theirs = isBare ? [] : foldNames('company', listNames(index.table, index.roles, 'company', record));
  const ours = isBare ? [] : foldNames('company', listInputNames(input, 'company'));
  if (theirs.some((name) => ours.some((other) => isSameOrLonger(name, other)))) return 'same';
  const areNamed = theirs.length > 0 && ours.length > 0;
  return areNamed || (theirDomains.length > 0 && ourDomains.length > 0) ? 'other' : 'unknown';
}

/** True when both sides have names of the same kind, and none of them is the same. */
export function hasOtherName(index: TableIndex, record: number, input: InputRecord): boolean {
  const isBare = index.roles.subject === 'name' || input.roles.subject === 'name';
  const verdicts = (['person', 'company'] as const).flatMap((kind) => {
    const theirs = foldNames(kind, listNames(index.table, index.roles, kind, record));
    const ours = foldNames(kind, listInputNames(input, kind));
    if (theirs.length === 0 || ours.length === 0) return [];
    return [theirs.some((name) => ours.some((other) => isSameOrLonger(name, other)))];
  });
  return verdicts.includes(false) && !(isBare && verdicts.includes(true));
}

/** "Meta" and "Meta Platforms" are the same employer; this is good enough only beside a name that is the same, too. */
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
