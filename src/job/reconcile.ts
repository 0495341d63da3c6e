import { createUsageError } from '../errors.js';
import { hashText } from '../model/ask.js';
import { formatCount, formatList, formatNumber } from '../model/format.js';
import { formatCanonicalJson } from '../model/json.js';
import { ColumnTally, isMuch } from './column-tally.js';
import { isAgreed } from './doubts.js';
import type { JobContext } from './job-context.js';
import { MovedAnswers } from './moved-answers.js';
import { reportWarnings } from './report-warnings.js';
import {
  type CellContext,
  type CellReader,
  type Finding,
  isPersonal,
  type Meaning,
  openCellReader,
} from './returned-cells.js';
import { RUN_COLUMN } from './returned-row.js';
import type { ReturnedTable } from './returned-table.js';
import { FEW } from './saved-forms.js';

/** The parts of a job that comparing its file needs. */
export type ReconcileContext = CellContext &
  Pick<JobContext, 'input' | 'hooks' | 'lease' | 'reportedWarnings' | 'onEvent'> & {
    readonly settings: Pick<JobContext['settings'], 'overwrite' | 'again'>;
    readonly agent: Pick<JobContext['agent'], 'isFree'>;
  };

/** Number of cells of a column by what they mean. */
export interface ColumnChanges extends Readonly<Record<Meaning, number>> {
  readonly name: string;
}

export interface FileChanges {
  readonly columns: readonly ColumnChanges[];
  /** Rows whose sent values have changed since they were filled. */
  readonly changedRows: number;
}

/**
 * Compares a returned file with the ledger. Corrected cells become values of a person; the answers of cleared ones are
 * rejected, so that they are asked again. In a plan nothing is recorded. `openJob` is called before the first record.
 */
