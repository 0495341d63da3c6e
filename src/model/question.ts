import type { KeptCell } from './answer.js';
import { type Ask, formatRecord, hashRecord, hashRecordText } from './ask.js';
import { type Blanks, DEFAULT_BLANKS } from './blank.js';
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from './json.js';
import type { SavedForm } from './likeness.js';
import { createFieldColumns } from './output-columns.js';
import {
  type CellRow,
  cleanCell,
  getLinkAddress,
  getValue,
  hasArrays,
  hasUncomputed,
  isFormula,
  isInArray,
  isUncomputed,
  type Row,
} from './row.js';
import { formatColumn } from './workbook-file.js';

/**
 * What to look up for a row, before checking the ledger. Sending and joining the answers use the same
 * question.
 */
export type RowQuestion =
  | {
      readonly status: 'question';
      readonly key: string;
      /** Other keys under which its answers may have been bought. Absent for none. */
      readonly formerKeys?: readonly string[];
      readonly record: JsonObject;
      /** Size of the record, in bytes of JSON. */
      readonly bytes: number;
      readonly fields: readonly string[];
    }
  | { readonly status: 'unchanged' }
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'invalid'; readonly reason: string };

/** A question in progress: what is still missing for one row key, and at which attempt. */
export interface Question {
  readonly key: string;
  readonly record: JsonObject;
  /** Size of the record, in bytes of JSON. Absent if it was not measured. */
  readonly bytes?: number;
  /** Names of the requested fields, in the ask's order. */
  readonly fields: readonly string[];
  /** Index in the effort ladder. */
  readonly level: number;
  /** 1 for the first attempt at this level. */
  readonly attempt: number;
  /** What was wrong with the previous answer; never contains cell text. */
  readonly fault: string | null;
  /** Number of the last change of the ledger when its key was looked up. */
  readonly seen: number;
}

/** What is asked of each row if no query was given. */
export const DEFAULT_QUERY = 'Find the requested fields for each record.';

/** Maximum size of the record of one row, and of all records in a batch together, in bytes of JSON. */
export const MAX_RECORD_BYTES = 200_000;

/** Questions sent together. They have the same level and attempt. */
export interface PendingBatch {
  readonly questions: readonly Question[];
  /** Fields of the run: those of all questions together. */
  readonly fields: readonly string[];
  readonly level: number;
  readonly attempt: number;
  /** For a follow-up: the run to continue. */
  readonly previousRunId: string | null;
  /** How often its request was lost without a run being created. Absent for never. */
  readonly resends?: number;
}

/** What earlier jobs say about the rows of a file. */
export interface FileHistory {
  /** Lists of columns that were sent with the question before, and that differ only in columns that are filled. */
  readonly formerSends?: readonly (readonly string[])[];
  /** Set for a filled file that was returned. */
  readonly returned?: ReturnedCells | null;
}

/** The cells of a filled file that was returned. */
export interface ReturnedCells {
  /** Fields whose cells are answers of the ledger, filled or not. */
  readonly fields: ReadonlySet<string>;
  /** True for a cell that stays as it is in the file. */
  isKept(row: Row, field: string): boolean;
  /** True for a cell that rowfill has not filled, by what is beside it. */
  isLeftAlone(row: Row, field: string): boolean;
  /** Why a cell is kept; null for one that is not, or that rowfill has never filled. */
  findKept(row: Row, field: string): KeptCell | null;
  /** Runs that answered cells of a row that are not asked now, so that the row still names them. */
  listKeptRuns(row: Row): readonly string[];
  /** True if the cells of a column show that a program saved it in this form. */
  isSavedAs(column: string, form: SavedForm): boolean;
  /** A date that shows how a program saved those of a column; null if none does. */
  findSavedDate(column: string): string | null;
}

/**
 * Lists the sent columns of earlier asks that differ from this ask's only in columns to fill. Columns to fill are not
 * sent, so adding or removing such a field changes the keys of rows that have a value in it.
 */
export function findFormerSends(ask: Ask, asks: readonly Ask[]): (readonly string[])[] {
  const lists = asks.flatMap((former) => {
    const gone = former.send.filter((column) => !ask.send.includes(column));
    const added = ask.send.filter((column) => !former.send.includes(column));
    const isSame = gone.length + added.length === 0;
    const isOfFields =
      gone.every((column) => isFilledColumn(column, ask)) &&
      added.every((column) => isFilledColumn(column, former));
    return isSame || !isOfFields ? [] : [former.send];
  });
  return [...new Map(lists.map((list) => [[...list].sort().join('\u0000'), list])).values()];
}

function isFilledColumn(column: string, { fields }: Pick<Ask, 'fields'>): boolean {
  return fields.some(({ name }) => column === name || column.startsWith(`${name}.`));
}

const NO_SENDS: readonly (readonly string[])[] = [];
const NO_HISTORY: FileHistory = {};

