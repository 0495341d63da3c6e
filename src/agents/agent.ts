import type { AgentRun, CreateRunRequest, RunCost, RunOutput, RunUsage } from '../model/run.js';

/** One run's work as the server hands it to an agent. */
export interface AgentTask {
  readonly request: CreateRunRequest;
  /** The completed run that this one continues; null for a fresh question. */
  readonly previous: AgentRun | null;
}

/** What an agent made of a run. */
export interface AgentResult {
  readonly output: RunOutput;
  readonly usage: RunUsage;
  /** Left out: the agent is free. */
  readonly costDollars?: RunCost;
  /** Left out: `schema_satisfied`. */
  readonly stopReason?: string;
}

/** What answers behind the server. */
export interface Agent {
  /** One line for a person: what this agent is and what it does not do. */
  readonly description: string;
  /** Answers one run. A rejection ends the run as failed; an abort ends it as cancelled. */
  answer(task: AgentTask, signal: AbortSignal): Promise<AgentResult>;
}
