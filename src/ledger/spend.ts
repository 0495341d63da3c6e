import { QUARTER_HOUR_MS } from '../model/clock.js';
import type { Database } from './database.js';
import type { DayCaps, Spend } from './records.js';

/** Scope of the whole ledger. All other scopes are ids of watched folders. */
export const WHOLE_LEDGER = '';

/** Amount billed since `sinceMs`, in total or for a folder, and amount reserved now regardless of when. */
export function readSpendSince(database: Database, scope: string, sinceMs: number): Spend {
  const reserved =
    scope === WHOLE_LEDGER
      ? 'select sum(reserved_micros) from job where reserved_micros > 0'
      : 'select sum(reserved_micros) from job where reserved_micros > 0 and folder = ?1';
  const spend = database.get<Spend>(
    `select coalesce((select sum(cost_micros) from spend where scope = ?1 and quarter >= ?2), 0) as spentMicros,
       coalesce((${reserved}), 0) as reservedMicros`,
    scope,
    sinceMs,
  );
  return { spentMicros: spend?.spentMicros ?? 0, reservedMicros: spend?.reservedMicros ?? 0 };
}

/** The day budget that cannot cover the additional amount; null if both can. */
export function findFullDay(
  database: Database,
  folder: string | null,
  { folderMicros, ledgerMicros, sinceMs }: DayCaps,
  moreMicros: number,
): 'over_folder_day' | 'over_ledger_day' | null {
  const isFull = (scope: string, capMicros: number): boolean => {
    const { spentMicros, reservedMicros } = readSpendSince(database, scope, sinceMs);
    return spentMicros + reservedMicros + moreMicros > capMicros;
  };
  if (folder !== null && folderMicros !== null && isFull(folder, folderMicros)) return 'over_folder_day';
  return ledgerMicros !== null && isFull(WHOLE_LEDGER, ledgerMicros) ? 'over_ledger_day' : null;
}

/** Adds a job's cost to the day's spend. Stored separately from the runs, so that pruning keeps it. */
export function addSpend(database: Database, job: number, micros: number, nowMs: number): void {
  if (micros === 0) return;
  database.run(
    `insert into spend (scope, quarter, cost_micros)
     select scope, ?3, ?2 from (
       select '${WHOLE_LEDGER}' as scope union all select folder from job where number = ?1 and folder is not null)
     where true
     on conflict do update set cost_micros = min(cost_micros + excluded.cost_micros, ${Number.MAX_SAFE_INTEGER})`,
    job,
    micros,
    Math.floor(nowMs / QUARTER_HOUR_MS) * QUARTER_HOUR_MS,
  );
}

/**
 * SQL for the start of the quarter of an hour that contains a time. The length is part of the text, because the driver
 * binds numbers as REAL, and dividing by a REAL does not round down.
 */
export function quarterOf(time: string): string {
  return `${time} / ${QUARTER_HOUR_MS} * ${QUARTER_HOUR_MS}`;
}