/** Creates the question of a row: its cleaned sent values, and the fields that are still blank. */
export function createQuestion(
  row: Row,
  ask: Ask,
  overwrite: boolean,
  blanks: Blanks = DEFAULT_BLANKS,
  { formerSends = NO_SENDS, returned = null }: FileHistory = NO_HISTORY,
): RowQuestion {
  if (row.skip !== undefined) return { status: 'skipped', reason: row.skip };
  if (row.kind === 'faulty') return { status: 'invalid', reason: row.fault };
  const fields =
    returned === null
      ? readOpenFields(row, ask, overwrite, blanks)
      : readReturnedFields(row, ask, overwrite, blanks, returned);
  if (fields.length === 0) return { status: 'unchanged' };
  if (hasUncomputed(row)) {
    const uncomputed = listUncomputed(row, ask.send);
    if (uncomputed.length > 0) return { status: 'invalid', reason: describeUncomputed(row, uncomputed) };
  }
  const { record, hasPlaceholders } = createRecord(row, ask.send, blanks);
  if (record === null) {
    return { status: 'invalid', reason: `nothing to send: ${ask.send.join(', ')} blank` };
  }
  const text = formatRecord(record);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_RECORD_BYTES) {
    return { status: 'invalid', reason: `too large to send: ${bytes} bytes, at most ${MAX_RECORD_BYTES}` };
  }
  const question = { status: 'question', key: hashRecordText(text), record, bytes, fields } as const;
  const filled = returned === null ? [] : listFilledColumns(row, ask, returned);
  if (formerSends.length === 0 && !hasPlaceholders && filled.length === 0) return question;
  const keys = listFormerKeys(row, ask, blanks, { formerSends, filled, hasPlaceholders });
  keys.delete(question.key);
  return keys.size === 0 ? question : { ...question, formerKeys: [...keys] };
}

/** Of its own, because a function that makes closures allocates with every call, and most rows have no former keys. */
function listFormerKeys(
  row: Row,
  ask: Ask,
  blanks: Blanks,
  {
    formerSends,
    filled,
    hasPlaceholders,
  }: {
    readonly formerSends: readonly (readonly string[])[];
    readonly filled: readonly string[];
    readonly hasPlaceholders: boolean;
  },
): Set<string> {
  const records = formerSends.map((send) => createRecord(row, send, blanks).record);
  // As it was before rowfill filled columns that are sent too.
  if (filled.length > 0)
    records.push(
      createRecord(
        row,
        ask.send.filter((column) => !filled.includes(column)),
        blanks,
      ).record,
    );
  // As sent with other `--blank` words.
  if (hasPlaceholders) records.push(createRecord(row, ask.send, null).record);
  return new Set(records.flatMap((former) => (former === null ? [] : [hashRecord(former)])));
}

function listUncomputed(row: Row, columns: readonly string[]): string[] {
  return columns.filter((column) => isUncomputed(row, column));
}

function describeUncomputed(row: Row, columns: readonly string[]): string {
  const places = columns.map((column) => {
    const index = row.kind === 'cells' ? row.columns.get(column) : undefined;
    return `${formatColumn(index ?? 0)}${row.line}`;
  });
  const what = places.length === 1 ? 'a formula that was' : 'formulas that were';
  return `${places.join(', ')} ${places.length === 1 ? 'has' : 'have'} ${what} never calculated; open the workbook in a spreadsheet program, save it and run the command again`;
}

/**
 * In a file that was returned, cells with an answer are open too: the ledger says what they hold. A formula there is the
 * user's.
 */
function readReturnedFields(
  row: Row,
  ask: Ask,
  overwrite: boolean,
  blanks: Blanks,
  returned: ReturnedCells,
): readonly string[] {
  const { places, names } = listFieldPlaces(ask);
  const open = places.filter((field) =>
    returned.fields.has(field.name)
      ? !returned.isKept(row, field.name) &&
        (overwrite ? isWritable(row, field) : !countFormulas(row, field).some)
      : isOpen(row, field, overwrite, blanks),
  );
  return open.length === names.length ? names : open.map(({ name }) => name);
}

/** Sent columns of a returned file that rowfill has filled in this row. */
function listFilledColumns(row: Row, ask: Ask, returned: ReturnedCells): readonly string[] {
  return listFieldPlaces(ask).sent.flatMap(({ column, field }) =>
    returned.fields.has(field) && !returned.isLeftAlone(row, field) ? [column] : [],
  );
}

/** Fields of a row of a returned file that have formulas in place of answers. What the file cites for them no longer applies. */
export function listFormulaFields(row: Row, ask: Ask, { fields }: ReturnedCells): readonly string[] {
  if (row.kind !== 'cells' || (row.formulas === undefined && !hasArrays(row))) return NO_FIELDS;
  const { places } = listFieldPlaces(ask);
  return places
    .filter((field) => fields.has(field.name) && countFormulas(row, field).every)
    .map(({ name }) => name);
}

const NO_FIELDS: readonly string[] = [];

/** Whether some of a field's cells have formulas, or all. */
function countFormulas(row: Row, field: FieldPlaces): { readonly some: boolean; readonly every: boolean } {
  if (row.kind !== 'cells' || (row.formulas === undefined && !hasArrays(row)))
    return { some: false, every: false };
  const columns = [...new Set([field.name, ...listParts(row, field)])].filter((column) =>
    row.columns.has(column),
  );
  const count = columns.filter((column) => isFormula(row, column)).length;
  return { some: count > 0, every: count > 0 && count === columns.length };
}

