import { createUsageError, type RowfillError } from '../../errors.js';
import { draw, drawNormal } from './draw.js';

/** How long runs take. */
export type Latency =
  | { readonly kind: 'uniform'; readonly lowestMs: number; readonly highestMs: number }
  | {
      readonly kind: 'lognormal';
      readonly medianMs: number;
      readonly sigma: number;
      readonly lowestMs: number;
      readonly highestMs: number;
    };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const SPAN = /^(?:(uniform):)?([\d.]+)(ms|s|m)(?:\.\.([\d.]+)(ms|s|m))?$/;
const MEDIAN = /^median:([\d.]+)(ms|s|m),sigma:([\d.]+)$/;
const MAX_MS = 10_800_000;

/**
 * Reads a latency: `2s` is always that long; `2s..90s` is log-normal, most runs near the lower end, some long;
 * `uniform:2s..90s` is even; `median:2s,sigma:0.5` is log-normal without bounds.
 */
export function resolveLatency(text: string): Latency {
  const median = MEDIAN.exec(text);
  if (median !== null) {
    const medianMs = readMs(text, median[1], median[2]);
    return { kind: 'lognormal', medianMs, sigma: Number(median[3]), lowestMs: 0, highestMs: MAX_MS };
  }
  const span = SPAN.exec(text);
  if (span === null) throw createLatencyError(text);
  const lowestMs = readMs(text, span[2], span[3]);
  const highestMs = span[4] === undefined ? lowestMs : readMs(text, span[4], span[5]);
  if (highestMs < lowestMs) throw createLatencyError(text);
  if (span[1] === 'uniform' || lowestMs === highestMs || lowestMs === 0) {
    return { kind: 'uniform', lowestMs, highestMs };
  }
  // The bounds lie two standard deviations from the median on either side; what falls outside is drawn in.
  const sigma = Math.log(highestMs / lowestMs) / 4;
  return { kind: 'lognormal', medianMs: Math.sqrt(lowestMs * highestMs), sigma, lowestMs, highestMs };
}

/** How long the run of this question takes. */
export function drawLatencyMs(
  latency: Latency,
  seed: string,
  ...words: readonly (string | number)[]
): number {
  const { lowestMs, highestMs } = latency;
  if (latency.kind === 'uniform') {
    return lowestMs + (highestMs - lowestMs) * draw(seed, 'latency', ...words);
  }
  const drawn = latency.medianMs * Math.exp(latency.sigma * drawNormal(seed, 'latency', ...words));
  return Math.min(highestMs, Math.max(lowestMs, drawn));
}

function readMs(text: string, amount: string | undefined, unit: string | undefined): number {
  const value = Number(amount) * (UNITS[unit ?? ''] ?? Number.NaN);
  if (!(value >= 0 && value <= MAX_MS)) throw createLatencyError(text);
  return value;
}

function createLatencyError(text: string): RowfillError {
  return createUsageError(
    'BAD_LATENCY',
    `The latency ${JSON.stringify(text)} cannot be read.`,
    'Write it as 2s, 2s..90s, uniform:2s..90s or median:2s,sigma:0.5, with ms, s or m, up to three hours.',
  );
}
