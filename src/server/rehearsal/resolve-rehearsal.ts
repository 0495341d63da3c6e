import { createUsageError, type RowfillError } from '../../errors.js';
import { suggestSimilar } from '../../model/format.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.js';
import {
  draw,
  drawNormal,
  FAULT_KINDS,
  type Fault,
  type FaultName,
  OPERATIONS,
  type Operation,
  type Trigger,
} from './fault.js';

/** After this many created runs, a team may have this many active ones. */
export interface LimitStep {
  readonly afterRuns: number;
  readonly maxActiveRuns: number;
}

/** A simulated paid service: its latency, prices and faults. */
export interface Rehearsal {
  /** The same seed gives the same rehearsal. */
  readonly seed: string;
  /** Null: as fast as the agent answers. */
  readonly latency: Latency | null;
  /** Bill runs by the price list; no real charges. */
  readonly price: boolean;
  readonly faults: readonly Fault[];
  /** Active-run caps that change as runs are created, in order. Empty: the server's own cap. */
  readonly limits: readonly LimitStep[];
}

/** Options of a rehearsal. */
export interface RehearsalOptions {
  /** Such as `2s..90s`. */
  readonly latency?: string;
  readonly price?: boolean;
  /** Parsed JSON of a fault script: a list of faults, or an object with `faults` and `limits`. */
  readonly faults?: unknown;
  /** @default rowfill */
  readonly seed?: string;
}

/** Validates the options of a rehearsal. Throws a usage error that says what is wrong and where. */
export function resolveRehearsal(options: RehearsalOptions): Rehearsal {
  const script = parseScript(options.faults);
  return {
    seed: options.seed ?? 'rowfill',
    latency: options.latency === undefined ? null : resolveLatency(options.latency),
    price: options.price ?? false,
    faults: script.faults.map(resolveFault),
    limits: script.limits.map(resolveLimit).sort((a, b) => a.afterRuns - b.afterRuns),
  };
}

const NAMES = Object.keys(FAULT_KINDS).filter(isFaultName);
const TRIGGER_KEYS = ['share', 'nth', 'every', 'first', 'max'] as const;

function parseScript(value: unknown): { faults: readonly JsonValue[]; limits: readonly JsonValue[] } {
  if (value === undefined) return { faults: [], limits: [] };
  if (Array.isArray(value)) return { faults: value, limits: [] };
  if (!isJsonObject(value))
    throw createScriptError('it', 'must be a list of faults, or an object with `faults`');
  for (const key of Object.keys(value)) {
    if (key !== 'faults' && key !== 'limits')
      throw createScriptError(key, 'is not known', ['faults', 'limits']);
  }
  return { faults: parseList(value.faults, 'faults'), limits: parseList(value.limits, 'limits') };
}

function parseList(value: JsonValue | undefined, path: string): readonly JsonValue[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw createScriptError(path, 'must be a list');
}

function resolveFault(value: JsonValue, index: number): Fault {
  const path = `faults[${index}]`;
  if (!isJsonObject(value))
    throw createScriptError(path, 'must be an object such as {"fault": "lost_reply"}');
  const name = value.fault;
  if (!isFaultName(name)) {
    const near = typeof name === 'string' ? suggestSimilar(name, NAMES) : [];
    throw createScriptError(`${path}.fault`, 'is not the name of a fault', near.length > 0 ? near : NAMES);
  }
  const kind = FAULT_KINDS[name];
  const settings: Record<string, number | string | boolean | null> = { ...kind.settings };
  for (const [key, given] of Object.entries(value)) {
    if (key === 'fault' || key === 'on' || TRIGGER_KEYS.some((trigger) => trigger === key)) continue;
    settings[key] = parseSetting(given, kind.settings, key, path);
  }
  const on = parseOperations(value.on, kind.on ?? [], path);
  return { index, name, scope: kind.scope, on, trigger: parseTrigger(value, path), settings };
}

function parseSetting(
  value: JsonValue,
  known: Readonly<Record<string, number | string | boolean | null>>,
  key: string,
  path: string,
): number | string | boolean | null {
  if (!Object.hasOwn(known, key)) {
    const candidates = [...Object.keys(known), 'on', ...TRIGGER_KEYS];
    throw createScriptError(`${path}.${key}`, 'is not a setting of this fault', candidates);
  }
  const wanted = known[key] === null ? 'number' : typeof known[key];
  const isGood = wanted === 'number' ? typeof value === 'number' && value >= 0 : typeof value === wanted;
  if (isGood && typeof value !== 'object') return value;
  throw createScriptError(
    `${path}.${key}`,
    `must be a ${wanted}${wanted === 'number' ? ' of at least 0' : ''}`,
  );
}

