import { stat, writeFile } from 'node:fs/promises';
import { createUsageError, describeSystemError } from './errors.js';
import { DEFAULT_BLANKS } from './model/blank.js';
import { type ColumnKind, resolveColumnKind, splitColumnName } from './model/column-kind.js';
import { isIdentifying, isInternalColumn, normalizeIdentity } from './model/identifying-column.js';
import type { JsonValue } from './model/json.js';
import { getValue, type Row } from './model/row.js';
import { type InputOptions, openInput } from './read/open-input.js';
import { checkRecipeText, formatRecipe, type RecipeDraft } from './recipe/read-recipe.js';
import { replaceFile } from './write/byte-sink.js';

export type { RecipeDraft } from './recipe/read-recipe.js';

interface InitOptions {
  readonly draft: RecipeDraft;
  /** Path of the recipe. */
  readonly path: string;
  /** Replace an existing recipe. @default false */
  readonly force?: boolean;
  /** Environment variables, which paths in a recipe can refer to. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Suggested columns to fill and to send, for the user to review. */
interface Suggestion {
  /** Columns to fill, each as `name[:type]`. */
  readonly fields: readonly string[];
  readonly send: readonly string[];
}

/** Throws a usage error if the recipe exists, unless `force` is set. Called before any question is asked. */
export async function checkPath(path: string, force = false): Promise<void> {
  const stats = await stat(path).catch(() => null);
  if (stats === null || (force && !stats.isDirectory())) return;
  if (stats.isDirectory()) {
    throw createUsageError('RECIPE_IS_FOLDER', `${path} is a folder`, 'Name a file with --output-recipe.');
  }
  throw createUsageError(
    'RECIPE_EXISTS',
    `${path} already exists`,
    'Add --force to replace it, or name another file with --output-recipe.',
  );
}

/** Suggests filling the columns that are mostly blank and sending only the columns that identify a row. */
export function suggest(profile: FileProfile): Suggestion {
  const toFill = profile.columns.filter((column) => column.isToFill && !column.isTelling);
  const telling = profile.columns.filter((column) => column.isTelling);
  const others = [...profile.columns.filter((column) => !column.isToFill), ...profile.columns];
  return {
    fields: toFill
      .map(({ name, type }) => (type === 'string' ? name : `${name}:${type}`))
      .filter(isFieldText),
    send: (telling.length > 0 ? telling : others.slice(0, 1)).map(({ name }) => name),
  };
}

/** Builds a default query from the columns to send and to fill. */
export function suggestQuery(send: readonly string[], fields: readonly string[]): string {
  const kinds = send.map(resolveColumnKind);
  const subject = kinds.includes('person')
    ? 'person'
    : kinds.some((kind) => kind === 'company' || kind === 'domain')
      ? 'company'
      : 'row';
  const names = fields.map((field) =>
    field
      .replace(/[:=].*$/s, '')
      .replace(/[_\s]+/g, ' ')
      .trim(),
  );
  const last = names.at(-1) ?? 'the requested fields';
  return `For each ${subject}, find ${names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`}.`;
}

/**
 * Writes a first recipe and returns its text, ready for `run` and `plan`. Throws a usage error, and writes nothing, if
 * they would reject it. With the path `-` it only returns the text.
 */
export async function createRecipe({ draft, path, force = false, env }: InitOptions): Promise<string> {
  const place = path === '-' ? 'rowfill.recipe.yaml' : path;
  const text = formatRecipe(draft, place);
  await checkRecipeText(text, place, env);
  if (path === '-') return text;
  await checkPath(path, force);
  await writeWhole(path, text, force);
  return text;
}

async function writeWhole(path: string, text: string, force: boolean): Promise<void> {
  try {
    if (force) await replaceFile(path, text);
    else await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    const hint = 'Choose another path with --output-recipe.';
    throw createUsageError(
      'RECIPE_NOT_WRITABLE',
      `cannot write ${path}: ${describeSystemError(error)}`,
      hint,
      error,
    );
  }
}

/** False for a name with `:` or `=`, which --field would read as syntax. */
function isFieldText(field: string): boolean {
  return (
    !/[:=]/.test(field.replace(/:(url|email|phone|boolean|integer|number|date)$/, '')) && field.trim() !== ''
  );
}

/** The columns of a file and what its first rows show about them. */
export interface FileProfile {
  readonly name: string;
  readonly columns: readonly ColumnProfile[];
  /** Number of rows inspected, from the top. */
  readonly rows: number;
}

interface ColumnProfile {
  readonly name: string;
  /** Number of inspected rows in which the cell is blank. */
  readonly blanks: number;
  /** Suggested field type, in the short form of --field. */
  readonly type: string;
  /** True if the column identifies whom or what a row is about. */
  readonly isTelling: boolean;
  /** True if at least half of its cells are blank and an agent could fill them. */
  readonly isToFill: boolean;
}

const MAX_ROWS = 1_000;

/** Opens a file and inspects its header and its first rows. */
export async function inspectFile(options: InputOptions): Promise<FileProfile> {
  const input = await openInput(options);
  try {
    await input.readColumns();
    for await (const rows of input.openRows()) {
      const seen = rows.slice(0, MAX_ROWS);
      const columns = input.columns.map((name) => {
        const values = seen.map((row) => getValue(row, name));
        return inspectColumn(name, values);
      });
      return { name: input.name, columns: markTelling(columns, seen), rows: seen.length };
    }
    return { name: input.name, columns: input.columns.map((name) => inspectColumn(name, [])), rows: 0 };
  } finally {
    await input.close();
  }
}

/**
 * Marks more columns as identifying if many rows would look the same without them, such as the department next to a
 * university's website. Greedy: each step adds the column that separates the most rows, until none separates enough.
 */
function markTelling(columns: readonly ColumnProfile[], rows: readonly Row[]): ColumnProfile[] {
  const known = columns.filter(({ isTelling, isToFill }) => isTelling && !isToFill);
  const start = known.length > 0 ? known : columns.filter(({ isToFill }) => !isToFill).slice(0, 1);
  const candidates = columns
    .filter((column) => !start.includes(column) && !column.isToFill && isIdentifying(column.name))
    .map(({ name }) => ({ name, values: listIdentities(rows, name) }));
  let keys = rows.map(() => '');
  for (const { name } of start) keys = joinKeys(keys, listIdentities(rows, name));
  const added = new Set(start.map(({ name }) => name));
  for (;;) {
    const counted = candidates.map(({ name, values }) => ({ name, keys: joinKeys(keys, values) }));
    const best = counted.reduce<{ name: string; keys: string[]; count: number } | null>((most, each) => {
      const count = new Set(each.keys).size;
      return most === null || count > most.count ? { ...each, count } : most;
    }, null);
    const gain = best === null ? 0 : best.count - new Set(keys).size;
    if (best === null || gain < Math.max(1, rows.length * MIN_GAIN)) break;
    added.add(best.name);
    keys = best.keys;
  }
  return columns.map((column) => (added.has(column.name) ? { ...column, isTelling: true } : column));
}

/** Minimum share of rows that a column must newly separate to be worth sending. */
const MIN_GAIN = 0.02;

function listIdentities(rows: readonly Row[], name: string): (string | null)[] {
  const kind = resolveColumnKind(name);
  return rows.map((row) => normalizeIdentity(kind, getValue(row, name)));
}

function joinKeys(keys: readonly string[], values: readonly (string | null)[]): string[] {
  return keys.map((key, index) => `${key}\n${values[index] ?? ''}`);
}

function inspectColumn(name: string, values: readonly (JsonValue | undefined)[]): ColumnProfile {
  const filled = values.filter((value) => !DEFAULT_BLANKS.isUnfilled(name, value));
  const blanks = values.length - filled.length;
  const kind = resolveColumnKind(name);
  return {
    name,
    blanks,
    type: resolveType(name, filled),
    // Going by the name alone, a date column such as last_contact would look like one of people.
    isTelling:
      TELLING.includes(kind) && !filled.some((value) => /^\d+([-/.]\d+)*$/.test(String(value).trim())),
    isToFill: !isInternalColumn(name) && blanks > 0 && blanks >= values.length / 2,
  };
}

const TELLING: readonly ColumnKind[] = ['domain', 'company', 'person'];

const WORDS: readonly (readonly [string, ReadonlySet<string>])[] = [
  ['boolean', new Set(['is', 'has', 'listed', 'public', 'active'])],
  ['integer', new Set(['founded', 'year', 'headcount', 'employees', 'count', 'age', 'staff'])],
  ['number', new Set(['revenue', 'price', 'amount', 'funding', 'turnover', 'profit', 'rating', 'score'])],
  ['date', new Set(['date', 'birthday'])],
];

const TYPES_OF_KINDS: Readonly<Record<string, string>> = {
  url: 'url',
  domain: 'url',
  email: 'email',
  phone: 'phone',
};

function resolveType(name: string, filled: readonly (JsonValue | undefined)[]): string {
  const ofKind = TYPES_OF_KINDS[resolveColumnKind(name)];
  if (ofKind !== undefined) return ofKind;
  const words = splitColumnName(name);
  const ofWords = WORDS.find(([, set]) => words.some((word) => set.has(word)));
  if (ofWords !== undefined) return ofWords[0];
  const texts = filled.map(String);
  if (texts.length === 0 || texts.some((text) => /^0\d/.test(text))) return 'string';
  if (texts.every((text) => /^-?\d{1,15}$/.test(text))) return 'integer';
  return texts.every((text) => /^-?\d{1,15}(\.\d+)?$/.test(text)) ? 'number' : 'string';
}
