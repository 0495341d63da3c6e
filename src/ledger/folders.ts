import type { Database } from './database.js';
import type { WatchedFolder } from './records.js';
import { quarterOf } from './spend.js';

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

/** The last recorded path of a watched folder; null if none. */
export function readFolderPath(database: Database, id: string): string | null {
  return database.get<{ path: string | null }>('select path from folder where id = ?', id)?.path ?? null;
}

/**
 * Records the path of a watched folder. Files known below its earlier path are then known below this one. Both paths
 * end with a separator.
 */
export function moveFolder(database: Database, id: string, to: string): void {
  const from = readFolderPath(database, id);
  database.run('update folder set path = ? where id = ?', to, id);
  if (from === null || from === to) return;
  const move = (table: string, column: string, scope: string): number =>
    database.run(
      `update ${table} set ${column} = ?2 || substr(${column}, length(?1) + 1)
       where ${scope} and substr(${column}, 1, length(?1)) = ?1`,
      from,
      to,
      id,
    );
  move('job', 'placed_input', 'folder = ?3');
  move('job', 'placed_output', 'folder = ?3');
  move('written', 'path', 'job in (select id from job where folder = ?3)');
}
