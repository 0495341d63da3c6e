import type { AgentRun, CreateRunRequest, RunCost, RunOutput, RunUsage } from '../model/run.js';

/** The work of one run, passed from the server to an agent. */
export interface AgentTask {
  readonly request: CreateRunRequest;
  /** The completed run that this one continues; null for a new question. */
  readonly previous: AgentRun | null;
}

/** Result of a run. */
export interface AgentResult {
  readonly output: RunOutput;
  readonly usage: RunUsage;
  /** Absent if the agent is free. */
  readonly costDollars?: RunCost;
  /** Absent means `schema_satisfied`. */
  readonly stopReason?: string;
}

/** Answers runs for the server. */
export interface Agent {
  /** One line for users: what this agent does and does not do. */
  readonly description: string;
  /** What users should know about its sources, such as irregular tables. @default none */
  readonly notes?: readonly { readonly code: string; readonly message: string }[];
  /** Answers one run. A rejection fails the run; an abort cancels it. */
  answer(task: AgentTask, signal: AbortSignal): Promise<AgentResult>;
}
