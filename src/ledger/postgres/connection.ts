import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, QueryResult } from 'pg';
import { createUsageError, RowfillError } from '../../errors.js';
import { checkTlsMode, type LedgerUrl } from '../../model/ledger-url.js';
import {
  describeOpeningError,
  describePostgresError,
  isLost,
  isReadOnlyServer,
  isRepeatable,
} from './database-errors.js';
import { Sql, sql, toIdentifier } from './sql.js';

/** Total time to wait for another writer, or for a server that cannot be reached or has become read-only: once for all calls that meet it. */
const LONGEST_WAIT_MS = 120_000;
/** Same, for the last words of a holder. Without them, it ends with its process. */
const LAST_WAIT_MS = 5_000;
/** A call this long after the last failed one may meet another outage, and waits for it. */
const OUTAGE_GAP_MS = 30_000;
/** A wait longer than this is reported. */
const TELL_AFTER_MS = 2_000;
const WATCH_MS = 100;
/** How long the server lets a statement wait for a lock; then it answers, and the message is sent again. */
const LOCK_WAIT_MS = 1_000;
/** A server that has not answered for this long is asked over a new connection. */
const HANG_MS = 30_000;
const CONNECT_MS = 10_000;
/** Pause before a message is sent again, up to this, so that many waiting processes do not retry together. */
const RETRY_MS = 100;
/** Same, for a server that cannot be reached. */
const RECONNECT_MS = 200;
/** Most calls and characters in one message. */
const MAX_CALLS = 200;
const MAX_CHARACTERS = 4_000_000;
/** Messages on their way. With a second one, the server need not wait until this process has read its reply. */
const MAX_MESSAGES = 2;

/** Types of PostgreSQL whose values become numbers. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700]);

export type Row = Record<string, unknown>;

/** A call of the ledger as statements, and how their results are read. */
export interface Call<Result> {
  readonly statements: readonly Sql[];
  readonly isWrite: boolean;
  /** Asks to lock first. */
  readonly askIds: readonly string[];
  /** True for work that may take minutes, so that a server which is silent so long does not count as gone. */
  readonly isLong?: boolean;
  /**
   * True for a write that a crash of the server may forget, because whoever looks later can find out about it. It does
   * not wait for the disk. The next one that does takes all before it along.
   */
  readonly isLazy?: boolean;
  /** The last words of a holder: written even after a failed write, and given up after a few seconds. */
  readonly isLast?: boolean;
  /** Gets the rows of each statement. If it throws, only its own call is rejected. */
  readonly read: (results: readonly (readonly Row[])[], isRepeated: boolean) => Result;
}

/** A time in which no message has succeeded, and its last failure, in ms of `performance.now()`. */
interface Outage {
  sinceMs: number;
  failedAtMs: number;
  isTold: boolean;
}

function createOutage(): Outage {
  const nowMs = performance.now();
  return { sinceMs: nowMs, failedAtMs: nowMs, isTold: false };
}

/** The outage that the connections of a ledger are in, if any. They wait for its end together. */
interface Trouble {
  outage: Outage | null;
}

/** An open connection. `watches` has a timer for each message that must be answered in time. */
interface Session {
  readonly client: Client;
  readonly socket: Socket;
  readonly watches: Set<NodeJS.Timeout>;
}

