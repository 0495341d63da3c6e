import { createRowChecker } from '../answer/check-run.js';
import type { JobSpend, JobYield, Ledger, OpenedJob, OverBudget, StoredAnswer } from '../ledger/ledger.js';
import type { Blanks } from '../model/blank.js';
import { systemClock } from '../model/clock.js';
import type { Doubt, EnrichEvent, NothingFound } from '../model/events.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import type { PriceList, Quote } from '../model/prices.js';
import { type FileHistory, MAX_RECORD_BYTES, type PendingBatch, type Question } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Settings } from '../options.js';
import type { Input } from '../read/open-input.js';
import { Batcher, computeLastAttempt } from '../run/batcher.js';
import type { JobThrottle, SharedThrottle } from '../run/shared-throttle.js';
import { InFlight } from '../select/in-flight.js';
import { SamplePicker, type SelectContext } from '../select/select-rows.js';
import { type AnsweredRow, AnsweredRows } from './answered-rows.js';
import type { JobPaths, PathGuard } from './check-paths.js';
import type { Escalation, EscalationScope } from './escalation.js';
import type { JobLease } from './lease.js';
import type { LoadedExclusion } from './load-exclusion.js';
import { NothingFoundGuard } from './nothing-found.js';
import type { OpenAgent } from './open-agent.js';
import {
  type DayUse,
  type FolderBudget,
  JobTally,
  type PlannedCounts,
  resolveDayCaps,
  type SpendLimit,
} from './progress.js';
import type { ReturnedTable } from './returned-table.js';
import type { BatchOutcome, PlannedBatch, RunParts } from './run-batch.js';
import type { RunVerifier } from './run-verifier.js';
import { SpendCounter } from './spend-counter.js';
import { StatedCost } from './stated-cost.js';
import { CircuitBreaker, JobAbort, type RetryReport } from './stop.js';
import { AnswerWarnings } from './warnings.js';

/** Callbacks of a job. */
export interface EnrichHooks {
  /** Called with every event; must not throw. */
  readonly onEvent?: (event: EnrichEvent) => void;
  /**
   * Called with each row as soon as its result is final, in the order of the results; must not throw. Rows that it was
   * not called for are in the output at the end, such as those of runs that an earlier call started.
   */
  readonly onAnswer?: (row: AnsweredRow) => void;
  /** Include the agent's values in row events. @default false */
  readonly withValues?: boolean;
  /**
   * True if `onEvent` does not need row events. Then an output that would not change is not written again. @default
   * false
   */
  readonly mayKeepOutput?: boolean;
  /** Other files that the caller uses; no result may replace them. */
  readonly otherFiles?: Pick<JobPaths, 'recipe' | 'logFile' | 'heartbeat'>;
  /** Confirms the cost before money is spent, unless `yes` or `maxCost` is set. Without it, such a job is refused. */
  readonly confirm?: (quote: Quote) => Promise<boolean>;
  /**
   * Confirms a doubt about the file before money is spent, such as rows that would share an answer. If it returns false
   * or is not set, the call fails with the code of the doubt.
   */
  readonly confirmDoubt?: (doubt: Doubt) => Promise<boolean>;
  /** Called if the first answers of a paid job have no values, unless `keepGoing` is set. Without it, the job stops. */
  readonly confirmNothingFound?: (job: NothingFound) => Promise<boolean>;
  /**
   * Aborting stops the job gracefully: starts no new runs and writes the output. The next call collects active runs.
   */
  readonly signal?: AbortSignal;
}

const HOOK_TYPES: OptionTypes<EnrichHooks> = {
  onEvent: 'function',
  onAnswer: 'function',
  withValues: 'flag',
  mayKeepOutput: 'flag',
  confirm: 'function',
  confirmDoubt: 'function',
  otherFiles: 'object',
  confirmNothingFound: 'function',
  signal: 'signal',
};

/** Throws a usage error for an unknown hook or a wrong type. */
export function checkHooks(hooks: EnrichHooks): void {
  checkOptionTypes('the hooks of a job', hooks, HOOK_TYPES);
}

