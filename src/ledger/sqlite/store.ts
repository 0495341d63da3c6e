import { setImmediate as nextTurn } from 'node:timers/promises';
import { RowfillError } from '../../errors.js';
import type { Ask } from '../../model/ask.js';
import type { Batch } from '../../model/batch.js';
import { QUARTER_HOUR_MS } from '../../model/clock.js';
import { createUnknownJobError, pickSpend } from '../job-records.js';
import type {
  DayCaps,
  FoundAnswers,
  JobHandle,
  JobSpend,
  OverBudget,
  Spend,
  StoredAnswer,
} from '../ledger.js';
import { createReading, READ_ALL, type Reading, toStoredAnswer } from '../row-state.js';
import type { StoredYields } from '../yields.js';
import type { Database } from './database.js';
import { AskView } from './view.js';

/** Scope of the whole ledger. All other scopes are ids of watched folders. */
const WHOLE_LEDGER = '';

/** An open batch of this process. */
export interface OwnBatch {
  readonly number: number;
  readonly intendedAt: number;
  readonly reserveMicros: number;
}

/** A job, with the counts that its runs change. */
export interface JobState {
  readonly number: number;
  readonly id: string;
  readonly ask: number;
  readonly askId: string;
  readonly agent: number;
  readonly invocation: number;
  /** Number of the version of its ask. */
  readonly version: number;
  readonly folder: string | null;
  spentMicros: number;
  estimatedMicros: number;
  reservedMicros: number;
  answered: number;
  failed: number;
  yields: StoredYields;
  isChanged: boolean;
}

type JobRow = Omit<JobState, 'yields' | 'isChanged'> & { readonly yields: string };

const SELECT_JOBS = `
  select job.number, job.id, job.ask, ask.id as askId, ask.agent, job.invocation, job.version,
    job.folder,    spent_micros as spentMicros, estimated_micros as estimatedMicros, reserved_micros as reservedMicros,
    count.answered, count.failed, count.yields
  from job join job_count count on count.job = job.number join ask on ask.number = job.ask`;

/**
 * What this process has in memory of the ledger. It is read once, and read again only after another process has written.
 * Counts that change are written once a transaction.
 */
export class Store {
  readonly database: Database;
  /** Number of this process's holder; 0 before it is registered. */
  holder = 0;
  /** Open batches that this process has reserved, by id. Another process may have settled them. */
  readonly ownBatches = new Map<string, OwnBatch>();
  /** Called when a batch ends in this process. */
  onBatchEnd: () => void = () => undefined;
  /** Number of batches that this process has taken over and ended. Their rows may be waited for. */
  adoptedEnds = 0;
  readonly #isOwn = (batchId: string, holder: number): boolean =>
    holder === this.holder && this.ownBatches.has(batchId);
  readonly #views = new Map<string, AskView>();
  /** Views loaded in advance, to be completed in a transaction; null if there was nothing to load. */
  readonly #prepared = new Map<string, AskView | null>();
  readonly #jobs = new Map<string, JobState>();
  readonly #numbers = new Map<number, JobState>();
  /** By number of the version, or by ask and version. */
  readonly #readings = new Map<number | string, Reading>();
  /** Spend of the day by scope and start, without what this transaction adds. */
  readonly #days = new Map<string, Spend>();
  /** Amounts billed in this transaction, by scope and quarter. */
  readonly #billed = new Map<string, { readonly scope: string; readonly quarter: number; micros: number }>();

  constructor(database: Database) {
    this.database = database;
    database.onForeignWrite = () => this.#takeChanges();
    database.beforeCommit = () => this.writeCounts();
    database.prepare = (askIds) => this.#prepare(askIds);
    database.onRollback = () => this.forget();
  }

  /** Drops everything, to be read again. */
  forget(): void {
    this.#views.clear();
    this.#prepared.clear();
    this.forgetJobs();
    this.#readings.clear();
    this.#billed.clear();
  }

