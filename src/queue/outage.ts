import { setTimeout } from 'node:timers/promises';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import {
  describePostgresError,
  isReadOnlyServer,
  isRepeatable,
  readCode,
} from '../ledger/postgres/database-errors.js';
import { parseLedgerUrl } from '../model/ledger-url.js';

/** A server that is restarted, or replaced by another one, is back by then. Calls that meet one outage share this time. */
const PATIENCE_MS = 120_000;
const RETRY_MS = 250;

/** Where the queue of a ledger is. */
export interface QueuePlace {
  /** URL of the ledger. */
  readonly url: string;
  readonly schema: string;
}

/** Makes the calls to a queue, and waits while its database is away. */
export class OutageGuard {
  readonly #place: QueuePlace;
  readonly #onTrouble: (message: string) => void;
  #isClosed = false;
  /** When calls began to fail, in ms of `performance.now()`; null while they succeed. */
  #awaySinceMs: number | null = null;

  /** `onTrouble` is called once per outage. */
  constructor(place: QueuePlace, onTrouble: (message: string) => void) {
    this.#place = place;
    this.#onTrouble = onTrouble;
  }

  /** Makes a call that may be repeated, again and again for two minutes while the database cannot be reached. */
  async try<Result>(call: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        const result = await call();
        this.#awaySinceMs = null;
        return result;
      } catch (error) {
        if (this.#isClosed || !isPassing(error)) throw describeQueueError(error, this.#place);
        if (this.#awaySinceMs === null)
          this.#onTrouble(`The queue cannot be reached, trying again: ${describeError(error)}`);
        this.#awaySinceMs ??= performance.now();
        if (performance.now() > this.#awaySinceMs + PATIENCE_MS) throw describeQueueError(error, this.#place);
        await setTimeout(RETRY_MS);
      }
    }
  }

  /** From now on, a call that fails is not repeated. */
  close(): void {
    this.#isClosed = true;
  }
}

/** True for trouble that ends by itself: no connection, a conflict, or a server that only allows reading for now. */
export function isPassing(error: unknown): boolean {
  return !isAssertion(error) && (isRepeatable(error) || isReadOnlyServer(error));
}

/** True for a wrong call of pg-boss, whose code looks like one of the system. */
function isAssertion(error: unknown): boolean {
  return readCode(error) === 'ERR_ASSERTION';
}

/** Codes of PostgreSQL for a schema, table, column or function that does not exist. */
const MISSING = /^(?:3F000|42P01|42703|42883)$/;

/** Converts an error of the queue's database to one that says what to do. */
export function describeQueueError(error: unknown, { url, schema }: QueuePlace): unknown {
  if (!(error instanceof Error) || error instanceof RowfillError || isAssertion(error)) return error;
  const code = readCode(error);
  if (MISSING.test(code) || /^Queue \S+ does not exist/.test(error.message)) {
    // Not for good: whoever opens the queue the next time makes it again.
    return new RowfillError(
      'unreachable',
      'QUEUE_GONE',
      `The queue of the workers is gone: its schema ${schema} was deleted or replaced (${error.message})`,
      { hint: 'Run the same command again: it makes the queue again and continues.', cause: error },
    );
  }
  if (code === '42501') return createRightsError(schema, error);
  return describePostgresError(error, parseLedgerUrl(url));
}

/** Error for a database user that may not create or use the queue. */
export function createRightsError(schema: string, cause: unknown): RowfillError {
  return createUsageError(
    'QUEUE_NO_RIGHTS',
    'This database user may not create or use the queue of the workers',
    `As an administrator of the database, give it a schema: create schema ${schema} authorization USER; If there is one: grant usage on schema ${schema} to USER; grant select, insert, update, delete on all tables in schema ${schema} to USER;`,
    cause,
  );
}
