import pLimit from 'p-limit';
import type { OpenBatch } from '../ledger/ledger.js';
import { lookAhead } from '../model/look-ahead.js';
import type { PendingBatch, Question } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Batcher } from '../run/batcher.js';
import { QuestionJoiner } from '../select/question-joiner.js';
import type { Selection } from '../select/select-rows.js';
import { askGroup, giveUpUnaffordable, resumeGroup, resumeOther, resumeRun } from './ask-group.js';
import { resolveDoubts, SharedAnswersCounter } from './doubts.js';
import {
  createBatcher,
  type JobContext,
  type NextQuestions,
  NO_QUESTIONS,
  type OpenHandout,
} from './job-context.js';
import { LookAgain } from './look-again.js';
import type { NothingFoundGuard } from './nothing-found.js';
import { OtherRuns } from './other-runs.js';
import { NEVER_ARRIVED, type RecoveredBatches, recoverBatches, type UnknownBatch } from './recover.js';
import { reportWarnings } from './report-warnings.js';
import { findChunk, selectChunk } from './select-chunk.js';
import type { StatedCost } from './stated-cost.js';
import type { JobAbort } from './stop.js';
import { CellWarnings } from './warnings.js';

interface DispatchContext {
  /** Maximum number of active runs. */
  readonly concurrency: number;
  /** True if other processes run the groups. A group is on its way to them for longer than a short run takes. */
  readonly handsOut: boolean;
  readonly pool: Batcher;
  readonly stop: JobAbort;
  readonly yields: Pick<
    NothingFoundGuard,
    'findsNothing' | 'isInDoubt' | 'isClosed' | 'confirmContinue' | 'stopIfClosed'
  >;
  readonly statedCost: Pick<StatedCost, 'hasRoom' | 'take' | 'giveBack'>;
  /** Sends a group, waits for its run, checks and settles it. */
  askGroup(group: PendingBatch): Promise<NextQuestions>;
  /** Fails the rows of a group whose retry could exceed the stated worst-case cost. */
  giveUpUnaffordable(group: PendingBatch): Promise<void>;
  /** Looks up questions that another process has sent or answered since. */
  lookAgain(questions: readonly Question[]): Promise<NextQuestions>;
}

/** One batch is prepared ahead per this many runs, so that one is ready when a run ends. */
const RUNS_PER_READY_BATCH = 5;

/** Keeps runs active up to the concurrency cap until every question is answered or has failed. */
export class Dispatcher {
  private readonly context: DispatchContext;
  private readonly limit: ReturnType<typeof pLimit>;
  /** Groups that go first: continuations of a run, and groups that did not fit the budget. */
  private readonly urgent: PendingBatch[] = [];
  /** Groups at an effort level whose answers have no values so far. Active runs may still find something. */
  private heldBack: PendingBatch[] = [];
  /** Groups that could exceed the stated cost. An active run may turn out cheaper and free some of it. */
  private unaffordable: PendingBatch[] = [];
  /** True while the budget cannot cover another run until an active one ends. */
  private isShort = false;
  /** Number of groups that have ended and may have left room in the budget. */
  private ended = 0;
  /** Groups that have a slot or wait for one. */
  private entered = 0;
  /** Work that needs no slot, such as waiting for rows that another process has sent. */
  private waiting = 0;
  private defect: { readonly error: unknown } | null = null;
  private wake: () => void = () => undefined;

  constructor(context: DispatchContext) {
    this.context = context;
    this.limit = pLimit(context.handsOut ? 2 * context.concurrency : this.countSlots(0));
  }

  /**
   * Maximum number of started groups: those that run, and a few that are recorded in the ledger and wait for a slot. If
   * they are handed out, as many wait as run, unless the runs may find nothing and a group must not start.
   */
  private countSlots(level: number): number {
    const { concurrency, handsOut, yields } = this.context;
    if (handsOut && !yields.isInDoubt(level)) return 2 * concurrency;
    return concurrency + Math.ceil(concurrency / RUNS_PER_READY_BATCH);
  }

  /** Takes a slot for work, such as waiting for a run that an earlier job started. */
  enter(work: () => Promise<NextQuestions>): void {
    this.entered += 1;
    void this.follow(this.limit(work)).finally(() => {
      this.entered -= 1;
      this.wake();
    });
  }

  /** Looks up questions that another process has sent, once its runs have ended, without a slot. */
  hold(questions: readonly Question[]): void {
    if (questions.length > 0) this.wait(this.context.lookAgain(questions));
  }

  /** Does not end before this work, which needs no slot. */
  wait(work: Promise<NextQuestions>): void {
    this.waiting += 1;
    void this.follow(work).finally(() => {
      this.waiting -= 1;
      this.wake();
    });
  }

  private async follow(work: Promise<NextQuestions>): Promise<void> {
    const endedBefore = this.ended;
    try {
      this.accept(await work, endedBefore);
    } catch (error) {
      this.defect ??= { error };
      // An error here, such as a full disk, affects every run. Do not wait for them; the next invocation collects them.
      this.context.stop.abort('interrupted');
    }
  }

