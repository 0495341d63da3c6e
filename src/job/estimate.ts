import { createUsageError } from '../errors.js';
import type { OpenBatch, PreviousJob } from '../ledger/ledger.js';
import { getFieldIds } from '../model/ask.js';
import type { RemainingRows } from '../model/events.js';
import { holdsObjects } from '../model/file-format.js';
import { formatMicros, limitMicros } from '../model/format.js';
import { KeySet } from '../model/key-set.js';
import { lookAhead } from '../model/look-ahead.js';
import { type Climb, computeLikelyMicros, computeWorstMicros, type Quote } from '../model/prices.js';
import { createQuestion, listKeys, type PendingBatch, type Question } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Batcher } from '../run/batcher.js';
import { InFlight } from '../select/in-flight.js';
import { QuestionJoiner } from '../select/question-joiner.js';
import type { Selection } from '../select/select-rows.js';
import type { ColumnCounter } from './column-plan.js';
import { isAgreed, resolveDoubts, type SharedAnswers, SharedAnswersCounter } from './doubts.js';
import { createBatcher, type JobContext, pickSample } from './job-context.js';
import type { PlannedCounts } from './progress.js';
import type { RecoveredBatches } from './recover.js';
import { describeChanges, reportUnmatched, reportWarnings } from './report-warnings.js';
import { findChunk, selectChunk } from './select-chunk.js';
import { addRepairs, type LevelCost, sumLevel } from './stated-cost.js';
import { JobAbort } from './stop.js';
import { CellWarnings, PlaceholderWarnings } from './warnings.js';

export interface RowEstimate {
  readonly quote: Quote;
  readonly counts: PlannedCounts;
  readonly steps: readonly StepQuote[];
  /** The first batch that would be sent; null if none would. */
  readonly firstGroup: PendingBatch | null;
  /** Index of the lowest effort level needed; null if nothing would be sent. */
  readonly lowestLevel: number | null;
  /** Number of rows that start at that level. */
  readonly lowestRows: number;
  readonly sample: ReadonlySet<number> | null;
  /** Rows to send that were answered before the file's ask changed; null if it did not change. */
  readonly repeated: number | null;
  /** null if no two rows that differ would share an answer. */
  readonly shared: SharedAnswers | null;
  /** The worst cost without the hidden rows of a workbook; null if none would be sent. */
  readonly visibleMicros: number | null;
}

/** The cost of one effort level. At worst, every row needs it, with all possible repairs. */
export interface StepQuote extends LevelCost {
  readonly effort: string;
  /** Runs without repairs. */
  readonly runs: number;
  /** Worst-case cost, including repairs. */
  readonly worstMicros: number;
  /** Cost with the observed or assumed share of rows that need this level. */
  readonly likelyMicros: number;
}

/**
 * Reads the whole input like the job would, without sending anything. Returns what would be sent and its cost. `columns`
 * counts the cells of each column.
 */
