import { type ColumnKind, resolveColumnKind, splitColumnName } from './column-kind.js';
import { normalizeCompanyName } from './company-name.js';
import type { JsonValue } from './json.js';
import { normalizeText } from './normalize.js';

/**
 * True for a column that can identify what a row is about, so that rows which differ in it may need different
 * answers.
 */
export function isIdentifying(column: string): boolean {
  const kind = resolveColumnKind(column);
  return !isInternalColumn(column) && kind !== 'email' && kind !== 'phone';
}

/** True for a column of private data such as notes, tags, ids and contact dates. */
export function isInternalColumn(column: string): boolean {
  const words = splitColumnName(column);
  return words.some((word) => OWN_WORDS.has(word)) || OWN_PHRASES.test(words.join(' '));
}

/** Normalizes a cell that may identify its row. Null for numbers, dates, addresses, long text and blanks. */
export function normalizeIdentity(kind: ColumnKind, value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return null;
  if (!(NAMED.has(kind) ? /\p{L}/u : WORD_OR_CODE).test(value)) return null;
  if (/@|^\d+[-/. ]|^\s*(?:yes|no|true|false|q[1-4]|h[12])\s*$/i.test(value)) return null;
  const text = kind === 'company' ? normalizeCompanyName(value) : normalizeText(value);
  return kind === 'domain' || kind === 'url' ? text.replace(WEB_ADDRESS, '') : text;
}

/** True for a column that differs between people of one company, in addition to their names. */
export function isPerPerson(column: string): boolean {
  return resolveColumnKind(column) === 'person' || splitColumnName(column).some((word) => PEOPLE.has(word));
}

/** Kinds of columns in which a single letter can be a whole name, as in 3M. */
const NAMED: ReadonlySet<ColumnKind> = new Set(['company', 'person']);
/** Two letters in a row, or a code such as D12: a building, a model, a department. An amount, such as 5k, begins with a digit. */
const WORD_OR_CODE = /\p{L}{2}|^\s*\p{L}[-_. ]?\d/u;
const MAX_LENGTH = 100;
const WEB_ADDRESS = /^https?:\/\/|^(?:https?:\/\/)?www\.|\/$/g;

const OWN_WORDS: ReadonlySet<string> = new Set(
  'note notes comment comments remark remarks owner status stage tag tags id ids contacted source updated created campaign segment priority lifecycle'.split(
    ' ',
  ),
);

const OWN_PHRASES = /last contact|next step|follow up/;

const PEOPLE: ReadonlySet<string> = new Set(
  'title role position job seniority level salutation gender language city state region country location address street linkedin twitter'.split(
    ' ',
  ),
);
