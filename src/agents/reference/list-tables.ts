import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { createUsageError, describeSystemError } from '../../errors.js';

/** File extensions of tables. */
export const TABLE_ENDINGS = ['.csv', '.tsv', '.jsonl', '.ndjson', '.json'] as const;

/**
 * Paths of a folder's tables, sorted by name. Skips hidden files, other kinds of files and those in `omit`. If
 * `directory` is itself a table, returns that path.
 */
export async function listTables(directory: string, omit: readonly string[] = []): Promise<string[]> {
  const folder = resolve(directory);
  const isTable = isTableName(folder) && (await stat(folder).catch(() => null))?.isFile() === true;
  const found = isTable ? [folder] : (await readNames(directory)).map((name) => join(folder, name));
  const omitted = new Set(await Promise.all(omit.map(resolvePlace)));
  const paths: string[] = [];
  for (const path of found) {
    const isOmitted =
      omitted.has(await resolvePlace(path)) || omitted.has(await resolvePlace(dropNumber(path)));
    if (!isOmitted) paths.push(path);
  }
  return paths;
}

async function readNames(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !/^[.~]/.test(entry.name))
      .map((entry) => entry.name)
      .filter(isTableName)
      .sort();
  } catch (error) {
    throw createUsageError(
      'REFERENCE_UNREADABLE',
      `The reference folder ${directory} cannot be read: ${describeSystemError(error)}`,
      `Give the path of a folder with the tables to answer from, or of one ${TABLE_ENDINGS.join(', ')} file.`,
      error,
    );
  }
}

function isTableName(name: string): boolean {
  return TABLE_ENDINGS.some((ending) => ending === extname(name).toLowerCase());
}

/**
 * Returns `list.filled.csv` for `list.filled-2.csv`, so that omitting a job's usual output also omits its
 * numbered outputs.
 */
function dropNumber(path: string): string {
  return path.replace(/\.filled-\d+(?=\.[^./\\]*$)/, '.filled');
}

/** Resolves links in a path. Returns the path itself if the file does not exist yet. */
async function resolvePlace(path: string): Promise<string> {
  return await realpath(path).catch(() => resolve(path));
}
