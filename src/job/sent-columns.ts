import { createUsageError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { holdsObjects } from '../model/file-format.js';
import { formatNumber, formatPart } from '../model/format.js';
import { createQuestion, listKeys } from '../model/question.js';
import { getValue, type Row } from '../model/row.js';
import { isSameCell } from '../model/same-value.js';
import type { Input } from '../read/open-input.js';
import { citesSource, isBeside } from './cited-sources.js';
import { checkSources, createReturned, looksFilled, type ReturnedFile } from './returned-file.js';
import { getFieldOutcome, listRunIds, RUN_COLUMN } from './returned-row.js';

/** Columns that an ask sends from a file: those that it has, without those to fill. */
export function listSentFrom(
  { send }: Pick<Ask, 'send'>,
  file: Pick<Input, 'columns' | 'shape'>,
  fields: readonly string[],
): readonly string[] {
  return send.filter((column) => hasColumn(file, column) && !isFilled(column, fields));
}

/** In a JSON file, a dotted name selects a nested value. */
export function hasColumn({ columns, shape }: Pick<Input, 'columns' | 'shape'>, column: string): boolean {
  const isInside = holdsObjects(shape) && columns.some((key) => column.startsWith(`${key}.`));
  return isInside || columns.includes(column);
}

/** Columns to fill are sent only if named with --send. */
export function isFilled(column: string, fields: readonly string[]): boolean {
  return fields.some((field) => column === field || column.startsWith(`${field}.`));
}

/** Columns that rows of a file may have been sent with. */
interface Candidate {
  readonly columns: readonly string[];
  /** What was asked with them, newest last. */
  readonly asks: Ask[];
}

type AnswerSource = Pick<Ledger, 'findAnswers' | 'findRuns' | 'listAsks'>;

/** Chunks of rows that are searched for an answer, if there is only one list of columns to find. */
const MAX_CHUNKS = 20;

/**
 * Finds by the answers that its rows show what a returned file was filled with: its ask becomes the last one. A file that
 * names no run is recognized by them too. Null if it is a plain file. Without `isSendGiven`, throws a usage error if the
 * rows do not agree, because sending other columns would pay for every row again.
 */
export async function recognizeByRows(
  returned: ReturnedFile,
  file: Pick<Input, 'name' | 'columns' | 'shape' | 'openRows'>,
  { ask, blanks, isSendGiven }: { readonly ask: Ask; readonly blanks: Blanks; readonly isSendGiven: boolean },
  openLedger: () => Promise<AnswerSource>,
): Promise<ReturnedFile | null> {
  const { namesNoRun = false, isUnsure = false } = returned;
  if (isSendGiven && !namesNoRun) return returned;
  const ledger = await openLedger();
  const asks = namesNoRun ? await ledger.listAsks(ask.id) : returned.asks;
  if (asks.length === 0) return isUnsure ? createForeign(file, ask) : returned;
  // What another question was sent with matters only if this one is new.
  const ofQuestion = asks.filter(({ id }) => id === ask.id);
  const candidates = isSendGiven
    ? [{ columns: ask.send, asks: [ask] }]
    : listCandidates(ofQuestion.length > 0 ? ofQuestion : asks, file, ask);
  const isNeeded = namesNoRun || candidates.length > 1;
  const found = isNeeded ? await countRows(candidates, file, { ask, blanks, isUnsure }, ledger) : NO_COUNTS;
  const chosen = chooseCandidate(candidates, found);
  const isKnown = found.size > 0;
  if (!isSendGiven && namesNoRun && !isKnown && (!isUnsure || (await hasFilledRow(file, ask))))
    refuseUnknown(file.name);
  if (!isSendGiven && ofQuestion.length > 0) refuseMixed(file.name, candidates, found, chosen);
  if (namesNoRun && !isKnown) return isUnsure ? createForeign(file, ask) : returned;
  const own = isSendGiven ? [] : (chosen?.asks ?? []);
  const ordered = [...asks.filter((each) => !own.includes(each)), ...own];
  return createReturned(returned.fieldNames, ordered);
}

/** A table that another ledger or another query filled, by its columns; null for a plain file. */
async function createForeign(
  file: Pick<Input, 'name' | 'columns' | 'shape' | 'openRows'>,
  ask: Pick<Ask, 'fields'>,
): Promise<ReturnedFile | null> {
  if (holdsObjects(file.shape) || !(await hasFilledRow(file, ask))) return null;
  await checkSources(file, ask);
  const message = `${file.name} has confidence and citations like rowfill's, but no column ${RUN_COLUMN}, and this ledger has no such answers to this question. Its filled cells are kept as they are, also where somebody changed a value. To have changes recognized, give the file with its column ${RUN_COLUMN}.`;
  const fieldNames = ask.fields.map(({ name }) => name);
  return { fieldNames, asks: [], note: { code: 'FILLED_ELSEWHERE', message } };
}

/** True if one of the first rows has what only rowfill writes beside a field. */
async function hasFilledRow(
  file: Pick<Input, 'openRows'>,
  { fields }: Pick<Ask, 'fields'>,
): Promise<boolean> {
  const names = fields.map(({ name }) => name);
  let chunks = 0;
  for await (const rows of file.openRows()) {
    if (rows.some((row) => looksFilled(row, names))) return true;
    chunks += 1;
    if (chunks >= MAX_CHUNKS) break;
  }
  return false;
}

/** Newest first. */
function listCandidates(
  asks: readonly Ask[],
  file: Pick<Input, 'columns' | 'shape'>,
  { fields }: Ask,
): Candidate[] {
  const names = fields.map(({ name }) => name);
  const candidates = new Map<string, Candidate>();
  for (const ask of asks) {
    const columns = listSentFrom(ask, file, names);
    const isWhole = ask.send.every((column) => columns.includes(column) || isFilled(column, names));
    if (!isWhole || columns.length === 0) continue;
    const key = JSON.stringify([...columns].sort());
    const known = candidates.get(key);
    candidates.delete(key);
    candidates.set(key, { columns, asks: [...(known?.asks ?? []), ask] });
  }
  return [...candidates.values()].toReversed();
}

/** Rows by the candidates that they may have been sent with, as their indexes; rows that show no answer are missing. */
type RowCounts = Map<string, number>;
const NO_COUNTS: RowCounts = new Map();

interface RowQuestionParts {
  readonly ask: Ask;
  readonly blanks: Blanks;
  /** True if equal values alone do not say that rowfill wrote them. */
  readonly isUnsure: boolean;
}

async function countRows(
  candidates: readonly Candidate[],
  file: Pick<Input, 'openRows'>,
  question: RowQuestionParts,
  ledger: AnswerSource,
): Promise<RowCounts> {
  const counts: RowCounts = new Map();
  let chunks = 0;
  for await (const rows of file.openRows()) {
    const matches = await findMatches(rows, candidates, question, ledger);
    for (const match of matches)
      if (match.length > 0) counts.set(match.join(), (counts.get(match.join()) ?? 0) + 1);
    chunks += 1;
    // Every row must be read to know whether all were sent alike.
    if (candidates.length < 2 && (counts.size > 0 || chunks >= MAX_CHUNKS)) break;
  }
  return counts;
}

/** For each row, the indexes of the candidates under which the ledger has the answers that the row shows. */
async function findMatches(
  rows: readonly Row[],
  candidates: readonly Candidate[],
  { ask, blanks, isUnsure }: RowQuestionParts,
  ledger: AnswerSource,
): Promise<number[][]> {
  const names = ask.fields.map(({ name }) => name);
  const runs = await ledger.findRuns([...new Set(rows.flatMap(listRunIds))]);
  const isOfRun = (row: Row, keys: readonly string[]): boolean =>
    listRunIds(row).some((id) =>
      runs
        .get(id)
        ?.answers.some(({ key, fields }) => keys.includes(key) && names.some((name) => fields.has(name))),
    );
  const matches = rows.map((): number[] => []);
  for (const [index, { columns, asks }] of candidates.entries()) {
    const former = asks.at(-1) ?? ask;
    // Columns that are filled by now may have been sent too.
    const sends = [
      ...new Map([columns, ...asks.map(({ send }) => send)].map((send) => [send.join('\n'), send])).values(),
    ];
    const keys = rows.map((row) =>
      sends.flatMap((send) => listKeys(createQuestion(row, { ...ask, send }, true, blanks))),
    );
    const nameless = keys.filter((_, at) => isNameless(rows[at]));
    const shown = await findAnswers(former, ask, nameless.flat(), ledger);
    for (const [at, row] of rows.entries()) {
      const own = keys[at] ?? [];
      const isMatch = isNameless(row)
        ? own.some((key) => (shown.get(key) ?? []).some((fields) => isShown(row, fields, isUnsure)))
        : isOfRun(row, own);
      if (isMatch) matches[at]?.push(index);
    }
  }
  return matches;
}

function isNameless(row: Row | undefined): boolean {
  return row !== undefined && listRunIds(row).length === 0;
}

/** The answers to keys, in the wording of then and in that of now. */
async function findAnswers(
  former: Ask,
  ask: Ask,
  keys: readonly string[],
  ledger: Pick<Ledger, 'findAnswers'>,
): Promise<ReadonlyMap<string, RowAnswer['fields'][]>> {
  const found = new Map<string, RowAnswer['fields'][]>();
  if (keys.length === 0) return found;
  const wordings = former.id === ask.id ? [former, ask] : [former];
  for (const each of wordings) {
    const { answers } = await ledger.findAnswers({ id: '', askId: each.id, ask: each }, keys);
    for (const [key, { fields }] of answers) found.set(key, [...(found.get(key) ?? []), fields]);
  }
  return found;
}

/**
 * True if a row shows one of these answers with its confidence, or cites its source, even if the value was changed. In a
 * file that rowfill wrote, and that has neither any more, the value is enough.
 */
function isShown(row: Row, fields: RowAnswer['fields'], isUnsure: boolean): boolean {
  return [...fields].some(([name, answer]) => {
    if (answer.value === null) return false;
    if (citesSource(row, name, answer)) return true;
    const isVouched = isBeside(row, name, answer) || (!isUnsure && hasNoVoucher(row, name));
    return isVouched && isSameCell(getValue(row, name), answer.value, undefined);
  });
}

/** True if nothing in the file says who filled a field. */
function hasNoVoucher(row: Row, field: string): boolean {
  const columns = [`${field}_confidence`, `${field}_citations`];
  return (
    getFieldOutcome(row, field) === null && columns.every((column) => getValue(row, column) === undefined)
  );
}

/** The candidate of most rows; the newest of several. */
function chooseCandidate(candidates: readonly Candidate[], counts: RowCounts): Candidate | null {
  const sums = candidates.map((_, index) => countOf(counts, index));
  return candidates[sums.indexOf(Math.max(...sums))] ?? null;
}

function countOf(counts: RowCounts, index: number): number {
  return [...counts].reduce((sum, [match, count]) => sum + (includes(match, index) ? count : 0), 0);
}

function includes(match: string, index: number): boolean {
  return match.split(',').includes(String(index));
}

function refuseUnknown(name: string): void {
  throw createUsageError(
    'SENT_UNKNOWN',
    `${name} was filled before, but it names no run (column enrichment_run_id), and none of its rows shows an answer of this ledger, so it is unknown which columns were sent`,
    'Name them with --send. Or give the file with its column enrichment_run_id.',
  );
}

/** Throws if some rows were sent with other columns than most. */
function refuseMixed(
  name: string,
  candidates: readonly Candidate[],
  counts: RowCounts,
  chosen: Candidate | null,
): void {
  const best = chosen === null ? -1 : candidates.indexOf(chosen);
  const others = [...counts].filter(([match]) => !includes(match, best));
  if (others.length === 0) return;
  const rest = new Map<number, number>();
  for (const [match, count] of others) {
    const index = Number(match.split(',')[0]);
    rest.set(index, (rest.get(index) ?? 0) + count);
  }
  const describe = (columns: readonly string[], count: number): string =>
    `${columns.map(formatPart).join(',')} (${formatNumber(count, 'row')})`;
  const lists = [
    describe(chosen?.columns ?? [], countOf(counts, best)),
    ...[...rest].map(([index, count]) => describe(candidates[index]?.columns ?? [], count)),
  ];
  throw createUsageError(
    'SENT_DIFFER',
    `the rows of ${name} were filled with different columns sent: ${lists.join(' and ')}`,
    'Put the rows of each into a file of their own. Or choose with --send: rows that were filled otherwise are then sent again.',
  );
}
