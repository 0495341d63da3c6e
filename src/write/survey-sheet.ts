import { type CellRange, parseRange } from '../model/workbook-file.js';
import { findLastColumn, hasFormula, listCells } from './sheet-rows.js';
import { type RawXml, readSheetPieces, type SheetPiece } from './sheet-stream.js';
import { listTags, readAttributes } from './xml-text.js';

/** What has to be known about a sheet before its first row is written. */
export interface SheetSurvey {
  /** Last column that holds something, from the header down; merged cells count. -1 if there is none. */
  readonly lastColumn: number;
  readonly hasFormulas: boolean;
  /** The columns of `columns` that have formulas. */
  readonly formulaColumns: ReadonlySet<number>;
  /** The most frequent style of each column in the first rows below the header. */
  readonly styles: ReadonlyMap<number, number>;
  /** Merged ranges with cells of `columns` below the header. */
  readonly merged: readonly CellRange[];
  /** Number of links. */
  readonly linkCount: number;
  /** Cells of `linkColumns` below the header that have a link. */
  readonly linked: ReadonlyMap<number, ReadonlySet<number>>;
  /** Id of the relationship with the boxes of its comments; null without one. */
  readonly drawingId: string | null;
}

const STYLED_ROWS = 200;
/** What follows the name of a formula's element. */
const FORMULA_ENDS = ['>', ' ', '/', '\n'];
const MAX_MERGED_COLUMN = 10_000;

/** Reads a sheet once. `columns` are those that may be filled, `linkColumns` those whose links are wanted. */
export async function surveySheet(
  bytes: AsyncIterable<Uint8Array>,
  headerLine: number,
  columns: readonly number[],
  linkColumns: ReadonlySet<number>,
): Promise<SheetSurvey> {
  const votes = new Map<number, Map<number, number>>();
  const formulaColumns = new Set<number>();
  const merged: CellRange[] = [];
  const linked = new Map<number, Set<number>>();
  let prefix = '';
  let lastColumn = -1;
  let hasFormulas = false;
  let rowCount = 0;
  let linkCount = 0;
  let drawingId: string | null = null;
  const addRow = (line: number, xml: RawXml): void => {
    const isWanted = !hasFormulas || formulaColumns.size < columns.length;
    const isFormula = isWanted && FORMULA_ENDS.some((end) => xml.includes(`<${prefix}f${end}`));
    hasFormulas ||= isFormula;
    if (line < headerLine) return;
    lastColumn = Math.max(lastColumn, findLastColumn(xml, prefix, true));
    const isStyled = line > headerLine && rowCount < STYLED_ROWS;
    const isOpen = isFormula && formulaColumns.size < columns.length;
    if (!isStyled && !isOpen) return;
    for (const { column, start, end, style } of listCells(xml, prefix)) {
      if (isStyled) addVote(votes, column, style);
      if (isOpen && columns.includes(column) && hasFormula(xml.slice(start, end))) formulaColumns.add(column);
    }
    if (isStyled) rowCount += 1;
  };
  const takePiece = (piece: SheetPiece): void => {
    if (piece.kind === 'head') prefix = piece.prefix;
    else if (piece.kind === 'rows') {
      for (const { line, xml } of piece.rows) if (line !== null) addRow(line, xml);
    } else {
      for (const { name, text } of listTags(piece.xml)) {
        if (name === 'hyperlink') {
          linkCount += 1;
          addLinked(linked, parseRange(readAttributes(text).ref), headerLine, linkColumns);
        }
        if (name === 'legacyDrawing') drawingId = findLinkId(text);
        if (name !== 'mergeCell') continue;
        const range = parseRange(readAttributes(text).ref);
        const isOpen = columns.some(
          (at) => at >= (range?.firstColumn ?? 0) && at <= (range?.lastColumn ?? -1),
        );
        if (range !== null && isOpen && range.lastLine > headerLine) merged.push(range);
        // Some merge a remark over the whole sheet.
        const isWhole = (range?.lastColumn ?? 0) > MAX_MERGED_COLUMN;
        if (range !== null && !isWhole && range.lastLine >= headerLine)
          lastColumn = Math.max(lastColumn, range.lastColumn);
      }
    }
  };
  for await (const piece of readSheetPieces(bytes)) takePiece(piece);
  const styles = new Map([...votes].map(([column, counts]) => [column, findMost(counts)]));
  return { lastColumn, hasFormulas, formulaColumns, styles, merged, linkCount, linked, drawingId };
}

/** Adds a linked cell. A link over several cells is not one of rowfill. */
function addLinked(
  linked: Map<number, Set<number>>,
  range: CellRange | null,
  headerLine: number,
  columns: ReadonlySet<number>,
): void {
  if (range === null || range.firstLine <= headerLine || !columns.has(range.firstColumn)) return;
  const { firstLine, lastLine, firstColumn, lastColumn } = range;
  if (lastLine > firstLine || lastColumn > firstColumn) return;
  const inLine = linked.get(firstLine) ?? new Set<number>();
  linked.set(firstLine, inLine.add(firstColumn));
}

function findLinkId(tag: string): string | null {
  return Object.entries(readAttributes(tag)).find(([name]) => /(?:^|:)id$/i.test(name))?.[1] ?? null;
}

function addVote(votes: Map<number, Map<number, number>>, column: number, style: number): void {
  const counts = votes.get(column) ?? new Map<number, number>();
  votes.set(column, counts.set(style, (counts.get(style) ?? 0) + 1));
}

function findMost(counts: ReadonlyMap<number, number>): number {
  let best = 0;
  let most = 0;
  for (const [style, count] of counts) {
    if (count <= most) continue;
    best = style;
    most = count;
  }
  return best;
}
