import { setTimeout } from 'node:timers/promises';
import { createLeaseLostError } from '../../errors.js';
import type { Ask } from '../../model/ask.js';
import type { Batch } from '../../model/batch.js';
import { systemClock } from '../../model/clock.js';
import { parseLedgerUrl } from '../../model/ledger-url.js';
import { type FieldIds, type PackedSettlement, packSettlement } from '../blocks.js';
import { readHolder } from '../holder.js';
import { createUnknownJobError, identifyJob } from '../job-records.js';
import type { Ledger, LedgerOptions, OverBudget, Settled } from '../ledger.js';
import { RecentRuns } from '../recent-runs.js';
import { createReading, READ_ALL, type Reading } from '../row-state.js';
import { AccountPlaces } from './accounts.js';
import * as answers from './answers.js';
import * as batches from './batches.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { copyLedger } from './copy.js';
import * as folders from './folders.js';
import { StoredHandouts } from './handouts.js';
import * as jobs from './jobs.js';
import { type Adopted, acquireLease, adoptBatches, listProcesses, releaseLease } from './leases.js';
import { migrate } from './migrations.js';
import { ProcessHolder } from './process-holder.js';
import { sql, textArray } from './sql.js';
import * as upkeep from './upkeep.js';
import { findVerdicts, listCheckedRows, putVerdicts } from './verdicts.js';

/** A process that waits for another one looks after this pause, then after twice as long each time, up to a second. */
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 1_000;

/** Options of a ledger on a server. Its time is the server's; `clock` only says how old this process's renewal is. */
export type PostgresOptions = LedgerOptions & Pick<ConnectionOptions, 'hangMs' | 'serverClock'>;

