/** The file of a workbook, for an output that is the same file with more cells. */
export interface WorkbookFile {
  /** Name for errors. */
  readonly name: string;
  /** Names of the parts as written in the file, by their path in lowercase. */
  readonly parts: ReadonlyMap<string, string>;
  /** Paths of parts that are in the file more than once; the last one counts. */
  readonly doubled: ReadonlySet<string>;
  /** Path of the part that lists the sheets, in lowercase. */
  readonly workbookPath: string;
  /** Path of the part with the sheet that was read, in lowercase. */
  readonly sheetPath: string;
  /** Position of that sheet in the workbook's list, from 0. */
  readonly sheetAt: number;
  /** Reads a part, decompressed. Throws if the file was changed since it was opened. */
  openPart(path: string): AsyncIterable<Uint8Array>;
  /** Opens the bytes of the zip file itself. */
  openBytes(): Promise<FileBytes>;
}

/** Random access to the bytes of a file. */
export interface FileBytes {
  readonly size: number;
  /** Reads up to `length` bytes; fewer at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Path of the part with the relationships of another part; `''` is the workbook file itself. */
export function resolveLinksPath(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}_rels/${path.slice(slash)}.rels`;
}

/** Resolves a path relative to a part, or to the root if it starts with a slash. In lowercase. */
export function resolvePart(from: string, target: string): string {
  const parts = target.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of target.replaceAll('\\', '/').split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/').toLowerCase();
}

const LETTERS: string[] = [];

/** `A` for 0. */
export function formatColumn(column: number): string {
  LETTERS[column] ??= spellColumn(column);
  return LETTERS[column];
}

function spellColumn(column: number): string {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : spellColumn(Math.floor(column / 26) - 1) + last;
}

/** `A1` → 0, `B` → 1; NaN or a negative number if it does not start with a column. */
export function parseColumn(place: string): number {
  let column = 0;
  for (let at = 0; at < place.length; at += 1) {
    const code = place.charCodeAt(at) & ~0x20;
    if (code < 65 || code > 90) return at === 0 ? Number.NaN : column - 1;
    column = column * 26 + (code - 64);
  }
  return column - 1;
}

/** Cells from a first to a last column and line; columns count from 0, lines from 1. */
export interface CellRange {
  readonly firstColumn: number;
  readonly firstLine: number;
  readonly lastColumn: number;
  readonly lastLine: number;
}

/** `A2:B3` or `$A$2`; null if it is not a range of cells. */
export function parseRange(text = ''): CellRange | null {
  const found = /^\$?([a-z]{1,3})\$?(\d{1,7})(?::\$?([a-z]{1,3})\$?(\d{1,7}))?$/i.exec(text);
  if (found === null) return null;
  const [, column = '', line = '', otherColumn = column, otherLine = line] = found;
  return {
    firstLine: Number(line),
    lastLine: Number(otherLine),
    firstColumn: parseColumn(column),
    lastColumn: parseColumn(otherColumn),
  };
}

/** `A2:B3`. */
export function formatRange({ firstColumn, firstLine, lastColumn, lastLine }: CellRange): string {
  return `${formatColumn(firstColumn)}${firstLine}:${formatColumn(lastColumn)}${lastLine}`;
}
