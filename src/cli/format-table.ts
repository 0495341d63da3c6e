import type { JsonValue } from '../model/json.js';
import { clipText } from './clip-text.js';
import { measureWidth } from './text-width.js';

const INDENT = '  ';
const GAP = '  ';
/** A narrower column says nothing. */
const MIN_WIDTH = 6;

/** Formats cells as aligned columns that fit `width` terminal columns. The widest columns are cut first. */
export function formatTable(rows: readonly (readonly string[])[], width: number): string[] {
  const flat = rows.map((cells) => cells.map((cell) => cell.replace(/\s+/g, ' ').trim()));
  const count = Math.max(0, ...flat.map((cells) => cells.length));
  const widths = Array.from({ length: count }, (_, index) =>
    Math.max(...flat.map((cells) => measureWidth(cells[index] ?? ''))),
  );
  fitWidths(widths, width - INDENT.length - GAP.length * (count - 1));
  return flat.map((cells) => {
    const padded = widths.map((columns, index) => {
      const text = clipText(cells[index] ?? '', columns);
      return text + ' '.repeat(Math.max(0, columns - measureWidth(text)));
    });
    return `${INDENT}${padded.join(GAP)}`.trimEnd();
  });
}

/** Lowers the widest entries until they add up to at most `available`. */
function fitWidths(widths: number[], available: number): void {
  let excess = widths.reduce((sum, columns) => sum + columns, 0) - available;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= MIN_WIDTH) return;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
}

/** The text of a cell; empty for a value that is missing. */
export function showCell(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
