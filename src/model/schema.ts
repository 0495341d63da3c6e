import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';
import type formats from 'ajv-formats';
import { describeError } from '../errors.js';
import {
  escapeToken,
  formatFragment,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  resolvePointer,
} from './json.js';
import { createPattern, DeadlineError, runWithDeadline } from './pattern.js';
import { DRAFT_URIS, detectDraft, type SchemaDraft, SchemaError } from './schema-index.js';
import { linkSchema, stripOwnKeywords } from './schema-link.js';
import { isWebLink, WEB_LINK } from './web-link.js';

export { type SchemaDraft, SchemaError } from './schema-index.js';

/** One violation of a schema. `message` quotes the schema, never the value. */
export interface SchemaIssue {
  /** JSON pointer into the value. */
  readonly path: string;
  readonly keyword: string;
  readonly message: string;
  /** Values that an `enum` or `const` allows. */
  readonly allowed?: readonly JsonValue[];
  /** Name of an unexpected property. The only text here that comes from the value. */
  readonly property?: string;
}

/** A compiled schema. Uses no network and no shared state, and need not be closed. */
export interface CompiledSchema {
  readonly draft: SchemaDraft;
  /**
   * Validates a value; an empty list means valid. A check that takes too long returns one issue with the
   * keyword `timeout`. For a very large value, only the first issue is listed.
   */
  validate(value: unknown): readonly SchemaIssue[];
  /**
   * False if the meaning of a part depends on the path to it (several resources with the same dynamic
   * anchor).
   */
  readonly hasParts: boolean;
  /** The schema at a JSON pointer of this schema. Its references keep their meaning. */
  part(pointer: string): CompiledSchema;
}

/** Far more than any schema of a table has. Limits the cost of a hostile schema. */
const MAX_SCHEMA_NODES = 50_000;
const MAX_SCHEMA_DEPTH = 200;

/** Far longer than the largest accepted schema takes on a busy machine. */
const COMPILE_TIMEOUT_MS = 15_000;

/**
 * Compiles a schema by the draft in its `$schema`. Throws a SchemaError with the JSON pointer of the fault.
 */
export function compileSchema(schema: JsonObject): CompiledSchema {
  if (!isJsonObject(schema)) throw new SchemaError('', 'it is not a JSON object');
  checkSize(schema);
  const draft = detectDraft(schema);
  try {
    checkDialect({ ...schema, $schema: DRAFT_URIS[draft] }, draft);
  } catch (error) {
    throw createCompileError(schema, error);
  }
  return compileChecked(schema);
}

/**
 * Same, for a schema that has been through `compileSchema` or was made by this program. Skips validation
 * against the draft's own schema, because compiling that takes longer than everything else here.
 */
export function compileChecked(schema: JsonObject): CompiledSchema {
  const draft = detectDraft(schema);
  try {
    return runWithDeadline(() => {
      // Link first, because ajv gets some names and references wrong where pointers work.
      const { schema: linked, needsResource, weight } = linkSchema(schema, draft, '');
      const source = { draft, root: stripOwnKeywords(linked, draft), weight, hasParts: !needsResource };
      return new AjvSchema(new SchemaCompiler(source), '');
    }, COMPILE_TIMEOUT_MS);
  } catch (error) {
    throw createCompileError(schema, error);
  }
}

interface SchemaSource {
  readonly draft: SchemaDraft;
  readonly root: JsonObject;
  readonly weight: number;
  readonly hasParts: boolean;
}

/** Shared by a schema and its parts: the compilers and the time limit of a check. */
class SchemaCompiler {
  readonly source: SchemaSource;
  readonly #all: Ajv;
  #first: Ajv | null = null;
  /** Halved after each timeout, so that many slow values cannot add up to minutes. */
  timeoutMs = 1_000;

  constructor(source: SchemaSource) {
    this.source = source;
    this.#all = this.#create(true);
  }

  /** Compiles a check that lists all issues. */
  compileAll(pointer: string): ValidateFunction | boolean {
    return compileAt(this.#all, this.source.root, pointer);
  }

  /** Compiles a check that stops at the first issue. */
  compileFirst(pointer: string): ValidateFunction | boolean {
    const ajv = this.#first ?? this.#create(false);
    // Reuse it only if no deadline interrupted it.
    this.#first = null;
    const check = compileAt(ajv, this.source.root, pointer);
    this.#first = ajv;
    return check;
  }

  #create(allErrors: boolean): Ajv {
    const { draft, root } = this.source;
    const ajv = createAjv(draft, { allErrors, readTimeoutMs: () => this.timeoutMs });
    ajv.addSchema(root, ROOT);
    return ajv;
  }

