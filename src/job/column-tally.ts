import { type ColumnChange, listChangeable } from '../model/column-change.js';
import type { JsonValue } from '../model/json.js';
import { getValue } from '../model/row.js';
import type { Finding, Meaning } from './returned-cells.js';

/** Cells of a column that differ by one change. */
interface Explanation {
  count: number;
  /** What may be left of each of them; null if it is not the same. */
  left: ColumnChange['left'];
  isNeverTyped: boolean;
  readonly cell: string;
  readonly value: string;
}

/** Counts the cells of a column by what they mean, and finds what a program did to the whole column. */
export class ColumnTally {
  readonly counts: Record<Meaning, number> = {
    same: 0,
    corrected: 0,
    given: 0,
    cleared: 0,
    stale: 0,
    moved: 0,
    unvouched: 0,
    own: 0,
    blank: 0,
  };
  readonly changes = new Map<string, Explanation>();
  /** Cells that show their answers, by a change and the least that it would have to leave to change none of them. */
  readonly #unchanged = new Map<string, Map<number, number>>();

  add({ meaning, change, row, field, stored }: Finding): void {
    this.counts[meaning] += 1;
    if (meaning === 'same') this.#addUnchanged(stored?.value ?? null);
    if (change === null) return;
    const { reason, left, isNeverTyped } = change;
    const known = this.changes.get(reason);
    if (known !== undefined) {
      known.count += 1;
      known.isNeverTyped ||= isNeverTyped;
      known.left = intersect(known.left, left);
    } else {
      const cell = String(getValue(row, field));
      this.changes.set(reason, { count: 1, left, isNeverTyped, cell, value: String(stored?.value) });
    }
  }

  #addUnchanged(value: JsonValue): void {
    for (const { reason, size } of listChangeable(value)) {
      const sizes = this.#unchanged.get(reason) ?? new Map<number, number>();
      this.#unchanged.set(reason, sizes.set(size, (sizes.get(size) ?? 0) + 1));
    }
  }

  /** The changes that a program made to the column. What a few cells of many show is a person's. */
  listChanges(): readonly (readonly [reason: string, example: Explanation])[] {
    const { same, corrected } = this.counts;
    const compared = same + corrected;
    return [...this.changes].filter(([reason, { count, left, isNeverTyped }]) => {
      if (isNeverTyped) return true;
      const isMost = count > 2 && count >= compared / 2;
      // A few other cells may have been corrected by hand.
      const isWhole = left !== null && count >= this.#countUnchanged(reason, left[0]) * 9;
      return isWhole && (isMost || isMuch(count, compared));
    });
  }

  /** Number of cells that a change would have changed, but did not. */
  #countUnchanged(reason: string, left: number): number {
    let sum = 0;
    for (const [size, count] of this.#unchanged.get(reason) ?? []) if (size > left) sum += count;
    return sum;
  }

  get isMuchCleared(): boolean {
    const { same, corrected, cleared } = this.counts;
    return cleared > 50 || cleared > (same + corrected + cleared) / 2;
  }
}

function intersect(one: ColumnChange['left'], other: ColumnChange['left']): ColumnChange['left'] {
  if (one === null || other === null) return null;
  const [least, most] = [Math.max(one[0], other[0]), Math.min(one[1], other[1])];
  return least <= most ? [least, most] : null;
}

/** More than ten cells, and more than a fifth of a column. */
export function isMuch(differing: number, compared: number): boolean {
  return differing > 10 && differing > compared / 5;
}
