import type { FoundAnswers, JobHandle } from '../ledger/ledger.js';
import { type FieldAnswer, isExcludedBy, type RowAnswer } from '../model/answer.js';
import { type Ask, getFieldIds } from '../model/ask.js';
import { type ColumnChange, explainChange } from '../model/column-change.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { isPlainIn, type Likeness } from '../model/likeness.js';
import { createFieldColumns, type FieldColumns, type ValueColumn } from '../model/output-columns.js';
import { createQuestion, listKeys, type ReturnedCells, resolveKey } from '../model/question.js';
import { getValue, isFormula, type Row } from '../model/row.js';
import { compareCell, readTypedCell } from '../model/same-value.js';
import { getPath } from '../write/cells.js';
import { AnswerIndex } from './answer-index.js';
import { citesOthers, citesRather, isBeside, selectCited } from './cited-sources.js';
import type { JobContext } from './job-context.js';
import { getOutcome, listRunIds } from './returned-row.js';
import type { ReturnedTable } from './returned-table.js';
import { SavedForms } from './saved-forms.js';

/** What a cell of a returned file says of the answer that the ledger has for it. */
export type Meaning =
  /** It shows the answer, or an older copy of it. */
  | 'same'
  /** A person replaced the answer. */
  | 'corrected'
  /** A person gave a value where there was none. */
  | 'given'
  /** A person rejected the answer. */
  | 'cleared'
  /** It shows the answer to something else: its row or its field has changed. */
  | 'stale'
  /** It is in a row that shows the answers of another row. */
  | 'moved'
  /** The file shows it as an answer of the agent, but nothing says of which: the ledger has none with its sources. */
  | 'unvouched'
  /** It was in the file before rowfill filled it, or it is unknown who wrote it. */
  | 'own'
  | 'blank';

/** The parts of a job that reading its cells needs. */
export type CellContext = Pick<JobContext, 'ask' | 'blanks' | 'history' | 'ledger'> & {
  readonly job: JobHandle;
};

export interface Finding {
  readonly row: Row;
  readonly key: string;
  readonly field: string;
  readonly meaning: Meaning;
  /** What a person gave. */
  readonly value: JsonValue;
  /** A change of the whole column that would explain it; null for none. */
  readonly change: ColumnChange | null;
  /** True for the first stale cell of a row that the ledger does not know at all. */
  readonly isChangedRow: boolean;
  readonly stored: FieldAnswer | undefined;
  /** Keys of other rows whose answer the cell shows. */
  readonly shows: readonly string[];
  /** What speaks for a person, or against one, in a file whose rows are mixed. */
  readonly doubt: CellDoubt | null;
}

/** `persons`: somebody typed the value. `unclear`: the value may come from another row. */
type CellDoubt = 'persons' | 'unclear';

/** True for a value that a person gave. */
export function isPersonal(meaning: Meaning): boolean {
  return meaning === 'corrected' || meaning === 'given';
}

type IsSavedAs = SavedForms['isSavedAs'];

const NO_FIELDS: ReadonlyMap<string, FieldAnswer> = new Map();

/** A cell with a value that is not the answer to it. */
interface UnclearCell {
  readonly row: Row;
  readonly key: string;
  readonly place: FieldColumns;
  readonly stored: FieldAnswer | undefined;
}

/** An answer that a cell may show. */
interface KnownAnswer {
  readonly key: string;
  readonly answer: FieldAnswer;
  /** True for the answer to another wording of the field. */
  readonly isFormer: boolean;
}

/** Opens a reader of what the cells of a returned file mean. */
export async function openCellReader(context: CellContext, table: ReturnedTable): Promise<CellReader> {
  const { ask, ledger } = context;
  const former = selectFormerAsks(ask, await ledger.listAsks(ask.id), table.fields);
  return new CellReader(context, table, former);
}

/** The fewest asks that have all earlier wordings of these fields, newest first. */
function selectFormerAsks(ask: Ask, asks: readonly Ask[], fields: ReadonlySet<string>): Ask[] {
  const seen = new Set(getFieldIds(ask).values());
  return asks.toReversed().filter((former) => {
    const ids = [...getFieldIds(former)].flatMap(([name, id]) => (fields.has(name) ? [id] : []));
    const isNew = ids.some((id) => !seen.has(id));
    for (const id of ids) seen.add(id);
    return isNew;
  });
}

