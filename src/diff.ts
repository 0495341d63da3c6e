import { CleanupStack } from './job/open-agent.js';
import { createOpenCells } from './job/returned-cells.js';
import { findStoredJob, openStoredInput } from './job/stored-job.js';
import type { JobRecord, Ledger, StoredAnswer } from './ledger/ledger.js';
import type { FieldAnswer } from './model/answer.js';
import { type Ask, getFieldIds, isEmbedded } from './model/ask.js';
import { formatCanonicalJson, type JsonValue } from './model/json.js';
import { KeySet } from './model/key-set.js';
import { createQuestion, listKeys, resolveKey } from './model/question.js';
import { getValue, type Row } from './model/row.js';
import { isSameValue } from './model/same-value.js';
import { cleanAnswer } from './model/untrusted-text.js';

/** A value of a job that is another one now. Null stands for none. */
export interface ChangedCell {
  /** 1-based line of the input. */
  readonly line: number;
  /** The row's value in the first sent column that is not blank. */
  readonly row: JsonValue;
  readonly field: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
  /** Of the value after the change. */
  readonly confidence: string | null;
  /** Null for a value that was taken away. */
  readonly who: 'agent' | 'human' | null;
  readonly runId: string | null;
  readonly effort: string | null;
  readonly changedAtMs: number;
}

/** What happened to the values of a field. */
export interface FieldChanges {
  changed: number;
  /** Had no value before. */
  added: number;
  /** Has no value now. */
  removed: number;
  /** Answered again with the same value. */
  confirmed: number;
}

export interface DiffResult {
  /** Rows of the job; equal rows count once. */
  readonly rows: number;
  readonly changedRows: number;
  readonly fields: ReadonlyMap<string, FieldChanges>;
}

interface DiffParts {
  readonly ledger: Ledger;
  readonly jobId: string;
  /** Path of the input, if it was moved. */
  readonly input: string | undefined;
  readonly sinceMs: number;
  /** Called for each changed cell, in the order of the input. Reading waits for it. */
  readonly onCell: (cell: ChangedCell) => void | Promise<void>;
}

/**
 * Compares the values that a job has now with those that it had at a time, from the ledger. Throws what `export` throws
 * for a job whose input cannot be read again.
 */
