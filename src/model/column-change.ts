import type { JsonValue } from './json.js';
import { compareCell, foldText } from './same-value.js';

/** A change that a program makes to a whole column, as one cell shows it. */
export interface ColumnChange {
  readonly reason: ChangeReason;
  /**
   * The least and the most that the change can leave: decimals, or letters of a cut text. 0 for most others; null for one
   * that leaves other cells otherwise.
   */
  readonly left: Range | null;
  /** True for a text that nobody types. */
  readonly isNeverTyped: boolean;
}

type Range = readonly [least: number, most: number];

const NOTHING: Range = [0, 0];

type ChangeReason =
  | 'rounding'
  | 'capital letters'
  | 'small letters'
  | 'letter case'
  | 'letters of another encoding'
  | 'letters without their marks'
  | 'cut text'
  | 'white space';

/** What a change can take from a value. */
export interface Changeable {
  readonly reason: ChangeReason;
  /** It changes the value if less than this is left. */
  readonly size: number;
}

/** Names a change of a whole column, if it explains how a cell differs from its value. Null for any other change. */
export function explainChange(cell: JsonValue, value: JsonValue): ColumnChange | null {
  if (typeof value === 'number') {
    const decimals = findDecimals(String(cell), value);
    return decimals === null ? null : toChange('rounding', decimals);
  }
  if (typeof value !== 'string' || typeof cell !== 'string') return null;
  const [text, whole] = [foldText(cell), foldText(value)];
  if (text === whole.toUpperCase()) return toChange('capital letters', NOTHING);
  if (text === whole.toLowerCase()) return toChange('small letters', NOTHING);
  if (text.toLowerCase() === whole.toLowerCase()) return toChange('letter case', null);
  if (hasLostLetters(text, whole))
    return { ...toChange('letters of another encoding', NOTHING), isNeverTyped: /[^?]/.test(text) };
  if (isMisread(text, whole))
    return { ...toChange('letters of another encoding', NOTHING), isNeverTyped: true };
  if (isGarbled(text, whole)) return toChange('letters of another encoding', NOTHING);
  if (text === removeMarks(whole)) return toChange('letters without their marks', NOTHING);
  if (text.length >= 20 && whole.startsWith(text)) {
    // Blanks at the end do not count.
    const blanks = /^\s*/.exec(whole.slice(text.length))?.[0].length ?? 0;
    return toChange('cut text', [text.length, text.length + blanks]);
  }
  if (text.replace(/\s+/g, '') !== whole.replace(/\s+/g, '')) return null;
  return toChange('white space', text === joinBlanks(whole) ? NOTHING : null);
}

/** What programs could take from a value. */
export function listChangeable(value: JsonValue): readonly Changeable[] {
  if (typeof value === 'number') return [{ reason: 'rounding', size: countDecimals(value) }];
  if (typeof value !== 'string') return [];
  const found: Changeable[] = [{ reason: 'cut text', size: value.length }];
  if (value !== value.toUpperCase()) found.push({ reason: 'capital letters', size: 1 });
  if (value !== value.toLowerCase()) found.push({ reason: 'small letters', size: 1 });
  if (value !== joinBlanks(value)) found.push({ reason: 'white space', size: 1 });
  if (!isAscii(value)) found.push({ reason: 'letters without their marks', size: 1 });
  return found;
}

function toChange(reason: ChangeReason, left: Range | null): ColumnChange {
  return { reason, left, isNeverTyped: false };
}

/** The decimals to which a text may round a number: `3.3` has lost a zero if it is one of two. Null if it does not. */
function findDecimals(text: string, value: number): Range | null {
  const shown = /[.,](\d+)\D*$/.exec(text)?.[1]?.length ?? 0;
  const round = (decimals: number): number | undefined =>
    [Math.floor, Math.ceil]
      .map((toWhole) => Number(`${toWhole(Number(`${value}e${decimals}`))}e-${decimals}`))
      .find((rounded) => {
        const isNear = Math.abs(rounded - value) <= 0.5 * 10 ** -decimals + Math.abs(value) * 1e-9;
        return isNear && rounded !== value && compareCell(text, rounded, { type: 'number' }) !== null;
      });
  const least = (text.includes('%') ? [shown + 2, 2] : [shown, 0]).find((each) => round(each) !== undefined);
  if (least === undefined) return null;
  let most = least;
  while (most < MAX_DECIMALS && round(most + 1) !== undefined) most += 1;
  return [least, most];
}

const MAX_DECIMALS = 15;

function countDecimals(value: number): number {
  return /\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0;
}

function joinBlanks(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text);
}

/** Letters that have no mark of their own in Unicode. */
const WHOLE_LETTERS: Readonly<Record<string, string>> = {
  Ł: 'L',
  ł: 'l',
  Ø: 'O',
  ø: 'o',
  Đ: 'D',
  đ: 'd',
  ı: 'i',
};

function removeMarks(text: string): string {
  const plain = text.normalize('NFD').replace(/[\u0300-\u036f]/g, '');
  return plain.replace(/[ŁłØøĐđı]/g, (letter) => WHOLE_LETTERS[letter] ?? letter);
}

/** True if letters beyond ASCII were replaced by question marks: one for each, or for each of its units or bytes. */
function hasLostLetters(text: string, value: string): boolean {
  if (!/[?\ufffd]/.test(text) || isAscii(value)) return false;
  const marks = text.replaceAll('\ufffd', '?');
  const counts = [() => 1, (letter: string) => letter.length, (letter: string) => Buffer.byteLength(letter)];
  return counts.some((count) => {
    let at = 0;
    for (const letter of value) {
      const lost = isAscii(letter) ? letter : '?'.repeat(count(letter));
      const shown = [letter, removeMarks(letter), lost].find((each) => marks.startsWith(each, at));
      if (shown === undefined) return false;
      at += shown.length;
    }
    return at === marks.length;
  });
}

const ENCODINGS = ['windows-1252', 'macintosh', 'windows-1250', 'windows-1251'];

/** True for UTF-8 that was read as another encoding. */
function isMisread(text: string, value: string): boolean {
  if (isAscii(value)) return false;
  const bytes = new TextEncoder().encode(value);
  return ENCODINGS.some((encoding) => foldText(new TextDecoder(encoding).decode(bytes)) === text);
}

/** True if signs that are no letters replaced letters beyond ASCII, as in `M¸ller`. */
function isGarbled(text: string, value: string): boolean {
  const isStrange = (each: string): boolean => /[^\p{ASCII}\p{L}\p{M}]/u.test(each);
  const letters = (each: string): string => each.replace(/\P{ASCII}+/gu, '');
  return isStrange(text) && !isAscii(value) && !isStrange(value) && letters(text) === letters(value);
}
