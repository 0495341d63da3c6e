import type { AgentTask } from '../../src/agents/agent.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { createResult, type Script } from './scripted-agent.js';

/** Price of each run, in micro-dollars. */
export const RUN_MICROS = 25_000;

/** An agent that answers cell by cell, and what it was asked. */
export interface CellsAgent {
  readonly script: Script;
  /** `company field` of every cell asked, in order. */
  readonly cells: string[];
  /** Runs so far. */
  runs: number;
}

/** Names of the fields that a run asks for. */
export function listAsked(task: AgentTask): string[] {
  const schema = task.request.outputSchema as { properties?: Record<string, JsonObject> };
  const rows = schema.properties?.rows as { items?: { properties?: Record<string, JsonObject> } } | undefined;
  const fields = rows?.items?.properties?.fields as { properties?: JsonObject } | undefined;
  return Object.keys(fields?.properties ?? {});
}

/**
 * Answers each asked field of each record with what `find` says, for $0.025 a run. Every value is cited, with the pages
 * of `cite`.
 */
export function createCellsAgent(
  find: (company: string, field: string, time: number) => JsonValue = (company, field) =>
    `${field} of ${company}`,
  cite: (company: string, field: string, index: number) => readonly string[] = (_company, field, index) => [
    `https://example.com/${field}/${index}`,
  ],
): CellsAgent {
  const times = new Map<string, number>();
  const agent: CellsAgent = {
    cells: [],
    runs: 0,
    script: (task) => {
      agent.runs += 1;
      const asked = listAsked(task);
      const records = task.request.input?.data ?? [];
      const rows = records.map((record) => {
        const company = String(record.company);
        const values = asked.map((field): [string, JsonValue] => {
          const cell = `${company} ${field}`;
          const time = (times.get(cell) ?? 0) + 1;
          times.set(cell, time);
          agent.cells.push(cell);
          return [field, find(company, field, time)];
        });
        return { row_id: String(record.row_id), fields: Object.fromEntries(values) };
      });
      const grounding = rows.flatMap(({ fields }, index) =>
        asked
          .filter((field) => fields[field] !== null)
          .map((field) => ({
            field: `structured.rows[${index}].fields.${field}`,
            citations: cite(String(records[index]?.company), field, index).map((url) => ({
              url,
              title: field,
            })),
            confidence: 'high' as const,
          })),
      );
      const total = RUN_MICROS / 1_000_000;
      const costDollars = { total, agentCompute: total, search: 0, emails: 0, phoneNumbers: 0 };
      return { ...createResult({ rows }, grounding), costDollars };
    },
  };
  return agent;
}
