import type { CellDetail, ViewCell, ViewMeta } from '../api.js';
import { findFixed, isSameText, type RowColumn, readText } from './columns.js';
import type { Editing } from './editing.js';
import type { RowPages } from './row-pages.js';
import { call } from './server.js';
import * as state from './state.js';

interface Place {
  readonly row: number;
  readonly column: number;
}

/** What a review needs of the page. */
export interface ReviewHost {
  readonly meta: ViewMeta;
  readonly pages: RowPages;
  readonly columns: readonly RowColumn[];
  readonly editing: Editing;
  /** The active cell; null before there are rows. */
  readonly active: Place | null;
  /** The field of a column; null for any other column. */
  fieldAt(column: number): string | null;
  isStillAt(place: Place): boolean;
  move(place: number, field: string): void;
  open(place: number, column: number): void;
  refreshDetail(): Promise<void>;
}

/** Going from one cell to look at to the next, and accepting them. */
export class Review {
  readonly #host: ReviewHost;
  #isAccepting = false;

  constructor(host: ReviewHost) {
    this.#host = host;
  }

  /** Accepts a cell and goes on to the next one to look at. Pressed twice, the second time is about a cell not yet seen. */
  async accept(detail: CellDetail): Promise<void> {
    const { active, meta, editing } = this.#host;
    if (this.#isAccepting || active === null) return;
    const why =
      meta.readOnly ?? detail.fixed ?? (detail.text === null ? 'There is no value to accept.' : null);
    if (why !== null) return state.say(why);
    this.#isAccepting = true;
    try {
      const isDone = detail.level === 'human' || (await editing.save(detail, detail.text)) === 'kept';
      if (isDone && this.#host.isStillAt(active)) await this.next(1);
    } finally {
      this.#isAccepting = false;
    }
  }

  /** Accepts the active cell, whatever the panel shows. */
  async acceptActive(): Promise<void> {
    const { active, columns, meta, pages } = this.#host;
    const row = pages.find(active?.row ?? -1);
    const column = columns[active?.column ?? -1];
    const why = findFixed(meta, row, column);
    if (why !== null || row === undefined || column === undefined) return state.say(why ?? '');
    const shown = readText(column, row);
    const detail = await this.#showActive();
    if (detail === null) return;
    if (isSameText(detail.text ?? '', shown)) await this.accept(detail);
    else state.say('The cell has changed meanwhile. Look at it again.');
  }

  /** Opens the first source of the active cell. */
  async openSource(): Promise<void> {
    if ((await this.#showActive()) === null) return;
    // The panel is drawn first.
    await Promise.resolve();
    const link = document.querySelector<HTMLAnchorElement>('.source-list a');
    if (link === null) state.say('No source that can be opened.');
    else link.click();
  }

  /** Opens the next cell of the view that a person should look at: low or no confidence, doubtful, or of a failed row. */
  async next(by: 1 | -1): Promise<void> {
    const { active, meta, pages } = this.#host;
    if (active === null) return;
    const names = meta.fields.map(({ name }) => name);
    const field = names.indexOf(this.#host.fieldAt(active.column) ?? '');
    const { viewId } = pages;
    try {
      const path = `/api/review?view=${encodeURIComponent(viewId)}&place=${active.row}&field=${field}&by=${by}`;
      const { cell } = await call<{ cell: ViewCell | null }>('GET', path);
      // The focus does not leave a cell in which the person has begun to type.
      if (!this.#host.isStillAt(active) || viewId !== pages.viewId) return;
      if (cell === null) return state.say(`No more cells to review ${by > 0 ? 'below' : 'above'}.`);
      this.#host.move(cell.place, cell.field);
      state.openCell.value = cell;
    } catch (error) {
      state.sayError(error);
    }
  }

  /** Opens the active cell in the panel. Null if it cannot be read, or the person has gone on meanwhile. */
  async #showActive(): Promise<CellDetail | null> {
    const { active, pages } = this.#host;
    if (active === null) return null;
    const row = pages.find(active.row);
    const field = this.#host.fieldAt(active.column);
    if (row === undefined || field === null) return null;
    const isShown = (cell: { readonly ordinal: number; readonly field: string } | null): boolean =>
      cell?.ordinal === row[0] && cell.field === field;
    if (!isShown(state.openCell.value)) this.#host.open(active.row, active.column);
    if (!isShown(state.detail.value)) await this.#host.refreshDetail();
    const detail = state.detail.value;
    return this.#host.isStillAt(active) && isShown(detail) ? detail : null;
  }
}
