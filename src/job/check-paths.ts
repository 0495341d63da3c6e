import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { listTables } from '../agents/reference/list-tables.js';
import { createUsageError } from '../errors.js';
import { isLedgerUrl } from '../model/ledger-url.js';
import { findInput } from '../read/bytes.js';
import {
  type FileIdentity,
  identifyDescriptor,
  identifyFile,
  isDatabase,
  isSameFile,
  recognizeResult,
} from '../write/file-identity.js';
import { blameOption, checkOutput } from '../write/open-output.js';
import type { Warning } from './warnings.js';

/** The files of a job or command, by option. */
export interface JobPaths {
  readonly input?: string | undefined;
  readonly schema?: string | undefined;
  readonly exclude?: string | undefined;
  readonly recipe?: string | undefined;
  readonly reference?: string | undefined;
  readonly ledger?: string | undefined;
  readonly output?: string | undefined;
  readonly citationsFile?: string | undefined;
  readonly logFile?: string | undefined;
  readonly heartbeat?: string | undefined;
  readonly outputRecipe?: string | undefined;
  readonly store?: string | undefined;
}

type WrittenOption = 'output' | 'citationsFile' | 'logFile' | 'heartbeat' | 'outputRecipe' | 'store';

const OPTION_NAMES: Readonly<Record<WrittenOption, string>> = {
  output: '--output',
  citationsFile: '--citations-file',
  logFile: '--log-file',
  heartbeat: '--heartbeat',
  outputRecipe: '--output-recipe',
  store: '--store',
};

interface Place {
  /** As the user wrote it. */
  readonly path: string;
  /** Null for standard output, unless it is redirected to a file. */
  readonly file: FileIdentity | null;
}

const INPUT_ROLE = 'the input';

interface ReadFile {
  readonly role: string;
  readonly file: FileIdentity;
}

/**
 * Checks before any cost that every result is writable, has a separate file, and does not replace a file that the job
 * reads. Returns a guard to repeat the check later.
 */
export async function checkPaths(places: JobPaths): Promise<PathGuard> {
  // A wrong path of the input also makes a wrong path of the output, which is beside it.
  if (places.input !== undefined && places.input !== '-') await findInput(places.input);
  const guard = await guardPaths(places);
  for (const option of ['output', 'citationsFile'] as const) {
    const path = places[option];
    if (path === undefined) continue;
    await checkOutput(path).catch((error: unknown) => {
      throw blameOption(error, OPTION_NAMES[option]);
    });
  }
  return guard;
}

/** Like `checkPaths`, but does not check that the results are writable. */
export async function guardPaths(places: JobPaths): Promise<PathGuard> {
  const guard = new PathGuard(places, await listRead(places));
  for (const [option, path] of listWritten(places)) await guard.add(option, path);
  return guard;
}

/** Prevents results from replacing files that the job reads. */
export class PathGuard {
  readonly #places: JobPaths;
  /** Identities at the start, so that a file moved since then is still recognized. */
  readonly #read: readonly ReadFile[];
  readonly #written = new Map<WrittenOption, Place>();
  #mayReplaceInput = false;

  constructor(places: JobPaths, read: readonly ReadFile[]) {
    this.#places = places;
    this.#read = read;
  }

  /** Lets the output replace the input, because it is a filled file that was returned. */
  allowInput(): void {
    this.#mayReplaceInput = true;
  }

