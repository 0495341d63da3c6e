import type { EnrichOptions } from '../model/enrich-options.js';
import type { RecipeOptions } from './create-options.js';

/** Options of which giving one takes the place of all: two ways to say the same thing. */
const RIVALS: readonly (readonly (keyof EnrichOptions)[])[] = [
  ['fields', 'schema', 'schemaObject'],
  ['reference', 'apiUrl'],
  // The name of an output says its format.
  ['output', 'format'],
];

/** Joins options with those of a recipe. What is given beside the recipe wins, and so does what it leaves no room for. */
export function mergeRecipe(options: EnrichOptions, recipe: RecipeOptions): EnrichOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const names = new Set<string>(given.map(([name]) => name));
  for (const rivals of RIVALS)
    if (rivals.some((name) => names.has(name))) for (const name of rivals) names.add(name);
  // A ladder of one step has nothing to climb.
  if (options.effort?.length === 1) names.add('escalateBelow');
  const isKept = ([name]: readonly [string, unknown]): boolean => !names.has(name.split('/')[0] ?? name);
  const origins = Object.fromEntries(Object.entries(recipe.origins ?? {}).filter(isKept));
  return {
    ...Object.fromEntries(Object.entries(recipe).filter(isKept)),
    ...Object.fromEntries(given),
    input: options.input,
    origins: { ...origins, ...options.origins },
  };
}