/** Everything that the parts of a job share. Built once by its entry point, and frozen. */
export interface JobContext extends RunParts {
  readonly throttle: JobThrottle;
  readonly ledger: Ledger;
  readonly spend: SpendCounter;
  readonly settings: Settings;
  readonly input: Input;
  readonly blanks: Blanks;
  readonly history: FileHistory;
  /** The cells of a filled file that was returned; null for any other. Also in `history`. */
  readonly table: ReturnedTable | null;
  readonly exclusion: LoadedExclusion;
  readonly cap: SpendLimit;
  readonly budget: FolderBudget | null;
  /** Null in `plan`, which may start nothing. */
  readonly lease: JobLease | null;
  readonly agent: OpenAgent;
  readonly job: OpenedJob;
  /** Output path of the job's last invocation; null if this is the first. */
  readonly earlierOutput: string | null;
  /** Null in `plan`, which writes nothing. */
  readonly paths: PathGuard | null;
  readonly hooks: EnrichHooks;
  readonly onRetry: RetryReport;
  readonly stop: JobAbort;
  readonly breaker: CircuitBreaker;
  readonly yields: NothingFoundGuard;
  readonly tally: JobTally;
  readonly answerWarnings: AnswerWarnings;
  /** Null if nobody wants results while the job runs. */
  readonly answeredRows: AnsweredRows | null;
  /** Null unless only doubted values are sent. */
  readonly escalation: Escalation | null;
  /** Checks citations while runs go on. Null without `verify`. */
  readonly verifier: RunVerifier | null;
  readonly inFlight: InFlight;
  readonly prices: PriceList;
  readonly statedCost: StatedCost;
  /** Null if this process runs the batches itself. */
  readonly workers: BatchRunner | null;
  /** True if older answers are replaced. */
  readonly isRefresh: boolean;
  /** How rows are classified. */
  readonly select: SelectContext;
  readonly state: JobState;
  /** Texts of warnings that were reported already. */
  readonly reportedWarnings: Set<string>;
  onEvent(event: EnrichEvent): void;
  close(): void;
}

/** Hands batches out to other processes, and takes in what became of them. */
export interface BatchRunner {
  run(planned: PlannedBatch, context: JobContext): Promise<BatchOutcome>;
  /** Returns how to conclude a batch that is with another process; null if it is not. */
  findOpen(batchId: string): OpenHandout | null;
  /** Calls `adopt` now and then while batches are with other processes, any of which may end. */
  onCheck(adopt: () => void): void;
}

/** A batch that is with another process. */
export interface OpenHandout {
  readonly group: PendingBatch;
  /** Counts its run, unless the other process has reported it already. */
  countResumed(runId: string): void;
  conclude(outcome: BatchOutcome | Promise<BatchOutcome>): void;
}

/** State that changes while a job runs. */
interface JobState {
  /** Positions of the rows that `--sample` picked; null for all rows. */
  sample: ReadonlySet<number> | null;
  /** Row counts of the estimate; null if there was none. */
  planned: PlannedCounts | null;
  /** The budget that last could not cover a run; null if none. */
  fullBudget: OverBudget | null;
}

type OpenedParts = Pick<
  JobContext,
  | 'settings'
  | 'input'
  | 'ask'
  | 'blanks'
  | 'history'
  | 'table'
  | 'exclusion'
  | 'ledger'
  | 'cap'
  | 'budget'
  | 'clock'
  | 'clockAheadMs'
  | 'lease'
  | 'agent'
  | 'job'
  | 'earlierOutput'
  | 'paths'
  | 'hooks'
  | 'onRetry'
  | 'verifier'
  | 'escalation'
  | 'workers'
> & {
  /** The spend of the job when it was opened. */
  readonly spent: JobSpend;
  /** What its runs had found by then. */
  readonly found: JobYield;
  /** Limits the starts of this job together with those of other jobs. */
  readonly throttle: SharedThrottle;
  /** Only these rows, by ordinal, are asked; undefined for all. */
  readonly onlyRows?: ReadonlySet<number> | undefined;
};

/** What the files of a watched folder share. */
export interface SharedParts {
  /** The daily budget; null without a watched folder. */
  readonly budget: FolderBudget | null;
  readonly throttle: SharedThrottle;
  /** Only these rows, by ordinal, are asked; absent for all. */
  readonly onlyRows?: ReadonlySet<number>;
  /** Send only values that are not on their cited pages. The effort ladder that the job was given. */
  readonly escalatesFrom?: readonly string[];
  /** What the escalation is limited to; absent for all. */
  readonly escalates?: EscalationScope;
}

