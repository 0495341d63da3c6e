import { DOUBT } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { CheckedField } from '../model/checked.js';
import { cleanText, limitValue } from '../model/foreign-text.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { createFieldColumns } from '../model/output-columns.js';
import { escapeToken, resolvePointer } from '../model/pointer.js';
import { type CompiledSchema, compileChecked, type SchemaIssue } from '../model/schema.js';
import { findProperties } from '../model/schema-fields.js';
import { indexSchema } from '../model/schema-index.js';
import { formatExcerpt, repairValue } from './repair-value.js';

/** What came back for a field, judged. */
export interface FieldVerdict extends CheckedField {
  readonly state: 'valid' | 'nothing' | 'invalid';
  /** What is wrong with an invalid value, in the schema's words alone. */
  readonly fault: string | null;
}

/** The user's schema made ready to judge rows: compiled once an ask. */
export interface RowChecker {
  /** Judges the value of one field: null and blank text are nothing found, whatever the schema demands. */
  checkField(name: string, value: JsonValue): FieldVerdict;
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

const NOTHING: FieldVerdict = { state: 'nothing', value: null, issue: null, fault: null };

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

function judge(value: JsonValue, check: FieldCheck): FieldVerdict {
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

function createFault(message: string, value: JsonValue, path: string): FieldVerdict {
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
