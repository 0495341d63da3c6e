import { createUsageError } from '../errors.js';
import type { Ask } from '../model/ask.js';
import { type ColumnKind, resolveColumnKind } from '../model/column-kind.js';
import type { Doubt } from '../model/events.js';
import { formatCount, formatDollars, formatList, formatNumber } from '../model/format.js';
import { isIdentifying, isPerPerson, normalizeIdentity } from '../model/identifying-column.js';
import { isJsonObject } from '../model/json.js';
import type { Quote } from '../model/prices.js';
import { getValue, type Row } from '../model/row.js';
import type { Selection } from '../select/select-rows.js';
import type { JobContext } from './job-context.js';
import { reportWarnings } from './report-warnings.js';
import { raceSignal } from './stop.js';

/** Findings about an input that can raise a doubt. */
interface FileFindings {
  readonly shared: SharedAnswers | null;
  /** The cost, if it was computed. */
  readonly quote?: Pick<Quote, 'worstMicros'>;
  /** The worst cost without hidden rows; null if there are none. */
  readonly visibleMicros?: number | null;
}

/** Lists the doubts about a file that no option has answered. */
export function listDoubts(
  { ask, settings, input, exclusion }: Pick<JobContext, 'ask' | 'settings' | 'input' | 'exclusion'>,
  findings: FileFindings,
): Doubt[] {
  const { shared } = findings;
  const isMeant = settings.options.shareAnswers === true;
  const doubt = shared === null || isMeant ? null : findSharedAnswersDoubt(shared, ask);
  const doubts = input.doubts.map((each) => (each.code === 'HIDDEN_ROWS' ? addCosts(each, findings) : each));
  return [...doubts, ...exclusion.doubts, ...(doubt === null ? [] : [doubt])];
}

/** Adds what hidden rows cost. */
function addCosts(doubt: Doubt, { quote, visibleMicros = null }: FileFindings): Doubt {
  if (quote === undefined || visibleMicros === null) return doubt;
  const [all, others] = [quote.worstMicros, visibleMicros].map(formatDollars);
  return {
    ...doubt,
    hint: `${doubt.hint} At worst, all rows cost ${all}, and the rows that are not hidden ${others}.`,
  };
}

/**
 * Asks the user about each doubt before money is spent. `yes` and a cap only accept the price, not a doubt. Throws a
 * usage error with the code of the first unconfirmed doubt. A free job only warns.
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

/** Reports rows that share an answer if they are too few for a doubt. */
function reportShared(context: JobContext, { shared }: FileFindings): void {
  if (shared === null || context.settings.options.shareAnswers === true) return;
  reportWarnings(context, [
    { code: 'ROWS_SHARE_ANSWERS', message: `${describeShared(shared, context.ask)}.` },
  ]);
}

/**
 * True only if the answer is exactly `true`: other truthy values from JavaScript are not consent. Throws the signal's
 * reason if the job is stopped first.
 */
export async function isAgreed(answer: Promise<boolean>, signal: AbortSignal | undefined): Promise<boolean> {
  return (await raceSignal(answer, signal)) === true;
}

/** Number of keys kept for comparing rows. Of longer lists, a sample is kept, chosen by the key's hash. */
const MAX_KEYS = 20_000;
const MAX_COLUMNS = 50;
const MAX_HASH = 2 ** 32;

/** Minimum number and share of rows for a doubt. Fewer are only reported. */
const MANY_ROWS = 10;
const MANY_SHARE = 0.25;

/** Rows that would share an answer although they differ in columns that are not sent. */
export interface SharedAnswers {
  readonly rows: number;
  readonly sharing: number;
  /** Columns in which they differ, most frequent first. */
  readonly columns: readonly string[];
}

/** The first row of a key, and how later rows differ from it. */
interface KeyEntry {
  readonly values: (string | null)[];
  rows: number;
  sharing: number;
  /** null while no later row differs. */
  byColumn: number[] | null;
}

/** Counts rows that share the answer of a row that differs from them, in one pass over the input. */
export class SharedAnswersCounter {
  readonly #columns: readonly { readonly name: string; readonly kind: ColumnKind }[];
  readonly #entries = new Map<string, KeyEntry>();
  #hashEnd = MAX_HASH;

  constructor({ send, fields }: Pick<Ask, 'send' | 'fields'>, columns: readonly string[]) {
    const known = new Set([...send, ...fields.map(({ name }) => name)]);
    this.#columns = columns
      .filter((name) => !known.has(name) && isIdentifying(name))
      .slice(0, MAX_COLUMNS)
      .map((name) => ({ name, kind: resolveColumnKind(name) }));
  }

  /** Adds a row that is sent or that shares a sent row's answer. */
  add(row: Row, selection: Selection): void {
    const key = selection.status === 'ask' ? selection.questions[0]?.key : selection.key;
    if (this.#columns.length === 0 || key === undefined || toHash(key) >= this.#hashEnd) return;
    const values = this.#columns.map(({ name, kind }) => normalizeIdentity(kind, getValue(row, name)));
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#start(key, values);
    else compare(entry, values);
  }

  /** Returns null if no row differs from the one whose answer it shares. */
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

/** Describes the number of rows that share an answer, and the columns in which they differ. */
function describeShared({ sharing, rows, columns }: SharedAnswers, { send }: Pick<Ask, 'send'>): string {
  return `${formatCount(sharing)} of ${formatNumber(rows, 'row')} would get the answer of another row: same ${formatList(send)}, different ${formatList(columns)}`;
}

/** Creates a doubt if many rows share an answer. Returns null for a list of people with only company fields to fill. */
function findSharedAnswersDoubt(shared: SharedAnswers, ask: Ask): Doubt | null {
  const isMany = shared.sharing >= MANY_ROWS && shared.sharing >= shared.rows * MANY_SHARE;
  if (!isMany || isListOfPeople(shared, ask)) return null;
  const [column = ''] = shared.columns;
  return {
    code: 'ROWS_SHARE_ANSWERS',
    message: describeShared(shared, ask),
    hint: `Send a column that distinguishes them: --send ${formatWord([...ask.send, column])}. If they should share one answer, add --share-answers.`,
  };
}

/** True for contacts of companies if only company fields are to be filled: sharing an answer is intended. */
function isListOfPeople({ columns }: SharedAnswers, { send, fields }: Ask): boolean {
  const isPerson = (column: string): boolean => resolveColumnKind(column) === 'person';
  const isPersonal = fields.some(
    ({ name, schema }) =>
      ['person', 'email', 'phone'].includes(resolveColumnKind(name)) ||
      (isJsonObject(schema) && (schema.format === 'email' || schema.format === 'phone')),
  );
  return columns.some(isPerson) && columns.every(isPerPerson) && !send.some(isPerson) && !isPersonal;
}

/** Formats a list of columns as one shell word. */
function formatWord(columns: readonly string[]): string {
  const list = formatList(columns).replaceAll(', ', ',');
  return /^[\w.,-]+$/.test(list) ? list : `'${list.replaceAll("'", "'\\''")}'`;
}
