import type { SheetLine } from '../model/shape.js';

/** How many of the first rows of a sheet it takes to find its header. */
export const HEADER_SEARCH_LINES = 20;

/**
 * The header among the first rows of a sheet: the first row with a value in more than half as many cells as the fullest
 * of them. What stands above it, such as a title or a date, fills fewer.
 */
export function findHeader(lines: readonly SheetLine[]): number {
  const counts = lines.slice(0, HEADER_SEARCH_LINES).map(countValues);
  const most = Math.max(...counts);
  return Math.max(
    0,
    counts.findIndex((count) => count > most / 2),
  );
}

function countValues({ cells }: SheetLine): number {
  return cells.filter((cell) => cell.trim() !== '').length;
}
