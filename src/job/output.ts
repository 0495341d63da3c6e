import { stat } from 'node:fs/promises';
import { joinRows } from '../answer/join-rows.js';
import { RowfillError } from '../errors.js';
import type { JobRecord, Ledger, Spend, StoredAnswer } from '../ledger/ledger.js';
import type { FieldAnswer, FilledRow, RowCounts } from '../model/answer.js';
import { type Ask, hashText } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type {
  EnrichEvent,
  FinishedOutput,
  JobSummary,
  ReachedBudget,
  RemainingRows,
} from '../model/events.js';
import { type FileFormat, holdsObjects } from '../model/file-format.js';
import type { JsonObject } from '../model/json.js';
import { KeySet } from '../model/key-set.js';
import { lookAhead } from '../model/look-ahead.js';
import { listSourceColumns } from '../model/output-columns.js';
import {
  createQuestion,
  type FileHistory,
  listKeys,
  type RowQuestion,
  resolveKey,
} from '../model/question.js';
import type { Row } from '../model/row.js';
import { VERSION } from '../model/version.js';
import { INPUT_GREW, type Input } from '../read/open-input.js';
import type { Exclusion } from '../select/exclusion.js';
import {
  createFitCheck,
  type OutputOptions,
  openOutput,
  resolveFormat,
  resolveLayout,
} from '../write/open-output.js';
import { createSlimTable } from '../write/slim-rows.js';
import { readCellVerdicts } from './cell-verdicts.js';
import { chooseOutputAgain, createJobPathCheck, hashFile } from './choose-output.js';
import type { JobContext } from './job-context.js';
import { type OutputCounts, OutputTally } from './output-tally.js';
import { resolveDayCaps } from './progress.js';
import type { RecoveredBatches } from './recover.js';
import { reportWarnings } from './report-warnings.js';
import { KEPT } from './resolve-ask.js';
import { refuseOwnColumns } from './returned-file.js';
import type { ReturnedTable } from './returned-table.js';

interface OutputJob {
  readonly input: Input;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly history: FileHistory;
  /** Set for a filled file that was returned. */
  readonly table?: ReturnedTable | null;
  readonly ledger: Ledger;
  readonly job: JobRecord;
  readonly exclusion: Exclusion;
  /** Name of the exclusion file in messages. */
  readonly exclusionName: string;
  /** Status of a row without an answer. */
  readonly unasked: 'over_budget' | 'pending';
  /** False for a row that the job skips. */
  isWanted(row: Row): boolean;
  /** Path of the input, whose permissions a new output gets. */
  readonly inputPath: string;
  readonly path: string;
  readonly overwrite: boolean;
  readonly raw: boolean;
  readonly format?: FileFormat | undefined;
  readonly bom?: boolean | undefined;
  readonly plain?: boolean | undefined;
  readonly sources?: OutputOptions['sources'];
  readonly citationsFile?: string | undefined;
  readonly beforeCommit?: OutputOptions['beforeCommit'];
  readonly checkPath: OutputOptions['checkPath'];
  readonly onNote?: OutputOptions['onNote'];
  readonly signal?: OutputOptions['signal'];
  /** Called for every written row. */
  readonly onRow?: ((filled: FilledRow) => void) | undefined;
}

interface WrittenOutput extends OutputCounts {
  readonly needsBom: boolean;
  /** SHA-256 of the file; null without a file. */
  readonly digest: string | null;
}

/** Writes the output of the current job. */
export async function writeJobOutput(
  context: JobContext,
): Promise<WrittenOutput & { readonly path: string }> {
  const { settings, stop, hooks } = context;
  const { options } = settings;
  const { path, note } = await chooseOutputAgain(context);
  if (note !== null) reportWarnings(context, [{ code: 'OUTPUT_RENAMED', message: note }]);
  const written = await writeOutput({
    ...context,
    exclusionName: options.exclude ?? '',
    unasked: stop.reason === 'budget' ? 'over_budget' : 'pending',
    isWanted: context.select.isWanted,
    inputPath: options.input,
    path,
    format: options.format,
    overwrite: settings.overwrite,
    raw: options.raw ?? false,
    bom: options.bom,
    ...resolveLayout(options),
    citationsFile: options.citationsFile,
    beforeCommit: () => context.lease?.refuseLost(),
    checkPath: createJobPathCheck(context),
    onNote: (each) => reportWarnings(context, [each]),
    signal: hooks.signal,
    onRow:
      hooks.onEvent === undefined ? undefined : createRowReport(hooks.onEvent, hooks.withValues === true),
  });
  context.onEvent({ type: 'written', path, rows: written.rows });
  return { ...written, path };
}

