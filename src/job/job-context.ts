import { createRowChecker, type RowChecker } from '../answer/check-run.js';
import type { AgentClient } from '../api/agent-client.js';
import type { Ledger, OverBudget } from '../ledger/ledger.js';
import type { OpenedJob, StoredAnswer } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { type Clock, systemClock } from '../model/clock.js';
import type { Doubt, EnrichEvent, FruitlessJob } from '../model/events.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import type { PriceList, Quote } from '../model/prices.js';
import type { PendingBatch, Question } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Settings } from '../options.js';
import type { Input } from '../read/open-input.js';
import { computeLastAttempt } from '../run/batcher.js';
import type { SendContext } from '../run/send-batch.js';
import { StartThrottle } from '../run/start-throttle.js';
import type { Exclusion } from '../select/exclusion.js';
import { InFlight, SamplePicker, type SelectContext } from '../select/select-rows.js';
import type { JobPlaces, PlaceGuard } from './check-places.js';
import type { JobLease } from './lease.js';
import type { LoadedExclusion } from './load-exclusion.js';
import type { OpenAgent } from './open-agent.js';
import {
  type DayUse,
  type FolderBudget,
  JobTally,
  type PlannedCounts,
  resolveDayCaps,
  type SpendLimit,
} from './progress.js';
import { StatedCost } from './stated-cost.js';
import { CircuitBreaker, JobAbort, type RetryReport } from './stop.js';
import { AnswerWarnings } from './warnings.js';
import { NothingFoundGuard } from './yield-guard.js';

/** How a program takes part in a job: what it hears, and where it is asked. */
export interface EnrichHooks {
  /** Hears what happens; must not throw. */
  readonly onEvent?: (event: EnrichEvent) => void;
  /** Events of rows carry the values that the agent gave. @default false */
  readonly withValues?: boolean;
  /**
   * True for a listener that can do without the events of rows: an output that this call would write again byte for byte
   * is then left as it is. @default false
   */
  readonly mayKeepOutput?: boolean;
  /** Files that the caller reads or writes beside the job: no result may replace them. */
  readonly otherFiles?: Pick<JobPlaces, 'recipe' | 'logFile' | 'heartbeat'>;
  /** Asked before money is spent, unless `yes` or `maxCost` says enough; without it such a job is refused. */
  readonly confirm?: (quote: Quote) => Promise<boolean>;
  /**
   * Asked about a doubt about the file, such as rows that would share an answer, before money is spent; false ends the
   * call with the code of the doubt, and so does every doubt without this hook.
   */
  readonly confirmDoubt?: (doubt: Doubt) => Promise<boolean>;
  /** Asked once the first answers of a paid job hold no value, unless `keepGoing` says enough; without it the job stops. */
  readonly confirmFruitless?: (job: FruitlessJob) => Promise<boolean>;
  /** Aborting stops the job gracefully: no new runs, the output is written, runs that work are picked up the next time. */
  readonly signal?: AbortSignal;
}

const HOOK_TYPES: OptionTypes<EnrichHooks> = {
  onEvent: 'function',
  withValues: 'flag',
  mayKeepOutput: 'flag',
  confirm: 'function',
  confirmDoubt: 'function',
  otherFiles: 'object',
  confirmFruitless: 'function',
  signal: 'signal',
};

/** Throws a usage error for a hook that does not exist, or is something else than it has to be. */
export function checkHooks(hooks: EnrichHooks): void {
  checkOptionTypes('the hooks of a job', hooks, HOOK_TYPES);
}

interface JobContextParts {
  readonly settings: Settings;
  readonly input: Input;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly exclusion: LoadedExclusion;
  readonly ledger: Ledger;
  readonly cap: SpendLimit;
  readonly budget: FolderBudget | null;
  /** By how much this machine's clock is ahead of the agent's, as far as that is known. */
  readonly clockAheadMs: number;
  /** null for a look at what a job would do: nothing may be started then. */
  readonly lease: JobLease | null;
  readonly agent: OpenAgent;
  readonly job: OpenedJob;
  /** Where the job's last invocation wrote to; null if this is the first. */
  readonly earlierOutput: string | null;
  /** null for a look at what a job would do: nothing is written then. */
  readonly places: PlaceGuard | null;
  readonly hooks: EnrichHooks;
  readonly onRetry: RetryReport;
}

