import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createUsageError } from './errors.js';
import { CleanupStack } from './job/open-agent.js';
import { getOutcome, listOutcomeFields, listRunIds } from './job/returned-row.js';
import type { Ledger } from './ledger/ledger.js';
import { hashText } from './model/ask.js';
import { showName, suggestSimilar } from './model/format.js';
import { isJsonObject, type JsonValue } from './model/json.js';
import { findFieldNames, isOwnColumn } from './model/output-columns.js';
import { getValue, isEmpty, type Row } from './model/row.js';
import { isSameCell, isSameValue } from './model/same-value.js';
import { createTemporaryFolder } from './read/bytes.js';
import { type Input, openInput } from './read/open-input.js';
import { LineFile } from './view/line-file.js';
import { defuseFormula, formatInput } from './write/cells.js';

/** A cell as one of the files has it. */
export interface FileCell {
  /** 1-based line of the file. */
  readonly line: number;
  /** Null if blank. */
  readonly value: JsonValue;
  /** Null if the file does not say. */
  readonly confidence: string | null;
  readonly runId: string | null;
}

/** A cell that differs between two files. */
export interface DifferentCell {
  /** The row's value in the first column that rows are matched by and that is not blank. */
  readonly row: JsonValue;
  readonly column: string;
  readonly a: FileCell;
  readonly b: FileCell;
}

/** How the cells of a column compare, in rows that both files have. */
export interface ColumnCounts {
  same: number;
  changed: number;
  onlyA: number;
  onlyB: number;
  /** Blank in both. */
  blank: number;
}

export interface CompareResult {
  /** The columns that rows are matched by. */
  readonly on: readonly string[];
  readonly matched: number;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly columns: ReadonlyMap<string, ColumnCounts>;
  /** Columns with values that only one file has. */
  readonly missing: readonly string[];
}

interface CompareParts {
  readonly a: string;
  readonly b: string;
  /** Empty to match by the columns that were sent, or else by those that both files have and rowfill has not filled. */
  readonly on: readonly string[];
  /** Null for none: it only knows which columns were sent. */
  readonly ledger: Ledger | null;
  readonly onCell: (cell: DifferentCell) => void | Promise<void>;
}

/** Values of a row of file B: line, cells by compared column, confidences, run ids. */
type KeptRow = readonly [number, readonly JsonValue[], readonly (string | null)[], string | null];

/**
 * Compares the values of two files, row by row. Rows may be in any order; equal keys are matched in the order of the
 * files. File B is kept in a temporary file, with about 300 bytes of memory a row. Throws NOTHING_TO_MATCH,
 * NOTHING_TO_COMPARE or UNKNOWN_COLUMN.
 */
export async function compareFiles({ a, b, on, ledger, onCell }: CompareParts): Promise<CompareResult> {
  const closers = new CleanupStack();
  try {
    const one = await openSide(a, closers);
    const other = await openSide(b, closers);
    const fieldNames = [...new Set([...one.fieldNames, ...other.fieldNames])];
    const keys = await chooseKeys(one, other, on, fieldNames, ledger);
    const { columns, missing } = chooseColumns(one, other, keys, fieldNames);
    const folder = await createTemporaryFolder('rowfill-diff-');
    closers.add({ close: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }) });
    const kept = closers.add(await LineFile.create(join(folder, 'rows')));
    /** Ordinals of the rows of B that are not matched yet, by key. */
    const left = new Map<string, number | Queue>();
    let ordinal = 0;
    for await (const rows of other.input.openRows()) {
      let isFull = false;
      for (const row of rows) {
        if (row.skip !== undefined || row.kind === 'faulty') continue;
        isFull = kept.set(ordinal, JSON.stringify(keepRow(row, columns, fieldNames))) || isFull;
        addLast(left, hashKey(row, keys), ordinal);
        ordinal += 1;
      }
      if (isFull) await kept.flush();
    }
    const counts = new Map(
      columns.map((column) => [column, { same: 0, changed: 0, onlyA: 0, onlyB: 0, blank: 0 }]),
    );
    let matched = 0;
    let onlyA = 0;
    for await (const rows of one.input.openRows()) {
      const real = rows.filter((row) => row.skip === undefined && row.kind !== 'faulty');
      const pairs = real.flatMap((row) => {
        const at = takeFirst(left, hashKey(row, keys));
        return at === null ? [] : [{ row, at }];
      });
      onlyA += real.length - pairs.length;
      matched += pairs.length;
      const lines = await kept.read(pairs.map(({ at }) => at));
      for (const [index, { row }] of pairs.entries()) {
        const mine = keepRow(row, columns, fieldNames);
        const theirs = JSON.parse(lines[index] ?? '') as KeptRow;
        for (const [at, column] of columns.entries()) {
          const cells = { a: pickCell(mine, at), b: pickCell(theirs, at) };
          const verdict = compareValues(cells.a.value, cells.b.value);
          const counted = counts.get(column);
          if (counted !== undefined) counted[verdict] += 1;
          if (verdict === 'same' || verdict === 'blank') continue;
          await onCell({ row: findLabel(row, keys), column, ...cells });
        }
      }
    }
    return { on: keys, matched, onlyA, onlyB: ordinal - matched, columns: counts, missing };
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

