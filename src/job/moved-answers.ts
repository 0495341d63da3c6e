import { hashText } from '../model/ask.js';
import { formatCanonicalJson, type JsonValue } from '../model/json.js';
import type { Row } from '../model/row.js';
import { type Finding, isPersonal } from './returned-cells.js';
import { FEW } from './saved-forms.js';

/** Rows kept with the same answers in all fields. */
const MAX_OWNERS = 8;

/** A column with more values has not few. */
const MAX_FEW_VALUES = 5;

const BLANK = '';
/** For a cell whose value is not compared. */
const OTHER = '?';

/** A row with edited cells: by field, what it shows and what its answers are. */
interface EditedRow {
  readonly ordinal: number;
  readonly key: string;
  readonly shown: readonly string[];
  readonly own: readonly string[];
  /** True for cells that do not show their answer any more. */
  readonly isEdited: readonly boolean[];
  readonly isAllCleared: boolean;
}

/** What follows what in a column. */
interface ColumnOrder {
  /** Few values, each in cells that follow each other, as after the column was sorted; null otherwise. */
  values: Groups | null;
  /** Runs whose answers follow each other, as in a file whose rows were not sorted; null otherwise. */
  runs: Groups | null;
  /** Up to one more than `MAX_FEW_VALUES`. */
  readonly distinct: Set<string>;
}

interface Groups {
  last: string;
  readonly seen: Set<string>;
}

/**
 * Tells values that were moved to another row from values that were typed, by looking at all rows of a file. A moved
 * answer is missing in its own row. A typed value leaves the equal answers of other rows in their places.
 */
export class MovedAnswers {
  readonly #fields: readonly string[];
  readonly #edited: EditedRow[] = [];
  /** Number of cells by field that show their answer. */
  readonly #same = new Map<string, number>();
  readonly #orders = new Map<string, ColumnOrder>();
  /** Cells, by key and field, whose answers other rows show together with their citations. */
  readonly #cited = new Set<string>();
  /** Whole rows that show the answers of others. */
  readonly #rows = new Set<number>();
  /** Columns whose values were moved, each with these values. */
  readonly #columns = new Map<string, ReadonlySet<string>>();

  #isSettled = false;

  constructor(fields: Iterable<string>) {
    this.#fields = [...fields];
  }

