import { RowfillError } from '../errors.js';

/** Something wrong in a recipe, and what to do about it. */
export interface RecipeFault {
  readonly code: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters. */
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

const MAX_TOLD = 10;

/** A recipe that cannot be used: every fault with its line and column. */
export class RecipeError extends RowfillError {
  override readonly name: string = 'RecipeError';
  readonly faults: readonly RecipeFault[];

  /** `recipe` is its path, `found` has at least one fault. */
  constructor(recipe: string, found: readonly RecipeFault[]) {
    const faults = found
      .toSorted((a, b) => a.line - b.line || a.column - b.column)
      // Of two at one place, the second mostly follows from the first.
      .filter((fault, index, all) => index === 0 || !isSamePlace(fault, all[index - 1]));
    super('usage', faults[0]?.code ?? 'BAD_RECIPE', describeFaults(recipe, faults), {
      hint:
        faults.length === 1 ? (faults[0]?.hint ?? '') : 'Correct these places; nothing was sent or spent.',
    });
    this.faults = faults;
  }
}

function isSamePlace(a: RecipeFault, b: RecipeFault | undefined): boolean {
  return a.line === b?.line && a.column === b.column;
}

function describeFaults(recipe: string, faults: readonly RecipeFault[]): string {
  const [first] = faults;
  if (faults.length === 1 && first !== undefined) return `${formatPlace(recipe, first)}: ${first.message}`;
  const told = faults
    .slice(0, MAX_TOLD)
    .map((fault) => `  ${formatPlace(recipe, fault)}: ${fault.message}. ${fault.hint}`);
  const rest = faults.length > MAX_TOLD ? [`  and ${faults.length - MAX_TOLD} more`] : [];
  return [`${recipe} has ${faults.length} faults:`, ...told, ...rest].join('\n');
}

/** A place as editors and terminals know it: `companies.recipe.yaml:7:12`. */
export function formatPlace(recipe: string, at: { readonly line: number; readonly column: number }): string {
  return `${recipe}:${at.line}:${at.column}`;
}
