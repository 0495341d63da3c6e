import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { describeError } from '../errors.js';
import { dropOwnWords } from './drop-own-words.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { escapeToken, formatFragment, resolvePointer } from './pointer.js';
import { DRAFT_URIS, readDraft, type SchemaDraft, SchemaError } from './schema-draft.js';
import { linkSchema } from './schema-link.js';

export { type SchemaDraft, SchemaError } from './schema-draft.js';

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
  /** What is wrong with a value; an empty list means that it is valid. */
  validate(value: unknown): readonly SchemaIssue[];
  /** False where the meaning of a part depends on the way by which a value comes there (several resources that share a dynamic anchor). */
  readonly hasParts: boolean;
  /** The schema at a JSON pointer of this schema, with its references still meaning what they mean there. */
  part(pointer: string): CompiledSchema;
}

/** No schema of a table comes near these; they keep a hostile one from costing more than a moment. */
const MAX_SCHEMA_NODES = 50_000;
const MAX_SCHEMA_DEPTH = 200;

/** Compiles a schema of the draft that its `$schema` names. Throws a SchemaError that names the fault's JSON pointer. */
export function compileSchema(schema: JsonObject): CompiledSchema {
  if (!isJsonObject(schema)) throw new SchemaError('', 'it is no JSON object');
  checkSize(schema);
  const draft = readDraft(schema);
  checkDialect({ ...schema, $schema: DRAFT_URIS[draft] }, draft);
  return compileChecked(schema);
}

/**
 * The same for a schema that went through `compileSchema` before, or that this program made: to make ready the schemas
 * of the drafts, only to hold it against them, takes longer than all else here.
 */
export function compileChecked(schema: JsonObject): CompiledSchema {
  const draft = readDraft(schema);
  try {
    // Linked first: the compiler misreads names and references in some places where pointers work.
    const { schema: linked, needsResource } = linkSchema(schema, draft, '');
    const standard = dropOwnWords(linked, draft);
    const ajv = createAjv(draft);
    ajv.addSchema(standard, ROOT);
    return new AjvSchema(draft, ajv, standard, '', !needsResource);
  } catch (error) {
    throw createCompileError(schema, error);
  }
}

/** The one class, because the compiled code is kept beside the pointer that it was made for. */
class AjvSchema implements CompiledSchema {
  readonly draft: SchemaDraft;
  readonly #ajv: Ajv;
  readonly #root: JsonObject;
  readonly #pointer: string;
  readonly hasParts: boolean;
  readonly #check: ValidateFunction | boolean;

  constructor(draft: SchemaDraft, ajv: Ajv, root: JsonObject, pointer: string, hasParts: boolean) {
    this.draft = draft;
    this.#ajv = ajv;
    this.#root = root;
    this.#pointer = pointer;
    this.hasParts = hasParts;
    this.#check = compileAt(ajv, root, pointer);
  }

  validate(value: unknown): readonly SchemaIssue[] {
    const check = this.#check;
    if (typeof check === 'boolean') return check ? [] : [FALSE_SCHEMA_ISSUE];
    try {
      if (check(value)) return [];
    } catch (error) {
      // A value nested so deeply that the stack runs out is no value of a table.
      if (error instanceof RangeError)
        return [{ path: '', keyword: 'depth', message: 'is nested too deeply' }];
      throw error;
    }
    return (check.errors ?? []).map(toIssue);
  }

  part(pointer: string): CompiledSchema {
    return new AjvSchema(this.draft, this.#ajv, this.#root, this.#pointer + pointer, this.hasParts);
  }
}

const ROOT = 'row';
const FALSE_SCHEMA_ISSUE: SchemaIssue = { path: '', keyword: 'false schema', message: 'no value is allowed' };

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

/** `meta`: the draft's own schemas are at hand. Only those who check with them need that: no other schema may refer to them. */
function createAjv(draft: SchemaDraft, meta = false): Ajv {
  const options: Options = {
    strict: false,
    allErrors: true,
    logger: false,
    meta,
    validateSchema: false,
    // Draft-07 ignores whatever stands beside a reference; the later drafts do not.
    ignoreKeywordsWithRef: draft === 'draft-07',
    code: { regExp: createPattern },
  };
  const ajv = new (loadAjv(draft))(options);
  formats.default(ajv, { keywords: false });
  // The Agent Runs API's own format, beside those of the standard.
  ajv.addFormat('phone', isPhone);
  return ajv;
}

/** Patterns are Unicode as the standard asks; one that is only valid without that still works. */
const createPattern = Object.assign(
  (source: string, flags: string): RegExp => {
    try {
      return new RegExp(source, flags);
    } catch {
      return new RegExp(source);
    }
  },
  { code: 'new RegExp' },
);

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
  const meta = META_VALIDATORS.get(draft) ?? createAjv(draft, true);
  META_VALIDATORS.set(draft, meta);
  if (meta.validateSchema(schema) === true) return;
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
