import { formatExcerpt } from '../answer/excerpt.js';
import type { DayCaps, Spend } from '../ledger/ledger.js';
import { computeDayStart } from '../ledger/ledger-clock.js';
import type { RowCounts } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import type { Clock } from '../model/clock.js';
import type { BudgetScope, EnrichEvent } from '../model/events.js';
import { type BookedCost, formatMicros } from '../model/format.js';
import type { AgentRun } from '../model/run.js';
import type { Settings } from '../options.js';
import type { Selection } from '../select/select-rows.js';

/** Share of the cap from which the job warns. */
const WARN_AT = 0.8;

/** Warn if a run costs more than this many times its reserved price. */
const FAR_ABOVE = 2;

interface TallySources {
  readonly jobId: string;
  readonly efforts: readonly string[];
  readonly cap: Pick<SpendLimit, 'micros'>;
  readonly onEvent: (event: EnrichEvent) => void;
  /** The job's spend as of now. */
  readonly spend: Spend;
}

/** A daily budget and its use by all jobs, in micro-dollars. */
export interface DayUse {
  /** Who shares it, for messages: "the files of this folder". */
  readonly owner: string;
  readonly usedMicros: number;
  readonly capMicros: number;
}

/** Counts what a job does and reports it as events. Each change is followed by a `progress` event. */
export class JobTally {
  readonly runs = { created: 0, adopted: 0, failed: 0 };
  readonly steps: { readonly effort: string; runs: number; filled: number; costMicros: number }[];
  /** Batches that may or may not have reached the agent. */
  unknownBatches = 0;
  /** Batches whose run is still active, although this job no longer waits for it. */
  readonly lateBatches = new Set<string>();
  costNowMicros = 0;
  /** Rows with some values that were given up because a retry could cost more than was stated. */
  unretriedRows = 0;
  /** Rows answered from the ledger. */
  reused = 0;
  /** Rows that share the answer of another row of this job. */
  duplicates = 0;
  private readonly sources: TallySources;
  private rowsRead = 0;
  private rowsTotal: number | null = null;
  private rowsDone = 0;
  private rowsFailed = 0;
  runsActive = 0;
  private hasWarned = false;
  private readonly warnedDays = new Set<string>();
  private hasToldEstimate = false;
  private hasToldExcess = false;

  constructor(sources: TallySources) {
    this.sources = sources;
    this.steps = sources.efforts.map((effort) => ({ effort, runs: 0, filled: 0, costMicros: 0 }));
  }

  /** Reports how many rows the estimate has read. Nothing is sent yet. */
  countLookedThrough(rowsRead: number): void {
    const progress = { rowsRead, rowsTotal: null, rowsDone: 0, rowsFailed: 0, runsActive: 0 };
    this.sources.onEvent({ type: 'progress', progress: { ...progress, ...this.getSpend() } });
  }

  /** Sets the total number of rows, once the estimate has read them all. */
  expectRows(counts: PlannedCounts): void {
    this.rowsTotal = Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.out_of_scope;
  }

  /** Counts rows that were read. Rows that need not be sent are done. */
  countSelected(selections: readonly Selection[]): void {
    for (const { status } of selections) this.countRows(status, 1);
    this.report();
  }

  /** Counts the whole input at once if the estimate found nothing to send. */
  countEstimated(counts: PlannedCounts): void {
    for (const [status, count] of Object.entries(counts)) this.countRows(status, count);
    this.countInputEnd();
  }

  /** Counts all rows at once if the existing output is kept. */
  countKept(rows: RowCounts): void {
    this.rowsRead = rows.total;
    this.rowsDone = rows.total;
    this.reused = rows.enriched + rows.partial + rows.not_found;
    this.countInputEnd();
  }

  countInputEnd(): void {
    this.rowsTotal = this.rowsRead;
    this.report();
  }

  /** Counts a started run. `runId` is null if it is invalid. */
  countSent(batch: Batch, runId: string | null, adopted: boolean): void {
    this.runs[adopted ? 'adopted' : 'created'] += 1;
    this.runsActive += 1;
    const { id: batchId, effort, attempt } = batch;
    const rows = batch.rows.length;
    if (runId !== null)
      this.sources.onEvent({ type: 'batch_sent', batchId, runId, rows, effort, attempt, adopted });
    this.report();
  }