export async function estimateRows(
  context: JobContext,
  { inFlight: active, stop }: Pick<JobContext, 'inFlight' | 'stop'> = context,
  columns: ColumnCounter | null = null,
): Promise<RowEstimate> {
  const sample = await pickSample(context.input, context.settings.sample, context.settings.limit);
  context.state.sample = sample;
  const meter = new QuoteMeter(context);
  const visible = new VisibleMeter(context);
  const repeats = new RepeatCounter(context);
  const counts = createCounts();
  const cellNotes = new CellWarnings(context.ask.send);
  const shared = new SharedAnswersCounter(context.ask, context.input.columns);
  const placeholders = new PlaceholderWarnings(context);
  const claims = new UniqueKeys(canBePartlyFilled(context));
  // Duplicates are found by `claims`, so this view need not track them.
  const inFlight = active.createView();
  let rowsRead = 0;
  const chunks = lookAhead(
    context.input.openRows(),
    (rows) => findChunk(rows, context, () => inFlight),
    context.ledger.lookUpsAhead,
  );
  for await (const chunk of chunks) {
    if (stop.reason !== null) break;
    const { rows, questions: opened, answers, selections } = selectChunk(chunk, context);
    rowsRead += rows.length;
    context.tally.countLookedThrough(rowsRead);
    const askedRows: Row[] = [];
    const asked: AskedRow[] = [];
    for (const [index, selection] of selections.entries()) {
      const row = rows[index];
      const questions = selection.status === 'ask' ? claims.takeNew(selection.questions) : [];
      counts[selection.status === 'ask' && questions.length === 0 ? 'duplicate' : selection.status] += 1;
      columns?.add(opened[index], questions, answers);
      if (row === undefined) continue;
      if (selection.status !== 'out_of_scope' && selection.status !== 'skipped') placeholders.count(row);
      shared.add(row, selection);
      if (questions.length === 0) continue;
      meter.add(questions);
      visible.add(row, questions);
      askedRows.push(row);
      asked.push({ row, questions });
    }
    meter.endChunk();
    visible.endChunk();
    cellNotes.count(askedRows);
    await repeats.add(asked);
  }
  reportWarnings(context, [...cellNotes.list(), ...placeholders.list()]);
  return {
    ...(await meter.createQuote()),
    counts,
    sample,
    repeated: repeats.count(),
    shared: shared.find(),
    visibleMicros: await visible.computeWorst(),
  };
}

/** False if every row needs every field, because the input has none of these columns. */
function canBePartlyFilled({ ask, input, settings }: JobContext): boolean {
  if (settings.overwrite) return false;
  // New keys may appear anywhere in a JSON file.
  if (holdsObjects(input.shape)) return true;
  return ask.fields.some(({ name }) =>
    input.columns.some((column) => column === name || column.startsWith(`${name}.`)),
  );
}

function createCounts(): Record<Selection['status'], number> {
  return {
    ask: 0,
    reused: 0,
    duplicate: 0,
    in_progress: 0,
    out_of_scope: 0,
    excluded: 0,
    unchanged: 0,
    skipped: 0,
    invalid: 0,
    failed: 0,
  };
}

/** Assumed share of rows that need the next level, until enough rows are answered. */
const ASSUMED_SHARE = 0.5;
const MIN_KNOWN_ROWS = 8;

/** Computes the share of rows that need the next level, from earlier answers or assumed. */
async function computeClimbShares({ ask, ledger }: JobContext): Promise<Climb[]> {
  if (ask.efforts.length < 2) return [];
  const known = await ledger.getClimbs(ask);
  return ask.efforts.slice(1).map((to, index) => {
    const from = ask.efforts[index] ?? '';
    const { asked, climbed } = known.get(from) ?? { asked: 0, climbed: 0 };
    return asked < MIN_KNOWN_ROWS
      ? { from, to, share: ASSUMED_SHARE, knownRows: null }
      : { from, to, share: climbed / asked, knownRows: asked };
  });
}

/** Adds up runs and prices with the same batcher as the job. */
class QuoteMeter {
  private readonly context: JobContext;
  private readonly pool: Batcher;
  private readonly joiner: QuestionJoiner;
  private chunk: Question[] = [];
  private readonly steps: { effort: string; runs: number; firstMicros: number; likelyMicros: number }[];
  /** Rows that start at each level, and their runs. */
  private readonly begun: { rows: number; runs: number }[];
  private readonly fields = new Set<string>();
  private firstGroup: PendingBatch | null = null;
  private lowestLevel: number | null = null;
  private rows = 0;
  private runs = 0;

  constructor(context: JobContext) {
    this.context = context;
    this.pool = createBatcher(context);
    this.joiner = new QuestionJoiner(context.ask);
    this.steps = context.ask.efforts.map((effort) => ({ effort, runs: 0, firstMicros: 0, likelyMicros: 0 }));
    this.begun = context.ask.efforts.map(() => ({ rows: 0, runs: 0 }));
  }

