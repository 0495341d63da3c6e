import { formatExcerpt } from '../answer/check-field.js';
import type { DayCaps } from '../ledger/records.js';
import type { RowCounts } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import { type Clock, computeMidnight } from '../model/clock.js';
import type { BudgetScope, EnrichEvent } from '../model/events.js';
import { type BookedCost, formatMicros } from '../model/format.js';
import type { AgentRun } from '../model/run.js';
import type { Settings } from '../options.js';
import type { Selection } from '../select/select-rows.js';

/** From this part of the cap on, the job warns. */
const WARN_AT = 0.8;

/** A run that costs more than this many times its reserved price is worth a warning. */
const FAR_ABOVE = 2;

export interface TallySources {
  readonly jobId: string;
  readonly efforts: readonly string[];
  readonly cap: Pick<SpendLimit, 'micros'>;
  readonly onEvent: (event: EnrichEvent) => void;
  readonly readSpend: () => { readonly spentMicros: number; readonly reservedMicros: number };
  /** The budgets of today that the job spends from. Read after each run, not for each event: a ledger has many jobs. */
  readonly readDays?: () => readonly DayUse[];
}

/** A budget of the day, and what is spent and reserved of it, by whatever job. All amounts are micro-dollars. */
export interface DayUse {
  /** Who may spend it, for a message: "the files of this folder". */
  readonly owner: string;
  readonly usedMicros: number;
  readonly capMicros: number;
}

/** Counts what a job does and reports it as events; `progress` follows whatever moved. */
export class JobTally {
  readonly runs = { created: 0, adopted: 0, failed: 0 };
  readonly steps: { readonly effort: string; runs: number; filled: number; costMicros: number }[];
  /** Batches of which nobody knows whether the agent has them. */
  unknownBatches = 0;
  costNowMicros = 0;
  /** Rows answered from what the ledger knew before. */
  reused = 0;
  /** Rows that share the answer of an equal row of this job. */
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

  /** Rows that the survey has looked through: nothing is done about them yet. */
  countLookedThrough(rowsRead: number): void {
    const progress = { rowsRead, rowsTotal: null, rowsDone: 0, rowsFailed: 0, runsActive: 0 };
    this.sources.onEvent({ type: 'progress', progress: { ...progress, ...this.sources.readSpend() } });
  }

  /** How many rows there are to work on, once the survey has seen them all. */
  expectRows(counts: PlannedCounts): void {
    this.rowsTotal = Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.out_of_scope;
  }

  /** Rows that were read: those that need no asking are done. */
  countSelected(selections: readonly Selection[]): void {
    for (const { status } of selections) this.countRows(status, 1);
    this.report();
  }

  /** The whole input at once, where the survey has found nothing to ask. */
  countEstimated(counts: PlannedCounts): void {
    for (const [status, count] of Object.entries(counts)) this.countRows(status, count);
    this.countInputEnd();
  }

  /** All rows at once, where the output of an earlier command is left as it is. */
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

