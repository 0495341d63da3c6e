export type {
  AgentCheck,
  AgentClientOptions,
  AgentTimeouts,
  CallOptions,
  PageOptions,
  RetryInfo,
  RetryPolicy,
  StartedRun,
  WaitOptions,
} from './api/agent-client.js';
export { AgentError } from './api/agent-error.js';
export { AgentClient } from './api/program-client.js';
export { type ErrorKind, RowfillError } from './errors.js';
export type { Clock } from './model/clock.js';
export type { JsonObject, JsonValue } from './model/json.js';
export {
  type AgentFailure,
  type AgentLimit,
  type AgentRun,
  type AgentRunEvent,
  type Citation,
  type Confidence,
  type CreateOutcome,
  type CreateRunRequest,
  type EventPage,
  type Grounding,
  isAgentFailure,
  type ReportedCost,
  type RunCost,
  type RunOutput,
  type RunPage,
  type RunStatus,
  type RunUsage,
} from './model/run.js';
