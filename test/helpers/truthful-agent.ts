import { expect } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/model/json.js';
import type { RunCost } from '../../src/model/run.js';
import { createResult, type Script } from './scripted-agent.js';

/** A row of the agent's answer. */
export type Entry = JsonObject & { readonly row_id: string };
/** What a test makes of a truthful list. */
export type Bend = (rows: readonly Entry[], task: AgentTask, run: number) => JsonValue;

/** The truth about a record: what every correct row has, whatever the agent does to its list. */
export function tellTruth(record: JsonObject): string {
  return `about ${String(record.company)}`;
}

/** Answers truthfully, then lets the test bend the list; the grounding follows the agent's own list. */
export function script(bend: Bend, cost?: (task: AgentTask, run: number) => number): Script {
  let runs = 0;
  return (task) => {
    runs += 1;
    const records = task.request.input?.data ?? [];
    const rows = records.map((record) => ({
      row_id: String(record.row_id),
      fields: { answer: tellTruth(record) },
    }));
    const structured = bend(rows, task, runs);
    const list = isJsonObject(structured) && Array.isArray(structured.rows) ? structured.rows : [];
    const grounding = list.flatMap((row: JsonValue, index: number) => {
      const fields = isJsonObject(row) && isJsonObject(row.fields) ? row.fields : {};
      return typeof fields.answer !== 'string'
        ? []
        : [
            {
              field: `structured.rows[${index}].fields.answer`,
              citations: [{ url: `https://example.com/${encodeURIComponent(fields.answer)}` }],
              confidence: 'medium' as const,
            },
          ];
    });
    const total = cost?.(task, runs);
    return {
      ...createResult(structured, grounding),
      ...(total === undefined ? {} : { costDollars: createCost(total) }),
    };
  };
}

function createCost(total: number): RunCost {
  return { total, agentCompute: total, search: 0, emails: 0, phoneNumbers: 0 };
}

/** Every row that has an answer has its own, with its own citation. */
export function expectOwnAnswers(rows: readonly Readonly<Record<string, string>>[]): void {
  for (const row of rows) {
    if (row.answer === '') continue;
    const truth = tellTruth(row);
    expect(row.answer).toBe(truth);
    expect(row.answer_citations).toBe(`https://example.com/${encodeURIComponent(truth)}`);
    expect(row.answer_confidence).toBe('medium');
  }
}

/** How many rows of the output have each status. */
export function countStatuses(rows: readonly Readonly<Record<string, string>>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { enrichment_status: status = '' } of rows) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