/** Reads what the cells of a returned file mean. */
export class CellReader {
  readonly #context: CellContext;
  readonly #table: ReturnedTable;
  readonly #places: readonly FieldColumns[];
  /** What was asked before with other wordings of the fields. */
  readonly #formerAsks: readonly Ask[];
  readonly #forms = new SavedForms();
  /** True if a cell has what a person gave, or a number that means another one in some columns. */
  #dependsOnForms = false;
  /** Only for files with cells that may show answers of runs that their rows do not name. */
  #index: Promise<AnswerIndex> | null = null;

  constructor(context: CellContext, table: ReturnedTable, formerAsks: readonly Ask[]) {
    const { ask } = context;
    this.#context = context;
    this.#table = table;
    this.#places = createFieldColumns(ask.fields, ask.schema).filter(({ name }) => table.fields.has(name));
    this.#formerAsks = formerAsks;
  }

  async read(rows: readonly Row[]): Promise<readonly Finding[]> {
    const { ask, blanks, ledger, job, history } = this.#context;
    const { formerSends = [] } = history;
    const returned = createOpenCells(this.#table);
    const questions = rows.map((row) => createQuestion(row, ask, false, blanks, { formerSends, returned }));
    const keys = questions.flatMap(listKeys);
    if (keys.length === 0) return [];
    const { answers } = await ledger.findAnswers(job, keys);
    const findings: Finding[] = [];
    const unclear: UnclearCell[] = [];
    for (const [index, row] of rows.entries()) {
      const question = questions[index];
      if (question?.status !== 'question') continue;
      const key = resolveKey(question, (each) => answers.get(each)?.fields);
      for (const place of this.#places) {
        // A formula is the user's: it neither corrects nor clears an answer.
        if (place.values.some(({ title }) => isFormula(row, title))) continue;
        const stored = answers.get(key)?.fields.get(place.name);
        const cell = { row, key, place, stored };
        const meaning = this.#compare(cell);
        if (meaning === null) unclear.push(cell);
        else findings.push(this.#describe(cell, meaning));
      }
    }
    if (unclear.length > 0) findings.push(...(await this.#clear(unclear, answers)));
    return markMoved(findings);
  }

  #describe(cell: UnclearCell, meaning: Meaning): Finding {
    const voucher = this.#table.readVoucher(cell.row, cell.place.name);
    // A cell that a person clears keeps what was beside it, and one that rowfill wrote as a person's is not retyped often.
    const isUnclear =
      (meaning === 'cleared' && voucher !== 'agent') || (isPersonal(meaning) && voucher === 'human');
    if (isPersonal(meaning)) this.#dependsOnForms = true;
    const isSavedAs: IsSavedAs = (...parts) => this.#forms.isSavedAs(...parts);
    const finding = describeFinding(cell, meaning, isSavedAs);
    const change = voucher === 'human' ? null : finding.change;
    return { ...finding, change, doubt: isUnclear ? 'unclear' : null };
  }

  /** Null for a cell that does not show the answer to it, where other answers are needed to decide. */
  #compare({ row, place, stored }: UnclearCell): Meaning | null {
    const value = stored?.value ?? null;
    if (this.#isBlank(row, place)) {
      // rowfill blanked the cells of an excluded row, and an excluded answer.
      const isBlanked =
        (readStatus(row) === 'excluded' && this.#table.isLeftAlone(row, place.name)) ||
        isExcludedBy(readError(row), place.name);
      if (value === null || isBlanked || !this.#isShown(row, place, stored)) return 'blank';
      return this.#formerAsks.length > 0 ? null : 'cleared';
    }
    if (value === null) return null;
    if (this.#countForms(row, place, stored)) {
      // Where a person says so, what a program could have made of the answer is the person's too.
      const isMarked = stored?.who !== 'human' && this.#table.readVoucher(row, place.name) === 'human';
      return isMarked && !this.#isPlain(row, place, value) ? null : 'same';
    }
    return this.#isShown(row, place, stored) && this.#isPartCleared(row, place, value) ? 'cleared' : null;
  }

  /** True if the row says that it had this answer when it was written. */
  #isShown(row: Row, { name }: FieldColumns, stored: FieldAnswer | undefined): boolean {
    if (stored === undefined) return false;
    if (stored.who === 'human') return this.#table.readVoucher(row, name) === 'human';
    return this.#isNameless(row, name) ? isBeside(row, name, stored) : listRunIds(row).includes(stored.runId);
  }

  /** True for an answer in a row that names no run: then what is beside it says which answer it is. */
  #isNameless(row: Row, field: string): boolean {
    return listRunIds(row).length === 0 && this.#table.readVoucher(row, field) === 'agent';
  }

  /** Decides on cells that show no current answer, by the answers that rowfill may have written there. */
  async #clear(cells: readonly UnclearCell[], answers: FoundAnswers['answers']): Promise<Finding[]> {
    const { ledger, job } = this.#context;
    const runs = await ledger.findRuns([...new Set(cells.flatMap(({ row }) => listRunIds(row)))]);
    const keys = [...new Set(cells.map(({ key }) => key))];
    const former = await Promise.all(
      this.#formerAsks.map((ask) => ledger.findAnswers({ ...job, ask }, keys)),
    );
    // Nothing in this ledger tells what the answers of another one were.
    const isForeign = ({ row }: UnclearCell): boolean => listRunIds(row).some((id) => !runs.has(id));
    const local = cells.filter((cell) => !isForeign(cell));
    const shown = await this.#findShown(local, answers);
    const changed = new Set<Row>();
    return cells.map((cell) => {
      const { row, key, place } = cell;
      const ofRuns = listRunIds(row).flatMap((id) => runs.get(id)?.answers ?? []);
      const named = [...ofRuns, ...(shown.get(cell) ?? [])].map((each) => ({ ...each, isFormer: false }));
      const earlier = former.map(({ answers: each }) => ({
        key,
        fields: each.get(key)?.fields ?? NO_FIELDS,
        isFormer: true,
      }));
      const known = [...named, ...earlier].flatMap(({ fields, ...each }): KnownAnswer[] => {
        const answer = fields.get(place.name);
        return answer === undefined ? [] : [{ ...each, answer }];
      });
      const isKept = isForeign(cell) && !ofRuns.some(({ fields }) => fields.has(place.name));
      const meaning = this.#judge(cell, known, isKept);
      const others = known.filter((each) => each.key !== key && !each.isFormer);
      const alike = others.filter(
        ({ answer }) => answer.value !== null && this.#isSameField(row, place, answer.value),
      );
      const cited = selectCited(row, place.name, alike);
      const shows = [...new Set(cited.map((each) => each.key))];
      const isChangedRow = meaning === 'stale' && !answers.has(key) && !changed.has(row);
      if (meaning === 'stale') {
        changed.add(row);
        // An older answer tells as well how the file was saved.
        const older = known.find(
          ({ answer }) => answer.value !== null && this.#isSameField(row, place, answer.value),
        );
        if (older !== undefined) this.#countForms(row, place, older.answer);
      }
      return { ...this.#describe(cell, meaning), isChangedRow, shows };
    });
  }

  /**
   * The answers of this ask, to any row, whose sources or values a cell shows: for cells of rows that name no run, and for
   * those that cite other sources than their answer.
   */
  async #findShown(
    cells: readonly UnclearCell[],
    answers: FoundAnswers['answers'],
  ): Promise<ReadonlyMap<UnclearCell, readonly RowAnswer[]>> {
    const searched = cells.filter(
      ({ row, place, stored }) =>
        this.#isNameless(row, place.name) ||
        (!this.#isBlank(row, place) && citesOthers(row, place.name, stored)),
    );
    const shown = new Map<UnclearCell, readonly RowAnswer[]>();
    if (searched.length === 0) return shown;
    const { ask, ledger, job } = this.#context;
    this.#index ??= AnswerIndex.create(ledger, { ...job, ask });
    const index = await this.#index;
    for (const cell of searched) {
      const { row, key, place } = cell;
      const older = this.#isNameless(row, place.name) ? await ledger.listOlderAnswers(ask.id, key, ask) : [];
      const own = [answers.get(key)?.fields ?? NO_FIELDS, ...older.map(({ fields }) => fields)];
      const all = [...own.map((fields) => ({ key, fields })), ...index.find(row, place.name)];
      const beside = all.filter(({ fields }) => {
        const answer = fields.get(place.name);
        return answer !== undefined && isBeside(row, place.name, answer);
      });
      shown.set(cell, beside);
    }
    return shown;
  }

  /** What a value means that is not the answer. It is a person’s if rowfill wrote, or left blank, something else there. */
  #judge(cell: UnclearCell, known: readonly KnownAnswer[], isForeign: boolean): Meaning {
    const { row, key, place, stored } = cell;
    if (stored !== undefined && this.#isBlank(row, place)) {
      // Its run may be named because of another field, while nothing was found in another wording.
      const isOther = known.some(
        ({ isFormer, answer }) =>
          isFormer && answer.value === null && !citesRather(row, place.name, stored, answer),
      );
      return isOther ? 'blank' : 'cleared';
    }
    if (known.length === 0 && this.#isNameless(row, place.name)) return 'unvouched';
    const isNew = (stored?.value ?? null) === null;
    const persons = isNew ? 'given' : 'corrected';
    const voucher = this.#table.readVoucher(row, place.name);
    if (voucher === 'human') return persons;
    const written = known.filter(
      ({ answer }) => answer.value !== null && this.#isSameField(row, place, answer.value),
    );
    if (stored !== undefined && this.#isShown(row, place, stored)) {
      // Its run may be named because of another field, while the cell shows another wording.
      if (written.some(({ isFormer, answer }) => isFormer && !citesRather(row, place.name, stored, answer)))
        return 'same';
      const isMoved = written.some(
        (each) => each.key !== key && citesRather(row, place.name, each.answer, stored),
      );
      if (isMoved) return 'moved';
      const hasVoucher = stored.confidence !== null || stored.citations.length > 0;
      // Somebody may have deleted both columns beside the values: then the run that the row names tells who filled it.
      const isUnfilled = voucher === 'none' && (row.kind === 'object' || isNew);
      const isOwn = isUnfilled || (voucher === 'blank' && (isNew ? isComplete(row) : hasVoucher));
      return isOwn ? 'own' : persons;
    }
    // An older copy of the file, or of a row that has changed since.
    if (written.some((each) => each.key === key)) return stored === undefined ? 'stale' : 'same';
    if (written.length > 0) return stored === undefined ? 'stale' : 'moved';
    const isAnswered = known.some((each) => each.key === key);
    switch (voucher) {
      case 'agent':
        return (known.length > 0 || !isNew) && !isForeign ? persons : 'own';
      case 'unknown':
        // A row that names no run may be of another list.
        return isAnswered && listRunIds(row).length > 0 ? persons : 'own';
      case 'blank':
        // Where nothing was found, a person can fill the cell.
        return isAnswered && known.every(({ answer }) => answer.value === null) && isNew && !isComplete(row)
          ? persons
          : 'own';
      case 'none':
        // The runs that the row names filled this column, and wrote something else.
        return row.kind === 'cells' && known.some(({ isFormer }) => !isFormer) ? persons : 'own';
    }
  }

  /** True if a person cleared parts of an object, and left the others: an object is one value. */
  #isPartCleared(row: Row, { values }: FieldColumns, value: JsonValue): boolean {
    const { blanks } = this.#context;
    const isCleared = ({ title }: ValueColumn): boolean => blanks.isUnfilled(title, getValue(row, title));
    return (
      row.kind === 'cells' &&
      values.length > 1 &&
      values.every((part) => isCleared(part) || this.#isLike(comparePart(row, part, value), part.title))
    );
  }

  /** Counts how the cells of a field show an answer. True if all of them do. */
  #countForms(row: Row, place: FieldColumns, answer: FieldAnswer | undefined): boolean {
    return this.#isSameField(row, place, answer?.value ?? null, (title, likeness, part) =>
      this.#forms.add(title, likeness, part, answer?.foundAtMs ?? 0, getValue(row, title)),
    );
  }

