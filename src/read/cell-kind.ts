import { DEFAULT_BLANKS } from '../model/blank.js';
import { resolveColumnKind, splitColumnName } from '../model/column-kind.js';
import { normalizeCompanyName } from '../model/company-name.js';
import { normalizeText } from '../model/normalize.js';

/** What the rows below a possible header show about each column. Null if its cells have no kind in common. */
export type ColumnKinds = readonly (string | null)[];

const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['email', /^[^\s@]+@[^\s@]+\.[^\s@]+$/],
  ['url', /^(?:https?:\/\/|www\.)\S+$/i],
  ['domain', /^(?:[\p{L}\d](?:[\p{L}\d-]*[\p{L}\d])?\.)+\p{L}{2,}$/u],
  ['date', /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?$/],
  ['time', /^\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?$/i],
  [
    'number',
    /^[-+(]{0,2}\s*(?:[$€£¥]|[A-Z]{3})?\s*[-+]?\d[\d.,'’\s]*(?:e[-+]?\d+)?\s*(?:%|[$€£¥]|[A-Z]{3})?\)?$/i,
  ],
  ['phone', /^\+?[\d\s().\-/]{7,25}$/],
  ['address', /^(?=.*\d)(?=.*\p{L})\S+(?:\s+\S+){2,}$/u],
];

/** The kind of a cell: a date, a domain, a code such as `AA-9999`. Null for other text. */
export function findKind(text: string): string | null {
  const plain = text.trim();
  if (plain.length > 200) return null;
  const known = KINDS.find(([, pattern]) => pattern.test(plain));
  if (known !== undefined) return known[0];
  const isCode = /^(?=.*\p{L})(?=.*\d)[\p{L}\d._/#-]{2,20}$/u.test(plain) || /^[A-Z]{2,3}$/.test(plain);
  if (!isCode) return null;
  return plain
    .replace(/\p{Lu}/gu, 'A')
    .replace(/\p{Ll}/gu, 'a')
    .replace(/\d/g, '9');
}

const MAX_ROWS = 200;
const SHARED = 0.8;

/** Finds the kind that most cells of each column share. */
export function findColumnKinds(rows: readonly (readonly string[])[], width: number): ColumnKinds {
  const seen = rows.slice(0, MAX_ROWS);
  return Array.from({ length: width }, (_, index) => {
    const counts = new Map<string | null, number>();
    let total = 0;
    for (const row of seen) {
      const cell = row[index] ?? '';
      if (DEFAULT_BLANKS.isBlank(cell)) continue;
      const kind = findKind(cell);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      total += 1;
    }
    for (const [kind, count] of counts) if (kind !== null && count >= total * SHARED) return kind;
    return null;
  });
}

/** How many cells of a row speak for a header, and how many for a row like those below it. */
export interface HeaderVotes {
  readonly header: number;
  readonly data: number;
  /** A cell that looks like those below it. */
  readonly example: string | null;
}

/** Compares a possible header with the rows below it. */
export function countVotes(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  kinds: ColumnKinds,
): HeaderVotes {
  let header = 0;
  let data = 0;
  let example: string | null = null;
  const others = rows.slice(0, MAX_ROWS).filter((row) => !isHeaderAgain(row, titles));
  const isSequence = isNumberSequence(titles);
  for (const [index, title] of titles.entries()) {
    if (DEFAULT_BLANKS.isBlank(title)) continue;
    const vote = voteFor(title.trim(), kinds[index] ?? null, others, index, isSequence);
    if (vote === 'header') header += 1;
    if (vote === 'data') {
      data += 1;
      example ??= title.trim();
    }
  }
  return { header, data, example };
}

function voteFor(
  title: string,
  kind: string | null,
  rows: readonly (readonly string[])[],
  index: number,
  isSequence: boolean,
): 'header' | 'data' | null {
  if (isColumnName(title)) return 'header';
  const own = findKind(title);
  if (kind !== null && own !== kind) return 'header';
  // Numbers and years over a column of numbers may be the names of columns.
  if (own === 'number' && (isSequence || /^(?:19|20)\d\d$/.test(title))) {
    return kind === 'number' &&
      rows.every((row) => /^(?:(?:19|20)\d\d)?$/.test(row[index]?.trim() ?? '')) &&
      !isSequence
      ? 'data'
      : null;
  }
  if (kind !== null) return 'data';
  const below = rows.map((row) => row[index]?.trim() ?? '').filter((cell) => cell !== '');
  // Headers of further tables in the file have the same names.
  if (below.filter((cell) => cell === title).length > below.length * 0.04) return 'data';
  if (!hasLegalForm(title)) return null;
  return below.filter(hasLegalForm).length >= below.length * 0.3 ? 'data' : null;
}

/** True for the header again, maybe of another table. */
function isHeaderAgain(row: readonly string[], titles: readonly string[]): boolean {
  const filled = titles.filter((title) => title.trim() !== '').length;
  const same = titles.filter(
    (title, index) => title.trim() !== '' && title.trim() === row[index]?.trim(),
  ).length;
  return same === filled || (same > 1 && same >= filled / 2);
}

/** True for titles such as 1, 2, 3 or 2019, 2020, 2021. */
function isNumberSequence(titles: readonly string[]): boolean {
  const numbers = titles.filter((title) => /^\s*\d{1,4}\s*$/.test(title)).map(Number);
  return (
    numbers.length > 1 &&
    numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1)
  );
}

function hasLegalForm(text: string): boolean {
  const plain = normalizeText(text);
  return plain.includes(' ') && normalizeCompanyName(text).split(' ').length < plain.split(' ').length;
}

/** True for a text that is often the name of a column. */
export function isColumnName(text: string): boolean {
  if (text.length > 60) return false;
  if (resolveColumnKind(text) !== 'text')
    return !/[@]|\.\w{2,4}$/.test(text) || /^[a-z_]+\.[a-z_]+$/i.test(text);
  const words = splitColumnName(text);
  return words.some((word) => NAMES.has(word)) && words.every((word) => NAMES.has(word) || LINKS.has(word));
}

const NAMES: ReadonlySet<string> = new Set(
  (
    'id no nr num number key code ref reference index name title first last full legal company firm type kind category ' +
    'class group status stage state country city town region county province zip plz postcode postal address street ' +
    'location place continent date day month year time start end created updated birthday quarter period amount total ' +
    'sum price cost revenue sales turnover profit budget value currency qty quantity count size employees headcount ' +
    'staff founded sector industry branch market segment source notes note comment comments remark remarks ' +
    'description desc summary text info details tag tags label language lang gender age role position department team ' +
    'owner manager contact ceo founder email phone fax url link website domain web www score rank rating percent share ' +
    'lat lon lng latitude longitude iso tld vat ein hq abbr abbreviation item product sku model brand vendor supplier ' +
    'customer client account user order invoice payment spend'
  ).split(' '),
);

const LINKS: ReadonlySet<string> = new Set('of in to from by per at the and or is'.split(' '));
