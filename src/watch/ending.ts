import { lstat, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { formatMicros } from '../model/format.js';
import { type ClaimedFile, getJournalPath, isTemporary, removeClaimedFile } from './claimed-file.js';
import type { FailureKind, FileEnd, Problem } from './events.js';
import { hasCode, isMissing, numberName, readFileState, writeOwnFile } from './file-state.js';
import { remakeFolders, type WatchFolders } from './folders.js';
import { moveFile } from './move-file.js';
import type { Decision } from './verdict.js';

/**
 * How a file ends. Recorded in the journal before anything is moved. Names have no folder; the folders follow from the
 * claimed file.
 */
interface Ending {
  readonly end: FileEnd;
  /** Moves from the file's folder to `done/` or `failed/`. */
  readonly moves: readonly Move[];
  /** Leftovers of an earlier failure of the same file in `failed/`, removed when this file ends. */
  readonly replaces: readonly Replaced[];
}

interface Move {
  readonly name: string;
  /** 1 unless the name is already used in the target folder. */
  readonly number: number;
}

interface Replaced {
  readonly name: string;
  readonly inode: string;
}

const PROBLEM_SUFFIX = '.error.txt';

/** Lists the names that a file and its results may use. */
export function listResultNames(name: string, outputs: readonly string[]): readonly string[] {
  return [name, ...outputs, name + PROBLEM_SUFFIX];
}

/** Records in the journal how a file ends. From here on, any watcher that finishes it does the same. */
export async function writeEnding(
  take: ClaimedFile,
  found: Extract<Decision, { status: 'done' | 'failed' }>,
  folders: WatchFolders,
): Promise<void> {
  const verdict = found.status === 'failed' ? { ...found, problem: hidePath(found.problem, take) } : found;
  if (verdict.status === 'failed') {
    await writeOwnFile(join(take.room, take.name + PROBLEM_SUFFIX), describeFailure(take, verdict, folders));
  }
  // Throws if the folder is briefly missing; otherwise none of its files would be moved.
  const names = (await readdir(take.room)).filter((name) => name !== take.name && !isTemporary(name));
  await writeJournal(take, {
    end: createEnd(take.name, verdict),
    // The file itself moves last, so once it is there, all its results are.
    moves: [...names.sort(), take.name].map((name) => ({ name, number: 1 })),
    replaces: await findReplaced(take, folders),
  });
}

/**
 * Carries out the journal, continuing where an earlier watcher stopped. Never replaces a file: if a name is used
 * meanwhile, adds a number. Returns null without a journal. `note` is called once all files are in place, and again
 * after a kill. If it throws, the next call repeats it.
 *
 * Throws an `InvalidEndingError` for a journal that no watcher wrote, and moves nothing.
 */
export async function applyEnding(
  take: ClaimedFile,
  folders: WatchFolders,
  note: (placed: PlacedFiles) => Promise<void> = async () => undefined,
): Promise<FileEnd | null> {
  let ending = await readEnding(take);
  if (ending === null) return null;
  await remakeFolders(folders);
  const target = folders[ending.end.type];
  for (const { name, inode } of ending.replaces) await removeReplaced(join(folders.failed, name), inode);
  for (let index = 0; index < ending.moves.length; ) {
    const { name, number } = ending.moves[index] as Move;
    try {
      await moveOnce(take, name, join(target, numberName(name, number)));
      index += 1;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      const moves = ending.moves.with(index, { name, number: number + 1 });
      ending = { ...ending, moves };
      await writeJournal(take, ending);
    }
  }
  // Before removing the journal, so that the next watcher does it again after a kill.
  await note(listPlaced(take, ending, target));
  await removeClaimedFile(take);
  return placeEnd(ending);
}

/** Paths of a file and its output while it was filled and after it was moved. */
export interface PlacedFiles {
  readonly from: { readonly input: string; readonly output: string | null };
  readonly to: { readonly input: string; readonly output: string | null };
}

function listPlaced(take: ClaimedFile, { end, moves }: Ending, target: string): PlacedFiles {
  const name = end.summary === null ? null : basename(end.summary.output);
  const isThere = (each: Move): boolean => each.name === name;
  const find = (wanted: string): string => {
    const number = moves.find((move) => move.name === wanted)?.number ?? 1;
    return join(target, numberName(wanted, number));
  };
  const hasOutput = name !== null && name !== take.name && moves.some(isThere);
  return {
    from: { input: take.input, output: hasOutput ? join(take.room, name) : null },
    to: { input: find(take.name), output: hasOutput ? find(name) : null },
  };
}

/** Thrown for a journal that no watcher can have written. */
export class InvalidEndingError extends Error {}

/** Replaces the file's path in a message by its name, since the file is about to move. */
function hidePath(problem: Problem, { input, name }: ClaimedFile): Problem {
  return { ...problem, message: problem.message.replaceAll(input, name) };
}

function createEnd(name: string, verdict: Extract<Decision, { status: 'done' | 'failed' }>): FileEnd {
  const input = `${verdict.status}/${name}`;
  if (verdict.status === 'failed') {
    const { kind, problem, summary } = verdict;
    return { type: 'failed', file: name, input, kind, problem, summary };
  }
  const { summary } = verdict;
  return { type: 'done', file: name, input, output: `done/${basename(summary.output)}`, summary };
}

/**
 * Lists leftovers of an earlier failure under the names of this file. Remembers their inodes, so that files added later
 * stay.
 */
async function findReplaced(take: ClaimedFile, { failed }: WatchFolders): Promise<readonly Replaced[]> {
  // Without an error text it was not put there by a watcher, and stays.
  if ((await readFileState(join(failed, take.name + PROBLEM_SUFFIX))) === null) return [];
  const names = new Set([take.name, ...take.claim.names]);
  const states = await Promise.all(
    [...names].map(async (name) => ({ name, state: await readFileState(join(failed, name)) })),
  );
  return states.flatMap(({ name, state }) => (state === null ? [] : [{ name, inode: state.id.inode }]));
}

async function removeReplaced(path: string, inode: string): Promise<void> {
  const state = await readFileState(path);
  if (state !== null && state.id.inode === inode) await unlink(path);
}

/** Puts the final names into the end. */
function placeEnd({ end, moves }: Ending): FileEnd {
  const place = (path: string): string => {
    const name = basename(path);
    const number = moves.find((move) => move.name === name)?.number ?? 1;
    return `${end.type}/${numberName(name, number)}`;
  };
  return end.type === 'done'
    ? { ...end, input: place(end.input), output: place(end.output) }
    : { ...end, input: place(end.input) };
}

async function writeJournal(take: ClaimedFile, ending: Ending): Promise<void> {
  const path = getJournalPath(take);
  await writeOwnFile(`${path}.tmp`, JSON.stringify(ending));
  await rename(`${path}.tmp`, path);
}

async function readEnding(take: ClaimedFile): Promise<Ending | null> {
  let value: unknown;
  try {
    if (!(await lstat(getJournalPath(take))).isFile())
      throw new InvalidEndingError('its journal is not a file');
    value = JSON.parse(await readFile(getJournalPath(take), 'utf8'));
  } catch (error) {
    // A half-written journal: the disk was full, or its writer died.
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
  if (!isEnding(value, take.name)) throw new InvalidEndingError('its journal is not valid');
  return value;
}

/** An object, so that the compiler reports a missing kind. */
const FAILURE_KINDS: Readonly<Record<FailureKind, true>> = {
  usage: true,
  budget: true,
  unreachable: true,
  defect: true,
  nothing_found: true,
};

function isFailureKind(kind: unknown): kind is FailureKind {
  return typeof kind === 'string' && Object.hasOwn(FAILURE_KINDS, kind);
}

/**
 * Validates a journal, since others may write to the folder too: names without a folder, and everything that is
 * reported later.
 */
function isEnding(value: unknown, name: string): value is Ending {
  if (!isObject(value)) return false;
  const { end, moves, replaces } = value;
  if (!isObject(end) || !Array.isArray(moves) || !Array.isArray(replaces)) return false;
  const areMovesPlain = moves.every((move) => isObject(move) && isPlain(move.name) && isCount(move.number));
  const areReplacedPlain = replaces.every((each) => isObject(each) && isPlain(each.name));
  if (!areMovesPlain || !areReplacedPlain || end.file !== name || typeof end.input !== 'string') return false;
  if (end.type === 'done') return typeof end.output === 'string' && isSummary(end.summary);
  if (end.type !== 'failed' || !isFailureKind(end.kind) || !isObject(end.problem)) return false;
  const { code, message, hint } = end.problem;
  const isProblem =
    typeof code === 'string' && typeof message === 'string' && (hint === null || typeof hint === 'string');
  return isProblem && (end.summary === null || isSummary(end.summary));
}

const COUNTS = [
  'reused',
  'duplicates',
  'unknownRuns',
  'requests',
  'costMicros',
  'costNowMicros',
  'reservedMicros',
];

function isSummary(value: unknown): boolean {
  if (!isObject(value) || !COUNTS.every((key) => isCount(value[key]))) return false;
  const { rows, runs, steps, remaining, output } = value;
  const areSteps =
    Array.isArray(steps) && steps.every((step) => isObject(step) && typeof step.effort === 'string');
  const isRest = remaining === null || (isObject(remaining) && Object.values(remaining).every(isCount));
  return areSteps && isRest && typeof output === 'string' && [rows, runs].every(isTable);
}

function isTable(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isCount);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(name: unknown): boolean {
  return typeof name === 'string' && name !== '' && !/^\.{1,2}$|[/\\\0]/.test(name);
}

/** Moves a file. If it is missing, it was already moved before a crash. */
async function moveOnce({ folder, room, id }: ClaimedFile, name: string, to: string): Promise<void> {
  const from = join(room, name);
  try {
    await moveFile(from, to, id);
  } catch (error) {
    // The error may be about the target folder. Then nothing was moved.
    if (!isMissing(error) || (await readFileState(from)) !== null) throw error;
    // Throws if the whole watched folder is away.
    await stat(folder);
  }
}

/** Creates the error text next to a file in `failed/`: what happened, where, its cost, and what to do. */
function describeFailure(
  take: Pick<ClaimedFile, 'name'>,
  { kind, problem, summary }: Extract<Decision, { status: 'failed' }>,
  folders: Pick<WatchFolders, 'root'>,
): string {
  const { code, message, hint } = problem;
  const answered =
    summary === null ? 0 : summary.rows.total - summary.rows.pending - summary.rows.over_budget;
  const lines = [
    `${take.name} could not be filled${summary === null ? '' : ' completely'}.`,
    '',
    `What happened: ${message} [${code}]`,
    ...(hint === null ? [] : [`What to do: ${hint}`]),
    '',
    ...(summary === null
      ? []
      : [
          `${answered} of ${summary.rows.total} rows are answered, for $${formatMicros(summary.costMicros)}. The output so far is next to this file.`,
        ]),
    describeReturn(kind, folders.root),
    'Answered rows are kept in the ledger and not paid for again.',
    '',
  ];
  return lines.join('\n');
}

function describeReturn(kind: FailureKind, root: string): string {
  switch (kind) {
    case 'usage':
      return `Correct the file and put it into ${root} again.`;
    case 'nothing_found':
      return `Correct the job, or start the watcher with --keep-going. Then put the file into ${root} again.`;
    case 'budget':
    case 'unreachable':
    case 'defect':
      return `Put the file into ${root} again to continue.`;
  }
}