/** Opens the ledger at a URL. Creates its schema if there is none, unless the ledger is only read or must exist. */
export async function openPostgresLedger(url: string, options: PostgresOptions = {}): Promise<Ledger> {
  const connection = new Connection(parseLedgerUrl(url), options);
  if (options.onWait !== undefined) connection.onWait = options.onWait;
  try {
    await migrate(connection, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const session = new Session(connection, options);
  return {
    path: connection.place.label,
    refusal: connection.refusal,
    handouts: new StoredHandouts(connection, session.process.number),
    // One is with the server, and one on its way.
    lookUpsAhead: 2,
    ...createJobMethods(session),
    ...createAnswerMethods(session),
    ...createBatchMethods(session),
    ...createProcessMethods(session),
    ...createFolderMethods(session),
    ...createCareMethods(session),
  };
}

/** What the methods of an open ledger share. */
class Session {
  readonly connection: Connection;
  readonly process: ProcessHolder;
  readonly places: AccountPlaces;
  readonly runs = new RecentRuns(() => null);
  readonly now: () => number;
  readonly adopted: Adopted = new Set();
  /** Open batches that this process has reserved, by id. */
  readonly ownBatches = new Set<string>();
  /** Asks that this process uses. */
  readonly askIds = new Set<string>();
  /** Counts what may have ended a wait: batches that this process had taken over have ended. */
  adoptedEnds = 0;
  /** The changes that this process knew when it last waited for others. */
  changes: string | null = null;
  /** How long it waits before it looks again. */
  lookMs = FIRST_LOOK_MS;
  closing: Promise<void> | null = null;
  /** Versions of asks by job, and how they are read. */
  readonly #versions = new Map<string, string>();
  /** The invocation of each job that this process works on. */
  readonly invocations = new Map<string, number>();
  readonly #readings = new Map<string, Reading>();

  constructor(connection: Connection, { clock = systemClock, holder = readHolder() }: PostgresOptions) {
    this.connection = connection;
    this.process = new ProcessHolder(connection, clock, holder);
    this.places = new AccountPlaces(connection, this.process);
    this.now = () => clock.now();
  }

  /** Remembers what a job of this process asks. */
  noteJob(jobId: string, ask: Ask): void {
    this.#versions.set(jobId, ask.version);
    this.noteAsk(ask);
  }

  noteAsk(ask: Ask): void {
    this.askIds.add(ask.id);
    this.#readings.set(`${ask.id} ${ask.version}`, createReading(ask));
  }

  /** How the answers to a batch are read: by what it asks, else by its job's last invocation. Null if unknown here. */
  findReading({
    jobId,
    askId,
    version = this.#versions.get(jobId),
  }: Pick<Batch, 'jobId' | 'askId' | 'version'>) {
    return this.#readings.get(`${askId} ${version ?? ''}`) ?? null;
  }

  /** Reads what a batch asks, if this process does not know it yet. */
  async loadReading({ jobId, askId, version }: Pick<Batch, 'jobId' | 'askId' | 'version'>): Promise<void> {
    for (const ask of await jobs.listAsks(this.connection, askId)) this.noteAsk(ask);
    if (version !== undefined) return;
    const job = await jobs.getJob(this.connection, jobId);
    this.noteJob(jobId, job.ask);
  }

  noteEnd(batchId: string): void {
    this.ownBatches.delete(batchId);
    if (this.adopted.delete(batchId)) this.adoptedEnds += 1;
  }

  async close(): Promise<void> {
    await this.process.close();
    await this.connection.close();
  }
}

function createJobMethods(session: Session) {
  const { connection, process } = session;
  return {
    previewJob: (parts) => jobs.previewJob(connection, parts),
    async openJob(parts) {
      session.noteJob(identifyJob(parts), parts.ask);
      const job = await jobs.openJob(connection, process.number, parts);
      session.invocations.set(job.id, job.invocation);
      return job;
    },
    closeJob: (jobId, end) => jobs.closeJob(connection, process.number, jobId, end),
    isUnusedJob: (jobId) => jobs.isUnusedJob(connection, jobId),
    dropUnusedJob: (jobId) => jobs.dropUnusedJob(connection, jobId),
    findJob: (askId, input, sheet = null) => jobs.findJob(connection, askId, input, sheet),
    getJob: (idOrPrefix) => jobs.getJob(connection, idOrPrefix),
    listJobs: (limit) => jobs.listJobs(connection, limit),
    countJobs: () => jobs.countJobs(connection),
    getYield: (jobId) => jobs.getYield(connection, jobId),
    listAsks: (askId) => jobs.listAsks(connection, askId),
    getClimbs: (ask) => jobs.getClimbs(connection, ask),
    keepGoing: (jobId) => jobs.keepGoing(connection, jobId),
    getAnswerState: (job) => jobs.getAnswerState(connection, job),
    getSpend: (jobId) => {
      const statement = sql`select coalesce(spent_micros, (select cost_micros from pruned_spend where job = ${jobId}), 0)
          as spent, coalesce(reserved_micros, 0) as reserved, coalesce(estimated_micros, 0) as estimated
        from (select 1) one left join (job join job_count on job_count.job = job.number) on job.id = ${jobId}`;
      return connection.read([statement], ([rows]) => ({
        spentMicros: Number(rows?.[0]?.spent),
        reservedMicros: Number(rows?.[0]?.reserved),
        estimatedMicros: Number(rows?.[0]?.estimated),
      }));
    },
    getSpendSince: (folder, sinceMs) =>
      connection.read(
        [sql`select spent, reserved from spend_since(${folder ?? ''}, ${sinceMs})`],
        ([rows]) => ({
          spentMicros: Number(rows?.[0]?.spent),
          reservedMicros: Number(rows?.[0]?.reserved),
        }),
      ),
    async findPassedBudget(jobId, { jobMicros, day }) {
      if (jobMicros === null && day === null) return null;
      const statement = sql`select find_full(number, 0, ${jobMicros}, ${day?.folderMicros ?? null},
        ${day?.ledgerMicros ?? null}, false) as budget from job where id = ${jobId}`;
      return connection.read([statement], ([rows]) => {
        if (rows?.[0] === undefined) throw createUnknownJobError(jobId);
        return rows[0].budget as OverBudget | null;
      });
    },
  } satisfies Partial<Ledger>;
}

function createAnswerMethods(session: Session) {
  const { connection, process } = session;
  const findIds = async (jobId: string): Promise<FieldIds> => {
    const job = await jobs.getJob(connection, jobId);
    session.noteJob(jobId, job.ask);
    return createReading(job.ask).ids ?? new Map();
  };
  return {
    findAnswers(job, keys) {
      session.askIds.add(job.askId);
      const invocation = session.invocations.get(job.id) ?? null;
      return answers.findAnswers(connection.reader, { holder: process.number, invocation }, job, keys);
    },
    findRuns: (runIds) => answers.findRuns(connection.reader, runIds),
    listOlderAnswers: (askId, key, ask) => answers.listOlderAnswers(connection, askId, key, ask),
    listChangedRows(askId, since, limit) {
      session.askIds.add(askId);
      return answers.listChangedRows(connection, askId, since, limit);
    },
    async recordFailures(jobId, failures) {
      if (failures.length === 0) return;
      await batches.recordFailures(connection, process.number, jobId, failures);
    },
    async putHumanAnswers(jobId, given, seen) {
      if (given.length === 0) return true;
      const ids = await findIds(jobId);
      return batches.putHumanAnswers(connection, process.number, jobId, given, ids, seen ?? null);
    },
    async rejectAnswers(jobId, cells, seen) {
      if (cells.length === 0) return true;
      const ids = await findIds(jobId);
      return batches.rejectAnswers(connection, process.number, jobId, cells, ids, seen ?? null);
    },
    async putVerdicts(job, verdicts) {
      if (verdicts.length > 0) await putVerdicts(connection, job, verdicts);
    },
    findVerdicts: (job, keys) => findVerdicts(connection, job, keys),
    listCheckedRows: (askId, since, limit) => listCheckedRows(connection, askId, since, limit),
  } satisfies Partial<Ledger>;
}

function createBatchMethods(session: Session) {
  const { connection, process, places, runs, ownBatches } = session;
  const settlePacked = async (packed: readonly PackedSettlement[]): Promise<readonly Settled[]> => {
    for (const { batch } of packed) if (session.findReading(batch) === null) await session.loadReading(batch);
    const readingOf = (batch: Batch): Reading => session.findReading(batch) ?? READ_ALL;
    const settling = connection.submit({
      isWrite: true,
      askIds: packed.map(({ batch }) => batch.askId),
      statements: packed.map((each) =>
        batches.createSettle(process.number, each, readingOf(each.batch).ids ?? new Map()),
      ),
      read: (results, isRepeated) =>
        packed.map((each, index) => batches.toSettled(each, results[index]?.[0], isRepeated)),
    });
    places.onBatchEnd();
    const rows = await settling;
    for (const { batch } of packed) {
      runs.markWritten(batch.id);
      session.noteEnd(batch.id);
    }
    return Promise.all(
      rows.map(async ({ settled, repeated }, index) => {
        const batch = packed[index]?.batch;
        if (repeated.length === 0 || batch === undefined) return settled;
        const reading = readingOf(batch);
        const merged = await batches.readMerged(connection, batch.askId, repeated, settled.seen, reading);
        return { ...settled, merged };
      }),
    );
  };
  return {
    async reserveBatches(reservations, limits) {
      if (reservations.length === 0) return [];
      const { number } = process;
      process.isHolding = true;
      // A batch of a job with a limit of its own asks for a place in any case.
      const asksShared = reservations.some(({ invocation }) => invocation === undefined);
      return connection.submit({
        isWrite: true,
        askIds: reservations.map(({ batch }) => batch.askId),
        statements: [
          ...reservations.map((each) =>
            batches.createReserve(number, each, limits, !ownBatches.has(each.batch.id)),
          ),
          ...(asksShared ? [places.selectShared()] : []),
        ],
        read: (results) => {
          if (asksShared) places.isShared = results.at(-1)?.[0]?.shared === true;
          return reservations.map(({ batch }, index) => {
            const verdict = batches.toReserveVerdict(batch, results[index]?.[0]);
            if (verdict.status === 'reserved') ownBatches.add(batch.id);
            return verdict;
          });
        },
      });
    },
    async markStarted(batch, runId) {
      // At once, so that it is reported if the ledger can no longer be written.
      runs.addStarted(batch.id, runId);
      await batches.markStarted(connection, process.number, batch, runId);
    },
    markUnknown: (batchId, reason) => batches.markUnknown(connection, process.number, batchId, reason),
    async releaseBatch(batchId, reason) {
      const releasing = batches.releaseBatch(connection, process.number, batchId, reason);
      places.onBatchEnd();
      await releasing;
      session.noteEnd(batchId);
    },
    async settleBatches(settlements) {
      for (const settlement of settlements) runs.addEnded(settlement);
      if (settlements.length === 0) return [];
      // Returned rather than awaited here, so that the runs are not kept until they are written.
      return settlePacked(settlements.map(packSettlement));
    },
    listOpenBatches: (askId) => connection.read(batches.selectOpenBatches(askId), batches.toOpenBatches),
    findSettledRuns: (askId, batchIds) =>
      connection.read(
        [batches.selectSettledRuns(askId, batchIds)],
        ([rows = []]) => new Map(rows.map(({ batch, runId }) => [String(batch), String(runId ?? '')])),
      ),
  } satisfies Partial<Ledger>;
}

function createProcessMethods(session: Session) {
  const { connection, process, places } = session;
  return {
    enterAccount: (hash) => places.enterAccount(hash),
    takePlace: (...place) => places.takePlace(...place),
    recordRefusal: (batchId) => places.recordRefusal(batchId),
    listOutOfReach: (askId) => places.listOutOfReach(askId),
    async acquireLease(name) {
      if (process.isLost) throw createLeaseLostError();
      return acquireLease(connection, process, name);
    },
    measureClock: () => measureClock(connection, session.now),
    releaseLease: (name) => releaseLease(connection, process, name),
    listProcesses: () => listProcesses(connection, process),
    refuseStart: () => process.refuseLost(),
    isTakenOver: () => process.isLost,
    async adoptBatches(askId) {
      if (process.isLost) return [];
      return adoptBatches(connection, process, askId, session.adopted);
    },
    async whenChanged(signal) {
      const read = async (): Promise<string> => {
        const ids = textArray([...session.askIds]);
        const changes = sql`select coalesce(sum(change), 0) as changes from ask_count
          join ask on ask.number = ask_count.ask where ask.id = any(${ids})`;
        const found = await connection.read([changes], ([rows]) => String(rows?.[0]?.changes));
        return `${found} ${session.adoptedEnds}`;
      };
      session.changes ??= await read();
      for (let leftMs = LONGEST_LOOK_MS; leftMs > 0; ) {
        if (signal?.aborted === true || session.closing !== null) return;
        const pauseMs = Math.min(session.lookMs, leftMs);
        await setTimeout(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
        if (session.closing !== null) return;
        leftMs -= pauseMs;
        session.lookMs = Math.min(2 * session.lookMs, LONGEST_LOOK_MS);
        const changes = await read();
        if (changes === session.changes) continue;
        session.changes = changes;
        session.lookMs = FIRST_LOOK_MS;
        return;
      }
    },
    close() {
      session.closing ??= session.close();
      return session.closing;
    },
  } satisfies Partial<Ledger>;
}

function createFolderMethods({ connection }: Session) {
  return {
    enterFolder: (folder) => folders.enterFolder(connection, folder),
    findFolderPath: (id) => folders.findFolderPath(connection, id),
    moveFolder: (id, path) => folders.moveFolder(connection, id, path),
    placeJobs(input, place, moved) {
      const statements = [jobs.placeJobs(input, place)];
      if (moved !== null) statements.push(folders.moveWritten(moved.from, moved.to));
      return connection.write(statements, () => undefined);
    },
    noteWritten: (path, file) => folders.noteWritten(connection, path, file),
    findWritten: (path) => folders.findWritten(connection, path),
  } satisfies Partial<Ledger>;
}

function createCareMethods({ connection, process, runs }: Session) {
  return {
    getRun: (runId) => upkeep.getRun(connection, runId),
    getLastRun: (jobId) => upkeep.getLastRun(connection, jobId),
    check: () => upkeep.checkLedger(connection),
    async copyTo(url) {
      // After everything submitted before.
      await connection.read([], () => undefined);
      await copyLedger(connection.place, url);
    },
    prune: (limits) => upkeep.prune(connection, process, limits),
    forgetJob: (jobId, isDryRun) =>
      isDryRun === true ? upkeep.countForgotten(connection, jobId) : upkeep.forgetJob(connection, jobId),
    countOld: (limits) => upkeep.countOld(connection, process, limits),
    findMove: () => runs.findMove(),
    listRecentRuns: () => runs.list(),
    saveMoved: async () => ({ status: 'restored' }),
  } satisfies Partial<Ledger>;
}

/** Trips to the server: the shortest of them tells the time best. */
const TRIPS = 3;

/** How far the server's clock is ahead of another one, in ms. */
async function measureClock(connection: Connection, now: () => number): Promise<number> {
  let shortestMs = Number.POSITIVE_INFINITY;
  let aheadMs = 0;
  for (let trip = 0; trip < TRIPS; trip += 1) {
    const startMs = now();
    const serverMs = await connection.read([sql`select now_ms() as now`], ([rows]) => Number(rows?.[0]?.now));
    const tripMs = now() - startMs;
    if (tripMs >= shortestMs) continue;
    shortestMs = tripMs;
    aheadMs = Math.round(serverMs - (startMs + tripMs / 2));
  }
  return aheadMs;
}
