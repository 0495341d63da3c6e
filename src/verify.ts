import type { EnrichHooks } from './enrich.js';
import { createUsageError, RowfillError } from './errors.js';
import { exportJob } from './export.js';
import type { CheckProgress, CitedRow } from './job/check-citations.js';
import { checkOwnOutput } from './job/choose-output.js';
import { type EscalationScope, findEscalation } from './job/escalation.js';
import { isInSample, pickSample } from './job/job-context.js';
import { waitForLease } from './job/lease.js';
import { CleanupStack } from './job/open-agent.js';
import { parseKeptOptions, readLadder } from './job/resolve-ask.js';
import { findFiles, findStoredJob, openStoredInput, type StoredInput } from './job/stored-job.js';
import { type VerdictShare, VerdictTally } from './job/verdict-tally.js';
import { type CheckOptions, openRowVerifier, readCitedRows } from './job/verify-rows.js';
import type { JobRecord, Ledger } from './ledger/ledger.js';
import { resolveLedgerPath } from './ledger/ledger-path.js';
import { openLedger } from './ledger/open-ledger.js';
import { isEmbedded } from './model/ask.js';
import { type Clock, systemClock } from './model/clock.js';
import type { JobSummary } from './model/events.js';
import { formatNumber, suggestSimilar } from './model/format.js';
import { type ApiKey, checkOptionTypes, type OptionTypes } from './model/option-types.js';
import type { Row } from './model/row.js';
import { checkWhole, type Effort } from './options.js';
import type { Resolve } from './pages/address.js';
import { SharedThrottle } from './run/shared-throttle.js';

/** Options of `verifyJob`. */
export interface VerifyOptions extends CheckOptions {
  /** Id of the job, or a unique prefix of it. */
  readonly job: string;
  /** Path of the input, if it was moved or came from standard input. @default the job's input path */
  readonly input?: string | undefined;
  /** Path of the ledger, or URL of a PostgreSQL database. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
  /** Check this many rows, spread over the input. @default all */
  readonly sample?: number | undefined;
  /** Check only these fields. @default all */
  readonly fields?: readonly string[] | undefined;
  /**
   * Ask the agent of the job again, at the next effort, for the values that are not on a page that they cite. This
   * costs money, under the job's `maxCost`. Values that are replaced stay in the ledger. @default false
   */
  readonly escalate?: boolean | undefined;
  /** For `escalate`: what the job may cost in all, with all that it has cost before, in US dollars. */
  readonly maxCost?: number | undefined;
  /** For `escalate`: what all jobs of the ledger may cost per day, in US dollars. */
  readonly ledgerMaxCostPerDay?: number | undefined;
  /** For `escalate`: start without confirmation, whatever it costs. @default false */
  readonly yes?: boolean | undefined;
  /** For `escalate`: the key of the agent. */
  readonly apiKey?: ApiKey | undefined;
  /** Send the key unencrypted over http to another machine, on a private network only. @default false */
  readonly insecureHttp?: boolean | undefined;
  /** Wait if another process works on the job. @default false */
  readonly wait?: boolean | undefined;
}

/** Callbacks of `verifyJob`. */
export interface VerifyHooks {
  readonly onProgress?: (progress: CheckProgress) => void;
  /** Called with messages for the user. */
  readonly onNote?: (message: string) => void;
  /** Aborting stops the call. Verdicts so far are kept. */
  readonly signal?: AbortSignal | undefined;
  /** Confirms what `escalate` may cost, unless `yes` or `maxCost` is set. */
  readonly confirm?: EnrichHooks['confirm'];
  /** Resolves host names. @default the system's resolver */
  readonly resolve?: Resolve;
  readonly clock?: Clock;
}

/** What was found on the cited pages of a job. */
export interface VerifySummary {
  readonly jobId: string;
  /** Path of the written output; null if it was left as it is. */
  readonly output: string | null;
  /** Cells by their best citation. */
  readonly cells: VerdictShare;
  readonly columns: readonly VerdictShare[];
  /** Citations by host, most citations first. */
  readonly hosts: readonly VerdictShare[];
  /** Pages looked at, and requests sent for them. */
  readonly pages: number;
  readonly requests: number;
  readonly seconds: number;
  /** The job that asked again for values that are not on their pages; null if there was none. */
  readonly escalation: JobSummary | null;
  /** Runs of that job that were still active at the end. */
  readonly runsActive: number;
}

