import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { createUsageError, describeError } from './errors.js';
import type { FileLook } from './job/look-at-file.js';
import { resolveColumnKind } from './model/column-kind.js';
import { checkRecipeText, formatRecipe, type RecipeDraft } from './recipe/read-recipe.js';

export { type ColumnLook, type FileLook, lookAtFile } from './job/look-at-file.js';
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
export function suggest(look: FileLook): Suggestion {
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