  /** Adds the questions of one row. */
  add(questions: readonly Question[]): void {
    this.rows += 1;
    this.chunk.push(...questions);
  }

  /** Ends a chunk of rows: like the job, joins the questions of its equal rows. */
  endChunk(): void {
    this.send(this.joiner.add(this.chunk));
    this.chunk = [];
  }

  private send(questions: readonly Question[]): void {
    for (const question of questions) this.pool.add(question);
    for (let group = this.pool.takeFull(); group !== null; group = this.pool.takeFull()) this.count(group);
  }

  async createQuote(): Promise<
    Pick<RowEstimate, 'quote' | 'steps' | 'firstGroup' | 'lowestLevel' | 'lowestRows'>
  > {
    this.send(this.joiner.end());
    for (let groups = this.pool.takeLowest(); groups.length > 0; groups = this.pool.takeLowest()) {
      for (const group of groups) this.count(group);
    }
    const { ask, cap, spend, ledger } = this.context;
    const climbs = await computeClimbShares(this.context);
    this.addLikely(climbs);
    const costs = this.computeLevels(await ledger.listOpenBatches(ask.id));
    const steps = this.steps.map((step, level) => {
      const cost = costs[level] ?? addRepairs(0);
      return { ...step, ...cost, worstMicros: limitMicros(sumLevel(cost)) };
    });
    const quote = {
      rows: this.rows,
      runs: this.runs,
      worstMicros: steps.reduce((sum, step) => sum + step.worstMicros, 0),
      likelyMicros: steps.reduce((sum, step) => sum + step.likelyMicros, 0),
      // No row starts below the lowest level, so nothing is assumed about it.
      climbs: climbs.slice(this.lowestLevel ?? 0),
      columns: ask.send,
      maxCostMicros: cap.micros,
      spentMicros: spend.spentMicros + spend.reservedMicros,
      fields: ask.fields.flatMap(({ name }) => (this.fields.has(name) ? [name] : [])),
      isOfAllFields: this.fields.size === ask.fields.length,
    };
    const { firstGroup, lowestLevel } = this;
    return { quote, steps, firstGroup, lowestLevel, lowestRows: this.begun[lowestLevel ?? 0]?.rows ?? 0 };
  }

  /** At worst, every row needs all levels from its current one. */
  private count(group: PendingBatch): void {
    const { ask, prices } = this.context;
    this.firstGroup ??= group;
    for (const field of group.fields) this.fields.add(field);
    this.lowestLevel = Math.min(this.lowestLevel ?? group.level, group.level);
    this.runs += 1;
    for (const step of this.steps.slice(group.level)) {
      step.runs += 1;
      step.firstMicros += computeWorstMicros(prices, step.effort, group.questions.length, ask, group.fields);
    }
    const begun = this.begun[group.level];
    if (begun === undefined) return;
    begun.rows += group.questions.length;
    begun.runs += 1;
  }

  /**
   * Computes the worst cost of each level. For an active run of an earlier command, this command pays for repairs and
   * further levels, but not for the run itself.
   */
  private computeLevels(open: readonly OpenBatch[]): LevelCost[] {
    const { ask, job, prices } = this.context;
    const levels = this.steps.map(({ firstMicros }) => addRepairs(firstMicros));
    for (const { batch } of open) {
      if (batch.jobId !== job.id) continue;
      const from = Math.max(0, ask.efforts.indexOf(batch.effort));
      for (const [level, effort] of ask.efforts.entries()) {
        const cost = levels[level];
        if (cost === undefined || level < from) continue;
        const more = addRepairs(computeWorstMicros(prices, effort, batch.rows.length, ask, batch.fields));
        levels[level] = {
          firstMicros: cost.firstMicros + (level === from ? 0 : more.firstMicros),
          repairMicros: cost.repairMicros + more.repairMicros,
        };
      }
    }
    return levels;
  }

