import { type InputRecord, listInputNames } from './input-record.js';
import { foldName, listKeys, listNames, type TableIndex } from './table-index.js';

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
  const theirs = listNames(index.table, index.roles, 'company', record).map((name) =>
    foldName('company', name),
  );
  const ours = listInputNames(input, 'company').map((name) => foldName('company', name));
  if (theirs.some((name) => ours.some((other) => isSameOrLonger(name, other)))) return 'same';
  const areNamed = theirs.length > 0 && ours.length > 0;
  return areNamed || (theirDomains.length > 0 && ourDomains.length > 0) ? 'other' : 'unknown';
}

/** True when both sides have names of the same kind, and none of them is the same. */
export function hasOtherName(index: TableIndex, record: number, input: InputRecord): boolean {
  const verdicts = (['person', 'company'] as const).flatMap((kind) => {
    const theirs = listNames(index.table, index.roles, kind, record).map((name) => foldName(kind, name));
    const ours = listInputNames(input, kind).map((name) => foldName(kind, name));
    if (theirs.length === 0 || ours.length === 0) return [];
    return [theirs.some((name) => ours.some((other) => isSameOrLonger(name, other)))];
  });
  return verdicts.includes(false);
}

/** "Meta" and "Meta Platforms" are the same employer; this is good enough only beside a name that is the same, too. */
function isSameOrLonger(name: string, other: string): boolean {
  return name === other || name.startsWith(`${other} `) || other.startsWith(`${name} `);
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