/** Builds the context of a job from what its entry point has opened. */
export function createJobContext({
  spent,
  found,
  throttle: shared,
  onlyRows,
  ...parts
}: OpenedParts): JobContext {
  const { settings, ask, ledger, agent, job, hooks, exclusion, clock } = parts;
  const stop = new JobAbort();
  const onEvent = hooks.onEvent ?? (() => undefined);
  const interrupt = (): void => stop.abort('interrupted');
  hooks.signal?.addEventListener('abort', interrupt, { once: true });
  if (hooks.signal?.aborted === true) interrupt();
  const prices = agent.isFree ? {} : settings.prices;
  const freshSinceMs = computeFreshSince(settings, job, clock.now());
  const againSinceMs = typeof job.settings.again_since === 'number' ? job.settings.again_since : 0;
  const breaker = new CircuitBreaker(stop);
  const startsPerSecond = settings.startsPerSecond ?? agent.startsPerSecond;
  const state: JobState = { sample: null, planned: null, fullBudget: null };
  const spend = new SpendCounter(job.id, spent);
  const yields = new NothingFoundGuard({
    ledger,
    jobId: job.id,
    found,
    spend,
    ask,
    prices,
    keepGoing: settings.options.keepGoing === true,
    stop,
    onEvent,
    confirm: hooks.confirmNothingFound,
  });
  const inFlight = new InFlight();
  const select: JobContext['select'] = {
    ask,
    overwrite: settings.overwrite,
    blanks: parts.blanks,
    history: parts.history,
    isWanted: (row: Row) =>
      isInSample(row, settings.limit, state.sample) && onlyRows?.has(row.ordinal) !== false,
    isExcluded: (row: Row) => exclusion.findMatch(row) !== null,
    keepFresh: createFreshness(settings.again, freshSinceMs, againSinceMs),
    only: settings.only,
    isFromThisInvocation: (answer: StoredAnswer) =>
      answer.answeredJobId === job.id && answer.answeredInvocation === job.invocation,
    failedThisInvocation: (answer: StoredAnswer) =>
      answer.failure !== null && answer.failureInvocation === job.invocation,
  };
  const { onAnswer } = hooks;
  const throttle = shared.open({
    // One clock for all files, which may have measured that of the ledger differently.
    clock: systemClock,
    concurrency: settings.concurrency,
    startsPerSecond,
  });
  return Object.freeze<JobContext>({
    ...parts,
    stop,
    onEvent,
    breaker,
    spend,
    yields,
    tally: new JobTally({
      jobId: job.id,
      efforts: ask.efforts,
      cap: parts.cap,
      onEvent,
      spend,
    }),
    throttle,
    startsPerSecond,
    answerWarnings: new AnswerWarnings(),
    checker: createRowChecker(ask, parts.blanks),
    answeredRows:
      onAnswer === undefined
        ? null
        : new AnsweredRows({ ...parts, isWanted: select.isWanted, inFlight }, onAnswer),
    inFlight,
    prices,
    statedCost: new StatedCost({ ask, prices }),
    lastAttempt: computeLastAttempt(settings.batchSize),
    isRefresh: freshSinceMs > 0 || againSinceMs > 0,
    state,
    reportedWarnings: new Set(),
    get caps() {
      return agent.isFree
        ? { jobMicros: null, day: null }
        : { jobMicros: parts.cap.micros, day: resolveDayCaps({ ...parts, clock }) };
    },
    findsNothing: (effort) => yields.findsNothing(ask.efforts.indexOf(effort)),
    select,
    close() {
      hooks.signal?.removeEventListener('abort', interrupt);
      throttle.close();
    },
  });
}

/** Creates the batcher that groups the questions of a job, and of its estimate. */
export function createBatcher({
  ask,
  settings,
  statedCost,
}: Pick<JobContext, 'ask' | 'settings' | 'statedCost'>): Batcher {
  return new Batcher({
    batchSize: settings.batchSize,
    maxBatchBytes: MAX_RECORD_BYTES,
    fieldNames: ask.fields.map(({ name }) => name),
    computePrice: (group) => statedCost.computePrice(group),
  });
}