  /** Retries at a higher level are collected into full batches. */
  private addLikely(climbs: readonly Climb[]): void {
    const { prices, settings } = this.context;
    let climbing = 0;
    for (const [level, step] of this.steps.entries()) {
      const { rows, runs } = this.begun[level] ?? { rows: 0, runs: 0 };
      const likelyRuns = Math.min(step.runs, runs + Math.ceil(climbing / settings.batchSize));
      step.likelyMicros = likelyRuns * computeLikelyMicros(prices, step.effort);
      climbing = Math.round((rows + climbing) * (climbs[level]?.share ?? 0));
    }
  }
}

/** Adds up the cost of the rows of a workbook that are not hidden. */
class VisibleMeter {
  private readonly meter: QuoteMeter | null;
  private hasHidden = false;

  constructor(context: JobContext) {
    const isOpen = context.input.shape.format === 'xlsx' && context.settings.options.hiddenRows === undefined;
    this.meter = isOpen ? new QuoteMeter(context) : null;
  }

  add(row: Row, questions: readonly Question[]): void {
    if (row.isHidden === true) this.hasHidden = true;
    else this.meter?.add(questions);
  }

  endChunk(): void {
    this.meter?.endChunk();
  }

  async computeWorst(): Promise<number | null> {
    if (!this.hasHidden || this.meter === null) return null;
    return (await this.meter.createQuote()).quote.worstMicros;
  }
}

/** Finds duplicate questions in one pass over the input. */
class UniqueKeys {
  readonly #isPartlyFilled: boolean;
  /** Keys seen so far, per field; per level if every row needs every field. */
  readonly #met = new Map<string, KeySet>();

  constructor(isPartlyFilled: boolean) {
    this.#isPartlyFilled = isPartlyFilled;
  }

  /** Returns the parts of a row's questions that no earlier row has asked. Empty for a duplicate. */
  takeNew(questions: readonly Question[]): Question[] {
    if (!this.#isPartlyFilled) return questions.filter(({ key, level }) => this.#add(String(level), key));
    return questions.flatMap((question) => {
      const fields = question.fields.filter((field) => this.#add(field, question.key));
      return fields.length === 0 ? [] : [{ ...question, fields }];
    });
  }

  #add(name: string, key: string): boolean {
    let met = this.#met.get(name);
    if (met === undefined) {
      met = new KeySet();
      this.#met.set(name, met);
    }
    return met.add(key);
  }
}

/** A row that would be sent. */
interface AskedRow {
  readonly row: Row;
  readonly questions: readonly Question[];
}

/** Counts the rows sent again because the ask changed, although the previous ask had answers for them. */
class RepeatCounter {
  private readonly context: JobContext;
  private readonly previous: PreviousJob | null;
  private readonly isRepeatable: (question: Question, formerKey: string, field: string) => boolean;
  private repeated = 0;

  constructor(context: JobContext) {
    const { ask, job } = context;
    const { previous } = job;
    this.context = context;
    this.previous = previous !== null && previous.answered > 0 ? previous : null;
    const [before, now] = [getFieldIds(previous?.ask ?? ask), getFieldIds(ask)];
    const isOtherQuestion = previous?.ask.id !== ask.id;
    // Retries at a higher effort and refreshes are not caused by a change, so do not count them as repeated.
    this.isRepeatable = ({ key }, formerKey, field) =>
      isOtherQuestion || key !== formerKey || before.get(field) !== now.get(field);
  }

  async add(rows: readonly AskedRow[]): Promise<void> {
    const { previous } = this;
    if (previous === null || rows.length === 0) return;
    const { ledger, settings, blanks, history } = this.context;
    const keys = rows.map(({ row }) =>
      listKeys(createQuestion(row, previous.ask, settings.overwrite, blanks, history)),
    );
    const former = { id: previous.id, askId: previous.ask.id, ask: previous.ask };
    const { answers } = await ledger.findAnswers(former, [...new Set(keys.flat())]);
    const isRepeated = ({ questions }: AskedRow, key: string): boolean =>
      questions.some((question) =>
        question.fields.some(
          (field) => answers.get(key)?.fields.has(field) === true && this.isRepeatable(question, key, field),
        ),
      );
    this.repeated += rows.filter((row, index) => keys[index]?.some((key) => isRepeated(row, key))).length;
  }

