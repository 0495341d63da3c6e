import { createHash } from 'node:crypto';
import type { ConstructorOptions, PgBoss } from 'pg-boss';
import { createUsageError, hasErrorCode } from '../errors.js';
import { hashText } from '../model/ask.js';
import { parseLedgerUrl } from '../model/ledger-url.js';
import { FORMAT, type QueuedBatch } from './messages.js';
import { createRightsError, describeQueueError, OutageGuard } from './outage.js';

/** An entry of a queue that this process has taken, and keeps until it is done or given back. */
export interface Delivery<Content> {
  readonly id: string;
  /** Number of times it was delivered before. A process that was too slow cannot end a later delivery. */
  readonly retryCount: number;
  readonly content: Content;
}

/** A batch as the queue has it. */
interface Entry {
  readonly job: string;
  readonly batch: string;
  /** The batch as JSON in a text: as JSON in JSON, it would take the database twice as long, and have no U+0000. */
  readonly content: string;
}

interface QueueOptions {
  /** Looks for entries of processes that have died, and delivers them again. @default false */
  readonly isSupervising?: boolean;
  /** Called with trouble that passes, such as a lost connection. */
  readonly onTrouble: (message: string) => void;
}

/** A process that takes entries and does not renew them for this long is taken to have died, in seconds. */
const HEARTBEAT_SECONDS = 15;
/** How often entries of dead processes are looked for, in seconds. */
const SUPERVISE_SECONDS = 5;
/** How often a process renews the entries that it has taken, in ms. */
export const RENEW_ENTRIES_MS = 4_000;
/** Longer than any run. */
const MAX_HOURS = 24;
const ENTRY_OPTIONS = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  expireInSeconds: (MAX_HOURS - 1) * 3_600,
  retryLimit: 10_000,
  retryDelay: 0,
  retentionSeconds: 14 * 24 * 3_600,
  deleteAfterSeconds: 3_600,
};
/** Without tasks that are not needed here, such as schedules. */
const BOSS_OPTIONS = {
  max: 2,
  superviseIntervalSeconds: SUPERVISE_SECONDS,
  monitorIntervalSeconds: SUPERVISE_SECONDS,
  schedule: false,
  registerInstance: false,
  reindex: false,
  monitorVacuum: false,
};
/**
 * The queue that carries batches to workers, on the database of the ledger. It may deliver twice: the ledger decides what
 * is true. Entries are deleted when they are done, because they hold rows.
 */
export class BatchQueue {
  readonly #boss: PgBoss;
  readonly #known = new Set<string>();
  readonly #guard: OutageGuard;

  constructor(boss: PgBoss, guard: OutageGuard) {
    this.#boss = boss;
    this.#guard = guard;
  }

  /** Adds batches for the workers of an account. A batch that is in the queue already is not added again. */
  async add(account: string, batches: readonly QueuedBatch[]): Promise<void> {
    const name = await this.#enter(nameWork(account));
    const entries = batches.map((each) => ({ id: toEntryId(each.batch.id), data: toEntry(each) }));
    await this.#guard.try(() => this.#boss.insert(name, entries));
  }

  /** Takes the oldest batches of an account, up to `limit`. */
  async take(account: string, limit: number): Promise<readonly Delivery<QueuedBatch>[]> {
    const name = await this.#enter(nameWork(account));
    const options = { batchSize: limit, includeMetadata: true } as const;
    const jobs = await this.#guard.try(() => this.#boss.fetch<Entry>(name, options));
    jobs.sort((one, other) => Number(one.createdOn) - Number(other.createdOn));
    return jobs.map(({ id, retryCount, data }) => ({
      id,
      retryCount,
      content: JSON.parse(data.content) as QueuedBatch,
    }));
  }

  /** Tells the queue that this process still has these entries. */
  async renew(account: string, entries: readonly Delivery<unknown>[]): Promise<void> {
    const ids = entries.map(toAttempt);
    if (ids.length > 0) await this.#guard.try(() => this.#boss.touch(nameWork(account), ids));
  }

  /** Removes batches that are done. */
  async end(account: string, entries: readonly Delivery<unknown>[]): Promise<void> {
    const ids = entries.map(toAttempt);
    if (ids.length > 0) await this.#guard.try(() => this.#boss.deleteJob(nameWork(account), ids));
  }

  /** Puts batches back, for any worker. */
  async giveBack(account: string, entries: readonly Delivery<unknown>[]): Promise<void> {
    const ids = entries.map(toAttempt);
    if (ids.length > 0) await this.#guard.try(() => this.#boss.fail(nameWork(account), ids));
  }

  /** True if a batch waits in the queue or is with a worker. */
  async has(account: string, batchId: string): Promise<boolean> {
    const name = await this.#enter(nameWork(account));
    const found = await this.#guard.try(() => this.#boss.findJobs(name, { id: toEntryId(batchId) }));
    return found.length > 0;
  }

