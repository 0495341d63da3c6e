import { extname } from 'node:path';
import { createUsageError } from './errors.js';
import { parseDuration } from './model/clock.js';
import type { AgainChoice, AgentChoice, EnrichOptions, Settings } from './model/enrich-options.js';
import { parseDollarOption, suggestSimilar, toMicros } from './model/format.js';
import { checkOptionTypes, type OptionTypes } from './model/option-types.js';
import { HOSTED_PRICES, type PriceList } from './model/prices.js';
import { DEFAULT_QUERY } from './model/question.js';
import { isDescriptorPath } from './model/read-file.js';
import type { Confidence } from './model/run.js';

export type { AgentChoice, Effort, EnrichOptions, Settings } from './model/enrich-options.js';

const DEFAULTS = { batchSize: 8, concurrency: 20, efforts: ['low'] } as const;
const MAX_BATCH_SIZE = 500;
const MAX_CONCURRENCY = 1_000;
/** Longer than any run takes, and within the range of a timer. */
const MAX_WAIT_MS = 20 * 24 * 60 * 60 * 1_000;
const CONFIDENCES: readonly Confidence[] = ['medium', 'high'];

/** The type of each job option, checked at run time because JavaScript callers have no compiler to check it. */
export const JOB_OPTION_TYPES: OptionTypes<EnrichOptions> = {
  input: 'text',
  name: 'text',
  output: 'text',
  format: 'text',
  query: 'text',
  system: 'text',
  fields: 'texts',
  schema: 'text',
  schemaObject: 'object',
  send: 'texts',
  exclude: 'text',
  excludeOn: 'texts',
  blank: 'texts',
  shareAnswers: 'flag',
  limit: 'number',
  sample: 'number',
  overwrite: 'flag',
  refresh: 'flag',
  maxAge: 'text',
  only: 'texts',
  again: 'texts',
  apiUrl: 'text',
  reference: 'text',
  lookUp: 'texts',
  apiKey: 'secret or function',
  insecureHttp: 'flag',
  effort: 'texts',
  escalateBelow: 'text',
  batchSize: 'number',
  concurrency: 'number',
  workers: 'flag',
  startsPerSecond: 'number',
  runTimeoutMs: 'number',
  listLagMs: 'number',
  maxCost: 'number',
  maxCostNow: 'number',
  ledgerMaxCostPerDay: 'number',
  prices: 'numbers',
  wait: 'flag',
  yes: 'flag',
  keepGoing: 'flag',
  cancelOnInterrupt: 'flag',
  bom: 'flag',
  plain: 'flag',
  sources: 'text',
  raw: 'flag',
  delimiter: 'text',
  encoding: 'text',
  sheet: 'text',
  headerRow: 'number',
  quote: 'text',
  rowsAt: 'text',
  hiddenRows: 'text',
  header: 'flag',
  strict: 'flag',
  verify: 'flag',
  fetchPrivate: 'texts',
  hostDelay: 'text',
  pages: 'text',
  citationsFile: 'text',
  ledger: 'text',
  origins: 'object',
};

/** Checks the options and fills in the defaults. Throws a usage error that names the option and its value. */
export function resolveSettings(options: EnrichOptions): Settings {
  const settings = resolvePlanSettings(options);
  if (settings.agent.kind === 'hosted' && !hasKey(options)) {
    throw createUsageError(
      'NO_AGENT',
      'no agent given: EXA_API_KEY is not set, and neither is --reference or --api-url',
      'For the hosted service, set EXA_API_KEY or EXA_API_KEY_FILE. To answer from your own tables, use --reference DIR. For another agent, use --api-url URL.',
    );
  }
  return settings;
}

/** True if a key is set. */
export function hasKey({ apiKey }: Pick<EnrichOptions, 'apiKey'>): boolean {
  return apiKey !== undefined && apiKey !== '';
}

