import { hashText } from '../model/ask.js';
import type { FinishedOutput } from '../model/finished-output.js';
import type { RowCounts } from '../model/outcome.js';
import { VERSION } from '../model/version.js';
import { INPUT_GREW } from '../read/open-input.js';
import { hashFile } from './choose-output.js';
import type { Trip } from './create-trip.js';
import { KEPT } from './job-parts.js';
import type { RecoveredBatches } from './recover-batches.js';
import type { WrittenOutput } from './write-output.js';

/** What the output of a job is made from, as it was before the job read any of it. */
export type OutputSources = Omit<FinishedOutput, 'output' | 'settledRuns'>;

/** The options that decide what an output looks like, beside the ask. */
const SHAPING = [...KEPT, 'name', 'strict', 'format'] as const;

/**
 * Reads what an output will be made from; null where a later job may not go by it, since something other than these
 * files is read or written, or answers may be too old by then.
 */
export async function readSources({ settings, ask }: Trip): Promise<OutputSources | null> {
  const { options } = settings;
  if (options.citationsFile !== undefined || settings.output === '-') return null;
  if (settings.maxAgeMs !== null || settings.refresh) return null;
  const input = await hashFile(options.input);
  const exclusion = options.exclude === undefined ? null : await hashFile(options.exclude);
  if (input === null || (exclusion === null && options.exclude !== undefined)) return null;
  const shaping = SHAPING.map((name) => options[name] ?? null);
  const parts = JSON.stringify([VERSION, ask.id, settings.output, shaping]);
  return { input, exclusion, options: hashText(parts, 64) };
}

/**
 * The rows of the output as an earlier invocation left it, where it is byte for byte what this one would write: made
 * from the same files and options, from the same answers, with nothing left to ask.
 */
export async function findFinished(
  trip: Trip,
  sources: OutputSources | null,
  recovered: RecoveredBatches,
): Promise<RowCounts | null> {
  const { ledger, job, settings, hooks } = trip;
  const hearsRows = hooks.onEvent !== undefined && hooks.mayKeepOutput !== true;
  const isOpen = recovered.runs.length > 0 || recovered.unknown.length > 0;
  if (sources === null || isOpen || hearsRows) return null;
  const { finished, counts } = job;
  if (finished === null || counts === null) return null;
  const isSame =
    finished.input === sources.input &&
    finished.exclusion === sources.exclusion &&
    finished.options === sources.options &&
    finished.settledRuns === ledger.readAnswerState(job).settledRuns;
  return isSame && (await hashFile(settings.output)) === finished.output ? counts : null;
}

export function describeKept(path: string): string {
  return `Nothing has changed since ${path} was written, so it is left as it is.`;
}

/** What a later job may go by; null where it has something to ask, or cannot know that it has not. */
export function createFinished(
  { ledger, job, stop, input }: Trip,
  sources: OutputSources | null,
  { rows, digest: output }: WrittenOutput,
): FinishedOutput | null {
  if (sources === null || output === null || stop.reason !== null) return null;
  // The digest may be that of the longer file.
  if (input.notes.some(({ code }) => code === INPUT_GREW)) return null;
  // What failed is asked again the next time, also where the rest of its row was found.
  const { settledRuns, hasFailures } = ledger.readAnswerState(job);
  if (rows.failed + rows.over_budget + rows.pending > 0 || hasFailures) return null;
  return { ...sources, output, settledRuns };
}
