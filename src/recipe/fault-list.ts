import type { ParsedRecipe } from './parse-recipe.js';
import { RecipeError, type RecipeFault } from './recipe-fault.js';

/** What to do with a key in a file. */
export const NO_KEYS =
  'Delete it here: it is read from EXA_API_KEY in the environment. Replace a key that others have seen.';

/** Gathers what is wrong in a recipe, so that all of it is told at once. */
export class FaultList {
  readonly #recipe: string;
  readonly #parsed: ParsedRecipe;
  readonly #faults: RecipeFault[] = [];

  /** `recipe` is its path. */
  constructor(recipe: string, parsed: ParsedRecipe) {
    this.#recipe = recipe;
    this.#parsed = parsed;
  }

  /** Adds a fault of the value at a JSON pointer, or of its key. */
  add(
    pointer: string,
    message: string,
    hint: string,
    code = 'BAD_RECIPE',
    part: 'key' | 'value' = 'value',
  ): void {
    this.#faults.push({ code, ...this.#parsed.locate(pointer, part), message, hint });
  }

  /** Adds the fault that the agent's key stands in the recipe, beginning at a character. */
  addKey(offset: number): void {
    const message = 'here stands the key of the agent, and no key belongs in a file';
    this.#faults.push({
      code: 'KEY_IN_RECIPE',
      ...this.#parsed.locateOffset(offset),
      message,
      hint: NO_KEYS,
    });
  }

  /** Throws a RecipeError if there was any. */
  check(): void {
    if (this.#faults.length > 0) throw new RecipeError(this.#recipe, this.#faults);
  }
}
