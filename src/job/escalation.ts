import type { FoundAnswers, JobHandle, Ledger, StoredAnswer } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { Verdict } from '../model/verdict.js';
import { readCellVerdicts } from './cell-verdicts.js';

/** Verdicts that speak against an answer. A page that could not be read says nothing about it. */
const DOUBTED: ReadonlySet<Verdict> = new Set(['not_on_page', 'gone', 'uncited']);

/** Makes a job send only the cells whose value is not on a cited page, at the next effort. */
export class Escalation {
  readonly #ledger: Pick<Ledger, 'findVerdicts'>;
  readonly #job: JobHandle;
  readonly #ask: Ask;

  constructor(ledger: Pick<Ledger, 'findVerdicts'>, job: JobHandle, ask: Ask) {
    this.#ledger = ledger;
    this.#job = job;
    this.#ask = ask;
  }

  /** Prepares answers for the selection: doubted values count as missing, all other cells as final. */
  async limit({ answers, ...found }: FoundAnswers, keys: readonly string[]): Promise<FoundAnswers> {
    const verdicts = await this.#ledger.findVerdicts(this.#job, keys);
    const limited = keys.map((key): [string, StoredAnswer] => {
      const stored = answers.get(key) ?? UNANSWERED;
      const doubted = listDoubted(stored.fields, verdicts.get(key) ?? []);
      const fields = this.#ask.fields.map(({ name }): [string, FieldAnswer] => {
        const answer = stored.fields.get(name) ?? NOT_ASKED;
        const isOpen = doubted.has(name) && answer.who !== 'human';
        return [name, isOpen ? { ...answer, value: null } : { ...answer, who: 'human' }];
      });
      return [key, { ...stored, fields: new Map(fields) }];
    });
    return { ...found, answers: new Map(limited) };
  }
}

/** Names of the fields whose value is not on any page that it cites. */
export function listDoubted(...[fields, stored]: Parameters<typeof readCellVerdicts>): ReadonlySet<string> {
  const verdicts = [...readCellVerdicts(fields, stored)];
  return new Set(verdicts.filter(([, { verdict }]) => DOUBTED.has(verdict)).map(([name]) => name));
}

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
