import type { WatchedFolder, WrittenFile } from '../ledger.js';
import type { Database } from './database.js';

/**
 * Returns the id of a watched folder: the one stored in it, else the one of the folder last seen at its location, else
 * `newId`.
 */
export function enterFolder(database: Database, { id, place }: WatchedFolder, newId: string): string {
  const known = database.get<{ id: string }>('select id from folder where place = ?', place);
  const chosen = id ?? known?.id ?? newId;
  database.run(
    `insert into folder (id, place) values (?, ?)
     on conflict (id) do update set place = excluded.place where place <> excluded.place`,
    chosen,
    place,
  );
  return chosen;
}

/** The last recorded path of a watched folder; null if none. */
export function findFolderPath(database: Database, id: string): string | null {
  return database.get<{ path: string | null }>('select path from folder where id = ?', id)?.path ?? null;
}

/**
 * Records the path of a watched folder. Files known below its earlier path are then known below this one. Both paths
 * end with a separator.
 */
export function moveFolder(database: Database, id: string, to: string): void {
  const from = findFolderPath(database, id);
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

/** Files are recorded before they are moved into place, so after a crash the file may be an older one of these. */
const KEPT_PER_PATH = 8;

/** Records a file that is about to be moved into place. */
export function noteWritten(database: Database, path: string, file: WrittenFile, nowMs: number): void {
  database.run(
    'insert into written (path, digest, job, written_at) values (?, ?, ?, ?)',
    ...[path, file.digest, file.jobId, nowMs],
  );
  database.run(
    `delete from written where path = ?1 and number not in
       (select number from written where path = ?1 order by number desc limit ?2)`,
    path,
    KEPT_PER_PATH,
  );
}

/** The files that were written at a path, newest first. */
export function findWritten(database: Database, path: string): readonly WrittenFile[] {
  return database.all<WrittenFile>(
    'select job as jobId, digest from written where path = ? order by number desc',
    path,
  );
}

/** Moves the record of a file to its new path. */
export function moveWritten(database: Database, from: string, to: string): void {
  database.run('update written set path = ? where path = ?', to, from);
}