  /** Removes the batches of a job that no worker has taken. Returns their ids. */
  async withdraw(account: string, job: string): Promise<readonly string[]> {
    const name = await this.#enter(nameWork(account));
    const withdrawn: string[] = [];
    for (;;) {
      const found = await this.#guard.try(() =>
        this.#boss.findJobs<Entry>(name, { data: { job }, queued: true }),
      );
      if (found.length === 0) return withdrawn;
      // One that a worker takes in this moment is run all the same. The ledger has its answers.
      const ids = found.map(({ id }) => id);
      await this.#guard.try(() => this.#boss.deleteJob(name, ids));
      withdrawn.push(...found.map(({ data }) => data.batch));
    }
  }

  async close(): Promise<void> {
    this.#guard.close();
    await this.#boss.stop({ graceful: false });
  }

  /** Creates a queue if this process has not seen it yet. */
  async #enter(name: string): Promise<string> {
    if (this.#known.has(name)) return name;
    await this.#guard.try(async () => {
      if ((await this.#boss.getQueue(name)) === null) await this.#boss.createQueue(name, ENTRY_OPTIONS);
    });
    this.#known.add(name);
    return name;
  }
}

/** Opens the queue on the database of a ledger. Creates it if there is none. */
export async function openQueue(
  url: string,
  { isSupervising = false, onTrouble }: QueueOptions,
): Promise<BatchQueue> {
  const guard = new OutageGuard({ url, schema: resolvePlace(url).schema }, onTrouble);
  return new BatchQueue(await guard.try(() => startBoss(url, { supervise: isSupervising })), guard);
}

async function startBoss(url: string, options: ConstructorOptions): Promise<PgBoss> {
  let cause: unknown;
  for (const createSchema of [true, false]) {
    const boss = await createBoss(url, { ...options, createSchema });
    try {
      await boss.start();
      await refuseMissingRights(boss, resolvePlace(url).schema);
      return boss;
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => undefined);
      // A schema that exists already needs no right to create one.
      if (!isForbidden(error)) throw error;
      cause = error;
    }
  }
  throw createRightsError(resolvePlace(url).schema, cause);
}

/** Throws QUEUE_NO_RIGHTS if this user may not read and write all batches, before any of them is sent. */
async function refuseMissingRights(boss: PgBoss, schema: string): Promise<void> {
  const { rows } = await boss.getDb().executeSql(
    `select relname from pg_catalog.pg_class join pg_catalog.pg_namespace place on place.oid = relnamespace
      where nspname = $1 and relkind in ('r', 'p') and (relname = 'queue' or relname like 'job%')
        and not (has_table_privilege(pg_class.oid, 'select') and has_table_privilege(pg_class.oid, 'insert')
          and has_table_privilege(pg_class.oid, 'update') and has_table_privilege(pg_class.oid, 'delete'))
      order by 1`,
    [schema],
  );
  if (rows.length > 0)
    throw createRightsError(
      schema,
      new Error(`no rights on ${rows.map(({ relname }) => relname).join(', ')}`),
    );
}

/** Number of batches that no worker has taken, of all accounts; null without a queue, or without its package. */
export async function countWaitingBatches(url: string): Promise<number | null> {
  const boss = await openBoss(url).catch(() => null);
  if (boss === null) return null;
  try {
    const queues = (await boss.getQueues()).filter(({ name }) => name.startsWith(WORK));
    const counts = queues.map(async ({ name }) => (await boss.findJobs(name, { queued: true })).length);
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  } catch (error) {
    throw describeQueueError(error, { url, schema: resolvePlace(url).schema });
  } finally {
    await boss.stop({ graceful: false });
  }
}

/** Opens a queue that exists, to look into it. */
async function openBoss(url: string): Promise<PgBoss> {
  const boss = await createBoss(url, { supervise: false, migrate: false, createSchema: false });
  return boss.start();
}

async function createBoss(url: string, options: ConstructorOptions): Promise<PgBoss> {
  const { PgBoss } = await import('pg-boss').catch((cause: unknown) => {
    throw createUsageError(
      'QUEUE_MISSING',
      'Workers need the packages pg and pg-boss, which are not installed',
      'Install them where rowfill is: npm install pg pg-boss',
      cause,
    );
  });
  const boss = new PgBoss({ ...resolvePlace(url), ...BOSS_OPTIONS, ...options });
  // A lost connection is not the end: each call is tried again.
  boss.on('error', () => undefined);
  return boss;
}

/** The schema of the queue is beside that of the ledger. */
export function resolvePlace(url: string): { readonly connectionString: string; readonly schema: string } {
  const { driverUrl, schema } = parseLedgerUrl(url);
  // pg-boss takes no longer names.
  const name = schema.length < MAX_SCHEMA_LENGTH ? schema : `rowfill_${hashText(schema, 16)}`;
  return { connectionString: driverUrl, schema: `${name}_queue` };
}

const MAX_SCHEMA_LENGTH = 44;

/** Start of the names of queues with batches. */
export const WORK = 'batches.';

/** Workers of other accounts never see these batches, and neither do those of a version that cannot read them. */
function nameWork(account: string): string {
  return `${WORK}${FORMAT}.${account.slice(0, 32)}`;
}

function toEntry(queued: QueuedBatch): Entry {
  return { job: queued.job, batch: queued.batch.id, content: JSON.stringify(queued) };
}

/** The same batch has the same entry, so that it is in the queue once. */
function toEntryId(batchId: string): string {
  const hex = createHash('sha256').update(batchId).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

function toAttempt({ id, retryCount }: { readonly id: string; readonly retryCount: number }) {
  return { id, retryCount };
}

/** True if the database user lacks a right, or the schema that it may use does not exist. */
function isForbidden(error: unknown): boolean {
  return hasErrorCode(error, '42501', '3F000');
}
