import { joinRows } from '../join/join-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import type { JobRecord } from '../ledger/records.js';
import type { FieldAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { EnrichEvent } from '../model/events.js';
import type { JsonObject } from '../model/json.js';
import { KeySet } from '../model/key-set.js';
import { type FilledRow, ROW_STATUSES, type RowCounts, type RowStatus } from '../model/outcome.js';
import type { Row } from '../model/row.js';
import type { FileFormat } from '../model/shape.js';
import type { Input } from '../read/open-input.js';
import type { Exclusion } from '../select/exclusion.js';
import { type OutputOptions, openOutput } from '../write/open-output.js';
import { createTripCheck, rechooseOutput } from './choose-output.js';
import type { Trip } from './create-trip.js';
import { reportNotes } from './report-notes.js';

export interface OutputJob {
  readonly input: Input;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly ledger: Ledger;
  readonly job: JobRecord;
  readonly exclusion: Exclusion;
  /** How the exclusion file is called in a message. */
  readonly exclusionName: string;
  /** What a row without an answer is: the cap was reached, or it was not asked yet. */
  readonly unasked: 'over_budget' | 'pending';
  /** False for a row that the job left alone. */
  isWanted(row: Row): boolean;
  readonly path: string;
  readonly overwrite: boolean;
  readonly raw: boolean;
  readonly format?: FileFormat | undefined;
  readonly bom?: boolean | undefined;
  readonly citationsFile?: string | undefined;
  readonly beforeCommit?: OutputOptions['beforeCommit'];
  readonly checkPlace: OutputOptions['checkPlace'];
  readonly onNote?: OutputOptions['onNote'];
  /** Hears of every row that was written. */
  readonly onRow?: ((filled: FilledRow) => void) | undefined;
}

export interface WrittenOutput {
  readonly rows: RowCounts;
  /** Pending rows that no option left out. */
  readonly leftRows: number;
  /** The SHA-256 of the file; null where there is none. */
  readonly digest: string | null;
}

/** Writes the output of a job that has just run. */
export async function writeTripOutput(trip: Trip): Promise<WrittenOutput & { readonly path: string }> {
  const { settings, stop, hooks } = trip;
  const { options } = settings;
  const { path, note } = await rechooseOutput(trip);
  if (note !== null) reportNotes(trip, [{ code: 'OUTPUT_RENAMED', message: note }]);
  const written = await writeOutput({
    ...trip,
    exclusionName: options.exclude ?? '',
    unasked: stop.reason === 'budget' ? 'over_budget' : 'pending',
    isWanted: trip.select.isWanted,
    path,
    format: options.format,
    overwrite: settings.overwrite,
    raw: options.raw ?? false,
    bom: options.bom,
    citationsFile: options.citationsFile,
    beforeCommit: () => trip.lease?.refuseLost(),
    checkPlace: createTripCheck(trip),
    onNote: (each) => reportNotes(trip, [each]),
    onRow:
      hooks.onEvent === undefined ? undefined : createRowReport(hooks.onEvent, hooks.withValues === true),
  });
  trip.onEvent({ type: 'written', path, rows: written.rows });
  return { ...written, path };
}

/** Reads the input again, joins each row with its answer and writes them all; the file appears only when it is whole. */
export async function writeOutput(parts: OutputJob): Promise<WrittenOutput> {
  const { input, ledger, job, exclusion, onRow } = parts;
  await input.readColumns();
  const output = await openOutput({
    ...parts,
    shape: input.shape,
    columns: input.columns,
    fields: parts.ask.fields,
    schema: parts.ask.schema,
  });
  const counts = createCounts();
  let leftRows = 0;
  const met = new KeySet();
  const context = {
    ...parts,
    findExclusion: exclusion.findMatch.bind(exclusion),
    findAnswers: (keys: readonly string[]) => ledger.findAnswers(job, keys),
    claimKey: (key: string) => met.add(key),
  };
  try {
    for await (const rows of input.openRows()) {
      const filled = joinRows(rows, context);
      for (const { row, outcome } of filled) {
        counts[outcome.status] += 1;
        if (outcome.status === 'pending' && parts.isWanted(row)) leftRows += 1;
      }
      counts.total += filled.length;
      await output.write(filled);
      if (onRow !== undefined) for (const each of filled) onRow(each);
    }
    return { rows: counts, leftRows, digest: await output.commit() };
  } catch (error) {
    await output.abort();
    throw error;
  }
}

/** Tells of each row as an event; cell values are in it only where they were asked for. */
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

function createCounts(): Record<RowStatus | 'total', number> {
  const counts = Object.fromEntries(ROW_STATUSES.map((status) => [status, 0])) as Record<RowStatus, number>;
  return { ...counts, total: 0 };
}