/** Everything that the stops of one job share. */
export interface JobContext extends JobContextParts {
  readonly clock: Clock;
  readonly stop: JobAbort;
  readonly patience: CircuitBreaker;
  readonly yields: NothingFoundGuard;
  readonly tally: JobTally;
  readonly answerNotes: AnswerWarnings;
  readonly pacer: StartThrottle;
  readonly checker: RowChecker;
  readonly inFlight: InFlight;
  readonly prices: PriceList;
  readonly statedCost: StatedCost;
  readonly lastAttempt: number;
  readonly isRefresh: boolean;
  /** How `select` looks at rows; the survey and the job itself look with other eyes on what is in flight. */
  readonly select: Omit<SelectContext, 'inFlight'>;
  /** The ordinals that `--sample` picked; null for all rows. */
  sample: ReadonlySet<number> | null;
  /** What the survey found would become of the rows; null if there was none. */
  surveyed: PlannedCounts | null;
  /** The budget that had no room for a run last; null while all have. */
  fullBudget: OverBudget | null;
  /** Notes about the input that were reported already. */
  readonly toldNotes: Set<string>;
  onEvent(event: EnrichEvent): void;
  close(): void;
}

export function createJobContext(parts: JobContextParts): JobContext {
  const { settings, ask, ledger, agent, job, hooks, exclusion } = parts;
  const clock = systemClock;
  const stop = new JobAbort();
  const onEvent = hooks.onEvent ?? (() => undefined);
  const interrupt = (): void => stop.abort('interrupted');
  hooks.signal?.addEventListener('abort', interrupt, { once: true });
  if (hooks.signal?.aborted === true) interrupt();
  const prices = agent.isFree ? {} : settings.prices;
  const freshSinceMs = computeFreshSince(settings, job, clock.now());
  const trip: JobContext = {
    ...parts,
    clock,
    stop,
    onEvent,
    patience: new CircuitBreaker(stop),
    yields: new NothingFoundGuard({
      ledger,
      jobId: job.id,
      ask,
      prices,
      keepGoing: settings.options.keepGoing === true,
      stop,
      onEvent,
      confirm: hooks.confirmFruitless,
    }),
    tally: new JobTally({
      jobId: job.id,
      efforts: ask.efforts,
      cap: parts.cap,
      onEvent,
      readSpend: () => ledger.readSpend(job.id),
      readDays: () => listDayBudgets(parts),
    }),
    pacer: new StartThrottle({
      clock,
      concurrency: settings.concurrency,
      startsPerSecond: settings.startsPerSecond ?? agent.startsPerSecond,
    }),
    answerNotes: new AnswerWarnings(),
    checker: createRowChecker(ask),
    inFlight: new InFlight(),
    prices,
    statedCost: new StatedCost({ ask, prices }),
    lastAttempt: computeLastAttempt(settings.batchSize),
    isRefresh: freshSinceMs > 0,
    sample: null,
    surveyed: null,
    fullBudget: null,
    toldNotes: new Set(),
    select: {
      ask,
      overwrite: settings.overwrite,
      blanks: parts.blanks,
      isWanted: (row: Row) => isInSample(row, settings.limit, trip.sample),
      isExcluded: (row: Row) => exclusion.findMatch(row) !== null,
      findAnswers: (keys) => ledger.findAnswers(job, keys),
      isStale: (answer: StoredAnswer) => (answer.answeredAtMs ?? 0) < freshSinceMs,
      isOfNow: (answer: StoredAnswer) =>
        answer.answeredJobId === job.id && answer.answeredInvocation === job.invocation,
      hasFailedNow: (answer: StoredAnswer) =>
        answer.failure !== null && answer.failureInvocation === job.invocation,
    },
    close: () => hooks.signal?.removeEventListener('abort', interrupt),
  };
  return trip;
}

/** Answers older than this are asked again. */
function computeFreshSince(settings: Settings, job: OpenedJob, nowMs: number): number {
  const { refresh_since: refreshMs } = job.settings;
  const ageMs = settings.maxAgeMs === null ? 0 : nowMs - settings.maxAgeMs;
  return Math.max(typeof refreshMs === 'number' ? refreshMs : 0, ageMs);
}

