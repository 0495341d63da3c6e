import { RowfillError } from '../errors.js';
import type { EffortYield, JobYield, Ledger, Yield } from '../ledger/ledger.js';
import { isFound, type RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { EnrichEvent, NothingFound } from '../model/events.js';
import { formatDollars, formatNumber } from '../model/format.js';
import { isJsonObject, type JsonObject } from '../model/json.js';
import { computeWorstMicros, type PriceList } from '../model/prices.js';
import type { AgentRun } from '../model/run.js';
import type { JobAbort } from './stop.js';

/** Number of answered rows without any value after which an effort level is stopped. */
const MIN_ROWS_WITHOUT_VALUE = 24;
/** Number of answered rows without a value in a column after which a warning is shown. */
const BLANK_ROWS = 100;

interface NothingFoundSources {
  readonly ledger: Pick<Ledger, 'keepGoing' | 'getLastRun'>;
  readonly jobId: string;
  /** What the job's runs had found when it was opened. */
  readonly found: JobYield;
  readonly spend: { readonly spentMicros: number };
  readonly ask: Ask;
  readonly prices: PriceList;
  /** True if `--keep-going` is set. */
  readonly keepGoing: boolean;
  readonly stop: JobAbort;
  readonly onEvent: (event: EnrichEvent) => void;
  /** Asks the user; undefined without one. */
  readonly confirm: ((job: NothingFound) => Promise<boolean>) | undefined;
}

/** Stops a job that pays for runs that find nothing. The counts include all invocations. */
export class NothingFoundGuard {
  readonly #sources: NothingFoundSources;
  #found: JobYield;
  #keepsGoing: boolean;
  /** The lowest level that was stopped; null if none. */
  #closedLevel: number | null = null;

  constructor(sources: NothingFoundSources) {
    this.#sources = sources;
    this.#found = sources.found;
    this.#keepsGoing = sources.keepGoing || this.#found.keepsGoing;
  }

  /** Counts the answers of a settled run at a level, and warns once if a column stays blank. */
  count(level: number, answers: readonly RowAnswer[]): void {
    if (this.#isDecided(level)) return;
    const { ask, onEvent } = this.#sources;
    const before = this.#found;
    this.#found = addAnswers(before, ask.efforts[level] ?? '', answers);
    for (const { name } of ask.fields) {
      if (this.#countFilled(name) > 0) continue;
      const answered = countAnswered(this.#found, ask, name);
      if (answered < BLANK_ROWS || countAnswered(before, ask, name) >= BLANK_ROWS) continue;
      const message = `${name} is blank in all of the first ${formatNumber(answered, 'answered row')}. Check its description and the sent columns.`;
      onEvent({ type: 'note', code: 'COLUMN_BLANK', message });
    }
  }

  /** True if no run may start at this level, because its first answers or those of a lower level have no values. */
  findsNothing(level: number): boolean {
    return !this.#keepsGoing && this.#findEmptyLevel(level) !== null;
  }

  /** True while nothing was found at this level or above. Then the next start may depend on this run's result. */
  isInDoubt(level: number): boolean {
    return !this.#keepsGoing && !this.#hasFoundFrom(level) && this.#isPaid(level);
  }

  /** True if the level was stopped in this invocation. */
  isClosed(level: number): boolean {
    return this.#closedLevel !== null && level >= this.#closedLevel;
  }

  /**
   * Decides about a level without values when no run is active. Returns true if something was found meanwhile or the user
   * continues the job. Otherwise closes the level, and stops the job if that leaves nothing to start.
   */
  async confirmContinue(level: number): Promise<boolean> {
    const emptyLevel = this.#findEmptyLevel(level);
    if (this.#keepsGoing || emptyLevel === null) return true;
    const { ledger, jobId, confirm, stop } = this.#sources;
    // Only `true` is consent.
    if (confirm !== undefined && (await this.#ask(confirm, emptyLevel)) === true) {
      await ledger.keepGoing(jobId);
      this.#keepsGoing = true;
      return true;
    }
    // Interrupted while asking: leave the level open, so that the next invocation asks again.
    if (stop.reason !== null) return false;
    this.#closedLevel = emptyLevel;
    if (emptyLevel === 0) this.stopIfClosed();
    return false;
  }

  /** Asks the user; false if the job is stopped first. */
  async #ask(confirm: NonNullable<NothingFoundSources['confirm']>, level: number): Promise<boolean> {
    const { startSignal } = this.#sources.stop;
    const job = await this.#describe(level);
    if (startSignal.aborted) return false;
    const stopped = new Promise<false>((resolve) => {
      startSignal.addEventListener('abort', () => resolve(false), { once: true });
    });
    try {
      return await Promise.race([confirm(job), stopped]);
    } catch (error) {
      // An interrupted question rejects; the interruption is already reported.
      if (startSignal.aborted) return false;
      throw error;
    }
  }

  /** Describes a level without values for the user; null if the level found something or may continue. */
  async describeNothingFound(level: number): Promise<NothingFound | null> {
    const emptyLevel = this.#keepsGoing ? null : this.#findEmptyLevel(level);
    return emptyLevel === null ? null : await this.#describe(emptyLevel);
  }

  /** Stops the job because of a closed level, once the lower levels have nothing left. */
  stopIfClosed(): void {
    if (this.#closedLevel === null) return;
    this.#sources.stop.abort('nothing_found', createError(this.#computeFacts(this.#closedLevel)));
  }

  /**
   * Finds the lowest level up to this one that found nothing: neither its answers nor those of higher levels have
   * values.
   */
  #findEmptyLevel(level: number): number | null {
    const { efforts } = this.#sources.ask;
    for (let each = 0; each <= level; each += 1) {
      const answered = this.#found.efforts.get(efforts[each] ?? '')?.rows.answered ?? 0;
      if (answered >= MIN_ROWS_WITHOUT_VALUE && !this.#hasFoundFrom(each) && this.#isPaid(each)) return each;
    }
    return null;
  }

  #isPaid(level: number): boolean {
    const { ask, prices } = this.#sources;
    const fields = ask.fields.map(({ name }) => name);
    return computeWorstMicros(prices, ask.efforts[level] ?? '', 1, ask, fields) > 0;
  }

  #hasFoundFrom(level: number): boolean {
    const efforts = this.#sources.ask.efforts.slice(level);
    return efforts.some((effort) => (this.#found.efforts.get(effort)?.rows.filled ?? 0) > 0);
  }

  /** True once answers at this level cannot change any decision or warning. */
  #isDecided(level: number): boolean {
    const { ask } = this.#sources;
    return (
      this.#hasFoundFrom(level) &&
      ask.fields.every(
        ({ name }) => this.#countFilled(name) > 0 || countAnswered(this.#found, ask, name) >= BLANK_ROWS,
      )
    );
  }

  #countFilled(field: string): number {
    const efforts = [...this.#found.efforts.values()];
    return efforts.reduce((sum, { fields }) => sum + (fields.get(field)?.filled ?? 0), 0);
  }

  async #describe(level: number): Promise<NothingFound> {
    const { ledger, jobId } = this.#sources;
    return { ...this.#computeFacts(level), example: findExample(await ledger.getLastRun(jobId)) };
  }

  #computeFacts(level: number): Omit<NothingFound, 'example'> {
    const { ask, spend } = this.#sources;
    const effort = ask.efforts[level] ?? '';
    return {
      effort,
      untriedEfforts: ask.efforts.slice(level + 1).filter((each) => !this.#found.efforts.has(each)),
      rows: this.#found.efforts.get(effort)?.rows.answered ?? 0,
      costMicros: spend.spentMicros,
      query: ask.query,
      columns: ask.send,
    };
  }
}

const NONE: Yield = { answered: 0, filled: 0 };

function addAnswers(before: JobYield, effort: string, answers: readonly RowAnswer[]): JobYield {
  const known: EffortYield = before.efforts.get(effort) ?? { rows: NONE, fields: new Map() };
  let rows = known.rows;
  const fields = new Map(known.fields);
  for (const answer of answers) {
    for (const [name, field] of answer.fields) fields.set(name, addOne(fields.get(name), isFound(field)));
    rows = addOne(rows, [...answer.fields.values()].some(isFound));
  }
  return { ...before, efforts: new Map([...before.efforts, [effort, { rows, fields }]]) };
}

function addOne({ answered, filled }: Yield = NONE, isFilled: boolean): Yield {
  return { answered: answered + 1, filled: filled + (isFilled ? 1 : 0) };
}

/** Counts rows whose field was sent at the top effort level. Below it, a blank may still be filled. */
function countAnswered({ efforts }: JobYield, ask: Ask, field: string): number {
  return efforts.get(ask.efforts.at(-1) ?? '')?.fields.get(field)?.answered ?? 0;
}

function findExample(run: AgentRun | null): NothingFound['example'] {
  const [record] = run?.request?.input?.data ?? [];
  if (run === null || record === undefined) return null;
  const { row_id: rowId, ...sent } = record;
  const { structured, text } = run.output;
  const rows = isJsonObject(structured) && Array.isArray(structured.rows) ? structured.rows : [];
  const isOwn = (row: unknown): row is JsonObject =>
    typeof row === 'object' && row !== null && 'row_id' in row && row.row_id === rowId;
  const own = rows.find(isOwn);
  return { sent, returned: own === undefined ? text : JSON.stringify(own.fields ?? own) };
}

function createError({
  effort,
  untriedEfforts,
  rows,
  costMicros,
  columns,
}: Omit<NothingFound, 'example'>): RowfillError {
  const higher = untriedEfforts.length === 0 ? '' : `; not tried: effort ${untriedEfforts.join(', ')}`;
  const message = `nothing was found in the first ${formatNumber(rows, 'row')} answered at effort ${effort}, for ${formatDollars(costMicros)} so far${higher}; sent: ${columns.join(', ')}`;
  const hint = `Check the query, the fields, and that the sent columns identify each row. If you expect blanks${higher === '' ? '' : ', or want to try the higher effort'}, continue with --keep-going.`;
  return new RowfillError('usage', 'NOTHING_FOUND', message, { hint });
}
