import type { JsonValue } from '../model/json.js';
import type { Likeness, SavedForm } from '../model/likeness.js';
import { listProneForms } from '../model/same-value.js';
import { rateDate } from '../model/saved-text.js';

/** More rows, or cells of a column, than a person would mix up or change alike by hand, or than would be alike by chance. */
export const FEW = 3;

interface FormCount {
  readonly column: string;
  readonly form: SavedForm;
  /** Cells that this form explains. */
  explained: number;
  /** True if a cell has a text that only a program writes in this form. */
  isSure: boolean;
  /** When the newest of their answers was found, in ms. */
  newestMs: number;
  /** Cells that it would have changed, but that have another form, by when their answers were found. */
  readonly others: Map<number, number>;
  /** The same for cells that are as rowfill writes them. */
  readonly written: Map<number, number>;
}

/** Forms that only programs write. */
const NEVER_TYPED: ReadonlySet<SavedForm> = new Set(['scientific', 'date of numbers']);

/** Forms that persons may also give to a few cells. */
const OFTEN_TYPED: ReadonlySet<SavedForm> = new Set([
  ...(['number format', 'text with comma', 'separators', 'letter case', 'point zero'] as const),
  ...(['date notation', 'no time', 'other time zone'] as const),
]);

const COMMA_FORMS: ReadonlySet<SavedForm> = new Set(['decimal comma', 'thousands points']);

/** Forms that a program gives to all such cells. A person would not see another text there, and so type none. */
const ALWAYS_SAVED: ReadonlySet<SavedForm> = new Set(['lost zeros', 'text as number']);

/** Orders of the numbers of a date. */
const DAY_FORMS: ReadonlySet<SavedForm> = new Set(['day first', 'month first']);

/**
 * Counts how the cells of each column were saved. A change explains the cells that show it if it changed nine in ten of
 * those that it can change. If persons seldom make it, more than half are enough, because some may have been repaired by
 * hand. Cells that were filled later do not count: they were not there when the file was saved. What people also type is
 * a person's in a few cells. A cell that is alone with another change is a person's too, unless other columns show that a
 * program which makes this change saved the file.
 */
export class SavedForms {
  /** By column, the date that shows best how it was saved. */
  readonly #dates = new Map<string, string>();
  readonly #counts = new Map<string, FormCount>();
  #isSettled = false;
  readonly #likely = new Set<string>();
  readonly #unlikely = new Set<string>();

