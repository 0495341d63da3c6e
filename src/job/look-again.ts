import type { OpenBatch } from '../ledger/ledger.js';
import { listNextSteps } from '../model/ask.js';
import type { Question } from '../model/question.js';
import { resolveWaitMs } from '../run/wait-run.js';
import { type JobContext, type NextQuestions, NO_QUESTIONS } from './job-context.js';

type Context = Pick<
  JobContext,
  'ask' | 'job' | 'ledger' | 'inFlight' | 'select' | 'stop' | 'tally' | 'answeredRows' | 'clock' | 'settings'
>;

/** How often the batches of other processes are checked. */
const CHECK_MS = 1_000;
/** A run that is not settled this long after its process should have stopped waiting is not waited for. */
const OVERDUE_MS = 60_000;

/** Looks up questions that another process has sent or answered, and waits for its runs. */
export class LookAgain {
  readonly #context: Context;
  readonly #adopt: () => void;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #lost: Promise<ReadonlyMap<string, string>> = Promise.resolve(new Map());

  /** `adopt` continues with the runs of processes that have ended. */
  constructor(context: Context, adopt: () => void) {
    this.#context = context;
    this.#adopt = adopt;
  }

  /** Returns what is left to send once none of the questions is in an open batch. */
  async run(questions: readonly Question[]): Promise<NextQuestions> {
    const { ledger, job, stop } = this.#context;
    const again: Question[] = [];
    let waiting = questions;
    while (waiting.length > 0 && stop.reason === null) {
      const keys = [...new Set(waiting.map(({ key }) => key))];
      const { answers, elsewhere, seen } = await ledger.findAnswers(job, keys);
      for (const question of waiting) {
        if (elsewhere.has(question.key)) continue;
        const stored = answers.get(question.key);
        const fresh = stored && this.#context.select.keepFresh(stored, question.fields);
        again.push(...continueQuestion(question, fresh, seen, this.#context));
      }
      await this.#context.answeredRows?.settle(keys);
      waiting = waiting.filter(({ key }) => elsewhere.has(key));
      if (waiting.length === 0) break;
      await ledger.whenChanged(stop.startSignal);
      waiting = await this.#failLost(waiting);
    }
    return { ...NO_QUESTIONS, again };
  }

  /** Fails questions whose run may never be settled. The next invocation checks them again. Returns the others. */
  async #failLost(questions: readonly Question[]): Promise<readonly Question[]> {
    const { clock, ledger, job, inFlight, tally } = this.#context;
    if (clock.now() - this.#checkedAtMs >= CHECK_MS) {
      this.#checkedAtMs = clock.now();
      this.#adopt();
      this.#lost = this.#findLost();
    }
    const reasons = await this.#lost;
    const lost = questions.filter(({ key }) => reasons.has(key));
    if (lost.length === 0) return questions;
    const failures = lost.map(({ key }) => ({ key, reason: reasons.get(key) ?? '' }));
    await ledger.recordFailures(job.id, failures);
    for (const { key, fields } of lost) inFlight.remove(key, fields);
    tally.countGivenUp(lost.length, failures[0]?.reason ?? '');
    await this.#context.answeredRows?.settle(failures.map(({ key }) => key));
    return questions.filter(({ key }) => !reasons.has(key));
  }

  /** Keys in batches that their own process no longer waits for, each with the reason. */
  async #findLost(): Promise<ReadonlyMap<string, string>> {
    const { ledger, job, clock, settings } = this.#context;
    const reasons = new Map<string, string>();
    const outOfReach = await ledger.listOutOfReach(job.askId);
    const findReason = (open: OpenBatch): string | null => {
      if (outOfReach.has(open.batch.id)) return OTHER_KEY;
      if (open.state === 'unknown') return UNKNOWN;
      return isOverdue(open, clock.now(), settings.runTimeoutMs) ? OVERDUE : null;
    };
    for (const open of await ledger.listOpenBatches(job.askId)) {
      const reason = findReason(open);
      if (reason !== null) for (const { key } of open.batch.rows) reasons.set(key, reason);
    }
    return reasons;
  }
}

/** True for a batch that its own process can no longer be waiting for. */
export function isOverdue(
  { batch, intendedAtMs }: OpenBatch,
  nowMs: number,
  runTimeoutMs: number | null,
): boolean {
  return nowMs - intendedAtMs > resolveWaitMs(batch.effort, runTimeoutMs) + OVERDUE_MS;
}

const OTHER_KEY =
  'this row was sent with another API key by a process that has ended; run its job again with that key first';
const UNKNOWN = 'another job sent this row, and could not check whether its run exists';
const OVERDUE = 'another job sent this row, and its run has not ended in time';

/** Returns what is still missing. What was answered is no longer in flight. */
function continueQuestion(
  question: Question,
  stored: Parameters<typeof listNextSteps>[2],
  seen: number,
  { ask, inFlight, tally }: Context,
): Question[] {
  const { key, fields, level } = question;
  const steps = listNextSteps(ask, fields, stored);
  const open = steps.flatMap((step) => step.fields);
  inFlight.remove(
    key,
    fields.filter((field) => !open.includes(field)),
  );
  if (steps.length === 0 && !inFlight.holds(key)) tally.countAnsweredElsewhere();
  return steps.map((step) =>
    step.level === level
      ? { ...question, fields: step.fields, seen }
      : { ...question, ...step, attempt: 1, fault: null, seen },
  );
}
