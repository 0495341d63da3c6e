import { MAX_CELL_LENGTH, readCellChange } from '../model/clean-cell.js';
import { type Row, readValue } from '../model/row.js';
import { formatCount } from '../model/words.js';

export interface Note {
  readonly code: string;
  readonly message: string;
}

/** Counts the cells that are not sent as they stand, column by column. */
export class CellNotes {
  private readonly send: readonly string[];
  private readonly cut = new Map<string, number>();
  private readonly cleaned = new Map<string, number>();

  constructor(send: readonly string[]) {
    this.send = send;
  }

  /** Looks at rows that are asked. */
  count(rows: readonly Row[]): void {
    for (const row of rows) {
      for (const column of this.send) {
        const { isCut, isCleaned } = readCellChange(readValue(row, column));
        if (isCut) this.cut.set(column, (this.cut.get(column) ?? 0) + 1);
        if (isCleaned) this.cleaned.set(column, (this.cleaned.get(column) ?? 0) + 1);
      }
    }
  }

  list(): Note[] {
    const most = formatCount(MAX_CELL_LENGTH);
    return [
      ...[...this.cut].map(([column, count]) => ({
        code: 'CELLS_CUT',
        message: `${describe(count, column)} more than ${most} characters: only the first ${most} are sent`,
      })),
      ...[...this.cleaned].map(([column, count]) => ({
        code: 'CELLS_CLEANED',
        message: `${describe(count, column)} control characters or invisible marks, which are not sent`,
      })),
    ];
  }
}

function describe(count: number, column: string): string {
  return count === 1 ? `1 cell of ${column} holds` : `${formatCount(count)} cells of ${column} hold`;
}