  /** True if all columns of a field mean its value by themselves. */
  #isPlain(row: Row, { name, values }: FieldColumns, value: JsonValue): boolean {
    if (row.kind === 'object') return compareCell(getValue(row, name), value, undefined)?.isPlain === true;
    return values.every((part) => comparePart(row, part, value)?.isPlain === true);
  }

  /** True if all columns of a field still mean its value. `count` is called with each cell that was compared. */
  #isSameField(
    row: Row,
    { name, values }: FieldColumns,
    value: JsonValue,
    count: (title: string, likeness: Likeness | null, value: JsonValue) => void = () => undefined,
  ): boolean {
    const isLike = (title: string, likeness: Likeness | null, part: JsonValue): boolean => {
      count(title, likeness, part);
      return this.#isLike(likeness, title);
    };
    if (row.kind === 'object') return isLike(name, compareCell(getValue(row, name), value, undefined), value);
    return values.every((part) =>
      isLike(part.title, comparePart(row, part, value), getPath(value, part.path) ?? null),
    );
  }

  #isLike(likeness: Likeness | null, title: string): boolean {
    if (likeness === null) return false;
    if (likeness.unless !== undefined) this.#dependsOnForms = true;
    return (
      isPlainIn(likeness, (form) => this.#forms.isSavedAs(title, form)) ||
      likeness.forms.some((form) => this.#forms.mayExplain(title, form))
    );
  }

  /**
   * Decides, once all rows were read, which changes a program made to whole columns. True if the rows must be read again:
   * if others were found, because cells that only these would explain are a person's, or if the form of a column may tell
   * what its numbers mean.
   */
  settleForms(): boolean {
    this.#table.setForms(this.#forms);
    return this.#forms.settle() || (this.#dependsOnForms && this.#forms.hasCommas);
  }

  #isBlank(row: Row, { name, values }: FieldColumns): boolean {
    const { blanks } = this.#context;
    if (row.kind === 'object') return blanks.isUnfilled(name, getValue(row, name));
    return values.every(({ title }) => blanks.isUnfilled(title, getValue(row, title)));
  }
}

