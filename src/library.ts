import { type CancelOptions, type CancelResult, cancelJob as cancel } from './cancel.js';
import { type Diagnostic, type DoctorOptions, diagnose as examine } from './doctor.js';
import { type EnrichHooks, enrich as fill } from './enrich.js';
import {
  type EnrichedRows,
  type EnrichRowsOptions,
  enrichRows as fillRows,
  planRows as planObjects,
} from './enrich-rows.js';
import { type ExportOptions, type ExportResult, exportJob as writeAgain } from './export.js';
import type { EnrichEvent, JobSummary } from './model/events.js';
import type { FieldValues } from './model/field.js';
import { translateError, translateMessages } from './model/library-words.js';
import type { Known } from './model/option-types.js';
import type { EnrichOptions } from './options.js';
import { type Plan, plan as planFile } from './plan.js';
import { verifyJob as check, type VerifyHooks, type VerifyOptions, type VerifySummary } from './verify.js';
import type { WatchJob } from './watch/watch-options.js';
import {
  type WatchEvent,
  type WatchHooks,
  type WatchOptions,
  type WatchSummary,
  watchFolder as watch,
} from './watch.js';

/**
 * The entry points as a program calls them. They do the same as those of the command line, and their messages name
 * options instead of flags.
 */

/**
 * Fills a file: reads its rows, sends those that the ledger cannot answer to the agent, and writes every row with its
 * values, citations, confidence and cost. Calling it again continues an interrupted job.
 *
 * Rejects with a RowfillError while nothing was sent and no file was changed: for a wrong option or file, and for an
 * agent that does not answer its first request or refuses the key. Once the job has begun it resolves, whatever stops
 * it: `stop` of the summary says why, `error` has the reason, and the output has the answers so far.
 */
export function enrich<Given extends EnrichOptions>(
  options: Known<Given, EnrichOptions>,
  hooks: EnrichHooks = {},
): Promise<JobSummary> {
  return inLibraryWords(() => fill(withWait(options), translateHooks(hooks)));
}

/** Shows what `enrich` would do with the same options, and its cost. Sends nothing, and needs no key. */
export function plan<Given extends EnrichOptions>(options: Known<Given, EnrichOptions>): Promise<Plan> {
  return inLibraryWords(() => planFile(options));
}

/** Shows what `enrichRows` would do with the same objects and options, and its cost. */
export function planRows<T extends object, Given extends EnrichRowsOptions>(
  rows: AsyncIterable<T> | Iterable<T>,
  options: Known<Given, EnrichRowsOptions>,
): Promise<Plan> {
  return inLibraryWords(() => planObjects(rows, options));
}

/** Fills objects instead of a file. The values have the types of `fields`, if these are written in the call. */
export function enrichRows<T extends object, const Given extends EnrichRowsOptions>(
  rows: AsyncIterable<T> | Iterable<T>,
  options: Known<Given, EnrichRowsOptions>,
  hooks: EnrichHooks = {},
): EnrichedRows<T, FieldValues<Given['fields']>> {
  const filled = fillRows<T, FieldValues<Given['fields']>>(rows, withWait(options), translateHooks(hooks));
  return {
    get summary() {
      return translateMessages(filled.summary);
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* filled;
      } catch (error) {
        throw translateError(error);
      }
    },
  };
}

/** Writes the output of a job again, from the current input and the ledger. Sends nothing and costs nothing. */
export function exportJob<Given extends ExportOptions>(
  options: Known<Given, ExportOptions>,
): Promise<ExportResult> {
  return inLibraryWords(() => writeAgain(options));
}

/** Opens the pages that a job cites, looks for each value there, and writes the output again with the verdicts. Costs nothing. */
export function verifyJob<Given extends VerifyOptions>(
  options: Known<Given, VerifyOptions>,
  hooks: VerifyHooks = {},
): Promise<VerifySummary> {
  return inLibraryWords(() => check(options, hooks));
}

/** Cancels the active runs of a job. Their cost so far is billed, without answers. */
export function cancelJob<Given extends CancelOptions>(
  options: Known<Given, CancelOptions>,
): Promise<CancelResult> {
  return inLibraryWords(() => cancel(options));
}

/** Checks everything that a job depends on. Free; problems are returned as findings, not thrown. */
export function diagnose<Given extends DoctorOptions>(
  options: Known<Given, DoctorOptions>,
): Promise<Diagnostic[]> {
  return inLibraryWords(() => examine(options));
}

/** Fills files as they are dropped into a folder. Resolves when the watcher stops. */
export function watchFolder<Given extends WatchOptions>(
  options: Known<Given, WatchOptions> & { readonly job: Known<Given['job'], WatchJob> },
  hooks: WatchHooks = {},
): Promise<WatchSummary> {
  const onEvent = typeof hooks === 'object' ? hooks?.onEvent : undefined;
  const own =
    onEvent === undefined
      ? hooks
      : { ...hooks, onEvent: (event: WatchEvent) => onEvent(translateMessages(event)) };
  return inLibraryWords(() => watch(options, own));
}

async function inLibraryWords<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return translateMessages(await call());
  } catch (error) {
    throw translateError(error);
  }
}

function translateHooks(hooks: EnrichHooks): EnrichHooks {
  // Invalid hooks are refused later.
  if (typeof hooks !== 'object' || hooks === null) return hooks;
  const { onEvent, confirmDoubt } = hooks;
  return {
    ...hooks,
    ...(onEvent === undefined ? {} : { onEvent: (event: EnrichEvent) => onEvent(translateMessages(event)) }),
    ...(confirmDoubt === undefined
      ? {}
      : { confirmDoubt: (doubt) => confirmDoubt(translateMessages(doubt)) }),
  };
}

/** A program waits for another call of the same job, unless it says otherwise. Invalid options are refused later. */
function withWait<Options>(options: Options): Options {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  return isObject ? { wait: true, ...options } : options;
}
