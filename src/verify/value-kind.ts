import type { Field } from '../model/ask.js';
import { resolveColumnKind, splitColumnName } from '../model/column-kind.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { type FieldWords, resolveFieldWords } from './field-words.js';
import { parseDateValue } from './find-date.js';
import { foldWords } from './fold-text.js';
import { findCountryCode } from './known-names.js';
import { findStatedScale } from './number-words.js';

/** How a value is looked for. */
export type ValueKind =
  | 'boolean'
  | 'number'
  | 'date'
  | 'url'
  | 'email'
  | 'phone'
  | 'country'
  | 'person'
  | 'place'
  | 'enum'
  | 'currency'
  | 'language'
  | 'text';

/** What a field asks for, from its name, schema and description. */
export interface FieldInfo extends FieldWords {
  readonly name: string;
  readonly words: readonly string[];
  readonly description: string;
  /** Scale in which the field wants its numbers: 1e6 for "revenue_musd" or "in millions". */
  readonly scale: number;
  /** Unit at the end of the name, such as `kg` or `usd`. Null if there is none. */
  readonly unit: string | null;
  /** A year that the field names, as in `revenue_2022`. */
  readonly year: number | null;
  /** The end of a period that the field asks for. */
  readonly side: 'start' | 'end' | null;
  /** The end of a range that the field asks for. */
  readonly bound: 'min' | 'max' | null;
  readonly choices: readonly string[];
  readonly format: string | null;
}

/** Describes a field. */
export function describeField({ name, schema }: Field): FieldInfo {
  const object: JsonObject = isJsonObject(schema) ? schema : {};
  const description =
    typeof object.description === 'string'
      ? object.description
      : typeof object.title === 'string'
        ? object.title
        : '';
  const words = splitColumnName(name);
  const year =
    /\b(?:19|20)\d{2}\b/.exec(words.join(' '))?.[0] ??
    /\b(?:in|for|fy|of|during|fiscal year)\s?((?:19|20)\d{2})\b/i.exec(description)?.[1];
  const choices = (Array.isArray(object.enum) ? object.enum : []).filter(
    (each): each is string => typeof each === 'string',
  );
  const unit = words.findLast((word) => UNITS.has(word)) ?? null;
  const suffix = MONEY_SCALES[words.at(-1) ?? ''] ?? 1;
  const stated = /\b(?:count|number|date|year)\b/.test(words.join(' '))
    ? 1
    : findStatedScale(description.slice(0, 300));
  return {
    ...resolveFieldWords(name, description),
    name,
    words,
    description,
    scale: suffix === 1 ? stated : suffix,
    unit,
    year: year === undefined ? null : Number(year),
    side: words.some((word) =>
      /^(?:start|begin|beginn|beginning|from|opening|inicio|debut|début|inizio|aanvang|startdatum|börjar)$/.test(
        word,
      ),
    )
      ? 'start'
      : words.some((word) =>
            /^(?:end|ende|until|closing|fin|fine|einde|einddatum|slut|slutt|hasta|termino)$/.test(word),
          )
        ? 'end'
        : null,
    bound: words.some((word) => /^(?:min|minimum|lowest|lower)$/.test(word))
      ? 'min'
      : words.some((word) => /^(?:max|maximum|highest|upper)$/.test(word))
        ? 'max'
        : null,
    choices,
    format: typeof object.format === 'string' ? object.format : null,
  };
}

const UNITS = new Set(
  'kg g mg t lb lbs oz l ml cl dl m cm mm km ft in inch inches mi w kw mw gw wh kwh mwh gb mb tb usd eur gbp chf jpy nok sek dkk pln inr cad aud czk huf percent pct hours minutes seconds days months years ha sqm sqft'.split(
    ' ',
  ),
);
const MONEY_SCALES: Readonly<Record<string, number>> = {
  ...{
    mn: 1e6,
    mio: 1e6,
    million: 1e6,
    millions: 1e6,
    musd: 1e6,
    meur: 1e6,
    bn: 1e9,
    billion: 1e9,
    billions: 1e9,
  },
  ...{ thousand: 1e3, thousands: 1e3, tsd: 1e3, k: 1e3, teur: 1e3, mrd: 1e9 },
};

/** Decides how a value that is neither a list nor an object is looked for. */
export function resolveValueKind(value: JsonValue, field: FieldInfo): ValueKind {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return 'number';
  const text = String(value).trim();
  const column = resolveColumnKind(field.name);
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) return 'email';
  if (field.format === 'uri' || /^https?:\/\//i.test(text)) return 'url';
  if ((column === 'domain' || column === 'url') && /^[^\s]+\.[a-z]{2,}/i.test(text)) return 'url';
  if (field.format?.startsWith('date') === true || /^\d{4}-\d{2}(?:-\d{2})?(?:$|T)/.test(text)) {
    if (parseDateValue(text) !== null) return 'date';
  }
  if (field.groups.has('date') && /\d{4}/.test(text) && /\D/.test(text) && parseDateValue(text) !== null)
    return 'date';
  if (
    field.format === 'phone' ||
    ((column === 'phone' || /^\+\d/.test(text)) && text.replace(/\D/g, '').length >= 6)
  )
    return 'phone';
  if (/^\d{4}$/.test(text) && (field.groups.has('date') || field.words.includes('year'))) return 'number';
  if (field.choices.length > 0) return 'enum';
  const has = (...words: string[]): boolean => words.some((word) => field.words.includes(word));
  if (has('country', 'nation', 'nationality', 'land', 'pays') && findCountryCode(text) !== null)
    return 'country';
  if (has('currency')) return 'currency';
  if (has('language', 'languages')) return 'language';
  if (isPersonField(field, column) && looksLikePerson(text)) return 'person';
  if (field.groups.has('location') && field.families.has('location') && !has('postcode', 'zip', 'postal'))
    return 'place';
  return 'text';
}

function isPersonField(field: FieldInfo, column: string): boolean {
  if (field.words.some((word) => ROLE_TEXT.has(word))) return false;
  return column === 'person' || field.groups.has('role');
}

/** Fields about a role that hold no name. */
const ROLE_TEXT = new Set([
  'title',
  'role',
  'position',
  'job',
  'since',
  'bio',
  'date',
  'email',
  'url',
  'linkedin',
  'count',
  'number',
  'age',
  'gender',
  'salary',
  'pay',
]);

function looksLikePerson(text: string): boolean {
  const words = foldWords(text).split(' ');
  return !/\d/.test(text) && words.length >= 2 && (words.length <= 6 || /[^\p{Script=Latin}\s]/u.test(text));
}
