import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { RowfillError } from '../../errors.js';
import { systemClock } from '../../model/clock.js';
import { type PackedSettlement, packSettlement } from '../blocks.js';
import { readHolder } from '../holder.js';
import type { Ledger, LedgerOptions, Settled } from '../ledger.js';
import { RecentRuns } from '../recent-runs.js';
import { createReading, READ_ALL } from '../row-state.js';
import { AccountPlaces } from './accounts.js';
import * as batches from './batches.js';
import { listChangedRows } from './changed-rows.js';
import { Database } from './database.js';
import * as folders from './folders.js';
import * as jobs from './jobs.js';
import { createMovedError } from './ledger-file.js';
import { ProcessHolder } from './processes.js';
import { checkFormat, SCHEMA } from './schema.js';
import { findAnswers, Store } from './store.js';
import * as upkeep from './upkeep.js';
import { findVerdicts, listCheckedRows, putVerdicts } from './verdicts.js';

/** A process that waits for another one looks this often. */
const LOOK_MS = 50;
/** Looks before it checks whether the other process is still there. */
const MOST_LOOKS = 20;

/** Opens a ledger file. Creates it if there is none, with folder and file accessible only by their owner. */
export function openSqliteLedger(path: string, options: LedgerOptions): Ledger {
  const database = new Database(path, SCHEMA, checkFormat);
  if (options.onWait !== undefined) database.onWait = options.onWait;
  if (options.isReadOnly === true) database.refuseWrites();
  const session = new Session(database, options);
  return {
    path: database.file,
    ...createJobMethods(session),
    ...createAnswerMethods(session),
    ...createBatchMethods(session),
    ...createProcessMethods(session),
    ...createFolderMethods(session),
    ...createCareMethods(session),
    refusal: null,
    handouts: null,
    // More would only be kept longer in memory.
    lookUpsAhead: 1,
  };
}

/** What the methods of an open ledger share. */
class Session {
  readonly database: Database;
  readonly store: Store;
  readonly process: ProcessHolder;
  readonly places: AccountPlaces;
  readonly runs: RecentRuns;
  readonly now: () => number;
  closing: Promise<void> | null = null;

  constructor(database: Database, { clock = systemClock, holder = readHolder() }: LedgerOptions) {
    this.database = database;
    this.store = new Store(database);
    this.process = new ProcessHolder(this.store, clock, holder);
    this.runs = new RecentRuns((listRuns) =>
      database.findDisplaced() === null ? null : createMovedError(database.path, listRuns()),
    );
    this.now = () => clock.now();
    this.places = new AccountPlaces(this.store, this.process, this.now);
  }

  /** Runs queries that read counts, after earlier calls of the same turn have written theirs. */
  readCounts<Result>(work: () => Result): Promise<Result> {
    return this.database.read(() => {
      this.store.writeCounts();
      return work();
    });
  }

  /** Runs a write that may delete what this process has in memory. */
  writeAnew<Result>(work: () => Result): Promise<Result> {
    return this.database.write(() => {
      this.store.writeCounts();
      const result = work();
      this.store.forget();
      return result;
    });
  }

  async close(): Promise<void> {
    // First, what was called before.
    await this.database.read(() => undefined).catch(() => undefined);
    if (this.database.findDisplaced() === null) await this.process.close();
    await this.database.close();
  }
}