/** Like `resolveSettings`, but needs no key: a plan sends nothing. */
export function resolvePlanSettings(options: EnrichOptions): Settings {
  checkOptionTypes('the job', options, JOB_OPTION_TYPES, ['input']);
  checkFormat(options.format);
  if (options.input === '')
    throw createUsageError('NO_INPUT', 'no input file given', 'Name the file to fill.');
  checkLists(options);
  checkHeader(options);
  checkHiddenRows(options.hiddenRows);
  const efforts = resolveEfforts(options);
  const output = options.output ?? resolveOutput(options);
  return {
    options,
    inputDigest: null,
    sheet: null,
    replacedDigest: null,
    output,
    query: resolveQuery(options.query),
    efforts,
    escalateBelow: resolveEscalation(options.escalateBelow, efforts),
    batchSize: checkWhole('batch-size', options.batchSize, 1, MAX_BATCH_SIZE) ?? DEFAULTS.batchSize,
    concurrency: checkWhole('concurrency', options.concurrency, 1, MAX_CONCURRENCY) ?? DEFAULTS.concurrency,
    startsPerSecond: checkNumber('starts-per-second', options.startsPerSecond, 0),
    runTimeoutMs: checkWait('run-timeout', options.runTimeoutMs, 1),
    listLagMs: checkWait('list-lag', options.listLagMs, 0),
    limit: checkWhole('limit', options.limit, 1, Number.MAX_SAFE_INTEGER),
    sample: checkWhole('sample', options.sample, 1, 1_000_000),
    overwrite: options.overwrite ?? false,
    refresh: options.refresh ?? false,
    maxAgeMs: options.maxAge === undefined ? null : parseDurationOption('max-age', options.maxAge),
    only: options.only === undefined ? null : new Set(options.only),
    again: resolveAgain(options.again ?? []),
    capMicros: resolveCap('--max-cost', options.maxCost),
    capNowMicros: resolveCap('--max-cost-now', options.maxCostNow),
    ledgerDayCapMicros: resolveCap('ledgerMaxCostPerDay', options.ledgerMaxCostPerDay),
    prices: resolvePrices(options.prices ?? {}),
    agent: resolveAgent(options, output),
  };
}

function checkHeader({ header, headerRow }: EnrichOptions): void {
  const row = checkWhole('header-row', headerRow, 1, Number.MAX_SAFE_INTEGER);
  if (row === null || header !== false) return;
  throw createUsageError(
    'BAD_OPTION',
    '--header-row and --no-header cannot be used together',
    'Give only one of them.',
  );
}

function checkHiddenRows(choice: string | undefined): void {
  if (choice === undefined || choice === 'skip' || choice === 'fill') return;
  throw createUsageError('BAD_OPTION', `--hidden-rows is “${choice}”`, 'Use skip or fill.');
}

/** Refuses an empty list: it would silently send, or compare, no columns at all. */
function checkLists({ send, excludeOn, only, again, blank, origins }: EnrichOptions): void {
  const lists = [
    ['send', '--send', send],
    ['excludeOn', '--exclude-on', excludeOn],
    ['only', '--only', only],
    ['again', '--again', again],
    ['blank', '--blank', blank?.map((word) => word.replace(/^\+/, ''))],
  ] as const;
  for (const [name, flag, names] of lists) {
    if (names === undefined || names.some((column) => column.trim() !== '')) continue;
    throw createUsageError(
      'EMPTY_LIST',
      `${origins?.[name] ?? flag} is an empty list`,
      `Name at least one with ${flag}, or leave it out.`,
    );
  }
}

const AGAIN: readonly AgainChoice[] = ['not_found', 'partial', 'failed', 'cleared'];

function resolveAgain(words: readonly string[]): ReadonlySet<AgainChoice> {
  const choices = words.map((word) => {
    const choice = AGAIN.find((known) => known === word.trim());
    if (choice !== undefined) return choice;
    throw createUsageError('BAD_OPTION', `--again is “${word}”`, `Use ${AGAIN.join(', ')}.`);
  });
  return new Set(choices);
}

function checkFormat(format: string | undefined): void {
  const formats = Object.keys(OWN_ENDINGS);
  if (format === undefined || formats.includes(format)) return;
  throw createUsageError(
    'BAD_FORMAT',
    `format is ${JSON.stringify(format)}`,
    `Use one of ${formats.join(', ')}.`,
  );
}

