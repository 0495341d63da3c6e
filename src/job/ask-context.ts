import type { AgentClient } from '../api/agent-client.js';
import type { RowChecker } from '../check/check-run.js';
import type { Ledger, OverBudget } from '../ledger/ledger.js';
import type { OpenedJob } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import type { PriceList } from '../model/prices.js';
import type { Question, QuestionGroup } from '../model/question.js';
import type { Exclusion } from '../select/exclusion.js';
import type { InFlight } from '../select/in-flight.js';
import type { SendContext } from '../send/send-batch.js';
import type { AnswerNotes } from './answer-notes.js';
import type { CallCap } from './call-cap.js';
import type { JobTally } from './job-tally.js';
import type { Patience } from './patience.js';
import type { StatedCost } from './stated-cost.js';
import type { StopSwitch } from './stop-switch.js';
import type { YieldGuard } from './yield-guard.js';

/** What a group of questions meets on its way through a run. */
export interface AskContext {
  readonly ask: Ask;
  readonly job: OpenedJob;
  readonly ledger: Ledger;
  readonly client: AgentClient;
  readonly checker: RowChecker;
  readonly inFlight: InFlight;
  readonly stop: StopSwitch;
  readonly patience: Patience;
  readonly yields: YieldGuard;
  readonly tally: JobTally;
  readonly answerNotes: AnswerNotes;
  readonly cap: CallCap;
  readonly statedCost: StatedCost;
  readonly send: SendContext;
  readonly prices: PriceList;
  /** Answers are asked for again on purpose: what comes back replaces the older ones. */
  readonly isRefresh: boolean;
  /** Rows in a full batch. */
  readonly batchSize: number;
  /** The attempt after which a row that was not answered fails. */
  readonly lastAttempt: number;
  /** How long a run is waited for; null: as its effort has it. */
  readonly runTimeoutMs: number | null;
  readonly exclusion: Exclusion;
  /** Takes note of the budget that had no room for a run. */
  noteFull(budget: OverBudget): void;
}

/** What a group leaves to be asked. */
export interface NextQuestions {
  /** The group itself, if the budget had no room for it. */
  readonly overBudget: QuestionGroup | null;
  /** The group itself, if runs at its effort were found to bring nothing before it was started. */
  readonly heldBack: QuestionGroup | null;
  /** A group that goes out before anything else. */
  readonly followUp: QuestionGroup | null;
  readonly again: readonly Question[];
}

export const NOTHING: NextQuestions = {
  overBudget: null,
  heldBack: null,
  followUp: null,
  again: [],
};
