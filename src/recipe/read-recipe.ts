import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createUsageError, describeError } from '../errors.js';
import { OversizeError, readWholeFile } from '../model/read-file.js';
import { checkFiles } from './check-files.js';
import { checkRecipe } from './check-recipe.js';
import { createRecipeOptions, type RecipeOptions } from './create-options.js';
import { FaultList } from './fault-list.js';
import { parseRecipe } from './parse-recipe.js';
import type { Environment } from './resolve-place.js';

export type { RecipeOptions } from './create-options.js';
export { formatRecipe, type RecipeDraft } from './format-recipe.js';
export { mergeRecipe } from './merge-recipe.js';
export { RecipeError, type RecipeFault } from './recipe-fault.js';

const MAX_BYTES = 1024 * 1024;
/** Anything shorter is no key, and may stand in innocent text. */
const MIN_KEY_LENGTH = 8;

/**
 * Reads a recipe, in YAML or JSON, into options of `enrich`; paths in it are seen from its folder, and `${NAME}` in a
 * path or a URL is replaced from `env`. Throws a RecipeError that names line, column and remedy of every fault.
 */
export async function readRecipe(path: string, env: Environment): Promise<RecipeOptions> {
  return checkRecipeText(await readText(path), path, env);
}

/** The same for the text of a recipe that is, or will be, at a path. */
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

/** The key itself may stand under any name, or within a text. */
function checkForKey(text: string, apiKey: string, faults: FaultList): void {
  const offset = apiKey.length < MIN_KEY_LENGTH ? -1 : text.indexOf(apiKey);
  if (offset >= 0) faults.addKey(offset);
}

async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  if (bytes.includes(0)) throw createTextError(path, 'is no text');
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
    if (error instanceof OversizeError) throw createTextError(path, 'is larger than any recipe');
    if (error instanceof Error && 'code' in error && 'syscall' in error) {
      throw createUsageError(
        'RECIPE_NOT_FOUND',
        `the recipe ${path} cannot be read: ${describeError(error)}`,
        'Give --recipe the path of a YAML or JSON file; rowfill init writes a first one.',
        error,
      );
    }
    throw error;
  }
}

function createTextError(path: string, fault: string): Error {
  const hint = 'Give a recipe in YAML or JSON; rowfill init writes a first one.';
  return createUsageError('RECIPE_NOT_TEXT', `the recipe ${path} ${fault}`, hint);
}
