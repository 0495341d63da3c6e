import { readdir, realpath } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { createUsageError, describeError } from '../../errors.js';

/** The endings of the files that are read as tables. */
export const TABLE_ENDINGS = ['.csv', '.tsv', '.jsonl', '.ndjson', '.json'] as const;

/** The paths of a folder's tables, in the order of their names; what is hidden, of another kind or in `omit` is left alone. */
export async function listTables(directory: string, omit: readonly string[] = []): Promise<string[]> {
  const folder = resolve(directory);
  const names = await readNames(directory);
  const omitted = new Set(await Promise.all(omit.map(resolvePlace)));
  const paths: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
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
      .filter((name) => TABLE_ENDINGS.some((ending) => ending === extname(name).toLowerCase()))
      .sort();
  } catch (error) {
    throw createUsageError(
      'REFERENCE_UNREADABLE',
      `The reference folder ${directory} cannot be read: ${describeError(error)}`,
      'Give the path of a folder that holds the tables to answer from.',
      error,
    );
  }
}

/** `list.filled.csv` for `list.filled-2.csv`: where a job's usual output is omitted, so are those that had to go beside it. */
function dropNumber(path: string): string {
  return path.replace(/\.filled-\d+(?=\.[^./\\]*$)/, '.filled');
}

/** The file behind a path; a file that is not there yet has its path alone. */
async function resolvePlace(path: string): Promise<string> {
  return await realpath(path).catch(() => resolve(path));
}
