import type { JsonValue } from '../model/json.js';
import type { Likeness, SavedForm } from '../model/likeness.js';
import { listProneForms } from '../model/same-value.js';

interface FormCount {
  /** Cells that this form explains. */
  explained: number;
  /** When the newest of their answers was found, in ms. */
  newestMs: number;
  /** Cells that it would have changed, but did not, by when their answers were found. */
  readonly unchanged: Map<number, number>;
}

/**
 * Counts how the cells of each column were saved. A change explains the cells that show it only if it changed nine in ten
 * of those that it can change. Cells that were filled later do not count: they were not there when the file was saved.
 */
export class SavedForms {
  readonly #columns = new Map<string, Map<SavedForm, FormCount>>();
  #unlikely: ReadonlySet<string> | null = null;

  add(column: string, likeness: Likeness | null, value: JsonValue, foundAtMs: number): void {
    if (likeness === null || this.#unlikely !== null) return;
    for (const form of likeness.forms) {
      const count = this.#find(column, form);
      count.explained += 1;
      count.newestMs = Math.max(count.newestMs, foundAtMs);
    }
    for (const form of listProneForms(value)) {
      if (likeness.forms.includes(form)) continue;
      const { unchanged } = this.#find(column, form);
      unchanged.set(foundAtMs, (unchanged.get(foundAtMs) ?? 0) + 1);
    }
  }

  /** Ends the count. True if a form that cells show was not that of their column. */
  settle(): boolean {
    const unlikely = new Set<string>();
    for (const [column, counts] of this.#columns) {
      for (const [form, { explained, newestMs, unchanged }] of counts) {
        let others = 0;
        for (const [foundAtMs, count] of unchanged) if (foundAtMs <= newestMs) others += count;
        if (explained > 0 && explained < others * 9) unlikely.add(`${column}\n${form}`);
      }
    }
    this.#columns.clear();
    this.#unlikely = unlikely;
    return unlikely.size > 0;
  }

  /** False, once settled, for a form that is not that of the column. */
  mayExplain(column: string, form: SavedForm): boolean {
    return this.#unlikely?.has(`${column}\n${form}`) !== true;
  }

  #find(column: string, form: SavedForm): FormCount {
    const forms = this.#columns.get(column) ?? new Map<SavedForm, FormCount>();
    this.#columns.set(column, forms);
    const count = forms.get(form) ?? { explained: 0, newestMs: 0, unchanged: new Map<number, number>() };
    forms.set(form, count);
    return count;
  }
}
