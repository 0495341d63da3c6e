import { createUsageError } from '../errors.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import { parseDuration } from '../model/clock.js';
import type { FileFormat } from '../model/file-format.js';
import { parseDollarOption } from '../model/format.js';
import type { ApiKey } from '../model/option-types.js';
import type { EnrichOptions } from '../options.js';
import { readKeyFile } from './api-key.js';
import type { OptionTable, OptionValues } from './command.js';
import type { Environment, Host } from './host.js';

const ASK = 'What to ask';
const ROWS = 'Which rows and columns';
const FILES = 'Files';
const AGENT = 'The agent';
const MONEY = 'Money';

/** The options that say what a job asks, of whom and for how much; `run` and `plan` share them. */
export const JOB_OPTIONS = {
  recipe: {
    kind: 'text',
    alias: 'r',
    value: 'FILE',
    group: ASK,
    about: 'A YAML or JSON file that says what to ask, and how. Options beside it win.',
  },
  query: {
    kind: 'text',
    alias: 'q',
    value: 'TEXT',
    group: ASK,
    about: 'What to find out about every row, in words.',
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
    about: 'A JSON Schema whose properties are the columns to fill, instead of --field.',
  },
  system: {
    kind: 'text',
    value: 'TEXT',
    group: ASK,
    about: 'Rules for the agent, such as which sources to prefer.',
  },
  send: {
    kind: 'list',
    value: 'COLUMNS',
    group: ROWS,
    about:
      'The columns that are sent, with commas between; a name with a comma in double quotes. No other column leaves this machine.',
    fallback: 'every column that is not to be filled',
  },
  shareAnswers: {
    kind: 'switch',
    group: ROWS,
    about:
      'One answer for all rows that are equal in the sent columns is meant, even if they differ in others.',
  },
  exclude: {
    kind: 'text',
    value: 'FILE',
    group: ROWS,
    about: 'A list of what is not to be asked about, such as your customers.',
  },
  excludeOn: {
    kind: 'list',
    value: 'COLUMNS',
    group: ROWS,
    about: 'The columns that tell whether a row is on that list.',
    fallback: 'those that both files have',
  },
  limit: {
    kind: 'integer',
    value: 'N',
    group: ROWS,
    about: 'Work on the first N rows; the others stay pending.',
  },
  sample: {
    kind: 'integer',
    value: 'N',
    group: ROWS,
    about:
      'Work on N rows picked evenly from the whole file, or from the rows of --limit; the same ones every time.',
  },
  overwrite: { kind: 'switch', group: ROWS, about: 'Ask for filled cells too, and replace them.' },
  refresh: { kind: 'switch', group: ROWS, about: 'Ask again for what the ledger has.' },
  maxAge: {
    kind: 'text',
    value: 'AGE',
    group: ROWS,
    about: 'Ask again for what is older than this, such as 30d, 12h or 2w.',
  },
  apiUrl: {
    kind: 'text',
    value: 'URL',
    group: AGENT,
    about: 'An agent at another address.',
    fallback: 'the hosted service, with the key in EXA_API_KEY',
  },
  reference: {
    kind: 'text',
    value: 'DIR',
    group: AGENT,
    about: 'Answer from the tables in DIR, on this machine and for free. It does not search the web.',
  },
  effort: {
    kind: 'list',
    value: 'LEVELS',
    group: AGENT,
    about:
      'How hard the agent tries: minimal, low, medium, high, xhigh. Of several, the next is for what is still missing.',
    fallback: 'low',
  },
  escalateBelow: {
    kind: 'text',
    value: 'CONFIDENCE',
    group: AGENT,
    about: 'Answers below this confidence, medium or high, climb to the next effort as if they were missing.',
  },
  batchSize: {
    kind: 'integer',
    value: 'N',
    group: AGENT,
    about: 'Rows in one run. A run has one price, so more rows are cheaper, and each gets less attention.',
    fallback: '8',
  },
  concurrency: {
    kind: 'integer',
    value: 'N',
    group: AGENT,
    about: 'The most runs at once; fewer where the agent takes fewer.',
    fallback: '20',
  },
  startsPerSecond: {
    kind: 'number',
    value: 'N',
    group: AGENT,
    about: 'Runs started in a second; 0 for no limit.',
    fallback: '5, and no limit for an agent on this machine',
  },
  runTimeout: {
    kind: 'text',
    value: 'TIME',
    group: AGENT,
    about:
      'How long one run is waited for, such as 75m; past it the job goes on, and looks again the next time.',
    fallback: '75m, and 3.5h for the efforts ultra and max',
  },
  listLag: {
    kind: 'text',
    value: 'TIME',
    group: AGENT,
    about:
      'How far the agent’s list of runs may lag: so long a start without a reply is looked for before it is made again.',
    fallback: '15s',
  },
  maxCost: {
    kind: 'dollars',
    value: 'USD',
    group: MONEY,
    about:
      'The most that this job may cost, over every time it is run. It is never passed. ROWFILL_MAX_COST_PER_DAY limits ' +
      'what all jobs of the ledger may cost in a day.',
  },
  keepGoing: {
    kind: 'switch',
    group: MONEY,
    about:
      'Go on, from now on, if the first 24 answered rows hold no value. Otherwise such a job asks on a terminal, and stops elsewhere.',
  },
} as const satisfies OptionTable;

