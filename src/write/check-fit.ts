import { createUsageError } from '../errors.js';
import type { Row } from '../model/row.js';
import { hasHeader } from '../model/shape.js';
import { createCellLayout, formatInput } from './fill-cells.js';
import type { OutputOptions } from './output.js';
import { resolveFormat } from './resolve-format.js';
import { MAX_CELL_LENGTH } from './sheet-text.js';

const MAX_COLUMNS = 16_384;
const MAX_ROWS = 1_048_576;
const HINT = 'Write CSV instead: give --output a name that ends in .csv.';

/** What of an output has to be known to say whether it fits. */
export type FitOptions = Pick<OutputOptions, 'path' | 'format' | 'shape' | 'columns' | 'fields' | 'schema'>;

/**
 * Tells whether rows fit into a workbook, before anything is spent; null for an output without such limits. Throws at once
 * where the columns are too many already.
 */
export function createFitCheck(options: FitOptions): ((rows: readonly Row[]) => void) | null {
  if (resolveFormat(options) !== 'xlsx') return null;
  const { shape } = options;
  const { titles, inputWidth } = createCellLayout({ ...options, overwrite: false, raw: true });
  checkWidth(titles.length, 'the output');
  const firstRow = (shape.sheet?.firstLine ?? 1) + (hasHeader(shape) ? 1 : 0);
  return (rows) => {
    for (const row of rows) {
      if (firstRow + row.ordinal > MAX_ROWS) throw refuseRows();
      if (row.kind === 'cells') checkWidth(titles.length + row.cells.length - inputWidth, `line ${row.line}`);
      for (const text of listTexts(row)) if (text.length > MAX_CELL_LENGTH) throw refuseCell(row, text);
    }
  };
}

function checkWidth(width: number, what: string): void {
  if (width <= MAX_COLUMNS) return;
  throw createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `${what} would have ${width} columns, and a sheet of Excel has ${MAX_COLUMNS}`,
    HINT,
  );
}

function refuseRows() {
  return createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `the input has more rows than the ${MAX_ROWS} of a sheet of Excel`,
    HINT,
  );
}

function listTexts(row: Row): readonly string[] {
  if (row.kind === 'cells') return row.cells;
  if (row.kind === 'faulty') return [];
  return Object.values(row.object).map(formatInput);
}

function refuseCell({ line }: Row, text: string) {
  return createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `line ${line} has a cell of ${text.length} characters, and a cell of Excel holds ${MAX_CELL_LENGTH}`,
    HINT,
  );
}