export async function diffJob({ ledger, jobId, input, sinceMs, onCell }: DiffParts): Promise<DiffResult> {
  const closers = new CleanupStack();
  try {
    const job = await findStoredJob(ledger, jobId, input);
    const opened = await openStoredInput(ledger, job, closers);
    const { asks, kept } = opened;
    const { formerSends } = opened.history;
    const history = { formerSends, returned: opened.table === null ? null : createOpenCells(opened.table) };
    const returned = opened.table?.fields ?? new Set<string>();
    const past = new PastValues(ledger, job, asks, sinceMs);
    const met = new KeySet();
    const fields = new Map(
      job.ask.fields.map(({ name }) => [name, { changed: 0, added: 0, removed: 0, confirmed: 0 }]),
    );
    let rowCount = 0;
    let changedRows = 0;
    for await (const rows of opened.input.openRows()) {
      const wanted = rows.filter((row) => opened.isWanted(row));
      // With all fields, so that rows that are filled by now have a key too.
      const questions = wanted.map((row) => createQuestion(row, job.ask, true, opened.blanks, history));
      const { answers } = await ledger.findAnswers(job, questions.flatMap(listKeys));
      const asked = wanted.flatMap((row, index) => {
        const question = questions[index];
        if (question?.status !== 'question') return [];
        const key = resolveKey(question, (each) => answers.get(each)?.fields);
        if (!met.add(key)) return [];
        rowCount += 1;
        const own = createQuestion(row, job.ask, kept.overwrite ?? false, opened.blanks);
        const open = own.status === 'question' ? own.fields : [];
        const names = question.fields.filter((name) => open.includes(name) || returned.has(name));
        return [{ row, key, names }];
      });
      const compared = await Promise.all(
        asked.map(({ key, names }) => past.compare(key, answers.get(key), names)),
      );
      for (const [index, { row }] of asked.entries()) {
        const cells = compared[index] ?? [];
        for (const { field, isSame, ...cell } of cells) {
          count(fields.get(field), cell, isSame);
          if (!isSame) await onCell({ line: row.line, row: findLabel(row, job.ask), field, ...cell });
        }
        if (cells.some(({ isSame }) => !isSame)) changedRows += 1;
      }
    }
    return { rows: rowCount, changedRows, fields };
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

function count(
  changes: FieldChanges | undefined,
  { before, after }: Pick<ChangedCell, 'before' | 'after'>,
  isSame: boolean,
): void {
  if (changes === undefined) return;
  if (isSame) changes.confirmed += 1;
  else if (before === null) changes.added += 1;
  else if (after === null) changes.removed += 1;
  else changes.changed += 1;
}

function findLabel(row: Row, { send }: Ask): JsonValue {
  const values = send.map((column) => getValue(row, column) ?? null);
  return values.find((value) => value !== null && value !== '') ?? null;
}

interface ComparedCell extends Omit<ChangedCell, 'line' | 'row'> {
  readonly isSame: boolean;
}

/** Finds the values that rows had at a time. */
class PastValues {
  readonly #ledger: Ledger;
  readonly #job: JobRecord;
  readonly #sinceMs: number;
  /** The job's ask with the earlier wording of its fields; null if they have none. */
  readonly #former: Ask | null;

  constructor(ledger: Ledger, job: JobRecord, asks: readonly Ask[], sinceMs: number) {
    this.#ledger = ledger;
    this.#job = job;
    this.#sinceMs = sinceMs;
    this.#former = findFormer(job.ask, asks);
  }

  /** The fields of a row that got or lost a value since then. */
  async compare(
    key: string,
    stored: StoredAnswer | undefined,
    names: readonly string[],
  ): Promise<ComparedCell[]> {
    if (stored === undefined) return [];
    const isTouched = (name: string): boolean => {
      const answer = stored.fields.get(name);
      // A field without an answer may have lost it.
      return answer === undefined || (answer.foundAtMs ?? 0) >= this.#sinceMs;
    };
    const touched = names.filter(isTouched);
    if (touched.length === 0) return [];
    const { ask, askId } = this.#job;
    const older = await this.#ledger.listOlderAnswers(askId, key, ask);
    const former = await this.#findFormer(key);
    return touched.flatMap((name) => {
      const now = stored.fields.get(name);
      const gone = older.filter(
        ({ fields, replacedAtMs }) => fields.has(name) && replacedAtMs >= this.#sinceMs,
      );
      const then = [...gone.map(({ fields }) => fields.get(name)), former?.get(name)].filter(
        (each) => each !== undefined && (each.foundAtMs ?? 0) < this.#sinceMs,
      );
      const before = then.at(0) ?? null;
      const changedAtMs = now?.foundAtMs ?? gone[0]?.replacedAtMs ?? 0;
      const [past, present] = [this.#read(before), this.#read(now)];
      if (past === null && present === null) return [];
      // Reworded, and not asked for yet.
      if (now === undefined && gone.length === 0) return [];
      return [
        {
          field: name,
          before: past,
          after: present,
          changedAtMs,
          ...describe(now),
          isSame: isSame(past, present, now?.who === 'human'),
        },
      ];
    });
  }

  async #findFormer(key: string): Promise<ReadonlyMap<string, FieldAnswer> | undefined> {
    if (this.#former === null) return undefined;
    const { answers } = await this.#ledger.findAnswers({ ...this.#job, ask: this.#former }, [key]);
    return answers.get(key)?.fields;
  }

  #read(answer: FieldAnswer | null | undefined): JsonValue {
    if (answer === undefined || answer === null) return null;
    return cleanAnswer(answer, { raw: false, isEmbedded: isEmbedded(this.#job.ask) }).value;
  }
}

/** The agent may spell a value in another way; a person who does so means it. */
function isSame(before: JsonValue, after: JsonValue, isHuman: boolean): boolean {
  if (before === null || after === null) return false;
  return isHuman ? formatCanonicalJson(before) === formatCanonicalJson(after) : isSameValue(before, after);
}

function describe(
  answer: FieldAnswer | undefined,
): Pick<ChangedCell, 'confidence' | 'who' | 'runId' | 'effort'> {
  if (answer === undefined) return { confidence: null, who: null, runId: null, effort: null };
  const { confidence, who = 'agent', runId, effort } = answer;
  return { confidence, who, runId: runId === '' ? null : runId, effort: effort === '' ? null : effort };
}

/** The latest other wording of each field. */
function findFormer(ask: Ask, asks: readonly Ask[]): Ask | null {
  const ids = getFieldIds(ask);
  const fields = ask.fields.flatMap(({ name }) => {
    const other = asks.findLast((each) => {
      const id = getFieldIds(each).get(name);
      return id !== undefined && id !== ids.get(name);
    });
    return other?.fields.filter((field) => field.name === name) ?? [];
  });
  return fields.length === 0 ? null : { ...ask, fields };
}