  /** Returns null if nothing was answered before or the ask is the same. */
  count(): number | null {
    return this.previous === null ? null : this.repeated;
  }
}

/**
 * Reads the whole input before spending anything, so that a broken file fails early and the worst-case cost is known.
 * Throws a usage error if the cost is not confirmed, and `agentFault` if something is to be sent. Stops a job that has
 * found nothing so far, unless the user continues it.
 */
export async function confirmCost(
  context: JobContext,
  recovered: RecoveredBatches,
  agentFault: Error | null,
): Promise<void> {
  const { settings, hooks, agent, stop } = context;
  if (settings.sample === null && agent.isFree) return reportChanges(context, null);
  const survey = await estimateRows(context);
  const { quote, counts, repeated, lowestLevel } = survey;
  // Interrupted while reading: nothing will be sent, so there is nothing to confirm.
  if (stop.reason !== null) return;
  if (agentFault !== null && quote.rows > 0) throw agentFault;
  context.state.planned = counts;
  const isAgreedTo = settings.options.yes === true || context.cap.micros !== null;
  // With nothing to send nobody is asked, so repairs of runs that another job left at work are not paid for here.
  const isHeld = quote.worstMicros > 0 || (quote.rows === 0 && !isAgreedTo);
  if (!agent.isFree && isHeld) context.statedCost.state(survey.steps);
  context.tally.expectRows(counts);
  reportChanges(context, repeated);
  reportUnmatched(context);
  // If runs of an earlier process are active, decide once they have ended, because they may find something.
  const findsNothing = lowestLevel !== null && context.yields.findsNothing(lowestLevel);
  if (findsNothing && recovered.runs.length === 0 && !(await context.yields.confirmContinue(lowestLevel))) {
    context.yields.stopIfClosed();
    return;
  }
  // Free jobs need no confirmation: no run, the embedded agent, or a price set to 0. Repairs of active runs were
  // confirmed when the runs started.
  const isPaid = !agent.isFree && quote.rows > 0 && quote.worstMicros > 0;
  await resolveDoubts(context, survey, isPaid);
  if (!isPaid) return;
  if (hooks.confirm !== undefined) {
    if (await isAgreed(hooks.confirm(quote), hooks.signal)) return;
    throw createUsageError(
      'COST_DECLINED',
      'not started: nothing was sent and nothing was spent',
      'Run the command again to be asked again. Use --limit to try a few rows first.',
    );
  }
  if (isAgreedTo) return;
  throw createUsageError(
    'COST_NOT_CONFIRMED',
    `this job can cost $${formatMicros(quote.worstMicros)} (${describe(quote)}), and the cost is not confirmed`,
    'Set maxCost to cap it, set yes to accept it, or pass a confirm hook.',
  );
}

/** Reported before the cost is confirmed. */
function reportChanges({ job, onEvent }: JobContext, repeated: number | null): void {
  const message = describeChanges(job, repeated);
  if (message !== null) onEvent({ type: 'note', code: 'ASK_CHANGED', message });
}

function describe(quote: Quote): string {
  return `${quote.rows} rows in ${quote.runs} runs`;
}

/** Computes the remaining rows and their cost for a job that reached its budget; null for any other. */
export async function estimateRemaining(context: JobContext): Promise<RemainingRows | null> {
  if (context.stop.reason !== 'budget') return null;
  // Estimated like a new job, so that rows held back count as rows to send.
  const { quote } = await estimateRows(context, { inFlight: new InFlight(), stop: new JobAbort() });
  const { rows, runs, worstMicros } = quote;
  return { rows, runs, worstMicros };
}
