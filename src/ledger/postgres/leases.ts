import { createLeaseLostError } from '../../errors.js';
import { hashText } from '../../model/ask.js';
import type { LeaseResult, LedgerProcess, OpenBatch, ProcessBatch } from '../ledger.js';
import { selectOpenBatches, toOpenBatches } from './batches.js';
import type { Connection, Row } from './connection.js';
import { HOLDER_COLUMNS, type HolderRow, type ProcessHolder } from './process-holder.js';
import { numberArray, Sql, sql } from './sql.js';

const HOLDER = new Sql(HOLDER_COLUMNS);
/** A sorted index takes no longer names, such as that of an output far down in a tree. */
const MAX_NAME_LENGTH = 500;
/** Attempts to take a lease from a holder that is gone. Others try it too. */
const MAX_ATTEMPTS = 5;

/** Acquires a lease, unless a process that may be alive has it. Times are the server's. */
export async function acquireLease(
  connection: Connection,
  process: ProcessHolder,
  name: string,
): Promise<LeaseResult> {
  const stored = toStoredName(name);
  const statements = [
    sql`insert into lease (name, holder, acquired_at)
      select ${stored}, ${process.number}, now_ms() where not is_lost(${process.number})
      on conflict do nothing returning 1`,
    sql`select acquired_at as "acquiredAtMs", ${HOLDER}
      from lease join holder on holder.number = lease.holder where lease.name = ${stored}`,
  ];
  process.isHolding = true;
  for (let attempt = 1; ; attempt += 1) {
    const held = await connection.write(statements, ([taken = [], rows = []], isRepeated) => {
      const [row] = rows as unknown as readonly (HolderRow & { readonly acquiredAtMs: number })[];
      const isOwn = row?.number === process.number;
      return taken.length > 0 || (isRepeated && isOwn && row.epoch === 1) ? true : (row ?? null);
    });
    if (process.isLost || held === null) throw createLeaseLostError();
    if (held === true) return { status: 'held' };
    const { number, epoch, account, nowMs, acquiredAtMs, renewedAtMs, ...holder } = held;
    const goneAtMs = number === process.number ? Number.POSITIVE_INFINITY : process.findGoneAt(held);
    if (goneAtMs > nowMs || attempt === MAX_ATTEMPTS) {
      return { status: 'busy', holder, acquiredAtMs, renewedAtMs, goneAtMs };
    }
    const take = sql`select take_lease(${process.number}, ${stored}, ${number}, ${renewedAtMs})`;
    await connection.write([take], () => undefined);
  }
}

export function releaseLease(connection: Connection, process: ProcessHolder, name: string): Promise<void> {
  const statement = sql`delete from lease where name = ${toStoredName(name)} and holder = ${process.number}`;
  return connection.write([statement], () => undefined);
}

/** Processes that hold leases or open batches. */
export function listProcesses(
  connection: Connection,
  process: ProcessHolder,
): Promise<readonly LedgerProcess[]> {
  const statements = [
    sql`select ${HOLDER} from holder where number in (select holder from lease union select holder from batch)
      order by renewed_at, number`,
    sql`select name, holder from lease order by name`,
    sql`select batch.holder, batch.id as "batchId", job.id as "jobId", batch.run_id as "runId", batch.state
      from batch join job on job.number = batch.job order by batch.number`,
  ];
  return connection.read(statements, ([holders = [], leases = [], batches = []]) =>
    (holders as unknown as readonly HolderRow[]).map((row) => {
      const { pid, started, space, boot, host } = row;
      const isOwn = ({ holder }: Row): boolean => holder === row.number;
      return {
        holder: { pid, started, space, boot, host },
        isAlive: process.findGoneAt(row) > row.nowMs,
        leases: leases.filter(isOwn).map(({ name }) => String(name)),
        batches: batches
          .filter(isOwn)
          .map(({ holder: _holder, ...batch }) => batch as unknown as ProcessBatch),
      };
    }),
  );
}

function toStoredName(name: string): string {
  return name.length <= MAX_NAME_LENGTH
    ? name
    : `${name.slice(0, MAX_NAME_LENGTH / 2)} ${hashText(name, 32)}`;
}

/** Batches that this process has taken over and returned. */
export type Adopted = Set<string>;

/**
 * Takes over the open batches of an ask whose process is gone. Returns them, oldest first. Those of another account
 * stay, because an agent shows a run only to its own account.
 */
export async function adoptBatches(
  connection: Connection,
  process: ProcessHolder,
  askId: string,
  adopted: Adopted,
): Promise<readonly OpenBatch[]> {
  // If this process stood still, others may have too, so take over only from those known to be gone.
  const isFresh = process.isFresh || !process.isHolding;
  process.isHolding = true;
  const { number } = process;
  const holders = sql`select ${HOLDER} from holder where number <> ${number} and number in (
    select batch.holder from ask join job on job.ask = ask.number join batch on batch.job = job.number
    where ask.id = ${askId})`;
  const gone = await connection.write([holders], ([rows = []]) =>
    (rows as unknown as readonly HolderRow[]).filter(
      (row) => process.findGoneAt(row) <= (isFresh ? row.nowMs : 0),
    ),
  );
  if (process.isLost || gone.length === 0) return [];
  const adopt = sql`select adopt(${number}, ${askId}, ${process.account},
    ${numberArray(gone.map((row) => row.number))}, ${numberArray(gone.map(({ renewedAtMs }) => renewedAtMs))})`;
  const read = ([, ...results]: readonly (readonly Row[])[]): OpenBatch[] => toOpenBatches(results);
  const batches = await connection.write([adopt, ...selectOpenBatches(askId, number)], read, [askId]);
  const fresh = batches.filter(({ batch }) => !adopted.has(batch.id));
  for (const { batch } of fresh) adopted.add(batch.id);
  return fresh.sort((a, b) => a.intendedAtMs - b.intendedAtMs);
}