  shortenTimeout(): void {
    this.timeoutMs = Math.max(MIN_TIMEOUT_MS, Math.ceil(this.timeoutMs / 2));
  }
}

const MIN_TIMEOUT_MS = 5;

/** One class for schemas and their parts: each keeps its compiled code with its pointer. */
class AjvSchema implements CompiledSchema {
  readonly draft: SchemaDraft;
  readonly hasParts: boolean;
  readonly #compiler: SchemaCompiler;
  readonly #pointer: string;
  readonly #all: ValidateFunction | boolean;
  #first: ValidateFunction | boolean | null = null;

  constructor(compiler: SchemaCompiler, pointer: string) {
    this.draft = compiler.source.draft;
    this.hasParts = compiler.source.hasParts;
    this.#compiler = compiler;
    this.#pointer = pointer;
    this.#all = compiler.compileAll(pointer);
  }

  validate(value: unknown): readonly SchemaIssue[] {
    const { weight } = this.#compiler.source;
    const size = measure(value);
    // Each part of the value may be checked by `weight` schemas for each level above it.
    const steps = size.parts * weight ** (size.depth + 1) + size.parts ** 2;
    const isSmall = steps <= MAX_FREE_STEPS && size.textLength <= MAX_FREE_TEXT;
    const isListed = size.parts * weight <= MAX_ISSUES;
    try {
      return isSmall ? this.#list(value, isListed) : this.#listInTime(value, isListed);
    } catch (error) {
      // A value so deep that it overflows the stack is never valid in a table.
      if (error instanceof RangeError) return [DEPTH_ISSUE];
      if (!(error instanceof DeadlineError)) throw error;
      this.#compiler.shortenTimeout();
      return [TIMEOUT_ISSUE];
    }
  }