interface Side {
  readonly input: Input;
  readonly fieldNames: readonly string[];
  readonly runIds: readonly string[];
}

async function openSide(path: string, closers: CleanupStack): Promise<Side> {
  const input = closers.add(await openInput({ path }));
  await input.readColumns();
  let first: readonly Row[] = [];
  for await (const rows of input.openRows()) {
    first = rows;
    break;
  }
  const fieldNames = [...new Set([...findFieldNames(input.columns), ...listOutcomeFields(first)])];
  return { input, fieldNames, runIds: [...new Set(first.flatMap(listRunIds))].slice(0, MAX_IDS) };
}

/** Run ids that are looked up to learn what a file was asked. */
const MAX_IDS = 200;

async function chooseKeys(
  one: Side,
  other: Side,
  on: readonly string[],
  fieldNames: readonly string[],
  ledger: Ledger | null,
): Promise<readonly string[]> {
  for (const column of on) {
    const lacking = [one, other].find(({ input }) => !hasColumn(input, column));
    if (lacking === undefined) continue;
    const near = suggestSimilar(column, lacking.input.columns);
    throw createUsageError(
      'UNKNOWN_COLUMN',
      `${lacking.input.name} has no column ${showName(column)}`,
      near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Name columns that both files have.',
    );
  }
  if (on.length > 0) return on;
  const shared = one.input.columns.filter(
    (column) => hasColumn(other.input, column) && !isOwnColumn(column, fieldNames),
  );
  const sent = await findSent(ledger, [...one.runIds, ...other.runIds]);
  const known = shared.filter((column) => sent.has(column));
  if (known.length > 0) return known;
  // Of two plain files, nothing tells values from names.
  if (shared.length > 0 && fieldNames.length > 0) return shared;
  throw createUsageError(
    'NOTHING_TO_MATCH',
    `nothing says which rows of ${one.input.name} and ${other.input.name} belong together`,
    'Name a column that both have: --on COLUMN',
  );
}

async function findSent(ledger: Ledger | null, runIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (ledger === null || runIds.length === 0) return new Set();
  const askIds = new Set([...(await ledger.findRuns(runIds)).values()].map(({ askId }) => askId));
  const asks = (await Promise.all([...askIds].map((id) => ledger.listAsks(id)))).flat();
  return new Set(asks.flatMap(({ send }) => send));
}

/** The columns to compare: those of the fields, or of two plain files all that both have. */
function chooseColumns(
  one: Side,
  other: Side,
  keys: readonly string[],
  fieldNames: readonly string[],
): { readonly columns: readonly string[]; readonly missing: readonly string[] } {
  const isValue = (column: string): boolean =>
    fieldNames.length === 0 || findField(column, fieldNames) !== undefined;
  const all = [...new Set([...one.input.columns, ...other.input.columns])].filter(
    (column) => isValue(column) && !keys.includes(column),
  );
  const columns = all.filter((column) => hasColumn(one.input, column) && hasColumn(other.input, column));
  // An object of a JSON file is compared by its parts.
  const isCompared = (column: string): boolean =>
    columns.some((each) => each === column || each.startsWith(`${column}.`));
  if (columns.length > 0) return { columns, missing: all.filter((column) => !isCompared(column)) };
  throw createUsageError(
    'NOTHING_TO_COMPARE',
    `${one.input.name} and ${other.input.name} have no column of values in common`,
    all.length === 0 ? 'Give two outputs of rowfill.' : `Only one of them has ${all.join(', ')}.`,
  );
}