  /** Adds all cells of some rows, until `settle`; after it, marks those that were moved. */
  mark(findings: readonly Finding[]): readonly Finding[] {
    if (this.#isSettled) return findings.map((finding) => this.#markMoved(finding));
    this.#add(findings);
    return findings;
  }

  #add(findings: readonly Finding[]): void {
    this.#addOrders(findings);
    const rows = new Map<Row, Map<string, Finding>>();
    for (const finding of findings) {
      const { row, field, meaning, shows } = finding;
      if (meaning === 'same') this.#same.set(field, (this.#same.get(field) ?? 0) + 1);
      if (meaning === 'moved' && shows.length === 1) this.#cited.add(toPlace(shows[0] ?? '', field));
      const cells = rows.get(row) ?? new Map<string, Finding>();
      rows.set(row, cells.set(field, finding));
    }
    for (const [{ ordinal }, cells] of rows) {
      const all = this.#fields.map((field) => cells.get(field));
      if (!all.some(isAway)) continue;
      const shown = all.map(readShown);
      const own = all.map(readOwn);
      this.#edited.push({
        ordinal,
        key: [...cells.values()][0]?.key ?? '',
        shown,
        own,
        isEdited: all.map((each, index) => isAway(each) && shown[index] !== own[index]),
        isAllCleared: all.every((each) => each === undefined || !isEdit(each) || each.meaning === 'cleared'),
      });
    }
  }

  #addOrders(findings: readonly Finding[]): void {
    const inOrder = findings.toSorted((one, other) => one.row.ordinal - other.row.ordinal);
    for (const finding of inOrder) {
      const order = this.#orders.get(finding.field) ?? {
        ...{ values: createGroups(), runs: createGroups(), distinct: new Set<string>() },
      };
      this.#orders.set(finding.field, order);
      if (order.distinct.size > MAX_FEW_VALUES) continue;
      const value = readShown(finding);
      if (value === BLANK || value === OTHER) continue;
      order.distinct.add(value);
      order.values = addToGroups(order.values, value);
      if (finding.stored?.who !== 'human') order.runs = addToGroups(order.runs, finding.stored?.runId ?? '');
    }
  }

  /** Decides once all rows were added. True if values were moved. */
  settle(): boolean {
    this.#findRows();
    this.#findColumns();
    this.#edited.length = 0;
    this.#isSettled = true;
    return this.#cited.size > 0 || this.#rows.size > 0 || this.#columns.size > 0;
  }

  #markMoved(finding: Finding): Finding {
    if (!isEdit(finding)) return finding;
    const { row, key, field, meaning, doubt } = finding;
    const moved = { ...finding, meaning: 'moved', value: null, change: null } as const;
    // A person who clears a value usually leaves its citations.
    if (meaning === 'cleared' && doubt === 'unclear' && this.#cited.has(toPlace(key, field)))
      return { ...moved, doubt: null };
    if (this.#rows.has(row.ordinal)) return { ...moved, doubt: 'unclear' };
    const values = this.#columns.get(field);
    if (values === undefined) return finding;
    const isOfColumn = meaning === 'cleared' || values.has(readShown(finding));
    return { ...moved, doubt: isOfColumn ? 'unclear' : 'persons' };
  }

  /** Finds rows that show all answers of another row, which does not show them itself. */
  #findRows(): void {
    const owners = new Map<string, EditedRow[]>();
    for (const row of this.#edited) {
      const known = owners.get(toText(row.own)) ?? [];
      if (known.length < MAX_OWNERS) owners.set(toText(row.own), [...known, row]);
    }
    const seen = new Set<string>();
    const find = ({ key, shown, isEdited }: EditedRow): boolean =>
      (owners.get(toText(shown)) ?? []).some((other) => {
        const isTaken = (index: number): boolean => shown[index] !== BLANK && other.isEdited[index] === true;
        return other.key !== key && isEdited.filter((isHere, index) => isHere && isTaken(index)).length > 1;
      });
    for (const row of this.#edited) {
      if (!find(row)) continue;
      this.#rows.add(row.ordinal);
      seen.add(toText(row.shown));
    }
    // The row from which the answers were taken has the blanks of another one.
    for (const row of this.#edited)
      if (row.isAllCleared && seen.has(toText(row.own))) this.#rows.add(row.ordinal);
  }

  #findColumns(): void {
    for (const [index, field] of this.#fields.entries()) {
      const shown = new Map<string, number>();
      const own = new Map<string, number>();
      let count = 0;
      for (const row of this.#edited) {
        if (row.isEdited[index] !== true || this.#rows.has(row.ordinal)) continue;
        countUp(own, row.own[index] ?? OTHER);
        if (row.shown[index] === OTHER) continue;
        count += 1;
        countUp(shown, row.shown[index] ?? OTHER);
      }
      const order = this.#orders.get(field);
      const compared = count + (this.#same.get(field) ?? 0);
      const isMoved =
        order !== undefined && order.distinct.size <= MAX_FEW_VALUES
          ? isFewShifted(shown, own, count, compared, order)
          : isShifted(shown, own, count, compared);
      if (isMoved) this.#columns.set(field, new Set(own.keys()));
    }
  }
}

/**
 * True if the cells of a column with few values show exactly those that they lost, and more than corrections by chance:
 * most cells differ, or the column was sorted while its rows stayed where they were.
 */
function isFewShifted(
  shown: ReadonlyMap<string, number>,
  own: ReadonlyMap<string, number>,
  count: number,
  compared: number,
  { values, runs }: ColumnOrder,
): boolean {
  const isPermuted = [...shown].every(([value, times]) => own.get(value) === times);
  if (!isPermuted || count <= FEW) return false;
  if (shown.size > 2 && count > 2 * FEW && count * 2 > compared) return true;
  return values !== null && runs !== null && runs.seen.size > 1 && count * 4 > compared;
}

/** True if the values that cells show are mostly those that other cells of the column lost. */
function isShifted(
  shown: ReadonlyMap<string, number>,
  own: ReadonlyMap<string, number>,
  count: number,
  compared: number,
): boolean {
  let alike = 0;
  let values = 0;
  let single = 0;
  for (const [value, times] of shown) {
    const lost = own.get(value) ?? 0;
    alike += Math.min(times, lost);
    if (value === BLANK || lost === 0) continue;
    values += 1;
    if (times === 1 && lost === 1) single += 1;
  }
  if (values <= FEW) return false;
  // Corrections of a column with many equal values are alike by chance, but not nearly all of them.
  const isWhole = alike >= count * 0.9 && count * 2 > compared;
  return alike === count || isWhole || (single > FEW && single * 2 >= count);
}

function createGroups(): Groups {
  return { last: BLANK, seen: new Set() };
}

/** Null if a text comes again after another one. */
function addToGroups(groups: Groups | null, text: string): Groups | null {
  if (groups === null || text === groups.last) return groups;
  if (groups.seen.has(text)) return null;
  groups.last = text;
  groups.seen.add(text);
  return groups;
}

/** True for a cell that a person would have changed. One that is marked as a person's surely was. */
function isEdit({ meaning, doubt }: Finding): boolean {
  return meaning === 'cleared' || (isPersonal(meaning) && doubt !== 'unclear');
}

/** True for a cell whose answer is not there any more. */
function isAway(finding: Finding | undefined): boolean {
  return finding !== undefined && (isEdit(finding) || finding.meaning === 'moved');
}

function readShown(finding: Finding | undefined): string {
  if (finding === undefined) return BLANK;
  if (finding.meaning === 'moved') return OTHER;
  return isPersonal(finding.meaning)
    ? fold(finding.value)
    : finding.meaning === 'same'
      ? readOwn(finding)
      : BLANK;
}

function readOwn(finding: Finding | undefined): string {
  if (finding === undefined) return BLANK;
  const { meaning, stored } = finding;
  const isCompared =
    meaning === 'same' || meaning === 'cleared' || meaning === 'moved' || isPersonal(meaning);
  return isCompared ? fold(stored?.value ?? null) : BLANK;
}

/** A short text that is the same for values which programs may save for each other. */
function fold(value: JsonValue): string {
  if (value === null || value === '') return BLANK;
  const text = (typeof value === 'string' ? value : formatCanonicalJson(value)).trim().toLowerCase();
  const short = /^\+?\d[\d\s()./-]*$/.test(text) ? foldDigits(text) : text;
  return short.length > 24 ? hashText(short, 12) : short;
}

/** Digits without marks and the zeros at their start; a date without the order of its parts. */
function foldDigits(text: string): string {
  const parts = text.match(/\d+/g) ?? [];
  const isDate = parts.length === 3 && parts.some((part) => part.length === 4);
  if (isDate)
    return parts
      .map(Number)
      .sort((one, other) => one - other)
      .join('-');
  return parts.join('').replace(/^0+(?=.)/, '');
}

function toText(values: readonly string[]): string {
  return values.join('\n');
}

function toPlace(key: string, field: string): string {
  return `${key} ${field}`;
}

function countUp(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}
