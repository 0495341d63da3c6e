import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  resolvePointer,
  unescapeToken,
} from '../model/json.js';
import { parseJsonText } from '../model/json-text.js';
import type { SchemaIssue } from '../model/schema.js';
import { formatExcerpt } from './excerpt.js';
import { parseEmail, parseUrl } from './link-text.js';
import { mayBeSeveral, parseListText, splitCommas, splitPlainCommas } from './list-text.js';
import {
  foldWord,
  parseBoolean,
  parseDate,
  parseDateTime,
  parseNumber,
  parsePhone,
  unwrapText,
} from './spellings.js';

type Validate = (value: JsonValue) => readonly SchemaIssue[];

/** A repaired value: `notes` list the repairs, `issues` what is still wrong. */
interface RepairedValue {
  readonly value: JsonValue;
  readonly notes: readonly string[];
  readonly issues: readonly SchemaIssue[];
}

/** Cap on repairs: a value that needs more is not a harmless variation. */
const MAX_REPAIRS = 100;

/**
 * Repairs harmless variations in how a value is written; never changes its meaning. Each repair is tried at
 * the place an issue names and kept only if no issue remains there. If two readings of the same kind fit, the
 * value is left as it is.
 */
export function repairValue(value: JsonValue, validate: Validate, depth = 0): RepairedValue {
  let current = value;
  let issues = validate(current);
  const notes: string[] = [];
  for (let round = 0; issues.length > 0 && round < MAX_REPAIRS; round += 1) {
    // Other spellings would time out too, and for a huge value only the first issue is known.
    if (issues.some((issue) => issue.keyword === 'timeout' || issue.keyword === 'size')) break;
    const repair = findRepair(current, issues, validate, depth);
    if (repair === null) break;
    current = repair.value;
    issues = repair.issues;
    notes.push(repair.note);
  }
  return { value: current, notes, issues };
}

interface Repair {
  readonly value: JsonValue;
  readonly issues: readonly SchemaIssue[];
  readonly note: string;
}

/** A list of lists in one text is not read further. */
const MAX_DEPTH = 2;
/** The items of a longer list in a text are not repaired, because each repair checks all of them. */
const MAX_ITEMS = 100;

function findRepair(
  value: JsonValue,
  issues: readonly SchemaIssue[],
  validate: Validate,
  depth: number,
): Repair | null {
  for (const [path, found] of groupByPath(issues)) {
    const node = resolvePointer(value, path);
    if (node === undefined) continue;
    const isOfWrongKind =
      found.every(({ keyword }) => KIND_KEYWORDS.has(keyword) || CHOICE_KEYWORDS.has(keyword)) &&
      found.some(({ keyword }) => KIND_KEYWORDS.has(keyword));
    for (const candidates of listReadings(node, found)) {
      const fitting = new Map<string, Repair>();
      for (const candidate of candidates) {
        if (!isOfWrongKind && findKind(candidate) !== findKind(node)) continue;
        let next = replaceAt(value, path, candidate);
        let left = validate(next);
        if (left.some((other) => other.keyword === 'timeout')) return null;
        // What was in a text, an object or a list of one may need repairs of its own.
        const isOther = typeof node === 'string' ? typeof candidate === 'object' : typeof node === 'object';
        const isShort = !Array.isArray(candidate) || candidate.length <= MAX_ITEMS;
        const hasParts = depth < MAX_DEPTH && isOther && isShort;
        if (hasParts && left.some((other) => isAtOrBelow(other.path, path))) {
          const repaired = repairValue(next, validate, depth + 1);
          next = repaired.value;
          left = repaired.issues;
        }
        if (left.length > issues.length || left.some((other) => isAtOrBelow(other.path, path))) continue;
        const reading = resolvePointer(next, path) ?? candidate;
        const note = `read ${formatExcerpt(node)} as ${formatExcerpt(reading)}`;
        fitting.set(JSON.stringify(reading), { value: next, issues: left, note });
      }
      const [first] = fitting.values();
      if (first === undefined) continue;
      if (fitting.size === 1) return first;
      break;
    }
    // One part of a reading that cannot be repaired rules it out.
    if (depth > 0) return null;
  }
  return null;
}

/**
 * Keywords that a value of the wrong kind breaks. If it breaks any other, its kind is right and its content wrong: the
 * text "35" for a number above its `maximum` would only escape the rule, which applies to numbers.
 */
const KIND_KEYWORDS: ReadonlySet<string> = new Set(['type', 'enum', 'const']);
/** Reported beside the issues of each choice; alone if a value fits several choices of which only one may fit. */
const CHOICE_KEYWORDS: ReadonlySet<string> = new Set(['anyOf', 'oneOf']);

function findKind(value: JsonValue): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}

