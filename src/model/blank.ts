import { isAbsencePhrase, isCodeField, mayBeAbsence } from './absence.js';
import type { Field } from './ask.js';
import { isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';

/** What counts as a blank cell. The same rules apply to input, exclusion lists, sending and filling. */
export interface Blanks {
  /** What the rules were made from, besides fields and schema, so that another process can make the same. */
  readonly origin: BlankOrigin;
  /** True for a value that is blank in any column: empty, white space, or a placeholder such as `N/A`. */
  isBlank(value: JsonValue | undefined): boolean;
  /**
   * True if a cell in a column to fill may be filled. Also true for `unknown` and the like, unless the schema
   * allows them as values.
   */
  isUnfilled(column: string, value: JsonValue | undefined): boolean;
  /**
   * True for a text that an agent gives if it found nothing: a word that counts as unfilled, a phrase such as
   * `Not available`, or a masked address. False for texts that the schema allows as values, and for codes.
   */
  isAbsent(field: string, text: string): boolean;
}

export interface BlankOrigin {
  readonly words: readonly string[];
  readonly codeColumns: readonly string[];
}

interface BlankOptions {
  /** Words that replace the built-in placeholders; `+word` adds a word to them instead. */
  readonly words?: readonly string[] | undefined;
  /** The fields to fill and their schema. A text that an enum allows is a value, not a placeholder. */
  readonly fields?: readonly Field[];
  readonly schema?: JsonObject;
  /** Columns to fill in which `NA` is a valid code, not a placeholder. */
  readonly codeColumns?: ReadonlySet<string>;
}

/** Creates the blank-cell rules of one job. */
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
    // Fast path: no built-in placeholder starts like an ordinary cell.
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
  const isUnfilled = (column: string, value: JsonValue | undefined): boolean => {
    if (value === undefined || value === null) return true;
    // An empty list can be an answer.
    if (typeof value !== 'string') return false;
    if (isEmptyText(value)) return true;
    const isWord = isBlankText(value) || (!isReplaced && isWeakWord(value));
    if (!isWord) return false;
    const plain = dropInvisible(value);
    if (valuesOf(column).has(plain)) return false;
    return !(codeColumns?.has(column) === true && plain.toLowerCase() === 'na' && !added.has(plain));
  };
  return {
    origin: { words, codeColumns: [...(codeColumns ?? [])] },
    isBlank,
    isUnfilled,
    isAbsent(field, text) {
      if (added.size === 0 && !mayBeAbsence(text)) return false;
      const isWord = isUnfilled(field, text);
      if (!isWord && !isAbsencePhrase(text)) return false;
      if (isWord && isCodeField(field) && dropInvisible(text) === 'NA') return false;
      const word = dropInvisible(text).toLowerCase();
      return ![...valuesOf(field)].some((value) => value.toLowerCase() === word);
    },
  };
}

/** The built-in placeholders, as listed in docs/input-files.md. */
const PLACEHOLDER =
  /^(?:#?[Nn]\/[Aa]|#REF!|#VALUE!|NULL|null|\\N|\([Bb][Ll][Aa][Nn][Kk]\)|\?|[\p{Pd}\u2212\s]+)$/u;
const ORDINARY = /^[0-9A-MO-Za-mo-z]/;
const WEAK = /^(?:na|none|nil|unknown)$/i;
/** Fast path: the first visible character of an ordinary cell is another one. */
const MAY_BE_WEAK = /^[^!-~]*[nNuU]/;
/** Longer text is never a placeholder. */
const MAX_LENGTH = 64;

// Invisible characters, and letters that render as nothing.
const INVISIBLE = /[\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]+/gu;
const EMPTY = /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** True for text with only white space and invisible characters. */
export function isEmptyText(text: string): boolean {
  return EMPTY.test(text);
}

/** True for words that count as blank in a column to fill, but may be a name in other columns. */
export function isWeakWord(text: string): boolean {
  return MAY_BE_WEAK.test(text) && text.length <= MAX_LENGTH && WEAK.test(dropInvisible(text));
}

function dropInvisible(text: string): string {
  return text.replace(INVISIBLE, '').trim();
}

/** The rules without any job options. */
export const DEFAULT_BLANKS: Blanks = createBlanks();

const NO_VALUES: ReadonlySet<string> = new Set();

/** Finds the texts that the schema of a field lists as values. */
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

/**
 * The texts in `enum` and `const`, including those behind references and in `anyOf`, `oneOf` and the like.
 */
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
