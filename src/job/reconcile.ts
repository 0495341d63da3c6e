import type { FoundAnswers, StoredAnswer } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import { hashText } from '../model/ask.js';
import { formatCount, formatList, formatNumber } from '../model/format.js';
import { formatCanonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { createFieldColumns, type FieldColumns } from '../model/output-columns.js';
import { createQuestion, listKeys, resolveKey } from '../model/question.js';
import { getValue, type Row } from '../model/row.js';
import { explainChange, isSameCell, readTypedCell } from '../model/same-value.js';
import { getPath } from '../write/cells.js';
import { isAgreed } from './doubts.js';
import type { JobContext } from './job-context.js';
import { reportWarnings } from './report-warnings.js';
import { isShownAsHuman, listRunIds, type ReturnedTable } from './returned-file.js';

/** What a cell of a returned file says of the answer that the ledger has for it. */
type Meaning =
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
  | 'blank';

/** Number of cells of a column by what they mean. */
export interface ColumnChanges extends Readonly<Record<Meaning, number>> {
  readonly name: string;
}

export interface FileChanges {
  readonly columns: readonly ColumnChanges[];
  /** Rows whose sent values have changed since they were filled. */
  readonly changedRows: number;
}

interface Finding {
  readonly row: Row;
  readonly key: string;
  readonly field: string;
  readonly meaning: Meaning;
  /** What a person gave. */
  readonly value: JsonValue;
  /** A change of the whole column that would explain it; null for none. */
  readonly change: string | null;
  /** True for the first stale cell of a row that the ledger does not know at all. */
  readonly isChangedRow: boolean;
  readonly stored: FieldAnswer | undefined;
}

/** Cells of a column that differ, by what would explain them. */
interface Explanation {
  count: number;
  readonly cell: string;
  readonly value: string;
}

class ColumnTally {
  readonly counts: Record<Meaning, number> = {
    same: 0,
    corrected: 0,
    given: 0,
    cleared: 0,
    stale: 0,
    blank: 0,
  };
  readonly changes = new Map<string, Explanation>();

  add({ meaning, change, row, field, stored }: Finding): void {
    this.counts[meaning] += 1;
    if (change === null) return;
    const known = this.changes.get(change);
    if (known !== undefined) known.count += 1;
    else {
      const cell = String(getValue(row, field));
      this.changes.set(change, { count: 1, cell, value: String(stored?.value) });
    }
  }

  /** The change of a whole column that explains nine in ten cells that differ; null if they are few, or differ otherwise. */
  findChange(): readonly [name: string, example: Explanation] | null {
    const { same, corrected } = this.counts;
    if (!isMuch(corrected, same + corrected)) return null;
    return [...this.changes].find(([, { count }]) => count >= corrected * 0.9) ?? null;
  }

  get isMuchCleared(): boolean {
    const { same, corrected, cleared } = this.counts;
    return cleared > 50 || cleared > (same + corrected + cleared) / 2;
  }
}

/** More than ten cells, and more than a fifth of a column. */
function isMuch(differing: number, compared: number): boolean {
  return differing > 10 && differing > compared / 5;
}

/**
 * Compares a returned file with the ledger. Corrected cells become values of a person; the answers of cleared ones are
 * rejected, so that they are asked again. In a plan nothing is recorded. `openJob` is called before the first record.
 */
export async function reconcileFile(
  context: JobContext,
  table: ReturnedTable,
  openJob: (() => Promise<void>) | null,
): Promise<FileChanges> {
  const reader = new CellReader(context, table);
  const tallies = new Map([...table.fields].map((name) => [name, new ColumnTally()] as const));
  const given = new GivenValues();
  let changedRows = 0;
  for await (const rows of context.input.openRows()) {
    for (const finding of await reader.read(rows)) {
      tallies.get(finding.field)?.add(finding);
      if (isPersonal(finding.meaning)) given.add(finding);
      if (finding.isChangedRow) changedRows += 1;
    }
  }
  const rules = await createRules(context, tallies, given);
  const { overwrite } = context.settings;
  const isChanged = [...tallies.values()].some(
    ({ counts }) => counts.corrected + counts.given + counts.cleared > 0,
  );
  if (isChanged || overwrite) {
    let hasOpened = false;
    let replaced = 0;
    for await (const rows of context.input.openRows()) {
      const changes = sortFindings(await reader.read(rows), rules, table, overwrite);
      replaced += changes.withdrawn.length;
      if (openJob === null) for (const each of changes.rejected) table.clear(each.key, each.field);
      if (openJob === null) for (const each of changes.human) table.keep(each.row, each.field);
      const count = changes.human.length + changes.rejected.length + changes.withdrawn.length;
      if (openJob === null || count === 0) continue;
      if (!hasOpened) await openJob();
      hasOpened = true;
      await record(context, changes);
    }
    if (replaced > 0) {
      const message = `--overwrite replaces ${formatNumber(replaced, 'value')} that a person gave.`;
      reportWarnings(context, [{ code: 'PERSONS_REPLACED', message }]);
    }
  }
  const columns = [...tallies].map(([name, tally]) => ({ name, ...settleCounts(tally, rules, name) }));
  report(context, { columns, changedRows }, rules, given);
  return { columns, changedRows };
}

function isPersonal(meaning: Meaning): boolean {
  return meaning === 'corrected' || meaning === 'given';
}

/** The counts of a column once it is decided what a program changed. */
function settleCounts(tally: ColumnTally, { changes }: Rules, name: string): Record<Meaning, number> {
  const { counts } = tally;
  const count = tally.changes.get(changes.get(name) ?? '')?.count ?? 0;
  return { ...counts, corrected: counts.corrected - count, same: counts.same + count };
}

interface Rules {
  /** By column, the change that a program made to it. */
  readonly changes: ReadonlyMap<string, string>;
  /** Columns whose cleared cells stay blank. */
  readonly staysBlank: ReadonlySet<string>;
  readonly given: GivenValues;
}

async function createRules(
  context: JobContext,
  tallies: ReadonlyMap<string, ColumnTally>,
  given: GivenValues,
): Promise<Rules> {
  const changes = new Map<string, string>();
  const staysBlank = new Set<string>();
  for (const [name, tally] of tallies) {
    const change = tally.findChange();
    if (change !== null) {
      const [reason, { count, cell, value }] = change;
      changes.set(name, reason);
      const message = `${formatNumber(count, 'cell')} of ${name} differ from the answers only by ${reason} (“${cell}” for “${value}”), so they are not taken for corrections.`;
      reportWarnings(context, [{ code: 'COLUMN_CHANGED', message }]);
    }
    if (tally.isMuchCleared && !(await mayAskCleared(context, name, tally.counts.cleared)))
      staysBlank.add(name);
  }
  return { changes, staysBlank, given };
}

/** Many cleared cells are asked again only with consent. */
async function mayAskCleared(context: JobContext, name: string, count: number): Promise<boolean> {
  const { agent, settings, hooks, lease } = context;
  if (agent.isFree || settings.again.has('cleared')) return true;
  const message = `${formatNumber(count, 'cell')} of ${name} were cleared`;
  const hint = 'To ask for them again, add --again cleared.';
  if (lease !== null && hooks.confirmDoubt !== undefined) {
    const doubt = { code: 'MANY_CLEARED', message: `${message}. Ask for them again`, hint };
    if (await isAgreed(hooks.confirmDoubt(doubt), hooks.signal)) return true;
  }
  reportWarnings(context, [{ code: 'MANY_CLEARED', message: `${message} and stay blank. ${hint}` }]);
  return false;
}

interface Changes {
  readonly human: Finding[];
  readonly rejected: Finding[];
  /** Values of a person that `--overwrite` replaces. */
  readonly withdrawn: Finding[];
}

/** Selects the findings of a chunk to record. Cells to leave as they are go to `table`. */
function sortFindings(
  findings: readonly Finding[],
  { changes, staysBlank, given }: Rules,
  table: ReturnedTable,
  overwrite: boolean,
): Changes {
  const sorted: Changes = { human: [], rejected: [], withdrawn: [] };
  for (const finding of findings) {
    const { row, field, meaning, change } = finding;
    if (meaning === 'cleared') {
      if (staysBlank.has(field)) table.keep(row, field);
      else sorted.rejected.push(finding);
    } else if (overwrite) {
      if (finding.stored?.who === 'human') sorted.withdrawn.push(finding);
    } else if (isPersonal(meaning)) {
      const isProgram = meaning === 'corrected' && change !== null && changes.get(field) === change;
      if (isProgram) continue;
      if (given.isDisputed(finding)) table.keep(row, field);
      else sorted.human.push(finding);
    }
  }
  return sorted;
}

async function record({ ledger, job }: JobContext, { human, rejected, withdrawn }: Changes): Promise<void> {
  await ledger.putHumanAnswers(
    job.id,
    human.map(({ key, field, value }) => ({ key, values: Object.fromEntries([[field, value]]) })),
  );
  await ledger.rejectAnswers(job.id, [
    ...rejected.map(({ key, field }) => ({ key, field })),
    ...withdrawn.map(({ key, field }) => ({ key, field, mayComeBack: true })),
  ]);
}

/** What persons gave, by key and field, to find cells of equal rows that say different things. */
class GivenValues {
  /** Hash of the value; null if there are several. */
  readonly #values = new Map<string, string | null>();
  readonly disputedFields = new Set<string>();
  disputed = 0;

  add(finding: Finding): void {
    const place = `${finding.key} ${finding.field}`;
    const value = hashText(formatCanonicalJson(finding.value), 12);
    const known = this.#values.get(place);
    if (known === undefined) this.#values.set(place, value);
    else if (known !== null && known !== value) {
      this.#values.set(place, null);
      this.disputed += 1;
      this.disputedFields.add(finding.field);
    }
  }

  isDisputed({ key, field }: Finding): boolean {
    return this.#values.get(`${key} ${field}`) === null;
  }
}

/** One line on what was found, and one on each thing that needs an explanation. */
function report(
  context: JobContext,
  { columns, changedRows }: FileChanges,
  { staysBlank }: Rules,
  { disputed, disputedFields }: GivenValues,
): void {
  const sum = (count: (column: ColumnChanges) => number): number =>
    columns.reduce((total, column) => total + count(column), 0);
  const cleared = sum(({ name, cleared: cells }) => (staysBlank.has(name) ? 0 : cells));
  const stale = sum((column) => column.stale);
  const personal = sum((column) => column.corrected + column.given);
  const asked = [
    ...(cleared === 0 ? [] : [`${formatCount(cleared)} cleared`]),
    ...(stale === 0 ? [] : [`${formatCount(stale)} stale`]),
  ];
  const parts = [
    ...(asked.length === 0
      ? []
      : [`${asked.join(' and ')} ${cleared + stale === 1 ? 'cell is' : 'cells are'} asked again`]),
    ...(personal === 0
      ? []
      : [`${formatNumber(personal, 'value')} that a person gave ${personal === 1 ? 'is' : 'are'} kept`]),
  ];
  const notes = [
    ...(parts.length === 0
      ? []
      : [{ code: 'FILE_RETURNED', message: `Since the file was filled: ${parts.join('; ')}.` }]),
    ...(changedRows === 0
      ? []
      : [
          {
            code: 'ROWS_CHANGED',
            message: `${formatNumber(changedRows, 'row')} changed in columns that are sent, so ${changedRows === 1 ? 'it is' : 'they are'} asked again.`,
          },
        ]),
    ...(disputed === 0
      ? []
      : [
          {
            code: 'CORRECTIONS_DIFFER',
            message: `Equal rows have different values in ${formatList([...disputedFields])}. The file keeps them, and the ledger stores none of them.`,
          },
        ]),
  ];
  const many = columns.filter(({ corrected, same }) => isMuch(corrected, same + corrected));
  const pasted = many.map(({ name, corrected }) => ({
    code: 'MANY_CORRECTIONS',
    message: `${formatNumber(corrected, 'cell')} of ${name} differ from the answers, and are taken for corrections. If they are not, give the file of before.`,
  }));
  reportWarnings(context, [...notes, ...pasted]);
}

/** Reads what the cells of a returned file mean. */
class CellReader {
  readonly #context: JobContext;
  readonly #table: ReturnedTable;
  readonly #places: readonly FieldColumns[];

  constructor(context: JobContext, table: ReturnedTable) {
    const { ask } = context;
    this.#context = context;
    this.#table = table;
    this.#places = createFieldColumns(ask.fields, ask.schema).filter(({ name }) => table.fields.has(name));
  }

  async read(rows: readonly Row[]): Promise<readonly Finding[]> {
    const { ask, blanks, ledger, job, history } = this.#context;
    const { formerSends = [] } = history;
    const returned = { fields: this.#table.fields, isKept: () => false };
    const questions = rows.map((row) => createQuestion(row, ask, false, blanks, { formerSends, returned }));
    const keys = questions.flatMap(listKeys);
    if (keys.length === 0) return [];
    const found = await ledger.findAnswers(job, keys);
    const findings: Finding[] = [];
    const unclear: { readonly row: Row; readonly key: string; readonly place: FieldColumns }[] = [];
    for (const [index, row] of rows.entries()) {
      const question = questions[index];
      if (question?.status !== 'question') continue;
      const key = resolveKey(question, (each) => found.answers.get(each)?.fields);
      const shown = new Set(listRunIds(row));
      for (const place of this.#places) {
        const stored = found.answers.get(key)?.fields.get(place.name);
        const meaning = this.#compare(row, place, stored, shown);
        if (meaning === null) unclear.push({ row, key, place });
        else findings.push(this.#describe(row, key, place, meaning, stored));
      }
    }
    if (unclear.length > 0) findings.push(...(await this.#clear(unclear, found)));
    return findings;
  }

  /** Null if the answers of the runs that the row names are needed to decide. */
  #compare(
    row: Row,
    place: FieldColumns,
    stored: FieldAnswer | undefined,
    shown: ReadonlySet<string>,
  ): Meaning | null {
    const value = stored?.value ?? null;
    const isShown =
      stored !== undefined &&
      (stored.who === 'human' ? isShownAsHuman(row, place.name) : shown.has(stored.runId));
    if (this.#isBlank(row, place)) return value !== null && isShown ? 'cleared' : 'blank';
    if (value !== null && isSameField(row, place, value)) return 'same';
    if (isShown) return value === null ? 'given' : 'corrected';
    if (isShownAsHuman(row, place.name)) return value === null ? 'given' : 'corrected';
    return null;
  }

  /** Decides on cells that show no current answer: they are stale if a run that the row names gave them. */
  async #clear(
    cells: readonly { readonly row: Row; readonly key: string; readonly place: FieldColumns }[],
    { answers }: FoundAnswers,
  ): Promise<Finding[]> {
    const ids = new Set(cells.flatMap(({ row }) => listRunIds(row)));
    const runs = await this.#context.ledger.findRuns([...ids]);
    const changed = new Set<Row>();
    return cells.map(({ row, key, place }) => {
      const known: StoredAnswer | undefined = answers.get(key);
      const stored = known?.fields.get(place.name);
      const isOld = listRunIds(row).some((id) =>
        runs.get(id)?.answers.some(({ fields }) => {
          const value = fields.get(place.name)?.value ?? null;
          return value !== null && isSameField(row, place, value);
        }),
      );
      if (!isOld) {
        const isCorrected = (stored?.value ?? null) !== null;
        return this.#describe(row, key, place, isCorrected ? 'corrected' : 'given', stored);
      }
      // An older copy of the file: the ledger has a newer answer.
      if (stored !== undefined) return this.#describe(row, key, place, 'same', stored);
      const isChangedRow = known === undefined && !changed.has(row);
      changed.add(row);
      return { ...this.#describe(row, key, place, 'stale', stored), isChangedRow };
    });
  }

  #describe(
    row: Row,
    key: string,
    place: FieldColumns,
    meaning: Meaning,
    stored: FieldAnswer | undefined,
  ): Finding {
    const isNew = isPersonal(meaning);
    const cell = getValue(row, place.name);
    const change =
      meaning === 'corrected' && typeof cell === 'string' && stored?.who !== 'human'
        ? explainChange(cell, stored?.value ?? null)
        : null;
    const value = isNew ? readField(row, place, stored?.value ?? null) : null;
    return { row, key, field: place.name, meaning, value, change, isChangedRow: false, stored };
  }

  #isBlank(row: Row, { name, values }: FieldColumns): boolean {
    const { blanks } = this.#context;
    if (row.kind === 'object') return blanks.isUnfilled(name, getValue(row, name));
    return values.every(({ title }) => blanks.isUnfilled(title, getValue(row, title)));
  }
}

/** True if all columns of a field still mean its value. */
function isSameField(row: Row, { name, values }: FieldColumns, value: JsonValue): boolean {
  if (row.kind === 'object') return isSameCell(getValue(row, name), value, undefined);
  return values.every(({ title, path, schema }) => {
    const index = row.kind === 'cells' ? row.columns.get(title) : undefined;
    const stored = row.kind === 'cells' && index !== undefined ? row.stored?.[index] : null;
    const raw = stored?.kind === 'number' ? stored.raw : undefined;
    return isSameCell(getValue(row, title) ?? '', getPath(value, path), schema, raw);
  });
}

/** The value in the cells of a field. Parts of an object that the file has no column for stay as they were. */
function readField(row: Row, { name, values }: FieldColumns, before: JsonValue): JsonValue {
  const [only] = values;
  if (row.kind === 'object') return getValue(row, name) ?? null;
  if (values.length === 1 && only?.path.length === 0) {
    return readTypedCell(getValue(row, only.title) ?? '', only.schema);
  }
  const whole: JsonObject = isJsonObject(before) ? structuredClone(before) : {};
  for (const { title, path, schema } of values) {
    const cell = getValue(row, title);
    if (cell !== undefined) setPath(whole, path, cell === '' ? null : readTypedCell(cell, schema));
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
