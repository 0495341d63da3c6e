import type { Batch } from '../../model/batch.js';
import type { Handouts, JobHandle } from '../ledger.js';
import type { Connection } from './connection.js';
import { numberArray, sql, textArray } from './sql.js';

const WITHDRAWN = 'not sent: the process that planned it starts nothing any more';

/** Reports in the ledger. They go with other calls in one message, and wait for the disk only if those do. */
export class StoredHandouts implements Handouts {
  readonly #connection: Connection;
  readonly #holder: number;
  /** Numbers of those that were taken, and may not be deleted yet. */
  readonly #taken = new Set<number>();

  constructor(connection: Connection, holder: number) {
    this.#connection = connection;
    this.#holder = holder;
  }

  send(jobId: string, reports: readonly string[]): Promise<void> {
    const statement = sql`insert into report (job, content)
      select ${jobId}, sent.content from unnest(${textArray(reports)}) with ordinality sent (content, place)
      order by sent.place`;
    return this.#write([statement]);
  }

  async take(jobId: string, limit: number): Promise<readonly string[]> {
    const statement = sql`select number, content from report
      where job = ${jobId} and number <> all(${numberArray([...this.#taken])}) order by number limit ${limit}`;
    const found = await this.#connection.reader.read([statement], ([rows = []]) =>
      rows.map(({ number, content }) => ({ number: Number(number), content: String(content) })),
    );
    if (found.length === 0) return [];
    const numbers = found.map(({ number }) => number);
    for (const number of numbers) this.#taken.add(number);
    // Not awaited, because the reports let other batches start. Where this fails, they are deleted with the rest.
    this.#write([sql`delete from report where job = ${jobId} and number = any(${numberArray(numbers)})`])
      .then(() => {
        for (const number of numbers) this.#taken.delete(number);
      })
      .catch(() => undefined);
    return found.map(({ content }) => content);
  }

  withdraw({ id, askId }: Pick<JobHandle, 'id' | 'askId'>): Promise<readonly string[]> {
    const content = JSON.stringify({ reason: WITHDRAWN });
    const statement = sql`select withdraw(${this.#holder}, ${id}, ${content}) as id`;
    return this.#connection.write([statement], ([rows = []]) => rows.map((row) => String(row.id)), [askId]);
  }

  retire({ id, jobId, askId }: Batch): Promise<'retired' | 'open' | 'settled'> {
    const statement = sql`select retire(${id}, ${jobId}) as status`;
    return this.#connection.write(
      [statement],
      ([rows]) => rows?.[0]?.status as 'retired' | 'open' | 'settled',
      [askId],
    );
  }

  restore(batchIds: readonly string[]): Promise<void> {
    return this.#connection.write(
      [sql`delete from retired where batch = any(${textArray(batchIds)})`],
      () => undefined,
    );
  }

  clear(jobId: string): Promise<void> {
    return this.#write([
      sql`delete from report where job = ${jobId}`,
      sql`delete from retired where job = ${jobId}`,
    ]);
  }

  #write(statements: Parameters<Connection['write']>[0]): Promise<void> {
    return this.#connection.submit({
      statements,
      isWrite: true,
      isLazy: true,
      askIds: [],
      read: () => undefined,
    });
  }
}
