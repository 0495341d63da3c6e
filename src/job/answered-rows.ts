import { joinRows } from '../answer/join-rows.js';
import type { Ledger, OpenedJob } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import { isJsonObject, type JsonObject } from '../model/json.js';
import { KeySet } from '../model/key-set.js';
import { createQuestion, type FileHistory, listKeys } from '../model/question.js';
import type { Row } from '../model/row.js';
import type { Settings } from '../options.js';
import type { Input } from '../read/open-input.js';
import type { Exclusion } from '../select/exclusion.js';
import type { InFlight } from '../select/in-flight.js';
import type { Selection } from '../select/select-rows.js';
import { createJsonlFormatter } from '../write/jsonl-writer.js';

/** A row whose result is final, while the job still works on others. */
export interface AnsweredRow {
  /** 0-based position among the rows of the input. */
  readonly ordinal: number;
  /** 1-based line of the input on which the row starts. */
  readonly line: number;
  /** The row as in JSON Lines output: its own values, the fields, and `enrichment`. */
  readonly record: JsonObject;
}

interface Sources {
  readonly input: Pick<Input, 'shape' | 'columns'>;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly history: FileHistory;
  readonly ledger: Pick<Ledger, 'findAnswers'>;
  readonly job: OpenedJob;
  readonly exclusion: Exclusion;
  readonly settings: Pick<Settings, 'options' | 'overwrite'>;
  readonly inFlight: Pick<InFlight, 'holds'>;
  /** False for a row that the job skips. */
  isWanted(row: Row): boolean;
}

/**
 * Reports each row as soon as its result is final. Keeps only rows that wait for a run. A row of a run that an earlier
 * call started is not reported: it is in the output at the end.
 */
export class AnsweredRows {
  readonly #sources: Sources;
  readonly #onAnswer: (row: AnsweredRow) => void;
  readonly #waiting = new Map<string, Row[]>();
  readonly #met = new KeySet();

  constructor(sources: Sources, onAnswer: (row: AnsweredRow) => void) {
    this.#sources = sources;
    this.#onAnswer = onAnswer;
  }

  /** Takes the rows that were just selected. Those that need no run are final already. */
  async select(rows: readonly Row[], selections: readonly Selection[]): Promise<void> {
    const final: Row[] = [];
    for (const [index, row] of rows.entries()) {
      const selection = selections[index];
      if (selection === undefined || HIDDEN.has(selection.status)) continue;
      const key = selection.status === 'ask' ? selection.questions[0]?.key : selection.key;
      const isWaiting = key !== undefined && this.#sources.inFlight.holds(key);
      if (isWaiting) this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), row]);
      else final.push(row);
    }
    await this.#report(final);
  }

  /** Reports the rows with these keys, unless a part of them is retried. */
  async settle(keys: readonly string[]): Promise<void> {
    const final: Row[] = [];
    for (const key of keys) {
      const rows = this.#waiting.get(key);
      if (rows === undefined || this.#sources.inFlight.holds(key)) continue;
      this.#waiting.delete(key);
      final.push(...rows);
    }
    await this.#report(final);
  }

  async #report(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const { input, ask, blanks, history, ledger, job, exclusion, settings, isWanted } = this.#sources;
    const questions = rows.map((row) => createQuestion(row, ask, settings.overwrite, blanks, history));
    const { answers } = await ledger.findAnswers(job, questions.flatMap(listKeys));
    const filled = joinRows(rows, questions, answers, {
      ask,
      blanks,
      overwrite: settings.overwrite,
      raw: settings.options.raw ?? false,
      returned: history.returned ?? null,
      unasked: 'pending',
      isWanted,
      exclusion,
      exclusionName: settings.options.exclude ?? '',
      claimKey: (key) => this.#met.add(key),
    });
    const { shape, columns } = input;
    const { fields } = ask;
    const formatter = createJsonlFormatter({
      path: '-',
      shape,
      columns,
      fields,
      blanks,
      overwrite: settings.overwrite,
      raw: true,
    });
    for (const each of filled) {
      const record: unknown = JSON.parse(formatter.format([each]));
      const { ordinal, line } = each.row;
      if (isJsonObject(record)) this.#onAnswer({ ordinal, line, record });
    }
  }
}

/** Rows that are not final, or not a part of the job. */
const HIDDEN: ReadonlySet<Selection['status']> = new Set(['in_progress', 'out_of_scope']);
