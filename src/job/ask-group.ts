import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { checkRun, type RowChecker } from '../check/check-run.js';
import { excludeAnswers } from '../check/exclude-answers.js';
import { planRepair } from '../check/plan-repair.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OpenedJob } from '../ledger/records.js';
import type { RowAnswer } from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import { type Batch, createBatch } from '../model/batch.js';
import { readNextStep } from '../model/ladder.js';
import { type PriceList, readWorstMicros } from '../model/prices.js';
import type { Question, QuestionGroup } from '../model/question.js';
import type { AgentRun } from '../model/run.js';
import type { Exclusion } from '../select/exclusion.js';
import type { InFlight } from '../select/in-flight.js';
import { createRequest } from '../send/create-request.js';
import { describeFaults } from '../send/describe-faults.js';
import { type SendContext, sendBatch } from '../send/send-batch.js';
import { createAnswers } from '../settle/create-answers.js';
import { createGoneRun } from '../wait/create-gone-run.js';
import { waitForRun } from '../wait/wait-run.js';
import type { JobTally } from './job-tally.js';
import type { Patience } from './patience.js';
import type { StopSwitch } from './stop-switch.js';

export interface AskContext {
  readonly ask: Ask;
  readonly job: OpenedJob;
  readonly ledger: Ledger;
  readonly client: AgentClient;
  readonly checker: RowChecker;
  readonly inFlight: InFlight;
  readonly stop: StopSwitch;
  readonly patience: Patience;
  readonly tally: JobTally;
  readonly send: SendContext;
  readonly prices: PriceList;
  /** Answers are asked for again on purpose: what comes back replaces the older ones. */
  readonly isRefresh: boolean;
  /** The attempt after which a row that was not answered fails. */
  readonly lastAttempt: number;
  readonly exclusion: Exclusion;
}

/** What a group leaves to be asked. */
export interface NextQuestions {
  /** The group itself, if the budget had no room for it. */
  readonly overBudget: QuestionGroup | null;
  readonly followUp: QuestionGroup | null;
  readonly again: readonly Question[];
}

const NOTHING: NextQuestions = { overBudget: null, followUp: null, again: [] };

/** The way of one group of questions through its run: send, wait, check, settle; and what has to go round again. */
export async function askGroup(group: QuestionGroup, context: AskContext): Promise<NextQuestions> {
  const batch = createGroupBatch(group, context);
  const exclusions = context.exclusion.relevantTo(group.questions.map((question) => question.record));
  const sent = await sendBatch(batch, createRequest(context.ask, batch, exclusions), context.send);
  switch (sent.status) {
    case 'sent':
      context.tally.countSent(batch, readRunId(sent.run), sent.adopted);
      return waitAndSettle(batch, group, sent.run, context);
    case 'over_budget':
      return { ...NOTHING, overBudget: group };
    case 'stopped':
      return NOTHING;
    case 'absent':
      return sendAgain(group, sent.reason, context);
    case 'unknown':
      return leaveUnknown(batch, sent.reason, context);
    case 'rejected':
      return giveUp(group, sent.reason, context);
    case 'fatal':
      context.stop.stopFor(sent.error);
      return NOTHING;
  }
}

/** The same way from where an earlier process left it: the run works already. */
export function resumeGroup(
  runId: string,
  batch: Batch,
  group: QuestionGroup,
  context: AskContext,
): Promise<NextQuestions> {
  context.tally.countSent(batch, runId, true);
  return waitAndSettle(batch, group, runId, context);
}

async function waitAndSettle(
  batch: Batch,
  group: QuestionGroup,
  run: StartedRun | string,
  context: AskContext,
): Promise<NextQuestions> {
  const { client, stop, send } = context;
  const waited = await waitForRun(client, run, stop.waitSignal);
  send.pacer.release('ended');
  switch (waited.status) {
    case 'ended':
      return settleRun(batch, group, waited.run, context);
    case 'gone':
      return settleRun(batch, group, createGoneRun(batch, readRunId(run), waited.reason), context);
    case 'stopped':
      return NOTHING;
    case 'fatal':
      stop.stopFor(waited.error);
      return NOTHING;
  }
}

