import { extname } from 'node:path';
import { createUsageError } from './errors.js';
import { toMicros } from './model/money.js';
import { readNearest } from './model/nearest.js';
import { HOSTED_PRICES, type PriceList } from './model/prices.js';
import type { Confidence } from './model/run.js';

/** What `enrich` is asked to do; every name is that of the command line's option. */
export interface EnrichOptions {
  /** Path of the file to fill; `-` is standard input. */
  readonly input: string;
  /** Path of the result; `-` is standard output. @default `<stem>.filled.<ext>` beside the input */
  readonly output?: string | undefined;
  /** What to find out, in words. */
  readonly query?: string | undefined;
  readonly system?: string | undefined;
  /** Columns to fill, each as `name[:type][=description]`. */
  readonly fields?: readonly string[] | undefined;
  /** Path of a JSON Schema whose properties are the columns to fill; instead of `fields`. */
  readonly schema?: string | undefined;
  /** The columns that are sent. @default every column that is not itself to be filled */
  readonly send?: readonly string[] | undefined;
  /** Path of a file of records that are not to be asked about. */
  readonly exclude?: string | undefined;
  /** Columns that tell whether a row is an excluded record. @default the columns that both files have */
  readonly excludeOn?: readonly string[] | undefined;
  /** Work on the first so many rows only. */
  readonly limit?: number | undefined;
  /** Work on so many rows only, picked evenly from the whole file; the same ones every time. */
  readonly sample?: number | undefined;
  /** Ask for filled cells too, and replace them. @default false */
  readonly overwrite?: boolean | undefined;
  /** Ask again for what is in the ledger. @default false */
  readonly refresh?: boolean | undefined;
  /** Ask again for what is older than this: a number with `m`, `h`, `d` or `w`. */
  readonly maxAge?: string | undefined;
  /** Address of an agent. @default the hosted service */
  readonly apiUrl?: string | undefined;
  /** Folder of tables to answer from, on this machine. */
  readonly reference?: string | undefined;
  /** Key for the agent; never written anywhere. */
  readonly apiKey?: string | undefined;
  /** Effort ladder, lowest first. @default ['low'] */
  readonly effort?: readonly string[] | undefined;
  /** Answers below this confidence climb the ladder as if they were missing. */
  readonly escalateBelow?: string | undefined;
  /** Rows in one run. @default 8 */
  readonly batchSize?: number | undefined;
  /** The most runs at once. @default 20 */
  readonly concurrency?: number | undefined;
  /** Runs started in a second; 0 for no limit. @default 5, and 0 for an agent on this machine */
  readonly startsPerSecond?: number | undefined;
  /** The most that this job may cost, in US dollars, over every time it is run. */
  readonly maxCost?: number | undefined;
  /** Worst price of a run by effort in US dollars, where it is not the hosted service's. */
  readonly prices?: Readonly<Record<string, number>> | undefined;
  /** Start without a question. @default false */
  readonly yes?: boolean | undefined;
  /** Cancel the runs at the agent when the job is interrupted. @default false */
  readonly cancelOnInterrupt?: boolean | undefined;
  readonly bom?: boolean | undefined;
  /** Write text of the agent as it came, even where a spreadsheet would run it. @default false */
  readonly raw?: boolean | undefined;
  readonly delimiter?: string | undefined;
  readonly encoding?: string | undefined;
  /** False for a file without a header. @default true */
  readonly header?: boolean | undefined;
  /** Refuse a file with rows of the wrong length or lines that cannot be read. @default false */
  readonly strict?: boolean | undefined;
  /** Path of a file for all citations, one JSON object a line. */
  readonly citationsFile?: string | undefined;
  /** Path of the ledger. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
}

/** Options that were checked, every default in place. */
export interface Settings {
  readonly options: EnrichOptions;
  readonly output: string;
  readonly query: string;
  readonly efforts: readonly string[];
  readonly escalateBelow: Confidence | null;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly startsPerSecond: number | null;
  readonly limit: number | null;
  readonly sample: number | null;
  readonly overwrite: boolean;
  readonly refresh: boolean;
  readonly maxAgeMs: number | null;
  readonly capMicros: number | null;
  readonly prices: PriceList;
  readonly agent: AgentChoice;
}

/** Who answers. */
export type AgentChoice =
  | { readonly kind: 'reference'; readonly directory: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'hosted' };

const DEFAULTS = { batchSize: 8, concurrency: 20, efforts: ['low'] } as const;
const DEFAULT_QUERY = 'Find the requested fields for each record.';
const MAX_BATCH_SIZE = 500;
const MAX_CONCURRENCY = 1_000;
const CONFIDENCES: readonly Confidence[] = ['medium', 'high'];

/** Checks the options and fills in the defaults. Throws a usage error that names the option and its value. */
export function resolveSettings(options: EnrichOptions): Settings {
  if (options.input === '') throw createUsageError('NO_INPUT', 'no input file was named');
  const efforts = resolveEfforts(options);
  return {
    options,
    output: options.output ?? resolveOutput(options.input),
    query: resolveQuery(options.query),
    efforts,
    escalateBelow: resolveEscalation(options.escalateBelow, efforts),
    batchSize: readWhole('batch-size', options.batchSize, 1, MAX_BATCH_SIZE) ?? DEFAULTS.batchSize,
    concurrency: readWhole('concurrency', options.concurrency, 1, MAX_CONCURRENCY) ?? DEFAULTS.concurrency,
    startsPerSecond: readNumber('starts-per-second', options.startsPerSecond, 0),
    limit: readWhole('limit', options.limit, 1, Number.MAX_SAFE_INTEGER),
    sample: readWhole('sample', options.sample, 1, 1_000_000),
    overwrite: options.overwrite ?? false,
    refresh: options.refresh ?? false,
    maxAgeMs: options.maxAge === undefined ? null : readDuration('max-age', options.maxAge),
    capMicros: toCap(readNumber('max-cost', options.maxCost, 0)),
    prices: resolvePrices(options.prices ?? {}),
    agent: resolveAgent(options),
  };
}

function resolveAgent(options: EnrichOptions): AgentChoice {
  if (options.reference !== undefined && options.apiUrl !== undefined) {
    throw createUsageError('TWO_AGENTS', '--reference and --api-url name two agents', 'Give one of them.');
  }
  if (options.reference !== undefined) return { kind: 'reference', directory: options.reference };
  if (options.apiUrl !== undefined) return { kind: 'url', url: options.apiUrl };
  if (options.apiKey !== undefined && options.apiKey !== '') return { kind: 'hosted' };
  throw createUsageError(
    'NO_AGENT',
    'there is no agent to ask: EXA_API_KEY is not set, and neither --reference nor --api-url was given',
    'Set EXA_API_KEY for the hosted service, or give --reference DIR to answer from tables of your own, or --api-url URL.',
  );
}

function resolveOutput(input: string): string {
  if (input === '-') return '-';
  const suffix = input.toLowerCase().endsWith('.gz') ? input.slice(-3) : '';
  const path = input.slice(0, input.length - suffix.length);
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.filled${extension}${suffix}`;
}

function resolveQuery(query: string | undefined): string {
  if (query === undefined) return DEFAULT_QUERY;
  if (query.trim() === '')
    throw createUsageError('EMPTY_QUERY', '--query is empty', 'Say in words what to find out.');
  return query.trim();
}

function resolveEfforts(options: EnrichOptions): readonly string[] {
  const efforts = options.effort ?? DEFAULTS.efforts;
  if (efforts.length === 0 || efforts.some((effort) => !/^[a-z]+$/.test(effort))) {
    throw createUsageError(
      'BAD_EFFORT',
      `--effort ${efforts.join(',')} is no list of levels`,
      describeEfforts(),
    );
  }
  if (new Set(efforts).size < efforts.length) {
    throw createUsageError('BAD_EFFORT', `--effort ${efforts.join(',')} names a level twice`);
  }
  const known = { ...HOSTED_PRICES, ...options.prices };
  const unknown = efforts.find((effort) => !Object.hasOwn(known, effort));
  if (unknown !== undefined) {
    const [nearest] = readNearest(unknown, Object.keys(known));
    const hint = nearest === undefined ? describeEfforts() : `Did you mean ${nearest}? ${describeEfforts()}`;
    throw createUsageError(
      'BAD_EFFORT',
      `--effort ${unknown} has no known price, so its cost cannot be capped`,
      hint,
    );
  }
  return efforts;
}

function describeEfforts(): string {
  return `Levels: ${Object.keys(HOSTED_PRICES).join(', ')}; others need a price in the recipe.`;
}

function resolveEscalation(text: string | undefined, efforts: readonly string[]): Confidence | null {
  if (text === undefined) return null;
  const confidence = CONFIDENCES.find((known) => known === text);
  if (confidence === undefined) {
    throw createUsageError('BAD_OPTION', `--escalate-below is ${text}`, 'It takes medium or high.');
  }
  if (efforts.length > 1) return confidence;
  throw createUsageError(
    'BAD_OPTION',
    '--escalate-below needs a second effort to climb to',
    'Give a ladder, such as --effort low,high.',
  );
}

function resolvePrices(prices: Readonly<Record<string, number>>): PriceList {
  const own = Object.entries(prices).map(([effort, dollars]) => {
    const micros = toMicros(readNumber(`price of ${effort}`, dollars, 0) ?? 0);
    return [effort, { worstMicros: micros, likelyMicros: micros }] as const;
  });
  return { ...HOSTED_PRICES, ...Object.fromEntries(own) };
}

function readWhole(name: string, value: number | undefined, least: number, most: number): number | null {
  if (value === undefined) return null;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw createUsageError(
    'BAD_OPTION',
    `--${name} is ${value}`,
    `It takes a whole number from ${least} to ${most}.`,
  );
}

function readNumber(name: string, value: number | undefined, least: number): number | null {
  if (value === undefined) return null;
  if (Number.isFinite(value) && value >= least) return value;
  throw createUsageError('BAD_OPTION', `--${name} is ${value}`, `It takes a number of at least ${least}.`);
}

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

function readDuration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([mhdw])$/.exec(text.trim());
  const unit = match?.[2];
  if (unit !== 'm' && unit !== 'h' && unit !== 'd' && unit !== 'w') {
    throw createUsageError(
      'BAD_OPTION',
      `--${name} is ${text}`,
      'It takes a number with m, h, d or w, such as 30d.',
    );
  }
  return Number(match?.[1]) * UNITS_MS[unit];
}

function toCap(dollars: number | null): number | null {
  // Rounded down: a cap is never passed by a rounding.
  return dollars === null ? null : Math.floor(dollars * 1_000_000 + 1e-6);
}
