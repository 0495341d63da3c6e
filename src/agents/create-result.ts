import type { JsonValue } from '../model/json.js';
import type { Grounding } from '../model/run.js';
import type { AgentResult } from './agent.js';

/** What the agent says to a run that brings no records. */
export const NO_RECORDS =
  'Nothing was looked up: this agent answers the records given in input.data from its tables, and does not search the web.';

/** A result of this agent; each record that was looked up counts as a search. */
export function createResult(
  text: string,
  structured: JsonValue,
  grounding: readonly Grounding[],
  searches: number,
): AgentResult {
  return {
    output: { text, structured, grounding },
    usage: { agentComputeUnits: 0, searches, emails: 0, phoneNumbers: 0 },
  };
}