  private get isBusy(): boolean {
    return this.entered > 0 || this.waiting > 0;
  }

  /** Sends everything that `source` yields. Reads at most one batch ahead. */
  async run(source: AsyncIterator<readonly Question[]>): Promise<void> {
    try {
      await this.sendAll(source);
    } finally {
      // Closes the input of a job that stops before its end.
      await source.return?.();
    }
  }

  private async sendAll(source: AsyncIterator<readonly Question[]>): Promise<void> {
    const { stop, yields } = this.context;
    while (stop.reason === null) {
      const wasIdle = !this.isBusy;
      const group = this.isShort || this.heldBack.length > 0 ? null : await this.takeGroup(source);
      if (group === null) {
        if (this.isBusy) await this.waitForChange();
        // The last run ended while the input was being read, and may have left rows to retry.
        else if (!wasIdle) continue;
        else if (this.isShort || !((await this.decideHeldBack()) || (await this.giveUpUnaffordable()))) break;
        continue;
      }
      while (this.entered >= this.countSlots(group.level)) await this.waitForChange();
      if (yields.findsNothing(group.level)) this.heldBack.push(group);
      else this.start(group);
    }
    while (this.isBusy) await this.waitForChange();
    if (this.isShort) stop.abort('budget');
    else yields.stopIfClosed();
    if (this.defect !== null) throw this.defect.error;
  }

  /** Starts a group if the stated cost covers it. Otherwise keeps it until a run has ended. */
  private start(group: PendingBatch): void {
    const { askGroup, statedCost } = this.context;
    if (!statedCost.take(group)) {
      this.unaffordable.push(group);
      return;
    }
    this.enter(async () => {
      try {
        return await askGroup(group);
      } finally {
        statedCost.giveBack(group);
        // Retry the oldest now, and the others when that one has ended.
        this.urgent.push(...this.unaffordable.splice(0, 1));
      }
    });
  }

  /** When no run is active: fails the groups that the stated cost does not cover. False if there are none. */
  private async giveUpUnaffordable(): Promise<boolean> {
    const { yields, statedCost, giveUpUnaffordable } = this.context;
    const groups = this.unaffordable;
    this.unaffordable = [];
    for (const group of groups) {
      if (yields.isClosed(group.level)) continue;
      if (statedCost.hasRoom(group)) this.urgent.push(group);
      else await giveUpUnaffordable(group);
    }
    return groups.length > 0;
  }

  /** When no run is active: starts or drops the groups that were held back. False if there are none. */
  private async decideHeldBack(): Promise<boolean> {
    const { yields, stop } = this.context;
    const held = this.heldBack;
    this.heldBack = [];
    for (const group of held) {
      if (stop.reason !== null || yields.isClosed(group.level)) continue;
      if (await yields.confirmContinue(group.level)) this.urgent.push(group);
    }
    return held.length > 0;
  }

  /** Takes the next group by priority: continuations, full batches, the rest of the input, repairs. */
  private async takeGroup(source: AsyncIterator<readonly Question[]>): Promise<PendingBatch | null> {
    const { pool, yields } = this.context;
    for (;;) {
      const ready = this.urgent.shift() ?? pool.takeFull();
      if (ready !== null && yields.isClosed(ready.level)) continue;
      if (ready !== null) return ready;
      const next = await source.next();
      if (next.done === true) break;
      for (const question of next.value) pool.add(question);
    }
    this.urgent.push(...pool.takeFirst());
    // Collect repairs into full batches: a half-empty batch costs as much as a full one.
    if (this.urgent.length === 0 && !this.isBusy) this.urgent.push(...pool.takeLowest());
    return this.urgent.shift() ?? null;
  }

  private accept(next: NextQuestions, endedBefore: number): void {
    if (next.overBudget !== null) this.urgent.push(next.overBudget);
    else this.ended += 1;
    if (next.heldBack !== null) this.heldBack.push(next.heldBack);
    // If a group ended since, this one may fit now.
    this.isShort = next.overBudget !== null && this.ended === endedBefore;
    this.hold(next.changed);
    if (next.followUp !== null) this.urgent.push(next.followUp);
    for (const question of next.again) this.context.pool.add(question);
  }

