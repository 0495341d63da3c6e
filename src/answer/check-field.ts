import { type CheckedField, DOUBT } from '../model/answer.js';
import type { Ask, Field } from '../model/ask.js';
import { type Blanks, createBlanks } from '../model/blank.js';
import { escapeToken, isJsonObject, type JsonObject, type JsonValue, resolvePointer } from '../model/json.js';
import { parseJsonText } from '../model/json-text.js';
import { createFieldColumns } from '../model/output-columns.js';
import { type CompiledSchema, compileChecked, type SchemaIssue } from '../model/schema.js';
import { detectDraft, findProperties, indexSchema } from '../model/schema-index.js';
import { cleanText, limitValue } from '../model/untrusted-text.js';
import { requireWebLinks } from '../model/web-link.js';
import { formatExcerpt } from './excerpt.js';
import { repairValue } from './repair-value.js';
import { type TidyValue, tidyValue } from './tidy-value.js';

/** A field's value after validation. */
export interface FieldResult extends CheckedField {
  readonly state: 'valid' | 'nothing' | 'invalid';
  /** What is wrong with an invalid value; only names schema rules, never contains the value. */
  readonly fault: string | null;
}

/** How the values of a field are read and checked. */
interface FieldParts {
  readonly check: FieldCheck;
  readonly layout: Field['schema'];
  isAbsent(text: string): boolean;
  /** True if it has one output column per part. */
  readonly isSpread: boolean;
}

/** The user's schema, compiled once per ask. */
export interface RowChecker {
  /** Validates one field. Null and blank text mean "nothing found", even if the schema requires a value. */
  checkField(name: string, value: JsonValue): FieldResult;
  /** Checks rules across several fields. Returns a note for each field that breaks one. */
  checkTogether(fields: ReadonlyMap<string, CheckedField>): ReadonlyMap<string, string>;
}

/** Compiles the validators of an ask: one for the whole schema and one per field. Throws a SchemaError. */
export function createRowChecker(
  ask: Ask,
  blanks: Blanks = createBlanks({ fields: ask.fields, schema: ask.schema }),
): RowChecker {
  const schema = requireWebLinks(indexSchema(ask.schema, detectDraft(ask.schema)));
  const whole = compileChecked(schema);
  const isJoint = hasJointRules(schema);
  const properties = findProperties(indexSchema(schema, whole.draft));
  const spread = findSpread(ask);
  // What a field needs is created once, and not again for each of its values.
  const fieldParts = ask.fields.map(({ name, schema: layout }): [string, FieldParts] => {
    const check = tolerateMissing(createFieldCheck(whole, name, properties.get(name) ?? []));
    const isAbsent = (text: string): boolean => blanks.isAbsent(name, text);
    return [name, { check, layout, isAbsent, isSpread: spread.has(name) }];
  });
  const partsByName = new Map(fieldParts);
  return {
    checkField(name, value) {
      const field = partsByName.get(name);
      if (field === undefined) return NOTHING;
      if (isDeep(value)) return createFault('is nested too deeply', value, '');
      const { check, layout, isAbsent, isSpread } = field;
      const kept = limitValue(value);
      const isText = typeof kept === 'string';
      if (isNothing(kept) || (isText && isAbsent(kept))) return describeAbsence(kept);
      const parts = isSpread && isText ? (parseJsonText(kept) ?? kept) : kept;
      const tidied = tidyValue(parts, layout, isAbsent);
      if (tidied.value !== parts && isEmptied(tidied.value, isAbsent)) return NOTHING;
      const verdict = judge(kept, tidied, check);
      // A schema may have properties and still allow non-objects, but the output has no column for those.
      const isLost = isSpread && verdict.state === 'valid' && !isJsonObject(verdict.value);
      return isLost ? createFault('must be object', value, '') : verdict;
    },
    checkTogether(fields) {
      const isWhole = isJoint && ask.fields.every((field) => fields.has(field.name));
      return isWhole ? checkTogether(whole, fields) : NO_NOTES;
    },
  };
}

/** True if nothing is left of a tidied value. */
function isEmptied(value: JsonValue, isAbsent: (text: string) => boolean): boolean {
  if (typeof value === 'string') return isAbsent(value);
  return isNothing(value) || (Array.isArray(value) && value.length === 0);
}

/** A text at least this long is a reason why nothing was found; a shorter one is only a placeholder. */
const MIN_REASON_LENGTH = 8;

function describeAbsence(value: JsonValue): FieldResult {
  const isReason = typeof value === 'string' && value.trim().length >= MIN_REASON_LENGTH;
  return isReason ? { ...NOTHING, issue: `the agent answered ${formatExcerpt(value.trim())}` } : NOTHING;
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
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return (value) => only.validate(value);
  return (value) => parts.flatMap((part) => part.validate(value));
}

/** Drops issues with parts that were not found. */
function tolerateMissing(check: FieldCheck): FieldCheck {
  return (value) => {
    const issues = check(value);
    return issues.length === 0
      ? issues
      : issues.filter((issue) => !isMissingPart(value, issue)).slice(0, MAX_ISSUES);
  };
}

/** Validates a value. A tidied value that is not valid is dropped if the original is. */
function judge(value: JsonValue, { value: start, notes }: TidyValue, check: FieldCheck): FieldResult {
  const issues = check(start);
  if (issues.length === 0) return createResult(start, notes);
  if (start !== value && check(value).length === 0) return createResult(value, []);
  const repaired = repairValue(start, check);
  const [first] = repaired.issues;
  if (first === undefined) return createResult(repaired.value, [...notes, ...repaired.notes]);
  return createFault(first.message, start, first.path);
}

function createResult(value: JsonValue, notes: readonly string[]): FieldResult {
  return {
    state: 'valid',
    value,
    issue: notes.length === 0 ? null : clipList(notes).join('; '),
    fault: null,
  };
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

function createFault(message: string, value: JsonValue, path: string): FieldResult {
  const node = resolvePointer(value, path) ?? value;
  const place = path === '' ? '' : `${formatExcerpt(path).slice(1, -1)} `;
  const excerpt = isDeep(value) ? '' : `, got ${formatExcerpt(node)}`;
  return { state: 'invalid', value: null, issue: `${place}${message}${excerpt}`, fault: message };
}

const MAX_VALUE_DEPTH = 64;

/** True if nested too deeply for a cell. */
function isDeep(value: JsonValue, depth = 0): boolean {
  if (depth > MAX_VALUE_DEPTH) return true;
  if (typeof value !== 'object' || value === null) return false;
  const parts: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  for (const part of parts) if (isDeep(part, depth + 1)) return true;
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
