import { type NumberKind, readNumberKind } from '../model/number-format.js';
import type { StoredCell } from '../model/row.js';
import type { Workbook } from './workbook.js';

/** What a sheet says of a cell. */
export interface RawCell {
  /** Its type: `s` for a shared text, `n` for a number, … */
  readonly type: string;
  /** The number of its style. */
  readonly style: number;
  readonly value: string;
}

/** A cell as its text, and as what it is beside that; null for a text. */
export interface ReadCell {
  readonly text: string;
  readonly stored: StoredCell | null;
}

/** How the cells of a workbook become text: numbers in their shortest exact form, dates as ISO has them. */
export function createCellReader({ texts, formats, date1904 }: Workbook): (cell: RawCell) => ReadCell {
  const kinds = formats.map((format) => (format === null ? 'number' : readNumberKind(format)));
  return ({ type, style, value }) => {
    switch (type) {
      case 's':
        // Without a number it is blank; read as one, it would be the first text of the workbook.
        return value.trim() === ''
          ? BLANK
          : { text: unescapeText(texts.read(Number(value)) ?? ''), stored: null };
      case 'str':
      case 'inlineStr':
        return { text: unescapeText(value), stored: null };
      case 'b': {
        const text = value === '1' || value === 'true' ? 'TRUE' : 'FALSE';
        return value === '' ? BLANK : { text, stored: { kind: 'boolean', raw: value, format: null } };
      }
      case 'e':
        return value === '' ? BLANK : { text: value, stored: { kind: 'error', raw: value, format: null } };
      case 'd':
        return { text: value, stored: null };
      default: {
        const number = value.trim();
        if (!NUMBER.test(number) || !Number.isFinite(Number(number))) return { text: value, stored: null };
        const format = formats[style] ?? null;
        const text = formatNumber(number, format, kinds[style] ?? 'number', date1904);
        return { text, stored: { kind: 'number', raw: number, format } };
      }
    }
  };
}

// A number as XML schemas write it; JavaScript would take more for one.
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

const BLANK: ReadCell = { text: '', stored: null };

/** Characters that XML cannot hold stand as `_x0001_` in a workbook, and what looks like one as `_x005F_x0001_`. */
function unescapeText(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([\da-f]{4})_/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function formatNumber(raw: string, format: string | null, kind: NumberKind, date1904: boolean): string {
  const value = Number(raw);
  const text = kind === 'number' ? null : formatMoment(value, kind, date1904);
  if (text !== null) return text;
  // A whole number may have more digits than a JavaScript number keeps.
  const plain = /^-?(?:0|[1-9]\d*)$/.test(raw) ? raw : String(value);
  const hasZeros = format !== null && /^0{2,}$/.test(format) && /^\d+$/.test(plain);
  return hasZeros ? plain.padStart(format.length, '0') : plain;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** The last day of the year 9999, the last that has a number. */
const MAX_DAY = 2_958_465;

/** Null for a number that is no moment, though its format says so. */
function formatMoment(value: number, kind: NumberKind, date1904: boolean): string | null {
  if (value < 0 || value > MAX_DAY + 1) return null;
  const totalMs = Math.round(value * DAY_MS);
  if (kind === 'duration') return formatTime(totalMs);
  const day = Math.floor(totalMs / DAY_MS);
  const time = formatTime(totalMs % DAY_MS);
  if (day === 0 && !date1904) return kind === 'date' ? null : time;
  if (day === 0 && kind === 'time') return time;
  const date = date1904 ? formatDay(Date.UTC(1904, 0, 1), day) : formatDay1900(day);
  return kind === 'date' && totalMs % DAY_MS === 0 ? date : `${date}T${time}`;
}

/** Excel counts a 29th of February 1900, which never was. */
function formatDay1900(day: number): string {
  if (day === 60) return '1900-02-29';
  return formatDay(Date.UTC(1899, 11, day < 60 ? 31 : 30), day);
}

function formatDay(firstMs: number, day: number): string {
  return new Date(firstMs + day * DAY_MS).toISOString().slice(0, 10);
}

function formatTime(lengthMs: number): string {
  const seconds = Math.floor(lengthMs / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const time = parts.map((part) => String(part).padStart(2, '0')).join(':');
  const restMs = lengthMs % 1_000;
  return restMs === 0 ? time : `${time}.${String(restMs).padStart(3, '0')}`;
}
