import type { FoundAnswers } from '../ledger/ledger.js';
import type { KeptCell } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { SavedForm } from '../model/likeness.js';
import { findFieldNames, isOwnColumn } from '../model/output-columns.js';
import type { ReturnedCells } from '../model/question.js';
import { getValue, type Row } from '../model/row.js';
import type { ReturnedFile } from './returned-file.js';
import { getFieldOutcome, getOutcome, listRunIds } from './returned-row.js';
import type { SavedForms } from './saved-forms.js';

/** Who filled a cell, by what the file has beside it. */
export type Voucher =
  | 'human'
  | 'agent'
  /** Nothing: rowfill has not filled it, or with a value that has neither confidence nor citations. */
  | 'blank'
  /** Nothing, where rowfill writes something of each cell that it fills. */
  | 'none'
  /** The file has nothing of the kind. */
  | 'unknown';

/** Set of row positions, as one bit each: a file may have millions of rows. */
class OrdinalSet {
  #words = new Uint32Array(32);

  add(ordinal: number): void {
    const at = ordinal >>> 5;
    if (at >= this.#words.length) {
      const old = this.#words;
      this.#words = new Uint32Array(Math.max(at + 1, old.length * 2));
      this.#words.set(old);
    }
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (ordinal & 31));
  }

  has(ordinal: number): boolean {
    return (((this.#words[ordinal >>> 5] ?? 0) >>> (ordinal & 31)) & 1) === 1;
  }
}

/** Cells of the fields of a file, by row and field. */
class CellSet {
  readonly #rows = new Map<string, OrdinalSet>();

  add({ ordinal }: Row, field: string): void {
    const rows = this.#rows.get(field) ?? new OrdinalSet();
    rows.add(ordinal);
    this.#rows.set(field, rows);
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  has({ ordinal }: Row, field: string): boolean {
    return this.#rows.get(field)?.has(ordinal) === true;
  }
}

interface TableParts {
  /** Names of its fields, each with its columns for values. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly columns: ReadonlySet<string>;
  readonly ownColumns: ReadonlySet<string>;
  /** True if it has fields that are not asked. */
  readonly hasOthers: boolean;
  /** True if the same columns were sent with the same question before. */
  readonly isSameQuestion: boolean;
  readonly blanks: Blanks;
  readonly overwrite: boolean;
}

/**
 * The cells of a returned file that take their values from the ledger, except those kept as they are. A cell that rowfill
 * has not filled, by what is beside it, is the file’s own and is kept, unless `open` says that it has an answer.
 */
export class ReturnedTable implements ReturnedCells {
  readonly fields: ReadonlySet<string>;
  /** Columns that rowfill wrote beside the values. */
  readonly ownColumns: ReadonlySet<string>;
  readonly #parts: TableParts;
  /** True if it has confidence or citations of any field. */
  readonly #hasVouchers: boolean;
  /** Columns with the confidence and the citations of each field; null for one that is missing. */
  readonly #vouchers: ReadonlyMap<string, readonly (string | null)[]>;
  readonly #opened = new CellSet();
  readonly #kept: Readonly<Record<KeptCell, CellSet>> = {
    own: new CellSet(),
    human: new CellSet(),
    blank: new CellSet(),
    unvouched: new CellSet(),
  };
  /** In a plan: cells whose values would be rejected. */
  readonly #cleared = new Map<string, Set<string>>();
  #forms: Pick<SavedForms, 'isSavedAs' | 'findDate'> | null = null;

  constructor(parts: TableParts) {
    this.#parts = parts;
    this.fields = new Set(parts.fields.keys());
    this.ownColumns = parts.ownColumns;
    this.#hasVouchers = findFieldNames([...parts.columns]).length > 0;
    const find = (column: string): string | null => (parts.columns.has(column) ? column : null);
    this.#vouchers = new Map(
      [...parts.fields.keys()].map((name) => [name, [find(`${name}_confidence`), find(`${name}_citations`)]]),
    );
  }

  get isSameQuestion(): boolean {
    return this.#parts.isSameQuestion;
  }

  isKept(row: Row, field: string): boolean {
    if (this.findKept(row, field) !== null) return true;
    if (this.#parts.overwrite || this.#opened.has(row, field)) return false;
    return this.isLeftAlone(row, field) && !this.isBlank(row, field);
  }

  findKept(row: Row, field: string): KeptCell | null {
    if (this.#kept.own.has(row, field)) return 'own';
    if (this.#kept.human.has(row, field)) return 'human';
    if (this.#kept.unvouched.has(row, field)) return 'unvouched';
    return this.#kept.blank.has(row, field) ? 'blank' : null;
  }

  /** True for a kept cell that an agent filled with another ledger. */
  isForeign(row: Row, field: string): boolean {
    return this.#kept.own.has(row, field) && this.readVoucher(row, field) === 'agent';
  }

  keep(row: Row, field: string, kept: KeptCell): void {
    this.#kept[kept].add(row, field);
  }

  /** Marks a cell that has an answer, or had one, although nothing beside it says so. */
  open(row: Row, field: string): void {
    this.#opened.add(row, field);
  }

  setForms(forms: Pick<SavedForms, 'isSavedAs' | 'findDate'>): void {
    this.#forms = forms;
  }

  isSavedAs(column: string, form: SavedForm): boolean {
    return this.#forms?.isSavedAs(column, form) === true;
  }

  findSavedDate(column: string): string | null {
    return this.#forms?.findDate(column) ?? null;
  }

  /** Runs that answered the cells of a row that are not asked now. */
  listKeptRuns(row: Row): readonly string[] {
    const { human, blank } = this.#kept;
    if (this.#parts.hasOthers) return listRunIds(row);
    const isKept = (field: string): boolean =>
      human.has(row, field) || blank.has(row, field) || this.isForeign(row, field);
    return [...this.fields].some(isKept) ? listRunIds(row) : [];
  }

  /** True if nothing beside a cell says that rowfill has filled it. */
  isLeftAlone(row: Row, field: string): boolean {
    const voucher = this.readVoucher(row, field);
    return voucher === 'none' || voucher === 'blank';
  }

  readVoucher(row: Row, field: string): Voucher {
    const [confidence = null, citations = null] = this.#vouchers.get(field) ?? [];
    // A table that a program saved as JSON has these columns, and no outcome.
    const isTable = (confidence ?? citations) !== null && getOutcome(row) === null;
    if (row.kind === 'object' && !isTable) {
      const outcome = getFieldOutcome(row, field);
      if (outcome === null) return getOutcome(row) === null ? 'blank' : 'none';
      if (outcome.who === 'human') return 'human';
      const isVouched =
        (outcome.confidence ?? null) !== null ||
        (Array.isArray(outcome.citations) && outcome.citations.length > 0);
      return isVouched ? 'agent' : 'unknown';
    }
    if (confidence === null && citations === null) return this.#hasVouchers ? 'none' : 'unknown';
    const text = readText(row, confidence);
    if (text.toLowerCase() === 'human') return 'human';
    return text !== '' || readText(row, citations) !== '' ? 'agent' : 'blank';
  }

  /** True if all columns of a field may be filled. */
  isBlank(row: Row, field: string): boolean {
    const { blanks, fields } = this.#parts;
    if (row.kind === 'object') return blanks.isUnfilled(field, getValue(row, field));
    return (fields.get(field) ?? []).every((column) => blanks.isUnfilled(column, getValue(row, column)));
  }

  /** Counts the value of a cell as rejected, without recording it. */
  clear(key: string, field: string): void {
    const fields = this.#cleared.get(key) ?? new Set();
    this.#cleared.set(key, fields.add(field));
  }

  /** The answers of a chunk without those that count as rejected. */
  adjust(found: FoundAnswers): FoundAnswers {
    if (this.#cleared.size === 0) return found;
    const answers = new Map(found.answers);
    for (const [key, stored] of found.answers) {
      const cleared = this.#cleared.get(key);
      if (cleared === undefined) continue;
      const fields = new Map([...stored.fields].filter(([name]) => !cleared.has(name)));
      answers.set(key, { ...stored, fields });
    }
    return { ...found, answers };
  }
}

function readText(row: Row, column: string | null): string {
  const value = column === null ? undefined : getValue(row, column);
  return typeof value === 'string' ? value.trim() : String(value ?? '');
}

/** The fields of `ask` that the file was filled with and still has columns for. Null if its own ask is unknown. */
export function createReturnedTable(
  { fieldNames, asks }: ReturnedFile,
  ask: Ask,
  columns: readonly string[],
  { blanks, overwrite }: Pick<TableParts, 'blanks' | 'overwrite'>,
): ReturnedTable | null {
  if (asks.length === 0) return null;
  const places = new Map(
    fieldNames.flatMap((name) => {
      const own = columns.filter((column) => column === name || column.startsWith(`${name}.`));
      return own.length === 0 ? [] : [[name, own] as const];
    }),
  );
  const values = new Set([...places.values()].flat());
  const asked = new Set(ask.fields.map(({ name }) => name));
  const listSent = ({ send }: Ask): string => JSON.stringify(send.filter((name) => !values.has(name)).sort());
  return new ReturnedTable({
    fields: new Map([...places].filter(([name]) => asked.has(name))),
    columns: new Set(columns),
    ownColumns: new Set(columns.filter((column) => isOwnColumn(column, fieldNames) && !values.has(column))),
    hasOthers: [...places.keys()].some((name) => !asked.has(name)),
    isSameQuestion: asks.some((each) => each.id === ask.id && listSent(each) === listSent(ask)),
    blanks,
    overwrite,
  });
}