const TYPES: OptionTypes<VerifyOptions> = {
  job: 'text',
  input: 'text',
  ledger: 'text',
  pages: 'text',
  sample: 'number',
  fields: 'texts',
  maxAge: 'text',
  fetchPrivate: 'texts',
  hostDelay: 'text',
  archive: 'text',
  env: 'object',
  escalate: 'flag',
  maxCost: 'number',
  ledgerMaxCostPerDay: 'number',
  yes: 'flag',
  apiKey: 'secret or function',
  insecureHttp: 'flag',
  wait: 'flag',
};

/**
 * Opens the pages that the values of a job cite, looks for each value, and writes the output again with the verdicts.
 * Costs nothing and needs no key. Calling it again continues an interrupted call.
 */
export async function verifyJob(options: VerifyOptions, hooks: VerifyHooks = {}): Promise<VerifySummary> {
  checkOptionTypes('verifyJob', options, TYPES, ['job']);
  const { escalate, ...check } = options;
  const first = await checkJob(check, hooks);
  if (escalate !== true) return first;
  let runsActive = 0;
  const escalation = await escalateJob(options, hooks, (active) => {
    runsActive = active;
  });
  if (escalation === null) return first;
  // Interrupted, nothing more is checked, but runs may still be billed.
  const last = hooks.signal?.aborted === true ? first : await checkJob(check, hooks);
  return { ...last, escalation, runsActive };
}

