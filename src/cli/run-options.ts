import { createUsageError } from '../errors.js';
import { parseDuration } from '../model/clock.js';
import { type Environment, readOwnVariable } from '../model/environment.js';
import type { FileFormat } from '../model/file-format.js';
import { parseDollarOption } from '../model/format.js';
import type { ApiKey } from '../model/option-types.js';
import type { EnrichOptions } from '../options.js';
import { readKeyFile } from './api-key.js';
import type { OptionTable, OptionValues } from './command.js';
import type { Host } from './host.js';
import { chooseLedger, choosePageFolder, LEDGER_OPTION } from './ledger-option.js';

const ASK = 'Query and columns to fill';
const ROWS = 'Rows and columns to send';
const FILES = 'Files';
const AGENT = 'Agent';
const MONEY = 'Cost';
const CHECKS = 'Checking citations';

/** The options that define a job: query, rows, agent and cost. `run` and `plan` share them. */
export const JOB_OPTIONS = {
  recipe: {
    kind: 'text',
    alias: 'r',
    value: 'FILE',
    group: ASK,
    about: 'A YAML or JSON file with the settings of the job. Options on the command line override it.',
  },
  query: {
    kind: 'text',
    alias: 'q',
    value: 'TEXT',
    group: ASK,
    about: 'What to find out about each row, in plain words.',
  },
  field: {
    kind: 'texts',
    alias: 'f',
    value: 'NAME[:TYPE][=TEXT]',
    group: ASK,
    about:
      'A column to fill. Types: string, number, integer, boolean, date, datetime, url, email, phone, enum(a|b), list(string).',
  },
  schema: {
    kind: 'text',
    alias: 's',
    value: 'FILE',
    group: ASK,
    about: 'A JSON Schema whose properties are the columns to fill; use instead of --field.',
  },
  system: {
    kind: 'text',
    value: 'TEXT',
    group: ASK,
    about: 'Instructions for the agent, such as which sources to prefer.',
  },
  send: {
    kind: 'list',
    value: 'COLUMNS',
    group: ROWS,
    about:
      'Columns to send, separated by commas; put a name that contains a comma in double quotes. No other column leaves this machine.',
    fallback: 'every column that is not being filled',
  },
  shareAnswers: {
    kind: 'switch',
    group: ROWS,
    about: 'Confirm that rows with equal sent columns should share one answer, even if other columns differ.',
  },
  exclude: {
    kind: 'text',
    value: 'FILE',
    group: ROWS,
    about: 'A file of records to skip, such as your customers.',
  },
  excludeOn: {
    kind: 'list',
    value: 'COLUMNS',
    group: ROWS,
    about:
      'The columns that must agree with that list. For columns of different names, write Website=Homepage: first the input, then the list.',
    fallback: 'an equal email or domain, or an equal name if the domains do not differ',
  },
  limit: {
    kind: 'integer',
    value: 'N',
    group: ROWS,
    about: 'Process only the first N rows; the rest stay pending.',
  },
  sample: {
    kind: 'integer',
    value: 'N',
    group: ROWS,
    about:
      'Process N rows spread evenly over the file, or over the rows of --limit. Always picks the same rows.',
  },
  overwrite: {
    kind: 'switch',
    group: ROWS,
    about: 'Also look up cells that already have a value, and replace them.',
  },
  refresh: { kind: 'switch', group: ROWS, about: 'Ignore answers in the ledger and send the rows again.' },
  maxAge: {
    kind: 'text',
    value: 'AGE',
    group: ROWS,
    about: 'Ignore answers in the ledger that are older than this, such as 30d, 12h or 2w.',
  },
  only: {
    kind: 'list',
    value: 'FIELDS',
    group: ROWS,
    about: 'Ask only for these fields, separated by commas. The others stay as they are.',
  },
  again: {
    kind: 'list',
    value: 'STATUSES',
    group: ROWS,
    about:
      'Ask again for what is missing in rows that are not_found, partial or failed. `cleared`: ask for all cells of a filled file that were cleared, however many.',
  },
  apiUrl: {
    kind: 'text',
    value: 'URL',
    group: AGENT,
    about: 'The URL of the agent.',
    fallback: 'the hosted service, with the key in EXA_API_KEY',
  },
  insecureHttp: {
    kind: 'switch',
    group: AGENT,
    about: 'Send the key unencrypted to an http:// address on another machine. Only for a private network.',
  },
  reference: {
    kind: 'text',
    value: 'DIR',
    group: AGENT,
    about:
      'Answer from the tables in DIR, or from one table, locally and for free, instead of searching the web.',
  },
  lookUp: {
    kind: 'list',
    value: 'FIELD=COLUMN',
    group: AGENT,
    about: 'Columns of the reference tables that answer fields of another name, such as Ort=city.',
  },
  effort: {
    kind: 'list',
    value: 'LEVELS',
    group: AGENT,
    about:
      'Effort level: minimal, low, medium, high or xhigh. If you list several, each next level retries what is still missing.',
    fallback: 'low',
  },
  escalateBelow: {
    kind: 'text',
    value: 'CONFIDENCE',
    group: AGENT,
    about: 'Retry answers below this confidence (medium or high) at the next effort level.',
  },
  batchSize: {
    kind: 'integer',
    value: 'N',
    group: AGENT,
    about:
      'Rows per run. A run has a fixed price, so larger batches are cheaper, but each row gets less attention.',
    fallback: '8',
  },
  concurrency: {
    kind: 'integer',
    value: 'N',
    group: AGENT,
    about: 'Maximum number of concurrent runs; rowfill uses fewer if the agent allows fewer.',
    fallback: '20',
  },
  startsPerSecond: {
    kind: 'number',
    value: 'N',
    group: AGENT,
    about: 'Maximum run starts per second; 0 for no limit.',
    fallback: '5, or no limit for an agent on this machine',
  },
  runTimeout: {
    kind: 'text',
    value: 'TIME',
    group: AGENT,
    about:
      'Timeout of a run, such as 75m. After it, the job continues without the run and collects it next time.',
    fallback: '75m, or 3.5h for the efforts ultra and max',
  },
  listLag: {
    kind: 'text',
    value: 'TIME',
    group: AGENT,
    about:
      'How far the agent’s list of runs may lag. If starting a run got no reply, rowfill looks for it this long before starting it again.',
    fallback: '15s',
  },
  maxCost: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about:
      'Cap on the total cost of this job over all its invocations; never exceeded. ROWFILL_MAX_COST_PER_DAY caps the ' +
      'daily cost of all jobs in the ledger.',
  },
  maxCostNow: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about: 'Cap on what this command may add to the cost of the job, such as for a refresh.',
  },
  keepGoing: {
    kind: 'switch',
    group: MONEY,
    about:
      'Continue, now and in later invocations, even if the first 24 answered rows have no values. By default such a job asks on a terminal and stops elsewhere.',
  },
  ledger: { ...LEDGER_OPTION.ledger, group: FILES },
  verify: {
    kind: 'switch',
    group: CHECKS,
    about:
      'Open each cited page as rows are answered, look for the value there, and add the columns FIELD_verdict and FIELD_passage_url. Free.',
  },
  fetchPrivate: {
    kind: 'texts',
    value: 'HOST[:PORT]',
    group: CHECKS,
    about:
      'With --verify, also fetch pages of this host in a private network, or of a range such as 10.0.0.0/8.',
  },
  hostDelay: {
    kind: 'text',
    value: 'TIME',
    group: CHECKS,
    about: 'With --verify, pause between two requests to the same site.',
    fallback: '1s',
  },
} as const satisfies OptionTable;