/** Computes the time before which answers are too old and fetched again. */
function computeFreshSince(settings: Settings, job: OpenedJob, nowMs: number): number {
  const { refresh_since: refreshMs } = job.settings;
  const ageMs = settings.maxAgeMs === null ? 0 : nowMs - settings.maxAgeMs;
  return Math.max(typeof refreshMs === 'number' ? refreshMs : 0, ageMs);
}

/**
 * Removes answers that are asked for again: those from before a time, and missing values of the rows that `--again`
 * names. What a person gave stays.
 */
function createFreshness(
  again: Settings['again'],
  freshSinceMs: number,
  againSinceMs: number,
): SelectContext['keepFresh'] {
  if (freshSinceMs === 0 && againSinceMs === 0) return ({ fields }) => fields;
  const isWanted = ({ fields, failure }: StoredAnswer, asked: readonly string[]): boolean => {
    if (failure !== null) return again.has('failed');
    const found = asked.filter((name) => (fields.get(name)?.value ?? null) !== null).length;
    return again.has(found === 0 ? 'not_found' : 'partial');
  };
  return (stored, asked) => {
    const sinceMs = againSinceMs > 0 && isWanted(stored, asked) ? againSinceMs : 0;
    const kept = [...stored.fields].filter(([, { value, who, foundAtMs = 0 }]) => {
      if (who === 'human') return true;
      return foundAtMs >= freshSinceMs && (value !== null || foundAtMs >= sinceMs);
    });
    return kept.length === stored.fields.size ? stored.fields : new Map(kept);
  };
}

/** Lists the daily budgets that apply to a job: of its watched folder and of the ledger. */
export async function listDayBudgets(
  parts: Pick<JobContext, 'budget' | 'ledger' | 'settings'>,
): Promise<readonly DayUse[]> {
  const { budget, ledger } = parts;
  const caps = resolveDayCaps({ ...parts, clock: systemClock });
  if (caps === null) return [];
  const { folderMicros, ledgerMicros, sinceMs } = caps;
  const listUse = async (
    owner: string,
    folder: string | null,
    capMicros: number | null,
  ): Promise<DayUse[]> => {
    if (capMicros === null) return [];
    const { spentMicros, reservedMicros } = await ledger.getSpendSince(folder, sinceMs);
    return [{ owner, usedMicros: spentMicros + reservedMicros, capMicros }];
  };
  return [
    ...(budget === null ? [] : await listUse('the files of this folder', budget.id, folderMicros)),
    ...(await listUse('all jobs of this ledger', null, ledgerMicros)),
  ];
}

/** Questions left to send after a group. */
export interface NextQuestions {
  /** The group itself, if the budget could not cover it. */
  readonly overBudget: PendingBatch | null;
  /** The group itself, if its effort level turned out to find nothing before it started. */
  readonly heldBack: PendingBatch | null;
  /** A group to send before anything else. */
  readonly followUp: PendingBatch | null;
  readonly again: readonly Question[];
  /** Questions that another process has sent or answered since they were looked up. */
  readonly changed: readonly Question[];
}

export const NO_QUESTIONS: NextQuestions = {
  overBudget: null,
  heldBack: null,
  followUp: null,
  again: [],
  changed: [],
};

/** Picks a sample of the input or of its first `limit` rows. Returns their ordinals; null for all rows. */
export async function pickSample(
  input: Input,
  size: number | null,
  limit: number | null,
): Promise<ReadonlySet<number> | null> {
  if (size === null) return null;
  const picker = new SamplePicker(size);
  for await (const rows of input.openRows()) {
    for (const { ordinal, skip } of rows) {
      if (skip === undefined && (limit === null || ordinal < limit)) picker.add(ordinal);
    }
  }
  return picker.readPicked();
}

/** True if `--limit` and `--sample` include the row. */
export function isInSample(row: Row, limit: number | null, sample: ReadonlySet<number> | null): boolean {
  return (limit === null || row.ordinal < limit) && (sample === null || sample.has(row.ordinal));
}
