import { basename, dirname, extname, join } from 'node:path';
import { createUsageError } from '../../errors.js';
import { checkPath, createRecipe, type FileProfile, inspectFile } from '../../init.js';
import { guardPaths } from '../../job/check-paths.js';
import { type CommandArgs, createCommand, type OptionTable, type OptionValues } from '../command.js';
import type { Host } from '../host.js';
import { findLedger } from '../ledger-option.js';
import { askDraft, checkSend, type Draft, finishDraft, parseFields } from '../questions.js';
import { EXIT_CODES } from '../report-error.js';
import { INPUT_OPTIONS, JOB_OPTIONS } from '../run-options.js';

const { query, field, schema, send, apiUrl, reference, effort, maxCost } = JOB_OPTIONS;
const { encoding, delimiter, sheet, quote, headerRow, rowsAt } = INPUT_OPTIONS;

const OPTIONS = {
  outputRecipe: {
    kind: 'text',
    alias: 'o',
    value: 'FILE',
    about: 'Path of the recipe; - is standard output.',
    fallback: 'companies.recipe.yaml for companies.csv',
  },
  force: { kind: 'switch', about: 'Replace an existing recipe.' },
  yes: {
    kind: 'switch',
    alias: 'y',
    about: 'Ask no questions. Settings not given as options are suggested from the file.',
  },
  query,
  field,
  schema,
  send,
  apiUrl,
  reference,
  effort,
  maxCost,
  encoding,
  delimiter,
  sheet,
  quote,
  headerRow,
  rowsAt,
} as const satisfies OptionTable;

/** `rowfill init`: writes a first recipe from a file's header. */
export const init = createCommand({
  about:
    'Inspects a file and writes a first recipe for it, with comments. On a terminal it asks for settings not given as ' +
    'options. Elsewhere it suggests them from the file: mostly blank columns are filled, and only the columns that ' +
    'identify a row are sent.',
  options: OPTIONS,
  examples: [
    { line: 'rowfill init companies.csv', about: 'asks a few questions and writes companies.recipe.yaml' },
    {
      line: "rowfill init companies.csv -f headcount:integer -f 'ceo=Who leads it today' --send company,domain --yes",
      about: 'writes the recipe without asking',
    },
  ],
  async run(args, host) {
    const { options } = args;
    const [input = ''] = args.operands;
    const path = options.outputRecipe ?? resolvePlace(input);
    if (path !== '-') {
      await checkPath(path, options.force);
      const { schema, reference } = options;
      await guardPaths({ input, schema, reference, ledger: findLedger(host.env), outputRecipe: path });
    }
    if (options.reference !== undefined && options.apiUrl !== undefined) {
      throw createUsageError(
        'TWO_AGENTS',
        '--reference and --api-url cannot be used together',
        'Give only one of them.',
      );
    }
    const profile = await inspectFile({
      path: input,
      encoding: options.encoding,
      delimiter: options.delimiter,
      sheet: options.sheet,
      quote: options.quote,
      headerRow: options.headerRow,
      rowsAt: options.rowsAt,
    });
    const given = createGivenDraft(args, profile);
    const isInteractive = host.canAsk && options.yes !== true && input !== '-';
    const draft = isInteractive ? await askDraft(given, profile, host) : given;
    if (draft === null) {
      host.say('Nothing was written.');
      return EXIT_CODES.interrupted;
    }
    const text = await createRecipe({
      draft: finishDraft(draft, profile, input),
      path,
      force: options.force === true,
      env: host.env,
    });
    if (path === '-') host.print(text);
    else tellNext([input, ...listReadingWords(options)].join(' '), path, host);
    return EXIT_CODES.done;
  },
});

function resolvePlace(input: string): string {
  if (input === '-') return 'rowfill.recipe.yaml';
  const name = basename(input).replace(/\.gz$/i, '');
  return join(dirname(input), `${name.slice(0, name.length - extname(name).length)}.recipe.yaml`);
}

/** Collects the given options and checks their columns against the file. */
function createGivenDraft({ options }: CommandArgs<typeof OPTIONS>, profile: FileProfile): Draft {
  if (options.field !== undefined && options.schema !== undefined) {
    throw createUsageError(
      'TWO_SCHEMAS',
      '--schema and --field cannot be used together',
      'Give only one of them.',
    );
  }
  return {
    query: options.query,
    fields: options.field === undefined ? undefined : parseFields(options.field),
    schema: options.schema,
    send: options.send === undefined ? undefined : checkSend(options.send, profile),
    effort: options.effort,
    budget: options.maxCost,
    reference: options.reference,
    apiUrl: options.apiUrl,
  };
}

/** Quotes a word for a shell if it needs it. */
function quoteWord(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The given options that say how to read the input, which a recipe does not have. */
function listReadingWords(options: OptionValues<typeof OPTIONS>): string[] {
  const given = {
    '--encoding': options.encoding,
    '--delimiter': options.delimiter,
    '--sheet': options.sheet,
    '--quote': options.quote,
    '--header-row': options.headerRow,
    '--rows-at': options.rowsAt,
  };
  return Object.entries(given).flatMap(([flag, value]) =>
    value === undefined ? [] : [`${flag} ${quoteWord(String(value))}`],
  );
}

function tellNext(input: string, path: string, host: Host): void {
  host.say(`The recipe is in ${path}. Review it, then check what it would send and cost:`);
  host.say(`  rowfill plan ${input} --recipe ${path}`);
  host.say('docs/after-the-first-fill.md says how to add columns, correct values and refresh them later.');
}
