import type { Field } from './ask.js';
import { isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';

/** What counts as a cell that holds nothing: one notion for the input, exclusion lists, sending and filling. */
export interface Blanks {
  /** True for a value that holds nothing, in any column: empty, white space, or a placeholder such as `N/A`. */
  isBlank(value: JsonValue | undefined): boolean;
  /** True for a cell to fill that may be filled: also for `unknown` and the like, unless the column has them as values. */
  isUnfilled(column: string, value: JsonValue | undefined): boolean;
}

export interface BlankOptions {
  /** Words that replace the list of placeholders; `+word` adds one to it instead. */
  readonly words?: readonly string[] | undefined;
  /** The fields to fill and the schema they are part of: what an enum names is a value. */
  readonly fields?: readonly Field[];
  readonly schema?: JsonObject;
  /** Columns to fill in which `NA` is a code like the others. */
  readonly codeColumns?: ReadonlySet<string>;
}

/** Makes the notion of one job. */
export function createBlanks({
  words = [],
  fields = [],
  schema = {},
  codeColumns,
}: BlankOptions = {}): Blanks {
  const added = new Set(words.map((word) => word.replace(/^\+/, '')));
  const isReplaced = words.some((word) => !word.startsWith('+'));
  const valuesOf = createValueFinder(fields, schema);
  const isBlankText = (text: string): boolean => {
    // No placeholder of the list begins like most cells do.
    if (added.size === 0 && ORDINARY.test(text)) return false;
    if (text.length > MAX_LENGTH) return isEmptyText(text);
    const plain = dropInvisible(text);
    return plain === '' || added.has(plain) || (!isReplaced && PLACEHOLDER.test(plain));
  };
  const isBlank = (value: JsonValue | undefined): boolean => {
    if (value === undefined || value === null) return true;
    if (typeof value === 'string') return isBlankText(value);
    return typeof value === 'object' && Object.values(value).every(isBlank);
  };
  return {
    isBlank,
    isUnfilled(column, value) {
      if (value === undefined || value === null) return true;
      // An empty list can be an answer.
      if (typeof value !== 'string') return false;
      if (isEmptyText(value)) return true;
      const isWord = isBlankText(value) || (!isReplaced && isWeakWord(value));
      if (!isWord) return false;
      const plain = dropInvisible(value);
      if (valuesOf(column).has(plain)) return false;
      return !(codeColumns?.has(column) === true && plain.toLowerCase() === 'na' && !added.has(plain));
    },
  };
}

/** Placeholders as they are listed in docs/input-files.md. */
const PLACEHOLDER =
  /^(?:#?[Nn]\/[Aa]|#REF!|#VALUE!|NULL|null|\\N|\([Bb][Ll][Aa][Nn][Kk]\)|\?|[\p{Pd}\u2212\s]+)$/u;
const ORDINARY = /^[0-9A-MO-Za-mo-z]/;
const WEAK = /^(?:na|none|nil|unknown)$/i;
/** Longer text is no placeholder. */
const MAX_LENGTH = 64;

// Marks that nobody sees, and letters that are drawn as nothing.
const INVISIBLE = /[\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]+/gu;
const EMPTY = /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** True for text of white space and invisible characters only. */
export function isEmptyText(text: string): boolean {
  return EMPTY.test(text);
}

/** True for words that mean nothing in a cell to fill, and may be a name in any other. */
export function isWeakWord(text: string): boolean {
  return text.length <= MAX_LENGTH && WEAK.test(dropInvisible(text));
}

function dropInvisible(text: string): string {
  return text.replace(INVISIBLE, '').trim();
}

/** The notion without options, for what knows no job. */
export const DEFAULT_BLANKS: Blanks = createBlanks();

const NO_VALUES: ReadonlySet<string> = new Set();

/** Finds the texts that the schema of a column's field names as values. */
function createValueFinder(
  fields: readonly Field[],
  root: JsonObject,
): (column: string) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>();
  return (column) => {
    const found = known.get(column);
    if (found !== undefined) return found;
    const field = fields.find(({ name }) => column === name || column.startsWith(`${name}.`));
    const values = field === undefined ? NO_VALUES : new Set(listValues(field.schema, root, 0));
    known.set(column, values);
    return values;
  };
}

const MAX_DEPTH = 8;

/** The texts in `enum` and `const`, also behind references and in the parts of a choice. */
function listValues(schema: JsonValue | undefined, root: JsonObject, depth: number): string[] {
  if (depth > MAX_DEPTH) return [];
  if (Array.isArray(schema)) return schema.flatMap((each) => listValues(each, root, depth + 1));
  if (!isJsonObject(schema)) return [];
  const { $ref, const: only, enum: choices } = schema;
  const own = [only, ...(Array.isArray(choices) ? choices : [])].filter((value) => typeof value === 'string');
  const target =
    typeof $ref === 'string' && /^#(?:\/|$)/.test($ref)
      ? listValues(resolvePointer(root, decodeURIComponent($ref.slice(1))), root, depth + 1)
      : [];
  const { anyOf, oneOf, allOf, properties, items } = schema;
  const parts = [anyOf, oneOf, allOf, isJsonObject(properties) ? Object.values(properties) : null, items];
  return [...own, ...target, ...parts.flatMap((part) => listValues(part, root, depth + 1))];
}
