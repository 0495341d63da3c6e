import type { Agent, AgentResult, AgentTask } from '../../src/agents/agent.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import type { Grounding } from '../../src/model/run.js';

/** How a scripted agent answers one run; a string is an answer without structured output. */
export type Script = (task: AgentTask, signal: AbortSignal) => AgentResult | Promise<AgentResult>;

/** An agent that runs the test's script and records its tasks. */
export class ScriptedAgent implements Agent {
  readonly description = 'A scripted agent of the tests.';
  readonly tasks: AgentTask[] = [];
  readonly #script: Script;

  constructor(script: Script = answerRows) {
    this.#script = script;
  }

  async answer(task: AgentTask, signal: AbortSignal): Promise<AgentResult> {
    this.tasks.push(task);
    return await this.#script(task, signal);
  }
}

/** Answers each input record with `{row_id, fields: {answer}}`, cited and with high confidence. */
export function answerRows(task: AgentTask): AgentResult {
  const records = task.request.input?.data ?? [];
  const rows = records.map((record, index) => ({
    row_id: record.row_id ?? `r${index}`,
    fields: { answer: `answer to ${String(record.row_id ?? index)}` },
  }));
  const grounding = rows.map((_row, index) => ({
    field: `structured.rows[${index}].fields.answer`,
    citations: [{ url: `https://example.com/${index}`, title: `Page ${index}` }],
    confidence: 'high' as const,
  }));
  return createResult({ rows }, grounding);
}

/** A result with text, structured output and citations. */
export function createResult(structured: JsonValue, grounding: readonly Grounding[] = []): AgentResult {
  return {
    output: { text: 'Done.', structured, grounding },
    usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
  };
}

/** A script that answers only after it is released. */
export function createGate(): { readonly script: Script; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const script: Script = async (task, signal) => {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await Promise.race([opened, aborted]);
    return answerRows(task);
  };
  return { script, open };
}

/** Input records in the form that a job sends. */
export function createRecords(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) => ({
    row_id: `r${index + 1}`,
    company: `Company ${index + 1}`,
  }));
}