/** Reads the input again, joins each row with its answer and writes all rows. The file appears only when complete. */
export async function writeOutput(parts: OutputJob): Promise<WrittenOutput> {
  const { input, ledger, job, onRow } = parts;
  await input.readColumns();
  const hasVerdicts = (await ledger.getAnswerState(job)).verdicts > 0;
  const { ownColumns } = parts.table ?? {};
  const slimmed =
    parts.plain === true && ownColumns !== undefined
      ? createSlimTable(input.columns, input.shape, ownColumns)
      : null;
  const output = await openOutput({
    ...parts,
    verdicts: hasVerdicts,
    isReturned: parts.history.returned != null,
    isSavedAs: (column, form) => parts.history.returned?.isSavedAs(column, form) === true,
    findSavedDate: (column) => parts.history.returned?.findSavedDate(column) ?? null,
    mode: await readMode(parts.inputPath),
    shape: slimmed?.shape ?? input.shape,
    columns: slimmed?.columns ?? input.columns,
    fields: parts.ask.fields,
    schema: parts.ask.schema,
  });
  const tally = new OutputTally(parts.ask, parts.isWanted);
  const met = new KeySet();
  const context = {
    ...parts,
    returned: parts.history.returned ?? null,
    claimKey: (key: string) => met.add(key),
  };
  const findChunk = async (rows: readonly Row[]): Promise<FoundChunk> => {
    const questions = rows.map((row) =>
      createQuestion(row, parts.ask, parts.overwrite, parts.blanks, parts.history),
    );
    const { answers } = await ledger.findAnswers(job, questions.flatMap(listKeys));
    return { rows, questions, answers };
  };
  // A function of its own, so that nothing of a chunk is kept while the next one is made.
  const writeChunk = async ({ rows, questions, answers }: FoundChunk): Promise<void> => {
    const joined = joinRows(rows, questions, answers, context);
    const filled = hasVerdicts ? await attachVerdicts(joined, questions, answers, parts) : joined;
    tally.add(filled);
    await output.write(
      slimmed === null ? filled : filled.map((each) => ({ ...each, row: slimmed.slim(each.row) })),
    );
    if (onRow !== undefined) for (const each of filled) onRow(each);
  };
  try {
    for await (const chunk of lookAhead(input.openRows(), findChunk, ledger.lookUpsAhead))
      await writeChunk(chunk);
    const digest = await output.commit();
    return { ...tally.read(), needsBom: output.needsBom, digest };
  } catch (error) {
    await output.abort();
    throw error;
  }
}

interface FoundChunk {
  readonly rows: readonly Row[];
  readonly questions: readonly RowQuestion[];
  readonly answers: ReadonlyMap<string, StoredAnswer>;
}

/** Adds what was seen of each value on the pages that it cites. */
async function attachVerdicts(
  rows: readonly FilledRow[],
  questions: readonly RowQuestion[],
  answers: ReadonlyMap<string, StoredAnswer>,
  { ledger, job }: Pick<OutputJob, 'ledger' | 'job'>,
): Promise<FilledRow[]> {
  const keys = questions.map((question) =>
    question.status === 'question' ? resolveKey(question, (key) => answers.get(key)?.fields) : '',
  );
  const stored = await ledger.findVerdicts(job, keys);
  return rows.map(({ row, outcome }, index) => {
    const verdicts = readCellVerdicts(outcome.fields, stored.get(keys[index] ?? '') ?? []);
    return { row, outcome: { ...outcome, verdicts } };
  });
}

/** Who may read and write the input; undefined if it has no path. */
async function readMode(path: string): Promise<number | undefined> {
  const stats = path === '-' ? null : await stat(path).catch(() => null);
  return stats?.isFile() === true ? stats.mode & 0o666 : undefined;
}

