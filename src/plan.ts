import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RowfillError } from './errors.js';
import { createGroupBatch } from './job/ask-group.js';
import { guardPaths, isSameFilePath } from './job/check-paths.js';
import { chooseJobOutput, placeReturned } from './job/choose-output.js';
import { ColumnCounter, type ColumnPlan } from './job/column-plan.js';
import { listDoubts, resolveDoubts } from './job/doubts.js';
import { estimateRows, type RowEstimate, type StepQuote } from './job/estimate.js';
import { createJobContext, type JobContext } from './job/job-context.js';
import { CleanupStack, openAgent } from './job/open-agent.js';
import { openJobInput } from './job/open-job.js';
import { type PlannedCounts, SpendLimit } from './job/progress.js';
import { reconcileFile } from './job/reconcile.js';
import {
  describeChanges,
  reportGaps,
  reportJobWarnings,
  reportUnmatched,
  reportWarnings,
} from './job/report-warnings.js';
import { createJobParts, identifyInput, resolveAsk } from './job/resolve-ask.js';
import { findFormerJob } from './job/returned-file.js';
import { addRepairs, sumLevel } from './job/stated-cost.js';
import type { Warning } from './job/warnings.js';
import type { Ledger } from './ledger/ledger.js';
import { createLedgerClock } from './ledger/ledger-clock.js';
import { resolveLedgerPath } from './ledger/ledger-path.js';
import { openLedger } from './ledger/open-ledger.js';
import type { Ask } from './model/ask.js';
import type { Doubt, NothingFound } from './model/events.js';
import { formatList, formatNumber } from './model/format.js';
import { getOwn, type JsonValue } from './model/json.js';
import { listNullable } from './model/nullable.js';
import { computeLikelyMicros, computeWorstMicros, type Quote } from './model/prices.js';
import { findFormerSends } from './model/question.js';
import { type CreateRunRequest, HOSTED_URL } from './model/run.js';
import {
  type AgentChoice,
  type EnrichOptions,
  hasKey,
  resolvePlanSettings,
  type Settings,
} from './options.js';
import { refuseForWorkers } from './queue/refuse-job.js';
import { createTemporaryFolder } from './read/bytes.js';
import { createRequest } from './run/create-request.js';
import { SharedThrottle } from './run/shared-throttle.js';
import { inspectOutput } from './write/open-output.js';

/** What `enrich` would do with the same options, and its cost. */
export interface Plan {
  readonly jobId: string;
  readonly askId: string;
  readonly agent: PlannedAgent;
  /** Input rows by planned action; `ask` are those that cost something. */
  readonly rows: PlannedCounts & { readonly total: number };
  /** The columns that would be sent, each with its first values. */
  readonly columns: readonly { readonly name: string; readonly examples: readonly JsonValue[] }[];
  readonly quote: Quote;
  /** What would be done with the cells of each column to fill, and what it costs alone. */
  readonly fields: readonly ColumnPlan[];
  /** What changed since this file was last filled, and how many rows would be sent again; null if nothing changed. */
  readonly changes: string | null;
  /** Irregularities of the input and the exclusion list, and how they are handled. */
  readonly notes: readonly Warning[];
  /** Doubts that stop the job before any cost unless they are confirmed. */
  readonly doubts: readonly Doubt[];
  /** Set if `enrich` would stop before a run because the answers so far have no values; otherwise null. */
  readonly nothingFound: NothingFound | null;
  /** Cost by effort level. At worst, every row needs each level. */
  readonly steps: readonly StepQuote[];
  /** Cost of the lowest effort level that is needed, with other batch sizes. */
  readonly batchSizes: readonly {
    readonly batchSize: number;
    readonly runs: number;
    readonly worstMicros: number;
    readonly likelyMicros: number;
  }[];
  /** Likely duration within the job's limits, if a run takes a minute. */
  readonly likelySeconds: number;
  /** True if the cited pages would be opened as rows are answered. */
  readonly verifies: boolean;
  /** The first request that would be sent; null if there is none. */
  readonly firstRequest: CreateRunRequest | null;
}

/** Who would answer. */
export interface PlannedAgent {
  /** URL of the agent, or the folder of the reference tables. */
  readonly name: string;
  /** False for reference tables: then nothing leaves this machine. */
  readonly isRemote: boolean;
  /** True for the hosted service without a key: `enrich` would refuse to start. */
  readonly needsKey: boolean;
}

