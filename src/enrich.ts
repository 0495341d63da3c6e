import { explainMissingKey } from './api/agent-error.js';
import { checkPaths, describeOpenLedger, isSameFilePath } from './job/check-paths.js';
import { chooseJobOutput, placeReturned } from './job/choose-output.js';
import { dispatchQuestions } from './job/dispatch.js';
import { Escalation } from './job/escalation.js';
import { confirmCost, estimateRemaining } from './job/estimate.js';
import {
  checkHooks,
  createJobContext,
  type EnrichHooks,
  type JobContext,
  type SharedParts,
} from './job/job-context.js';
import {
  addSpent,
  describeDamage,
  isLedgerError,
  saveMovedLedger,
  waitForLease,
  waitForOutput,
} from './job/lease.js';
import { CleanupStack, type OpenAgent, openAgent } from './job/open-agent.js';
import { openJobInput } from './job/open-job.js';
import {
  createFinished,
  createSummary,
  describeKept,
  findFinished,
  findOutputSources,
  type OutputSources,
  writeJobOutput,
} from './job/output.js';
import { SpendLimit } from './job/progress.js';
import { reconcileFile } from './job/reconcile.js';
import { cancelRuns, inheritBatches, type RecoveredBatches, recoverBatches } from './job/recover.js';
import { reportGaps, reportJobWarnings, reportWarnings } from './job/report-warnings.js';
import { createJobParts, identifyInput, resolveAsk } from './job/resolve-ask.js';
import { findFormerJob } from './job/returned-file.js';
import type { RunVerifier } from './job/run-verifier.js';
import { createRetryReport } from './job/stop.js';
import type { JobHandle, Ledger, OpenedJob } from './ledger/ledger.js';
import { createLedgerClock } from './ledger/ledger-clock.js';
import { resolveLedgerPath } from './ledger/ledger-path.js';
import { openLedger } from './ledger/open-ledger.js';
import type { RowCounts } from './model/answer.js';
import type { Clock } from './model/clock.js';
import type { JobSummary } from './model/events.js';
import { findFormerSends } from './model/question.js';
import { type EnrichOptions, hasKey, resolveSettings, type Settings } from './options.js';
import type { PoolJob } from './queue/open-pool.js';
import type { WorkerPool } from './queue/worker-pool.js';
import { SharedThrottle } from './run/shared-throttle.js';

export type { EnrichHooks } from './job/job-context.js';

/**
 * Fills a file: reads its rows, sends those that the ledger cannot answer to the agent, and writes every row with its
 * values, citations, confidence and cost. Calling it again continues an interrupted job.
 *
 * Also resolves if the job stopped early: `stop` of the summary says why, and the output has the answers so far.
 * Throws a RowfillError of kind `usage` for any problem found before money is spent; then no file is changed.
 */
export async function enrich(options: EnrichOptions, hooks: EnrichHooks = {}): Promise<JobSummary> {
  return enrichWith(openLedger, options, hooks);
}