function createJobMethods(session: Session) {
  const { database, store, runs, now } = session;
  return {
    previewJob: (parts) => session.readCounts(() => jobs.previewJob(database, parts)),
    async openJob(parts) {
      runs.refuseMove();
      database.checkFreeSpace();
      return database.write(() => {
        store.writeCounts();
        store.forgetJobs();
        return jobs.openJob(database, parts, now());
      });
    },
    closeJob: (jobId, end) => database.write(() => jobs.closeJob(database, jobId, end, now())),
    isUnusedJob: (jobId) => database.read(() => jobs.isUnusedJob(database, jobId)),
    dropUnusedJob: (jobId) => session.writeAnew(() => jobs.dropUnusedJob(database, jobId)),
    findJob: (askId, input, sheet = null) => database.read(() => jobs.findJob(database, askId, input, sheet)),
    getJob: (idOrPrefix) => database.read(() => jobs.getJob(database, idOrPrefix)),
    listJobs: (limit) => session.readCounts(() => jobs.listJobs(database, limit)),
    countJobs: () => database.read(() => jobs.countJobs(database)),
    getYield: (jobId) => session.readCounts(() => jobs.getYield(database, jobId)),
    listAsks: (askId) => database.read(() => jobs.listAsks(database, askId)),
    getClimbs: (ask) => database.read(() => jobs.getClimbs(database, ask)),
    keepGoing: (jobId) => database.write(() => jobs.keepGoing(database, jobId)),
    getAnswerState: (job) => session.readCounts(() => jobs.getAnswerState(database, job)),
    getSpend: (jobId) => database.read(() => store.spendOf(jobId)),
    getSpendSince: (folder, sinceMs) => database.read(() => store.spendSince(folder, sinceMs)),
    async findPassedBudget(jobId, { jobMicros, day }) {
      if (jobMicros === null && day === null) return null;
      return database.read(() => store.findFull(store.job(jobId), jobMicros, day, 0));
    },
  } satisfies Partial<Ledger>;
}

function createAnswerMethods({ database, store, now }: Session) {
  return {
    findAnswers: (job, keys) => database.read(() => findAnswers(store, job, keys), [job.askId]),
    findRuns: (runIds) => database.read(() => jobs.findRuns(database, runIds)),
    listOlderAnswers(askId, key, ask) {
      const reading = ask === undefined ? READ_ALL : createReading(ask);
      return database.read(
        () => store.findView(askId)?.read([key], 0, reading).get(key)?.older.toReversed() ?? [],
        [askId],
      );
    },
    listChangedRows: (askId, since, limit) =>
      database.read(() => listChangedRows(database, askId, since, limit)),
    async recordFailures(jobId, failures) {
      if (failures.length === 0) return;
      await database.write(() => batches.recordFailures(store, jobId, failures, now()));
    },
    async putHumanAnswers(jobId, answers, seen) {
      if (answers.length === 0) return true;
      return database.write(() => batches.putHumanAnswers(store, jobId, answers, now(), seen));
    },
    async rejectAnswers(jobId, cells, seen) {
      if (cells.length === 0) return true;
      return database.write(() => batches.rejectAnswers(store, jobId, cells, now(), seen));
    },
    async putVerdicts(job, verdicts) {
      if (verdicts.length > 0) await database.write(() => putVerdicts(database, job, verdicts));
    },
    findVerdicts: (job, keys) => database.read(() => findVerdicts(database, job, keys)),
    listCheckedRows: (askId, since, limit) =>
      database.read(() => listCheckedRows(database, askId, since, limit)),
  } satisfies Partial<Ledger>;
}

function createBatchMethods({ database, store, process, runs, now }: Session) {
  const settlePacked = async (packed: readonly PackedSettlement[]): Promise<readonly Settled[]> => {
    const settled = await database.write(
      () => batches.settleBatches(store, packed, now()),
      packed.map(({ batch }) => batch.askId),
    );
    for (const { batch } of packed) runs.markWritten(batch.id);
    return settled;
  };
  return {
    async reserveBatches(reservations, limits) {
      runs.refuseMove();
      return database.write(
        () =>
          process.hold()
            ? batches.reserveBatches(store, reservations, limits, now())
            : reservations.map(() => ({ status: 'holder_lost' })),
        reservations.map(({ batch }) => batch.askId),
      );
    },
    async markStarted(batch, runId) {
      // At once, so that it is reported if the ledger can no longer be written.
      runs.addStarted(batch.id, runId);
      await database.write(() => batches.markStarted(store, batch, runId, now()), [batch.askId]);
    },
    markUnknown: (batchId, reason) =>
      database.write(() => {
        // A process that took over decides what becomes of the batch.
        return process.noticeLoss() || batches.markUnknown(store, batchId, reason);
      }),
    releaseBatch: (batchId, reason) =>
      database.write(() => batches.releaseBatch(store, batchId, reason, now(), process.noticeLoss())),
    async settleBatches(settlements) {
      for (const settlement of settlements) runs.addEnded(settlement);
      // Returned rather than awaited here, so that the runs are not kept until they are written.
      return settlePacked(settlements.map(packSettlement));
    },
    listOpenBatches: (askId) => database.read(() => batches.listOpenBatches(database, askId)),
    findSettledRuns: (askId, batchIds) =>
      database.read(() => jobs.findSettledRuns(database, askId, batchIds)),
  } satisfies Partial<Ledger>;
}