/** The options that say how the input is written down. */
export const INPUT_OPTIONS = {
  encoding: {
    kind: 'text',
    value: 'NAME',
    group: FILES,
    about: 'The input’s encoding.',
    fallback: 'what it looks like',
  },
  delimiter: {
    kind: 'text',
    value: 'CHAR',
    group: FILES,
    about: 'What stands between the input’s cells; tab for a tab.',
    fallback: 'what it looks like',
  },
  sheet: {
    kind: 'text',
    value: 'NAME',
    group: FILES,
    about: 'Of a workbook (.xlsx), the sheet to fill: its name or its number.',
    fallback: 'the first one that is not hidden and has a table',
  },
  noHeader: {
    kind: 'switch',
    group: FILES,
    about: 'The first line is a row; the columns are called column_1, column_2, …',
  },
  blank: {
    kind: 'list',
    value: 'WORDS',
    group: FILES,
    about: 'Words that count as an empty cell, instead of N/A, null, - and the like; +tbd adds one to those.',
    fallback: 'N/A, #N/A, #REF!, #VALUE!, NULL, \\N, (blank), ?, dashes',
  },
  strict: {
    kind: 'switch',
    group: FILES,
    about: 'Refuse a file with rows of the wrong length or lines that are no rows.',
  },
} as const satisfies OptionTable;

/** The options of a job as the library takes them: those of its recipe, and over them those of the command line. */
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
    ledger: resolveLedgerPath(host.env),
  };
  if (recipe === undefined) return options;
  // Loaded when it is called for: most commands read no recipe.
  const { mergeRecipe, readRecipe } = await import('../recipe/read-recipe.js');
  return mergeRecipe(options, await readRecipe(recipe, host.env));
}

function parseTime(flag: string, text: string, example: string): number {
  const lengthMs = parseDuration(text);
  if (lengthMs !== null) return lengthMs;
  throw createUsageError(
    'BAD_OPTION',
    `${flag} is ${text}`,
    `It takes a number with ms, s, m, h or d, such as ${example}.`,
  );
}

/** What all jobs of a ledger may cost in a day: from the environment, so that no command can leave it out. */
function resolveDayCap(env: Environment): { readonly ledgerMaxCostPerDay?: number } {
  const text = env.ROWFILL_MAX_COST_PER_DAY?.trim() ?? '';
  return text === '' ? {} : { ledgerMaxCostPerDay: parseDollarOption(text, 'ROWFILL_MAX_COST_PER_DAY') };
}

/** The key of the hosted service: from the environment or a file only, since other users can see a command line. */
export function resolveApiKey(env: Environment): { readonly apiKey?: ApiKey } {
  const apiKey = env.EXA_API_KEY?.trim() ?? '';
  if (apiKey !== '') return { apiKey };
  const file = env.EXA_API_KEY_FILE ?? '';
  return file === '' ? {} : { apiKey: () => readKeyFile(file) };
}

/** The heading over the options that say what is told. */
export const REPORT = 'What it tells';

/** The options that say what becomes of a job and who hears of it; `plan` takes them as well, and does nothing with them. */
export const RESULT_OPTIONS = {
  yes: {
    kind: 'switch',
    alias: 'y',
    group: MONEY,
    about: 'Start without a question, whatever it costs.',
  },
  cancelOnInterrupt: {
    kind: 'switch',
    group: MONEY,
    about: 'On Ctrl-C, cancel the runs at the agent; else they go on, and the same command picks them up.',
  },
  output: {
    kind: 'text',
    alias: 'o',
    value: 'FILE',
    group: FILES,
    about: 'Where the result goes; - is standard output. A file of this name is replaced.',
    fallback: 'companies.filled.csv for companies.csv, or companies.filled-2.csv beside another job’s',
  },
  format: {
    kind: 'text',
    value: 'FORMAT',
    group: FILES,
    about: 'The format of the result: csv, jsonl, json or xlsx.',
    fallback: 'that of the input, or what the ending of the output says',
  },
  citationsFile: {
    kind: 'text',
    value: 'FILE',
    group: FILES,
    about: 'Write every citation there too, one JSON object a line.',
  },
  bom: { kind: 'switch', group: FILES, about: 'Begin a CSV with a byte order mark, for Excel.' },
  raw: {
    kind: 'switch',
    group: FILES,
    about:
      'Write the agent’s text as it came: formulas that a spreadsheet would run, control characters and all.',
  },
  quiet: { kind: 'switch', group: REPORT, about: 'Say nothing but errors and questions.' },
  logFile: {
    kind: 'text',
    value: 'FILE',
    group: REPORT,
    about: 'Add one JSON object an event to FILE; it holds no cells and no key.',
  },
  logValues: {
    kind: 'switch',
    group: REPORT,
    about: 'Put the values that the agent gave into the log, with each row.',
  },
} as const satisfies OptionTable;

const FORMATS: readonly FileFormat[] = ['csv', 'jsonl', 'json', 'xlsx'];

/** The value of `--format`, as an option to spread; nothing where it was not given. */
export function parseFormat(text: string | undefined): { readonly format?: FileFormat } {
  if (text === undefined) return {};
  const format = FORMATS.find((known) => known === text.trim().toLowerCase());
  if (format !== undefined) return { format };
  throw createUsageError('BAD_FORMAT', `--format is “${text}”`, `It takes ${FORMATS.join(', ')}.`);
}
