import { type CheckedField, DOUBT } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import { cleanText, limitValue } from '../model/foreign-text.js';
import {
  escapeToken,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  resolvePointer,
  unescapeToken,
} from '../model/json.js';
import { createFieldColumns } from '../model/output-columns.js';
import { type CompiledSchema, compileChecked, type SchemaIssue } from '../model/schema.js';
import { findProperties, indexSchema } from '../model/schema-index.js';

/** What came back for a field, judged. */
export interface FieldResult extends CheckedField {
  readonly state: 'valid' | 'nothing' | 'invalid';
  /** What is wrong with an invalid value, in the schema's words alone. */
  readonly fault: string | null;
}

/** The user's schema made ready to judge rows: compiled once an ask. */
export interface RowChecker {
  /** Judges the value of one field: null and blank text are nothing found, whatever the schema demands. */
  checkField(name: string, value: JsonValue): FieldResult;
  /** What the schema says about several fields at once and these values break, by the fields concerned. */
  checkTogether(fields: ReadonlyMap<string, CheckedField>): ReadonlyMap<string, string>;
}

/** Compiles the validators of an ask, one for the whole and one for each field. Throws a SchemaError. */
export function createRowChecker(ask: Ask): RowChecker {
  const whole = compileChecked(ask.schema);
  const isJoint = hasJointRules(ask.schema);
  const properties = findProperties(indexSchema(ask.schema, whole.draft));
  const checks = new Map(
    ask.fields.map(({ name }) => [name, createFieldCheck(whole, name, properties.get(name) ?? [])]),
  );
  const spread = findSpread(ask);
  return {
    checkField(name, value) {
      const check = checks.get(name);
      if (check === undefined) return NOTHING;
      if (isDeep(value)) return createFault('is nested too deeply', value, '');
      const kept = limitValue(value);
      if (isNothing(kept)) return NOTHING;
      const verdict = judge(kept, check);
      // A schema may name properties and still take what is no object; a table has no column for that.
      const isLost = spread.has(name) && verdict.state === 'valid' && !isJsonObject(verdict.value);
      return isLost ? createFault('must be object', value, '') : verdict;
    },
    checkTogether(fields) {
      const isWhole = isJoint && ask.fields.every((field) => fields.has(field.name));
      return isWhole ? checkTogether(whole, fields) : NO_NOTES;
    },
  };
}

/** The fields that are spread over columns of their parts. */
function findSpread(ask: Ask): ReadonlySet<string> {
  const columns = createFieldColumns(ask.fields, ask.schema);
  return new Set(columns.filter(({ name, values }) => values[0]?.title !== name).map(({ name }) => name));
}

/** The words of a schema that say nothing about several fields at once. */
const SINGLE_WORDS: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'examples',
  'default',
  'type',
  'properties',
  'required',
  'additionalProperties',
]);

/** False where each field is judged whole by its own schema, as in every schema made of `--field`. */
function hasJointRules(schema: JsonObject): boolean {
  return Object.keys(schema).some((word) => !SINGLE_WORDS.has(word));
}

/** More than anybody reads, and each is looked at again after each repair. */
const MAX_ISSUES = 50;

const NO_NOTES: ReadonlyMap<string, string> = new Map();

type FieldCheck = (value: JsonValue) => readonly SchemaIssue[];

const NOTHING: FieldResult = { state: 'nothing', value: null, issue: null, fault: null };

/** A schema that cannot be taken apart judges the field as the only one of its object. */
function createFieldCheck(whole: CompiledSchema, name: string, pointers: readonly string[]): FieldCheck {
  if (!whole.hasParts) {
    const path = `/${escapeToken(name)}`;
    return (value) =>
      whole
        .validate({ [name]: value })
        .filter((issue) => issue.path === path || issue.path.startsWith(`${path}/`))
        .map((issue) => ({ ...issue, path: issue.path.slice(path.length) }));
  }
  const parts = pointers.map((pointer) => whole.part(pointer));
  return (value) => parts.flatMap((part) => part.validate(value));
}

function judge(value: JsonValue, check: FieldCheck): FieldResult {
  const tolerant: FieldCheck = (inner) =>
    check(inner)
      .filter((issue) => !isMissingPart(inner, issue))
      .slice(0, MAX_ISSUES);
  const start = typeof value === 'string' ? value.trim() : value;
  const isTrimmed = start !== value && tolerant(start).length === 0;
  const repaired = repairValue(isTrimmed ? start : value, tolerant);
  const [first] = repaired.issues;
  // A word for nothing is none in a list either.
  if (isAbsence(value) && Array.isArray(repaired.value)) return NOTHING;
  if (first !== undefined) return isAbsence(value) ? NOTHING : createFault(first.message, value, first.path);
  const notes = isTrimmed ? [`read ${formatExcerpt(value)} as ${formatExcerpt(start)}`] : repaired.notes;
  const issue = notes.length === 0 ? null : clipList(notes).join('; ');
  return { state: 'valid', value: repaired.value, issue, fault: null };
}