/** How values are written into an output. */
export const LAYOUT_OPTIONS = {
  bom: { kind: 'switch', group: FILES, about: 'Start a CSV with a byte order mark, for Excel.' },
  plain: {
    kind: 'switch',
    group: FILES,
    about:
      'Write only the input’s columns and the fields, without confidence, citations and enrichment_*. A workbook becomes one sheet of values.',
  },
  sources: {
    kind: 'text',
    value: 'PLACE',
    group: FILES,
    about: 'Where the sources of a workbook’s values go: columns, comments or sheet.',
    fallback: 'columns',
  },
  raw: {
    kind: 'switch',
    group: FILES,
    about:
      'Write the agent’s text unchanged, including control characters and text that a spreadsheet would run as a formula.',
  },
} as const satisfies OptionTable;

/** The options for the format of the input. */
export const INPUT_OPTIONS = {
  encoding: {
    kind: 'text',
    value: 'NAME',
    group: FILES,
    about: 'Encoding of the input.',
    fallback: 'detected',
  },
  delimiter: {
    kind: 'text',
    value: 'CHAR',
    group: FILES,
    about: 'Column separator of the input; `tab` for a tab.',
    fallback: 'detected',
  },
  sheet: {
    kind: 'text',
    value: 'NAME',
    group: FILES,
    about: 'Sheet of a workbook (.xlsx) to fill, by name or number.',
    fallback: 'the first visible sheet with a table',
  },
  quote: {
    kind: 'text',
    value: 'CHAR',
    group: FILES,
    about: 'Quote character of the input; `none` if quotes are part of the text.',
    fallback: 'detected',
  },
  headerRow: {
    kind: 'integer',
    value: 'N',
    group: FILES,
    about: 'The header is on line N of the file, or in row N of the sheet.',
    fallback: 'found in the first lines',
  },
  rowsAt: {
    kind: 'text',
    value: 'PATH',
    group: FILES,
    about: 'List of a JSON document with the rows, such as data.items; `.` is the object itself.',
    fallback: 'its only list of objects',
  },
  hiddenRows: {
    kind: 'text',
    value: 'CHOICE',
    group: FILES,
    about: 'Hidden rows of a workbook: `skip` leaves them alone, `fill` fills them.',
    fallback: 'fill; before a paid job rowfill asks',
  },
  noHeader: {
    kind: 'switch',
    group: FILES,
    about: 'The file has no header row; the columns are named column_1, column_2, …',
  },
  blank: {
    kind: 'list',
    value: 'WORDS',
    group: FILES,
    about:
      'Words that count as an empty cell, instead of N/A, null, - and so on; +tbd adds a word to the default list.',
    fallback: 'N/A, #N/A, #REF!, #VALUE!, NULL, \\N, (blank), ?, dashes',
  },
  strict: {
    kind: 'switch',
    group: FILES,
    about: 'Reject a file that has rows of the wrong length or unreadable lines.',
  },
} as const satisfies OptionTable;