function findField(column: string, fieldNames: readonly string[]): string | undefined {
  return fieldNames.find((name) => column === name || column.startsWith(`${name}.`));
}

/** A JSON file has a dotted column inside an object. */
function hasColumn({ columns, shape }: Input, column: string): boolean {
  if (columns.includes(column)) return true;
  return shape.format !== 'csv' && shape.format !== 'xlsx' && columns.includes(column.split('.')[0] ?? '');
}

function hashKey(row: Row, keys: readonly string[]): string {
  const texts = keys.map((column) =>
    formatInput(getValue(row, column)).normalize('NFC').trim().toLowerCase(),
  );
  // 16 bytes as a text of 16 characters, which takes a third of the memory of hex digits.
  return Buffer.from(hashText(JSON.stringify(texts), 32), 'hex').toString('latin1');
}

/** Ordinals of rows with one key, in order, of which those before `at` are taken. */
interface Queue {
  readonly ordinals: number[];
  at: number;
}

/** Most keys have one row, which needs no queue. */
function addLast(left: Map<string, number | Queue>, key: string, ordinal: number): void {
  const known = left.get(key);
  if (known === undefined) left.set(key, ordinal);
  else if (typeof known === 'number') left.set(key, { ordinals: [known, ordinal], at: 0 });
  else known.ordinals.push(ordinal);
}

/** Takes the first ordinal of a key; null if none is left. */
function takeFirst(left: Map<string, number | Queue>, key: string): number | null {
  const known = left.get(key);
  if (typeof known === 'object') {
    known.at += 1;
    return known.ordinals[known.at - 1] ?? null;
  }
  left.delete(key);
  return known ?? null;
}

function keepRow(row: Row, columns: readonly string[], fieldNames: readonly string[]): KeptRow {
  const values = columns.map((column) => {
    const value = getValue(row, column);
    return value === undefined || isEmpty(value) ? null : value;
  });
  const confidences = columns.map((column) => readConfidence(row, findField(column, fieldNames)));
  return [row.line, values, confidences, listRunIds(row)[0] ?? null];
}

function readConfidence(row: Row, field: string | undefined): string | null {
  if (field === undefined) return null;
  const fields = getOutcome(row)?.fields;
  const outcome = isJsonObject(fields) && Object.hasOwn(fields, field) ? fields[field] : null;
  const given = isJsonObject(outcome)
    ? outcome.who === 'human'
      ? 'human'
      : outcome.confidence
    : getValue(row, `${field}_confidence`);
  return typeof given === 'string' && given !== '' ? given : null;
}

function pickCell([line, values, confidences, runId]: KeptRow, at: number): FileCell {
  return { line, value: values[at] ?? null, confidence: confidences[at] ?? null, runId };
}

function compareValues(a: JsonValue, b: JsonValue): keyof ColumnCounts {
  if (a === null) return b === null ? 'blank' : 'onlyB';
  if (b === null) return 'onlyA';
  // A table has an apostrophe before what a spreadsheet would run.
  if (typeof a === 'string' && typeof b === 'string')
    return isSameValue(defuseFormula(a), defuseFormula(b)) ? 'same' : 'changed';
  if (typeof a === typeof b) return isSameValue(a, b) ? 'same' : 'changed';
  // Text of a table, and a typed value of a JSON file.
  return (typeof a === 'string' ? isSameCell(a, b, undefined) : isSameCell(b, a, undefined))
    ? 'same'
    : 'changed';
}

function findLabel(row: Row, keys: readonly string[]): JsonValue {
  return (
    keys.map((column) => getValue(row, column) ?? null).find((value) => !isEmpty(value ?? undefined)) ?? null
  );
}
