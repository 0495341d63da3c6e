import { createUsageError } from '../errors.js';

// Either a quoted part, in which "" is a literal quote, or everything up to a comma outside brackets.
const PART = /\s*(?:"((?:[^"]|"")*)"\s*|((?:\([^()]*\)|[^,])*))(?:,|$)/g;

/** Splits a list as people type it: `a, "b, c", enum(d, e)` has three parts. Blank parts are dropped. */
export function splitList(text: string): string[] {
  const parts = [...text.matchAll(PART)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.trim(),
  );
  return parts.filter((part) => part !== '');
}

/** True if a part of the list is blank: `a,,b`, `,a`, `a,` or an empty text. */
export function hasBlankPart(text: string): boolean {
  // Text that does not end with a comma matches once more at its end.
  const parts = [...`${text},`.matchAll(PART)].slice(0, -1);
  return parts.some(([, quoted, plain = '']) => (quoted ?? plain.trim()) === '');
}

/** Formats a list so that `splitList` returns these parts. */
export function formatList(parts: readonly string[]): string {
  return parts.map(formatPart).join(', ');
}

/** Formats one part, quoted if it would otherwise be split or has an open quote or bracket. */
export function formatPart(part: string): string {
  const [first, ...rest] = splitList(part);
  const isOpen = part.startsWith('"') || part.replace(/\([^()]*\)/g, '').includes('(');
  return first === part && rest.length === 0 && !isOpen ? part : `"${part.replaceAll('"', '""')}"`;
}

