import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
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

export { type SchemaDraft, SchemaError } from './schema-index.js';

/** One way in which a value breaks a schema. `message` quotes the schema, never the value. */
export interface SchemaIssue {
  /** JSON pointer into the value. */
  readonly path: string;
  readonly keyword: string;
  readonly message: string;
  /** The values that an `enum` or a `const` allows. */
  readonly allowed?: readonly JsonValue[];
  /** The name of a property that should not be there: the one word here that comes from the value. */
  readonly property?: string;
}

/** A schema made ready to check values: it holds no network, no shared state and needs no closing. */
export interface CompiledSchema {
  readonly draft: SchemaDraft;
  /**
   * What is wrong with a value; an empty list means that it is valid. A check that takes too long gives one issue with
   * the keyword `timeout`; of a very large value only the first issue is listed.
   */
  validate(value: unknown): readonly SchemaIssue[];
  /** False where the meaning of a part depends on the way by which a value comes there (several resources that share a dynamic anchor). */
  readonly hasParts: boolean;
  /** The schema at a JSON pointer of this schema, with its references still meaning what they mean there. */
  part(pointer: string): CompiledSchema;
}

/** No schema of a table comes near these; they keep a hostile one from costing more than a moment. */
const MAX_SCHEMA_NODES = 50_000;
const MAX_SCHEMA_DEPTH = 200;

/** Far more than the largest schema that is let through takes on a busy machine. */
const COMPILE_TIMEOUT_MS = 15_000;

