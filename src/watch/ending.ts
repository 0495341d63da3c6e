import { open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { describeFailure } from './describe-failure.js';
import type { FileEnd, Problem } from './events.js';
import { isMissing, readFileState } from './file-state.js';
import type { WatchFolders } from './folders.js';
import { removeTake, type Take } from './take.js';
import type { Verdict } from './verdict.js';

interface Ending {
  readonly end: FileEnd;
  /** From and to, seen from the watched folder: it may be reached by another path after a crash. */
  readonly moves: readonly (readonly [string, string])[];
}

const JOURNAL = 'ending.json';
const PROBLEM_SUFFIX = '.error.txt';

/** The names that a file and all that is made of it can have in the end. */
export function listResultNames(name: string, outputs: readonly string[]): readonly string[] {
  return [name, ...outputs, name + PROBLEM_SUFFIX];
}

/** Writes down how a file ends: from here on the end is the same, whoever carries it out. */
export async function writeEnding(
  take: Take,
  found: Extract<Verdict, { status: 'done' | 'failed' }>,
  folders: WatchFolders,
): Promise<void> {
  const verdict = found.status === 'failed' ? { ...found, problem: forgetRoom(found.problem, take) } : found;
  if (verdict.status === 'failed') {
    await writeFile(join(take.room, take.name + PROBLEM_SUFFIX), describeFailure(take, verdict, folders));
  }
  const from = relative(folders.root, take.room);
  const to = verdict.status;
  const names = (await readdir(take.room)).filter((name) => !name.startsWith('.') && name !== take.name);
  const ending: Ending = {
    end: createEnd(take.name, verdict),
    // The file itself goes last: where it is, all of its result is.
    moves: [...names.sort(), take.name].map((name) => [join(from, name), join(to, name)]),
  };
  const temporary = join(take.folder, `${JOURNAL}.tmp`);
  await writeDurably(temporary, JSON.stringify(ending));
  await rename(temporary, join(take.folder, JOURNAL));
}

/** Carries out what was written down, from wherever an earlier watcher got to; null if nothing was. */
export async function finishEnding(take: Take, folders: WatchFolders): Promise<FileEnd | null> {
  const ending = await readEnding(join(take.folder, JOURNAL));
  if (ending === null) return null;
  for (const [from, to] of ending.moves) await moveOnce(join(folders.root, from), join(folders.root, to));
  await removeTake(take);
  return ending.end;
}

/** The file is about to leave the place that a message may name. */
function forgetRoom(problem: Problem, { input, name }: Take): Problem {
  return { ...problem, message: problem.message.replaceAll(input, name) };
}

function createEnd(name: string, verdict: Extract<Verdict, { status: 'done' | 'failed' }>): FileEnd {
  const input = `${verdict.status}/${name}`;
  if (verdict.status === 'failed') {
    const { kind, problem, summary } = verdict;
    return { type: 'failed', file: name, input, kind, problem, summary };
  }
  const { summary } = verdict;
  return { type: 'done', file: name, input, output: `done/${basename(summary.output)}`, summary };
}

async function readEnding(path: string): Promise<Ending | null> {
  try {
    // Written by `writeEnding`, and whole: it was renamed into place.
    return JSON.parse(await readFile(path, 'utf8')) as Ending;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What is not there any more was moved before a crash. */
async function moveOnce(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    // It is also missing where the folder is that it goes to: then nothing was moved.
    if (!isMissing(error) || (await readFileState(from)) !== null) throw error;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
