const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Reads a length of time such as `30d`, `12h` or `1.5w`; null where it is none. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/.exec(text) ?? [];
  if (unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd' && unit !== 'w') return null;
  const lengthMs = Math.round(Number(count) * UNITS_MS[unit]);
  return Number.isSafeInteger(lengthMs) ? lengthMs : null;
}