/** Names of the fields to fill in a row. Rows that need every field share one array. */
function readOpenFields(row: Row, ask: Ask, overwrite: boolean, blanks: Blanks): readonly string[] {
  const { places, names } = listFieldPlaces(ask);
  if (overwrite && !hasArrays(row)) return names;
  let filled = 0;
  for (const field of places) if (!isOpen(row, field, overwrite, blanks)) filled += 1;
  if (filled === 0) return names;
  return places.filter((field) => isOpen(row, field, overwrite, blanks)).map(({ name }) => name);
}

function isOpen(row: Row, field: FieldPlaces, overwrite: boolean, blanks: Blanks): boolean {
  return (overwrite || isUnfilled(row, field, blanks)) && isWritable(row, field);
}

/** False if a cell to fill is part of an array formula, which no program changes cell by cell. */
function isWritable(row: Row, field: FieldPlaces): boolean {
  if (!hasArrays(row)) return true;
  return ![field.name, ...listParts(row, field)].some((column) => isInArray(row, column));
}

interface SentRecord {
  /** Sent columns that are not blank; null if all are. */
  readonly record: JsonObject | null;
  /** True if some are blank because of a placeholder. */
  readonly hasPlaceholders: boolean;
}

/** `blanks` is null to keep placeholders. */
function createRecord(row: Row, send: readonly string[], blanks: Blanks | null): SentRecord {
  let record: Record<string, JsonValue> | null = null;
  let hasPlaceholders = false;
  for (const column of send) {
    const value = cleanCell(getValue(row, column));
    if (value === undefined) continue;
    if (blanks?.isBlank(value) === true) hasPlaceholders = true;
    else {
      record ??= {};
      setOwn(record, column, value);
    }
    // The address that a name links to is sent under a name of its own.
    const address = getLinkAddress(row, column);
    if (address === null || send.includes(`${column}_link`)) continue;
    record ??= {};
    setOwn(record, `${column}_link`, address);
  }
  return { record, hasPlaceholders };
}

/**
 * The key to use for a row: its own, or a former one under which more of its fields are answered. `findFields` has the
 * answered fields of a key.
 */
export function resolveKey(
  { key, formerKeys = [], fields }: Extract<RowQuestion, { status: 'question' }>,
  findFields: (key: string) => { has(field: string): boolean } | undefined,
): string {
  if (formerKeys.length === 0) return key;
  const count = (each: string): number => {
    const known = findFields(each);
    return known === undefined ? 0 : fields.filter((field) => known.has(field)).length;
  };
  return formerKeys.reduce((best, former) => (count(former) > count(best) ? former : best), key);
}

/** Keys that a row's answer may be stored under. */
export function listKeys(question: RowQuestion): string[] {
  if (question.status !== 'question') return [];
  const { key, formerKeys } = question;
  return formerKeys === undefined ? [key] : [key, ...formerKeys];
}

/**
 * An object field is spread over dotted columns (`address.city` for `address`). It is unfilled if any of them
 * is blank. A formula that was never calculated is not blank.
 */
function isUnfilled(row: Row, { name, columns }: FieldPlaces, blanks: Blanks): boolean {
  if (isUncomputed(row, name)) return false;
  if (!blanks.isUnfilled(name, getValue(row, name))) return false;
  if (row.kind !== 'cells') return true;
  const parts = listParts(row, { name, columns });
  for (const column of parts) if (blanks.isUnfilled(column, getValue(row, column))) return true;
  return parts.length === 0;
}

function listParts({ columns: given }: CellRow, { name, columns }: FieldPlaces): readonly string[] {
  return columns ?? [...given.keys()].filter((column) => column.startsWith(`${name}.`));
}

interface FieldPlaces {
  readonly name: string;
  /** Columns of a table with the field's values. Null for an object whose parts only the input knows. */
  readonly columns: readonly string[] | null;
}

interface AskPlaces {
  readonly places: readonly FieldPlaces[];
  readonly names: readonly string[];
  /** Sent columns that are filled too. */
  readonly sent: readonly { readonly column: string; readonly field: string }[];
}

const placesByAsk = new WeakMap<Ask, AskPlaces>();

/** Cached per ask, because it is needed for every row. */
function listFieldPlaces(ask: Ask): AskPlaces {
  const known = placesByAsk.get(ask);
  if (known !== undefined) return known;
  const places = createFieldColumns(ask.fields, ask.schema).map(({ name, values }, index) => {
    const titles = values.map(({ title }) => title);
    const schema = ask.fields[index]?.schema;
    const isOpen = titles[0] === name && isJsonObject(schema) && [schema.type].flat().includes('object');
    return { name, columns: isOpen ? null : titles };
  });
  const names = ask.fields.map(({ name }) => name);
  const sent = ask.send.flatMap((column) => {
    const field = names.find((name) => column === name || column.startsWith(`${name}.`));
    return field === undefined ? [] : [{ column, field }];
  });
  const found = { places, names, sent };
  placesByAsk.set(ask, found);
  return found;
}
