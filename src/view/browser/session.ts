import { batch, effect } from '@preact/signals';
import type { CellDetail, PageRow, View, ViewCell, ViewEvent, ViewMeta } from '../api.js';
import { Asking, type SelectedPart } from './asking.js';
import { createColumns, paintCell, paintHead, type RowColumn, readText, stampRow } from './columns.js';
import { Editing } from './editing.js';
import { Grid } from './grid/grid.js';
import { RowPages } from './row-pages.js';
import { describeSelection, listFields, listRows, listSources, MAX_ASKED } from './selection.js';
import { call, listen } from './server.js';
import * as state from './state.js';
import { formatRows } from './words.js';

const SEARCH_PAUSE_MS = 250;
const FACETS_MS = 1_500;

/** The grid and its rows, and what can be done with them. One for the life of the page. */
export class Session {
  readonly meta: ViewMeta;
  readonly pages: RowPages;
  readonly columns: RowColumn[];
  readonly asking: Asking;
  readonly editing: Editing;
  #grid: Grid<PageRow> | null = null;
  #lastPicked = 0;
  #searchTimer = 0;
  #facetsTimer = 0;
  #viewNumber = 0;

  constructor(meta: ViewMeta) {
    this.meta = meta;
    this.columns = createColumns(meta);
    this.asking = new Asking(meta, () => this.#findSelected());
    this.editing = new Editing(() => this.refreshDetail());
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
      },
      stamp: (row) => stampRow(row, this.pages),
      paintHead: (head, index) => this.#withColumn(index, (column) => paintHead(head, column)),
      paintCell: (cell, index, row) =>
        this.#withColumn(index, (column) =>
          paintCell(cell, column, row, row !== undefined && this.pages.listFresh(row[0]).has(column.index)),
        ),
      copyCell: (index, row) => {
        const column = this.columns[index];
        return column === undefined ? '' : readText(column, row);
      },
      isPicked: (place) => {
        const row = this.pages.find(place);
        return row !== undefined && state.picked.value.has(row[0]);
      },
      pick: (place, isRange) => this.pick(place, isRange),
      onMove: () => this.#showSelection(grid),
      onOpen: (place, index) => this.open(place, index),
      onEdit: (place, index, typed) => this.edit(place, index, typed),
      onSort: (index) => this.#sortBy(index),
      onKey: (event) => this.onGridKey(event),
    });
    this.#grid = grid;
    grid.setColumns(this.columns);
    this.#followState(grid);
    void listen(
      (event) => this.#onEvent(event),
      (isConnected) => {
        state.isConnected.value = isConnected;
      },
    );
  }

  focusGrid(): void {
    this.#grid?.focus();
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
    const field = this.#fieldAt(index) ?? state.openCell.value?.field ?? this.meta.fields[0]?.name;
    if (row !== undefined && field !== undefined) state.openCell.value = { place, ordinal: row[0], field };
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
    const index = this.columns.findIndex(({ kind, key }) => kind === 'field' && key === field);
    this.#grid?.move(open.place, index, { focus: false });
  }

  /** Opens a cell for typing. `typed` is a first character that replaces the value. */
  edit(place: number, index: number, typed: string | null): void {
    const why =
      this.meta.readOnly ??
      (this.#fieldAt(index) === null
        ? 'Only filled columns can be changed here. Your own are left as they are.'
        : null);
    if (why !== null) {
      state.say(why);
      return;
    }
    this.open(place, index);
    // The panel is drawn first.
    setTimeout(() => {
      const input = document.querySelector<HTMLInputElement>('#edit');
      if (input === null) return;
      if (typed !== null) input.value = typed;
      input.focus();
      if (typed === null) input.select();
    }, 80);
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
      const path = `/api/cell?row=${open.ordinal}&field=${encodeURIComponent(open.field)}`;
      const detail = await call<CellDetail>('GET', path);
      if (state.openCell.value === open) state.detail.value = detail;
    } catch (error) {
      if (state.openCell.value === open) state.openCell.value = null;
      state.sayError(error);
    }
  }

  /** Accepts the cell and goes on to the next one to look at. */
  async accept(): Promise<void> {
    const detail = state.detail.value;
    if (this.meta.readOnly !== null) return state.say(this.meta.readOnly);
    if (detail === null || detail.text === null || detail.fixed !== null) return;
    if (await this.editing.save(detail, detail.text)) await this.review(1);
  }

  /** Opens the next cell of the view that a person should look at: low or no confidence, doubtful, or of a failed row. */
  async review(by: 1 | -1): Promise<void> {
    const grid = this.#grid;
    const names = this.meta.fields.map(({ name }) => name);
    if (grid === null) return;
    const { row, column } = grid.active;
    const field = names.indexOf(this.#fieldAt(column) ?? '');
    const id = encodeURIComponent(this.pages.viewId);
    try {
      const path = `/api/review?view=${id}&place=${row}&field=${field}&by=${by}`;
      const { cell } = await call<{ cell: ViewCell | null }>('GET', path);
      if (cell === null) return state.say(`No more cells to review ${by > 0 ? 'below' : 'above'}.`);
      grid.move(
        cell.place,
        this.columns.findIndex(({ kind, key }) => kind === 'field' && key === cell.field),
      );
      state.openCell.value = cell;
    } catch (error) {
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
    const { row: _, column } = this.#grid?.active ?? { row: 0, column: 1 };
    this.#grid?.move(number - 1, column);
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

  /** Letters that act while the grid has the focus. */
  onGridKey(event: KeyboardEvent): boolean {
    const isFar = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (event.altKey) return false;
    if (isFar) {
      if (key === 'c') void this.copy(event.shiftKey);
      else if (key === 'z' && !event.shiftKey) void this.editing.undo();
      else return false;
      return true;
    }
    switch (key) {
      case 'n':
        void this.review(event.shiftKey ? -1 : 1);
        return true;
      case 'a':
        void this.accept();
        return true;
      case 'r':
        void this.asking.open();
        return true;
      case 'f':
        this.filterByCell();
        return true;
      case 'g':
        state.dialog.value = 'row';
        return true;
      case 'o':
        document.querySelector<HTMLAnchorElement>('.source-list a')?.click();
        return true;
      case '/':
      case '?':
      case '[':
      case ']':
      case 'escape':
        // Keys of the whole page.
        return false;
      default:
        return false;
    }
  }

  #withColumn(index: number, act: (column: RowColumn) => void): void {
    const column = this.columns[index];
    if (column !== undefined) act(column);
  }

  #fieldAt(index: number): string | null {
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
      void state.picked.value;
      grid.repaint();
    });
    effect(() => {
      // Read here, so that another cell is asked for at once.
      void state.openCell.value;
      void this.refreshDetail();
    });
  }

  #onEvent({ progress, rows, note }: ViewEvent): void {
    const before = state.progress.value;
    state.progress.value = progress;
    if (note !== undefined) state.say(note);
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
    if (!state.follows.value || !isFileOrder || rows === null || rows.length === 0) return;
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