/** Null where an object of a field lacks a part is that part not found, as null is for a whole field. */
function isMissingPart(value: JsonValue, issue: SchemaIssue): boolean {
  if (issue.path === '' || resolvePointer(value, issue.path) !== null) return false;
  return isJsonObject(resolvePointer(value, issue.path.slice(0, issue.path.lastIndexOf('/'))));
}

/** Null, blank text, or what is made of nothing else: an agent keeps the shape of an object of which it found no part. */
function isNothing(value: JsonValue): boolean {
  if (value === null) return true;
  if (typeof value === 'string') return cleanText(value).trim() === '';
  if (typeof value !== 'object') return false;
  // An empty list may be what was found.
  const parts = Array.isArray(value) ? value : Object.values(value);
  return parts.length > 0 && parts.every(isNothing);
}

const ABSENCES = new Set([
  'n/a',
  'na',
  'none',
  'null',
  'nil',
  'unknown',
  'not found',
  'not available',
  '-',
  '–',
  '—',
  '?',
]);

/** True for words that say "nothing found". A field that takes any text keeps them, unless another entry has a value. */
export function isAbsence(value: JsonValue): boolean {
  return typeof value === 'string' && ABSENCES.has(value.trim().toLowerCase());
}

function createFault(message: string, value: JsonValue, path: string): FieldResult {
  const node = resolvePointer(value, path) ?? value;
  const place = path === '' ? '' : `${formatExcerpt(path).slice(1, -1)} `;
  const excerpt = isDeep(value) ? '' : `, got ${formatExcerpt(node)}`;
  return { state: 'invalid', value: null, issue: `${place}${message}${excerpt}`, fault: message };
}

const MAX_VALUE_DEPTH = 64;

/** Too deep to be a cell; walked level by level, so that no depth can exhaust the stack. */
function isDeep(value: JsonValue): boolean {
  if (typeof value !== 'object') return false;
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_VALUE_DEPTH) return true;
    level = level.flatMap((node) => (typeof node === 'object' && node !== null ? Object.values(node) : []));
  }
  return false;
}

/**
 * Checks what only shows in the whole row (`dependentRequired`, `if`, rules in `allOf`): each value is fine by itself,
 * so it stays, with a note on the fields that the issue points to, or on every filled field if it points to none.
 * A field without a value counts as absent, and is not missed.
 */
function checkTogether(
  whole: CompiledSchema,
  fields: ReadonlyMap<string, CheckedField>,
): ReadonlyMap<string, string> {
  const values = [...fields].map(([name, { value }]): [string, JsonValue] => [name, value]);
  const filled = new Map(values.filter(([, value]) => value !== null));
  const row: JsonObject = Object.fromEntries(filled);
  const issues = whole
    .validate(row)
    .filter((issue) => issue.keyword !== 'required' && !isMissingPart(row, issue));
  const located = issues.filter((issue) => issue.path !== '');
  const notes = new Map<string, string>();
  for (const issue of located.length > 0 ? located : issues.slice(0, 1)) {
    const field = issue.path.split('/')[1];
    for (const name of filled.keys()) {
      if (notes.has(name) || (field !== undefined && escapeToken(name) !== field)) continue;
      notes.set(name, `${DOUBT}: ${issue.message}`);
    }
  }
  return notes;
}

const MAX_NOTES = 3;

function clipList(notes: readonly string[]): readonly string[] {
  return notes.length <= MAX_NOTES
    ? notes
    : [...notes.slice(0, MAX_NOTES), `and ${notes.length - MAX_NOTES} more`];
}

/** What became of a value: `notes` say what was repaired, `issues` what is still wrong. */
export interface RepairedValue {
  readonly value: JsonValue;
  readonly notes: readonly string[];
  readonly issues: readonly SchemaIssue[];
}

/** More than enough for drift; a value that needs more is not what was asked for. */
const MAX_REPAIRS = 100;

/**
 * Undoes harmless drift: another spelling of the value that was asked for, never another value. Each repair is tried
 * on the place that an issue names, and kept only if nothing is wrong there any more.
 */
export function repairValue(
  value: JsonValue,
  validate: (value: JsonValue) => readonly SchemaIssue[],
): RepairedValue {
  let current = value;
  let issues = validate(current);
  const notes: string[] = [];
  for (let round = 0; issues.length > 0 && round < MAX_REPAIRS; round += 1) {
    // Other spellings would take as long, and of a huge value only the first issue is known.
    if (issues.some((issue) => issue.keyword === 'timeout' || issue.keyword === 'size')) break;
    const repair = findRepair(current, issues, validate);
    if (repair === null) break;
    current = repair.value;
    issues = repair.issues;
    notes.push(repair.note);
  }
  return { value: current, notes, issues };
}

