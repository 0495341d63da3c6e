import { batch, effect } from '@preact/signals';
import type { CellDetail, PageRow, View, ViewChanges, ViewMeta } from '../api.js';
import { Asking, type SelectedPart } from './asking.js';
import { CellEditor, type EditedCell } from './cell-editor.js';
import {
  createColumns,
  findFixed,
  paintCell,
  paintHead,
  type RowColumn,
  readText,
  stampRow,
} from './columns.js';
import { Editing, readCell } from './editing.js';
import { Grid } from './grid/grid.js';
import type { EditStart } from './grid/grid-host.js';
import { readLetter } from './keys.js';
import { Review } from './review.js';
import { RowPages } from './row-pages.js';
import { describeSelection, listFields, listRows, listSources, MAX_ASKED } from './selection.js';
import { call, follow } from './server.js';
import * as state from './state.js';
import { formatRows } from './words.js';

const SEARCH_PAUSE_MS = 250;
const FACETS_MS = 1_500;

/** What a person typed into a cell and the server has not stored; null if there is nothing. */
function readUnsaved({ kind, key }: RowColumn, row: PageRow): string | null {
  const unsaved = kind === 'field' ? state.findUnsaved(row[0], key) : undefined;
  return unsaved === undefined ? null : (unsaved.text ?? '');
}

/** The grid and its rows, and what can be done with them. One for the life of the page. */
export class Session {
  readonly meta: ViewMeta;
  readonly pages: RowPages;
  readonly columns: RowColumn[];
  readonly asking: Asking;
  readonly editing: Editing;
  readonly review: Review;
  #grid: Grid<PageRow> | null = null;
  #editor: CellEditor | null = null;
  #lastPicked = 0;
  #searchTimer = 0;
  #facetsTimer = 0;
  #viewNumber = 0;

