import type { Database } from './database.js';

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
