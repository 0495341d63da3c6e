import type { CellRange, GridColumn, GridHost } from './grid-host.js';
import { GridRow } from './grid-row.js';
import { isTextKey, readPasted } from './text-key.js';
import { TwoScales } from './two-scales.js';

const HEAD_HEIGHT = 52;
const MIN_WIDTH = 60;
const MAX_COPIED_ROWS = 10_000;

/**
 * A table of any number of rows. Only visible rows have elements, one per row, so that text can be selected, found,
 * printed and read out. Elements are reused for other rows, but a row keeps its element while it is visible.
 */
export class Grid<Row> {
  rowHeight = 32;
  columns: readonly GridColumn[] = [];
  active = { row: 0, column: 1 };
  readonly #host: GridHost<Row>;
  readonly #scales = new TwoScales();
  readonly #viewport = createDiv('g-viewport');
  readonly #size = createDiv('g-size');
  readonly #head = createDiv('g-head');
  readonly #body = createDiv('g-body');
  readonly #sheet = new CSSStyleSheet();
  #heads: HTMLElement[] = [];
  #pool: GridRow<Row>[] = [];
  #anchor: { row: number; column: number } | null = null;
  /** True if all rows of the selected columns are selected. */
  #isWhole = false;
  #lefts: number[] = [];
  #frozenWidth = 0;
  #shownColumns = { from: 0, to: 0 };
  #frame = 0;