function groupByPath(issues: readonly SchemaIssue[]): ReadonlyMap<string, readonly SchemaIssue[]> {
  const groups = new Map<string, SchemaIssue[]>();
  for (const issue of issues) {
    const group = groups.get(issue.path);
    if (group === undefined) groups.set(issue.path, [issue]);
    else group.push(issue);
  }
  return groups;
}

function isAtOrBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}

type Readings = readonly JsonValue[];

/** Other readings of a value: groups, the most likely first. Only one reading of a group may fit. */
function* listReadings(node: JsonValue, issues: readonly SchemaIssue[]): Generator<Readings> {
  const allowed = issues.flatMap((issue) => issue.allowed ?? []);
  const scalars: JsonValue[] = [];
  const note = (readings: Readings): Readings => {
    scalars.push(...readings);
    return readings;
  };
  if (typeof node === 'string') {
    for (const readings of listTextReadings(node, allowed)) yield note(readings);
    yield* listPartReadings(node);
  } else if (typeof node === 'number') {
    yield note([String(node)]);
    const boolean = parseBoolean(String(node));
    const date = /^\d{8}$/.test(String(node)) ? parseDate(String(node)) : null;
    yield note([boolean, date].filter((reading) => reading !== null));
  } else if (typeof node === 'boolean') {
    const words = allowed.filter((word) => typeof word === 'string' && parseBoolean(word) === node);
    yield note(words);
  } else if (isJsonObject(node)) {
    const extra = issues.flatMap(({ property }) => (property === undefined ? [] : [property]));
    if (extra.length > 0) yield [withoutKeys(node, extra)];
    // Some agents put each value next to its source: `{"value": …, "source": …}`.
    if (Object.hasOwn(node, 'value')) yield note([node.value ?? null]);
  } else if (Array.isArray(node) && node.length === 1) yield node;
  // Wrap a single value in a list, also after another repair.
  if (Array.isArray(node) || node === null || (typeof node === 'string' && isUnclearList(node))) return;
  yield [[node]];
  for (const scalar of scalars) yield [[scalar]];
}

/** Longer texts are not another spelling of a number, a date or a link. */
const MAX_SPELLING_LENGTH = 1_000;

/** Readings of a text as one value. */
function* listTextReadings(text: string, allowed: readonly JsonValue[]): Generator<Readings> {
  const trimmed = text.trim();
  if (trimmed.length > MAX_SPELLING_LENGTH) {
    if (trimmed !== text) yield [trimmed];
    return;
  }
  const plain = unwrapText(text);
  for (const spelling of new Set([trimmed, plain])) {
    const word = foldWord(spelling);
    yield allowed.filter((each) => typeof each === 'string' && foldWord(each) === word);
  }
  if (trimmed !== text) yield [trimmed];
  for (const spelling of new Set([trimmed, plain])) {
    const boolean = parseBoolean(spelling);
    const isWord = (each: JsonValue): boolean => typeof each === 'string' && parseBoolean(each) === boolean;
    const scalars = [
      ...(boolean === null ? [] : [boolean, ...allowed.filter(isWord)]),
      parseNumber(spelling),
      parseDate(spelling),
      parseDateTime(spelling),
      parseUrl(spelling),
      parseEmail(spelling),
      parsePhone(spelling),
    ];
    yield scalars.filter((reading) => reading !== null);
    if (spelling !== text) yield [spelling];
  }
}

/** Readings of a text as a list or an object. */
function* listPartReadings(text: string): Generator<Readings> {
  const json = parseJsonText(text);
  if (isJsonObject(json)) yield [json];
  const items = parseListText(text);
  if (items !== null) yield [items];
  if (text.length > MAX_SPELLING_LENGTH || isLink(text) || !/[,、，]/.test(text)) return;
  const plain = splitPlainCommas(text);
  if (plain !== null) yield [plain];
  // Commas are clear if no item of the list may have one, as in a list of numbers or dates.
  else yield [[text], splitCommas(text)];
}

/** True for a text that must not become the only item of a list, because it may be several. */
function isUnclearList(text: string): boolean {
  return mayBeSeveral(text) && !isLink(text);
}

function isLink(text: string): boolean {
  return /^<?https?:\/\/\S+$/i.test(text.trim());
}

function withoutKeys(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !keys.includes(name)));
}

function replaceAt(value: JsonValue, path: string, replacement: JsonValue): JsonValue {
  if (path === '') return replacement;
  const end = path.indexOf('/', 1);
  const key = unescapeToken(path.slice(1, end < 0 ? undefined : end));
  const rest = end < 0 ? '' : path.slice(end);
  if (Array.isArray(value)) {
    return value.map((item, index) => (String(index) === key ? replaceAt(item, rest, replacement) : item));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === key ? replaceAt(inner, rest, replacement) : inner,
    ]),
  );
}
