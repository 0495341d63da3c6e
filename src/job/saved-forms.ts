import type { JsonValue } from '../model/json.js';
import type { Likeness, SavedForm } from '../model/likeness.js';
import { listProneForms } from '../model/same-value.js';

interface FormCount {
  readonly column: string;
  readonly form: SavedForm;
  /** Cells that this form explains. */
  explained: number;
  /** True if it explains a text that nobody would type. */
  isSure: boolean;
  /** When the newest of their answers was found, in ms. */
  newestMs: number;
  /** Cells that it would have changed, but did not, by when their answers were found. */
  readonly unchanged: Map<number, number>;
}

/** Forms that nobody types. */
const NEVER_TYPED: ReadonlySet<SavedForm> = new Set(['scientific', 'date of numbers']);

/**
 * Counts how the cells of each column were saved. A change explains the cells that show it only if it changed nine in ten
 * of those that it can change. Cells that were filled later do not count: they were not there when the file was saved. A
 * cell that is alone with a change is a person's, unless other cells show that a program saved the file.
 */
export class SavedForms {
  readonly #counts = new Map<string, FormCount>();
  #isSettled = false;
  readonly #likely = new Set<string>();
  readonly #unlikely = new Set<string>();

  add(column: string, likeness: Likeness | null, value: JsonValue, foundAtMs: number): void {
    if (likeness === null || this.#isSettled) return;
    const { forms, isPlain } = likeness;
    for (const form of forms) {
      const count = this.#find(column, form);
      count.explained += 1;
      count.isSure ||= isPlain || NEVER_TYPED.has(form);
      count.newestMs = Math.max(count.newestMs, foundAtMs);
    }
    for (const form of listProneForms(value)) {
      if (forms.includes(form) || (form === 'thousands points' && forms.includes('decimal comma'))) continue;
      const { unchanged } = this.#find(column, form);
      unchanged.set(foundAtMs, (unchanged.get(foundAtMs) ?? 0) + 1);
    }
  }

  /** Ends the count. True if a form that cells show was not that of their column. */
  settle(): boolean {
    const shown = [...this.#counts.values()].filter(({ explained }) => explained > 0);
    const whole = shown.filter(isOfWholeColumn);
    const wasSaved = whole.some(({ explained, isSure }) => explained > 1 || isSure);
    const likely = new Set(wasSaved ? whole : []);
    for (const count of shown) (likely.has(count) ? this.#likely : this.#unlikely).add(toKey(count));
    this.#counts.clear();
    this.#isSettled = true;
    return this.#unlikely.size > 0;
  }

  /** False, once settled, for a form that is not that of the column. */
  mayExplain(column: string, form: SavedForm): boolean {
    return !this.#unlikely.has(toKey({ column, form }));
  }

  /** True, once settled, if the cells of a column show that it was saved in this form. */
  isSavedAs(column: string, form: SavedForm): boolean {
    return this.#likely.has(toKey({ column, form }));
  }

  /** True, once settled, if a column was saved with decimal commas. */
  get hasCommas(): boolean {
    return [...this.#likely].some((key) => /^(?:decimal comma|thousands points)\n/.test(key));
  }

  #find(column: string, form: SavedForm): FormCount {
    const key = toKey({ column, form });
    const count = this.#counts.get(key) ?? {
      ...{ column, form, explained: 0, isSure: false, newestMs: 0 },
      unchanged: new Map<number, number>(),
    };
    this.#counts.set(key, count);
    return count;
  }
}

function isOfWholeColumn({ explained, newestMs, unchanged }: FormCount): boolean {
  let others = 0;
  for (const [foundAtMs, count] of unchanged) if (foundAtMs <= newestMs) others += count;
  return explained >= others * 9;
}

function toKey({ column, form }: Pick<FormCount, 'column' | 'form'>): string {
  return `${form}\n${column}`;
}
