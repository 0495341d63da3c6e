import { createUsageError } from '../errors.js';
import type { Ask } from '../model/ask.js';
import { type ColumnKind, resolveColumnKind } from '../model/column-kind.js';
import type { Doubt } from '../model/events.js';
import { formatCount, formatList, formatNumber } from '../model/format.js';
import { isJsonObject } from '../model/json.js';
import { getValue, type Row } from '../model/row.js';
import { canTell, isOfPeople, normalizeTelling } from '../model/telling-column.js';
import type { Selection } from '../select/select-rows.js';
import type { JobContext } from './job-context.js';
import { reportWarnings } from './report-warnings.js';

/** What the readings of an input found that can be a doubt about it. */
export interface FileFindings {
  readonly shared: SharedAnswers | null;
}

/** The doubts about a file that no option has settled. Whatever else makes a file doubtful joins this list. */
export function listDoubts(
  { ask, settings }: Pick<JobContext, 'ask' | 'settings'>,
  findings: FileFindings,
): Doubt[] {
  const { shared } = findings;
  const isMeant = settings.options.shareAnswers === true;
  const doubt = shared === null || isMeant ? null : findSharedAnswersDoubt(shared, ask);
  return doubt === null ? [] : [doubt];
}

/**
 * Has somebody settle each doubt about a file that money would be spent on: `yes` and a cap speak of the price alone.
 * Throws a usage error with the code of the first doubt that nobody could settle. A free job goes on and says it.
 */
export async function resolveDoubts(
  context: JobContext,
  findings: FileFindings,
  isPaid: boolean,
): Promise<void> {
  const doubts = listDoubts(context, findings);
  for (const doubt of doubts) {
    const { code, message, hint } = doubt;
    if (!isPaid) {
      reportWarnings(context, [{ code, message: `${message}. ${hint}` }]);
      continue;
    }
    const { confirmDoubt, signal } = context.hooks;
    if (confirmDoubt === undefined) throw createUsageError(code, message, hint);
    if (await isAgreed(confirmDoubt(doubt), signal)) continue;
    throw createUsageError(code, 'not started: nothing was sent and nothing was spent', hint);
  }
  if (doubts.length === 0) reportShared(context, findings);
}

/** A few rows that share an answer are no doubt, but should be known. */
function reportShared(context: JobContext, { shared }: FileFindings): void {
  if (shared === null || context.settings.options.shareAnswers === true) return;
  reportWarnings(context, [
    { code: 'ROWS_SHARE_ANSWERS', message: `${describeShared(shared, context.ask)}.` },
  ]);
}

/**
 * True only if a person answered with a plain `true`: JavaScript may give anything else, and that is no consent. Throws
 * the signal's reason if the job is stopped before there is an answer.
 */
export async function isAgreed(answer: Promise<boolean>, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal === undefined) return (await answer) === true;
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return (await Promise.race([answer, stopped])) === true;
}

/** Keys that are kept to compare rows with; of a longer list a part, chosen by the hash that a key is. */
const MAX_KEYS = 20_000;
const MAX_COLUMNS = 50;
const MAX_HASH = 2 ** 32;

/** From this many rows, and this part of all, a shared answer is doubted: fewer are told, and not in the way. */
const MANY_ROWS = 10;
const MANY_SHARE = 0.25;

/** Rows that would share an answer although columns that are not sent tell them apart. */
export interface SharedAnswers {
  readonly rows: number;
  readonly sharing: number;
  /** The columns in which they differ, the most frequent first. */
  readonly columns: readonly string[];
}

/** The first row of a key, and how the later ones differ from it. */
interface KeyEntry {
  readonly values: (string | null)[];
  rows: number;
  sharing: number;
  /** null while no later row differs. */
  byColumn: number[] | null;
}

/** Counts rows that share an answer with one that differs from them, over one reading of the input. */
export class SharedAnswersCounter {
  readonly #columns: readonly { readonly name: string; readonly kind: ColumnKind }[];
  readonly #entries = new Map<string, KeyEntry>();
  #hashEnd = MAX_HASH;

  constructor({ send, fields }: Pick<Ask, 'send' | 'fields'>, columns: readonly string[]) {
    const known = new Set([...send, ...fields.map(({ name }) => name)]);
    this.#columns = columns
      .filter((name) => !known.has(name) && canTell(name))
      .slice(0, MAX_COLUMNS)
      .map((name) => ({ name, kind: resolveColumnKind(name) }));
  }