  /** The view of an ask, inside a transaction; null if the ask is unknown. */
  findView(askId: string): AskView | null {
    const known = this.#views.get(askId);
    if (known !== undefined) return known;
    const row = this.database.get<{ number: number }>('select number from ask where id = ?', askId);
    const prepared = this.#prepared.get(askId) ?? null;
    this.#prepared.delete(askId);
    if (row === undefined) return null;
    const view = prepared?.number === row.number ? prepared : new AskView(this.database, row.number);
    while (view.load());
    view.start(this.#isOwn);
    this.#views.set(askId, view);
    return view;
  }

  /** The view of a job's ask, inside a transaction. */
  view({ askId }: JobState): AskView {
    const view = this.findView(askId);
    if (view === null) throw new RowfillError('defect', 'LEDGER_ASK', `No ask ${askId} for a job`);
    return view;
  }

  /** A job, inside a transaction. Throws JOB_UNKNOWN. */
  job(id: string): JobState {
    const known = this.#jobs.get(id) ?? this.#readJob(`${SELECT_JOBS} where job.id = ?`, id);
    if (known === null) throw createUnknownJobError(id);
    return known;
  }

  findJob(job: number | string): JobState | null {
    if (typeof job === 'string')
      return this.#jobs.get(job) ?? this.#readJob(`${SELECT_JOBS} where job.id = ?`, job);
    return this.#numbers.get(job) ?? this.#readJob(`${SELECT_JOBS} where job.number = ?`, job);
  }

  /** How the answers of a job are read: by the ask of the handle, else by that of its last invocation. */
  readingOf({ id, ask }: JobHandle): Reading {
    if (ask !== undefined) return createReading(ask);
    const job = this.findJob(id);
    return job === null ? READ_ALL : this.reading(job);
  }

  /** How the answers of a job are read; with a batch, by what it asks. */
  reading(job: JobState, batch: Pick<Batch, 'version'> = {}): Reading {
    const key = batch.version === undefined ? job.version : `${job.ask} ${batch.version}`;
    const known = this.#readings.get(key);
    if (known !== undefined) return known;
    const sql = 'select content from ask_version where';
    const row =
      batch.version === undefined
        ? this.database.get<{ content: string }>(`${sql} number = ?`, job.version)
        : this.database.get<{ content: string }>(`${sql} ask = ? and version = ?`, job.ask, batch.version);
    const reading = row === undefined ? READ_ALL : createReading(JSON.parse(row.content) as Ask);
    this.#readings.set(key, reading);
    return reading;
  }

  /** Drops the jobs, to be read again. */
  forgetJobs(): void {
    this.#jobs.clear();
    this.#numbers.clear();
    this.#days.clear();
  }

  /** The spend of a job. For a job that is not open yet, its cost before it was pruned. */
  spendOf(jobId: string): JobSpend {
    const known = this.#jobs.get(jobId) ?? this.#readJob(`${SELECT_JOBS} where job.id = ?`, jobId);
    if (known !== null) return pickSpend(known);
    const pruned = this.database.get<{ micros: number }>(
      'select cost_micros as micros from pruned_spend where job = ?',
      jobId,
    );
    return { spentMicros: pruned?.micros ?? 0, reservedMicros: 0, estimatedMicros: 0 };
  }

  /** Adds a cost to a job and to the spend of the day. */
  bill(job: JobState, micros: number, isEstimated: boolean, nowMs: number): void {
    job.spentMicros = add(job.spentMicros, micros);
    if (isEstimated) job.estimatedMicros = add(job.estimatedMicros, micros);
    job.isChanged = true;
    if (micros === 0) return;
    const quarter = Math.floor(nowMs / QUARTER_HOUR_MS) * QUARTER_HOUR_MS;
    for (const scope of job.folder === null ? [WHOLE_LEDGER] : [WHOLE_LEDGER, job.folder]) {
      const key = `${quarter} ${scope}`;
      const billed = this.#billed.get(key) ?? { scope, quarter, micros: 0 };
      billed.micros = add(billed.micros, micros);
      this.#billed.set(key, billed);
    }
    this.#days.clear();
  }

  reserve(job: JobState, micros: number): void {
    job.reservedMicros += micros;
    job.isChanged = true;
    this.#days.clear();
  }

  /** The budget that cannot cover the additional amount; null if all can. */
  findFull(
    job: JobState,
    capMicros: number | null,
    day: DayCaps | null,
    moreMicros: number,
  ): OverBudget | null {
    if (capMicros !== null && job.spentMicros + job.reservedMicros + moreMicros > capMicros)
      return 'over_budget';
    if (day === null) return null;
    const { folderMicros, ledgerMicros, sinceMs } = day;
    const isFull = (scope: string, dayCapMicros: number): boolean => {
      const { spentMicros, reservedMicros } = this.spendSince(scope, sinceMs);
      return spentMicros + reservedMicros + moreMicros > dayCapMicros;
    };
    if (job.folder !== null && folderMicros !== null && isFull(job.folder, folderMicros))
      return 'over_folder_day';
    return ledgerMicros !== null && isFull(WHOLE_LEDGER, ledgerMicros) ? 'over_ledger_day' : null;
  }

  /** Amount billed since `sinceMs`, in total or for a folder, and amount reserved now regardless of when. */
  spendSince(folder: string | null, sinceMs: number): Spend {
    const scope = folder ?? WHOLE_LEDGER;
    const key = `${sinceMs} ${scope}`;
    const known = this.#days.get(key);
    if (known !== undefined) return known;
    this.writeCounts();
    const reserved =
      scope === WHOLE_LEDGER
        ? 'select sum(reserved_micros) from job_count where reserved_micros > 0'
        : `select sum(reserved_micros) from job_count join job on job.number = job_count.job
           where reserved_micros > 0 and folder = ?1`;
    const row = this.database.get<Spend>(
      `select coalesce((select sum(cost_micros) from spend where scope = ?1 and quarter >= ?2), 0) as spentMicros,
         coalesce((${reserved}), 0) as reservedMicros`,
      scope,
      sinceMs,
    );
    const spend = { spentMicros: row?.spentMicros ?? 0, reservedMicros: row?.reservedMicros ?? 0 };
    this.#days.set(key, spend);
    return spend;
  }

  /** Writes the counts that have changed, so that statements can read them. */
  writeCounts(): void {
    this.#writeJobs();
    for (const view of this.#views.values()) {
      if (!view.isChanged) continue;
      view.isChanged = false;
      this.database.run(
        'update ask_count set change = ?, answered = ?, settled_runs = ? where ask = ?',
        ...[view.change, view.answered, view.settledRuns, view.number],
      );
    }
    for (const { scope, quarter, micros } of this.#billed.values()) {
      this.database.run(
        `insert into spend (scope, quarter, cost_micros) values (?, ?, ?)
         on conflict do update set cost_micros = min(cost_micros + excluded.cost_micros, ${Number.MAX_SAFE_INTEGER})`,
        ...[scope, quarter, micros],
      );
    }
    this.#billed.clear();
  }

  /** Loads views in slices, so that other work goes on. Null if none is missing. */
  #prepare(askIds: readonly string[]): Promise<void> | null {
    const missing = askIds.find((askId) => !this.#views.has(askId) && !this.#prepared.has(askId));
    return missing === undefined ? null : this.#load(missing);
  }

  async #load(askId: string): Promise<void> {
    this.#prepared.set(askId, null);
    try {
      const row = this.database.get<{ number: number }>('select number from ask where id = ?', askId);
      if (row === undefined) return;
      const view = new AskView(this.database, row.number);
      while (view.load()) await nextTurn();
      this.#prepared.set(askId, view);
    } catch {
      // The transaction meets the same error, and reports it.
    }
  }

