import { batch, effect } from '@preact/signals';
import type {
  AgainQuote,
  AgainRequest,
  CellDetail,
  Edited,
  PageRow,
  View,
  ViewEvent,
  ViewMeta,
} from '../api.js';
import { createColumns, paintCell, paintHead, type RowColumn, readText, stampRow } from './columns.js';
import { Grid } from './grid/grid.js';
import { RowPages } from './row-pages.js';
import { describeSelection, listSources } from './selection.js';
import { call, listen } from './server.js';
import * as state from './state.js';
import { formatCount, formatRows } from './words.js';

/** Levels of cells that a person should look at. */
const DOUBTFUL: ReadonlySet<string> = new Set(['low', 'unrated']);
const SEARCH_PAUSE_MS = 250;
const FACETS_MS = 1_500;
/** Rows that the next cell to look at is looked for in. */
const MAX_REVIEWED = 2_000;
/** Rows that the server asks again at once. */
const MAX_ASKED = 100_000;

/** The grid and its rows, and what can be done with them. One for the life of the page. */
export class Session {
  readonly meta: ViewMeta;
  readonly pages: RowPages;
  readonly columns: RowColumn[];
  #grid: Grid<PageRow> | null = null;
  #lastPicked = 0;
  #searchTimer = 0;
  #facetsTimer = 0;
  #viewNumber = 0;
  #quoteNumber = 0;
  readonly #undo: { readonly id: string; readonly text: string }[] = [];

  constructor(meta: ViewMeta) {
    this.meta = meta;
    this.columns = createColumns(meta);
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
      this.#fail(error);
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
    this.setPicked(rows);
  }

