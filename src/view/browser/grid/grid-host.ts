/** A column of the grid. */
export interface GridColumn {
  readonly key: string;
  readonly title: string;
  width: number;
  readonly isFrozen?: boolean;
  readonly isNumber?: boolean;
  /** The row number: it heads its row, and a click on it selects the row. */
  readonly isRowHead?: boolean;
}

/** How an edit starts: with the whole value, with nothing but the key that is being typed, or with a text. */
export type EditStart = 'value' | 'key' | { readonly text: string };

/** What the grid shows, and who is told what happens in it. Rows are known by their place in the view. */
export interface GridHost<Row> {
  /** Name of the table for screen readers. */
  readonly label: string;
  countRows(): number;
  /** The row at a place; undefined if it is not here yet. */
  findRow(place: number): Row | undefined;
  /** Called with the visible places after each painting. */
  want(from: number, to: number): void;
  /** A text that changes whenever the row looks different. */
  stamp(row: Row): string;
  paintHead(head: HTMLElement, column: number): void;
  paintCell(cell: HTMLElement, column: number, row: Row | undefined): void;
  /** The text of a cell, as it is copied. */
  copyCell(column: number, row: Row): string;
  isPicked(place: number): boolean;
  pick(place: number, isRange: boolean): void;
  onMove(): void;
  onOpen(place: number, column: number): void;
  /** Returns true if a text field for the cell has the focus now. */
  onEdit(place: number, column: number, start: EditStart): boolean;
  /** Several cells were pasted. */
  onPasteTable(): void;
  onSort(column: number): void;
  /** A key that the grid does not know. Returns true if it is handled. */
  onKey(event: KeyboardEvent): boolean;
}

/** Cells from one corner to another, both included. */
export interface CellRange {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}
