import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { escapeToken } from '../model/pointer.js';
import { readEntryFields, readRowEntries } from '../model/row-entries.js';

/** What a grounding path speaks of: a field of an entry of the agent's own list, or (`field` null) the whole entry. */
export interface GroundedPlace {
  readonly index: number;
  readonly field: string | null;
}

/**
 * Reads grounding paths in every spelling seen: dots, brackets, quoted keys, `$.`, JSON Pointer, with or without
 * `output`, `structured` and `fields`. How keys with dots or brackets are escaped is nobody's rule, so a path is held
 * against the keys that the answer really has, the longest first, and never cut apart by its punctuation.
 */
export function createPathReader(
  structured: JsonValue,
  names: readonly string[],
): (path: string) => GroundedPlace | null {
  const { keys: listKeys, isList, values: entries } = readRowEntries(structured);
  const listForms = listKeys.map((key) => (key === 'rows' ? ROWS_FORMS : listKeyForms(key)));
  let keys: readonly { readonly name: string; readonly forms: readonly string[] }[] | null = null;
  const exact = new Map<string, string>(names.map((name) => [`.fields.${name}`, name]));

  const readIndex = (rest: string): { readonly index: number; readonly rest: string } | null => {
    if (!isList) return { index: 0, rest };
    const [whole = '', a, b] = /^(?:\.?\[["']?(\d{1,9})["']?\]|[./]?(\d{1,9}))(?=$|[.[/])/.exec(rest) ?? [];
    const digits = a ?? b;
    return digits === undefined ? null : { index: Number(digits), rest: rest.slice(whole.length) };
  };

  const readField = (rest: string): string | null => {
    keys ??= [...names]
      .sort((a, b) => b.length - a.length)
      .map((name) => ({ name, forms: listKeyForms(name) }));
    return keys.find(({ forms }) => matchKey(rest, forms) !== null)?.name ?? null;
  };

  const wrapped = new Map<number, boolean>();
  const isWrapped = (index: number, entry: JsonObject): boolean => {
    const known = wrapped.get(index) ?? readEntryFields(entry, names)?.keys.length === 1;
    wrapped.set(index, known);
    return known;
  };

  const readPlace = (start: string): GroundedPlace | null => {
    let rest: string | null = start;
    for (const forms of listForms) rest = rest === null ? null : matchKey(rest, forms);
    const found = rest === null ? null : readIndex(rest);
    const entry = found === null ? undefined : entries[found.index];
    if (found === null || !isJsonObject(entry)) return null;
    const { index } = found;
    const hasFields = isWrapped(index, entry);
    const known = hasFields ? exact.get(found.rest) : undefined;
    if (known !== undefined) return { index, field: known };
    const inner = matchKey(found.rest, FIELDS_FORMS);
    // The root says nothing about one row, not even where the root is all there is.
    if (found.rest === '' || (hasFields && inner === '')) return isList ? { index, field: null } : null;
    const beside = hasFields && isEntryKey(found.rest) ? null : readField(found.rest);
    const inside = inner === null ? null : readField(inner);
    const field = hasFields ? (inside ?? beside) : (beside ?? inside);
    if (field !== null) return { index, field };
    return inner === '' && isList ? { index, field: null } : null;
  };

  return (path) => {
    for (const start of listStarts(path.trim())) {
      const place = readPlace(start);
      if (place !== null) return place;
    }
    return null;
  };
}

/** True for the keys of the entry itself, which are no fields even if a field is called so. */
function isEntryKey(rest: string): boolean {
  return matchKey(rest, ROW_ID_FORMS) !== null || matchKey(rest, FIELDS_FORMS) !== null;
}

/** The ways in which a path can name a key. */
function listKeyForms(key: string): readonly string[] {
  const quoted = JSON.stringify(key);
  const single = key.replace(/[\\']/g, '\\$&');
  const token = escapeToken(key);
  const forms = [
    `.${key}`,
    key,
    `[${quoted}]`,
    `['${single}']`,
    `["${key}"]`,
    `['${key}']`,
    `[${key}]`,
    `.${quoted}`,
    `.${key.replace(/[.[\]\\]/g, '\\$&')}`,
    `/${token}`,
    `/${encodeURIComponent(token)}`,
  ];
  return [...new Set(forms.flatMap((form) => (form.startsWith('[') ? [form, `.${form}`] : [form])))];
}

const ROWS_FORMS = listKeyForms('rows');
const ROW_ID_FORMS = listKeyForms('row_id');
const FIELDS_FORMS = listKeyForms('fields');
const OUTPUT_FORMS = listKeyForms('output');
const STRUCTURED_FORMS = listKeyForms('structured');

/** What is left of a path after a key; null if the path does not go on with this key. */
function matchKey(rest: string, forms: readonly string[]): string | null {
  const form = forms.find((candidate) => rest.startsWith(candidate) && isBoundary(rest[candidate.length]));
  return form === undefined ? null : rest.slice(form.length);
}

function isBoundary(next: string | undefined): boolean {
  return next === undefined || next === '.' || next === '[' || next === '/';
}

/** A path without what stands in front of the answer, and as it is. */
function listStarts(path: string): string[] {
  const bare = path.startsWith('$') || path.startsWith('#') ? path.slice(1) : path;
  const inOutput = matchKey(bare, OUTPUT_FORMS);
  const inStructured = matchKey(inOutput ?? bare, STRUCTURED_FORMS);
  return [inStructured, inOutput, bare].filter((start) => start !== null);
}
