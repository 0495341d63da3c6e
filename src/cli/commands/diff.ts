import { existsSync } from 'node:fs';
import { type CompareResult, compareFiles, type DifferentCell } from '../../compare.js';
import { type ChangedCell, type DiffResult, diffJob } from '../../diff.js';
import { createUsageError } from '../../errors.js';
import { guardPaths } from '../../job/check-paths.js';
import { refuseResult } from '../../job/choose-output.js';
import type { Ledger } from '../../ledger/ledger.js';
import { parseDuration } from '../../model/clock.js';
import { formatCount, formatNumber } from '../../model/format.js';
import type { JsonObject } from '../../model/json.js';
import { findJob } from '../../view/find-job.js';
import { createCommand, type OptionValues } from '../command.js';
import { DiffOutput } from '../diff-output.js';
import type { Host } from '../host.js';
import { chooseLedger, LEDGER_OPTION, openExistingLedger, openNamedLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

const OPTIONS = {
  since: {
    kind: 'text',
    value: 'TIME',
    about: 'With JOB: what has changed since then, a date such as 2026-03-31, or an age such as 30d.',
    fallback: 'the start of the last run of the job',
  },
  on: {
    kind: 'list',
    value: 'COLUMNS',
    about: 'With A and B: match rows by these columns.',
    fallback: 'the columns that were sent, or all columns of the input',
  },
  output: {
    kind: 'text',
    alias: 'o',
    value: 'FILE',
    about:
      'Write all changed cells to this CSV file. An existing file is replaced, unless it is the result of a job.',
  },
  json: { kind: 'switch', about: 'Print all changed cells as one JSON object instead of text.' },
  input: {
    kind: 'text',
    value: 'FILE',
    about: 'With JOB: path of the input, if it was moved or the job read standard input.',
    fallback: 'the input of the job',
  },
  ...LEDGER_OPTION,
} as const;

const JOB_COLUMNS = [
  'line',
  'row',
  'field',
  'before',
  'after',
  'confidence',
  'effort',
  'date',
  'run_id',
] as const;
const FILE_COLUMNS = [
  ...['line_a', 'line_b', 'row', 'column', 'a', 'b'],
  ...['confidence_a', 'confidence_b', 'run_id_a', 'run_id_b'],
] as const;

/** `rowfill diff`: changed cells of a job, or of two files. */
export const diff = createCommand({
  about:
    'With JOB, shows what the last run of a job changed, cell by cell: the value before, the value now, its confidence, run, ' +
    'effort and date. JOB is a job id or the start of one, or an input or output file.\n' +
    'With A and B, compares the values of two files, such as the outputs of two efforts. Rows may be in any order. A job ' +
    'id stands for its output. Values that differ only in case or white space are the same.\n' +
    'It reads the ledger and the files, sends nothing and costs nothing.',
  options: OPTIONS,
  examples: [
    { line: 'rowfill diff companies.csv', about: 'shows what the last run changed' },
    { line: 'rowfill diff j_0f3a --since 7d -o week.csv', about: 'writes the changes of a week to a file' },
    { line: 'rowfill diff low.csv medium.csv', about: 'compares two outputs' },
  ],
  async run({ operands: [a = '', b], options }, host) {
    checkOptions(options, b !== undefined);
    await (b === undefined ? showJob(a, options, host) : showFiles(a, b, options, host));
    return EXIT_CODES.done;
  },
});

type Options = OptionValues<typeof OPTIONS>;

function checkOptions(options: Options, isOfFiles: boolean): void {
  const names = isOfFiles ? (['since', 'input'] as const) : (['on'] as const);
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw createUsageError(
    'BAD_OPTION',
    `--${given} is for ${isOfFiles ? 'one job' : 'two files'}`,
    isOfFiles ? 'Leave it out, or name one job.' : 'Leave it out, or name two files.',
  );
}

async function showJob(wanted: string, options: Options, host: Host): Promise<void> {
  const ledgerPath = chooseLedger(host.env, options.ledger);
  const ledger = await openNamedLedger(host, ledgerPath, true);
  try {
    const job = await findJob(ledger, wanted);
    const sinceMs = options.since === undefined ? job.openedAtMs : parseTime(options.since, host.now());
    const input = options.input ?? job.place?.input ?? job.input;
    if (options.output !== undefined) await refuseResult(options.output, job, ledger);
    const output = await openOutput(host, options, JOB_COLUMNS, [input], ledgerPath);
    const result = await output.collect((onRecord) =>
      diffJob({
        ledger,
        jobId: job.id,
        input: options.input,
        sinceMs,
        onCell: (cell) => onRecord(createJobRecord(cell)),
      }),
    );
    const fields = Object.fromEntries([...result.fields].map(([name, counts]) => [name, { ...counts }]));
    const { rows, changedRows } = result;
    const since = new Date(sinceMs).toISOString();
    output.finish({ job: job.id, since, rows, changed_rows: changedRows, fields });
    if (options.json !== true) {
      tellJob(output, job.id, options.since === undefined ? 'its last run' : since, result);
      output.tellCells(['row', 'field', 'before', 'after', 'confidence', 'effort', 'date', 'run_id']);
    }
  } finally {
    await ledger.close();
  }
}

function tellJob(
  output: DiffOutput,
  id: string,
  since: string,
  { rows, changedRows, fields }: DiffResult,
): void {
  const of = `${formatCount(changedRows)} of ${formatNumber(rows, 'row')}`;
  output.tell(`Job ${id}, since ${since}: values changed in ${of}.`);
  for (const [name, { changed, added, removed, confirmed }] of fields) {
    const parts = [
      `${formatCount(changed)} changed`,
      `${formatCount(added)} new`,
      `${formatCount(removed)} gone`,
      `${formatCount(confirmed)} found again`,
    ];
    output.tell(`  ${name}: ${parts.join(', ')}`);
  }
}

function createJobRecord(cell: ChangedCell): JsonObject {
  const { line, row, field, before, after, confidence, who, runId, effort, changedAtMs } = cell;
  return {
    line,
    row,
    field,
    before,
    after,
    // As in the output.
    confidence: who === 'human' ? 'human' : confidence,
    effort,
    date: new Date(changedAtMs).toISOString(),
    run_id: runId,
  };
}

async function showFiles(one: string, other: string, options: Options, host: Host): Promise<void> {
  const ledger = await openExistingLedger(host, options.ledger, true);
  try {
    const a = await findFile(one, ledger);
    const b = await findFile(other, ledger);
    const output = await openOutput(
      host,
      options,
      FILE_COLUMNS,
      [a, b],
      chooseLedger(host.env, options.ledger),
    );
    const result = await output.collect((onRecord) =>
      compareFiles({
        a,
        b,
        on: options.on ?? [],
        ledger,
        onCell: (cell) => onRecord(createFileRecord(cell)),
      }),
    );
    const columns = Object.fromEntries(
      [...result.columns].map(([name, { onlyA, onlyB, ...counts }]) => [
        name,
        { ...counts, only_a: onlyA, only_b: onlyB },
      ]),
    );
    const { on, matched, onlyA, onlyB, missing } = result;
    output.finish({
      a,
      b,
      on,
      rows: { matched, only_a: onlyA, only_b: onlyB },
      columns,
      only_in_one_file: missing,
    });
    if (options.json !== true) {
      tellFiles(output, a, b, result);
      output.tellCells(['row', 'column', 'a', 'b', 'confidence_a', 'confidence_b', 'line_a', 'line_b']);
    }
  } finally {
    await ledger?.close();
  }
}

/** The file that an operand names: its path, or the output of a job. */
async function findFile(operand: string, ledger: Ledger | null): Promise<string> {
  if (existsSync(operand) || ledger === null) return operand;
  const { id, output, place } = await findJob(ledger, operand);
  const path = place?.output ?? output;
  if (existsSync(path)) return path;
  throw createUsageError(
    'INPUT_NOT_FOUND',
    `the output of job ${id}, ${path}, does not exist`,
    `Write it again: rowfill export ${id} -o FILE`,
  );
}

function tellFiles(output: DiffOutput, a: string, b: string, result: CompareResult): void {
  const { on, matched, onlyA, onlyB, columns, missing } = result;
  output.tell(`A: ${a}`);
  output.tell(`B: ${b}`);
  const rows = `${formatNumber(matched, 'row')} in both, ${formatCount(onlyA)} only in A, ${formatCount(onlyB)} only in B`;
  output.tell(`Matched by ${on.join(', ')}: ${rows}.`);
  for (const [name, counts] of columns) {
    const parts = [
      `${formatCount(counts.same)} same`,
      `${formatCount(counts.changed)} changed`,
      `${formatCount(counts.onlyA)} only in A`,
      `${formatCount(counts.onlyB)} only in B`,
      `${formatCount(counts.blank)} blank`,
    ];
    output.tell(`  ${name}: ${parts.join(', ')}`);
  }
  if (missing.length > 0) output.tell(`Only one of the files has ${missing.join(', ')}.`);
}

function createFileRecord({ row, column, a, b }: DifferentCell): JsonObject {
  return {
    line_a: a.line,
    line_b: b.line,
    row,
    column,
    a: a.value,
    b: b.value,
    confidence_a: a.confidence,
    confidence_b: b.confidence,
    run_id_a: a.runId,
    run_id_b: b.runId,
  };
}

/** A file for the changed cells must not replace one that is compared. */
async function openOutput(
  host: Host,
  { output: path, json = false }: Options,
  columns: readonly string[],
  inputs: readonly string[],
  ledger: string,
): Promise<DiffOutput> {
  if (json && path === '-') {
    throw createUsageError(
      'TWO_OUTPUTS',
      '--json and --output both write to standard output',
      'Name a file with --output, or omit --json.',
    );
  }
  const guards = await Promise.all(
    path === undefined ? [] : inputs.map((input) => guardPaths({ input, ledger, output: path })),
  );
  const check = async (): Promise<void> => {
    for (const guard of guards) await guard.check('output');
  };
  return new DiffOutput(host, json, columns, path === undefined ? null : { path, inputs, check });
}

/** A date, a date and time, or an age. Dates are UTC, as in `enrichment_date`. */
function parseTime(text: string, nowMs: number): number {
  const ageMs = parseDuration(text);
  const ms = ageMs === null ? Date.parse(text) : nowMs - ageMs;
  if (!Number.isNaN(ms) && (ageMs !== null || /^\d{4}-\d{2}-\d{2}/.test(text))) return ms;
  throw createUsageError(
    'BAD_OPTION',
    `--since is ${text}`,
    'Use a date such as 2026-03-31, or an age such as 30d.',
  );
}
