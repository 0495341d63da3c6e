const MICROS = 1_000_000;

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
