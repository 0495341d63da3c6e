import { QUARTER_HOUR_MS } from '../model/clock.js';
import type { Database } from './database.js';
import type { DayCaps, Spend, WatchedFolder } from './records.js';

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
 * Returns the id of a watched folder: the one stored in it, else the one of the folder last seen at its
 * location, else `newId`. A folder seen for the first time takes over jobs that an earlier version knew only
 * by their path.
 */
export function enterFolder(database: Database, { id, place, below }: WatchedFolder, newId: string): string {
  const known = database.get<{ id: string }>('select id from folder where place = ?', place);
  const chosen = id ?? known?.id ?? newId;
  const isNew = database.get('select 1 from folder where id = ?', chosen) === undefined;
  database.run(
    `insert into folder (id, place) values (?, ?)
     on conflict (id) do update set place = excluded.place where place <> excluded.place`,
    chosen,
    place,
  );
  if (isNew) adoptJobs(database, chosen, below);
  return chosen;
}

function adoptJobs(database: Database, folder: string, below: string): void {
  database.run(
    `insert into spend (scope, quarter, cost_micros)
     select ?1, quarter, sum(cost_micros) from (
       select ${quarterOf('batch.ended_at')} as quarter, batch.cost_micros from job join batch on batch.job = job.number
         where job.folder is null and substr(job.input, 1, length(?2)) = ?2 and batch.state = 'settled'
       union all select ended_at, cost_micros from pruned_spend
         where substr(input, 1, length(?2)) = ?2 and job_id not in (select id from job where folder is not null))
     where cost_micros > 0 group by quarter
     on conflict do nothing`,
    folder,
    below,
  );
  database.run(
    'update job set folder = ?1 where folder is null and substr(input, 1, length(?2)) = ?2',
    folder,
    below,
  );
}

/**
 * SQL for the start of the quarter of an hour that contains a time. The length is part of the text, because the driver
 * binds numbers as REAL, and dividing by a REAL does not round down.
 */
export function quarterOf(time: string): string {
  return `${time} / ${QUARTER_HOUR_MS} * ${QUARTER_HOUR_MS}`;
}