  constructor(meta: ViewMeta) {
    this.meta = meta;
    this.columns = createColumns(meta);
    this.asking = new Asking(meta, () => this.#findSelected());
    this.editing = new Editing(async (ordinal) => {
      await Promise.all([this.refreshDetail(), this.pages.reload(ordinal)]);
    });
    this.review = new Review(this);
    this.pages = new RowPages(
      () => this.#grid?.paint(),
      () => void this.showView(true),
    );
  }

  /** Shows the grid in a box, and starts following filters and changes. */
  start(box: HTMLElement): void {
    const grid = new Grid<PageRow>(box, {
      label: `Rows of ${this.meta.file}`,
      countRows: () => state.view.value?.count ?? 0,
      findRow: (place) => this.pages.find(place),
      want: (from, to) => {
        state.visible.value = { from, to };
        this.pages.want(from, to);
        this.#editor?.follow();
      },
      stamp: (row) => stampRow(row, this.pages),
      paintHead: (head, index) => this.#withColumn(index, (column) => paintHead(head, column)),
      paintCell: (cell, index, row) =>
        this.#withColumn(index, (column) =>
          paintCell(cell, column, row, row !== undefined && this.pages.listFresh(row[0]).has(column.index)),
        ),
      copyCell: (index, row) => {
        const column = this.columns[index];
        return column === undefined ? '' : (readUnsaved(column, row) ?? readText(column, row));
      },
      isPicked: (place) => {
        const row = this.pages.find(place);
        return row !== undefined && state.picked.value.has(row[0]);
      },
      pick: (place, isRange) => this.pick(place, isRange),
      onMove: () => this.#showSelection(grid),
      onOpen: (place, index) => this.open(place, index),
      onEdit: (place, index, start) => this.edit(place, index, start),
      onPasteTable: () =>
        state.say('Paste one value at a time. For a value of several lines, press F2 first.'),
      onSort: (index) => this.#sortBy(index),
      onKey: (event) => this.onGridKey(event),
    });
    this.#grid = grid;
    this.#editor = new CellEditor(box, {
      findBox: (place, column) => grid.findBox(place, column),
      read: ({ ordinal, field }) => this.editing.read(ordinal, field),
      save: (cell, before, text) => this.#keep(cell, before, text),
      refuse: (why) => state.say(why),
      leave: (by) => (by === 0 ? grid.focus() : grid.move(grid.active.row, grid.active.column + by)),
    });
    grid.setColumns(this.columns);
    this.#followState(grid);
    void follow(
      this.meta.seen,
      (changes) => this.#onChanges(changes),
      (isConnected) => {
        state.isConnected.value = isConnected;
      },
    );
  }

  /** True while a value of a person is nowhere but in this page. */
  get hasUnsaved(): boolean {
    return state.lostIfLeft.value > 0 || this.#editor?.hasText === true;
  }

  focusGrid(): void {
    if (!this.#isEditing) this.#grid?.focus();
  }

  layout(): void {
    this.#grid?.layout();
  }

  /** Makes the view of the current filter and sort. `isKept` keeps the place. */
  async showView(isKept = false): Promise<void> {
    this.#viewNumber += 1;
    const number = this.#viewNumber;
    try {
      const made = await call<View>('POST', '/api/views', state.query.value);
      // Rows stay where they are under an editor.
      await this.#editor?.whenClosed();
      // A filter that was set since is the one that counts.
      if (number !== this.#viewNumber) return;
      batch(() => {
        state.view.value = { id: made.id, count: made.count };
        state.facets.value = made.facets;
        state.changedRows.value = new Set();
      });
      this.pages.open(made.id);
      this.#grid?.refreshHeads();
      if (isKept) {
        this.#grid?.layout();
        this.#grid?.repaint();
      } else this.#grid?.reset();
    } catch (error) {
      state.sayError(error);
    }
  }

  open(place: number, index: number): void {
    const row = this.pages.find(place);
    const field = this.fieldAt(index) ?? state.openCell.value?.field ?? this.meta.fields[0]?.name;
    if (row !== undefined && field !== undefined) state.openCell.value = { place, ordinal: row[0], field };
  }

  /** Goes to a cell and opens it, if its row was loaded; else only opens it. */
  show(ordinal: number, field: string): void {
    const place = this.pages.placeOf(ordinal) ?? -1;
    if (place >= 0) this.move(place, field);
    state.openCell.value = { place, ordinal, field };
  }

  /** Makes a cell of a field the active one. */
  move(place: number, field: string, options?: { readonly focus: boolean }): void {
    const index = this.columns.findIndex(({ kind, key }) => kind === 'field' && key === field);
    this.#grid?.move(place, index, options);
  }

  /** The active cell; null before there are rows. */
  get active(): Grid<PageRow>['active'] | null {
    return this.#grid?.active ?? null;
  }

  close(): void {
    state.openCell.value = null;
    this.focusGrid();
  }

  /** Shows the next or previous field of the row in the panel. */
  step(by: 1 | -1): void {
    const open = state.openCell.value;
    const names = this.meta.fields.map(({ name }) => name);
    if (open === null || names.length === 0) return;
    const at = (names.indexOf(open.field) + by + names.length) % names.length;
    const field = names[at] ?? open.field;
    state.openCell.value = { ...open, field };
    // A row may have another place by now.
    if (this.pages.find(open.place)?.[0] === open.ordinal) this.move(open.place, field, { focus: false });
  }

  /** Opens a cell for typing, or says why it cannot be changed. Returns true if it is open. */
  edit(place: number, index: number, start: EditStart): boolean {
    const row = this.pages.find(place);
    const column = this.columns[index];
    const why = findFixed(this.meta, row, column);
    if (why !== null || row === undefined || column === undefined) {
      state.say(why ?? 'There is no cell.');
      return false;
    }
    const unsaved = readUnsaved(column, row);
    const cell = { place, column: index, ordinal: row[0], field: column.key, shown: readText(column, row) };
    this.#editor?.open(cell, unsaved !== null && start === 'value' ? { text: unsaved } : start);
    return true;
  }

  /** Stores what was typed. A value that does not fit can be mended where it is. */
  #keep(cell: EditedCell, before: Promise<CellDetail>, text: string): void {
    const { place, column, ordinal } = cell;
    void this.editing.change(cell, before, text, () => {
      const isHere = this.isStillAt({ row: place, column }) && this.pages.find(place)?.[0] === ordinal;
      const isFocused = document.activeElement?.closest('.g') !== null;
      if (isHere && isFocused) this.#editor?.open(cell, { text });
      return isHere && isFocused;
    });
  }

  get #isEditing(): boolean {
    return this.#editor?.isOpen === true;
  }

  /** False once the person has gone on: to another cell, into an editor or a dialog. */
  isStillAt({ row, column }: { readonly row: number; readonly column: number }): boolean {
    const active = this.#grid?.active;
    const isFree = !this.#isEditing && state.dialog.value === null;
    return isFree && active?.row === row && active.column === column;
  }

  pick(place: number, isRange: boolean): void {
    const rows = new Set(state.picked.value);
    const first = this.pages.find(place);
    const isOn = first !== undefined && !rows.has(first[0]);
    const [from, to] = isRange
      ? [Math.min(this.#lastPicked, place), Math.max(this.#lastPicked, place)]
      : [place, place];
    for (let each = from; each <= to; each += 1) {
      const row = this.pages.find(each);
      if (row === undefined) continue;
      if (isOn || isRange) rows.add(row[0]);
      else rows.delete(row[0]);
    }
    this.#lastPicked = place;
    state.picked.value = rows;
  }

  /** Selects all rows that are shown. */
  async pickAll(): Promise<void> {
    const id = state.view.value?.id;
    if (id === undefined) return;
    try {
      state.picked.value = new Set(await listRows(this.pages, 0, MAX_ASKED));
    } catch (error) {
      state.sayError(error);
    }
  }

  async refreshDetail(): Promise<void> {
    const open = state.openCell.value;
    if (open === null) {
      state.detail.value = null;
      return;
    }
    try {
      const detail = await readCell(open.ordinal, open.field);
      if (state.openCell.value === open) state.detail.value = detail;
    } catch (error) {
      if (state.openCell.value === open) state.openCell.value = null;
      state.sayError(error);
    }
  }

  /** The selected rows, or those of the selected cells. Cells of the user's own columns stand for their whole row. */
  async #findSelected(): Promise<SelectedPart> {
    if (state.picked.value.size > 0) return { rows: [...state.picked.value], fields: null };
    if (this.#grid === null) return { rows: [], fields: null };
    const { range } = this.#grid;
    const fields = listFields(range, this.columns);
    const rows = await listRows(this.pages, range.top, range.bottom - range.top + 1);
    // No dialog takes the letters of an edit that has begun.
    if (this.#isEditing) return { rows: [], fields: null };
    return { rows, fields: fields.length === 0 ? null : fields };
  }

  #showSelection({ range }: Grid<PageRow>): void {
    const count = range.bottom - range.top + 1;
    const fields = listFields(range, this.columns);
    const isSome = fields.length > 0 && (count > 1 || range.right > range.left);
    state.selectionText.value = describeSelection(range, this.columns, this.pages);
    state.selectedCells.value = isSome ? { cells: count * fields.length, fields } : null;
  }

  async exportView(format: string): Promise<void> {
    const id = state.view.value?.id;
    if (id === undefined) return;
    state.dialog.value = null;
    state.say('Writing…');
    try {
      await this.editing.whenSaved();
      const { path, rows } = await call<{ path: string; rows: number }>('POST', '/api/export', {
        view: id,
        format,
      });
      state.say(`${formatRows(rows)} written to ${path}`);
    } catch (error) {
      state.sayError(error);
    }
  }

  async copy(withSources: boolean): Promise<void> {
    const table = this.#grid?.copyRange() ?? null;
    if (this.#grid === null || table === null) {
      state.say('Scroll to the rows first: not all of them are loaded.');
      return;
    }
    try {
      const links = withSources ? await listSources(this.#grid.range, this.columns, this.pages) : [];
      await navigator.clipboard.writeText([table, ...links].join('\n'));
      const isCut = /…(?=\t|\n|"|$)/.test(table);
      const note = isCut ? ' Long texts are cut: the panel and an export have all of them.' : '';
      state.say((withSources ? 'Copied with its sources.' : 'Copied.') + note);
    } catch {
      state.say('The browser does not allow copying here.');
    }
  }

  goToRow(number: number): void {
    state.dialog.value = null;
    this.#grid?.move(number - 1, this.#grid.active.column);
  }

  /** Shows only the rows that have the status or confidence of the active cell. */
  filterByCell(): void {
    const grid = this.#grid;
    const row = grid === null ? undefined : this.pages.find(grid.active.row);
    const column = this.columns[grid?.active.column ?? -1];
    if (row === undefined || column === undefined) return;
    const filter = state.filter.value;
    if (column.kind === 'status') {
      const status = this.meta.statuses[row[3]];
      if (status !== undefined) state.filter.value = { ...filter, status: [status] };
    } else if (column.kind === 'field' || column.kind === 'input') {
      // A long text is cut here.
      state.filter.value = { ...filter, search: readText(column, row).replace(/…$/, '') };
      state.isRailShown.value = true;
    }
  }

  /** Keys that act on the selected cells. */
  onGridKey(event: KeyboardEvent): boolean {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
    const letter = readLetter(event);
    if (letter === 'C') void this.copy(event.shiftKey);
    else if (letter === 'Z' && !event.shiftKey) void this.editing.undo();
    else return false;
    return true;
  }

  #withColumn(index: number, act: (column: RowColumn) => void): void {
    const column = this.columns[index];
    if (column !== undefined) act(column);
  }

  fieldAt(index: number): string | null {
    const column = this.columns[index];
    return column?.kind === 'field' ? column.key : null;
  }

  #sortBy(index: number): void {
    const column = this.columns[index];
    if (column === undefined || column.kind === 'number') return;
    const now = state.sort.value;
    if (now?.column !== column.key) state.sort.value = { column: column.key, descending: false };
    else state.sort.value = now.descending ? null : { ...now, descending: true };
  }

  #followState(grid: Grid<PageRow>): void {
    let wasSearch = state.filter.value.search;
    let isFirst = true;
    effect(() => {
      const { search } = state.query.value.filter;
      const isTyping = search !== wasSearch;
      wasSearch = search;
      clearTimeout(this.#searchTimer);
      if (isFirst || !isTyping) void this.showView(isFirst);
      else this.#searchTimer = window.setTimeout(() => void this.showView(), SEARCH_PAUSE_MS);
      isFirst = false;
    });
    effect(() => {
      grid.rowHeight = state.isDense.value ? 26 : 32;
      document.documentElement.dataset.dense = state.isDense.value ? '1' : '0';
      grid.layout();
      grid.repaint();
    });
    effect(() => {
      void [state.picked.value, state.unsaved.value];
      grid.repaint();
    });
    effect(() => {
      // Read here, so that another cell is asked for at once.
      void state.openCell.value;
      void this.refreshDetail();
    });
  }

  #onChanges({ progress, rows, notes }: ViewChanges): void {
    const before = state.progress.value;
    state.progress.value = progress;
    for (const note of notes) state.say(note);
    const isOpen = !state.isFiltered.value && state.sort.value === null;
    const view = state.view.value;
    // All rows in the order of the file: rows that were read since belong at the end.
    if (isOpen && view !== null && progress.rows > view.count) {
      state.view.value = { ...view, count: progress.rows };
      this.layout();
    }
    if (rows === null || rows.length > 0) {
      this.pages.refresh(rows);
      if (!isOpen) state.changedRows.value = new Set([...state.changedRows.value, ...(rows ?? [])]);
      const open = state.openCell.value;
      if (open !== null && rows?.includes(open.ordinal) !== false) void this.refreshDetail();
      this.#followFront(rows);
    }
    const isMoved = before.surveyed !== progress.surveyed || rows === null || rows.length > 0;
    if (isMoved && this.#facetsTimer === 0)
      this.#facetsTimer = window.setTimeout(() => void this.#countFacets(), FACETS_MS);
  }

  /** Keeps the visible rows that are being filled. */
  #followFront(rows: readonly number[] | null): void {
    const isFileOrder = !state.isFiltered.value && state.sort.value === null;
    if (!state.follows.value || this.#isEditing || !isFileOrder || rows === null || rows.length === 0) return;
    // The one in the middle, because rows far below may share an answer with one of them.
    const middle = rows.toSorted((a, b) => a - b)[Math.floor(rows.length / 2)] ?? 0;
    const { from, to } = state.visible.value;
    this.#grid?.jump(Math.max(0, middle - Math.floor((to - from) * 0.6)));
  }

  async #countFacets(): Promise<void> {
    this.#facetsTimer = 0;
    const asked = state.query.value;
    try {
      const counted = await call<Pick<View, 'facets'>>('POST', '/api/facets', asked);
      if (state.query.value !== asked) return;
      state.facets.value = counted.facets;
      this.#grid?.refreshHeads();
    } catch {
      // Counted again with the next change.
    }
  }
}