/** Checks the citations of a job, and writes its output. */
async function checkJob(options: VerifyOptions, hooks: VerifyHooks): Promise<VerifySummary> {
  checkWhole('sample', options.sample, 1, Number.MAX_SAFE_INTEGER);
  const { clock = systemClock } = hooks;
  const startedAtMs = clock.now();
  const ledgerPath = options.ledger ?? resolveLedgerPath({});
  const closers = new CleanupStack();
  let progress: CheckProgress = { checked: 0, known: 0, pages: 0 };
  try {
    const ledger = closers.add(await openLedger(ledgerPath, { mustExist: true }));
    const job = await findStoredJob(ledger, options.job, options.input);
    closers.add(
      await waitForLease(ledger, job.id, {
        signal: hooks.signal,
        waitsForLive: options.wait,
        hasWaitOption: false,
        onWait: (message) => hooks.onNote?.(message),
      }),
    );
    const fields = checkFields(options.fields, job);
    const source = await openRows(job, ledger, options, closers, hooks.signal);
    const verifier = closers.add(
      openRowVerifier(options, {
        ledger,
        job,
        ask: job.ask,
        fields,
        clock,
        signal: hooks.signal,
        resolve: hooks.resolve,
        onProgress: (news) => {
          progress = news;
          hooks.onProgress?.(news);
        },
      }),
    );
    const { checker } = verifier;
    for await (const rows of source()) await checker.add(rows);
    await checker.finish();
    const tally = new VerdictTally([...(fields ?? job.ask.fields.map(({ name }) => name))]);
    for await (const rows of source()) {
      const stored = await ledger.findVerdicts(
        job,
        rows.map(({ key }) => key),
      );
      for (const row of rows) tally.add(row.fields, stored.get(row.key) ?? []);
    }
    if (tally.privateCitations > 0) {
      const citations = formatNumber(tally.privateCitations, 'citation');
      hooks.onNote?.(
        `${citations} not opened, because the host or port is not public. Allow hosts of your own network with --fetch-private HOST.`,
      );
    }
    const { requests } = verifier;
    await closers.close();
    const output = await writeVerdicts(job, options, hooks);
    return {
      jobId: job.id,
      output,
      ...tally.read(),
      pages: progress.pages,
      requests,
      seconds: (clock.now() - startedAtMs) / 1_000,
      escalation: null,
      runsActive: 0,
    };
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

/** Writes the output of the job again. A file that must not be replaced is left, and the verdicts stay in the ledger. */
async function writeVerdicts(
  job: JobRecord,
  options: VerifyOptions,
  hooks: VerifyHooks,
): Promise<string | null> {
  const { input, ledger } = options;
  try {
    return (await exportJob({ job: job.id, input, ledger })).output;
  } catch (error) {
    if (!(error instanceof RowfillError) || error.code !== 'OUTPUT_NOT_OURS') throw error;
    hooks.onNote?.(
      `${error.message}, so it is left as it is. To write the verdicts to another file: rowfill export ${job.id} --output FILE`,
    );
    return null;
  }
}

/** Opens the input of a job. Returns a function that reads its rows with answers. */
async function openRows(
  job: JobRecord,
  ledger: Ledger,
  { sample }: VerifyOptions,
  closers: CleanupStack,
  signal: AbortSignal | undefined,
): Promise<() => AsyncGenerator<readonly CitedRow[]>> {
  const opened = await openStoredInput(ledger, job, closers, signal);
  const { overwrite = false, raw = false } = opened.kept;
  const isWanted = await pickRows(opened, sample);
  return () => readCitedRows({ ...opened, ledger, job, overwrite, raw, signal, isWanted });
}

/** Returns what tells the rows of `--sample` among the rows of the job. */
async function pickRows(opened: StoredInput, sample: number | undefined): Promise<(row: Row) => boolean> {
  const { limit = null } = opened.kept;
  const picked = await pickSample(opened.input, sample ?? null, limit);
  return (row) => opened.isWanted(row) && isInSample(row, limit, picked);
}

/**
 * Sends the doubted values of a job again, at the next effort, of the rows and fields that were checked. Returns null if there are none, or no higher effort.
 * Throws OUTPUT_NOT_OURS before anything is spent if the output must not be replaced.
 */
async function escalateJob(
  options: VerifyOptions,
  hooks: VerifyHooks,
  onActive: (runs: number) => void,
): Promise<JobSummary | null> {
  const closers = new CleanupStack();
  let job: JobRecord;
  let ladder: readonly string[];
  let scope: EscalationScope;
  try {
    const ledger = closers.add(await openLedger(options.ledger ?? resolveLedgerPath({})));
    job = findFiles(await ledger.getJob(options.job), options.input);
    if (isEmbedded(job.ask)) return refuse(NO_HIGHER, hooks);
    await checkOwnOutput(job.output, job, ledger, OUTPUT_IN_THE_WAY);
    const opened = await openStoredInput(ledger, job, closers, hooks.signal);
    const next = await findEscalation({
      ...opened,
      ...{ ledger, job, signal: hooks.signal },
      isWanted: await pickRows(opened, options.sample),
      isSampled: options.sample !== undefined,
      fields: checkFields(options.fields, job),
    });
    if (next.ladder === null) return refuse(next.doubted === 0 ? NOTHING_DOUBTED : NO_HIGHER, hooks);
    ladder = next.ladder;
    scope = next.scope;
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
  const { ask, input, output } = job;
  const { maxCost, ledgerMaxCostPerDay, yes, apiKey, insecureHttp, wait } = options;
  const { pages, fetchPrivate, hostDelay } = options;
  const { confirm, signal, onNote } = hooks;
  // Checking alone needs no engine.
  const { enrichWith } = await import('./enrich.js');
  return enrichWith(
    openLedger,
    {
      ...parseKeptOptions(job.settings),
      ...{ input, output, ledger: options.ledger, wait, apiKey, insecureHttp, apiUrl: ask.agent },
      query: ask.query,
      ...(ask.system === null ? {} : { system: ask.system }),
      schemaObject: ask.schema,
      send: ask.send,
      effort: ladder as Effort[],
      ...(ask.escalateBelow === null || ladder.length < 2 ? {} : { escalateBelow: ask.escalateBelow }),
      ...{ maxCost, ledgerMaxCostPerDay, yes, verify: true, pages, fetchPrivate, hostDelay },
    },
    {
      ...(confirm === undefined ? {} : { confirm }),
      ...(signal === undefined ? {} : { signal }),
      onEvent: (event) => {
        if (event.type === 'note') onNote?.(event.message);
        if (event.type === 'progress') onActive(event.progress.runsActive);
      },
    },
    { budget: null, throttle: new SharedThrottle(), escalatesFrom: readLadder(job), escalates: scope },
  );
}

const OUTPUT_IN_THE_WAY =
  'Move or rename that file, and the same command writes the output there. If you corrected cells in it, use it as the input of rowfill run, which keeps them.';
const NO_HIGHER = 'Nothing to escalate: the agent has no higher effort.';
const NOTHING_DOUBTED = 'Nothing to escalate: no value is missing on the pages that it cites.';

function refuse(note: string, { onNote }: VerifyHooks): null {
  onNote?.(note);
  return null;
}

/** Throws UNKNOWN_FIELD for a name that is not a field of the job. */
function checkFields(
  names: readonly string[] | undefined,
  { id, ask }: JobRecord,
): ReadonlySet<string> | null {
  if (names === undefined) return null;
  const known = ask.fields.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return new Set(names);
  const near = suggestSimilar(unknown, known);
  throw createUsageError(
    'UNKNOWN_FIELD',
    `--fields names ${JSON.stringify(unknown)}, which is not a field of job ${id}`,
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Its fields are ${known.join(', ')}.`,
  );
}
