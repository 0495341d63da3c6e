import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createUsageError, RowfillError } from '../errors.js';
import { openInput } from '../read/open-input.js';
import { replaceFile } from '../write/byte-sink.js';
import type { Problem } from './events.js';
import { createFileState, type FileState, isSameState } from './file-state.js';
import { describeProblem } from './verdict.js';
import { checkJob, listJobFiles, type WatchSettings } from './watch-options.js';

/** The result of checking the files of a job. */
export type JobLook =
  /** All can be used. `changed` lists those that differ from the last file's. */
  | { readonly status: 'ready'; readonly changed: readonly string[] }
  /** One is still being written. */
  | { readonly status: 'unsettled'; readonly problem: Problem }
  /** One cannot be used. */
  | { readonly status: 'unusable'; readonly problem: Problem; readonly error: unknown };

/** States of a job's files by path; null for a missing one. */
type States = ReadonlyMap<string, FileState | null>;

/**
 * The files of a job: recipe, schema, exclusion list and tables. Somebody may be saving one at any moment, and with
 * half an exclusion list, the other half of the customers would be sent and paid for. So, like dropped files, they must
 * be unchanged for the settle time, and are then checked before the next file is filled.
 */
export class JobFiles {
  readonly #readSettings: () => Promise<WatchSettings>;
  readonly #recipes: readonly string[];
  readonly #counts: ListCounts;
  #settings: WatchSettings;
  #accepted: States | null = null;
  #seen: { readonly states: States; readonly sinceMs: number } | null = null;

  /** `recipes`: files that `readSettings` reads. `working`: the folder that stores the list lengths. */
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

  /** The settings for the next file. */
  get settings(): WatchSettings {
    return this.#settings;
  }

  /** Checks the files, and accepts them for the next file if they can be used. */
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
      // Read again, since a changed recipe may name other files. Changes during the check are found by the next one.
      this.#accepted = mergeKnown(states, await this.#readStates());
      return { status: 'ready', changed };
    } catch (error) {
      if (!(error instanceof RowfillError)) throw error;
      return { status: 'unusable', problem: describeProblem(error), error };
    }
  }

  /** Makes `look` check everything again before the next file, for example after a job failed because of its files. */
  invalidate(): void {
    this.#accepted = null;
  }

  /**
   * Returns a check for the next file: true if the exclusion list is as it was accepted for it. Call the check after the
   * job has read the list.
   */
  createListCheck(): () => boolean {
    const { exclude } = this.#settings.job;
    if (exclude === undefined || this.#accepted === null) return () => true;
    const known = this.#accepted.get(exclude) ?? null;
    return () => {
      const state = readStateNow(exclude);
      return known !== null && state !== null && isSameState(known, state);
    };
  }

  async #readStates(): Promise<States> {
    const paths = [...this.#recipes, ...(await listJobFiles(this.#settings.job))];
    return new Map(paths.map((path) => [path, readStateNow(path)]));
  }

  /** Refuses a list that lost more than half of its records: it is probably being written. */
  async #checkList(path: string | undefined): Promise<void> {
    if (path === undefined) return;
    const count = await countRecords(path);
    const last = this.#counts.read(path);
    if (count === 0) throw createListError(path, 'has no records', 'Restore the list.');
    if (last !== null && count < last / 2) {
      throw createListError(
        path,
        `has ${count} records, but had ${last} for the last file; it may be half-written`,
        `If this is correct, remove ${this.#counts.path}.`,
      );
    }
    if (count !== last) await this.#counts.write(path, count);
  }
}

/** Stores the number of records that each list had for the last file. */
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
    await replaceFile(this.path, JSON.stringify({ ...this.#readAll(), [list]: count }));
  }

  #readAll(): Readonly<Record<string, unknown>> {
    try {
      // Reading a FIFO would never end.
      if (!lstatSync(this.path).isFile()) return {};
      const value = JSON.parse(readFileSync(this.path, 'utf8'));
      return typeof value === 'object' && value !== null ? value : {};
    } catch {
      // Missing or invalid: start counting again.
      return {};
    }
  }
}

function createListError(path: string, what: string, hint: string): RowfillError {
  return createUsageError('EXCLUSION_SHRANK', `the exclusion list ${path} ${what}`, hint);
}

function describeUnsettled(path: string): Problem {
  const message = `${path} is still being written; no file is filled until it stops changing`;
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
  // Follows links, unlike for dropped files: the user may keep a list elsewhere.
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : createFileState(stats);
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

/** The later files, with the earlier state of those that both have. */
function mergeKnown(earlier: States, later: States): States {
  return new Map([...later].map(([path, state]) => [path, earlier.get(path) ?? state]));
}
