import { open, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { listTables } from '../agents/list-tables.js';
import { createUsageError } from '../errors.js';
import { checkOutput } from '../write/open-output.js';

/** The files of a job, each under the name of its option. */
export interface JobPlaces {
  readonly input: string;
  readonly schema?: string | undefined;
  readonly exclude?: string | undefined;
  readonly recipe?: string | undefined;
  readonly reference?: string | undefined;
  readonly output?: string | undefined;
  readonly citationsFile?: string | undefined;
  readonly logFile?: string | undefined;
}

/**
 * Makes sure, before anything is spent, that every result can be written, has a file of its own, and takes the place of no
 * file that the job reads.
 */
export async function checkPlaces(places: JobPlaces): Promise<void> {
  if (places.output !== undefined) await checkOutput(places.output, places.input);
  if (places.citationsFile !== undefined) await checkOutput(places.citationsFile);
  const taken = new Map<string, string>();
  for (const { path, role } of await listRead(places)) taken.set(path, role);
  for (const [option, path] of listWritten(places)) {
    const place = await resolvePlace(path);
    if (place === null) continue;
    const role = taken.get(place);
    if (role !== undefined) {
      throw createUsageError(
        role.startsWith('--') ? 'TWO_OUTPUTS' : 'OUTPUT_IS_INPUT',
        role.startsWith('--')
          ? `${option} and ${role} both name ${path}`
          : `${option} names ${path}, which is ${role}`,
        'Give each result a file of its own.',
      );
    }
    taken.set(place, option);
  }
}

function listWritten(places: JobPlaces): [string, string][] {
  const written: readonly (readonly [string, string | undefined])[] = [
    ['--output', places.output],
    ['--citations-file', places.citationsFile],
    ['--log-file', places.logFile],
  ];
  return written.flatMap(([option, path]) => (path === undefined ? [] : [[option, path]]));
}

interface ReadPlace {
  readonly path: string;
  readonly role: string;
}

async function listRead(places: JobPlaces): Promise<ReadPlace[]> {
  const read: (readonly [string, string | undefined])[] = [
    ['the input', places.input],
    ['the schema of --schema', places.schema],
    ['the list of --exclude', places.exclude],
    ['the recipe of --recipe', places.recipe],
  ];
  if (places.reference !== undefined) {
    for (const table of await listTables(places.reference)) {
      if (!(await isResult(table))) read.push(['a table of --reference', table]);
    }
  }
  const found: ReadPlace[] = [];
  for (const [role, path] of read) {
    const place = path === undefined ? null : await resolvePlace(path);
    if (place !== null) found.push({ path: place, role });
  }
  return found;
}

/** What tells one file from another; null for what is no file, such as a pipe. */
async function resolvePlace(path: string): Promise<string | null> {
  if (path === '-') return null;
  const stats = await stat(path).catch(() => null);
  if (stats === null) return await realpath(path).catch(() => resolve(path));
  return stats.isFile() ? `${stats.dev}:${stats.ino}` : null;
}

const HEAD_BYTES = 64 * 1024;
/** What stands at the start of the files that a job writes: its output as CSV and as JSON, its citations, its log. */
const MARKS = [
  ['enrichment_status', 'enrichment_run_id'],
  ['"enrichment":', '"cost_usd":'],
  ['"row":', '"field":', '"run_id":'],
  ['"time":', '"event":', '"job":'],
] as const;

/** True for an earlier result in the folder of tables: the same command has to be able to replace it. */
async function isResult(path: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const text = buffer.toString('latin1', 0, bytesRead).replaceAll('\0', '');
    return MARKS.some((marks) => marks.every((mark) => text.includes(mark)));
  } finally {
    await file.close();
  }
}