  countSettled(
    batch: Batch,
    run: Pick<AgentRun, 'id' | 'status' | 'costDollars'>,
    cost: BookedCost,
    rows: {
      readonly answered: number;
      readonly filled: number;
      readonly done: number;
      readonly failed: number;
      /** Why the run cannot be used; null if it can. */
      readonly reason: string | null;
    },
  ): void {
    const { micros: costMicros, isEstimated } = cost;
    const step = this.steps.find(({ effort }) => effort === batch.effort);
    if (step !== undefined) {
      step.runs += 1;
      step.filled += rows.filled;
    }
    // The run of another job is billed to that job.
    if (batch.jobId === this.sources.jobId) {
      this.costNowMicros += costMicros;
      if (step !== undefined) step.costMicros += costMicros;
    }
    this.runsActive -= 1;
    this.rowsDone += rows.done + rows.failed;
    this.rowsFailed += rows.failed;
    const facts = { batchId: batch.id, rows: batch.rows.length };
    const spent = { costMicros, isCostEstimated: isEstimated };
    if (run.status === 'completed') {
      this.sources.onEvent({
        type: 'batch_settled',
        ...facts,
        runId: run.id,
        answered: rows.answered,
        ...spent,
      });
    } else {
      this.runs.failed += 1;
      const reason = rows.reason ?? `the run ended as ${run.status}`;
      this.sources.onEvent({ type: 'batch_failed', ...facts, runId: run.id === '' ? null : run.id, reason });
    }
    if (isEstimated) this.tellEstimate(run, costMicros);
    else if (costMicros > FAR_ABOVE * batch.reserveMicros) this.tellExcess(batch, run, costMicros);
    this.report();
  }

  /** Counts a row that another process has answered since it was looked up. */
  countAnsweredElsewhere(): void {
    this.rowsDone += 1;
    this.reused += 1;
    this.report();
  }

  /** Counts rows that failed without a run. */
  countGivenUp(rows: number, reason: string): void {
    this.rowsDone += rows;
    this.rowsFailed += rows;
    this.sources.onEvent({ type: 'batch_failed', batchId: null, runId: null, rows, reason });
    this.report();
  }

  countUnknown(batch: Batch, reason: string): void {
    this.unknownBatches += 1;
    const { id: batchId, rows } = batch;
    this.sources.onEvent({ type: 'batch_failed', batchId, runId: null, rows: rows.length, reason });
    this.report();
  }

  /** Counts a run that we stopped waiting for, although it is still active. */
  countLate(batch: Batch, runId: string, reason: string): void {
    const { id: batchId, rows } = batch;
    if (this.lateBatches.has(batchId)) return;
    this.lateBatches.add(batchId);
    this.rowsDone += rows.length;
    this.rowsFailed += rows.length;
    this.sources.onEvent({ type: 'batch_failed', batchId, runId, rows: rows.length, reason });
    this.report();
  }

  /** Counts cancelled runs and their cost. */
  countCancelled(runs: number, costMicros: number): void {
    this.runsActive -= runs;
    this.costNowMicros += costMicros;
    this.report();
  }

  private countRows(status: string, count: number): void {
    if (status === 'out_of_scope') return;
    this.rowsRead += count;
    if (status === 'ask' || status === 'in_progress') return;
    this.rowsDone += count;
    if (status === 'reused') this.reused += count;
    if (status === 'duplicate') this.duplicates += count;
    if (status === 'invalid' || status === 'failed') this.rowsFailed += count;
  }

  /** Reported once, since an agent that omits one cost usually omits all. */
  private tellEstimate(run: Pick<AgentRun, 'id' | 'costDollars'>, micros: number): void {
    if (this.hasToldEstimate) return;
    this.hasToldEstimate = true;
    const { unreadableTotal } = run.costDollars;
    const said =
      unreadableTotal === undefined || unreadableTotal === null || typeof unreadableTotal === 'object'
        ? 'did not report a cost'
        : `reported a cost of ${formatExcerpt(unreadableTotal)}, which is not an amount in dollars,`;
    const message = `The agent ${said} for ${run.id === '' ? 'a run' : `run ${run.id}`}. Such runs are booked at their reserved price (here $${formatMicros(micros)}) and marked as estimated.`;
    this.sources.onEvent({ type: 'note', code: 'COST_ESTIMATED', message });
  }

  private tellExcess({ reserveMicros }: Batch, run: Pick<AgentRun, 'id'>, micros: number): void {
    if (this.hasToldExcess) return;
    this.hasToldExcess = true;
    const message = `Run ${run.id} cost $${formatMicros(micros)}, far above its list price of $${formatMicros(reserveMicros)}. It is booked as billed. A cap can only hold if list prices are right: set them under prices in a recipe.`;
    this.sources.onEvent({ type: 'note', code: 'COST_ABOVE_PRICE', message });
  }