function describeFinding(
  { row, key, place, stored }: UnclearCell,
  meaning: Meaning,
  isSavedAs: IsSavedAs,
): Finding {
  const isExplained = meaning === 'corrected' && stored !== undefined && stored.who !== 'human';
  const change = isExplained ? explainChange(getValue(row, place.name) ?? null, stored.value) : null;
  const value = isPersonal(meaning) ? readField(row, place, stored?.value ?? null, isSavedAs) : null;
  return {
    ...{ row, key, field: place.name, meaning, value, change, stored },
    ...{ isChangedRow: false, shows: [], doubt: null },
  };
}

/** The cells of a file as if none was kept. */
export function createOpenCells(table: ReturnedTable): ReturnedCells {
  return {
    fields: table.fields,
    isKept: () => false,
    isLeftAlone: table.isLeftAlone.bind(table),
    findKept: () => null,
    listKeptRuns: () => [],
    isSavedAs: () => false,
    findSavedDate: () => null,
  };
}

/** In a row that shows another row's answers, no other changed cell counts as a person's either. */
function markMoved(findings: readonly Finding[]): readonly Finding[] {
  const rows = new Set(findings.filter(({ meaning }) => meaning === 'moved').map(({ row }) => row));
  if (rows.size === 0) return findings;
  return findings.map((finding) => {
    const { meaning, row, shows } = finding;
    const isEdit = isPersonal(meaning) || meaning === 'cleared';
    if (!isEdit || !rows.has(row)) return finding;
    const doubt = isPersonal(meaning) && shows.length === 0 ? 'persons' : null;
    return { ...finding, meaning: 'moved', value: null, change: null, doubt };
  });
}