export async function reconcileFile(
  context: ReconcileContext,
  table: ReturnedTable,
  openJob: (() => Promise<void>) | null,
): Promise<FileChanges> {
  const { overwrite } = context.settings;
  const reader = await openCellReader(context, table);
  let moves = new MovedAnswers(table.fields);
  let survey = await surveyRows(context, reader, moves, table);
  if (reader.settleForms()) {
    moves = new MovedAnswers(table.fields);
    survey = await surveyRows(context, reader, moves, table);
  }
  if (moves.settle()) survey = await surveyRows(context, reader, moves, table);
  const { tallies, given, changedRows } = survey;
  reportForeign(context, survey.foreignRows);
  await confirmMoved(context, survey.mixed);
  const rules = await createRules(context, tallies, given);
  const isChanged = [...tallies.values()].some(
    ({ counts }) => counts.corrected + counts.given + counts.cleared > 0,
  );
  if (isChanged || overwrite) {
    let hasOpened = false;
    let replaced = 0;
    for await (const rows of context.input.openRows()) {
      const changes = sortFindings(moves.mark(await reader.read(rows)), rules, table, overwrite);
      replaced += changes.replaced;
      if (openJob === null) for (const each of changes.rejected) table.clear(each.key, each.field);
      if (openJob === null) for (const each of changes.human) table.keep(each.row, each.field, 'human');
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
  report(context, { columns, changedRows: table.isSameQuestion ? changedRows : 0 }, rules, given);
  return { columns, changedRows };
}

interface RowSurvey {
  readonly tallies: ReadonlyMap<string, ColumnTally>;
  readonly given: GivenValues;
  readonly changedRows: number;
  /** Rows with cells that were filled with another ledger. */
  readonly foreignRows: number;
  readonly mixed: MixedRows;
}

/** What tells that only some columns of a file were sorted. */
interface MixedRows {
  /** Rows that show the answers of other rows. */
  moved: number;
  /** True if some of their citations, or runs, say so too, and not just their values. */
  isCited: boolean;
  /** Cells in these rows that a person typed. */
  persons: number;
  /** Cells that may be of another row. */
  unclear: number;
}

/** Reads all rows, and tells the table which cells are the file's own. */
async function surveyRows(
  { input, settings }: ReconcileContext,
  reader: CellReader,
  moves: MovedAnswers,
  table: ReturnedTable,
): Promise<RowSurvey> {
  const tallies = new Map([...table.fields].map((name) => [name, new ColumnTally()] as const));
  const given = new GivenValues();
  let changedRows = 0;
  let foreignRows = 0;
  const mixed: MixedRows = { moved: 0, isCited: false, persons: 0, unclear: 0 };
  for await (const rows of input.openRows()) {
    const findings = moves.mark(await reader.read(rows));
    countMixed(findings, mixed);
    for (const finding of findings) {
      tallies.get(finding.field)?.add(finding);
      given.add(finding);
      keepOwn(table, finding, settings.overwrite);
      if (finding.isChangedRow) changedRows += 1;
    }
    const foreign = findings.filter(({ row, field }) => table.isForeign(row, field));
    foreignRows += new Set(foreign.map(({ row }) => row)).size;
  }
  return { tallies, given, changedRows, foreignRows, mixed };
}

function reportForeign(context: ReconcileContext, rows: number): void {
  if (rows === 0) return;
  const message = `${formatNumber(rows, 'row')} ${rows === 1 ? 'names a run' : 'name runs'} that this ledger does not know (column ${RUN_COLUMN}). The filled cells there are kept as they are, also where somebody changed a value. With the ledger of that job (--ledger FILE), corrected and cleared cells are recognized.`;
  reportWarnings(context, [{ code: 'FILLED_ELSEWHERE', message }]);
}

function countMixed(findings: readonly Finding[], mixed: MixedRows): void {
  const moved = findings.filter(({ meaning }) => meaning === 'moved');
  mixed.moved += new Set(moved.map(({ row }) => row)).size;
  mixed.isCited ||= moved.some(({ doubt }) => doubt === null);
  for (const { doubt } of findings) {
    if (doubt === 'persons') mixed.persons += 1;
    if (doubt === 'unclear') mixed.unclear += 1;
  }
}

/**
 * Keeps the cells of a job's file that its next run would keep, for commands that only read the job. Records and reports
 * nothing.
 */
export async function keepDecidedCells(
  parts: CellContext & Pick<ReconcileContext, 'input'>,
  overwrite: boolean,
  table: ReturnedTable,
): Promise<void> {
  const context = {
    ...parts,
    settings: { overwrite, again: new Set<never>() },
    agent: { isFree: false },
    hooks: {},
    lease: null,
    reportedWarnings: new Set<string>(),
    onEvent: () => undefined,
  };
  await reconcileFile(context, table, null);
}

/** Tells the table which cells are the file’s own, where that is not as what is beside them says. */
function keepOwn(table: ReturnedTable, { row, field, meaning }: Finding, overwrite: boolean): void {
  if (meaning === 'own') {
    if (!overwrite) table.keep(row, field, 'own');
  } else if (meaning === 'unvouched') {
    // The value stays. Its sources are cleared, because the ledger does not know them.
    if (!overwrite) table.keep(row, field, 'unvouched');
  } else if (table.isLeftAlone(row, field)) table.open(row, field);
}

/** The counts of a column once it is decided what a program changed. */
function settleCounts(tally: ColumnTally, { changes }: Rules, name: string): Record<Meaning, number> {
  const { counts } = tally;
  const count = [...tally.changes].reduce(
    (sum, [reason, each]) => sum + (changes.get(name)?.has(reason) === true ? each.count : 0),
    0,
  );
  return { ...counts, corrected: counts.corrected - count, same: counts.same + count };
}

interface Rules {
  /** By column, the changes that a program made to it. */
  readonly changes: ReadonlyMap<string, ReadonlySet<string>>;
  /** Columns whose cleared cells stay blank. */
  readonly staysBlank: ReadonlySet<string>;
  readonly given: GivenValues;
}

async function createRules(
  context: ReconcileContext,
  tallies: ReadonlyMap<string, ColumnTally>,
  given: GivenValues,
): Promise<Rules> {
  const changes = new Map<string, ReadonlySet<string>>();
  const staysBlank = new Set<string>();
  for (const [name, tally] of tallies) {
    const made = tally.listChanges();
    changes.set(name, new Set(made.map(([reason]) => reason)));
    for (const [reason, { count, cell, value }] of made) {
      const message = `${formatNumber(count, 'cell')} of ${name} ${count === 1 ? 'differs from its answer' : 'differ from the answers'} only by ${reason} (“${cell}” for “${value}”), so ${count === 1 ? 'it is not taken for a correction' : 'they are not taken for corrections'}.`;
      reportWarnings(context, [{ code: 'COLUMN_CHANGED', message }]);
    }
    if (tally.isMuchCleared && !(await mayAskCleared(context, name, tally.counts.cleared)))
      staysBlank.add(name);
  }
  return { changes, staysBlank, given };
}

/**
 * Rows with the answers of other rows: usually only some columns were sorted. They get their own answers back. More than
 * a few need consent, because the file’s other columns are mixed up too.
 */
async function confirmMoved(context: ReconcileContext, mixed: MixedRows): Promise<void> {
  const { agent, settings, hooks, lease } = context;
  const rows = mixed.moved;
  if (rows === 0) return;
  // Giving rows their own answers back would lose a typed value, or give it to another row.
  const hasPersons = mixed.persons + mixed.unclear > 0;
  const code = 'ROWS_MIXED';
  const message = `${formatNumber(rows, 'row')} ${rows === 1 ? 'has the answers of another row' : 'have the answers of other rows'}, as if only some columns had been sorted${hasPersons ? '. Values that somebody typed may be among them' : ''}`;
  const isDoubt = (hasPersons || (rows > FEW && !agent.isFree)) && !settings.overwrite && lease !== null;
  if (!isDoubt) {
    const outcome = rows === 1 ? 'It gets its own answers back' : 'They get their own answers back';
    reportWarnings(context, [{ code, message: `${message}. ${outcome}.` }]);
    return;
  }
  const keep = mixed.isCited
    ? ''
    : ' To keep values that you typed, write human in their _confidence columns.';
  const hint = `Sort whole rows, or give the file of before.${keep} With --overwrite, each row gets its own answers back, and values that persons gave are replaced.`;
  if (hooks.confirmDoubt === undefined) throw createUsageError(code, message, hint);
  if (await isAgreed(hooks.confirmDoubt({ code, message, hint }), hooks.signal)) return;
  throw createUsageError(code, 'not started: nothing was sent and nothing was spent', hint);
}

/** Many cleared cells are asked again only with consent. */
async function mayAskCleared(context: ReconcileContext, name: string, count: number): Promise<boolean> {
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
  /** Values of a person in the ledger that `--overwrite` replaces. */
  readonly withdrawn: Finding[];
  /** Number of values of a person that `--overwrite` replaces, in the ledger or the file. */
  replaced: number;
}

/** Selects the findings of a chunk to record. Cells to leave as they are go to `table`. */
function sortFindings(
  findings: readonly Finding[],
  { changes, staysBlank, given }: Rules,
  table: ReturnedTable,
  overwrite: boolean,
): Changes {
  const sorted: Changes = { human: [], rejected: [], withdrawn: [], replaced: 0 };
  for (const finding of findings) {
    const { row, field, meaning, change } = finding;
    if (meaning === 'cleared') {
      // The value that a person gave in an equal row is the answer to this one too.
      if (given.hasValue(finding)) continue;
      if (staysBlank.has(field)) table.keep(row, field, 'blank');
      else sorted.rejected.push(finding);
    } else {
      const isProgram =
        meaning === 'corrected' && change !== null && changes.get(field)?.has(change.reason) === true;
      const isPersons = isPersonal(meaning) && !isProgram;
      if (overwrite) {
        const isStored = finding.stored?.who === 'human';
        if (isStored) sorted.withdrawn.push(finding);
        if (isStored || isPersons || finding.doubt === 'persons') sorted.replaced += 1;
        continue;
      }
      if (!isPersons) continue;
      if (given.isDisputed(finding)) table.keep(row, field, 'human');
      else sorted.human.push(finding);
    }
  }
  return sorted;
}

async function record(
  { ledger, job }: ReconcileContext,
  { human, rejected, withdrawn }: Changes,
): Promise<void> {
  await ledger.putHumanAnswers(
    job.id,
    human.map(({ key, field, value }) => ({ key, values: Object.fromEntries([[field, value]]) })),
  );
  await ledger.rejectAnswers(job.id, [
    ...rejected.map(({ key, field }) => ({ key, field })),
    ...withdrawn.map(({ key, field }) => ({ key, field, mayComeBack: true })),
  ]);
}

/** What persons did to cells, by key and field, to find cells of equal rows that say different things. */
class GivenValues {
  /** Hash of the value; null if there are several. */
  readonly #values = new Map<string, string | null>();
  /** Numbers of cleared cells. */
  readonly #cleared = new Map<string, number>();
  readonly disputedFields = new Set<string>();
  disputed = 0;

  add(finding: Finding): void {
    const isCleared = finding.meaning === 'cleared';
    if (!isCleared && !isPersonal(finding.meaning)) return;
    const place = toPlace(finding);
    if (isCleared) this.#cleared.set(place, (this.#cleared.get(place) ?? 0) + 1);
    if (isCleared) return;
    const value = hashText(formatCanonicalJson(finding.value), 12);
    const known = this.#values.get(place);
    if (known === undefined) this.#values.set(place, value);
    else if (known !== null && known !== value) this.#dispute(finding);
  }

  isDisputed(finding: Pick<Finding, 'key' | 'field'>): boolean {
    return this.#values.get(toPlace(finding)) === null;
  }

  /** True if a person gave one value in a row, or in equal ones. */
  hasValue(finding: Pick<Finding, 'key' | 'field'>): boolean {
    return (this.#values.get(toPlace(finding)) ?? null) !== null;
  }

  /** Number of cleared cells that are not asked again, because a person gave the value in an equal row. */
  countFilled(field: string): number {
    const places = [...this.#cleared].filter(
      ([place]) =>
        place.slice(place.indexOf(' ') + 1) === field && (this.#values.get(place) ?? null) !== null,
    );
    return places.reduce((sum, [, count]) => sum + count, 0);
  }

  #dispute(finding: Finding): void {
    this.#values.set(toPlace(finding), null);
    this.disputed += 1;
    this.disputedFields.add(finding.field);
  }
}

function toPlace({ key, field }: Pick<Finding, 'key' | 'field'>): string {
  return `${key} ${field}`;
}

/** One line on what was found, and one on each thing that needs an explanation. */
function report(
  context: ReconcileContext,
  { columns, changedRows }: FileChanges,
  { staysBlank }: Rules,
  given: GivenValues,
): void {
  const { disputed, disputedFields } = given;
  const { overwrite } = context.settings;
  const sum = (count: (column: ColumnChanges) => number): number =>
    columns.reduce((total, column) => total + count(column), 0);
  const cleared = sum(({ name, cleared: cells }) =>
    staysBlank.has(name) ? 0 : cells - given.countFilled(name),
  );
  const stale = sum((column) => column.stale);
  const unvouched = overwrite ? 0 : sum((column) => column.unvouched);
  const personal = overwrite ? 0 : sum((column) => column.corrected + column.given);
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
    ...(unvouched === 0
      ? []
      : [
          {
            code: 'SOURCES_UNKNOWN',
            message: `${formatNumber(unvouched, 'cell')} in rows that name no run ${unvouched === 1 ? 'has' : 'have'} sources that this ledger does not know. The values stay; their confidence and citations are cleared.`,
          },
        ]),
    ...(disputed === 0 || overwrite
      ? []
      : [
          {
            code: 'CORRECTIONS_DIFFER',
            message: `Equal rows have different values in ${formatList([...disputedFields])}. The file keeps them, and the ledger stores none of them.`,
          },
        ]),
  ];
  const many = overwrite ? [] : columns.filter(({ corrected, same }) => isMuch(corrected, same + corrected));
  const pasted = many.map(({ name, corrected }) => ({
    code: 'MANY_CORRECTIONS',
    message: `${formatNumber(corrected, 'cell')} of ${name} differ from the answers, and are taken for corrections. If they are not, give the file of before.`,
  }));
  reportWarnings(context, [...notes, ...pasted]);
}
