import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createUsageError, RowfillError } from '../errors.js';
import { openInput } from '../read/open-input.js';
import type { Problem } from './events.js';
import { type FileState, isSameState, writeOwnFile } from './file-state.js';
import { describeProblem } from './verdict.js';
import { checkJob, listJobFiles, type WatchSettings } from './watch-options.js';

/** What a look at the files of a job found. */
export type JobLook =
  /** They are as they were for the last file, or were accepted anew: `changed` names those that are different. */
  | { readonly status: 'ready'; readonly changed: readonly string[] }
  /** One is still being written. */
  | { readonly status: 'unsettled'; readonly problem: Problem }
  /** One cannot be used as it is. */
  | { readonly status: 'unusable'; readonly problem: Problem; readonly error: unknown };

/** How the files of a job are, by path; null for one that is not there. */
type States = ReadonlyMap<string, FileState | null>;

/**
 * The files that a job is made of: recipe, schema, exclusion list and tables. Somebody may be saving one of them at any
 * moment, and half a list of customers would let the other half be asked about and paid for. So they are taken by the
 * rule for drops: unchanged for a while, and then checked before the next file is filled.
 */
export class JobFiles {
  readonly #readSettings: () => Promise<WatchSettings>;
  readonly #recipes: readonly string[];
  readonly #counts: ListCounts;
  #settings: WatchSettings;
  #accepted: States | null = null;
  #seen: { readonly states: States; readonly sinceMs: number } | null = null;

  /** `recipes`: files that `readSettings` reads. `working`: the folder in which the lengths of lists are kept. */
  constructor(
    settings: WatchSettings,
    readSettings: () => Promise<WatchSettings>,
    recipes: readonly string[],
    working: string,
  ) {
    this.#settings = settings;
    this.#readSettings = readSettings;
    this.#recipes = recipes;
    this.#counts = new ListCounts(join(working, '.rowfill-lists.json'));
  }

  /** The job as it is for the next file. */
  get settings(): WatchSettings {
    return this.#settings;
  }

  /** Looks at the files, and accepts them for the next file if they can be used. */
  async look(nowMs: number): Promise<JobLook> {
    const states = await this.#readStates();
    if (this.#accepted !== null && isSameStates(this.#accepted, states))
      return { status: 'ready', changed: [] };
    if (this.#seen === null || !isSameStates(this.#seen.states, states))
      this.#seen = { states, sinceMs: nowMs };
    const { settleMs } = this.#settings;
    const youngest = [...states].find(([, state]) => state !== null && nowMs - state.mtimeMs < settleMs);
    if (youngest !== undefined && nowMs - this.#seen.sinceMs < settleMs) {
      return { status: 'unsettled', problem: describeUnsettled(youngest[0]) };
    }
    try {
      const settings = await this.#readSettings();
      await checkJob(settings);
      await this.#checkList(settings.job.exclude);
      const changed = this.#accepted === null ? [] : listChanges(this.#accepted, states);
      this.#settings = settings;
      // Read again, since another recipe may name other files; what changed while it was checked is checked again.
      this.#accepted = mergeKnown(states, await this.#readStates());
      return { status: 'ready', changed };
    } catch (error) {
      if (!(error instanceof RowfillError)) throw error;
      return { status: 'unusable', problem: describeProblem(error), error };
    }
  }

  /** Has everything checked again before the next file, as after a job that could not use it. */
  distrust(): void {
    this.#accepted = null;
  }

  /** True if the exclusion list is still the one that was accepted; to be asked once a job has read it. */
  isListSame(): boolean {
    const { exclude } = this.#settings.job;
    if (exclude === undefined || this.#accepted === null) return true;
    const known = this.#accepted.get(exclude);
    const state = readStateNow(exclude);
    return known !== undefined && known !== null && state !== null && isSameState(known, state);
  }

  async #readStates(): Promise<States> {
    const paths = [...this.#recipes, ...(await listJobFiles(this.#settings.job))];
    return new Map(paths.map((path) => [path, readStateNow(path)]));
  }

  /** A list that lost its records, or most of them, is probably being written. */
  async #checkList(path: string | undefined): Promise<void> {
    if (path === undefined) return;
    const count = await countRecords(path);
    const last = this.#counts.read(path);
    if (count === 0) throw createListError(path, 'has no record', 'Put the records back into it.');
    if (last !== null && count < last / 2) {
      throw createListError(
        path,
        `has ${count} records, and had ${last} for the last file: it may be half written`,
        `If that is right, remove ${this.#counts.path}.`,
      );
    }
    if (count !== last) await this.#counts.write(path, count);
  }
}

/** How many records each list had for the last file, kept over restarts. */
class ListCounts {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  read(list: string): number | null {
    const count = this.#readAll()[list];
    return typeof count === 'number' && count > 0 ? count : null;
  }

  async write(list: string, count: number): Promise<void> {
    const temporary = `${this.path}-${randomBytes(4).toString('hex')}.tmp`;
    await writeOwnFile(temporary, JSON.stringify({ ...this.#readAll(), [list]: count }));
    await rename(temporary, this.path);
  }

  #readAll(): Readonly<Record<string, unknown>> {
    try {
      // Of a FIFO there is no end to read.
      if (!lstatSync(this.path).isFile()) return {};
      const value = JSON.parse(readFileSync(this.path, 'utf8'));
      return typeof value === 'object' && value !== null ? value : {};
    } catch {
      // Not there yet, or not one of ours: the next list counts anew.
      return {};
    }
  }
}

function createListError(path: string, what: string, hint: string): RowfillError {
  return createUsageError('EXCLUSION_SHRANK', `the exclusion list ${path} ${what}`, hint);
}

function describeUnsettled(path: string): Problem {
  const message = `${path} is still being written; no file is filled until it is whole`;
  return { code: 'JOB_FILE_CHANGING', message, hint: null };
}

async function countRecords(path: string): Promise<number> {
  const file = await openInput({ path });
  try {
    let count = 0;
    for await (const rows of file.openRows()) count += rows.length;
    return count;
  } finally {
    await file.close();
  }
}

function readStateNow(path: string): FileState | null {
  // Followed through links, unlike a drop: a person may keep a list elsewhere.
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  return { size: stats.size, mtimeMs: stats.mtimeMs, inode: stats.ino, device: stats.dev };
}

function isSameStates(one: States, other: States): boolean {
  return one.size === other.size && listChanges(one, other).length === 0;
}

function listChanges(one: States, other: States): readonly string[] {
  const isChanged = (path: string): boolean => {
    const [before, after] = [one.get(path), other.get(path)];
    if (before === undefined || after === undefined) return true;
    return before === null || after === null ? before !== after : !isSameState(before, after);
  };
  return [...new Set([...one.keys(), ...other.keys()])].filter(isChanged);
}

/** What is new in the later look, and of what both have, the earlier one. */
function mergeKnown(earlier: States, later: States): States {
  return new Map([...later].map(([path, state]) => [path, earlier.get(path) ?? state]));
}
