const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Reads a length of time such as `500ms`, `12h` or `1.5w`; null if it is not one. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*$/.exec(text) ?? [];
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd' && unit !== 'w')
    return null;
  const lengthMs = Math.round(Number(count) * UNITS_MS[unit]);
  return Number.isSafeInteger(lengthMs) ? lengthMs : null;
}