/** Merges the options of the command line over those of the recipe, in the form that the library takes. */
export async function resolveJobOptions(
  input: string,
  values: OptionValues<typeof JOB_OPTIONS & typeof INPUT_OPTIONS>,
  host: Host,
): Promise<EnrichOptions> {
  const { recipe, field, noHeader, runTimeout, listLag, ...same } = values;
  const options = {
    ...same,
    input,
    ...(field === undefined ? {} : { fields: field }),
    ...(noHeader === true ? { header: false } : {}),
    ...(runTimeout === undefined ? {} : { runTimeoutMs: parseTime('--run-timeout', runTimeout, '75m') }),
    ...(listLag === undefined ? {} : { listLagMs: parseTime('--list-lag', listLag, '15s') }),
    ...resolveApiKey(host.env),
    ...resolveDayCap(host.env),
    ...(values.ledger === undefined ? {} : { ledger: chooseLedger(host.env, values.ledger) }),
    ...(values.verify === true ? { pages: choosePageFolder(host.env) } : {}),
  };
  const merged = recipe === undefined ? options : await mergeRecipeOf(recipe, options, host);
  return { ...merged, ledger: merged.ledger ?? chooseLedger(host.env, undefined) };
}

async function mergeRecipeOf(recipe: string, options: EnrichOptions, host: Host): Promise<EnrichOptions> {
  // Loaded on demand: most commands read no recipe.
  const { mergeRecipe, readRecipe } = await import('../recipe/read-recipe.js');
  return mergeRecipe(options, await readRecipe(recipe, host.env));
}