  #readJob(sql: string, key: string | number): JobState | null {
    const row = this.database.get<JobRow>(sql, key);
    if (row === undefined) return null;
    const job = { ...row, yields: JSON.parse(row.yields) as StoredYields, isChanged: false };
    this.#jobs.set(job.id, job);
    this.#numbers.set(job.number, job);
    return job;
  }

  #takeChanges(): void {
    this.forgetJobs();
    for (const [askId, view] of this.#views) if (!view.sync(this.#isOwn)) this.#views.delete(askId);
  }

  #writeJobs(): void {
    for (const job of this.#jobs.values()) {
      if (!job.isChanged) continue;
      job.isChanged = false;
      this.database.run(
        `update job_count set spent_micros = ?, estimated_micros = ?, reserved_micros = ?, answered = ?, failed = ?,
           yields = ? where job = ?`,
        ...[job.spentMicros, job.estimatedMicros, job.reservedMicros, job.answered, job.failed],
        ...[JSON.stringify(job.yields), job.number],
      );
    }
  }
}

/** Finds what is known about row keys, from the view of a job. */
export function findAnswers(store: Store, job: JobHandle, keys: readonly string[]): FoundAnswers {
  const view = store.findView(job.askId);
  if (view === null) return { answers: new Map(), elsewhere: new Set(), seen: 0 };
  const owner = store.findJob(job.id);
  const answers = new Map<string, StoredAnswer>();
  for (const [key, state] of view.read(keys, owner?.number ?? 0, store.readingOf(job))) {
    const answer = toStoredAnswer(state, (number) => store.findJob(number)?.id ?? null);
    if (answer !== null) answers.set(key, answer);
  }
  return { answers, elsewhere: view.listElsewhere(keys), seen: view.change };
}

function add(micros: number, more: number): number {
  return Math.min(micros + more, Number.MAX_SAFE_INTEGER);
}
