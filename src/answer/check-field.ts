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

/** A field's value after validation. */
export interface FieldResult extends CheckedField {
  readonly state: 'valid' | 'nothing' | 'invalid';
  /** What is wrong with an invalid value; only names schema rules, never contains the value. */
  readonly fault: string | null;
}

/** The user's schema, compiled once per ask. */
export interface RowChecker {
  /** Validates one field. Null and blank text mean "nothing found", even if the schema requires a value. */
  checkField(name: string, value: JsonValue): FieldResult;
  /** Checks rules across several fields. Returns a note for each field that breaks one. */
  checkTogether(fields: ReadonlyMap<string, CheckedField>): ReadonlyMap<string, string>;
}

/** Compiles the validators of an ask: one for the whole schema and one per field. Throws a SchemaError. */
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
      // A schema may have properties and still allow non-objects, but the output has no column for those.
      const isLost = spread.has(name) && verdict.state === 'valid' && !isJsonObject(verdict.value);
      return isLost ? createFault('must be object', value, '') : verdict;
    },
    checkTogether(fields) {
      const isWhole = isJoint && ask.fields.every((field) => fields.has(field.name));
      return isWhole ? checkTogether(whole, fields) : NO_NOTES;
    },
  };
}

/** Names of the fields that have one output column per part. */
function findSpread(ask: Ask): ReadonlySet<string> {
  const columns = createFieldColumns(ask.fields, ask.schema);
  return new Set(columns.filter(({ name, values }) => values[0]?.title !== name).map(({ name }) => name));
}

/** Schema keywords that are not rules across several fields. */
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

/** True if the schema has rules across several fields. Schemas made from `--field` never do. */
function hasJointRules(schema: JsonObject): boolean {
  return Object.keys(schema).some((word) => !SINGLE_WORDS.has(word));
}

/** Cap: more is not readable, and each is checked again after every repair. */
const MAX_ISSUES = 50;

const NO_NOTES: ReadonlyMap<string, string> = new Map();

type FieldCheck = (value: JsonValue) => readonly SchemaIssue[];

const NOTHING: FieldResult = { state: 'nothing', value: null, issue: null, fault: null };

/** If the schema has no parts, validate the field as the only one of its object. */
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
  // "n/a" is not a value inside a list either.
  if (isAbsence(value) && Array.isArray(repaired.value)) return NOTHING;
  if (first !== undefined) return isAbsence(value) ? NOTHING : createFault(first.message, value, first.path);
  const notes = isTrimmed ? [`read ${formatExcerpt(value)} as ${formatExcerpt(start)}`] : repaired.notes;
  const issue = notes.length === 0 ? null : clipList(notes).join('; ');
  return { state: 'valid', value: repaired.value, issue, fault: null };
}

/** Null for a part of an object means "not found", as it does for a whole field. */
function isMissingPart(value: JsonValue, issue: SchemaIssue): boolean {
  if (issue.path === '' || resolvePointer(value, issue.path) !== null) return false;
  return isJsonObject(resolvePointer(value, issue.path.slice(0, issue.path.lastIndexOf('/'))));
}

/**
 * True for null, blank text, or only those: some agents return an object even if they found none of its
 * parts.
 */