function parseTime(flag: string, text: string, example: string): number {
  const lengthMs = parseDuration(text);
  if (lengthMs !== null) return lengthMs;
  throw createUsageError(
    'BAD_OPTION',
    `${flag} is ${text}`,
    `Use a number with ms, s, m, h, d or w, such as ${example}.`,
  );
}

const DAY_CAP = 'ROWFILL_MAX_COST_PER_DAY';

/** Daily cap for all jobs of a ledger. From the environment, so that no command can omit it. */
function resolveDayCap(env: Environment): { readonly ledgerMaxCostPerDay?: number } {
  const text = readOwnVariable(env, DAY_CAP);
  return text === null ? {} : { ledgerMaxCostPerDay: parseDollarOption(text, DAY_CAP) };
}

/** What the environment says about the agent: the key, and the daily cap of the ledger. */
export function resolveAgentOptions(env: Environment): {
  readonly apiKey?: ApiKey;
  readonly ledgerMaxCostPerDay?: number;
} {
  return { ...resolveApiKey(env), ...resolveDayCap(env) };
}

/** The key of the hosted service. Only from the environment or a file, because other users can see command lines. */
export function resolveApiKey(env: Environment): { readonly apiKey?: ApiKey } {
  const apiKey = env.EXA_API_KEY?.trim() ?? '';
  if (apiKey !== '') return { apiKey };
  const file = env.EXA_API_KEY_FILE ?? '';
  return file === '' ? {} : { apiKey: () => readKeyFile(file) };
}

/** The option that hands batches out. */
export const WORKERS_OPTION = {
  workers: {
    kind: 'switch',
    group: AGENT,
    about:
      'Hand the batches out to rowfill worker processes, on any machine. Needs --ledger postgres://…. --concurrency is then ' +
      'the limit for all of them together.',
  },
} as const;

/** Help heading of the options for messages and logs. */
export const REPORT = 'Output and logging';

/** The options for the output, logging and confirmation of a job. `plan` accepts and ignores them. */
export const RESULT_OPTIONS = {
  yes: {
    kind: 'switch',
    alias: 'y',
    group: MONEY,
    about: 'Start without asking, whatever it costs.',
  },
  cancelOnInterrupt: {
    kind: 'switch',
    group: MONEY,
    about: 'On Ctrl-C, cancel the active runs. By default they continue, and the same command collects them.',
  },
  output: {
    kind: 'text',
    alias: 'o',
    value: 'FILE',
    group: FILES,
    about: 'Path of the result; - is standard output. An existing file is replaced.',
    fallback:
      'companies.filled.csv for companies.csv, or companies.filled-2.csv if that belongs to another job',
  },
  format: {
    kind: 'text',
    value: 'FORMAT',
    group: FILES,
    about: 'Format of the result: csv, jsonl, json or xlsx.',
    fallback: 'from the extension of the output, else the format of the input',
  },
  citationsFile: {
    kind: 'text',
    value: 'FILE',
    group: FILES,
    about: 'Also write every citation to this file, one JSON object per line.',
  },
  ...LAYOUT_OPTIONS,
  wait: {
    kind: 'switch',
    group: REPORT,
    about:
      'If another process works on this job, wait until it has ended, instead of ending with exit code 75.',
  },
  quiet: { kind: 'switch', group: REPORT, about: 'Print only errors and questions.' },
  logFile: {
    kind: 'text',
    value: 'FILE',
    group: REPORT,
    about: 'Append one JSON object per event to FILE, without cell values and without the key.',
  },
  logValues: {
    kind: 'switch',
    group: REPORT,
    about: 'Include the agent’s values of each row in the log.',
  },
} as const satisfies OptionTable;

const FORMATS: readonly FileFormat[] = ['csv', 'jsonl', 'json', 'xlsx'];

/** Parses `--format` into an option to spread; an empty object if it was not given. */
export function parseFormat(text: string | undefined): { readonly format?: FileFormat } {
  if (text === undefined) return {};
  const format = FORMATS.find((known) => known === text.trim().toLowerCase());
  if (format !== undefined) return { format };
  throw createUsageError('BAD_FORMAT', `--format is “${text}”`, `Use one of ${FORMATS.join(', ')}.`);
}
