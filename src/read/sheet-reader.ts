import type { SheetLine } from '../model/shape.js';
import type { InputLimits } from './limits.js';
import type { Notebook } from './notebook.js';
import { SheetRow } from './sheet-row.js';
import { isTrue, type Sheet, type Workbook } from './workbook.js';
import { readXml, type XmlHandler } from './xml-reader.js';

/** How to say what was seen in a sheet beside its values. */
export const SHEET_NOTES = {
  BLANK_LINE: ['Blank rows', 'They are left out.'],
  FORMULAS: [
    'Rows with formulas',
    'Their values are taken as they were computed last, and written as values.',
  ],
  FORMULA_WITHOUT_VALUE: [
    'Rows with a formula that was never computed',
    'Its cell counts as empty: open the workbook in a spreadsheet program and save it.',
  ],
  HIDDEN_ROWS: ['Rows that are hidden', 'They are read like all others.'],
  MERGED_CELLS: ['Places where cells are merged', 'Only the first of such cells has the value.'],
} as const;

const CHUNK_ROWS = 1_000;
/** Rows with a lone cell far to the right are long: fewer of them go into a chunk. */
const CHUNK_CELLS = 200_000;

/** Reads the rows of a sheet that have something in them, each as far as its last value. */
export async function* readSheetLines(
  workbook: Workbook,
  sheet: Sheet,
  limits: InputLimits,
  notebook: Notebook,
  signal?: AbortSignal,
): AsyncGenerator<readonly SheetLine[]> {
  const { archive } = workbook;
  const row = new SheetRow(workbook, limits);
  const chunks = new LineChunks();
  const takeRow = () => {
    const line = row.close(notebook);
    if (line !== null) chunks.add(line);
  };
  const openBytes = () => archive.openPart(sheet.path, signal);
  const handler = createHandler(row, takeRow, notebook);
  for await (const _ of readXml({ name: archive.name, path: sheet.path, openBytes }, handler)) {
    yield* chunks.takeFull();
  }
  yield* chunks.takeAll();
}

/** Rows in portions: a piece of the sheet may hold many. */
class LineChunks {
  #full: (readonly SheetLine[])[] = [];
  #open: SheetLine[] = [];
  #cellCount = 0;

  add(line: SheetLine): void {
    this.#open.push(line);
    this.#cellCount += line.cells.length;
    if (this.#open.length >= CHUNK_ROWS || this.#cellCount >= CHUNK_CELLS) this.#close();
  }

  takeFull(): readonly (readonly SheetLine[])[] {
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    return full;
  }

  takeAll(): readonly (readonly SheetLine[])[] {
    if (this.#open.length > 0) this.#close();
    return this.takeFull();
  }

  #close(): void {
    this.#full.push(this.#open);
    this.#open = [];
    this.#cellCount = 0;
  }
}

function createHandler(row: SheetRow, takeRow: () => void, notebook: Notebook): XmlHandler {
  let isText = false;
  // How the characters are pronounced, which is no part of the text.
  let isPhonetic = false;
  return {
    open(name, attributes) {
      if (name === 'c') row.openCell(attributes);
      else if (name === 'v' || name === 't') isText = !isPhonetic;
      else if (name === 'row') row.open(attributes.r, isTrue(attributes.hidden));
      else if (name === 'f') row.noteFormula();
      else if (name === 'rPh') isPhonetic = true;
      else if (name === 'mergeCell') notebook.add('MERGED_CELLS', readFirstLine(attributes.ref));
    },
    text(text) {
      if (isText) row.addText(text);
    },
    close(name) {
      if (name === 'v' || name === 't') isText = false;
      else if (name === 'c') row.closeCell();
      else if (name === 'row') takeRow();
      else if (name === 'rPh') isPhonetic = false;
    },
  };
}

/** The line of the first cell of a range such as `A2:B3`. */
function readFirstLine(range = ''): number {
  return Number(/\d+/.exec(range)?.[0] ?? 0);
}