interface Waiting extends Call<unknown> {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface ConnectionOptions {
  readonly isReadOnly?: boolean;
  /** Replaces the server's clock, for tests. */
  readonly serverClock?: { now(): number };
  /** @default 30000 */
  readonly hangMs?: number;
}

/**
 * The connection of a ledger to its server. Calls of one turn of the event loop, and those that came while messages were
 * on their way, go to the server as one message, which is one transaction. Messages are worked off in order, unless one
 * fails: it is sent again, as is one whose reply was lost. So each call must have the same effect if it is repeated, and
 * one that depends on another must wait for its reply. Nothing depends on the session, so that a pooler may give each
 * message to another one.
 */
export class Connection {
  readonly place: LedgerUrl;
  readonly #options: ConnectionOptions;
  readonly #queue: Waiting[] = [];
  #reader: Connection | null = null;
  #connected: Promise<Session> | null = null;
  /** Messages on their way, each until it is answered or given up. */
  readonly #running = new Set<Promise<void>>();
  /** Messages that wait until they are sent again. Nothing else is sent meanwhile. */
  #failing = 0;
  /** The time since a message of this connection succeeded, or since the outage of the other one. */
  #outage = createOutage();
  /** True if the calls of this turn will be sent at its end. */
  #isPlanned = false;
  /** True while a message may take minutes. One behind it would seem to hang. */
  #isLong = false;
  readonly #trouble: Trouble;
  #isClosed = false;
  #hasWritten = false;
  #fault: { readonly error: unknown } | null = null;
  /** Why this user may not write; null if it may. */
  refusal: RowfillError | null = null;
  /** Called once per outage of more than two seconds. */
  onWait: (message: string) => void = () => undefined;
  /** Statements that start a message which writes, given the asks that it locks and whether it waits for the disk. */
  enter: (askIds: readonly string[], isLazy: boolean) => Call<void> | null = () => null;

  constructor(place: LedgerUrl, options: ConnectionOptions, trouble: Trouble = { outage: null }) {
    this.place = place;
    this.#options = options;
    this.#trouble = trouble;
  }

  /** A second connection, for reads in bulk that need not wait until earlier calls are on the disk. */
  get reader(): Connection {
    if (this.#reader === null) {
      this.#reader = new Connection(this.place, { ...this.#options, isReadOnly: true }, this.#trouble);
      this.#reader.onWait = (message) => this.onWait(message);
    }
    return this.#reader;
  }

