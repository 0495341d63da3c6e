export type ColumnKind = 'domain' | 'url' | 'email' | 'phone' | 'company' | 'person' | 'text';

/** Guesses from its name what a column contains, which decides how its values are compared. */
export function resolveColumnKind(column: string): ColumnKind {
  const words = splitColumnName(column);
  const has = (set: ReadonlySet<string>): boolean => words.some((word) => set.has(word));
  const all = (...sets: ReadonlySet<string>[]): boolean =>
    words.length > 0 && words.every((word) => sets.some((set) => set.has(word)));
  if (has(EMAIL)) return 'email';
  if (has(PHONE) && !has(KINDS_OF_PHONE)) return 'phone';
  if (has(DOMAIN) && all(DOMAIN, COMPANY, LINK, PLAIN)) return 'domain';
  if (has(LINK)) return all(LINK, COMPANY, PLAIN) ? 'domain' : 'url';
  if (has(PERSON) && all(PERSON, PERSON_PART, PLAIN)) return 'person';
  if (has(PERSON_PART) && all(PERSON_PART, PLAIN) && words.length > 1) return 'person';
  if (has(NAME_OR_COMPANY) && all(COMPANY, PLAIN)) return 'company';
  return 'text';
}

/**
 * Guesses the kinds of all columns of a file. A bare `name` beside a column for the company is a person's name.
 */
export function resolveColumnKinds(columns: readonly string[]): ReadonlyMap<string, ColumnKind> {
  const kinds = new Map(columns.map((column) => [column, resolveColumnKind(column)]));
  const hasCompany = columns.some((column) => kinds.get(column) === 'company' && !isBareName(column));
  if (hasCompany) {
    for (const column of columns)
      if (kinds.get(column) === 'company' && isBareName(column)) kinds.set(column, 'person');
  }
  return kinds;
}

/** True for `name` and the like, which do not tell whose name it is. */
export function isBareName(column: string): boolean {
  return splitColumnName(column).every((word) => !COMPANY.has(word));
}

/**
 * The lower-case words of a column name: `companyName`, `Company Name` and `company-name` all give `company`,
 * `name`.
 */
export function splitColumnName(column: string): string[] {
  return column
    .slice(0, 200)
    .normalize('NFKC')
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .replace(/\be[-_ ]mail/g, 'email')
    .replace(/\b(home|web)[-_ ](page|site)/g, '$1$2')
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter(Boolean);
}

const EMAIL = new Set(['email', 'emails', 'mail', 'mailbox']);
const PHONE = new Set(['phone', 'telephone', 'tel', 'mobile', 'cell', 'fax', 'telefon', 'cellphone']);
const KINDS_OF_PHONE = new Set(['type', 'model', 'brand', 'provider', 'carrier']);
const DOMAIN = new Set(['domain', 'website', 'homepage', 'hostname', 'webpage', 'web', 'site']);
const LINK = new Set(['url', 'uri', 'link', 'href']);
const COMPANY = new Set(
  'company companies organisation organization org employer firm business brand vendor supplier customer account client firma unternehmen entreprise empresa'.split(
    ' ',
  ),
);
const PERSON = new Set(['person', 'contact', 'fullname', 'surname', 'forename', 'firstname', 'lastname']);
const PERSON_PART = new Set(['first', 'last', 'full', 'given', 'family', 'middle']);
const NAME_OR_COMPANY = new Set([...COMPANY, 'name', 'names']);
const PLAIN = new Set([
  'name',
  'names',
  'legal',
  'official',
  'corporate',
  'main',
  'primary',
  'home',
  'page',
  'the',
]);
