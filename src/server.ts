export type { Agent, AgentResult, AgentTask } from './agents/agent.js';
export { createReferenceAgent } from './agents/reference/reference-agent.js';
export { RowfillError } from './errors.js';
export type { Clock } from './model/clock.js';
export type { JsonObject, JsonValue } from './model/json.js';
export type { AgentRun, Citation, Confidence, CreateRunRequest, Grounding } from './model/run.js';
export {
  type Contract,
  type Rehearsal,
  type RehearsalOptions,
  type RunningServer,
  resolveRehearsal,
  type ServerOptions,
  type ServerReport,
  startServer,
} from './server/start-server.js';