/** Creates a listener that reports each row as an event, with values only on request. */
function createRowReport(onEvent: (event: EnrichEvent) => void, withValues: boolean) {
  return ({ row, outcome }: FilledRow): void => {
    const { ordinal, line } = row;
    const { status, costMicros, runId } = outcome;
    const event = { type: 'row', ordinal, line, status, costMicros, runId } as const;
    onEvent(withValues ? { ...event, values: readValues(outcome.fields) } : event);
  };
}

function readValues(fields: ReadonlyMap<string, FieldAnswer>): JsonObject {
  return Object.fromEntries([...fields].map(([name, { value }]) => [name, value]));
}

/** Digests of everything an output is made from, taken before the job reads it. */
export type OutputSources = Omit<FinishedOutput, 'output' | 'settledRuns' | 'verdicts'>;

/** Options that affect the output, besides the ask. */
const SHAPING = [...KEPT, 'name', 'strict', 'format', 'only'] as const;

/**
 * Computes the digests of an output's sources. Returns null if a later call cannot rely on them: other files are
 * involved, or answers may expire.
 */
export async function findOutputSources({ settings, ask }: JobContext): Promise<OutputSources | null> {
  const { options } = settings;
  if (options.citationsFile !== undefined || settings.output === '-') return null;
  if (settings.maxAgeMs !== null || settings.refresh || settings.again.size > 0) return null;
  const input = await hashFile(options.input);
  const exclusion = options.exclude === undefined ? null : await hashFile(options.exclude);
  if (input === null || (exclusion === null && options.exclude !== undefined)) return null;
  const shaping = SHAPING.map((name) => options[name] ?? null);
  const parts = JSON.stringify([VERSION, ask.version, settings.output, shaping]);
  return { input, exclusion, options: hashText(parts, 64) };
}

/**
 * Returns the row counts of the existing output if this invocation would write exactly the same bytes: same files,
 * options and answers, and nothing left to send. Otherwise null.
 */
export async function findFinished(
  context: JobContext,
  sources: OutputSources | null,
  recovered: RecoveredBatches,
): Promise<RowCounts | null> {
  const { ledger, job, settings, hooks } = context;
  const hearsRows = hooks.onEvent !== undefined && hooks.mayKeepOutput !== true;
  const isOpen = recovered.runs.length > 0 || recovered.unknown.length > 0;
  if (sources === null || isOpen || hearsRows) return null;
  const { finished, counts } = job;
  if (finished === null || counts === null) return null;
  const { settledRuns, verdicts } = await ledger.getAnswerState(job);
  const isSame =
    finished.input === sources.input &&
    finished.exclusion === sources.exclusion &&
    finished.options === sources.options &&
    finished.settledRuns === settledRuns &&
    finished.verdicts === verdicts;
  return isSame && (await hashFile(settings.output)) === finished.output ? counts : null;
}

export function describeKept(path: string): string {
  return `Nothing has changed since ${path} was written, so it is kept.`;
}

/**
 * Creates the record that lets a later invocation keep this output. Returns null if rows are left to send, or may be.
 */
export async function createFinished(
  { ledger, job, settings, stop, input }: JobContext,
  sources: OutputSources | null,
  { rows, digest: output }: WrittenOutput,
): Promise<FinishedOutput | null> {
  if (sources === null || output === null || stop.reason !== null) return null;
  // The digest may be of the longer file.
  if (input.notes.some(({ code }) => code === INPUT_GREW)) return null;
  // Failed fields are retried by the next invocation, even if other fields of the row were found.
  const { settledRuns, verdicts, hasFailures } = await ledger.getAnswerState(job);
  if (rows.failed + rows.over_budget + rows.pending > 0 || hasFailures) return null;
  // The output is the next input.
  const inputDigest = settings.replacedDigest === null ? sources.input : output;
  return { ...sources, input: inputDigest, output, settledRuns, verdicts };
}

/** Where the result goes. */
interface Place {
  readonly path: string;
  readonly format?: FileFormat | undefined;
  readonly plain?: boolean | undefined;
  readonly sources?: OutputOptions['sources'];
}

