import { splitColumnName } from '../model/column-kind.js';
import type { Table } from './table.js';

/**
 * The columns of a table that hold a property of the answer, best first tier only: the property's own name, then the same words
 * in another spelling, then a synonym, then (for a nested property whose last word is asked once only) that word alone.
 * Two columns of one tier are both given: they have to agree.
 */
export function findColumns(table: Table, path: readonly string[], isLeafUnique: boolean): readonly number[] {
  const names = new Set([path.join('.'), path.join('_')]);
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

/** A nested property of such a name is another thing than a column of that name: `ceo.name` is not `name`. */
const VAGUE_WORDS = new Set(
  'id name title type kind value url link date year status code description text note email phone domain website'.split(
    ' ',
  ),
);

/** Names that mean the same. It is a short list on purpose: what is not here has to be called by its own name. */
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

/** Names that mean the same have the same meaning; `hq` is short for headquarters wherever it stands. */
function resolveMeaning(key: string): string {
  const spelled = key
    .replace(/(?<=^|_)(?:hq|headquarter|head_office)(?=_|$)/g, 'headquarters')
    .replace(/(?<=^|_)organization(?=_|$)/g, 'organisation');
  return MEANINGS.get(spelled) ?? spelled;
}
