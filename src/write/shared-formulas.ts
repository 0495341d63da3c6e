import { type CellRange, formatColumn, parseColumn, parseRange } from '../model/workbook-file.js';
import { listCells } from './sheet-rows.js';
import { fromRaw, type RawXml, toRaw } from './sheet-stream.js';
import { decodeEntities, readAttributes } from './xml-text.js';

/** A formula that other cells share, whose own cell was replaced. */
interface LostFormula {
  readonly text: string;
  readonly column: number;
  readonly line: number;
  readonly range: CellRange;
}

const FORMULA = /<((?:[^\s<>/:]+:)?)f(\s[^>]*?)?(?:\/>|>([\s\S]*?)<\/\1f>)/;

/**
 * Gives cells their formula back if it was written only in a cell that was replaced: a sheet writes a formula that is
 * filled down only once, in its first cell.
 */
export class SharedFormulas {
  readonly #lost = new Map<string, LostFormula>();

  /** Takes note of a cell that is replaced. */
  drop(cell: RawXml, column: number, line: number): void {
    const [, , tag = '', text = ''] = FORMULA.exec(cell) ?? [];
    const { t: kind, ref, si } = readAttributes(tag);
    const range = parseRange(ref);
    if (kind !== 'shared' || si === undefined || range === null) return;
    this.#lost.set(si, { text: decodeEntities(fromRaw(text)), column, line, range });
  }

  /** Writes the formula into each cell of a row that shared it. */
  restore(row: RawXml, line: number, prefix: string): RawXml {
    if (this.#lost.size === 0 || !row.includes('shared')) return row;
    let out = '';
    let at = 0;
    for (const { column, start, end } of listCells(row, prefix)) {
      const cell = row.slice(start, end);
      const [whole, p = '', tag = '', text = ''] = FORMULA.exec(cell) ?? [];
      const { t: kind, si = '' } = readAttributes(tag);
      const lost = kind === 'shared' && text === '' ? this.#lost.get(si) : undefined;
      if (whole === undefined || lost === undefined) continue;
      const own = slideFormula(lost.text, column - lost.column, line - lost.line);
      out += row.slice(at, start) + cell.replace(whole, () => `<${p}f>${escapeFormula(own)}</${p}f>`);
      at = end;
    }
    for (const [si, { range }] of this.#lost) if (range.lastLine <= line) this.#lost.delete(si);
    return out + row.slice(at);
  }
}

function escapeFormula(text: string): RawXml {
  return toRaw(text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'));
}

// Texts, quoted sheet names and columns of tables are left alone, and so are names of functions and sheets.
const TOKEN =
  /"(?:[^"]|"")*"|'(?:[^']|'')*'|\[[^\]]*\]|(?<![\w.$\\])(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})(?![\w.(!\\])|(?<![\w.$\\])(\$?)([A-Za-z]{1,3}):(\$?)([A-Za-z]{1,3})(?![\w.(!\\])|(?<![\w.$:\\])(\$?)(\d{1,7}):(\$?)(\d{1,7})(?![\w.(!\\])/g;

const MAX_LINE = 1_048_576;
const MAX_COLUMN = 16_383;

/** Moves the references of a formula, as filling it into another cell does. `$A$1` stays. */
export function slideFormula(text: string, columns: number, lines: number): string {
  const slideColumn = (fixed: string, name: string): string | null => {
    const column = parseColumn(name) + (fixed === '$' ? 0 : columns);
    return column < 0 || column > MAX_COLUMN ? null : fixed + formatColumn(column);
  };
  const slideLine = (fixed: string, number: string): string | null => {
    const line = Number(number) + (fixed === '$' ? 0 : lines);
    return line < 1 || line > MAX_LINE ? null : fixed + String(line);
  };
  const join = (parts: readonly (string | null)[], between: string): string =>
    parts.includes(null) ? '#REF!' : parts.join(between);
  return text.replace(TOKEN, (whole: string, ...found: (string | undefined)[]) => {
    const [a = '', column, b = '', line, c = '', first, d = '', last, e = '', top, f = '', bottom] = found;
    if (column !== undefined && line !== undefined)
      return join([slideColumn(a, column), slideLine(b, line)], '');
    if (first !== undefined && last !== undefined)
      return join([slideColumn(c, first), slideColumn(d, last)], ':');
    if (top !== undefined && bottom !== undefined)
      return join([slideLine(e, top), slideLine(f, bottom)], ':');
    return whole;
  });
}
