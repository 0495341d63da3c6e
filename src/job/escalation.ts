import type { FoundAnswers, JobHandle, JobRecord, Ledger, StoredAnswer } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import { type Ask, extendLadder, findLevelAbove } from '../model/ask.js';
import { createQuestion, listKeys, resolveKey } from '../model/question.js';
import type { Verdict } from '../model/verdict.js';
import { readCellVerdicts } from './cell-verdicts.js';
import { readLadder } from './resolve-ask.js';
import type { RowSources } from './verify-rows.js';

/** Verdicts that speak against an answer. A page that could not be read says nothing about it. */
const DOUBTED: ReadonlySet<Verdict> = new Set(['not_on_page', 'gone', 'uncited']);

/** What an escalation is limited to. */
export interface EscalationScope {
  /** Keys of the rows of `--sample`; null for all. */
  readonly keys: ReadonlySet<string> | null;
  /** The fields of `--fields`; null for all. */
  readonly fields: ReadonlySet<string> | null;
}

/** Makes a job send only the cells whose value is not on a cited page, at the last effort of its ladder. */
export class Escalation {
  readonly #ledger: Pick<Ledger, 'findVerdicts'>;
  readonly #job: JobHandle;
  readonly #ask: Ask;
  readonly #scope: EscalationScope;

  constructor(
    ledger: Pick<Ledger, 'findVerdicts'>,
    job: JobHandle,
    ask: Ask,
    scope: EscalationScope = { keys: null, fields: null },
  ) {
    this.#ledger = ledger;
    this.#job = job;
    this.#ask = ask;
    this.#scope = scope;
  }

  /** Prepares answers for the selection: doubted values in scope count as missing, all other cells as final. */
  async limit({ answers, ...found }: FoundAnswers, keys: readonly string[]): Promise<FoundAnswers> {
    const verdicts = await this.#ledger.findVerdicts(this.#job, keys);
    const { efforts } = this.#ask;
    const limited = keys.map((key): [string, StoredAnswer] => {
      const stored = answers.get(key) ?? UNANSWERED;
      const isChosen = this.#scope.keys?.has(key) !== false;
      const doubted = isChosen ? listDoubted(stored.fields, verdicts.get(key) ?? []) : NONE;
      const fields = this.#ask.fields.map(({ name }): [string, FieldAnswer] => {
        const answer = stored.fields.get(name) ?? NOT_ASKED;
        const isNext = findLevelAbove(efforts, answer.triedEffort) === efforts.length - 1;
        const isAsked = doubted.has(name) && this.#scope.fields?.has(name) !== false;
        const isOpen = isNext && isAsked && answer.who !== 'human';
        return [name, isOpen ? { ...answer, value: null } : { ...answer, who: 'human' }];
      });
      return [key, { ...stored, fields: new Map(fields) }];
    });
    return { ...found, answers: new Map(limited) };
  }
}

interface EscalationSources
  extends Pick<RowSources, 'input' | 'blanks' | 'history' | 'exclusion' | 'isWanted'> {
  readonly kept: { readonly overwrite?: boolean | undefined };
  readonly ledger: Pick<Ledger, 'findAnswers' | 'findVerdicts'>;
  readonly job: JobRecord;
  readonly isSampled: boolean;
  /** The only fields that are looked at; null for all. */
  readonly fields: ReadonlySet<string> | null;
  readonly signal?: AbortSignal | undefined;
}

/** The next escalation of a job. */
interface NextEscalation {
  readonly doubted: number;
  /** The job's effort ladder up to the level that doubted cells are sent at; null if none can be sent. */
  readonly ladder: readonly string[] | null;
  readonly scope: EscalationScope;
}

/**
 * Finds the level of the next escalation: the lowest one that a doubted cell was not sent at. So an escalation that was
 * stopped is finished before the next level begins, by whatever it was stopped, because answers alone decide.
 */
export async function findEscalation(sources: EscalationSources): Promise<NextEscalation> {
  const { input, blanks, history, exclusion, kept, ledger, job, signal, isWanted } = sources;
  const { ask } = job;
  const efforts = extendLadder(readLadder(job));
  const ended = job.stop === 'done' ? (ask.efforts.at(-1) ?? '') : null;
  // Kept only for a sample: an input may have millions of rows.
  const chosen = sources.isSampled ? new Set<string>() : null;
  let doubted = 0;
  let [lowest, failed] = [efforts.length, efforts.length];
  for await (const rows of input.openRows(signal)) {
    const questions = rows
      .filter((row) => isWanted(row) && exclusion.findMatch(row) === null)
      .map((row) => createQuestion(row, ask, kept.overwrite ?? false, blanks, history));
    const keys = questions.flatMap(listKeys);
    for (const key of keys) chosen?.add(key);
    const { answers } = await ledger.findAnswers(job, keys);
    const verdicts = await ledger.findVerdicts(job, keys);
    for (const question of questions) {
      if (question.status !== 'question') continue;
      const key = resolveKey(question, (each) => answers.get(each)?.fields);
      const { fields, failure } = answers.get(key) ?? UNANSWERED;
      for (const name of listDoubted(fields, verdicts.get(key) ?? [])) {
        if (!question.fields.includes(name) || sources.fields?.has(name) === false) continue;
        doubted += 1;
        const level = findLevelAbove(efforts, fields.get(name)?.triedEffort ?? '');
        // A row that an ended escalation could not get must not hold back all others for ever.
        if (failure !== null && efforts[level] === ended) failed = Math.min(failed, level);
        else lowest = Math.min(lowest, level);
      }
    }
  }
  const level = lowest < efforts.length ? lowest : failed;
  const ladder = level < efforts.length ? efforts.slice(0, level + 1) : null;
  return { doubted, ladder, scope: { keys: chosen, fields: sources.fields } };
}

/** Names of the fields whose value is not on any page that it cites. */
export function listDoubted(...[fields, stored]: Parameters<typeof readCellVerdicts>): ReadonlySet<string> {
  const verdicts = [...readCellVerdicts(fields, stored)];
  return new Set(verdicts.filter(([, { verdict }]) => DOUBTED.has(verdict)).map(([name]) => name));
}

const NONE: ReadonlySet<string> = new Set();

const NOT_ASKED: FieldAnswer = {
  value: null,
  confidence: null,
  citations: [],
  issue: null,
  runId: '',
  effort: '',
  triedEffort: '',
};

const UNANSWERED: StoredAnswer = {
  fields: new Map(),
  failure: null,
  failureInvocation: null,
  costMicros: 0,
  estimatedMicros: 0,
  runId: null,
  answeredJobId: null,
  answeredInvocation: null,
  answeredAtMs: null,
};
