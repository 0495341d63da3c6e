import { showName, suggestSimilar } from './format.js';

/** Marks that nobody sees in a name. Joiners are kept: emoji and some scripts need them. */
const INVISIBLE =
  /\u034f|[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;
const BLANKS = /[\s\p{Cc}\p{Zs}]+/gu;

/** A name as people see it: in NFC, without invisible marks, and with one plain space for each run of blanks. */
export function foldName(name: string): string {
  return name.normalize('NFC').replace(INVISIBLE, '').replace(BLANKS, ' ').trim();
}

/** Finds a column by its name, also if the name differs in what nobody sees. null if there is none. */
export function findColumn(name: string, columns: readonly string[]): string | null {
  if (columns.includes(name)) return name;
  return findOnly(name, columns, foldName);
}

/** The same, also if the name differs in case, blanks, hyphens or underscores. */
export function findLikeColumn(name: string, columns: readonly string[]): string | null {
  return findColumn(name, columns) ?? findOnly(name, columns, foldLoosely);
}

function foldLoosely(name: string): string {
  return foldName(name).toLowerCase().replace(/[ _-]/g, '');
}

/** The only column that is equal once folded; null if there is none, or several. */
function findOnly(name: string, columns: readonly string[], fold: (name: string) => string): string | null {
  const wanted = fold(name);
  const [only, other] = columns.filter((column) => fold(column) === wanted);
  return only === undefined || other !== undefined ? null : only;
}

/** Suggests columns for a name that no column has, in words: `Did you mean company or city?` null without any. */
export function suggestColumns(
  name: string,
  columns: readonly string[],
  show: (column: string) => string = showName,
): string | null {
  const near = suggestSimilar(name, columns);
  if (near.length === 0) return null;
  return `Did you mean ${near.map((column) => show(column) + describeLetters(name, column)).join(' or ')}?`;
}

const MAX_SHOWN = 3;

/** Names letters of a column that look like plain ones, such as a Cyrillic а in the place of an a. */
function describeLetters(name: string, column: string): string {
  if (name === column || name.length !== column.length) return '';
  const places = [...name].map((letter, at) => [letter, column.charAt(at)] as const);
  const other = places.filter(([letter, its]) => letter !== its);
  const isAlike = other.every(([a, b]) => isPlain(a) !== isPlain(b) && /\p{L}/u.test(a) && /\p{L}/u.test(b));
  if (other.length === 0 || !isAlike) return '';
  const shown = other.slice(0, MAX_SHOWN).map(([, its]) => `${its} is ${formatCode(its)}`);
  return ` (its ${shown.join(', its ')})`;
}

function isPlain(letter: string): boolean {
  return letter < '\u0080';
}

function formatCode(letter: string): string {
  return `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
