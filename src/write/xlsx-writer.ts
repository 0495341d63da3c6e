import { hasHeader, type SheetShape } from '../model/shape.js';
import type { ByteSink } from './byte-sink.js';
import { createCellLayout } from './fill-cells.js';
import type { Output, OutputOptions } from './output.js';
import { createSheetCells } from './sheet-cells.js';
import { SheetStyles } from './sheet-styles.js';
import { MAX_CELL_LENGTH } from './sheet-text.js';
import { formatHeader, formatRow, formatSheetHead, SHEET_TAIL } from './sheet-xml.js';
import { createWorkbookParts, SHEET_PATH, STYLES_PATH } from './workbook-parts.js';
import { openZipSink, type ZipPart } from './zip-sink.js';

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** Writes an Excel workbook with one sheet, as a stream. */
export function openXlsxOutput(options: OutputOptions, sink: ByteSink): Output {
  const { sheet } = options.shape;
  const zip = openZipSink(sink);
  const styles = new SheetStyles();
  // A cell of text is never run as a formula: there is nothing to defuse.
  const layout = createCellLayout({ ...options, raw: true });
  const readCells = createSheetCells(layout, options.columns);
  const headerLine = hasHeader(options.shape) ? (sheet?.firstLine ?? 1) : null;
  let line = headerLine ?? (sheet?.firstLine ?? 1) - 1;
  const clippedLines: number[] = [];
  let part: ZipPart | null = null;
  // Nothing is sent before there is a row, or the end.
  const openSheet = async (): Promise<ZipPart> => {
    for (const [path, text] of createWorkbookParts(sheet)) await zip.addPart(path, XML + text);
    part = zip.openPart(SHEET_PATH);
    const header = headerLine === null ? '' : formatHeader(layout.titles, headerLine);
    await part.write(XML + formatSheetHead(headerLine) + formatAbove(sheet, styles) + header);
    return part;
  };
  return {
    write: async (rows) => {
      if (rows.length === 0) return;
      const open = part ?? (await openSheet());
      let text = '';
      for (const row of rows) {
        line += 1;
        const cells = readCells(row);
        if (cells.some((cell) => cell.text.length > MAX_CELL_LENGTH)) clippedLines.push(line);
        text += formatRow(cells, line, styles);
      }
      await open.write(text);
    },
    commit: async () => {
      const open = part ?? (await openSheet());
      await open.write(SHEET_TAIL);
      await open.close();
      await zip.addPart(STYLES_PATH, XML + styles.format());
      await zip.close();
      const digest = await sink.commit();
      if (clippedLines.length > 0) options.onNote?.(describeClipped(clippedLines));
      return digest;
    },
    abort: async () => {
      await part?.abort();
      await sink.abort();
    },
  };
}

function describeClipped(lines: readonly number[]) {
  const message = `Cells that were longer than the ${MAX_CELL_LENGTH} characters of a cell of Excel, in ${lines.length} of the rows (first in row ${lines[0]} of the output), end in …; an output in CSV has them whole.`;
  return { code: 'CELLS_CLIPPED', message };
}

function formatAbove(sheet: SheetShape | undefined, styles: SheetStyles): string {
  const rows = (sheet?.above ?? []).map(({ line, cells, stored }) => {
    const above = cells.map((text, at) => ({ text, stored: stored[at] ?? null }));
    return formatRow(above, line, styles);
  });
  return rows.join('');
}