/** Formats a count: 12,345. Written by hand because `Intl` is slow to load. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a count with its noun: `1 row`, `2 rows`. */
export function formatNumber(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Formats an amount for display, to a hundredth of a cent: $0.025. */
export function formatDollars(micros: number): string {
  return `$${formatMicros(Math.round(micros / 100) * 100)}`;
}

/** Formats a duration in its largest one or two units: `1 h 5 min`, `40 s`. */
export function formatDuration(seconds: number): string {
  // A clock that was set back gives a negative duration.
  if (seconds < 0) return '0.0 s';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** Formats a wait in local time: `25 min, until 14:05`, with the date if that is not today. */
export function formatWait(delayMs: number, nowMs: number): string {
  const [now, end] = [new Date(nowMs), new Date(nowMs + delayMs)];
  const pad = (number: number): string => String(number).padStart(2, '0');
  const day = `${end.getFullYear()}-${pad(end.getMonth() + 1)}-${pad(end.getDate())} `;
  const time = `${pad(end.getHours())}:${pad(end.getMinutes())}`;
  const isToday = now.toDateString() === end.toDateString();
  // Show seconds for waits under two minutes.
  const seconds = delayMs < 120_000 ? `:${pad(end.getSeconds())}` : '';
  return `${formatDuration(delayMs / 1_000)}, until ${isToday ? '' : day}${time}${seconds}`;
}

const MICROS = 1_000_000;

/**
 * Largest accepted amount in US dollars. No run, price or cap comes near it, and thousands of such amounts
 * still add up exactly.
 */
export const MAX_DOLLARS = 1_000_000;
const MAX_MICROS = MAX_DOLLARS * MICROS;

/**
 * Parses an amount in US dollars from 0 to `MAX_DOLLARS`: a number, or plain decimal text such as `0.025`.
 * Returns null for anything else, such as `$0.03`, `0x10` or NaN.
 */
export function parseDollars(value: unknown): number | null {
  const isDecimal = typeof value === 'string' && /^\+?(\d+\.?\d*|\.\d+)$/.test(value.trim());
  const dollars = isDecimal ? Number(value) : value;
  return typeof dollars === 'number' && dollars >= 0 && dollars <= MAX_DOLLARS ? dollars : null;
}

/**
 * Parses an amount in US dollars from an option. `name` is used in the message. Throws a usage error if
 * invalid.
 */
export function parseDollarOption(value: string | number, name: string): number {
  const dollars = parseDollars(value);
  if (dollars !== null) return dollars;
  throw createUsageError(
    typeof value === 'string' ? 'BAD_NUMBER' : 'BAD_OPTION',
    `${name} is “${value}”, which is not an amount in US dollars from 0 to ${MAX_DOLLARS}`,
    'Write it as plain digits, such as 5 or 2.50.',
  );
}

/** The cost booked for a run. */
export interface BookedCost {
  readonly micros: number;
  /** True if the agent reported no cost. The reserved price is booked then, so that the cap holds. */
  readonly isEstimated: boolean;
}

/** Computes what to book for a run. `totalDollars` is the cost that the agent reported, or null. */
export function bookCost(totalDollars: number | null, reserveMicros: number): BookedCost {
  return totalDollars === null
    ? { micros: reserveMicros, isEstimated: reserveMicros > 0 }
    : { micros: toMicros(totalDollars), isEstimated: false };
}

/** Rounds a computed price up to whole micro-dollars, at most `MAX_DOLLARS`. */
export function limitMicros(micros: number): number {
  return micros < MAX_MICROS ? Math.ceil(micros) : MAX_MICROS;
}

/** Converts dollars, a JSON number in the API, to the nearest whole micro-dollar. */
export function toMicros(dollars: number): number {
  return Math.round(dollars * MICROS);
}

/** Formats micro-dollars as dollars with two to six decimals: 25000 gives `0.025`. */
export function formatMicros(micros: number): string {
  const sign = micros < 0 ? '-' : '';
  const absolute = Math.abs(micros);
  const decimals = String(absolute % MICROS)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}${Math.floor(absolute / MICROS)}.${decimals}`;
}

/** Splits an amount into `parts` shares that add up to it exactly and differ by at most one micro-dollar. */
export function splitMicros(micros: number, parts: number): number[] {
  const base = Math.floor(micros / parts);
  const extra = micros - base * parts;
  return Array.from({ length: parts }, (_, index) => base + (index < extra ? 1 : 0));
}

/** Suggests up to three candidates for a mistyped word, best first, for an error's hint. */
export function suggestSimilar(word: string, candidates: readonly string[]): string[] {
  const wanted = fold(word);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const near = candidates
    .map((candidate) => ({ candidate, distance: measure(wanted, fold(candidate), limit) }))
    .filter((entry) => entry.distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((entry) => entry.candidate);
  if (near.length > 0 || wanted.length < 2) return near;
  // Two letters are enough if only one candidate begins with them.
  const begun = candidates.filter((candidate) => fold(candidate).startsWith(wanted));
  return begun.length === 1 ? begun : [];
}

function fold(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '-')
    .slice(0, 200);
}

/**
 * Edit distance in which a swap of neighbors counts as one. A text that is a prefix of the other counts as
 * near.
 */
function measure(a: string, b: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(beforeLast, j - 2) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  const distance = at(last, b.length);
  return a.length >= 3 && b.startsWith(a) ? Math.min(distance, limit) : distance;
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

/** Invisible characters, and those that look like a plain space. */
const INVISIBLE = /(?! )[\p{Cc}\p{Cf}\p{DI}\p{Zs}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u2800]/u;
const EACH_INVISIBLE = new RegExp(INVISIBLE.source, 'gu');

/** Formats a name for a message: unchanged, or in quotes with escapes (`"\u200b"`) if it has invisible characters. */
export function showName(name: string): string {
  // Joiners between visible characters are part of emoji and of many scripts.
  const bare = name.replace(/(?<=[^\s\p{C}])(?:(?:\u200c|\u200d)(?=[^\s\p{C}])|\ufe0f)/gu, '');
  if (name.trim() !== '' && !INVISIBLE.test(bare)) return name;
  return JSON.stringify(name).replace(EACH_INVISIBLE, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