  /** Takes a row that is asked, or that shares the answer of one that is. */
  add(row: Row, selection: Selection): void {
    const key = selection.status === 'ask' ? selection.questions[0]?.key : selection.key;
    if (this.#columns.length === 0 || key === undefined || toHash(key) >= this.#hashEnd) return;
    const values = this.#columns.map(({ name, kind }) => normalizeTelling(kind, getValue(row, name)));
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#start(key, values);
    else compare(entry, values);
  }

  /** null if every row that shares an answer is like the first that has it. */
  find(): SharedAnswers | null {
    const scale = MAX_HASH / this.#hashEnd;
    const entries = [...this.#entries.values()];
    const sharing = sum(entries.map((entry) => entry.sharing));
    if (sharing === 0) return null;
    const counts = this.#columns.map(({ name }, index) => ({
      name,
      count: sum(entries.map((entry) => entry.byColumn?.[index] ?? 0)),
    }));
    return {
      rows: Math.round(sum(entries.map((entry) => entry.rows)) * scale),
      sharing: Math.round(sharing * scale),
      columns: counts
        .filter(({ count }) => count >= sharing / 10)
        .sort((a, b) => b.count - a.count)
        .map(({ name }) => name),
    };
  }

  #start(key: string, values: (string | null)[]): void {
    this.#entries.set(key, { values, rows: 1, sharing: 0, byColumn: null });
    if (this.#entries.size <= MAX_KEYS) return;
    this.#hashEnd /= 2;
    for (const each of this.#entries.keys()) if (toHash(each) >= this.#hashEnd) this.#entries.delete(each);
  }
}

function compare(entry: KeyEntry, values: readonly (string | null)[]): void {
  let isSharing = false;
  entry.rows += 1;
  for (const [index, value] of values.entries()) {
    const first = entry.values[index] ?? null;
    if (value === null || value === first) continue;
    if (first === null) {
      entry.values[index] = value;
      continue;
    }
    entry.byColumn ??= values.map(() => 0);
    entry.byColumn[index] = (entry.byColumn[index] ?? 0) + 1;
    isSharing = true;
  }
  if (isSharing) entry.sharing += 1;
}

function toHash(key: string): number {
  return Number.parseInt(key.slice(0, 8), 16);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Says of rows that share an answer how many they are and in what they differ. */
export function describeShared(
  { sharing, rows, columns }: SharedAnswers,
  { send }: Pick<Ask, 'send'>,
): string {
  return `${formatCount(sharing)} of ${formatNumber(rows, 'row')} would get the answer of another row: equal in ${formatList(send)}, but not in ${formatList(columns)}`;
}

/** The doubt that such rows raise; null if they are few, or people of whom only what they have in common is asked. */
export function findSharedAnswersDoubt(shared: SharedAnswers, ask: Ask): Doubt | null {
  const isMany = shared.sharing >= MANY_ROWS && shared.sharing >= shared.rows * MANY_SHARE;
  if (!isMany || isListOfPeople(shared, ask)) return null;
  const [column = ''] = shared.columns;
  return {
    code: 'ROWS_SHARE_ANSWERS',
    message: describeShared(shared, ask),
    hint: `Send a column that tells them apart: --send ${formatWord([...ask.send, column])}. If one answer for all of them is meant, add --share-answers.`,
  };
}

/** Contacts of a company, when something about the company is asked: one answer for all of them is the point. */
function isListOfPeople({ columns }: SharedAnswers, { send, fields }: Ask): boolean {
  const isPerson = (column: string): boolean => resolveColumnKind(column) === 'person';
  const isPersonal = fields.some(
    ({ name, schema }) =>
      ['person', 'email', 'phone'].includes(resolveColumnKind(name)) ||
      (isJsonObject(schema) && (schema.format === 'email' || schema.format === 'phone')),
  );
  return columns.some(isPerson) && columns.every(isOfPeople) && !send.some(isPerson) && !isPersonal;
}

/** A list of columns as one word of a command line. */
function formatWord(columns: readonly string[]): string {
  const list = formatList(columns).replaceAll(', ', ',');
  return /^[\w.,-]+$/.test(list) ? list : `'${list.replaceAll("'", "'\\''")}'`;
}
