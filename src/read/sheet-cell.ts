import type { StoredCell } from '../model/row.js';
import { createNumberFormatter, type NumberFormatter, parseIsoMoment } from './number-format.js';
import type { Workbook } from './workbook.js';
import { createBrokenError } from './zip-archive.js';

/** A cell as stored in the XML. */
interface RawCell {
  /** Its type: `s` for a shared string, `n` for a number, … */
  readonly type: string;
  /** Its style index. */
  readonly style: number;
  readonly value: string;
  /** Index of its rich value, from 1; 0 if it has none. */
  readonly rich: number;
}

/** A cell's text and stored value; `stored` is null for text. */
interface ReadCell {
  readonly text: string;
  readonly stored: StoredCell | null;
}

const BLANK: ReadCell = { text: '', stored: null };
// A number in XML Schema format; JavaScript accepts more.
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * Creates the function that converts cells to text: numbers in their shortest exact form or as their format shows
 * them, dates in ISO format.
 */
export function createCellReader(workbook: Workbook): (cell: RawCell) => ReadCell {
  const { archive, texts, formats, date1904, richTexts } = workbook;
  const formatters = new Map<number, NumberFormatter>();
  const keptTexts = new KeptCells();
  const keptNumbers: (KeptCells | undefined)[] = [];
  const findFormatter = (style: number): NumberFormatter => {
    const known = formatters.get(style);
    if (known !== undefined) return known;
    const created = createNumberFormatter(formats[style] ?? null, date1904);
    formatters.set(style, created);
    return created;
  };
  const readNumber = (raw: string, style: number, number = Number(raw)): ReadCell => {
    const known = keptNumbers[style]?.find(number);
    if (known?.stored?.raw === raw) return known;
    const text = findFormatter(style)(raw);
    const cell: ReadCell = { text, stored: { kind: 'number', raw, format: formats[style] ?? null } };
    if (text === raw) return cell;
    keptNumbers[style] ??= new KeptCells();
    return keptNumbers[style].keep(number, cell);
  };
  const readDate = (value: string, style: number): ReadCell => {
    const moment = parseIsoMoment(value.trim(), date1904);
    if (moment === null) return { text: value, stored: null };
    if ((formats[style] ?? null) !== null) return readNumber(moment.raw, style);
    const text = createNumberFormatter(moment.format, date1904)(moment.raw);
    return { text, stored: { kind: 'number', raw: moment.raw, format: moment.format } };
  };
  return ({ type, style, value, rich }) => {
    switch (type) {
      case 's': {
        // Without an index the cell is blank; `Number('')` would give the first string.
        if (value.trim() === '') return BLANK;
        const index = Number(value);
        const known = keptTexts.find(index);
        if (known !== undefined) return known;
        const text = texts.read(index);
        if (text === undefined)
          throw createBrokenError(archive.name, `its shared text ${value.slice(0, 20)} is missing`);
        return keptTexts.keep(index, { text: unescapeText(text), stored: null });
      }
      case 'str':
      case 'inlineStr':
        return { text: unescapeText(value), stored: null };
      case 'b': {
        const word = value.trim().toLowerCase();
        if (!BOOLEANS.has(word)) return { text: value, stored: null };
        const isSet = word === '1' || word === 'true';
        const stored = { kind: 'boolean', raw: isSet ? '1' : '0', format: null } as const;
        return { text: isSet ? 'TRUE' : 'FALSE', stored };
      }
      case 'e': {
        const text = rich > 0 ? richTexts.get(rich) : undefined;
        if (text !== undefined) return { text, stored: null };
        return value === '' ? BLANK : { text: value, stored: { kind: 'error', raw: value, format: null } };
      }
      case 'd':
        return readDate(value, style);
      default: {
        const raw = value.trim();
        const number = NUMBER.test(raw) ? Number(raw) : Number.NaN;
        return Number.isFinite(number) ? readNumber(raw, style, number) : { text: value, stored: null };
      }
    }
  };
}

/** Keeps the cells that were read last, by a number: tables repeat texts and dates. */
class KeptCells {
  readonly #numbers = new Float64Array(KEPT_CELLS).fill(-1);
  readonly #cells: ReadCell[] = [];

  find(number: number): ReadCell | undefined {
    const at = number & (KEPT_CELLS - 1);
    return this.#numbers[at] === number ? this.#cells[at] : undefined;
  }

  keep(number: number, cell: ReadCell): ReadCell {
    if (!Number.isInteger(number) || cell.text.length > MAX_KEPT_LENGTH) return cell;
    const at = number & (KEPT_CELLS - 1);
    this.#numbers[at] = number;
    this.#cells[at] = cell;
    return cell;
  }
}

/** A power of two. */
const KEPT_CELLS = 4_096;
const MAX_KEPT_LENGTH = 256;

const BOOLEANS: ReadonlySet<string> = new Set(['0', '1', 'true', 'false']);

/**
 * Decodes `_x0001_`, which stands for a character that XML cannot represent (`_x005F_` escapes the pattern
 * itself).
 */
function unescapeText(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([\da-f]{4})_/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