  private report(): void {
    const { rowsRead, rowsTotal, runsActive } = this;
    // A run of an earlier process may end before its rows are read, or answer rows that are no longer in the file.
    const rowsDone = Math.min(this.rowsDone, rowsRead);
    const rowsFailed = Math.min(this.rowsFailed, rowsDone);
    const spend = this.getSpend();
    const progress = { rowsRead, rowsTotal, rowsDone, rowsFailed, runsActive, ...spend };
    this.sources.onEvent({ type: 'progress', progress });
    this.warnOfCap(spend.spentMicros);
  }

  private warnOfCap(spentMicros: number): void {
    const { cap, onEvent } = this.sources;
    const capMicros = cap.micros;
    if (this.hasWarned || capMicros === null || spentMicros === 0 || spentMicros < capMicros * WARN_AT)
      return;
    this.hasWarned = true;
    const message = `$${formatMicros(spentMicros)} of the $${formatMicros(capMicros)} budget of this job is spent`;
    onEvent({ type: 'note', code: 'BUDGET_NEARLY_SPENT', message });
  }

  private getSpend(): Spend {
    const { spentMicros, reservedMicros } = this.sources.spend;
    return { spentMicros, reservedMicros };
  }

  /** Warns once of each daily budget that is nearly spent. */
  warnOfDays(budgets: readonly DayUse[]): void {
    for (const { owner, usedMicros, capMicros } of budgets) {
      if (this.warnedDays.has(owner) || usedMicros < capMicros * WARN_AT) continue;
      this.warnedDays.add(owner);
      const left = formatMicros(Math.max(0, capMicros - usedMicros));
      const message = `$${left} is left of the $${formatMicros(capMicros)} daily budget for ${owner}`;
      this.sources.onEvent({ type: 'note', code: 'BUDGET_NEARLY_SPENT', message });
    }
  }
}

/** The watched folder of a job's input, and the daily budget of its files. */
export interface FolderBudget {
  readonly id: string;
  /** In micro-dollars; null for no limit. */
  readonly capMicros: number | null;
  /** Determines the current day. */
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The caps of a job and of the current call. Active runs of earlier calls do not count towards the call's cap, whatever
 * they cost. All amounts are in micro-dollars.
 */
export class SpendLimit {
  readonly #ofJob: number | null;
  readonly #ofCall: number | null;
  /** Cost of the job before this call, including the cost or reservations of runs left active. */
  #before: number;
  readonly #leftOver = new Map<string, number>();
  /** Those of them that have not ended. */
  readonly #active = new Set<string>();

  constructor({ capMicros, capNowMicros }: Settings, spentMicros: number) {
    this.#ofJob = capMicros;
    this.#ofCall = capNowMicros;
    this.#before = spentMicros;
  }

  /** Maximum of the job's total spent and reserved cost; null for no cap. */
  get micros(): number | null {
    if (this.#ofCall === null) return this.#ofJob;
    return Math.min(this.#ofJob ?? Number.POSITIVE_INFINITY, this.#before + this.#ofCall);
  }

  /** True if the cap may fall, because runs of earlier calls can turn out cheaper than they were reserved. */
  get mayFall(): boolean {
    return this.#ofCall !== null && this.#active.size > 0;
  }

  /** Which cap is lower: the job's or this call's. */
  get scope(): BudgetScope {
    return this.#ofCall !== null && this.micros !== this.#ofJob ? 'command' : 'job';
  }

  /** Records a batch left open by an earlier call. */
  leave({ id, reserveMicros }: Pick<Batch, 'id' | 'reserveMicros'>): void {
    this.#leftOver.set(id, reserveMicros);
    this.#active.add(id);
    this.#before += reserveMicros;
  }

  /** Records the cost of a batch, as known so far. Only matters for batches of earlier calls. */
  settle({ id }: Pick<Batch, 'id'>, costMicros: number): void {
    const known = this.#leftOver.get(id);
    if (known === undefined) return;
    this.#leftOver.set(id, costMicros);
    this.#active.delete(id);
    this.#before += costMicros - known;
  }
}

/** Resolves the daily budgets that apply to a job; null if there are none. */
export function resolveDayCaps({
  budget,
  settings,
  clock,
}: {
  readonly budget: FolderBudget | null;
  readonly settings: Pick<Settings, 'ledgerDayCapMicros' | 'options'>;
  readonly clock: Pick<Clock, 'now'>;
}): DayCaps | null {
  const folderMicros = budget?.capMicros ?? null;
  const ledgerMicros = settings.ledgerDayCapMicros;
  if (folderMicros === null && ledgerMicros === null) return null;
  const sinceMs = computeDayStart(settings.options.ledger, (budget?.clock ?? clock).now(), 0);
  return { folderMicros, ledgerMicros, sinceMs };
}

/** Row counts by planned action. */
export type PlannedCounts = Readonly<Record<Selection['status'], number>>;