function resolveAgent(options: EnrichOptions, output: string): AgentChoice {
  if (options.reference !== undefined && options.apiUrl !== undefined) {
    throw createUsageError(
      'TWO_AGENTS',
      '--reference and --api-url cannot be used together',
      'Give only one of them.',
    );
  }
  if (options.reference !== undefined) {
    const own = [options.input, output, options.citationsFile];
    const omit = own.flatMap((path) => (path === undefined || path === '-' ? [] : [path]));
    return {
      kind: 'reference',
      directory: options.reference,
      omit,
      lookUp: parseLookUp(options.lookUp ?? []),
    };
  }
  if (options.lookUp !== undefined) {
    throw createUsageError(
      'BAD_OPTION',
      '--look-up names columns of reference tables, but there are none',
      'Add --reference DIR, or remove --look-up.',
    );
  }
  if (options.apiUrl !== undefined) return { kind: 'url', url: options.apiUrl };
  return { kind: 'hosted' };
}

/** Parses `field=column` pairs. */
export function parseLookUp(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [field = '', column = ''] = text.split(/=([\s\S]*)/).map((part) => part.trim());
      if (field !== '' && column !== '') return [field, column];
      throw createUsageError(
        'BAD_OPTION',
        `--look-up is “${text}”`,
        'Write the field, = and the column of the tables, such as --look-up Ort=city.',
      );
    }),
  );
}

/** The default output path: next to the input, with `.filled` added to its name, or `.plain` for values alone. */
export function resolveOutput({
  input,
  format,
  plain,
}: Pick<EnrichOptions, 'input' | 'format' | 'plain'>): string {
  // A file descriptor such as /dev/fd/3 has no folder to put an output in.
  if (input === '-' || isDescriptorPath(input)) return '-';
  const suffix = input.toLowerCase().endsWith('.gz') ? input.slice(-3) : '';
  const path = input.slice(0, input.length - suffix.length);
  const extension = extname(path);
  const own = resolveWorkbookEnding(extension);
  const ending = format === undefined || OWN_ENDINGS[format].test(own) ? own : `.${format}`;
  // The next output of a filled file is not filled twice.
  const stem = path
    .slice(0, path.length - extension.length)
    .replace(plain === true ? /\.(?:filled|plain)$/ : /\.filled$/, '');
  // Values alone: a filled file can be given back only with what stands beside them.
  return `${stem}.${plain === true ? 'plain' : 'filled'}${ending}${suffix}`;
}

/** The default path of a report: `companies.report.html` next to `companies.csv`. */
export function resolveReport(input: string): string {
  const path = input.replace(/\.gz$/i, '');
  return `${path.slice(0, path.length - extname(path).length)}.report.html`;
}

/** The ending of a workbook's output: macros are kept, and a template becomes a workbook. */
function resolveWorkbookEnding(extension: string): string {
  if (/^\.xltm$/i.test(extension)) return '.xlsm';
  return /^\.(?:xls|xltx)$/i.test(extension) ? '.xlsx' : extension;
}

const OWN_ENDINGS = {
  csv: /^\.(csv|tsv|tab|txt)$/i,
  jsonl: /^\.(jsonl|ndjson)$/i,
  json: /^\.json$/i,
  xlsx: /^\.xls[xm]$/i,
} as const;

function resolveQuery(query: string | undefined): string {
  if (query === undefined) return DEFAULT_QUERY;
  if (query.trim() === '')
    throw createUsageError('EMPTY_QUERY', '--query is empty', 'Describe what to find out.');
  return query.trim();
}

