import type { CheckedRow, CheckedRun, FieldAnswer, RowAnswer } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import { escapeToken, getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { findEntryFields, findStructured, listRowEntries } from '../model/row-entries.js';
import type { AgentRun, Citation, Confidence, Grounding } from '../model/run.js';
import {
  cleanLine,
  cleanText,
  isCommonLink,
  isPlainLink,
  MAX_SOURCE_LENGTH,
  MAX_TITLE_LENGTH,
} from '../model/untrusted-text.js';

/** Sources of a field's value, and the agent's confidence. */
interface FieldGrounding {
  readonly citations: readonly Citation[];
  readonly confidence: Confidence | null;
}

/** More is useless in a cell. */
const MAX_CITATIONS = 100;

/** Grounding by field, or by null for whole entries, and then by index in the agent's list. */
type Groundings = ReadonlyMap<string | null, ReadonlyMap<number, readonly Grounding[]>>;

/**
 * Sorts the grounding of a run by what it refers to. Grounding of the root is ignored. If a path leads to a row behind
 * the last one, all of it is: the agent counts from 1, or cites rows that it left out.
 */
function sortGrounding(grounding: readonly Grounding[], paths: PathParser): Groundings {
  const sorted = new Map<string | null, Map<number, Grounding[]>>();
  for (const entry of Array.isArray(grounding) ? grounding : []) {
    const place = isJsonObject(entry) && typeof entry.field === 'string' ? paths.read(entry.field) : null;
    if (place === BEHIND_LAST) return new Map();
    if (place === null) continue;
    let byIndex = sorted.get(place.field);
    if (byIndex === undefined) {
      byIndex = new Map();
      sorted.set(place.field, byIndex);
    }
    const found = byIndex.get(place.index);
    if (found === undefined) byIndex.set(place.index, [entry]);
    else found.push(entry);
  }
  return sorted;
}

const NO_GROUNDING: FieldGrounding = { citations: [], confidence: null };

/**
 * Citations and confidence of a field of a row. Grounding of the field (or anything inside its value) wins over
 * grounding of its whole row. Of several confidences the lowest counts.
 */
function findGrounding(row: CheckedRow, name: string, groundings: Groundings): FieldGrounding {
  const own = listGroundings(row, name, groundings.get(name));
  const whole = listGroundings(row, name, groundings.get(null));
  const citations = collectCitations(own);
  return {
    citations: citations.length > 0 ? citations : collectCitations(whole),
    confidence: findLowestConfidence(own) ?? findLowestConfidence(whole),
  };
}

const NONE: readonly Grounding[] = [];

/** Grounding of the row's only entry, or of the entries that the field's value came from. */
function listGroundings(
  row: CheckedRow,
  name: string,
  byIndex: ReadonlyMap<number, readonly Grounding[]> | undefined,
): readonly Grounding[] {
  if (byIndex === undefined) return NONE;
  if (row.twice === undefined) return byIndex.get(row.index) ?? NONE;
  const places = row.twice.places.get(name) ?? [row.index];
  return places.flatMap((index) => byIndex.get(index) ?? []);
}

const NO_CITATIONS: readonly Citation[] = [];

/** Collects the distinct pages in order. */
function collectCitations(groundings: readonly Grounding[]): readonly Citation[] {
  let first: Citation | null = null;
  let byUrl: Map<string, Citation> | null = null;
  for (const { citations } of groundings) {
    for (const entry of Array.isArray(citations) ? citations : []) {
      const citation = readCitation(entry);
      if (citation === null) continue;
      if (first === null) {
        first = citation;
        continue;
      }
      byUrl ??= new Map([[first.url, first]]);
      addCitation(byUrl, citation);
    }
  }
  if (byUrl !== null) return [...byUrl.values()];
  return first === null ? NO_CITATIONS : [first];
}

function readCitation(citation: Citation): Citation | null {
  const url = isJsonObject(citation) ? parseUrl(citation.url) : null;
  if (url === null) return null;
  const { title } = citation;
  return { url, title: typeof title === 'string' ? cleanLine(title, MAX_TITLE_LENGTH) || null : null };
}

function addCitation(byUrl: Map<string, Citation>, { url, title }: Citation): void {
  const known = byUrl.get(url);
  if (known === undefined && byUrl.size >= MAX_CITATIONS) return;
  byUrl.set(url, { url, title: known?.title ?? title ?? null });
}

/**
 * Cleans the URL of a source; white space would split it in a cell. Whether it becomes a link is decided on
 * output. A name without a scheme is not a URL, and user names are masked.
 */
function parseUrl(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (isCommonLink(value)) return value;
  const text = cleanText(value).trim();
  if (!URL.canParse(text)) return null;
  if (isPlainLink(text)) return text;
  const { protocol, username, password, href } = new URL(text);
  const isAddress = /^(?:https?|file):$/.test(protocol);
  if (!isAddress) return cleanLine(text, MAX_TITLE_LENGTH);
  if (!/^(?:https?|file):\/\//i.test(text) || text.length > MAX_SOURCE_LENGTH) return null;
  if (username !== '' || password !== '') return href.replace(/^([a-z]+:\/\/)[^/?#]*@/, '$1***@');
  return /\s/.test(text) ? href : text;
}

const CONFIDENCES: readonly Confidence[] = ['low', 'medium', 'high'];
const LEVELS: ReadonlyMap<string, number> = new Map(CONFIDENCES.map((each, level) => [each, level]));

function findLowestConfidence(groundings: readonly Grounding[]): Confidence | null {
  let lowest: number = CONFIDENCES.length;
  for (const { confidence } of groundings) {
    if (typeof confidence !== 'string') continue;
    lowest = Math.min(lowest, LEVELS.get(confidence.toLowerCase()) ?? lowest);
  }
  return CONFIDENCES[lowest] ?? null;
}

/**
 * What a grounding path refers to: a field of an entry in the agent's list, or the whole entry if `field` is
 * null.
 */
interface GroundedPlace {
  readonly index: number;
  readonly field: string | null;
}

const BEHIND_LAST: GroundedPlace = { index: -1, field: null };

/** Key of an answer's field, and its notations in a path. */
interface FieldForms {
  readonly name: string;
  readonly forms: readonly string[];
}

/**
 * Parses grounding paths in all known notations: dots, brackets, quoted keys, `$.`, JSON Pointer, with or
 * without `output`, `structured` and `fields`. There is no standard escape for keys with dots or brackets, so
 * a path is matched against the real keys of the answer, longest first, and never split at punctuation.
 */
class PathParser {
  readonly #names: readonly string[];
  readonly #entries: readonly JsonValue[];
  readonly #isList: boolean;
  readonly #idForms: readonly (readonly string[])[];
  /** A path may leave out the wrappers around the list. */
  readonly #prefixes: readonly (readonly (readonly string[])[])[];
  /** Fields by their usual notation in an entry. */
  readonly #exact: ReadonlyMap<string, string>;
  /** True if usual paths need not be matched against all notations. */
  readonly #isUsual: boolean;
  readonly #shapes = new Map<number, EntryShape>();
  #fieldForms: readonly FieldForms[] | null = null;

  constructor(structured: JsonValue, names: readonly string[], rowIds: readonly string[]) {
    const { keys, isList, ids, values } = listRowEntries(structured, rowIds);
    const listForms = keys.map((key) => (key === 'rows' ? ROWS_FORMS : listKeyForms(key)));
    this.#names = names;
    this.#entries = values;
    this.#isList = isList;
    this.#idForms = (ids ?? []).map(listKeyForms);
    this.#prefixes = listForms.length > 1 ? [listForms, listForms.slice(-1)] : [listForms];
    this.#exact = new Map(names.map((name) => [`.fields.${name}`, name]));
    this.#isUsual = isList && ids === null && keys.length === 1 && keys[0] === 'rows';
  }

  /** What a path refers to; null if nothing that is known. */
  read(path: string): GroundedPlace | null {
    const usual = this.#isUsual ? this.#readUsual(path) : null;
    if (usual !== null) return usual;
    for (const start of listStarts(path.trim())) {
      for (const prefix of this.#prefixes) {
        const place = this.#readPlace(start, prefix);
        if (place !== null) return place;
      }
    }
    return null;
  }

  /**
   * Parses paths like `structured.rows[0].fields.city`. Null for any other path, and for an entry that does not hold its
   * fields like this.
   */
  #readUsual(path: string): GroundedPlace | null {
    if (!path.startsWith(USUAL_START)) return null;
    const end = path.indexOf(']', USUAL_START.length);
    const field = end < 0 ? undefined : this.#exact.get(path.slice(end + 1));
    const digits = field === undefined ? '' : path.slice(USUAL_START.length, end);
    if (field === undefined || !/^\d{1,9}$/.test(digits)) return null;
    const index = Number(digits);
    const entry = this.#entries[index];
    return isJsonObject(entry) && this.#findShape(index, entry).hasFields ? { index, field } : null;
  }

  #readPlace(start: string, prefix: readonly (readonly string[])[]): GroundedPlace | null {
    let rest: string | null = start;
    for (const forms of prefix) rest = rest === null ? null : matchKey(rest, forms);
    const found = rest === null ? null : this.#readIndex(rest);
    if (found === null) return null;
    if (found.index >= this.#entries.length) return BEHIND_LAST;
    const entry = this.#entries[found.index];
    if (!isJsonObject(entry)) return null;
    const { index } = found;
    const shape = this.#findShape(index, entry);
    const { hasFields } = shape;
    const known = hasFields ? this.#exact.get(found.rest) : undefined;
    if (known !== undefined) return { index, field: known };
    const inner = matchKey(found.rest, shape.fieldsForms);
    // The root does not refer to a row, even if the root is the only entry.
    if (found.rest === '' || (hasFields && inner === '')) return this.#isList ? { index, field: null } : null;
    const beside = hasFields && isEntryKey(found.rest) ? null : this.#readField(found.rest, shape);
    const inside = inner === null ? null : this.#readField(inner, shape);
    const field = hasFields ? (inside ?? beside) : (beside ?? inside);
    if (field !== null) return { index, field };
    return inner === '' && this.#isList ? { index, field: null } : null;
  }

  #readIndex(rest: string): { readonly index: number; readonly rest: string } | null {
    if (!this.#isList) return { index: 0, rest };
    for (const [index, forms] of this.#idForms.entries()) {
      const inEntry = matchKey(rest, forms);
      if (inEntry !== null) return { index, rest: inEntry };
    }
    const [whole = '', a, b] = /^(?:\.?\[["']?(\d{1,9})["']?\]|[./]?(\d{1,9}))(?=$|[.[/])/.exec(rest) ?? [];
    const digits = a ?? b;
    return digits === undefined ? null : { index: Number(digits), rest: rest.slice(whole.length) };
  }

  #readField(rest: string, { spelled }: EntryShape): string | null {
    this.#fieldForms ??= [...this.#names]
      .sort((a, b) => b.length - a.length)
      .map((name) => ({ name, forms: listKeyForms(name) }));
    const found = this.#fieldForms.find(({ forms }) => matchKey(rest, forms) !== null)?.name;
    if (found !== undefined || spelled.size === 0) return found ?? null;
    const [name = null] = [...spelled].find(([, key]) => matchKey(rest, listKeyForms(key)) !== null) ?? [];
    return name;
  }

  #findShape(index: number, entry: JsonObject): EntryShape {
    if (holdsFields(entry, this.#names)) return USUAL_SHAPE;
    const known = this.#shapes.get(index);
    if (known !== undefined) return known;
    const found = findEntryFields(entry, this.#names);
    const [key] = found?.keys ?? [];
    const shape = {
      hasFields: key !== undefined,
      fieldsForms: key === undefined || key === 'fields' ? FIELDS_FORMS : listKeyForms(key),
      spelled: found?.spelled ?? NOT_SPELLED,
    };
    this.#shapes.set(index, shape);
    return shape;
  }
}

/** The notation that nearly all agents use, apart from the field's name. */
const USUAL_START = 'structured.rows[';

/** How an entry holds its fields. */
interface EntryShape {
  readonly hasFields: boolean;
  readonly fieldsForms: readonly string[];
  /** Keys for fields that it spells differently, by field name. */
  readonly spelled: ReadonlyMap<string, string>;
}

const NOT_SPELLED: ReadonlyMap<string, string> = new Map();

/** True for an entry in the usual form, with every field in its `fields`. */
function holdsFields(entry: JsonObject, names: readonly string[]): boolean {
  const fields = getOwn(entry, 'fields');
  if (!isJsonObject(fields)) return false;
  for (const name of names) if (!Object.hasOwn(fields, name)) return false;
  return names.length > 0;
}

/** True for keys of the entry itself; they are not fields, even if a field has the same name. */
function isEntryKey(rest: string): boolean {
  return matchKey(rest, ROW_ID_FORMS) !== null || matchKey(rest, FIELDS_FORMS) !== null;
}

/** All notations of a key in a path. */
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
const USUAL_SHAPE: EntryShape = { hasFields: true, fieldsForms: FIELDS_FORMS, spelled: NOT_SPELLED };

/** Returns the rest of a path after a key; null if the path does not continue with this key. */
function matchKey(rest: string, forms: readonly string[]): string | null {
  const form = forms.find((candidate) => rest.startsWith(candidate) && isBoundary(rest[candidate.length]));
  return form === undefined ? null : rest.slice(form.length);
}

function isBoundary(next: string | undefined): boolean {
  return next === undefined || next === '.' || next === '[' || next === '/';
}

/** Variants of a path: without the prefix before the answer, and as given. */
function listStarts(path: string): string[] {
  const bare = path.startsWith('$') || path.startsWith('#') ? path.slice(1) : path;
  const inOutput = matchKey(bare, OUTPUT_FORMS);
  const inStructured = matchKey(inOutput ?? bare, STRUCTURED_FORMS);
  return [inStructured, inOutput, bare].filter((start) => start !== null);
}

/** The agent's explanations for missing values. */
interface RowReasons {
  find(rowId: string, field: string): string | null;
}

const MAX_CHARACTERS = 300;

/**
 * Reads explanations for single rows from a run's text: lines that start with the row id and a colon or, for
 * one field, with `ID.city:`. Row ids do not occur in prose, so other lines do not match by accident.
 */
function parseReasons(batch: Batch, text: string): RowReasons {
  if (text === '') return NO_REASONS;
  const ids = new Set(batch.rows.map((row) => row.rowId));
  const reasons = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [start = ''] = /^[^\s.:]+/.exec(line) ?? [];
    if (!ids.has(start)) continue;
    const places = [start, ...batch.fields.map((field) => `${start}.${field}`)];
    const place = places.find((each) => line.startsWith(`${each}:`));
    const words = place === undefined ? '' : cleanLine(line.slice(place.length + 1), MAX_CHARACTERS);
    if (place !== undefined && words !== '' && !reasons.has(place)) reasons.set(place, words);
  }
  return {
    find: (rowId, field) => reasons.get(`${rowId}.${field}`) ?? reasons.get(rowId) ?? null,
  };
}

const NO_REASONS: RowReasons = { find: () => null };

/** Converts a run to ledger answers: each checked row's values with citations and confidence. */
export function createAnswers(batch: Batch, checked: CheckedRun, run: AgentRun): RowAnswer[] {
  const { output } = run;
  const { effort } = batch;
  const rowIds = batch.rows.map(({ rowId }) => rowId);
  const names = new Set<string>();
  for (const { fields } of checked.rows) for (const name of fields.keys()) names.add(name);
  const paths = new PathParser(findStructured(output), [...names], rowIds);
  const groundings = sortGrounding(output.grounding, paths);
  const reasons = parseReasons(batch, output.text);
  const answers: RowAnswer[] = [];
  for (const row of checked.rows) {
    const fields = new Map<string, FieldAnswer>();
    for (const [name, { value, issue }] of row.fields) {
      // A field without a value has no grounding.
      const { confidence, citations } = value === null ? NO_GROUNDING : findGrounding(row, name, groundings);
      fields.set(name, {
        value,
        confidence,
        citations,
        issue: issue ?? (value === null ? reasons.find(row.rowId, name) : null),
        runId: run.id,
        effort,
        triedEffort: effort,
      });
    }
    answers.push({ key: row.key, fields });
  }
  return answers;
}
