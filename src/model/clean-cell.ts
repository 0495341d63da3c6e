import type { JsonValue } from './json.js';

/** The most text of one cell that is sent, in UTF-16 code units. */
export const MAX_CELL_LENGTH = 8_000;

/** C0 and C1 controls but tab and line breaks, and the invisible marks that reorder or hide text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A value as it may be sent: text is trimmed, stripped of control characters and cut; undefined for a blank one. */
export function cleanCell(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return cleanNested(value);
  if (typeof value !== 'string') return value;
  const text = value.replace(HIDDEN, '').trim();
  if (text === '') return undefined;
  return text.length <= MAX_CELL_LENGTH ? text : cutText(text);
}

/** What `cleanCell` does to a value that a person may want to know of; white space around it is nothing to speak of. */
export interface CellChange {
  /** Control characters or invisible marks were taken out. */
  readonly isCleaned: boolean;
  /** There is more of it than is sent. */
  readonly isCut: boolean;
}

const NO_CHANGE: CellChange = { isCleaned: false, isCut: false };

export function readCellChange(value: JsonValue | undefined): CellChange {
  if (typeof value === 'string') {
    const isCleaned = value.search(HIDDEN) >= 0;
    const isLong = value.length > MAX_CELL_LENGTH;
    return { isCleaned, isCut: isLong && value.replace(HIDDEN, '').trim().length > MAX_CELL_LENGTH };
  }
  if (typeof value !== 'object' || value === null) return NO_CHANGE;
  return Object.values(value)
    .map(readCellChange)
    .reduce(
      (all, one) => ({ isCleaned: all.isCleaned || one.isCleaned, isCut: all.isCut || one.isCut }),
      NO_CHANGE,
    );
}

/** Half a surrogate pair is no text, so the cut steps back over one. */
function cutText(text: string): string {
  const last = text.charCodeAt(MAX_CELL_LENGTH - 1);
  const isHighSurrogate = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHighSurrogate ? MAX_CELL_LENGTH - 1 : MAX_CELL_LENGTH);
}

function cleanNested(value: JsonValue): JsonValue {
  if (typeof value === 'string') return cleanCell(value) ?? '';
  if (Array.isArray(value)) return value.map(cleanNested);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleanNested(inner)]));
  }
  return value;
}