  constructor(box: HTMLElement, host: GridHost<Row>) {
    this.#host = host;
    box.classList.add('g');
    setAttributes(this.#size, { role: 'grid', 'aria-label': host.label, 'aria-multiselectable': 'true' });
    setAttributes(this.#head, { role: 'row', 'aria-rowindex': '1' });
    this.#body.setAttribute('role', 'rowgroup');
    const headGroup = createDiv('g-headgroup');
    headGroup.setAttribute('role', 'rowgroup');
    headGroup.append(this.#head);
    const layer = createDiv('g-layer');
    layer.setAttribute('role', 'presentation');
    layer.append(headGroup, this.#body);
    this.#size.append(layer);
    this.#viewport.append(this.#size);
    this.#viewport.tabIndex = -1;
    box.append(this.#viewport);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.#sheet];
    this.#viewport.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    // Only at the end: the bar must not move while it is dragged.
    this.#viewport.addEventListener('scrollend', () => this.#putBar(this.#scales.bar));
    new ResizeObserver(() => this.layout()).observe(this.#viewport);
    box.addEventListener('keydown', (event) => this.#onKey(event));
    box.addEventListener('paste', (event) => this.#onPaste(event));
    box.addEventListener('mousedown', (event) => this.#onMouseDown(event));
    box.addEventListener('dblclick', (event) => {
      const place = this.#findCell(event.target);
      if (place !== null) host.onEdit(place.row, place.column, 'value');
    });
  }

  setColumns(columns: readonly GridColumn[]): void {
    this.columns = columns;
    this.#size.setAttribute('aria-colcount', String(columns.length));
    this.#head.replaceChildren();
    const frozen = createDiv('g-frozen');
    frozen.setAttribute('role', 'presentation');
    this.#head.append(frozen);
    this.#heads = columns.map((column, index) => {
      const head = createDiv(`g-th gc${index}`);
      setAttributes(head, { role: 'columnheader', 'aria-colindex': String(index + 1) });
      (column.isFrozen === true ? frozen : this.#head).append(head);
      head.addEventListener('click', (event) => {
        if (!(event.target instanceof Element && event.target.closest('.g-grip'))) this.#host.onSort(index);
      });
      return head;
    });
    this.refreshHeads();
    for (const row of this.#pool) row.element.remove();
    this.#pool = [];
    this.#shownColumns = { from: 0, to: 0 };
    this.#writeWidths();
    this.layout();
  }

  refreshHeads(): void {
    for (const [index, head] of this.#heads.entries()) {
      head.replaceChildren();
      this.#host.paintHead(head, index);
      if (this.columns[index]?.isRowHead === true) continue;
      const grip = createDiv('g-grip');
      grip.addEventListener('pointerdown', (event) => this.#resize(event, index));
      head.append(grip);
    }
  }

  /** Fits the grid to its box and to the number of rows. */
  layout(): void {
    const count = this.#host.countRows();
    this.#scales.fit(count * this.rowHeight, this.#viewport.clientHeight - HEAD_HEIGHT);
    this.#size.style.height = `${this.#scales.barHeight + HEAD_HEIGHT}px`;
    this.#size.setAttribute('aria-rowcount', String(count + 1));
    this.paint();
  }

  /** Starts at the top, for other rows. */
  reset(): void {
    this.active = { ...this.active, row: 0 };
    this.#anchor = null;
    this.#isWhole = false;
    this.#host.onMove();
    this.#putBar(this.#scales.go(0));
    this.layout();
  }

  /** Paints all visible rows anew. */
  repaint(): void {
    for (const row of this.#pool) row.stamp = '';
    this.paint();
  }

  /** Paints what has changed. */
  paint(): void {
    const { rowHeight: height } = this;
    const count = this.#host.countRows();
    const { top, view } = this.#scales;
    const first = Math.floor(top / height);
    const needed = Math.ceil(view / height) + 1;
    const last = Math.min(count, first + needed);
    const columns = this.#findShownColumns();
    const isMoved = columns.from !== this.#shownColumns.from || columns.to !== this.#shownColumns.to;
    this.#shownColumns = columns;
    while (this.#pool.length < needed) {
      const row = new GridRow(this.#host);
      this.#body.append(row.element);
      this.#pool.push(row);
    }
    this.#body.style.transform = `translate3d(0,${first * height - top}px,0)`;
    for (let place = first; place < first + this.#pool.length; place += 1) {
      const row = this.#pool[place % this.#pool.length];
      if (row === undefined) continue;
      // An element that becomes another row must not take the focus along.
      if (row.place !== place && row.element.contains(document.activeElement))
        this.#viewport.focus({ preventScroll: true });
      if (place < last) row.show(place, (place - first) * height, this.columns, columns, isMoved);
      else row.hide();
    }
    this.#host.want(first, last);
    this.#paintActive();
  }

  get range(): CellRange {
    const { row, column } = this.active;
    if (this.#isWhole) {
      const last = Math.max(0, this.#host.countRows() - 1);
      return { ...this.#findSpan(column), top: 0, bottom: last };
    }
    const other = this.#anchor ?? this.active;
    return {
      ...this.#findSpan(column),
      top: Math.min(row, other.row),
      bottom: Math.max(row, other.row),
    };
  }

  /** Selects the columns of the selected cells from the first row to the last. The active cell stays. */
  selectColumns(): void {
    this.#isWhole = true;
    this.#paintActive();
    this.#host.onMove();
  }

  #findSpan(column: number): { left: number; right: number } {
    const other = this.#anchor?.column ?? column;
    return { left: Math.min(column, other), right: Math.max(column, other) };
  }

  /** Moves to a cell and shows it. */
  move(row: number, column: number, { extend = false, focus = true } = {}): void {
    this.#isWhole = false;
    if (extend) this.#anchor ??= { ...this.active };
    else this.#anchor = null;
    const lastRow = Math.max(0, this.#host.countRows() - 1);
    this.active = {
      row: Math.max(0, Math.min(lastRow, row)),
      column: Math.max(0, Math.min(this.columns.length - 1, column)),
    };
    this.#reveal();
    if (focus) this.#findActive()?.focus({ preventScroll: true });
    this.#host.onMove();
  }

  focus(): void {
    this.#reveal();
    (this.#findActive() ?? this.#viewport).focus({ preventScroll: true });
  }

  /** Scrolls a row to the top. */
  jump(row: number): void {
    this.#putBar(this.#scales.go(row * this.rowHeight));
    this.paint();
  }

  /** The selected cells as a table, as spreadsheets paste it. Null while some of the rows are not here. */
  copyRange(): string | null {
    const { top, bottom, left, right } = this.range;
    const lines: string[] = [];
    for (let place = top; place <= Math.min(bottom, top + MAX_COPIED_ROWS - 1); place += 1) {
      const row = this.#host.findRow(place);
      if (row === undefined) return null;
      const cells = Array.from({ length: right - left + 1 }, (_, index) =>
        quoteCell(this.#host.copyCell(left + index, row)),
      );
      lines.push(cells.join('\t'));
    }
    return lines.join('\n');
  }

  #writeWidths(): void {
    let left = 0;
    let rules = '';
    this.#frozenWidth = 0;
    this.#lefts = this.columns.map(({ width, isFrozen }, index) => {
      const start = left;
      rules += `.g .gc${index}{left:${start}px;width:${width}px}`;
      left += width;
      if (isFrozen === true) this.#frozenWidth = left;
      return start;
    });
    this.#size.style.width = `${left}px`;
    this.#sheet.replaceSync(`${rules}.g .g-frozen{width:${this.#frozenWidth}px}`);
  }

  #resize(event: PointerEvent, index: number): void {
    const column = this.columns[index];
    const grip = event.target;
    if (column === undefined || !(grip instanceof HTMLElement)) return;
    event.stopPropagation();
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    const { width } = column;
    const move = (to: PointerEvent): void => {
      column.width = Math.max(MIN_WIDTH, width + to.clientX - event.clientX);
      this.#writeWidths();
      this.layout();
    };
    grip.addEventListener('pointermove', move);
    grip.addEventListener('pointerup', () => grip.removeEventListener('pointermove', move), { once: true });
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#viewport;
    this.#scales.follow(scrollTop, scrollHeight - clientHeight);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.paint();
    });
  }

  #putBar(bar: number): void {
    if (Math.abs(this.#viewport.scrollTop - bar) > 1) this.#viewport.scrollTop = bar;
    this.#scales.noteBar(this.#viewport.scrollTop);
  }

  #reveal(): void {
    const { row, column } = this.active;
    const { top, view } = this.#scales;
    const start = row * this.rowHeight;
    if (start < top) this.#putBar(this.#scales.go(start));
    else if (start + this.rowHeight > top + view)
      this.#putBar(this.#scales.go(start + this.rowHeight - view));
    const { width = 0, isFrozen } = this.columns[column] ?? {};
    const left = (this.#lefts[column] ?? 0) - this.#frozenWidth;
    const room = this.#viewport.clientWidth - this.#frozenWidth;
    if (isFrozen !== true) {
      if (left < this.#viewport.scrollLeft) this.#viewport.scrollLeft = left;
      else if (left + width > this.#viewport.scrollLeft + room)
        this.#viewport.scrollLeft = left + width - room;
    }
    this.paint();
  }

  #findShownColumns(): { from: number; to: number } {
    const { scrollLeft, clientWidth } = this.#viewport;
    const isShown = (index: number): boolean => {
      const left = this.#lefts[index] ?? 0;
      const right = left + (this.columns[index]?.width ?? 0);
      return right > scrollLeft + this.#frozenWidth && left < scrollLeft + clientWidth;
    };
    let from = this.columns.findIndex(({ isFrozen }, index) => isFrozen !== true && isShown(index));
    if (from < 0) from = 0;
    let to = from;
    while (to < this.columns.length && isShown(to)) to += 1;
    return { from, to };
  }

  /** Where a cell is in the box of the grid, beside the frozen columns. */
  findBox(row: number, column: number): DOMRect {
    const { width = 0, isFrozen } = this.columns[column] ?? {};
    const left = (this.#lefts[column] ?? 0) - (isFrozen === true ? 0 : this.#viewport.scrollLeft);
    const shown = isFrozen === true ? left : Math.max(left, this.#frozenWidth);
    const top = HEAD_HEIGHT + row * this.rowHeight - this.#scales.top;
    return new DOMRect(shown, top, width, this.rowHeight);
  }

  #findActive(): HTMLElement | undefined {
    const { row, column } = this.active;
    return this.#pool.find(({ place }) => place === row)?.cells[column];
  }

  /** The active cell alone can be reached by Tab. If it is out of sight, the scroller can. */
  #paintActive(): void {
    const { top, bottom, left, right } = this.range;
    const { row: activeRow, column: activeColumn } = this.active;
    for (const { place, cells } of this.#pool) {
      for (const [column, cell] of cells.entries()) {
        if (cell === undefined) continue;
        const isActive = place === activeRow && column === activeColumn;
        const tabIndex = isActive ? 0 : -1;
        if (cell.tabIndex !== tabIndex) cell.tabIndex = tabIndex;
        cell.classList.toggle('is-active', isActive);
        const isIn = place >= top && place <= bottom && column >= left && column <= right;
        cell.classList.toggle('is-selected', isIn && (this.#anchor !== null || this.#isWhole));
      }
    }
    this.#viewport.tabIndex = this.#findActive() === undefined ? 0 : -1;
  }

  #findCell(target: EventTarget | null): { row: number; column: number } | null {
    const cell = target instanceof Element ? target.closest<HTMLElement>('.g-td') : null;
    const row = cell === null ? undefined : this.#pool.find(({ cells }) => cells.includes(cell));
    return row === undefined || cell === null ? null : { row: row.place, column: row.cells.indexOf(cell) };
  }

  #onMouseDown(event: MouseEvent): void {
    const start = this.#findCell(event.target);
    if (start === null || event.button !== 0) return;
    event.preventDefault();
    if (this.columns[start.column]?.isRowHead === true) {
      this.#host.pick(start.row, event.shiftKey);
      this.move(start.row, start.column);
      return;
    }
    this.move(start.row, start.column, { extend: event.shiftKey });
    const drag = (to: MouseEvent): void => {
      const place = this.#findCell(document.elementFromPoint(to.clientX, to.clientY));
      const { row, column } = this.active;
      if (place !== null && (place.row !== row || place.column !== column))
        this.move(place.row, place.column, { extend: true });
    };
    addEventListener('mousemove', drag);
    addEventListener('mouseup', () => removeEventListener('mousemove', drag), { once: true });
    if (!event.shiftKey) this.#host.onOpen(start.row, start.column);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target instanceof Element && event.target.closest('input, textarea') !== null) return;
    if (this.#host.onKey(event)) {
      event.preventDefault();
      return;
    }
    // Alt + arrow is Back and Forward of the browser.
    const to = event.altKey ? null : this.#findTarget(event);
    if (to !== null) {
      event.preventDefault();
      this.move(to.row, to.column, { extend: event.shiftKey });
      return;
    }
    const { row, column } = this.active;
    const act = this.#findAct(event);
    if (act === null && !isTextKey(event)) return;
    // A held key acts once. What it types goes into the editor that it opened.
    const isTyped = !event.repeat && (act === null ? this.#host.onEdit(row, column, 'key') : act());
    if (isTyped !== true || act !== null) event.preventDefault();
  }

  #findAct(event: KeyboardEvent): (() => unknown) | null {
    const { row, column } = this.active;
    if (event.altKey || event.metaKey) return null;
    switch (event.key) {
      case 'Enter':
        return () => this.#host.onOpen(row, column);
      case 'F2':
        return () => this.#host.onEdit(row, column, 'value');
      case 'Delete':
      case 'Backspace':
        return () => this.#host.onEdit(row, column, { text: '' });
      case ' ':
        return () => (event.ctrlKey ? this.selectColumns() : this.#host.pick(row, event.shiftKey));
      default:
        return null;
    }
  }

  /** Puts a pasted value into the editor, where it can be looked at before it is kept. */
  #onPaste(event: ClipboardEvent): void {
    if (event.target instanceof Element && event.target.closest('input, textarea') !== null) return;
    const pasted = event.clipboardData?.getData('text/plain') ?? '';
    if (pasted === '') return;
    event.preventDefault();
    const text = readPasted(pasted);
    const { row, column } = this.active;
    if (text === null) this.#host.onPasteTable();
    else this.#host.onEdit(row, column, { text });
  }

  #findTarget(event: KeyboardEvent): { row: number; column: number } | null {
    const { row, column } = this.active;
    const isFar = event.ctrlKey || event.metaKey;
    const lastRow = this.#host.countRows() - 1;
    const lastColumn = this.columns.length - 1;
    const page = Math.max(1, Math.floor(this.#scales.view / this.rowHeight) - 1);
    switch (event.key) {
      case 'ArrowDown':
        return { row: isFar ? lastRow : row + 1, column };
      case 'ArrowUp':
        return { row: isFar ? 0 : row - 1, column };
      case 'ArrowRight':
        return { row, column: isFar ? lastColumn : column + 1 };
      case 'ArrowLeft':
        return { row, column: isFar ? 0 : column - 1 };
      case 'PageDown':
        return { row: row + page, column };
      case 'PageUp':
        return { row: row - page, column };
      case 'Home':
        return { row: isFar ? 0 : row, column: 0 };
      case 'End':
        return { row: isFar ? lastRow : row, column: lastColumn };
      default:
        return null;
    }
  }
}

function quoteCell(text: string): string {
  return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function createDiv(className: string): HTMLDivElement {
  const element = document.createElement('div');
  element.className = className;
  return element;
}

export function setAttributes(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