/** True for a row whose cells were all filled when it was written. */
function isComplete(row: Row): boolean {
  const status = readStatus(row);
  return status === 'enriched' || status === 'unchanged';
}

function readStatus(row: Row): JsonValue | undefined {
  return getOutcome(row)?.status ?? getValue(row, 'enrichment_status');
}

function readError(row: Row): string {
  return String(getOutcome(row)?.error ?? getValue(row, 'enrichment_error') ?? '');
}

function comparePart(row: Row, { title, path, schema }: ValueColumn, value: JsonValue): Likeness | null {
  const index = row.kind === 'cells' ? row.columns.get(title) : undefined;
  const stored = row.kind === 'cells' && index !== undefined ? row.stored?.[index] : null;
  const raw = stored?.kind === 'number' ? stored.raw : undefined;
  return compareCell(getValue(row, title) ?? '', getPath(value, path), schema, raw);
}

/** The value in the cells of a field. Parts of an object that the file has no column for stay as they were. */
function readField(
  row: Row,
  { name, values }: FieldColumns,
  before: JsonValue,
  isSavedAs: IsSavedAs,
): JsonValue {
  const read = ({ title, schema }: ValueColumn, cell: JsonValue): JsonValue =>
    readTypedCell(cell, schema, (form) => isSavedAs(title, form));
  const [only] = values;
  if (row.kind === 'object') return getValue(row, name) ?? null;
  if (values.length === 1 && only?.path.length === 0) {
    return read(only, getValue(row, only.title) ?? '');
  }
  const whole: JsonObject = isJsonObject(before) ? structuredClone(before) : {};
  for (const part of values) {
    const cell = getValue(row, part.title);
    if (cell !== undefined) setPath(whole, part.path, cell === '' ? null : read(part, cell));
  }
  return whole;
}

function setPath(object: JsonObject, path: readonly string[], value: JsonValue): void {
  let inner = object as Record<string, JsonValue>;
  for (const key of path.slice(0, -1)) {
    const next = isJsonObject(inner[key]) ? inner[key] : {};
    inner[key] = next;
    inner = next as Record<string, JsonValue>;
  }
  inner[path.at(-1) ?? ''] = value;
}