/**
 * Wraps the input so that rows that do not fit the output throw as soon as they are read, before any cost. A filled file
 * that was returned may have rowfill's own columns.
 */
export function checkInputFits(
  input: Input,
  { fields, schema }: Pick<Ask, 'fields' | 'schema'>,
  place: Place,
  isReturned: boolean,
): Input {
  const { shape, columns } = input;
  const check = createFitCheck({ ...place, shape, columns, fields, schema });
  // New keys may appear anywhere in a JSON file.
  const isOpen = holdsObjects(shape) && !isReturned;
  const isTable = !holdsObjects({ format: resolveFormat({ ...place, shape }) });
  const others = isTable && place.plain !== true ? fields.flatMap(({ name }) => listSourceColumns(name)) : [];
  const reserved = new Set(others.filter((column) => fields.every(({ name }) => name !== column)));
  if (check === null && !isOpen) return input;
  return {
    name: input.name,
    shape,
    get columns() {
      return input.columns;
    },
    readColumns: input.readColumns,
    get notes() {
      return input.notes;
    },
    get doubts() {
      return input.doubts;
    },
    async *openRows(signal) {
      for await (const rows of input.openRows(signal)) {
        if (isOpen) refuseOwnColumns(input.name, input.columns, reserved);
        check?.(rows);
        yield rows;
      }
    },
    close: () => input.close(),
  };
}

/** Creates the summary of a job. */
export async function createSummary(
  context: JobContext,
  written: Omit<WrittenOutput, 'digest'>,
  remaining: RemainingRows | null,
  startedAtMs: number,
): Promise<JobSummary> {
  const { job, ask, settings, stop, tally, ledger, agent } = context;
  const spend = await ledger.getSpend(job.id);
  const { error } = stop;
  return {
    jobId: job.id,
    askId: ask.id,
    input: settings.options.input,
    output: settings.output,
    stop: stop.reason ?? 'done',
    error:
      error === null
        ? null
        : {
            code: error instanceof RowfillError ? error.code : 'DEFECT',
            message: error.message,
            hint: error instanceof RowfillError ? (error.hint ?? null) : null,
          },
    rows: written.rows,
    leftRows: written.leftRows,
    unretriedRows: tally.unretriedRows,
    failures: written.failures,
    fields: written.fields,
    examples: written.examples,
    needsBom: written.needsBom,
    reused: tally.reused,
    duplicates: tally.duplicates,
    runs: tally.runs,
    unknownRuns: tally.unknownBatches,
    requests: agent.client.requests,
    costMicros: spend.spentMicros,
    estimatedMicros: spend.estimatedMicros,
    costNowMicros: tally.costNowMicros,
    reservedMicros: spend.reservedMicros,
    remaining,
    budget: stop.reason === 'budget' ? await findReachedBudget(context, spend) : null,
    steps: tally.steps,
    // The clock may have been set back.
    seconds: Math.max(0, context.clock.now() - startedAtMs) / 1_000,
  };
}

async function findReachedBudget(context: JobContext, spend: Spend): Promise<ReachedBudget | null> {
  const { ledger, cap, budget, state } = context;
  const { fullBudget } = state;
  const dayCaps = resolveDayCaps(context);
  if (dayCaps === null || fullBudget === null || fullBudget === 'over_budget') {
    const { scope, micros } = cap;
    const usedMicros = scope === 'command' ? context.tally.costNowMicros : sumSpend(spend);
    return micros === null ? null : { scope, capMicros: micros, usedMicros };
  }
  const isFolder = fullBudget === 'over_folder_day';
  const folder = isFolder ? (budget?.id ?? null) : null;
  const usedMicros = sumSpend(await ledger.getSpendSince(folder, dayCaps.sinceMs));
  return isFolder
    ? { scope: 'folder_day', capMicros: dayCaps.folderMicros ?? 0, usedMicros }
    : { scope: 'ledger_day', capMicros: dayCaps.ledgerMicros ?? 0, usedMicros };
}

function sumSpend({ spentMicros, reservedMicros }: Spend): number {
  return spentMicros + reservedMicros;
}