  /** Sends statements with the other calls of this turn. */
  submit<Result>(call: Call<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#isClosed) throw new RowfillError('defect', 'LEDGER_CLOSED', `${this.place.label} is closed`);
      if (call.isWrite && this.#options.isReadOnly === true) throw createReadOnlyError(this.place);
      if (call.isWrite && this.refusal !== null) throw this.refusal;
      if (call.isWrite && this.#fault !== null && call.isLast !== true) throw this.#fault.error;
      this.#queue.push({ ...call, resolve: resolve as (result: unknown) => void, reject });
      if (this.#isPlanned) return;
      this.#isPlanned = true;
      setImmediate(() => {
        this.#isPlanned = false;
        this.#sendQueue();
      });
    });
  }

  /** Reads with statements. */
  read<Result>(
    statements: readonly Sql[],
    read: (results: readonly (readonly Row[])[]) => Result,
  ): Promise<Result> {
    return this.submit({ statements, isWrite: false, askIds: [], read });
  }

  /** Writes with statements. */
  write<Result>(
    statements: readonly Sql[],
    read: Call<Result>['read'],
    askIds: readonly string[] = [],
  ): Promise<Result> {
    return this.submit({ statements, isWrite: true, askIds, read });
  }

  /** Runs `work` on the connection, without a retry. No call may be made meanwhile. */
  async withClient<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    try {
      return await work((await this.#connect()).client);
    } catch (error) {
      throw describePostgresError(error, this.place);
    }
  }

  /** Finishes what was submitted, and closes the connection. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#reader?.close();
    this.#isClosed = true;
    this.#sendQueue();
    while (this.#running.size > 0) await Promise.all(this.#running);
    const session = await this.#connected?.catch(() => null);
    this.#connected = null;
    if (session == null) return;
    // A server that hangs does not say goodbye.
    const timer = setTimeout(() => session.socket.destroy(), TELL_AFTER_MS);
    await session.client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  #sendQueue(): void {
    while (this.#queue.length > 0 && this.#canSend()) {
      if (this.#running.size === 0) this.#outage = this.#joinOutage();
      const group = this.#takeGroup();
      this.#isLong = group.some((call) => call.isLong === true);
      const running = this.#run(group).finally(() => {
        this.#running.delete(running);
        if (this.#running.size === 0) this.#isLong = false;
        this.#sendQueue();
      });
      this.#running.add(running);
    }
  }

  #canSend(): boolean {
    if (this.#running.size === 0) return true;
    const isLast = this.#queue.some((call) => call.isLast === true);
    return this.#running.size < MAX_MESSAGES && this.#failing === 0 && !this.#isLong && !isLast;
  }

  #takeGroup(): readonly Waiting[] {
    let count = 0;
    let characters = 0;
    while (count < this.#queue.length && count < MAX_CALLS && characters < MAX_CHARACTERS) {
      for (const { text } of this.#queue[count]?.statements ?? []) characters += text.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Sends a group until the server has answered it, or for two minutes since it last answered anything. */
  async #run(group: readonly Waiting[]): Promise<void> {
    const isWrite = group.some((call) => call.isWrite);
    const isLast = group.every((call) => call.isLast === true);
    const startedAtMs = performance.now();
    const watch = this.#watchWait();
    for (let isRepeated = false; ; ) {
      try {
        this.#answer(group, await this.#send(group, isWrite), isRepeated);
        this.#hasWritten ||= isWrite;
        clearInterval(watch);
        // Not the same one changed, because the other connection may still be in it.
        this.#outage = createOutage();
        this.#trouble.outage = null;
        return;
      } catch (error) {
        const nowMs = performance.now();
        const outage = this.#outage;
        outage.failedAtMs = nowMs;
        const hasMoved = this.#hasWritten && isReadOnlyServer(error);
        const isPassing = hasMoved || isRepeatable(error);
        this.#trouble.outage = isPassing ? outage : null;
        const untilMs = isLast ? startedAtMs + LAST_WAIT_MS : outage.sinceMs + LONGEST_WAIT_MS;
        if (nowMs > untilMs || !isPassing) {
          clearInterval(watch);
          const described = describePostgresError(error, this.place);
          // Nothing was written if the server only let the message wait.
          if (isWrite && !isPassing) this.#fault ??= { error: described };
          for (const { reject } of group) reject(described);
          return;
        }
        // Its name may lead to the new primary by now.
        if (hasMoved) this.#connected?.then(({ socket }) => socket.destroy()).catch(() => undefined);
        isRepeated ||= isLost(error);
        this.#failing += 1;
        await sleep((hasMoved || isLost(error) ? RECONNECT_MS : 0) + Math.random() * RETRY_MS);
        this.#failing -= 1;
      }
    }
  }

  /** Calls that follow a failed one do not wait as long again: a job that ends makes several. */
  #joinOutage(): Outage {
    const { outage } = this.#trouble;
    return outage !== null && performance.now() - outage.failedAtMs < OUTAGE_GAP_MS ? outage : createOutage();
  }

  /** Reports a long wait, once. */
  #watchWait(): NodeJS.Timeout {
    const timer = setInterval(() => {
      const outage = this.#outage;
      if (outage.isTold || performance.now() - outage.sinceMs <= TELL_AFTER_MS) return;
      outage.isTold = true;
      this.onWait(
        `The ledger at ${this.place.label} does not answer, only allows reading, or another program is writing to it. Waiting up to ${LONGEST_WAIT_MS / 60_000} minutes for it`,
      );
    }, WATCH_MS);
    return timer;
  }

