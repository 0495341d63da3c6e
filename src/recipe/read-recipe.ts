import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createUsageError, describeSystemError } from '../errors.js';
import type { EnrichOptions } from '../model/enrich-options.js';
import { OversizeError, readWholeFile } from '../model/read-file.js';
import { checkRecipe } from './check-recipe.js';
import { createRecipeOptions, type Environment, type RecipeOptions } from './create-options.js';
import { FaultList, parseRecipe } from './parse-recipe.js';

export type { RecipeOptions } from './create-options.js';
export { formatRecipe, type RecipeDraft } from './format-recipe.js';
export { RecipeError, type RecipeFault } from './parse-recipe.js';

const MAX_BYTES = 1024 * 1024;
/** Shorter values are not keys and may occur in ordinary text. */
const MIN_KEY_LENGTH = 8;

/**
 * Reads a recipe in YAML or JSON and returns options for `enrich`. Paths are relative to its folder, and
 * `${NAME}` in a path or URL is replaced from `env`. Throws a RecipeError with line, column and hint for
 * every fault.
 */
export async function readRecipe(path: string, env: Environment): Promise<RecipeOptions> {
  return checkRecipeText(await readText(path), path, env);
}

/** Same, for the text of a recipe that is or will be saved at `path`. */
export async function checkRecipeText(text: string, path: string, env: Environment): Promise<RecipeOptions> {
  const parsed = parseRecipe(text, path);
  const faults = new FaultList(path, parsed);
  checkForKey(text, env.EXA_API_KEY?.trim() ?? '', faults);
  checkRecipe(parsed.value, faults);
  faults.check();
  const options = createRecipeOptions(parsed, path, { folder: dirname(path), env, faults });
  faults.check();
  await checkFiles(options, faults);
  faults.check();
  return options;
}

/** Looks for the key itself, because it may be under any name or inside a text. */
function checkForKey(text: string, apiKey: string, faults: FaultList): void {
  const offset = apiKey.length < MIN_KEY_LENGTH ? -1 : text.indexOf(apiKey);
  if (offset >= 0) faults.addKey(offset);
}

async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  if (bytes.includes(0)) throw createTextError(path, 'is not a text file');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw createTextError(path, 'is not in UTF-8');
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw createTextError(path, 'is a folder');
    return await readWholeFile(path, MAX_BYTES);
  } catch (error) {
    if (error instanceof OversizeError) throw createTextError(path, 'is too large for a recipe');
    if (error instanceof Error && 'code' in error && 'syscall' in error) {
      throw createUsageError(
        'RECIPE_NOT_FOUND',
        `the recipe ${path} cannot be read: ${describeSystemError(error)}`,
        'Set --recipe to the path of a YAML or JSON file; rowfill init creates one.',
        error,
      );
    }
    throw error;
  }
}

function createTextError(path: string, fault: string): Error {
  const hint = 'Use a recipe in YAML or JSON; rowfill init creates one.';
  return createUsageError('RECIPE_NOT_TEXT', `the recipe ${path} ${fault}`, hint);
}

/** Groups of options that replace each other: setting one overrides all of them in the recipe. */
const RIVALS: readonly (readonly (keyof EnrichOptions)[])[] = [
  ['fields', 'schema', 'schemaObject'],
  ['reference', 'apiUrl'],
  // The output's file name determines its format.
  ['output', 'format'],
];

/**
 * Merges options with those of a recipe. Explicit options win, and remove recipe options that they conflict
 * with.
 */
export function mergeRecipe(options: EnrichOptions, recipe: RecipeOptions): EnrichOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const names = new Set<string>(given.map(([name]) => name));
  for (const rivals of RIVALS)
    if (rivals.some((name) => names.has(name))) for (const name of rivals) names.add(name);
  // A single effort level cannot escalate.
  if (options.effort?.length === 1) names.add('escalateBelow');
  // Only reference tables have columns to look up.
  if (names.has('apiUrl') && options.reference === undefined) names.add('lookUp');
  const isKept = ([name]: readonly [string, unknown]): boolean => !names.has(name.split('/')[0] ?? name);
  const origins = Object.fromEntries(Object.entries(recipe.origins ?? {}).filter(isKept));
  return {
    ...Object.fromEntries(Object.entries(recipe).filter(isKept)),
    ...Object.fromEntries(given),
    input: options.input,
    origins: { ...origins, ...options.origins },
  };
}

const FILES = [
  ['/schema', 'schema', 'file'],
  ['/exclude/file', 'exclude', 'file'],
  ['/agent/reference', 'reference', 'folder or table'],
] as const;

/** Checks that the files and folders in a recipe exist. */
async function checkFiles(options: RecipeOptions, faults: FaultList): Promise<void> {
  for (const [pointer, name, kind] of FILES) {
    const path = options[name];
    if (path === undefined) continue;
    const stats = await stat(path).catch(() => null);
    const exists = stats !== null && (kind !== 'file' || !stats.isDirectory());
    if (exists) continue;
    const message = stats === null ? `there is no ${kind} ${path}` : `${path} is not a ${kind}`;
    faults.add(
      pointer,
      message,
      'Correct the path. It is relative to the folder of the recipe.',
      'RECIPE_FILE_MISSING',
    );
  }
}
