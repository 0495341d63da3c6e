import type { GridColumn, GridHost } from './grid-host.js';

/** The element of one visible row, with the cells of the visible columns. */
export class GridRow<Row> {
  readonly element = document.createElement('div');
  readonly cells: (HTMLElement | undefined)[] = [];
  /** Place in the view of the row that it shows; -1 for none. */
  place = -1;
  /** What it looks like; '' to paint it anew. */
  stamp = '';
  readonly #host: GridHost<Row>;
  readonly #frozen = document.createElement('div');
  #y = -1;

  constructor(host: GridHost<Row>) {
    this.#host = host;
    this.element.className = 'g-row';
    this.element.setAttribute('role', 'row');
    this.#frozen.className = 'g-frozen';
    this.#frozen.setAttribute('role', 'presentation');
    this.element.append(this.#frozen);
  }

  hide(): void {
    this.element.hidden = true;
    this.place = -1;
    this.stamp = '';
  }

  /** Shows a row at a height, with the columns `shown` beside the frozen ones. */
  show(
    place: number,
    y: number,
    columns: readonly GridColumn[],
    shown: { readonly from: number; readonly to: number },
    isMoved: boolean,
  ): void {
    const { element } = this;
    element.hidden = false;
    if (this.#y !== y) {
      this.#y = y;
      element.style.transform = `translateY(${y}px)`;
    }
    const row = this.#host.findRow(place);
    const isPicked = this.#host.isPicked(place);
    const stamp = `${place} ${isPicked} ${row === undefined ? '' : this.#host.stamp(row)}`;
    const isSame = this.stamp === stamp && this.place === place;
    if (isSame && !isMoved) return;
    if (this.place !== place) {
      this.place = place;
      element.setAttribute('aria-rowindex', String(place + 2));
    }
    this.stamp = stamp;
    element.classList.toggle('is-picked', isPicked);
    element.setAttribute('aria-selected', String(isPicked));
    for (const [index, column] of columns.entries()) {
      const isWanted = column.isFrozen === true || (index >= shown.from && index < shown.to);
      const known = this.cells[index];
      if (!isWanted) {
        known?.remove();
        this.cells[index] = undefined;
        continue;
      }
      const cell = known ?? this.#addCell(column, index);
      if (known !== undefined && isSame) continue;
      cell.className = `g-td gc${index}`;
      this.#host.paintCell(cell, index, row);
    }
  }

  #addCell(column: GridColumn, index: number): HTMLElement {
    const cell = document.createElement('div');
    cell.setAttribute('role', column.isRowHead === true ? 'rowheader' : 'gridcell');
    cell.setAttribute('aria-colindex', String(index + 1));
    cell.tabIndex = -1;
    // In the order of the columns, which is the order in which they are read out.
    const next =
      column.isFrozen === true ? null : this.cells.slice(index + 1).find((each) => each !== undefined);
    if (column.isFrozen === true) this.#frozen.append(cell);
    else this.element.insertBefore(cell, next ?? null);
    this.cells[index] = cell;
    return cell;
  }
}