const EXAMPLES = 3;
const OTHER_BATCH_SIZES = [1, 4, 8, 16, 32];
const LIKELY_RUN_SECONDS = 60;

/**
 * Plans a job without running it. Sends nothing, spends nothing and writes nothing, and needs no key. Throws the other
 * usage errors of `enrich`.
 */
export async function plan(options: EnrichOptions): Promise<Plan> {
  return planRows(options, undefined);
}

/** Plans a job for only some rows, by ordinal. */
export async function planRows(
  options: EnrichOptions,
  onlyRows: ReadonlySet<number> | undefined,
): Promise<Plan> {
  const asked = resolvePlanSettings(options);
  const closers = new CleanupStack();
  try {
    const ledgerPath = options.ledger ?? resolveLedgerPath({});
    const ledger = await openOrImagine(ledgerPath, closers);
    const opened = await openJobInput(
      options,
      { path: options.input, output: asked.output },
      (file, former) => resolveAsk(asked, file, former),
      async () => ledger,
      closers,
    );
    const { ask, exclusion, returned, table } = opened;
    const settings = await identifyInput(await placeReturned(asked, opened, ledger, null), opened.input);
    if (options.workers === true) refuseForWorkers({ ledger: ledgerPath, settings, exclusion });
    const agent = closers.add(await openAgent(settings));
    const clock = await createLedgerClock(ledger);
    const preview = await ledger.previewJob(await createJobParts(settings, ask, ledger, clock.now()));
    const former = returned === null ? null : findFormerJob(returned, ask);
    const job = { ...preview, previous: preview.previous ?? former };
    const spent = await ledger.getSpend(job.id);
    const notes: Warning[] = [];
    const context = closers.add(
      createJobContext({
        ...opened,
        settings,
        history: { formerSends: findFormerSends(ask, await ledger.listAsks(ask.id)), returned: table },
        ledger,
        lease: null,
        cap: new SpendLimit(settings, spent.spentMicros),
        spent,
        found: await ledger.getYield(job.id),
        budget: null,
        throttle: new SharedThrottle(),
        onlyRows,
        clock,
        clockAheadMs: 0,
        agent,
        job,
        earlierOutput: null,
        paths: null,
        hooks: { onEvent: (event) => event.type === 'note' && notes.push(event) },
        onRetry: () => undefined,
        verifier: null,
        escalation: null,
        workers: null,
      }),
    );
    reportJobWarnings(context);
    reportWarnings(context, exclusion.notes);
    reportWarnings(context, await describeOutput(settings, ask, ledger, ledgerPath));
    if (returned?.note != null) reportWarnings(context, [returned.note]);
    if (table !== null) await reconcileFile(context, table, null);
    const columns = new ColumnCounter(context);
    const survey = await estimateRows(context, context, columns);
    reportJobWarnings(context);
    reportUnmatched(context);
    reportGaps(context);
    notes.push(...describeNullable(listNullable(ask)));
    const isPaid = !agent.isFree && survey.quote.rows > 0 && survey.quote.worstMicros > 0;
    const doubts = isPaid ? listDoubts(context, survey) : [];
    if (doubts.length === 0) await resolveDoubts(context, survey, false);
    return await createPlan(context, survey, {
      notes,
      doubts,
      fields: columns.read(await ledger.listAsks(ask.id)),
    });
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

/** Says where the output would go if not to its usual place, or why it could not be written: a run stops before any cost. */
async function describeOutput(
  settings: Settings,
  ask: Ask,
  ledger: Ledger,
  ledgerPath: string,
): Promise<Warning[]> {
  const { options, output, replacedDigest } = settings;
  const { citationsFile } = options;
  // The default output of a job is never its input, unless that is a filled file.
  const isOntoInput = isSameFilePath(output, options.input);
  const isOther = !isOntoInput || (options.output !== undefined && replacedDigest === null);
  try {
    const places = { ...options, ledger: ledgerPath, output: isOther ? output : undefined };
    const paths = await guardPaths(places);
    if (isOther || replacedDigest !== null) await inspectOutput(output);
    if (citationsFile !== undefined) await inspectOutput(citationsFile);
    const { note } = await chooseJobOutput(settings, ask, ledger, paths, inspectOutput);
    return note === null ? [] : [{ code: 'OUTPUT_RENAMED', message: note }];
  } catch (error) {
    if (!(error instanceof RowfillError) || error.kind !== 'usage') throw error;
    const { code, message, hint = '' } = error;
    return [{ code, message: `A run would stop before any cost: ${message}. ${hint}`.trim() }];
  }
}

/** Opens the ledger. If there is none yet, opens a temporary empty one, since a plan must not create it. */
async function openOrImagine(location: string, closers: CleanupStack): Promise<Ledger> {
  try {
    return closers.add(await openLedger(location, { mustExist: true }));
  } catch (error) {
    if (!(error instanceof RowfillError && error.code === 'LEDGER_MISSING')) throw error;
  }
  const folder = await createTemporaryFolder('rowfill-plan-');
  closers.add({ close: () => rm(folder, { recursive: true, force: true }) });
  return closers.add(await openLedger(join(folder, 'ledger.sqlite')));
}

function describeNullable(names: readonly string[]): Warning[] {
  if (names.length === 0) return [];
  const verb = names.length === 1 ? 'does' : 'do';
  const message = `${formatNumber(names.length, 'field')} (${formatList(names)}) ${verb} not allow null. The agent may answer null anyway, so that it need not guess; null counts as not found.`;
  return [{ code: 'NULL_ALLOWED', message }];
}

async function createPlan(
  context: JobContext,
  survey: RowEstimate,
  { notes, doubts, fields }: Pick<Plan, 'notes' | 'doubts' | 'fields'>,
): Promise<Plan> {
  const { ask, job, settings } = context;
  const { counts, quote, steps, firstGroup, lowestLevel, lowestRows } = survey;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const records = firstGroup?.questions.map((question) => question.record) ?? [];
  return {
    jobId: job.id,
    askId: ask.id,
    agent: describePlannedAgent(settings.agent, hasKey(settings.options)),
    rows: { ...counts, total },
    columns: ask.send.map((name) => ({
      name,
      examples: records
        .map((record) => getOwn(record, name))
        .filter((value) => value !== undefined)
        .slice(0, EXAMPLES),
    })),
    quote,
    fields,
    changes: describeChanges(job, survey.repeated),
    notes: notes.map(({ code, message }) => ({ code, message })),
    doubts,
    nothingFound: lowestLevel === null ? null : await context.yields.describeNothingFound(lowestLevel),
    steps,
    batchSizes: OTHER_BATCH_SIZES.map((batchSize) =>
      createSizeQuote(context, ask.efforts[lowestLevel ?? 0] ?? '', lowestRows, batchSize),
    ),
    likelySeconds: estimateSeconds(context, quote.runs),
    verifies: context.settings.options.verify === true,
    firstRequest:
      firstGroup === null
        ? null
        : createRequest(
            ask,
            createGroupBatch(firstGroup, context),
            context.exclusion.relevantTo(firstGroup.questions.map((question) => question.record)),
          ),
  };
}

function describePlannedAgent(agent: AgentChoice, isKeySet: boolean): PlannedAgent {
  switch (agent.kind) {
    case 'reference':
      return { name: agent.directory, isRemote: false, needsKey: false };
    case 'url':
      return { name: agent.url, isRemote: true, needsKey: false };
    case 'hosted':
      return { name: HOSTED_URL, isRemote: true, needsKey: !isKeySet };
  }
}

/**
 * Computes the cost of an effort level with this batch size; the worst case includes repairs. Contacts are
 * billed per row.
 */
function createSizeQuote(
  { ask, prices }: JobContext,
  effort: string,
  rows: number,
  batchSize: number,
): Plan['batchSizes'][number] {
  const runs = Math.ceil(rows / batchSize);
  const names = ask.fields.map((field) => field.name);
  const runMicros = computeWorstMicros(prices, effort, 0, ask, names);
  const contactMicros = computeWorstMicros(prices, effort, rows, ask, names) - runMicros;
  return {
    batchSize,
    runs,
    worstMicros: sumLevel(addRepairs(runs * runMicros + contactMicros)),
    likelyMicros: runs * computeLikelyMicros(prices, effort),
  };
}

function estimateSeconds({ settings, agent }: JobContext, runs: number): number {
  const startsPerSecond = settings.startsPerSecond ?? agent.startsPerSecond;
  const byStarts = startsPerSecond === 0 ? 0 : runs / startsPerSecond;
  const rounds = Math.ceil(runs / settings.concurrency);
  return runs === 0 || agent.isFree
    ? 0
    : Math.ceil(Math.max(byStarts, (rounds - 1) * LIKELY_RUN_SECONDS) + LIKELY_RUN_SECONDS);
}