  /** Selects all rows that are shown. */
  async pickAll(): Promise<void> {
    const id = state.view.value?.id;
    if (id === undefined) return;
    try {
      this.setPicked(new Set(await this.#listRows(0, MAX_ASKED)));
    } catch (error) {
      this.#fail(error);
    }
  }

  setPicked(rows: ReadonlySet<number>): void {
    state.picked.value = rows;
    this.#grid?.repaint();
  }

  /** Keeps a value as a person's. Null clears the cell. */
  async save(detail: CellDetail, text: string | null): Promise<boolean> {
    const { ordinal, field, text: was } = detail;
    try {
      const { undo, twins } = await call<Edited>('PUT', '/api/cell', { ordinal, field, text, was });
      const also = twins === 0 ? '' : ` It also holds for ${formatRows(twins)} with the same sent cells.`;
      const word = text === was ? 'Accepted' : text === null ? 'Cleared' : 'Kept';
      this.#undo.push({ id: undo, text: `${field} of row ${formatCount(ordinal + 1)}` });
      state.say(`${word}: no run will replace it.${also}`, () => void this.undo());
      await this.refreshDetail();
      return true;
    } catch (error) {
      this.#fail(error);
      await this.refreshDetail();
      return false;
    }
  }

  async undo(): Promise<void> {
    const last = this.#undo.pop();
    if (last === undefined) return state.say('Nothing to undo.');
    try {
      await call('POST', '/api/undo', { undo: last.id });
      state.say(`The earlier value is back: ${last.text}.`);
      await this.refreshDetail();
    } catch (error) {
      this.#fail(error);
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
      this.#fail(error);
    }
  }

  /** Accepts the cell and goes on to the next one to look at. */
  async accept(): Promise<void> {
    const { detail } = state;
    if (this.meta.readOnly !== null) return state.say(this.meta.readOnly);
    if (detail.value === null || detail.value.text === null || detail.value.fixed !== null) return;
    if (await this.save(detail.value, detail.value.text)) this.review(1);
  }

  /** Opens the next cell that a person should look at: low or no confidence, doubtful, or of a failed row. */
  review(by: 1 | -1): void {
    const grid = this.#grid;
    if (grid === null) return;
    const fields = this.columns.flatMap(({ kind }, index) => (kind === 'field' ? [index] : []));
    const start = grid.active.row * fields.length + Math.max(-1, fields.indexOf(grid.active.column));
    for (let at = start + by; Math.abs(at - start) < MAX_REVIEWED * fields.length; at += by) {
      const place = Math.floor(at / fields.length);
      const index = fields[((at % fields.length) + fields.length) % fields.length];
      const row = place < 0 ? undefined : this.pages.find(place);
      const column = index === undefined ? undefined : this.columns[index];
      if (row === undefined || index === undefined || column === undefined) break;
      if (!this.#isDoubtful(row, column.index)) continue;
      grid.move(place, index);
      this.open(place, index);
      return;
    }
    state.say('No more cells to review in the rows nearby.');
  }

  /** Opens the dialog for asking the selected rows again, or else the selected cells. */
  async askAgain(): Promise<void> {
    if (this.meta.cannotAsk !== null) return state.say(this.meta.cannotAsk);
    try {
      const found = await this.#findAsked();
      if (found.rows.length > 0) await this.setAsked({ ...found, effort: null });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Works out what asking these cells can cost. Only the last answer counts. */
  async setAsked(asked: state.Asked): Promise<void> {
    this.#quoteNumber += 1;
    const number = this.#quoteNumber;
    batch(() => {
      state.asked.value = asked;
      state.quote.value = null;
      state.dialog.value = 'again';
    });
    try {
      const quote = await call<AgainQuote>('POST', '/api/quote', asked satisfies AgainRequest);
      if (number === this.#quoteNumber) state.quote.value = quote;
    } catch (error) {
      if (number !== this.#quoteNumber) return;
      state.dialog.value = null;
      this.#fail(error);
    }
  }

  /** The selected rows, or those of the selected cells. Cells of the user's own columns stand for their whole row. */
  async #findAsked(): Promise<Pick<state.Asked, 'rows' | 'fields'>> {
    if (state.picked.value.size > 0) return { rows: [...state.picked.value], fields: null };
    if (this.#grid === null) return { rows: [], fields: null };
    const { top, bottom } = this.#grid.range;
    const count = bottom - top + 1;
    if (count > MAX_ASKED)
      throw new Error(`At most ${formatRows(MAX_ASKED)} can be asked again at once. Select fewer.`);
    const fields = this.#listSelectedFields(this.#grid);
    const rows = await this.#listRows(top, count);
    return { rows, fields: fields.length === 0 ? null : fields };
  }

  /** Ordinals of the rows at places of the view. */
  async #listRows(from: number, count: number): Promise<readonly number[]> {
    const known = Array.from(
      { length: Math.min(count, 500) },
      (_, index) => this.pages.find(from + index)?.[0],
    );
    const loaded = known.filter((ordinal) => ordinal !== undefined);
    if (loaded.length === count) return loaded;
    const id = encodeURIComponent(state.view.value?.id ?? '');
    const path = `/api/ordinals?view=${id}&from=${from}&count=${count}`;
    const { ordinals } = await call<{ ordinals: readonly number[] }>('GET', path);
    return ordinals;
  }

  #listSelectedFields(grid: Grid<PageRow>): string[] {
    const { left, right } = grid.range;
    return this.columns.slice(left, right + 1).flatMap(({ kind, key }) => (kind === 'field' ? [key] : []));
  }

  #showSelection(grid: Grid<PageRow>): void {
    const { top, bottom, left, right } = grid.range;
    const cells = (bottom - top + 1) * (right - left + 1);
    const fields = this.#listSelectedFields(grid);
    state.selectionText.value = describeSelection(grid.range, this.columns, this.pages);
    const isSome = cells > 1 && fields.length > 0;
    state.selectedCells.value = isSome ? { cells: (bottom - top + 1) * fields.length, fields } : null;
  }

  /** Spends what the quote says, once. */
  async confirmAgain(quote: AgainQuote): Promise<void> {
    if (state.quote.value !== quote) return;
    state.quote.value = null;
    state.dialog.value = null;
    try {
      await call('POST', '/api/ask', { quote: quote.quote });
      this.setPicked(new Set());
    } catch (error) {
      this.#fail(error);
    }
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
      this.#fail(error);
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
      else if (key === 'z' && !event.shiftKey) void this.undo();
      else return false;
      return true;
    }
    switch (key) {
      case 'n':
        this.review(event.shiftKey ? -1 : 1);
        return true;
      case 'a':
        void this.accept();
        return true;
      case 'r':
        void this.askAgain();
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

  #isDoubtful(row: PageRow, field: number): boolean {
    const cell = row[2][field] ?? 0;
    if (cell === 0) return this.meta.statuses[row[3]] === 'failed';
    const [, level, , mark] = cell;
    return DOUBTFUL.has(this.meta.levels[level] ?? '') || mark === 'doubt' || mark === 'not_on_page';
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
    const last = rows?.reduce((most, row) => Math.max(most, row), 0);
    const isFileOrder = !state.isFiltered.value && state.sort.value === null;
    if (state.follows.value && isFileOrder && last !== undefined && last > 0)
      this.#grid?.jump(Math.max(0, last - 12));
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

  #fail(error: unknown): void {
    state.say(error instanceof Error ? error.message : String(error));
  }
}
