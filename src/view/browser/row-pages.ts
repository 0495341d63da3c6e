import type { PageRow } from '../api.js';
import { call, ServerError } from './server.js';

const PAGE_ROWS = 200;
const MAX_PAGES = 80;
const FLASH_MS = 1_600;
const RELOAD_MS = 250;
const NONE: ReadonlySet<number> = new Set();

/** The rows of the current view that were looked at last, in pages. */
export class RowPages {
  readonly #onRows: () => void;
  readonly #onGone: () => void;
  #viewId = '';
  #pages = new Map<number, readonly PageRow[] | 'loading'>();
  readonly #places = new Map<number, number>();
  /** Cells that have just changed, by row. */
  readonly #flashes = new Map<number, { readonly atMs: number; readonly fields: ReadonlySet<number> }>();
  readonly #stale = new Set<number>();
  #visible = { from: 0, to: 0 };
  #timer = 0;

  /** `onGone` is called if the server has forgotten the view. */
  constructor(onRows: () => void, onGone: () => void) {
    this.#onRows = onRows;
    this.#onGone = onGone;
  }

  /** Starts with the rows of another view. */
  open(viewId: string): void {
    this.#viewId = viewId;
    this.#pages = new Map();
    this.#places.clear();
    this.#stale.clear();
    this.#flashes.clear();
  }

  get viewId(): string {
    return this.#viewId;
  }

  find(place: number): PageRow | undefined {
    const page = this.#pages.get(Math.floor(place / PAGE_ROWS));
    return page === undefined || page === 'loading' ? undefined : page[place % PAGE_ROWS];
  }

  /** Fields of a row that have just changed. */
  listFresh(ordinal: number): ReadonlySet<number> {
    const flash = this.#flashes.get(ordinal);
    return flash !== undefined && performance.now() - flash.atMs < FLASH_MS ? flash.fields : NONE;
  }

  /** Loads the visible rows, unless they are here. */
  want(from: number, to: number): void {
    this.#visible = { from, to };
    for (const number of this.#listPages(from, to)) {
      const page = this.#pages.get(number);
      if (page === undefined) void this.#load(number);
      else {
        // The last ones looked at are kept.
        this.#pages.delete(number);
        this.#pages.set(number, page);
      }
    }
    for (const number of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      this.#pages.delete(number);
    }
  }

  /** Rows have changed on the server; null for any. Visible ones are loaded again, the others when they are needed. */
  refresh(ordinals: readonly number[] | null): void {
    for (const ordinal of ordinals ?? this.#places.keys()) {
      const place = this.#places.get(ordinal);
      if (place === undefined) continue;
      this.#stale.add(Math.floor(place / PAGE_ROWS));
    }
    if (this.#stale.size === 0 || this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      const shown = new Set(this.#listPages(this.#visible.from, this.#visible.to));
      for (const number of this.#stale) {
        if (shown.has(number)) void this.#load(number);
        else this.#pages.delete(number);
      }
      this.#stale.clear();
    }, RELOAD_MS);
  }

  /** Loads a row again, if it is here. */
  async reload(ordinal: number): Promise<void> {
    const place = this.#places.get(ordinal);
    if (place !== undefined) await this.#load(Math.floor(place / PAGE_ROWS));
  }

  /** Where a row is in the view; undefined if it was not loaded yet. */
  placeOf(ordinal: number): number | undefined {
    return this.#places.get(ordinal);
  }

  /** Notes which cells of a row differ from what was shown before. */
  #compare(before: PageRow | undefined, row: PageRow): void {
    if (before === undefined || before[0] !== row[0]) return;
    const changed = row[2].flatMap((cell, field) =>
      cell !== 0 && String(cell) !== String(before[2][field]) ? [field] : [],
    );
    if (changed.length > 0) this.#flashes.set(row[0], { atMs: performance.now(), fields: new Set(changed) });
  }

  #listPages(from: number, to: number): number[] {
    const first = Math.floor(Math.max(0, from) / PAGE_ROWS);
    const last = Math.floor(Math.max(0, to - 1) / PAGE_ROWS);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  }

  async #load(number: number): Promise<void> {
    const viewId = this.#viewId;
    if (viewId === '') return;
    if (!this.#pages.has(number)) this.#pages.set(number, 'loading');
    const from = number * PAGE_ROWS;
    try {
      const path = `/api/rows?view=${encodeURIComponent(viewId)}&from=${from}&count=${PAGE_ROWS}`;
      const { rows } = await call<{ rows: readonly PageRow[] }>('GET', path);
      // A late answer is about rows that are no longer shown.
      if (viewId !== this.#viewId) return;
      const before = this.#pages.get(number);
      for (const [index, row] of rows.entries()) {
        this.#places.set(row[0], from + index);
        if (before !== undefined && before !== 'loading') this.#compare(before[index], row);
      }
      this.#pages.set(number, rows);
      this.#onRows();
    } catch (error) {
      if (viewId !== this.#viewId) return;
      this.#pages.delete(number);
      if (error instanceof ServerError && error.status === 410) this.#onGone();
    }
  }
}
