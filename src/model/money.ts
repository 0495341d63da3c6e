import { createUsageError } from '../errors.js';

const MICROS = 1_000_000;

/** The largest amount that counts as one, in US dollars: no run, price or cap comes near it, and thousands of them add up exactly. */
export const MAX_DOLLARS = 1_000_000;
const MAX_MICROS = MAX_DOLLARS * MICROS;

/**
 * Reads an amount of US dollars, from 0 to `MAX_DOLLARS`: a number, or plain decimal text such as `0.025`. Null for anything
 * else, such as `$0.03`, `0x10` or NaN.
 */
export function parseDollars(value: unknown): number | null {
  const isDecimal = typeof value === 'string' && /^\+?(\d+\.?\d*|\.\d+)$/.test(value.trim());
  const dollars = isDecimal ? Number(value) : value;
  return typeof dollars === 'number' && dollars >= 0 && dollars <= MAX_DOLLARS ? dollars : null;
}

/** An amount of US dollars that a person gave; `name` is what a message calls it. Throws a usage error for anything else. */
export function readDollars(value: string | number, name: string): number {
  const dollars = parseDollars(value);
  if (dollars !== null) return dollars;
  throw createUsageError(
    typeof value === 'string' ? 'BAD_NUMBER' : 'BAD_OPTION',
    `${name} is “${value}”, which is not an amount in US dollars from 0 to ${MAX_DOLLARS}`,
    'Write it as plain digits, such as 5 or 2.50.',
  );
}

/** What a run is booked at. */
export interface BookedCost {
  readonly micros: number;
  /** True if the agent did not say what the run cost: then it is booked at its reserved price, so that the cap holds. */
  readonly isEstimated: boolean;
}

/** What to book for a run; `totalDollars` is what the agent said it cost, or null. */
export function bookCost(totalDollars: number | null, reserveMicros: number): BookedCost {
  return totalDollars === null
    ? { micros: reserveMicros, isEstimated: reserveMicros > 0 }
    : { micros: toMicros(totalDollars), isEstimated: false };
}

/** Rounds a computed price up to whole micro-dollars, and limits it to `MAX_DOLLARS`. */
export function limitMicros(micros: number): number {
  return micros < MAX_MICROS ? Math.ceil(micros) : MAX_MICROS;
}

/** Dollars as the wire gives them (a JSON number) to whole micro-dollars, rounded to the nearest. */
export function toMicros(dollars: number): number {
  return Math.round(dollars * MICROS);
}

/** Micro-dollars as decimal text, with at least two and at most six decimals: 25000 is `0.025`. */
export function formatMicros(micros: number): string {
  const sign = micros < 0 ? '-' : '';
  const absolute = Math.abs(micros);
  const decimals = String(absolute % MICROS)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}${Math.floor(absolute / MICROS)}.${decimals}`;
}

/** Splits an amount over `parts` shares that add up to it exactly and differ by one micro-dollar at most. */
export function splitMicros(micros: number, parts: number): number[] {
  const base = Math.floor(micros / parts);
  const extra = micros - base * parts;
  return Array.from({ length: parts }, (_, index) => base + (index < extra ? 1 : 0));
}
