import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { createUsageError, describeError } from './errors.js';
import { DEFAULT_BLANKS } from './model/blank.js';
import { type ColumnKind, resolveColumnKind, splitColumnName } from './model/column-kind.js';
import type { JsonValue } from './model/json.js';
import { getValue, type Row } from './model/row.js';
import { canTell, isOwnColumn, normalizeTelling } from './model/telling-column.js';
import { type InputOptions, openInput } from './read/open-input.js';
import { checkRecipeText, formatRecipe, type RecipeDraft } from './recipe/read-recipe.js';

export type { RecipeDraft } from './recipe/read-recipe.js';

export interface InitOptions {
  readonly draft: RecipeDraft;
  /** Path of the recipe. */
  readonly path: string;
  /** Replace a recipe that is there. @default false */
  readonly force?: boolean;
  /** Where the names of environment variables in paths are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a file suggests to fill and to send; its owner is to look at it. */
export interface Suggestion {
  /** Columns to fill, each as `name[:type]`. */
  readonly fields: readonly string[];
  readonly send: readonly string[];
}

/** Refuses, before any question, to replace a recipe that is there. */
export async function checkPlace(path: string, force = false): Promise<void> {
  const stats = await stat(path).catch(() => null);
  if (stats === null || (force && !stats.isDirectory())) return;
  if (stats.isDirectory()) {
    throw createUsageError('RECIPE_IS_FOLDER', `${path} is a folder`, 'Name a file with --output-recipe.');
  }
  throw createUsageError(
    'RECIPE_EXISTS',
    `${path} is there already`,
    'Add --force to replace it, or name another file with --output-recipe.',
  );
}

/** Suggests to fill what is mostly blank, and to send what tells whom a row is about, and no more. */
export function suggest(look: FileProfile): Suggestion {
  const toFill = look.columns.filter((column) => column.isToFill && !column.isTelling);
  const telling = look.columns.filter((column) => column.isTelling);
  const others = [...look.columns.filter((column) => !column.isToFill), ...look.columns];
  return {
    fields: toFill
      .map(({ name, type }) => (type === 'string' ? name : `${name}:${type}`))
      .filter(isFieldText),
    send: (telling.length > 0 ? telling : others.slice(0, 1)).map(({ name }) => name),
  };
}

/** A query in words for these fields, for those who give none. */
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
  const last = names.at(-1) ?? 'what is asked for';
  return `For each ${subject}, find ${names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`}.`;
}

/**
 * Writes a first recipe and returns its text, which `run` and `plan` take as it is. Throws a usage error, and writes
 * nothing, for what they would refuse; `-` as a path writes nothing at all.
 */
export async function createRecipe({ draft, path, force = false, env }: InitOptions): Promise<string> {
  const place = path === '-' ? 'rowfill.recipe.yaml' : path;
  const text = formatRecipe(draft, place);
  await checkRecipeText(text, place, env);
  if (path === '-') return text;
  await checkPlace(path, force);
  await writeWhole(path, text, force);
  return text;
}

async function writeWhole(path: string, text: string, force: boolean): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    if (!force) {
      await writeFile(path, text, { flag: 'wx' });
      return;
    }
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const hint = 'Name another place with --output-recipe.';
    throw createUsageError(
      'RECIPE_NOT_WRITABLE',
      `${path} cannot be written: ${describeError(error)}`,
      hint,
      error,
    );
  }
}

/** A name with a mark that --field gives a meaning to cannot be suggested in its form. */
function isFieldText(field: string): boolean {
  return (
    !/[:=]/.test(field.replace(/:(url|email|phone|boolean|integer|number|date)$/, '')) && field.trim() !== ''
  );
}

/** What a first look at a file shows. */
export interface FileProfile {
  readonly name: string;
  readonly columns: readonly ColumnProfile[];
  /** The rows that were looked at: the first ones. */
  readonly rows: number;
}

export interface ColumnProfile {
  readonly name: string;
  /** How many of the rows have nothing there. */
  readonly blanks: number;
  /** A type in short form that the column may be filled with. */
  readonly type: string;
  /** True where it tells whom or what a row is about. */
  readonly isTelling: boolean;
  /** True where it has holes that an agent may fill. */
  readonly isToFill: boolean;
}

const MAX_ROWS = 1_000;

/** Opens a file and looks at its header and its first rows. */
export async function inspectFile(options: InputOptions): Promise<FileProfile> {
  const input = await openInput(options);
  try {
    await input.readColumns();
    for await (const rows of input.openRows()) {
      const seen = rows.slice(0, MAX_ROWS);
      const columns = input.columns.map((name) => {
        const values = seen.map((row) => getValue(row, name));
        return lookAtColumn(name, values);
      });
      return { name: input.name, columns: markTelling(columns, seen), rows: seen.length };
    }
    return { name: input.name, columns: input.columns.map((name) => lookAtColumn(name, [])), rows: 0 };
  } finally {
    await input.close();
  }
}

/**
 * Adds to the columns that tell whom a row is about those without which many rows would look the same, such as the
 * department beside the website of a university. Each time the one that tells most rows apart, until none does.
 */
function markTelling(columns: readonly ColumnProfile[], rows: readonly Row[]): ColumnProfile[] {
  const known = columns.filter(({ isTelling, isToFill }) => isTelling && !isToFill);
  const start = known.length > 0 ? known : columns.filter(({ isToFill }) => !isToFill).slice(0, 1);
  const candidates = columns
    .filter((column) => !start.includes(column) && !column.isToFill && canTell(column.name))
    .map(({ name }) => ({ name, values: listTellings(rows, name) }));
  let keys = rows.map(() => '');
  for (const { name } of start) keys = joinKeys(keys, listTellings(rows, name));
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

/** A column that tells only a few more rows apart is not worth to be sent. */
const MIN_GAIN = 0.02;

function listTellings(rows: readonly Row[], name: string): (string | null)[] {
  const kind = resolveColumnKind(name);
  return rows.map((row) => normalizeTelling(kind, getValue(row, name)));
}

function joinKeys(keys: readonly string[], values: readonly (string | null)[]): string[] {
  return keys.map((key, index) => `${key}\n${values[index] ?? ''}`);
}

function lookAtColumn(name: string, values: readonly (JsonValue | undefined)[]): ColumnProfile {
  const filled = values.filter((value) => !DEFAULT_BLANKS.isUnfilled(name, value));
  const blanks = values.length - filled.length;
  const kind = resolveColumnKind(name);
  return {
    name,
    blanks,
    type: resolveType(name, filled),
    // The name alone takes a column of dates, such as last_contact, for one of people.
    isTelling:
      TELLING.includes(kind) && !filled.some((value) => /^\d+([-/.]\d+)*$/.test(String(value).trim())),
    isToFill: !isOwnColumn(name) && blanks > 0 && blanks >= values.length / 2,
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