/** Compiles a schema of the draft that its `$schema` names. Throws a SchemaError that names the fault's JSON pointer. */
export function compileSchema(schema: JsonObject): CompiledSchema {
  if (!isJsonObject(schema)) throw new SchemaError('', 'it is no JSON object');
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
 * The same for a schema that went through `compileSchema` before, or that this program made: to make ready the schemas
 * of the drafts, only to hold it against them, takes longer than all else here.
 */
export function compileChecked(schema: JsonObject): CompiledSchema {
  const draft = detectDraft(schema);
  try {
    return runWithDeadline(() => {
      // Linked first: the compiler misreads names and references in some places where pointers work.
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

/** What a schema and its parts share: the compilers, and how long a check may take. */
class SchemaCompiler {
  readonly source: SchemaSource;
  readonly #all: Ajv;
  #first: Ajv | null = null;
  /** Halved by each check that runs into it, so that many such values cannot add up to minutes. */
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
    // Kept only if no deadline interrupts it.
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

/** The one class, because the compiled code is kept beside the pointer that it was made for. */
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
    // A part of the value may be checked by that many schemas for each level above it.
    const steps = size.parts * weight ** (size.depth + 1) + size.parts ** 2;
    const isSmall = steps <= MAX_FREE_STEPS && size.textLength <= MAX_FREE_TEXT;
    const check = () => this.#list(value, size.parts * weight <= MAX_ISSUES);
    try {
      return isSmall ? check() : runWithDeadline(check, this.#compiler.timeoutMs);
    } catch (error) {
      // A value nested so deeply that the stack runs out is no value of a table.
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

  #list(value: unknown, isListed: boolean): readonly SchemaIssue[] {
    if (isListed) return run(this.#all, value);
    // A list of millions of invalid items would make an issue of each.
    this.#first ??= this.#compiler.compileFirst(this.#pointer);
    const [first] = run(this.#first, value);
    return first === undefined ? [] : [first, SIZE_ISSUE];
  }
}

/** Checks that surely take less than some ten milliseconds need no deadline, which costs 0.1 ms. */
const MAX_FREE_STEPS = 100_000;
const MAX_FREE_TEXT = 4_000;
/** More possible issues than this are not listed. */
const MAX_ISSUES = 100_000;

const FALSE_SCHEMA_ISSUE: SchemaIssue = { path: '', keyword: 'false schema', message: 'no value is allowed' };
const DEPTH_ISSUE: SchemaIssue = { path: '', keyword: 'depth', message: 'is nested too deeply' };
const TIMEOUT_ISSUE: SchemaIssue = { path: '', keyword: 'timeout', message: 'takes too long to check' };
const SIZE_ISSUE: SchemaIssue = {
  path: '',
  keyword: 'size',
  message: 'is too large to list all that is wrong',
};

function run(check: ValidateFunction | boolean, value: unknown): readonly SchemaIssue[] {
  if (typeof check === 'boolean') return check ? [] : [FALSE_SCHEMA_ISSUE];
  if (check(value)) return [];
  const errors = check.errors ?? [];
  // The compiled function would keep them, and with them the value.
  check.errors = null;
  return errors.map(toIssue);
}

/** How large a value is; counting ends where it is too large to be checked without a deadline in any case. */
function measure(value: unknown): {
  readonly parts: number;
  readonly textLength: number;
  readonly depth: number;
} {
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

/** The compiler's words, with the values that are allowed, and without null: that is never what is asked for. */
function describeIssue(error: ErrorObject, allowed: readonly JsonValue[] | null): string {
  const types: unknown = error.keyword === 'type' ? error.params.type : null;
  if (Array.isArray(types))
    return `must be ${types.filter((type) => type !== 'null').join(' or ') || 'null'}`;
  if (allowed === null) return error.message ?? error.keyword;
  const values = allowed.filter((value) => value !== null).map((value) => JSON.stringify(value));
  const more = values.length > MAX_LISTED ? ` or ${values.length - MAX_LISTED} others` : '';
  return `must be ${values.slice(0, MAX_LISTED).join(' or ')}${more}`;
}

const require = createRequire(import.meta.url);

/** Each draft by its own file, when it is first met: most jobs meet one of them. */
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
  /** Whether the draft's own schemas are loaded. Only a check of schemas needs that: no other schema may refer to them. */
  readonly meta?: boolean;
}

function createAjv(draft: SchemaDraft, { allErrors, readTimeoutMs, meta = false }: AjvSettings): Ajv {
  const options: Options = {
    strict: false,
    allErrors,
    logger: false,
    meta,
    validateSchema: false,
    // Draft-07 ignores whatever stands beside a reference; the later drafts do not.
    ignoreKeywordsWithRef: draft === 'draft-07',
    code: {
      regExp: Object.assign((source: string) => createPattern(source, readTimeoutMs), {
        code: 'createPattern',
      }),
    },
  };
  const ajv = new (loadAjv(draft))(options);
  formats.default(ajv, { keywords: false });
  // The Agent Runs API's own format, beside those of the standard.
  ajv.addFormat('phone', isPhone);
  return ajv;
}

// The pattern looks again and again at the spaces of a long text.
const MAX_PHONE_LENGTH = 100;

/** A telephone number as people write it: 5 to 15 digits, an optional extension. */
function isPhone(text: string): boolean {
  const number = /^\+?[\d\s().\-/]+(?=$|\s*(?:ext\.?|x|#)\s*\d{1,6}$)/i;
  const digits = text.length > MAX_PHONE_LENGTH ? '' : (number.exec(text)?.[0] ?? '').replace(/\D/g, '');
  return digits.length >= 5 && digits.length <= 15;
}

/** Validators of the drafts themselves: only the drafts' own schemas live in them, so they can be kept. */
const META_VALIDATORS = new Map<SchemaDraft, Ajv>();

function checkDialect(schema: JsonObject, draft: SchemaDraft): void {
  const meta =
    META_VALIDATORS.get(draft) ??
    createAjv(draft, { allErrors: true, readTimeoutMs: () => COMPILE_TIMEOUT_MS, meta: true });
  // Kept only if no deadline interrupts it.
  META_VALIDATORS.delete(draft);
  const isValid = runWithDeadline(() => meta.validateSchema(schema), COMPILE_TIMEOUT_MS);
  META_VALIDATORS.set(draft, meta);
  if (isValid === true) return;
  const [first] = [...(meta.errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length);
  throw new SchemaError(
    first?.instancePath ?? '',
    `${first?.message ?? 'it is no JSON Schema'} (${draft})`,
    'Correct the schema, or name its draft in $schema.',
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

/** Finds the place that a compile error speaks of: the compiler names the text of the fault, not where it stands. */
function createCompileError(schema: JsonObject, error: unknown): SchemaError {
  if (error instanceof SchemaError) return error;
  if (error instanceof DeadlineError)
    return new SchemaError('', 'it takes too long to compile', 'Make the schema smaller.', error);
  const text = describeError(error);
  if (error instanceof RangeError)
    return new SchemaError('', 'it is too tangled to be read', undefined, error);
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