function isNothing(value: JsonValue): boolean {
  if (value === null) return true;
  if (typeof value === 'string') return cleanText(value).trim() === '';
  if (typeof value !== 'object') return false;
  // An empty list may be a result.
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

/** True for words that mean "nothing found". A free text field keeps them, unless another entry has a value. */
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

/** True if nested too deeply for a cell. Iterative, so deep input cannot overflow the stack. */
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
 * Checks rules across fields (`dependentRequired`, `if`, rules in `allOf`). Each value is valid on its own,
 * so it is kept, with a note on the fields that the issue names, or on every filled field if it names none. A
 * field without a value counts as absent and is not required.
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

/** A repaired value: `notes` list the repairs, `issues` what is still wrong. */
export interface RepairedValue {
  readonly value: JsonValue;
  readonly notes: readonly string[];
  readonly issues: readonly SchemaIssue[];
}

/** Cap on repairs: a value that needs more is not a harmless variation. */
const MAX_REPAIRS = 100;

/**
 * Repairs harmless variations in how a value is written; never changes its meaning. Each repair is tried at
 * the place an issue names and kept only if no issue remains there.
 */
export function repairValue(
  value: JsonValue,
  validate: (value: JsonValue) => readonly SchemaIssue[],
): RepairedValue {
  let current = value;
  let issues = validate(current);
  const notes: string[] = [];
  for (let round = 0; issues.length > 0 && round < MAX_REPAIRS; round += 1) {
    // Other spellings would time out too, and for a huge value only the first issue is known.
    if (issues.some((issue) => issue.keyword === 'timeout' || issue.keyword === 'size')) break;
    const repair = findRepair(current, issues, validate);
    if (repair === null) break;
    current = repair.value;
    issues = repair.issues;
    notes.push(repair.note);
  }
  return { value: current, notes, issues };
}

/** Formats a value for a message: short and without control characters. */
export function formatExcerpt(value: JsonValue): string {
  const text = JSON.stringify(clipValue(value, { left: MAX_EXCERPT })).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    ' ',
  );
  const characters = [...text];
  return characters.length <= MAX_EXCERPT ? text : `${characters.slice(0, MAX_EXCERPT).join('')}…`;
}

const MAX_EXCERPT = 40;

/** Cuts a value to what an excerpt can show; each part takes at least two characters. */
function clipValue(value: JsonValue, budget: { left: number }): JsonValue {
  budget.left -= 1;
  if (typeof value === 'string') return value.slice(0, MAX_EXCERPT * 2);
  if (typeof value !== 'object' || value === null) return value;
  if (isJsonObject(value)) return clipObject(value, budget);
  const items: JsonValue[] = [];
  for (const item of value) {
    if (budget.left < 0) break;
    items.push(clipValue(item, budget));
  }
  return items;
}

function clipObject(object: JsonObject, budget: { left: number }): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const key in object) {
    if (budget.left < 0) break;
    entries.push([key.slice(0, MAX_EXCERPT * 2), clipValue(object[key] ?? null, budget)]);
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

/** Other spellings of the value, most likely first. */
function listCandidates(node: JsonValue, issue: SchemaIssue): JsonValue[] {
  const candidates: JsonValue[] = [];
  if (typeof node === 'string') candidates.push(...listTextCandidates(node, issue.allowed ?? []));
  else if (typeof node === 'number') candidates.push(String(node));
  if (isJsonObject(node) && issue.property !== undefined) candidates.push(withoutKey(node, issue.property));
  if (Array.isArray(node) && node.length === 1) candidates.push(...node);
  // Wrap a single value in a list, also after another repair.
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

/** Parses a number with or without thousands separators; null if precision could be lost. */
function parseNumber(text: string): number | null {
  const isGrouped = /^[+-]?\d{1,3}(?:([,'’\u00a0\u202f ])\d{3})(?:\1\d{3})*(?:\.\d+)?$/.test(text);
  if (!isGrouped && !/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i.test(text)) return null;
  const number = Number(text.replace(/[,'’\u00a0\u202f ]/g, ''));
  const isExact = Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return isExact ? number : null;
}

/** Repairs a URL without a scheme or with unescaped letters; null if that fails. */
function parseUrl(text: string): string | null {
  if (/\s/.test(text)) return null;
  // Without a letter in its last part, it is a number or an IP address, not a host name.
  const isBare =
    /^(?:\/\/)?[\p{L}\d-]+(?:\.[\p{L}\d-]+)*\.(?=[\d-]*\p{L})[\p{L}\d-]+(?::\d+)?(?:[/?#].*)?$/u.test(text);
  const full = isBare ? `https://${text.replace(/^\/\//, '')}` : text;
  if (!/^https?:\/\//i.test(full) || !URL.canParse(full)) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looks for characters beyond ASCII
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
