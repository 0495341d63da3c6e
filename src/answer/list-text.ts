import { isJsonObject, type JsonValue } from '../model/json.js';
import { parseJsonText } from '../model/json-text.js';

/** Legal forms and the like, which follow a comma inside a name. */
const AFTER_COMMA =
  /^(?:inc|incorporated|ltd|limited|llc|llp|lp|plc|co|corp|corporation|gmbh|ag|kg|sa|s\.a|srl|bv|b\.v|nv|n\.v|ab|as|oy|jr|sr|ii|iii|iv|ph\.?d|md|m\.d|mba|cpa|esq|etc|et al|the|and|or|but|which|who|including|such)\b/i;
/** One to four words, without punctuation that ends or nests something. */
const PLAIN_PART = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}&'’+#/.@-]*(?: [\p{L}\p{M}\p{N}&'’+#/.@-]+){0,3}$/u;
const CODE_PART = /^\p{Lu}{2,3}$/u;

/** Longer texts are read only as JSON. */
const MAX_LIST_LENGTH = 2_000;

/** The items of a list in one text; null for a text that is one value, or unclear. */
export function parseListText(text: string): readonly JsonValue[] | null {
  const trimmed = text.trim();
  const json = parseJsonText(trimmed);
  if (Array.isArray(json)) return json;
  if (isJsonObject(json)) return null;
  if (trimmed.length > MAX_LIST_LENGTH) return null;
  const quoted = parseQuotedList(trimmed);
  if (quoted !== null) return quoted;
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim());
  const filled = lines.filter((line) => line !== '');
  if (filled.length > 1) return parseLines(filled);
  const [only = ''] = filled;
  const numbered = splitNumbered(only);
  if (numbered !== null) return numbered;
  for (const separator of [/\s*;\s*/, /\s+[•·▪‣]\s*|^[•·▪‣]\s*/, /\s*\|\s*/]) {
    const parts = only.split(separator).filter((part) => part !== '');
    if (parts.length > 1) return parts;
  }
  return null;
}

/** Splits a text at its commas if every part is plain; null if a comma may be part of a value. */
export function splitPlainCommas(text: string): readonly string[] | null {
  const parts = splitCommas(text);
  const cleaned = parts.map((part, index) =>
    index === parts.length - 1 ? part.replace(/^(?:and|&) /, '') : part,
  );
  const isPlain = cleaned.every(
    (part) => PLAIN_PART.test(part) && !AFTER_COMMA.test(part) && !CODE_PART.test(part),
  );
  if (!isPlain || cleaned.length < 3) return null;
  const countries = cleaned.filter(isCountry).length;
  // "Lyon, Rhône, France" is one place.
  return countries === 0 || countries === cleaned.length ? cleaned : null;
}

/** All parts of a text with commas. Without a space, a comma may be part of a number: `1,234, 5,678`. */
export function splitCommas(text: string): readonly string[] {
  const trimmed = text.trim();
  return trimmed.split(/,\s/.test(trimmed) ? /\s*,\s+/ : /\s*[,、，]\s*/);
}

/** True for a text that may be several values: it has a line break or a separator. */
export function mayBeSeveral(text: string): boolean {
  return /[\n;|•,、，]|^\s*\[/.test(text.trim());
}

function parseQuotedList(text: string): readonly JsonValue[] | null {
  const [, inner] = /^\[([\s\S]*)\]$/.exec(text) ?? [];
  if (inner === undefined) return null;
  if (inner.trim() === '') return [];
  const items = [
    ...inner.matchAll(
      /\s*(?:'((?:[^'\\]|\\.|'(?=[^\s,]))*)'|"((?:[^"\\]|\\.)*)"|([^,'"[\]{}]+))\s*(?:,|$)/gy,
    ),
  ];
  const length = items.reduce((sum, [whole]) => sum + whole.length, 0);
  if (length !== inner.length) return null;
  return items.map(([, single, double, bare]) =>
    (single ?? double ?? bare ?? '').replace(/\\(['"\\])/g, '$1').trim(),
  );
}

const BULLET = /^(?:[-*•·▪‣–—]\s+|[•·▪‣]|\(?\d{1,3}[.)]\s+)/;

function parseLines(lines: readonly string[]): readonly string[] | null {
  const bulleted = lines.filter((line) => BULLET.test(line));
  if (bulleted.length === 0) return lines.map((line) => line.replace(/[,;]$/, ''));
  // A heading may come before the list: "Offices:".
  const [first = ''] = lines;
  const items = !BULLET.test(first) && first.endsWith(':') ? lines.slice(1) : lines;
  const isList = items.every((line) => BULLET.test(line));
  return isList ? items.map((line) => line.replace(BULLET, '').replace(/[,;]$/, '')) : null;
}

/** `1. Bern 2. Basel`, if the numbers count from one. */
function splitNumbered(text: string): readonly string[] | null {
  if (!/^\(?1[.)]\s/.test(text)) return null;
  const parts = text.split(/(?:^|[\s,;]+)\(?(\d{1,3})[.)]\s+/).slice(1);
  const numbers = parts.filter((_, index) => index % 2 === 0);
  const items = parts.filter((_, index) => index % 2 === 1);
  return numbers.length > 1 && numbers.every((number, index) => Number(number) === index + 1) ? items : null;
}

let countries: ReadonlySet<string> | null = null;

function isCountry(text: string): boolean {
  countries ??= listCountries();
  return countries.has(text.toLowerCase());
}

function listCountries(): ReadonlySet<string> {
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const found = letters.flatMap((one) => letters.flatMap((two) => names.of(one + two) ?? []));
  return new Set([...found, 'England', 'Scotland', 'Wales', 'Turkey'].map((name) => name.toLowerCase()));
}