  /** A run that was started; its id is null where it cannot be used. */
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
    run: AgentRun,
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
    // A run that another job left behind is on that job's bill.
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
    if (costMicros > 0) this.warnOfDays();
  }

  /** Rows that were given up without a run. */
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

  /** A run that is no longer waited for: it works on at the agent. */
  countLate(batch: Batch, runId: string, reason: string): void {
    const { id: batchId, rows } = batch;
    this.rowsDone += rows.length;
    this.rowsFailed += rows.length;
    this.sources.onEvent({ type: 'batch_failed', batchId, runId, rows: rows.length, reason });
    this.report();
  }

  /** Runs that were cancelled at the agent, with what they were billed. */
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

  /** Said once: an agent that leaves out one cost mostly leaves out all. */
  private tellEstimate(run: AgentRun, micros: number): void {
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

  private tellExcess({ reserveMicros }: Batch, run: AgentRun, micros: number): void {
    if (this.hasToldExcess) return;
    this.hasToldExcess = true;
    const message = `Run ${run.id} cost $${formatMicros(micros)}, far above its list price of $${formatMicros(reserveMicros)}. It is booked as billed. A cap can only hold if list prices are right: set them under prices in a recipe.`;
    this.sources.onEvent({ type: 'note', code: 'COST_ABOVE_PRICE', message });
  }

  private report(): void {
    const { rowsRead, rowsTotal, runsActive } = this;
    // A run of an earlier process may end before its rows are read again, or bring rows that the file has no more.
    const rowsDone = Math.min(this.rowsDone, rowsRead);
    const rowsFailed = Math.min(this.rowsFailed, rowsDone);
    const spend = this.sources.readSpend();
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
    const message = `$${formatMicros(spentMicros)} of the $${formatMicros(capMicros)} that this job may cost are spent`;
    onEvent({ type: 'note', code: 'BUDGET_NEARLY_SPENT', message });
  }

  private warnOfDays(): void {
    for (const { owner, usedMicros, capMicros } of this.sources.readDays?.() ?? []) {
      if (this.warnedDays.has(owner) || usedMicros < capMicros * WARN_AT) continue;
      this.warnedDays.add(owner);
      const left = formatMicros(Math.max(0, capMicros - usedMicros));
      const message = `$${left} is left of the $${formatMicros(capMicros)} that ${owner} may cost today`;
      this.sources.onEvent({ type: 'note', code: 'BUDGET_NEARLY_SPENT', message });
    }
  }
}

/** The watched folder that a job's input was dropped into, and what all its files may cost in a day. */
export interface FolderBudget {
  readonly id: string;
  /** Micro-dollars; null for no limit. */
  readonly capMicros: number | null;
  /** Says which day it is. */
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The cap of a job, and that of one call of it beside it. What earlier calls left at work is theirs: whatever it comes to
 * cost, it neither takes of what this call may spend nor leaves it more. All amounts are micro-dollars.
 */
export class SpendLimit {
  readonly #ofJob: number | null;
  readonly #ofCall: number | null;
  /** What the job cost before, and what runs that were left over cost by now, or are reserved for. */
  #before: number;
  readonly #leftOver = new Map<string, number>();

  constructor({ capMicros, capNowMicros }: Settings, spentMicros: number) {
    this.#ofJob = capMicros;
    this.#ofCall = capNowMicros;
    this.#before = spentMicros;
  }

  /** The most that the job may have spent and reserved now; null for no cap. */
  get micros(): number | null {
    if (this.#ofCall === null) return this.#ofJob;
    return Math.min(this.#ofJob ?? Number.POSITIVE_INFINITY, this.#before + this.#ofCall);
  }

  /** Whether the cap of the job or that of this call is the lower one. */
  get scope(): BudgetScope {
    return this.#ofCall !== null && this.micros !== this.#ofJob ? 'command' : 'job';
  }

  /** Takes note of a batch that an earlier call left open. */
  leave({ id, reserveMicros }: Pick<Batch, 'id' | 'reserveMicros'>): void {
    this.#leftOver.set(id, reserveMicros);
    this.#before += reserveMicros;
  }

  /** Takes note of what a batch cost in the end; for one of this call it changes nothing. */
  settle(batchId: string, costMicros: number): void {
    const reserved = this.#leftOver.get(batchId);
    if (reserved === undefined) return;
    this.#leftOver.delete(batchId);
    this.#before += costMicros - reserved;
  }
}

/** The budgets of the day that a job spends from; null if no day has one. */
export function resolveDayCaps({
  budget,
  settings,
  clock,
}: {
  readonly budget: FolderBudget | null;
  readonly settings: Pick<Settings, 'ledgerDayCapMicros'>;
  readonly clock: Pick<Clock, 'now'>;
}): DayCaps | null {
  const folderMicros = budget?.capMicros ?? null;
  const ledgerMicros = settings.ledgerDayCapMicros;
  if (folderMicros === null && ledgerMicros === null) return null;
  return { folderMicros, ledgerMicros, sinceMs: computeMidnight((budget?.clock ?? clock).now(), 0) };
}

/** How many rows of the input would meet which fate. */
export type PlannedCounts = Readonly<Record<Selection['status'], number>>;
