/**
 * A change that a program makes to all cells of a kind when it saves a file. In a single cell, the same text is a
 * person's: it means something else.
 */
export type SavedForm =
  | 'decimal comma'
  | 'thousands points'
  | 'scientific'
  | 'lost zeros'
  | 'lost plus'
  | 'point zero'
  /** `2.1` for `2.10`. */
  | 'text as number'
  /** `2.10` for `2.1`, `09:00:00` for `9:00`. */
  | 'number format'
  /** `2,1` for `2.10`. */
  | 'text with comma'
  | 'separators'
  | 'letter case'
  | 'day first'
  | 'month first'
  | 'no time'
  | 'other time zone'
  /** `2-Nov` for `2-11`. */
  | 'date of numbers'
  /** `2026-11-02` for `2-11`. */
  | 'whole date'
  /** `2019-03-01` for `2019-03`: what has a year is a date, which people write anew too. */
  | 'date notation';

/** How a cell shows a value that was written to it. */
export interface Likeness {
  /** True if the cell means the value by itself, also if no other cell was saved like this. */
  readonly isPlain: boolean;
  /** Changes that explain the text; one is enough. */
  readonly forms: readonly SavedForm[];
  /** In a column that was saved in one of these forms, the text means something else. */
  readonly unless?: readonly SavedForm[];
}

export const PLAIN: Likeness = { isPlain: true, forms: [] };

export function toLikeness(isSame: boolean): Likeness | null {
  return isSame ? PLAIN : null;
}

export function toForms(...forms: SavedForm[]): Likeness {
  return { isPlain: false, forms };
}

/** True if a cell means the value by itself in a column that was saved like this. */
export function isPlainIn(
  { isPlain, unless = [] }: Likeness,
  isSavedAs: (form: SavedForm) => boolean,
): boolean {
  return isPlain && !unless.some(isSavedAs);
}