  part(pointer: string): CompiledSchema {
    try {
      return runWithDeadline(
        () => new AjvSchema(this.#compiler, this.#pointer + pointer),
        COMPILE_TIMEOUT_MS,
      );
    } catch (error) {
      throw createCompileError(this.#compiler.source.root, error);
    }
  }

  #listInTime(value: unknown, isListed: boolean): readonly SchemaIssue[] {
    return runWithDeadline(() => this.#list(value, isListed), this.#compiler.timeoutMs);
  }

  #list(value: unknown, isListed: boolean): readonly SchemaIssue[] {
    if (isListed) return run(this.#all, value);
    // A list of millions of invalid items would create millions of issues.
    this.#first ??= this.#compiler.compileFirst(this.#pointer);
    const [first] = run(this.#first, value);
    return first === undefined ? [] : [first, SIZE_ISSUE];
  }
}

/**
 * Checks below these limits take less than about ten milliseconds and skip the deadline, which costs 0.1 ms.
 */
const MAX_FREE_STEPS = 100_000;
const MAX_FREE_TEXT = 4_000;
/** If a value could have more issues than this, only the first is listed. */
const MAX_ISSUES = 100_000;

const FALSE_SCHEMA_ISSUE: SchemaIssue = { path: '', keyword: 'false schema', message: 'no value is allowed' };
const DEPTH_ISSUE: SchemaIssue = { path: '', keyword: 'depth', message: 'is nested too deeply' };
const TIMEOUT_ISSUE: SchemaIssue = { path: '', keyword: 'timeout', message: 'takes too long to check' };
const SIZE_ISSUE: SchemaIssue = {
  path: '',
  keyword: 'size',
  message: 'is too large to list every issue',
};

const NO_ISSUES: readonly SchemaIssue[] = [];

function run(check: ValidateFunction | boolean, value: unknown): readonly SchemaIssue[] {
  if (typeof check === 'boolean') return check ? [] : [FALSE_SCHEMA_ISSUE];
  if (check(value)) return NO_ISSUES;
  const errors = check.errors ?? [];
  // The compiled function would keep the errors, and the value with them.
  check.errors = null;
  return errors.map(toIssue);
}

/** Measures a value. Stops counting once it is too large to skip the deadline. */
function measure(value: unknown): {
  readonly parts: number;
  readonly textLength: number;
  readonly depth: number;
} {
  if (typeof value !== 'object' || value === null)
    return { parts: 1, textLength: typeof value === 'string' ? value.length : 0, depth: 0 };
  let parts = 0;
  let textLength = 0;
  let depth = 0;
  let level: unknown[] = [value];
  for (; level.length > 0 && parts <= MAX_ISSUES; depth += 1) {
    const next: unknown[] = [];
    for (const part of level) {
      parts += 1;
      if (typeof part === 'string') textLength += part.length;
      if (typeof part !== 'object' || part === null) continue;
      if (Array.isArray(part)) {
        parts += Math.max(0, part.length - MAX_ISSUES);
        for (const item of part.slice(0, MAX_ISSUES)) next.push(item);
      } else
        for (const key in part) {
          textLength += key.length;
          next.push((part as JsonObject)[key]);
        }
    }
    level = next;
  }
  return { parts, textLength, depth: depth - 1 };
}

const ROOT = 'row';

function compileAt(ajv: Ajv, root: JsonObject, pointer: string): ValidateFunction | boolean {
  const schema = pointer === '' ? root : resolvePointer(root, pointer);
  if (typeof schema === 'boolean') return schema;
  if (!isJsonObject(schema)) throw new SchemaError(pointer, 'there is no schema here');
  const check = ajv.getSchema(pointer === '' ? ROOT : `${ROOT}${formatFragment(pointer)}`);
  if (check === undefined) throw new SchemaError(pointer, 'there is no schema here');
  return check;
}

function toIssue(error: ErrorObject): SchemaIssue {
  const { allowedValues, allowedValue, additionalProperty, unevaluatedProperty } = error.params;
  const allowed = Array.isArray(allowedValues)
    ? allowedValues
    : allowedValue === undefined
      ? null
      : [allowedValue];
  const property = additionalProperty ?? unevaluatedProperty;
  return {
    path: error.instancePath,
    keyword: error.keyword,
    message: describeIssue(error, allowed),
    ...(allowed === null ? {} : { allowed }),
    ...(typeof property === 'string' ? { property } : {}),
  };
}

const MAX_LISTED = 12;

/** Ajv's message plus the allowed values. Omits null, because a missing value is never the request. */
function describeIssue(error: ErrorObject, allowed: readonly JsonValue[] | null): string {
  const types: unknown = error.keyword === 'type' ? error.params.type : null;
  if (Array.isArray(types))
    return `must be ${types.filter((type) => type !== 'null').join(' or ') || 'null'}`;
  if (error.keyword === 'format' && error.params.format === WEB_LINK)
    return 'must match format "uri" (http or https)';
  if (allowed === null) return error.message ?? error.keyword;
  const values = allowed.filter((value) => value !== null).map((value) => JSON.stringify(value));
  const more = values.length > MAX_LISTED ? ` or ${values.length - MAX_LISTED} others` : '';
  return `must be ${values.slice(0, MAX_LISTED).join(' or ')}${more}`;
}

const require = createRequire(import.meta.url);

/** Loads the validator of a draft on first use, because most jobs need only one. */
function loadAjv(draft: SchemaDraft): new (options: Options) => Ajv {
  switch (draft) {
    case 'draft-07':
      return require('ajv').Ajv;
    case '2019-09':
      return require('ajv/dist/2019.js').Ajv2019;
    case '2020-12':
      return require('ajv/dist/2020.js').Ajv2020;
  }
}

interface AjvSettings {
  readonly allErrors: boolean;
  readonly readTimeoutMs: () => number;
  /**
   * Whether to load the draft's own schemas. Only needed to validate schemas; no other schema may refer to
   * them.
   */
  readonly meta?: boolean;
}

function createAjv(draft: SchemaDraft, { allErrors, readTimeoutMs, meta = false }: AjvSettings): Ajv {
  const options: Options = {
    strict: false,
    allErrors,
    logger: false,
    meta,
    validateSchema: false,
    // Otherwise every object has a `constructor`, which may be the name of a column.
    ownProperties: true,
    // Draft-07 ignores other keywords next to a reference; later drafts do not.
    ignoreKeywordsWithRef: draft === 'draft-07',
    code: {
      regExp: Object.assign((source: string) => createPattern(source, readTimeoutMs), {
        code: 'createPattern',
      }),
    },
  };
  const ajv = new (loadAjv(draft))(options);
  const { default: addFormats } = require('ajv-formats') as typeof formats;
  addFormats(ajv, { keywords: false });
  // A format that the Agent Runs API adds to the standard ones.
  ajv.addFormat('phone', isPhone);
  ajv.addFormat(WEB_LINK, isWebLink);
  // Ajv divides binary fractions, so that 0.29 is no multiple of 0.01.
  ajv.removeKeyword('multipleOf');
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    compile: createMultipleCheck,
  });
  return ajv;
}

/** A check of ajv: its errors are read after a call that returned false. */
interface MultipleCheck {
  (value: number): boolean;
  errors?: Partial<ErrorObject>[];
}

function createMultipleCheck(divisor: number): MultipleCheck {
  const message = `must be multiple of ${divisor}`;
  const check: MultipleCheck = (value) => {
    const isValid = isMultipleOf(value, divisor);
    check.errors = isValid ? [] : [{ keyword: 'multipleOf', message, params: { multipleOf: divisor } }];
    return isValid;
  };
  return check;
}

// Limit because the pattern below backtracks on long runs of spaces.
const MAX_PHONE_LENGTH = 100;

/** True for a phone number as people write it: 5 to 15 digits, optional extension. */
function isPhone(text: string): boolean {
  const number = /^\+?[\d\s().\-/]+(?=$|\s*(?:ext\.?|x|#)\s*\d{1,6}$)/i;
  const digits = text.length > MAX_PHONE_LENGTH ? '' : (number.exec(text)?.[0] ?? '').replace(/\D/g, '');
  return digits.length >= 5 && digits.length <= 15;
}

/** Validators for the drafts' own schemas. They never see other schemas, so they can be cached. */
const META_VALIDATORS = new Map<SchemaDraft, Ajv>();

function checkDialect(schema: JsonObject, draft: SchemaDraft): void {
  const meta =
    META_VALIDATORS.get(draft) ??
    createAjv(draft, { allErrors: true, readTimeoutMs: () => COMPILE_TIMEOUT_MS, meta: true });
  // Reuse it only if no deadline interrupted it.
  META_VALIDATORS.delete(draft);
  const isValid = runWithDeadline(() => meta.validateSchema(schema), COMPILE_TIMEOUT_MS);
  META_VALIDATORS.set(draft, meta);
  if (isValid === true) return;
  const [first] = [...(meta.errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length);
  throw new SchemaError(
    first?.instancePath ?? '',
    `${first?.message ?? 'it is not a JSON Schema'} (${draft})`,
    'Correct the schema, or set its draft in $schema.',
  );
}

function checkSize(schema: JsonObject): void {
  let nodes = 0;
  const visit = (value: JsonValue, depth: number): void => {
    nodes += 1;
    if (depth > MAX_SCHEMA_DEPTH)
      throw new SchemaError('', `it is more than ${MAX_SCHEMA_DEPTH} levels deep`);
    if (nodes > MAX_SCHEMA_NODES) throw new SchemaError('', `it has more than ${MAX_SCHEMA_NODES} parts`);
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Array.isArray(value) ? value : Object.values(value)) visit(inner, depth + 1);
  };
  visit(schema, 0);
}

/** Adds the location to a compile error. Ajv reports the faulty text, but not where it is. */
function createCompileError(schema: JsonObject, error: unknown): SchemaError {
  if (error instanceof SchemaError) return error;
  if (error instanceof DeadlineError)
    return new SchemaError('', 'it takes too long to compile', 'Make the schema smaller.', error);
  const text = describeError(error);
  if (error instanceof RangeError)
    return new SchemaError('', 'it is nested too deeply to compile', undefined, error);
  const pattern = /Invalid regular expression: \/(.*)\/[a-z]*:/s.exec(text)?.[1];
  const path = pattern === undefined ? null : findText(schema, pattern, '');
  return new SchemaError(path ?? '', text, undefined, error);
}

function findText(value: JsonValue, text: string, path: string): string | null {
  if (value === text) return path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const at = `${path}/${escapeToken(key)}`;
    if (key === text) return at;
    const found = findText(inner, text, at);
    if (found !== null) return found;
  }
  return null;
}

/** True if a number is a whole multiple of another by their decimal digits: 19.99 is one of 0.01. */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isInteger(value / divisor)) return true;
  const [digits, power] = parseDecimal(value);
  const [divisorDigits, divisorPower] = parseDecimal(divisor);
  if (divisorDigits === 0n || Math.abs(power - divisorPower) > MAX_POWER) return false;
  const shift = Math.min(power, divisorPower);
  return (
    (digits * 10n ** BigInt(power - shift)) % (divisorDigits * 10n ** BigInt(divisorPower - shift)) === 0n
  );
}

/** The widest span between two numbers of JavaScript. */
const MAX_POWER = 1_000;

/** A number as whole digits and a power of ten: 19.99 gives 1999 and -2. */
function parseDecimal(value: number): [digits: bigint, power: number] {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', decimals = ''] = mantissa.split('.');
  return [BigInt(whole + decimals), Number(exponent) - decimals.length];
}