/** The budgets of the day that a job spends from: of its watched folder, and of the whole ledger. */
function listDayBudgets(trip: Pick<JobContextParts, 'budget' | 'ledger' | 'settings'>): readonly DayUse[] {
  const { budget, ledger } = trip;
  const caps = resolveDayCaps({ ...trip, clock: systemClock });
  if (caps === null) return [];
  const { folderMicros, ledgerMicros, sinceMs } = caps;
  const readUse = (owner: string, folder: string | null, capMicros: number | null): DayUse[] => {
    if (capMicros === null) return [];
    const { spentMicros, reservedMicros } = ledger.readSpendSince(folder, sinceMs);
    return [{ owner, usedMicros: spentMicros + reservedMicros, capMicros }];
  };
  return [
    ...(budget === null ? [] : readUse('the files of this folder', budget.id, folderMicros)),
    ...readUse('all jobs of this ledger', null, ledgerMicros),
  ];
}

/** What a group of questions meets on its way through a run. */
export interface AskContext {
  readonly ask: Ask;
  readonly job: OpenedJob;
  readonly ledger: Ledger;
  readonly client: AgentClient;
  readonly checker: RowChecker;
  readonly inFlight: InFlight;
  readonly stop: JobAbort;
  readonly patience: CircuitBreaker;
  readonly yields: NothingFoundGuard;
  readonly tally: JobTally;
  readonly answerNotes: AnswerWarnings;
  readonly cap: SpendLimit;
  readonly statedCost: StatedCost;
  readonly send: SendContext;
  readonly prices: PriceList;
  /** Answers are asked for again on purpose: what comes back replaces the older ones. */
  readonly isRefresh: boolean;
  /** Rows in a full batch. */
  readonly batchSize: number;
  /** The attempt after which a row that was not answered fails. */
  readonly lastAttempt: number;
  /** How long a run is waited for; null: as its effort has it. */
  readonly runTimeoutMs: number | null;
  readonly exclusion: Exclusion;
  /** Takes note of the budget that had no room for a run. */
  noteFull(budget: OverBudget): void;
}

/** What a group leaves to be asked. */
export interface NextQuestions {
  /** The group itself, if the budget had no room for it. */
  readonly overBudget: PendingBatch | null;
  /** The group itself, if runs at its effort were found to bring nothing before it was started. */
  readonly heldBack: PendingBatch | null;
  /** A group that goes out before anything else. */
  readonly followUp: PendingBatch | null;
  readonly again: readonly Question[];
}

export const NO_QUESTIONS: NextQuestions = {
  overBudget: null,
  heldBack: null,
  followUp: null,
  again: [],
};

/** What the send stop needs of a trip. */
export function createSendContext(trip: JobContext): SendContext {
  return {
    ledger: trip.ledger,
    client: trip.agent.client,
    pacer: trip.pacer,
    clock: trip.clock,
    listLagMs: trip.agent.listLagMs,
    clockAheadMs: trip.clockAheadMs,
    get capMicros() {
      return trip.agent.isFree ? null : trip.cap.micros;
    },
    get dayCaps() {
      return trip.agent.isFree ? null : resolveDayCaps(trip);
    },
    isFruitless: (effort) => trip.yields.isFruitless(trip.ask.efforts.indexOf(effort)),
    refuseStart() {
      trip.lease?.refuseLost();
      trip.ledger.refuseMove();
    },
    stopSignal: trip.stop.startSignal,
    waitSignal: trip.stop.waitSignal,
    onRetry: (attempt, delayMs, reason) => trip.onRetry({ what: 'start of a run', attempt, delayMs, reason }),
  };
}

/** The ordinals of a sample of the input, or of its first `limit` rows; null for all rows. */
export async function pickSample(
  input: Input,
  size: number | null,
  limit: number | null,
): Promise<ReadonlySet<number> | null> {
  if (size === null) return null;
  const picker = new SamplePicker(size);
  for await (const rows of input.openRows()) {
    for (const { ordinal } of rows) if (limit === null || ordinal < limit) picker.add(ordinal);
  }
  return picker.readPicked();
}

/** True for a row that `--limit` and `--sample` leave in. */
export function isInSample(row: Row, limit: number | null, sample: ReadonlySet<number> | null): boolean {
  return (limit === null || row.ordinal < limit) && (sample === null || sample.has(row.ordinal));
}