function resolveEfforts(options: EnrichOptions): readonly string[] {
  const efforts = options.effort ?? DEFAULTS.efforts;
  if (efforts.length === 0 || efforts.some((effort) => !/^[a-z]+$/.test(effort))) {
    throw createUsageError(
      'BAD_EFFORT',
      `--effort ${efforts.join(',')} is not a list of effort levels`,
      describeEfforts(),
    );
  }
  if (new Set(efforts).size < efforts.length) {
    throw createUsageError(
      'BAD_EFFORT',
      `--effort ${efforts.join(',')} lists a level twice`,
      'List each level once, lowest first.',
    );
  }
  const order = Object.keys(HOSTED_PRICES).filter((level) => level !== 'auto');
  const ranks = efforts.map((effort) => order.indexOf(effort)).filter((rank) => rank >= 0);
  const fall = ranks.findIndex((rank, index) => rank < (ranks[index - 1] ?? 0));
  if (fall > 0) {
    throw createUsageError(
      'BAD_EFFORT',
      `--effort ${efforts.join(',')} goes down from ${order[ranks[fall - 1] ?? 0]} to ${order[ranks[fall] ?? 0]}`,
      'Name the lowest level first: each next one is for what is still missing.',
    );
  }
  const known = { ...HOSTED_PRICES, ...options.prices };
  const unknown = efforts.find((effort) => !Object.hasOwn(known, effort));
  if (unknown !== undefined) {
    const [nearest] = suggestSimilar(unknown, Object.keys(known));
    const hint = nearest === undefined ? describeEfforts() : `Did you mean ${nearest}? ${describeEfforts()}`;
    throw createUsageError('BAD_EFFORT', `unknown effort level “${unknown}”`, hint);
  }
  return efforts;
}

function describeEfforts(): string {
  return `The levels are ${Object.keys(HOSTED_PRICES).join(', ')}. Any other level needs a price in a recipe.`;
}

function resolveEscalation(text: string | undefined, efforts: readonly string[]): Confidence | null {
  if (text === undefined) return null;
  const confidence = CONFIDENCES.find((known) => known === text);
  if (confidence === undefined) {
    throw createUsageError('BAD_OPTION', `--escalate-below is ${text}`, 'Use medium or high.');
  }
  if (efforts.length > 1) return confidence;
  throw createUsageError(
    'BAD_OPTION',
    '--escalate-below needs a second effort level to retry at',
    'List several levels, such as --effort low,high.',
  );
}

function resolvePrices(prices: Readonly<Record<string, number>>): PriceList {
  const own = Object.entries(prices).map(([effort, dollars]) => {
    const micros = toMicros(parseDollarOption(dollars, `the price of ${effort}`));
    return [effort, { worstMicros: micros, likelyMicros: micros }] as const;
  });
  return { ...HOSTED_PRICES, ...Object.fromEntries(own) };
}

/** Checks a whole number between two others. Throws BAD_OPTION with the option's name. Null if it is not given. */
export function checkWhole(
  name: string,
  value: number | undefined,
  least: number,
  most: number,
): number | null {
  if (value === undefined) return null;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw createUsageError(
    'BAD_OPTION',
    `--${name} is ${value}`,
    most === Number.MAX_SAFE_INTEGER
      ? `Use a whole number, at least ${least}.`
      : `Use a whole number from ${least} to ${most}.`,
  );
}

function checkWait(name: string, value: number | undefined, leastMs: number): number | null {
  if (value === undefined) return null;
  if (Number.isInteger(value) && value >= leastMs && value <= MAX_WAIT_MS) return value;
  throw createUsageError(
    'BAD_OPTION',
    `--${name} is ${value} ms`,
    `Use ${leastMs} ms to 20 days, in whole milliseconds.`,
  );
}

function checkNumber(name: string, value: number | undefined, least: number): number | null {
  if (value === undefined) return null;
  if (Number.isFinite(value) && value >= least) return value;
  throw createUsageError('BAD_OPTION', `--${name} is ${value}`, `Use a number of at least ${least}.`);
}

/** Parses a duration such as `30d` to ms. Throws BAD_OPTION with the option's name. */
export function parseDurationOption(name: string, text: string): number {
  const lengthMs = parseDuration(text);
  if (lengthMs !== null) return lengthMs;
  throw createUsageError(
    'BAD_OPTION',
    `--${name} is ${text}`,
    'Use a number with ms, s, m, h, d or w, such as 30d.',
  );
}

/** Returns a cap in micro-dollars, or null if `value` is undefined. `name` is the option's name in error messages. */
export function resolveCap(name: string, value: number | undefined): number | null {
  // Rounded down, so that rounding never raises a cap.
  return value === undefined ? null : Math.floor(parseDollarOption(value, name) * 1_000_000 + 1e-6);
}
