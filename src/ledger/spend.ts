import { QUARTER_HOUR_MS } from '../model/clock.js';
import type { Database } from './database.js';
import type { DayCaps, Spend, WatchedFolder } from './records.js';

/** The scope of everything that a ledger holds; every other one is the id of a watched folder. */
export const WHOLE_LEDGER = '';

/** What was billed since a moment, in all or for a folder, and what is reserved now, whenever that was. */
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

/** The day budget that has no room for so much more; null if both have. */
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

/** Counts a bill of a job towards the day. Kept apart from the runs, so that pruning them leaves it. */
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
 * Returns the id of a watched folder: the one it carries, else the one of the folder that was at its place before, else
 * `newId`. A folder seen for the first time takes over the jobs that an earlier version knew by their path alone.
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
       select batch.ended_at / ?3 * ?3 as quarter, batch.cost_micros from job join batch on batch.job = job.number
         where job.folder is null and substr(job.input, 1, length(?2)) = ?2 and batch.state = 'settled'
       union all select ended_at, cost_micros from pruned_spend
         where substr(input, 1, length(?2)) = ?2 and job_id not in (select id from job where folder is not null))
     where cost_micros > 0 group by quarter
     on conflict do nothing`,
    folder,
    below,
    QUARTER_HOUR_MS,
  );
  database.run(
    'update job set folder = ?1 where folder is null and substr(input, 1, length(?2)) = ?2',
    folder,
    below,
  );
}