function createProcessMethods(session: Session) {
  const { database, process, runs, places } = session;
  return {
    enterAccount: (hash) => places.enterAccount(hash),
    takePlace: (...place) => places.takePlace(...place),
    recordRefusal: (batchId) => places.recordRefusal(batchId),
    listOutOfReach: (askId) => places.listOutOfReach(askId),
    measureClock: async () => 0,
    acquireLease: (name) => database.write(() => process.acquireLease(name)),
    releaseLease: (name) => database.write(() => process.releaseLease(name)),
    refuseStart() {
      runs.refuseMove();
      process.refuseLost();
    },
    isTakenOver: () => process.isTakenOver(),
    listProcesses: () => database.read(() => process.listProcesses()),
    adoptBatches: (askId) => database.write(() => process.adoptBatches(askId), [askId]),
    async whenChanged(signal) {
      const countChanges = (): number => database.foreignWrites + session.store.adoptedEnds;
      const known = countChanges();
      for (
        let look = 0;
        look < MOST_LOOKS && signal?.aborted !== true && session.closing === null;
        look += 1
      ) {
        await setTimeout(LOOK_MS);
        await database.read(() => undefined);
        if (countChanges() > known) return;
      }
    },
    close() {
      session.closing ??= session.close();
      return session.closing;
    },
  } satisfies Partial<Ledger>;
}

function createFolderMethods({ database, now }: Session) {
  return {
    enterFolder: (folder) => database.write(() => folders.enterFolder(database, folder, randomUUID())),
    findFolderPath: (id) => database.read(() => folders.findFolderPath(database, id)),
    moveFolder: (id, path) => database.write(() => folders.moveFolder(database, id, path)),
    placeJobs: (input, place, moved) =>
      database.write(() => {
        jobs.placeJobs(database, input, place);
        if (moved !== null) folders.moveWritten(database, moved.from, moved.to);
      }),
    noteWritten: (path, file) => database.write(() => folders.noteWritten(database, path, file, now())),
    findWritten: (path) => database.read(() => folders.findWritten(database, path)),
  } satisfies Partial<Ledger>;
}

function createCareMethods(session: Session) {
  const { database, process, runs, now } = session;
  return {
    getRun: (runId) => database.read(() => upkeep.getRun(database, runId)),
    getLastRun: (jobId) => database.read(() => upkeep.getLastRun(database, jobId)),
    async check() {
      try {
        return await session.readCounts(() => upkeep.checkLedger(database));
      } catch (error) {
        if (error instanceof RowfillError && error.code === 'LEDGER_DAMAGED') return [error.message];
        throw error;
      }
    },
    async copyTo(path) {
      // After everything submitted before.
      await database.read(() => undefined);
      database.copyTo(path);
    },
    async prune(limits) {
      const pruned = await session.writeAnew(() =>
        upkeep.prune(database, limits, now(), process.listHeldLeases()),
      );
      database.compact();
      return pruned;
    },
    async forgetJob(jobId, isDryRun) {
      if (isDryRun === true) return session.readCounts(() => upkeep.countForgotten(database, jobId));
      const forgotten = await session.writeAnew(() => upkeep.forgetJob(database, jobId));
      database.compact();
      return forgotten;
    },
    countOld: (limits) =>
      session.readCounts(() => upkeep.countOld(database, limits, now(), process.listHeldLeases())),
    findMove: () => runs.findMove(),
    listRecentRuns: () => runs.list(),
    async saveMoved() {
      await database.read(() => undefined);
      return database.save(now());
    },
  } satisfies Partial<Ledger>;
}