  #answer(group: readonly Waiting[], results: readonly (readonly Row[])[], isRepeated: boolean): void {
    let next = 0;
    for (const { statements, read, resolve, reject } of group) {
      const own = results.slice(next, next + statements.length);
      next += statements.length;
      try {
        resolve(read(own, isRepeated));
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Sends a group as one message. Returns the rows of its statements. */
  async #send(group: readonly Waiting[], isWrite: boolean): Promise<readonly (readonly Row[])[]> {
    const statements = group.flatMap((call) => call.statements);
    if (statements.length === 0 && !isWrite) return [];
    const askIds = [...new Set(group.flatMap((call) => call.askIds))];
    const isLong = group.some((call) => call.isLong === true);
    const isLazy = isWrite && group.every((call) => !call.isWrite || call.isLazy === true);
    const session = await this.#connect();
    // Nothing may wait from here to the query, because messages are numbered in the order in which they leave.
    const entry = isWrite ? this.enter(askIds, isLazy) : null;
    const all = [this.#createSettings(isLazy), ...(entry?.statements ?? []), ...statements];
    const results = await this.#query(session, isLong, all);
    const first = 1 + (entry?.statements.length ?? 0);
    entry?.read(results.slice(1, first), false);
    return results.slice(first);
  }

  /** What a session would keep is set for each message. */
  #createSettings(isLazy: boolean): Sql {
    const { serverClock, isReadOnly } = this.#options;
    const mode = new Sql(
      (isReadOnly === true ? "set_config('transaction_read_only', 'on', true), " : '') +
        (isLazy ? "set_config('synchronous_commit', 'off', true)," : ''),
    );
    const path = `${toIdentifier(this.place.schema)}, pg_temp`;
    return sql`select set_config('search_path', ${path}, true),
      set_config('lock_timeout', ${String(LOCK_WAIT_MS)}, true), set_config('enable_seqscan', 'off', true),
      set_config('jit', 'off', true), ${mode}
      set_config('rowfill.clock', ${serverClock === undefined ? '' : String(serverClock.now())}, true)`;
  }

  async #query(
    { client, socket, watches }: Session,
    isLong: boolean,
    statements: readonly Sql[],
  ): Promise<readonly (readonly Row[])[]> {
    const { hangMs = HANG_MS } = this.#options;
    const watch = isLong ? undefined : setTimeout(() => socket.destroy(), hangMs);
    if (watch !== undefined) watches.add(watch);
    try {
      const results: unknown = await client.query(statements.map(({ text }) => text).join(';\n'));
      const list = (Array.isArray(results) ? results : [results]) as readonly QueryResult<Row>[];
      return list.map(({ rows }) => rows);
    } finally {
      clearTimeout(watch);
      if (watch !== undefined) watches.delete(watch);
      // The next message has waited for this one.
      for (const other of watches) other.refresh();
    }
  }

  /** Connects, unless the connection stands. */
  #connect(): Promise<Session> {
    if (this.#connected !== null) return this.#connected;
    const connected = this.#open(() => {
      if (this.#connected === connected) this.#connected = null;
    });
    this.#connected = connected;
    return connected;
  }

  async #open(onEnd: () => void): Promise<Session> {
    const socket = new Socket();
    try {
      const driver = await loadDriver();
      checkEnvironment(this.place);
      const client = new driver.Client({
        connectionString: this.place.driverUrl,
        connectionTimeoutMillis: Math.min(CONNECT_MS, this.#options.hangMs ?? HANG_MS),
        keepAlive: true,
        pipeline: true,
        stream: () => socket,
        types: {
          getTypeParser: (id: number, format?: 'text' | 'binary') =>
            NUMBERS.has(id) ? Number : driver.types.getTypeParser(id, format as 'text'),
        } as never,
      });
      // Without a listener, a lost connection would end the process.
      client.on('error', onEnd);
      client.on('end', onEnd);
      await client.connect();
      return { client, socket, watches: new Set() };
    } catch (error) {
      onEnd();
      // The driver leaves it open, and this process alive, until the server gives up.
      socket.destroy();
      throw describeOpeningError(error, this.place);
    }
  }
}

/** The driver takes a mode that it does not know for no TLS. */
function checkEnvironment({ driverUrl }: LedgerUrl): void {
  const mode = process.env.PGSSLMODE;
  if (mode !== undefined && !/[?&]ssl(?:mode|cert|key|rootcert)?=/.test(driverUrl))
    checkTlsMode('PGSSLMODE', mode);
}

/** Loads the driver, which only shared ledgers need. */
export async function loadDriver(): Promise<typeof import('pg')['default']> {
  try {
    // Its default export has all of it in every version.
    return (await import('pg')).default;
  } catch (error) {
    throw createUsageError(
      'LEDGER_NO_DRIVER',
      'A ledger on PostgreSQL needs the package pg',
      'Install it next to rowfill: npm install pg',
      error,
    );
  }
}

function createReadOnlyError({ label }: LedgerUrl): RowfillError {
  return createUsageError(
    'LEDGER_NOT_WRITABLE',
    `The ledger was opened for reading only: ${label}`,
    'Open it for writing.',
  );
}