function parseOperations(
  value: JsonValue | undefined,
  usual: readonly Operation[],
  path: string,
): readonly Operation[] {
  if (value === undefined) return usual;
  if (usual.length === 0) throw createScriptError(`${path}.on`, 'is only allowed for request faults');
  const names = Array.isArray(value) ? value : [value];
  return names.map((name) => {
    const operation = OPERATIONS.find((known) => known === name);
    if (operation === undefined) throw createScriptError(`${path}.on`, 'is not an operation', OPERATIONS);
    return operation;
  });
}

function parseTrigger(value: JsonObject, path: string): Trigger {
  const share = parseNumber(value, 'share', path, 0, 1);
  const nth = Array.isArray(value.nth) ? value.nth : value.nth === undefined ? undefined : [value.nth];
  for (const each of nth ?? []) checkCount(each, `${path}.nth`);
  const counts = (['every', 'first', 'max'] as const).flatMap((key) => {
    if (value[key] === undefined) return [];
    return [[key, checkCount(value[key], `${path}.${key}`)] as const];
  });
  return {
    ...(share === undefined ? {} : { share }),
    ...(nth === undefined ? {} : { nth: nth.map(Number) }),
    ...Object.fromEntries(counts),
  };
}

function resolveLimit(value: JsonValue, index: number): LimitStep {
  const path = `limits[${index}]`;
  if (!isJsonObject(value)) throw createScriptError(path, 'must be an object with maxActiveRuns');
  const afterRuns = parseNumber(value, 'afterRuns', path, 0, 1e9) ?? 0;
  return { afterRuns, maxActiveRuns: checkCount(value.maxActiveRuns, `${path}.maxActiveRuns`) };
}

function parseNumber(
  value: JsonObject,
  key: string,
  path: string,
  lowest: number,
  highest: number,
): number | undefined {
  const given = value[key];
  if (given === undefined) return undefined;
  if (typeof given === 'number' && given >= lowest && given <= highest) return given;
  throw createScriptError(`${path}.${key}`, `must be a number from ${lowest} to ${highest}`);
}

function checkCount(value: JsonValue | undefined, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw createScriptError(path, 'must be a whole number of at least 1');
}

function isFaultName(name: unknown): name is FaultName {
  return typeof name === 'string' && Object.hasOwn(FAULT_KINDS, name);
}

function createScriptError(path: string, what: string, candidates: readonly string[] = []): RowfillError {
  const hint =
    candidates.length === 0 ? 'docs/rehearsal.md lists every fault.' : `Use ${candidates.join(', ')}.`;
  return createUsageError('BAD_FAULTS', `The fault script is not valid: ${path} ${what}.`, hint);
}

/** Distribution of run times. */
type Latency =
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
 * Parses a latency: `2s` is constant; `2s..90s` is log-normal, most runs near the lower end, some long;
 * `uniform:2s..90s` is uniform; `median:2s,sigma:0.5` is log-normal without bounds.
 */
export function resolveLatency(text: string): Latency {
  const median = MEDIAN.exec(text);
  if (median !== null) {
    const medianMs = parseMs(text, median[1], median[2]);
    return { kind: 'lognormal', medianMs, sigma: Number(median[3]), lowestMs: 0, highestMs: MAX_MS };
  }
  const span = SPAN.exec(text);
  if (span === null) throw createLatencyError(text);
  const lowestMs = parseMs(text, span[2], span[3]);
  const highestMs = span[4] === undefined ? lowestMs : parseMs(text, span[4], span[5]);
  if (highestMs < lowestMs) throw createLatencyError(text);
  if (span[1] === 'uniform' || lowestMs === highestMs || lowestMs === 0) {
    return { kind: 'uniform', lowestMs, highestMs };
  }
  // The bounds are two standard deviations from the median on either side. Draws outside are clamped.
  const sigma = Math.log(highestMs / lowestMs) / 4;
  return { kind: 'lognormal', medianMs: Math.sqrt(lowestMs * highestMs), sigma, lowestMs, highestMs };
}

/** Draws the run time of this question. */
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

function parseMs(text: string, amount: string | undefined, unit: string | undefined): number {
  const value = Number(amount) * (UNITS[unit ?? ''] ?? Number.NaN);
  if (!(value >= 0 && value <= MAX_MS)) throw createLatencyError(text);
  return value;
}

function createLatencyError(text: string): RowfillError {
  return createUsageError(
    'BAD_LATENCY',
    `The latency ${JSON.stringify(text)} is not valid.`,
    'Write it as 2s, 2s..90s, uniform:2s..90s or median:2s,sigma:0.5, with ms, s or m, at most three hours.',
  );
}