  add(
    column: string,
    likeness: Likeness | null,
    value: JsonValue,
    foundAtMs: number,
    cell?: JsonValue,
  ): void {
    if (likeness === null || this.#isSettled) return;
    const { forms, isPlain, unless } = likeness;
    for (const form of forms) {
      if (DAY_FORMS.has(form) && typeof cell === 'string') this.#addDate(column, cell);
      // `5/5/2024` shows no order.
      if (isInBothOrders(forms)) continue;
      const count = this.#find(column, form);
      count.explained += 1;
      count.isSure ||= isPlain || NEVER_TYPED.has(form);
      count.newestMs = Math.max(count.newestMs, foundAtMs);
    }
    const prone = new Set(listProneForms(value));
    // `1,234` for 1234 speaks against decimal commas in the whole column.
    if (unless !== undefined) prone.add('decimal comma');
    for (const form of prone) {
      // Spreadsheets leave these dates as they are.
      if (DAY_FORMS.has(form) && String(value) < '1900') continue;
      if (forms.includes(form) || (form === 'thousands points' && forms.includes('decimal comma'))) continue;
      const count = this.#find(column, form);
      const cells = forms.length === 0 ? count.written : count.others;
      cells.set(foundAtMs, (cells.get(foundAtMs) ?? 0) + 1);
    }
  }

  /** Ends the count. True if a form that cells show was not that of their column. */
  settle(): boolean {
    const shown = [...this.#counts.values()].filter(({ explained }) => explained > 0);
    const whole = shown.filter(isOfWholeColumn);
    const proven = whole.filter(isProven);
    const isLikely = (count: FormCount): boolean =>
      !isOtherOrder(count, proven) && (isProven(count) || isSupported(count, proven));
    for (const count of shown)
      (whole.includes(count) && isLikely(count) ? this.#likely : this.#unlikely).add(toKey(count));
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

  /** A date that shows how those of a column were saved; null if none does. */
  findDate(column: string): string | null {
    return this.#dates.get(column) ?? null;
  }

  #addDate(column: string, cell: string): void {
    if (rateDate(cell) > rateDate(this.#dates.get(column) ?? '')) this.#dates.set(column, cell);
  }

  /** True, once settled, if a column was saved with decimal commas. */
  get hasCommas(): boolean {
    return [...this.#likely].some((key) => /^(?:decimal comma|thousands points)\n/.test(key));
  }

  #find(column: string, form: SavedForm): FormCount {
    const key = toKey({ column, form });
    const count = this.#counts.get(key) ?? {
      ...{ column, form, explained: 0, isSure: false, newestMs: 0 },
      others: new Map<number, number>(),
      written: new Map<number, number>(),
    };
    this.#counts.set(key, count);
    return count;
  }
}

function isOfWholeColumn({ form, explained, isSure, newestMs, ...cells }: FormCount): boolean {
  const countOlder = (counts: ReadonlyMap<number, number>): number => {
    let sum = 0;
    for (const [foundAtMs, count] of counts) if (foundAtMs <= newestMs) sum += count;
    return sum;
  };
  const [others, written] = [countOlder(cells.others), countOlder(cells.written)];
  if ((NEVER_TYPED.has(form) && explained > 1) || explained >= (others + written) * 9) return true;
  // A date as rowfill writes it says nothing about the order of the others.
  if (DAY_FORMS.has(form) && (isSure || written === 0)) return explained > others;
  const isMany = isSure || (explained > FEW && !isAlsoTyped(form));
  return isMany && explained > others + written;
}

/** Forms that persons use too, so that even more than half of a column do not prove a program. */
function isAlsoTyped(form: SavedForm): boolean {
  return OFTEN_TYPED.has(form) || COMMA_FORMS.has(form) || form === 'whole date';
}

function isInBothOrders(forms: readonly SavedForm[]): boolean {
  return forms.includes('day first') && forms.includes('month first');
}

/** True if the cells of a column alone show that a program wrote them. */
function isProven({ form, explained, isSure }: FormCount): boolean {
  return isSure || explained > (OFTEN_TYPED.has(form) ? FEW : 1);
}

/** True if other cells show that a program wrote a cell which is alone with its form. */
function isSupported({ column, form }: FormCount, proven: readonly FormCount[]): boolean {
  if (COMMA_FORMS.has(form))
    return proven.some((other) => other.column === column && COMMA_FORMS.has(other.form));
  if (DAY_FORMS.has(form)) return proven.some((other) => other.form === form);
  const isOfProgram = (other: FormCount): boolean =>
    NEVER_TYPED.has(other.form) || (other.explained > 1 && !OFTEN_TYPED.has(other.form));
  return ALWAYS_SAVED.has(form) && proven.some(isOfProgram);
}

/** True for a few dates in an order that another column contradicts, unless they show their order more clearly. */
function isOtherOrder({ column, form, explained, isSure }: FormCount, proven: readonly FormCount[]): boolean {
  if (!DAY_FORMS.has(form) || isSure || explained > FEW) return false;
  return proven.some(
    (other) =>
      other.column !== column &&
      other.form !== form &&
      DAY_FORMS.has(other.form) &&
      (other.isSure || other.explained >= explained),
  );
}

function toKey({ column, form }: Pick<FormCount, 'column' | 'form'>): string {
  return `${form}\n${column}`;
}
