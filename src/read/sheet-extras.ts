import { type CellRange, parseRange } from '../model/workbook-file.js';
import type { InputLimits } from './input.js';
import { readLinks } from './part-links.js';
import type { Sheet, Workbook } from './workbook.js';
import { readElements, readXml, type XmlHandler } from './zip-archive.js';

/** Cells that are merged down a column: they all have the value of the first. */
export interface MergedColumn {
  readonly column: number;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Ranges of columns that are merged, by their first line. */
export type MergedAcross = ReadonlyMap<number, readonly Pick<CellRange, 'firstColumn' | 'lastColumn'>[]>;

/** What a sheet says after its rows. */
export interface SheetExtras {
  /** By their first line. */
  readonly mergedColumns: readonly MergedColumn[];
  /** Cells that are merged across columns, by their first line. */
  readonly mergedAcross: MergedAcross;
  /** Addresses of links to other places than this workbook, by line and column. */
  readonly links: ReadonlyMap<number, ReadonlyMap<number, string>>;
  readonly tables: readonly ExcelTable[];
}

/** A range that Excel calls a table. */
export interface ExcelTable {
  /** Path of its part, in lowercase. */
  readonly path: string;
  readonly name: string;
  /** Its cells, with its header and its totals. */
  readonly range: CellRange;
  /** Number of rows with totals, at its end. */
  readonly totalsCount: number;
}

/** Excel's own limit is lower. */
const MAX_ENTRIES = 200_000;

/** Reads what follows the rows of a sheet, without parsing the rows. */
export async function readSheetExtras(
  workbook: Workbook,
  sheet: Sheet,
  limits: InputLimits,
): Promise<SheetExtras> {
  const { archive } = workbook;
  const targets = new Map((await readLinks(archive, sheet.path)).map((link) => [link.id, link]));
  const mergedColumns: MergedColumn[] = [];
  const mergedAcross = new Map<number, CellRange[]>();
  const links = new Map<number, Map<number, string>>();
  const tables: string[] = [];
  let count = 0;
  const addLink = (line: number, column: number, address: string): void => {
    count += 1;
    const inLine = links.get(line) ?? new Map<number, string>();
    if (count <= MAX_ENTRIES) links.set(line, inLine.set(column, address));
  };
  const handler: XmlHandler = {
    open(name, attributes) {
      const range = parseRange(attributes.ref);
      const id =
        attributes['r:id'] ?? Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1] ?? '';
      if (name === 'tablePart') {
        const part = targets.get(id);
        if (part !== undefined) tables.push(part.path);
      }
      if (range === null) return;
      const { firstLine, lastLine, firstColumn, lastColumn } = range;
      if (name === 'mergeCell') {
        const inLine = mergedAcross.get(firstLine) ?? [];
        if (lastColumn > firstColumn && inLine.push(range) <= limits.maxColumns)
          mergedAcross.set(firstLine, inLine);
        if (lastLine > firstLine && firstColumn < limits.maxColumns && mergedColumns.length < MAX_ENTRIES)
          mergedColumns.push({ column: firstColumn, firstLine, lastLine });
      } else if (name === 'hyperlink') {
        const address = targets.get(id)?.address;
        if (address === undefined) return;
        for (let line = firstLine; line <= lastLine && count < MAX_ENTRIES; line += 1)
          for (let column = firstColumn; column <= lastColumn && count < MAX_ENTRIES; column += 1)
            addLink(line, column, address);
      }
    },
    close() {},
    text() {},
  };
  const openBytes = () => openTail(archive.openPart(sheet.path));
  for await (const _ of readXml({ name: archive.name, path: sheet.path, openBytes }, handler));
  mergedColumns.sort((a, b) => a.firstLine - b.firstLine);
  return { mergedColumns, mergedAcross, links, tables: await readTables(workbook, tables) };
}

/** The bytes after the rows, inside a root element of their own; all bytes of a part that is not UTF-8. */
async function* openTail(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  let state: 'first' | 'rows' | 'tail' = 'first';
  let prefix = '';
  for await (const piece of pieces) {
    if (state === 'first') {
      const isWide = piece[0] === 0xff || piece[0] === 0xfe;
      state = isWide ? 'tail' : 'rows';
    }
    if (state === 'tail') {
      yield piece;
      continue;
    }
    const bytes = Buffer.concat([rest, piece]);
    const end = findRowsEnd(bytes);
    if (end === null) {
      rest = bytes.subarray(Math.max(0, bytes.length - MAX_TAG_BYTES));
      continue;
    }
    ({ prefix } = end);
    state = 'tail';
    yield Buffer.from(`<${prefix}worksheet>`);
    yield bytes.subarray(end.at);
  }
  // Without rows there is nothing to read.
  if (state !== 'tail') yield Buffer.from('<worksheet/>');
}

const MAX_TAG_BYTES = 100;
const ROWS_END = /<(?:\/((?:[\w.-]+:)?)sheetData\s*|((?:[\w.-]+:)?)sheetData[^<>]*\/)>/;

function findRowsEnd(bytes: Buffer): { readonly at: number; readonly prefix: string } | null {
  for (let at = bytes.indexOf('sheetData'); at >= 0; at = bytes.indexOf('sheetData', at + 1)) {
    const start = Math.max(0, at - 50);
    const text = bytes.toString('latin1', start, at + MAX_TAG_BYTES);
    const found = ROWS_END.exec(text);
    if (found !== null)
      return { at: start + found.index + found[0].length, prefix: found[1] ?? found[2] ?? '' };
  }
  return null;
}

async function readTables({ archive }: Workbook, paths: readonly string[]): Promise<ExcelTable[]> {
  const tables: ExcelTable[] = [];
  for (const path of paths) {
    const open: XmlHandler['open'] = (name, { ref, displayName = '', totalsRowCount = '0' }) => {
      const range = parseRange(ref);
      if (name !== 'table' || range === null) return;
      const totalsCount = Math.min(Number(totalsRowCount), MAX_TOTALS);
      tables.push({ path, name: displayName, range, totalsCount });
    };
    await readElements(archive, path, { open });
  }
  return tables;
}

const MAX_TOTALS = 10;