  private waitForChange(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

/** Sends every row that the ledger cannot answer, and waits for the runs left by an earlier job. */
export async function dispatchQuestions(context: JobContext, recovered: RecoveredBatches): Promise<void> {
  const { concurrency } = context.settings;
  const unknown = [...recovered.unknown];
  let isAdopting = false;
  const findHandout = ({ batch }: OpenBatch): OpenHandout | null =>
    context.workers?.findOpen(batch.id) ?? null;
  /** Continues with the runs of processes that have ended since. */
  const adopt = async (): Promise<NextQuestions> => {
    try {
      const found = await recoverBatches(context);
      others.leave(listBatchIds(found));
      for (const each of found.unknown) {
        const handout = findHandout(each.open);
        if (handout === null) {
          context.tally.countUnknown(each.open.batch, each.reason);
          unknown.push(each);
        } else handout.conclude({ status: 'unknown', reason: each.reason });
      }
      for (const open of found.absent)
        findHandout(open)?.conclude({ status: 'absent', reason: NEVER_ARRIVED });
      for (const { open, runId } of found.runs) {
        const handout = findHandout(open);
        if (handout === null) dispatcher.enter(() => resumeOther(open, runId, context));
        else {
          handout.countResumed(runId);
          handout.conclude(resumeRun(open, runId, handout.group, context, async (outcome) => outcome));
        }
      }
    } finally {
      isAdopting = false;
    }
    return NO_QUESTIONS;
  };
  const startAdopting = (): void => {
    if (isAdopting) return;
    isAdopting = true;
    dispatcher.wait(adopt());
  };
  const looks = new LookAgain(context, startAdopting);
  const others = new OtherRuns(context, startAdopting);
  context.workers?.onCheck(startAdopting);
  const dispatcher: Dispatcher = new Dispatcher({
    concurrency,
    handsOut: context.workers !== null,
    stop: context.stop,
    yields: context.yields,
    pool: createBatcher(context),
    statedCost: context.statedCost,
    askGroup: (group) => askGroup(group, context),
    giveUpUnaffordable: (group) => giveUpUnaffordable(group, context),
    lookAgain: (questions) => looks.run(questions),
  });
  for (const { open, runId } of recovered.runs) {
    dispatcher.enter(() => resumeGroup(open, runId, context));
  }
  // Nothing to send: the estimate has counted every row, so the input need not be read again.
  const isDone =
    context.state.planned?.ask === 0 && recovered.runs.length === 0 && recovered.unknown.length === 0;
  if (isDone && context.state.planned !== null && context.answeredRows === null)
    context.tally.countEstimated(context.state.planned);
  else {
    try {
      // With workers, the ledger counts all of them whenever one starts.
      if (context.workers === null) await others.open(listBatchIds(recovered));
      await dispatcher.run(openQuestions(context, (questions) => dispatcher.hold(questions)));
    } finally {
      others.close();
    }
  }
  reportWarnings(context, context.answerWarnings.list());
  if (context.stop.reason !== 'interrupted') await failUnknown(unknown, context);
}

function listBatchIds({ runs, unknown, absent }: RecoveredBatches): readonly string[] {
  return [...[...runs, ...unknown].map(({ open }) => open), ...absent].map(({ batch }) => batch.id);
}

/** Fails rows whose run is unknown, but only those in this input, because other files may have the same question. */
async function failUnknown(
  unknown: readonly UnknownBatch[],
  { ledger, job, inFlight }: JobContext,
): Promise<void> {
  for (const { open, reason } of unknown) {
    const rows = open.batch.rows.filter(({ key }) => !inFlight.isUnclaimed(key));
    await ledger.recordFailures(
      job.id,
      rows.map(({ key }) => ({ key, reason })),
    );
  }
}

/**
 * Yields the questions of the input in order, in chunks. Those that another process has sent go to `hold` instead.
 */
async function* openQuestions(
  context: JobContext,
  hold: (questions: readonly Question[]) => void,
): AsyncGenerator<readonly Question[]> {
  const joiner = new QuestionJoiner(context.ask);
  // The estimate has already counted them.
  const counters = context.state.planned === null ? createCounters(context) : null;
  const chunks = lookAhead(
    context.input.openRows(),
    (rows) => findChunk(rows, context, (keys) => context.inFlight.openLook(keys)),
    context.ledger.lookUpsAhead,
  );
  for await (const chunk of chunks) {
    const { rows, selections, elsewhere } = selectChunk(chunk, context);
    const asked: Question[] = [];
    for (const selection of selections) if (selection.status === 'ask') asked.push(...selection.questions);
    if (elsewhere.size > 0) hold(asked.filter(({ key }) => elsewhere.has(key)));
    const own = elsewhere.size === 0 ? asked : asked.filter(({ key }) => !elsewhere.has(key));
    if (counters !== null) countRows(rows, selections, counters);
    context.tally.countSelected(selections);
    await context.answeredRows?.select(rows, selections);
    yield joiner.add(own);
  }
  yield joiner.end();
  if (counters !== null) {
    reportWarnings(context, counters.cellNotes.list());
    await resolveDoubts(context, { shared: counters.shared.find() }, false);
  }
  context.tally.countInputEnd();
}

/** What is said of the rows of a job that is sent without an estimate. */
interface RowCounters {
  readonly cellNotes: CellWarnings;
  readonly shared: SharedAnswersCounter;
}

function createCounters({ ask, input }: JobContext): RowCounters {
  return { cellNotes: new CellWarnings(ask.send), shared: new SharedAnswersCounter(ask, input.columns) };
}

function countRows(
  rows: readonly Row[],
  selections: readonly Selection[],
  { cellNotes, shared }: RowCounters,
): void {
  cellNotes.count(rows.filter((_row, index) => selections[index]?.status === 'ask'));
  for (const [index, row] of rows.entries()) {
    const selection = selections[index];
    if (selection !== undefined) shared.add(row, selection);
  }
}