/** Good rows are settled at once; the rest goes round again, or fails at its last attempt. */
function settleRun(batch: Batch, group: QuestionGroup, run: AgentRun, context: AskContext): NextQuestions {
  const { ledger, tally, checker, inFlight } = context;
  const checked = excludeAnswers(checkRun(batch, run, checker), batch, context.exclusion);
  const answers = createAnswers(batch, checked, run);
  const repair = planRepair(group, checked.rejected, run, context.lastAttempt);
  ledger.settle(batch.id, run, answers, repair.failures);
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  const climbing = readClimbing(group, answers, context.ask);
  const again = [...repair.again, ...climbing];
  for (const question of [...again, ...(repair.followUp?.questions ?? [])]) {
    inFlight.add(question.key, question.fields);
  }
  tally.countSettled(batch, run, {
    answered: answers.length,
    done: answers.length - climbing.length,
    failed: repair.failures.length,
  });
  if (answers.length > 0) context.patience.renew();
  else if (group.attempt === 1)
    context.patience.wear(checked.rejected[0]?.reason ?? `run ${run.id} ${run.status}`);
  return { overBudget: null, followUp: repair.followUp, again };
}

/** Rows whose answers leave something for the next level of the effort ladder. */
function readClimbing(group: QuestionGroup, answers: readonly RowAnswer[], ask: Ask): Question[] {
  if (ask.efforts.length === 1) return [];
  const answersByKey = new Map(answers.map((answer) => [answer.key, answer.fields]));
  return group.questions.flatMap((question) => {
    const fields = answersByKey.get(question.key);
    if (fields === undefined) return [];
    const step = readNextStep(ask, question.fields, fields);
    return step === null
      ? []
      : [{ ...question, fields: step.fields, level: step.level, attempt: 1, fault: null }];
  });
}

/** Its rows stay in flight, for a run may work on them; what it brings is picked up the next time. */
function leaveUnknown(batch: Batch, reason: string, context: AskContext): NextQuestions {
  const { ledger, job, tally } = context;
  ledger.fail(
    job.id,
    batch.rows.map(({ key }) => ({ key, reason })),
  );
  tally.countUnknown(batch, reason);
  return NOTHING;
}

/** A run that certainly does not exist is started once more under a new batch id, so that the two cannot be confused. */
function sendAgain(group: QuestionGroup, reason: string, context: AskContext): NextQuestions {
  if (group.attempt > context.lastAttempt) return giveUp(group, reason, context);
  return {
    ...NOTHING,
    again: group.questions.map((question) => ({ ...question, attempt: question.attempt + 1 })),
  };
}

/** Rows that no run will answer any more, in this invocation of the job. */
function giveUp(group: QuestionGroup, reason: string, context: AskContext): NextQuestions {
  const { ledger, job, inFlight, tally, patience } = context;
  ledger.fail(
    job.id,
    group.questions.map(({ key }) => ({ key, reason })),
  );
  for (const question of group.questions) inFlight.remove(question.key, question.fields);
  tally.countGivenUp(group.questions.length, reason);
  patience.wear(reason);
  return NOTHING;
}

/** The batch that a group goes out as. */
export function createGroupBatch(
  group: QuestionGroup,
  context: Pick<AskContext, 'ask' | 'job' | 'prices' | 'isRefresh'>,
): Batch {
  const { ask, job, prices } = context;
  const effort = ask.efforts[group.level] ?? '';
  const schemas = ask.fields
    .filter((field) => group.fields.includes(field.name))
    .map((field) => field.schema);
  return createBatch(
    {
      jobId: job.id,
      askId: ask.id,
      attempt: group.attempt,
      effort,
      fields: group.fields,
      rows: group.questions.map(({ key, record }, index) => ({ rowId: `r${index + 1}`, key, record })),
      previousRunId: group.previousRunId,
      complaint: describeFaults(group.questions),
      ...(context.isRefresh && group.level === 0 ? { refresh: true } : {}),
      reserveMicros: readWorstMicros(prices, effort, group.questions.length, schemas),
    },
    job.invocation,
  );
}

function readRunId(run: StartedRun | string): string {
  return typeof run === 'string' ? run : run.id;
}