/** Fills a file with the ledger that `open` opens. */
export async function enrichWith(
  open: typeof openLedger,
  options: EnrichOptions,
  hooks: EnrichHooks = {},
  { budget, throttle, onlyRows, escalatesFrom, escalates }: SharedParts = {
    budget: null,
    throttle: new SharedThrottle(),
  },
): Promise<JobSummary> {
  const calledAtMs = Date.now();
  const asked = resolveSettings(options);
  checkHooks(hooks);
  const closers = new CleanupStack();
  try {
    const ledgerPath = options.ledger ?? resolveLedgerPath({});
    const isOntoInput = isSameFilePath(asked.output, options.input);
    const paths = await checkPaths({
      ...options,
      ...hooks.otherFiles,
      ledger: ledgerPath,
      // Only a filled file may be replaced by its output, which is known once it was read.
      output: isOntoInput ? undefined : asked.output,
    });
    const openOnce = memoize(async () =>
      closers.add(
        await open(ledgerPath, {
          onWait: (message) => hooks.onEvent?.({ type: 'note', code: 'LEDGER_WAIT', message }),
        }),
      ),
    );
    const opened = await openJobInput(
      options,
      { path: options.input, output: asked.output },
      (file, returned) => resolveAsk(asked, file, returned, hooks.signal),
      openOnce,
      closers,
      hooks.signal,
    );
    const { ask, exclusion, returned, table } = opened;
    const ledger = await openOnce();
    const placed = await placeReturned(asked, opened, ledger, paths);
    if (isOntoInput && options.output !== undefined) await paths.add('output', placed.output);
    const named = await identifyInput(placed, opened.input, hooks.signal);
    const { settings, earlierOutput, note } = await chooseJobOutput(named, ask, ledger, paths);
    const clock = await createLedgerClock(ledger);
    const startedAtMs = clock.now() - (Date.now() - calledAtMs);
    const waiting = {
      signal: hooks.signal,
      waitsForLive: options.wait,
      onWait: (message: string) => hooks.onEvent?.({ type: 'note', code: 'LEASE_WAIT', message }),
    };
    const previewJob = async (): Promise<OpenedJob> =>
      ledger.previewJob(await createJobParts(settings, ask, ledger, startedAtMs, budget?.id, escalatesFrom));
    const { id: jobId } = await previewJob();
    const lease = closers.add(await waitForLease(ledger, jobId, waiting));
    // What an earlier process has handed out has the caps of then.
    await ledger.handouts?.withdraw({ id: jobId, askId: ask.id });
    // A default output that another job has written meanwhile gets another name instead.
    for (const path of [options.output, options.citationsFile])
      if (path !== undefined) closers.add(await waitForOutput(ledger, path, waiting));
    const onRetry = createRetryReport(hooks.onEvent ?? (() => undefined));
    const agent = closers.add(await openAgent(settings, onRetry));
    // The embedded agent has a new address each time, and no account.
    let account = '';
    if (!agent.isFree) {
      await ledger.enterAccount((salt) => {
        account = agent.client.hashAccount(salt);
        return account;
      });
    }
    const { aheadMs: clockAheadMs, fault } = await meetAgent(agent, clock, hasKey(options), hooks.signal);

    const preview = await previewJob();
    const former = returned === null ? null : findFormerJob(returned, ask);
    const job = { ...preview, previous: preview.previous ?? former };
    const spent = await ledger.getSpend(job.id);
    const found = await ledger.getYield(job.id);
    const cap = new SpendLimit(settings, spent.spentMicros);
    const verifier =
      settings.options.verify === true ? await openRunVerifier(opened, settings, ledger, job, hooks) : null;
    if (verifier !== null) closers.add(verifier);
    const workers =
      options.workers === true
        ? closers.add(
            await openWorkers(
              { ledger: ledgerPath, handouts: ledger.handouts, settings, exclusion, account, job },
              hooks,
            ),
          )
        : null;
    const context = closers.add(
      createJobContext({
        ...opened,
        settings,
        history: { formerSends: findFormerSends(ask, await ledger.listAsks(ask.id)), returned: table },
        ledger,
        lease,
        cap,
        spent,
        found,
        throttle,
        onlyRows,
        budget,
        clock,
        clockAheadMs,
        agent,
        job,
        earlierOutput,
        paths,
        hooks,
        onRetry,
        verifier,
        escalation: escalatesFrom === undefined ? null : new Escalation(ledger, job, opened.ask, escalates),
        workers,
      }),
    );
    lease.watch(context.stop);
    context.onEvent({ type: 'job', jobId: job.id, askId: job.askId, invocation: job.invocation });
    reportJobWarnings(context);
    reportWarnings(context, exclusion.notes);
    const exposed = describeOpenLedger(ledgerPath);
    if (exposed !== null) reportWarnings(context, [exposed]);
    reportGaps(context);
    if (note !== null) reportWarnings(context, [{ code: 'OUTPUT_RENAMED', message: note }]);
    if (fault !== null && (await ledger.listOpenBatches(job.askId)).length > 0) throw fault;
    const recovered = await recoverBatches(context);
    inheritBatches(recovered, context);
    const sources = await findOutputSources(context);
    const kept = escalatesFrom !== undefined ? null : await findFinished(context, sources, recovered);
    if (returned?.note != null) reportWarnings(context, [returned.note]);
    let isOpen = false;
    const openJob = async (): Promise<void> => {
      if (isOpen) return;
      // Another process may have taken over while the user was asked.
      lease.refuseLost();
      await ledger.openJob(job);
      isOpen = true;
    };
    if (kept === null) {
      if (table !== null) await reconcileFile(context, table, openJob);
      try {
        await confirmCost(context, recovered, fault);
      } catch (error) {
        lease.refuseLost();
        if (isOpen) await ledger.closeJob(job.id, { stop: 'interrupted', counts: null, finished: null });
        throw error;
      }
      refuseInterrupted(context);
    }
    // Without corrections, store the job only now: declining or interrupting the cost prompt then leaves no job.
    await openJob();
    if (kept !== null) return await keepOutput(context, kept, startedAtMs);
    try {
      return await fillFile(context, recovered, sources, startedAtMs);
    } catch (error) {
      try {
        // If another process has taken over the job, do not close it here.
        lease.refuseLost();
        if (!(await ledger.dropUnusedJob(job.id)))
          await ledger.closeJob(job.id, { stop: 'interrupted', counts: null, finished: null });
      } catch (closing) {
        // A damaged ledger cannot be written either. Report the original error, not this one.
        if (!isLedgerError(error)) throw closing;
      }
      throw (await saveMovedLedger(ledger, error)) ?? addSpent(describeDamage(ledger, error), context.tally);
    }
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

/** Calls a function once, and returns what it returned then. */
function memoize<Result>(make: () => Result): () => Result {
  let made: { readonly result: Result } | null = null;
  return () => {
    made ??= { result: make() };
    return made.result;
  };
}

interface AgentMeeting {
  /** How far a clock is ahead of the agent's, in ms. */
  readonly aheadMs: number;
  /** Why the agent cannot be used; null if it can. It matters only if there is something to send or to collect. */
  readonly fault: Error | null;
}

/** Checks that the agent responds and accepts the key, before the input is read for long. */
async function meetAgent(
  { client, isFree }: Pick<OpenAgent, 'client' | 'isFree'>,
  clock: Pick<Clock, 'now'>,
  isKeySet: boolean,
  signal: AbortSignal | undefined,
): Promise<AgentMeeting> {
  try {
    const { serverTimeMs } = await client.check({ ...(signal === undefined ? {} : { signal }) });
    return { aheadMs: serverTimeMs === null ? 0 : clock.now() - serverTimeMs, fault: null };
  } catch (error) {
    signal?.throwIfAborted();
    const fault = explainMissingKey(error, isKeySet);
    // What is to be sent to the embedded agent is not counted before.
    if (isFree || !(fault instanceof Error)) throw fault;
    return { aheadMs: 0, fault };
  }
}

/** Opens what `--workers` needs. Loaded only when needed. */
async function openWorkers(job: PoolJob, hooks: EnrichHooks): Promise<WorkerPool> {
  const { openPool } = await import('./queue/open-pool.js');
  return openPool(job, hooks);
}

/** Opens what `--verify` needs. Loaded only when needed. */
async function openRunVerifier(
  { ask }: Pick<JobContext, 'ask'>,
  { options }: Settings,
  ledger: Ledger,
  job: JobHandle,
  { onEvent = () => undefined, signal }: EnrichHooks,
): Promise<RunVerifier> {
  const { RunVerifier } = await import('./job/run-verifier.js');
  return new RunVerifier({ options, ledger, job, ask, signal, onEvent });
}

/** Throws the signal's reason if the job was interrupted before anything was reserved. The output is unchanged. */
function refuseInterrupted({ stop, hooks, lease }: JobContext): void {
  if (stop.reason !== 'interrupted') return;
  lease?.refuseLost();
  hooks.signal?.throwIfAborted();
}

/** Keeps the output, because writing it again would produce the same bytes. */
async function keepOutput(context: JobContext, rows: RowCounts, startedAtMs: number): Promise<JobSummary> {
  const { job, ledger, settings, tally } = context;
  tally.countKept(rows);
  context.onEvent({ type: 'note', code: 'OUTPUT_KEPT', message: describeKept(settings.output) });
  await ledger.closeJob(job.id, { stop: 'done', counts: rows, finished: job.finished });
  const kept = {
    rows,
    leftRows: 0,
    failures: { unsendable: 0, unfit: 0 },
    fields: [],
    examples: [],
    needsBom: false,
  };
  return createSummary(context, kept, null, startedAtMs);
}

/** Runs the job, once everything is open and confirmed. */
async function fillFile(
  context: JobContext,
  recovered: RecoveredBatches,
  sources: OutputSources | null,
  startedAtMs: number,
): Promise<JobSummary> {
  const { job, ledger, lease, agent, settings, stop, tally } = context;
  await dispatchQuestions(context, recovered);
  lease?.refuseLost();
  if (stop.reason === 'interrupted' && (await ledger.isUnusedJob(job.id))) refuseInterrupted(context);
  if (stop.reason === 'interrupted' && settings.options.cancelOnInterrupt === true) {
    const excludesAnswers = context.exclusion.answerFields.length > 0;
    const { cancelled, completed, givenUp, costMicros } = await cancelRuns({
      client: agent.client,
      ledger,
      job,
      checker: context.checker,
      excludesAnswers,
      isOwnAgent: true,
      // The user is waiting for the program to end, so do not wait for the run list.
      listLagMs: null,
    });
    tally.countCancelled(cancelled.length + completed.length + givenUp.length, costMicros);
  }
  // Workers reserve and release too.
  context.spend.replace(await ledger.getSpend(job.id));
  await context.verifier?.finish(context);
  // Before the output, which replaces a filled file that was given back.
  const remaining = await estimateRemaining(context);
  const written = await writeJobOutput(context);
  reportJobWarnings(context);
  reportWarnings(context, context.exclusion.describeMatches());
  reportGaps(context, written.fields);
  const finished = await createFinished(context, sources, written);
  lease?.refuseLost();
  await ledger.closeJob(job.id, { stop: stop.reason ?? 'done', counts: written.rows, finished });
  const moved = await saveMovedLedger(ledger);
  if (moved !== null) stop.abortWith(moved);
  const summary = await createSummary(context, written, remaining, startedAtMs);
  return { ...summary, output: written.path };
}
