import { randomUUID } from 'node:crypto';
import type { WatchedFolder, WrittenFile } from '../ledger.js';
import type { Connection } from './connection.js';
import { Sql, sql } from './sql.js';

/**
 * Returns the id of a watched folder: the one stored in it, else the one of the folder last seen at its location, else a
 * new one.
 */
export function enterFolder(connection: Connection, { id, place }: WatchedFolder): Promise<string> {
  const chosen = id ?? randomUUID();
  const statements = [
    sql`select lock_name('folders')`,
    sql`insert into folder (id, place)
      select coalesce(${id}, (select id from folder where place = ${place} limit 1), ${chosen}), ${place}
      on conflict (id) do update set place = excluded.place`,
    sql`select id from folder where place = ${place} order by id = ${chosen} desc limit 1`,
  ];
  return connection.write(statements, (results) => String(results[2]?.[0]?.id));
}

/** The last recorded path of a watched folder; null if none. */
export function findFolderPath(connection: Connection, id: string): Promise<string | null> {
  return connection.read([sql`select path from folder where id = ${id}`], ([rows]) => {
    const path = rows?.[0]?.path;
    return typeof path === 'string' ? path : null;
  });
}

/**
 * Records the path of a watched folder. Files known below its earlier path are then known below this one. Both paths
 * end with a separator.
 */
export function moveFolder(connection: Connection, id: string, to: string): Promise<void> {
  const move = (table: string, column: string, scope: Sql): Sql =>
    sql`update ${new Sql(table)} set ${new Sql(column)} = ${to} || substr(${new Sql(column)}, length(folder.path) + 1)
      from folder where folder.id = ${id} and folder.path <> ${to} and ${scope}
        and starts_with(${new Sql(column)}, folder.path)`;
  const ofFolder = sql`job.folder = ${id}`;
  const statements = [
    sql`select 1 from folder where id = ${id} for update`,
    move('job', 'placed_input', ofFolder),
    move('job', 'placed_output', ofFolder),
    sql`update written set path = ${to} || substr(written.path, length(folder.path) + 1)
      from folder, job where folder.id = ${id} and folder.path <> ${to} and job.folder = ${id}
        and written.job = job.id and starts_with(written.path, folder.path)`,
    sql`update folder set path = ${to} where id = ${id}`,
  ];
  return connection.write(statements, () => undefined);
}

/** Files are recorded before they are moved into place, so after a crash the file may be an older one of these. */
const KEPT_PER_PATH = 8;

/** Records a file that is about to be moved into place. */
export function noteWritten(connection: Connection, path: string, file: WrittenFile): Promise<void> {
  const statements = [
    sql`insert into written (path, digest, job, written_at) values (${path}, ${file.digest}, ${file.jobId}, now_ms())`,
    sql`delete from written where path = ${path} and number not in
      (select number from written where path = ${path} order by number desc limit ${KEPT_PER_PATH})`,
  ];
  return connection.write(statements, () => undefined);
}

/** The files that were written at a path, newest first. */
export function findWritten(connection: Connection, path: string): Promise<readonly WrittenFile[]> {
  const statement = sql`select job as "jobId", digest from written where path = ${path} order by number desc`;
  return connection.read([statement], ([rows = []]) => rows as unknown as readonly WrittenFile[]);
}

/** Moves the record of a file to its new path. */
export function moveWritten(from: string, to: string): Sql {
  return sql`update written set path = ${to} where path = ${from}`;
}