  /** Checks an output path and remembers the file it points to. */
  async add(option: WrittenOption, path: string): Promise<void> {
    const file = identify(path);
    this.#written.delete(option);
    this.#refuseRead(option, path, file, this.#read);
    const twin = [...this.#written].find(([, known]) => isSamePath({ path, file }, known));
    if (twin !== undefined) {
      throw createUsageError(
        'TWO_OUTPUTS',
        `${OPTION_NAMES[option]} and ${OPTION_NAMES[twin[0]]} both name ${describePath(path)}`,
        'Use a separate file for each result.',
      );
    }
    // The server checks its own database.
    if (option !== 'store' && file?.id != null && file.isFile) await refuseDatabase(path, file);
    this.#written.set(option, { path, file });
  }

  /**
   * Checks a path again right before its file is replaced: it must still point to the same place, and not to a file
   * that the job reads.
   */
  async check(option: WrittenOption): Promise<void> {
    const known = this.#written.get(option);
    if (known === undefined) return;
    const { path, file: before } = known;
    const file = identify(path);
    // A heartbeat is checked every few seconds, too often to inspect all tables again.
    const added = option === 'heartbeat' ? [] : await listRead(this.#places);
    this.#refuseRead(option, path, file, [...this.#read, ...added]);
    if (file !== null && before !== null && file.path !== before.path) {
      throw createUsageError(
        'OUTPUT_MOVED',
        `${path} pointed to ${before.path} when the job started, but now points to ${file.path}`,
        'Remove the link, then run the command again. Answers are kept.',
      );
    }
    if (file?.id != null && file.id !== before?.id && file.isFile) await refuseDatabase(path, file);
  }

  #refuseRead(
    option: WrittenOption,
    path: string,
    file: FileIdentity | null,
    read: readonly ReadFile[],
  ): void {
    const mayBe = ({ role }: ReadFile): boolean =>
      this.#mayReplaceInput && option === 'output' && role === INPUT_ROLE;
    const found =
      file === null ? undefined : read.find((each) => isSameFile(each.file, file) && !mayBe(each));
    if (found === undefined) return;
    throw createUsageError(
      'OUTPUT_IS_INPUT',
      `${OPTION_NAMES[option]} names ${describePath(path)}, which is ${found.role}`,
      'Use a separate file for each result.',
    );
  }
}

/** True if two paths name the same file, which exists. */
export function isSameFilePath(one: string, other: string): boolean {
  if (one === '-' || other === '-') return false;
  const [first, second] = [identifyFile(one), identifyFile(other)];
  return first.id !== null && isSameFile(first, second);
}

/** Two results may share a pipe or device, but not a file or standard output. */
function isSamePath(one: Place, other: Place): boolean {
  if (one.path === '-' && other.path === '-') return true;
  return one.file?.isFile === true && other.file?.isFile === true && isSameFile(one.file, other.file);
}

function describePath(path: string): string {
  return path === '-' ? 'standard output' : path;
}

function identify(path: string): FileIdentity | null {
  return path === '-' ? identifyDescriptor(1) : identifyFile(path);
}

function listWritten(places: JobPaths): [WrittenOption, string][] {
  const options = Object.keys(OPTION_NAMES) as WrittenOption[];
  return options.flatMap((option) => {
    const path = places[option];
    return path === undefined ? [] : [[option, path]];
  });
}

async function listRead(places: JobPaths): Promise<ReadFile[]> {
  const { input, ledger } = places;
  const read: (readonly [string, string | undefined])[] = [
    [INPUT_ROLE, input === '-' ? undefined : input],
    ['the schema of --schema', places.schema],
    ['the list of --exclude', places.exclude],
    ['the recipe of --recipe', places.recipe],
    ...(ledger === undefined ? [] : listLedger(ledger)),
  ];
  if (places.reference !== undefined) {
    // The reference agent reports an unreadable folder.
    for (const table of await listTables(places.reference).catch(() => [])) {
      // An earlier result in the folder is not a table, so that running the command again can replace it.
      const { id, isFile } = identifyFile(table);
      const isTable = id !== null && isFile && (await recognizeResult(table)) === null;
      if (isTable) read.push(['a table of --reference', table]);
    }
  }
  const found = read.flatMap(([role, path]) =>
    path === undefined ? [] : [{ role, file: identifyFile(path) }],
  );
  const standardInput = input === '-' ? identifyDescriptor(0) : null;
  return standardInput === null ? found : [...found, { role: 'the input', file: standardInput }];
}

/** Lists the ledger's files: none for one on a server. SQLite keeps side files next to the file or next to the link to it. */
function listLedger(path: string): (readonly [string, string])[] {
  if (isLedgerUrl(path)) return [];
  return [...new Set([path, identifyFile(path).path])].flatMap((each) =>
    ['', '-wal', '-shm', '-journal'].map((suffix) => ['the ledger', each + suffix] as const),
  );
}

const SIDE_FILE = /-(?:wal|shm|journal)$/;

/** Refuses to overwrite a database or its side files: it may be another ledger or the store of `rowfill serve`. */
async function refuseDatabase(path: string, file: FileIdentity): Promise<void> {
  const main = file.path.replace(SIDE_FILE, '');
  if (!(await isDatabase(file.path)) && !(main !== file.path && (await isDatabase(main)))) return;
  throw createUsageError(
    'OUTPUT_IS_DATABASE',
    `${path} is an SQLite database, which rowfill does not overwrite`,
    'Choose another file, or move the database away.',
  );
}

/** Warns about a ledger in a folder that every user of this machine can change; null if they cannot. */
export function describeOpenLedger(location: string): Warning | null {
  if (isLedgerUrl(location)) return null;
  return describeOpenPath(dirname(location), `the folder of the ledger, ${dirname(location)}`);
}

const ALL_MAY_WRITE = 0o002;
const STICKY = 0o1000;

/** Warns about a file or folder that every user of this machine can change or replace; null if they cannot. */
export function describeOpenPath(path: string, what: string): Warning | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  // Windows does not have these permissions.
  if (stats === undefined || process.platform === 'win32') return null;
  if ((stats.mode & ALL_MAY_WRITE) === 0 || (stats.isDirectory() && (stats.mode & STICKY) !== 0)) return null;
  return {
    code: 'OPEN_TO_ALL',
    message: `Every user of this machine can change ${what}. To protect it: chmod o-w ${path}`,
  };
}