/** A value as a person may see it in a message: short, and without characters that a terminal obeys. */
export function formatExcerpt(value: JsonValue): string {
  const text = JSON.stringify(clipValue(value, { left: MAX_EXCERPT })).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    ' ',
  );
  const characters = [...text];
  return characters.length <= MAX_EXCERPT ? text : `${characters.slice(0, MAX_EXCERPT).join('')}…`;
}

const MAX_EXCERPT = 40;

/** As much of a value as an excerpt can show: each part takes two characters at least. */
function clipValue(value: JsonValue, room: { left: number }): JsonValue {
  room.left -= 1;
  if (typeof value === 'string') return value.slice(0, MAX_EXCERPT * 2);
  if (typeof value !== 'object' || value === null) return value;
  if (isJsonObject(value)) return clipObject(value, room);
  const items: JsonValue[] = [];
  for (const item of value) {
    if (room.left < 0) break;
    items.push(clipValue(item, room));
  }
  return items;
}

function clipObject(object: JsonObject, room: { left: number }): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const key in object) {
    if (room.left < 0) break;
    entries.push([key.slice(0, MAX_EXCERPT * 2), clipValue(object[key] ?? null, room)]);
  }
  return Object.fromEntries(entries);
}

interface Repair {
  readonly value: JsonValue;
  readonly issues: readonly SchemaIssue[];
  readonly note: string;
}

function findRepair(
  value: JsonValue,
  issues: readonly SchemaIssue[],
  validate: (value: JsonValue) => readonly SchemaIssue[],
): Repair | null {
  for (const issue of issues) {
    const node = resolvePointer(value, issue.path);
    if (node === undefined) continue;
    for (const candidate of listCandidates(node, issue)) {
      const next = replaceAt(value, issue.path, candidate);
      const left = validate(next);
      if (left.some((other) => other.keyword === 'timeout')) return null;
      if (left.length > issues.length || left.some((other) => isAtOrBelow(other.path, issue.path))) continue;
      return {
        value: next,
        issues: left,
        note: `read ${formatExcerpt(node)} as ${formatExcerpt(candidate)}`,
      };
    }
  }
  return null;
}

function isAtOrBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}

/** Other spellings of what is there, the most likely first. */
function listCandidates(node: JsonValue, issue: SchemaIssue): JsonValue[] {
  const candidates: JsonValue[] = [];
  if (typeof node === 'string') candidates.push(...listTextCandidates(node, issue.allowed ?? []));
  else if (typeof node === 'number') candidates.push(String(node));
  if (isJsonObject(node) && issue.property !== undefined) candidates.push(withoutKey(node, issue.property));
  if (Array.isArray(node) && node.length === 1) candidates.push(...node);
  // A lone value for a list, and a lone value that needs another repair too.
  const isLone = !Array.isArray(node) && node !== null;
  return isLone ? [...candidates, [node], ...candidates.map((candidate) => [candidate])] : candidates;
}

function listTextCandidates(text: string, allowed: readonly JsonValue[]): JsonValue[] {
  const trimmed = text.trim();
  const sameWord = allowed.filter((word) => typeof word === 'string' && fold(word) === fold(text));
  const found: (JsonValue | null)[] = [
    trimmed === text ? null : trimmed,
    sameWord.length === 1 ? (sameWord[0] ?? null) : null,
    parseNumber(trimmed),
    BOOLEANS.get(trimmed.toLowerCase()) ?? null,
    DATE_AND_TIME.exec(trimmed)?.[1] ?? null,
    parseUrl(trimmed),
  ];
  return found.filter((candidate) => candidate !== null);
}

const DATE_AND_TIME = /^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?$/i;

const BOOLEANS = new Map([
  ['yes', true],
  ['true', true],
  ['no', false],
  ['false', false],
]);

function fold(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ');
}

/** A number in digits, with or without separators between each three; null for anything that a number could lose by. */
function parseNumber(text: string): number | null {
  const isGrouped = /^[+-]?\d{1,3}(?:([,'’\u00a0\u202f ])\d{3})(?:\1\d{3})*(?:\.\d+)?$/.test(text);
  if (!isGrouped && !/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i.test(text)) return null;
  const number = Number(text.replace(/[,'’\u00a0\u202f ]/g, ''));
  const isExact = Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return isExact ? number : null;
}

/** A URL that lacks its scheme, or holds letters that a URL has to escape. */
function parseUrl(text: string): string | null {
  if (/\s/.test(text)) return null;
  // A last part without a letter makes it a number or an address of the network, and no name of a site.
  const isBare =
    /^(?:\/\/)?[\p{L}\d-]+(?:\.[\p{L}\d-]+)*\.(?=[\d-]*\p{L})[\p{L}\d-]+(?::\d+)?(?:[/?#].*)?$/u.test(text);
  const full = isBare ? `https://${text.replace(/^\/\//, '')}` : text;
  if (!/^https?:\/\//i.test(full) || !URL.canParse(full)) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: anything beyond ASCII is what is looked for
  const isPlain = /^[\u0000-\u007f]*$/.test(full);
  return isPlain && isBare ? full : new URL(full).href;
}

function withoutKey(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
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
