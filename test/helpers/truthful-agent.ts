import { expect } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { isJsonObject, type JsonObject, type JsonValue, resolvePointer } from '../../src/model/json.js';
import type { Grounding, RunCost } from '../../src/model/run.js';
import { createResult, type Script } from './scripted-agent.js';

/** A row of the agent's answer. */
export type Entry = JsonObject & { readonly row_id: string; readonly fields: JsonObject };
/** Changes a truthful list for a test. */
export type Bend = (rows: readonly Entry[], task: AgentTask, run: number) => JsonValue;

/** The true value of a record, which every correct row must have, whatever the agent does to its list. */
export function tellTruth(record: JsonObject, field = 'answer'): string {
  return `${field === 'answer' ? 'about' : `${field} of`} ${String(record.company)}`;
}

/** The URL that the truthful agent cites for a value. */
export function citeTruth(truth: string): string {
  return `https://example.com/${encodeURIComponent(truth)}`;
}

/** Answers truthfully, then lets the test change the list. The grounding follows the changed list. */
export function script(bend: Bend, cost?: (task: AgentTask, run: number) => number): Script {
  let runs = 0;
  return (task) => {
    runs += 1;
    const records = task.request.input?.data ?? [];
    const names = readAskedFields(task);
    const rows = records.map((record) => ({
      row_id: String(record.row_id),
      fields: Object.fromEntries(names.map((name) => [name, tellTruth(record, name)])),
    }));
    const structured = bend(rows, task, runs);
    const total = cost?.(task, runs);
    return {
      ...createResult(structured, groundTruths(structured)),
      ...(total === undefined ? {} : { costDollars: createCost(total) }),
    };
  };
}

/** The names of the requested fields. */
export function readAskedFields(task: Pick<AgentTask, 'request'>): string[] {
  const path = '/properties/rows/items/properties/fields/properties';
  const fields = resolvePointer(task.request.outputSchema ?? null, path);
  return isJsonObject(fields) ? Object.keys(fields) : [];
}

/** Every record and field sent, in the order of the runs. */
export function listAsked(tasks: readonly AgentTask[]): string[] {
  return tasks.flatMap((task) =>
    (task.request.input?.data ?? []).flatMap((record) =>
      readAskedFields(task).map((field) => `${String(record.company)} ${field} ${task.request.effort}`),
    ),
  );
}

function groundTruths(structured: JsonValue): Grounding[] {
  const rows = isJsonObject(structured) ? (structured.rows ?? null) : null;
  const isWrapped = Array.isArray(rows);
  const list: readonly JsonValue[] = isWrapped ? rows : Array.isArray(structured) ? structured : [structured];
  const place = isWrapped ? 'structured.rows' : 'structured';
  return list.flatMap((row, index) => {
    const fields = isJsonObject(row) && isJsonObject(row.fields) ? row.fields : {};
    const at = isWrapped || Array.isArray(structured) ? `${place}[${index}]` : place;
    return Object.entries(fields).flatMap(([name, value]) =>
      typeof value === 'string'
        ? [
            {
              field: `${at}.fields.${name}`,
              citations: [{ url: citeTruth(value) }],
              confidence: 'medium' as const,
            },
          ]
        : [],
    );
  });
}

export function createCost(total: number): RunCost {
  return { total, agentCompute: total, search: 0, emails: 0, phoneNumbers: 0 };
}

export interface OwnAnswerOptions {
  readonly fields?: readonly string[];
  /** Values of cells before the job. */
  readonly given?: readonly string[];
  /** False for an agent whose citations do not follow its list. */
  readonly areCited?: boolean;
}

/** Checks that every answered row has its own answer with its own citation. */
export function expectOwnAnswers(
  rows: readonly Readonly<Record<string, string>>[],
  { fields = ['answer'], given = [], areCited = true }: OwnAnswerOptions = {},
): void {
  for (const row of rows) {
    for (const field of fields) {
      const value = row[field] ?? '';
      if (value === '' || given.includes(value)) continue;
      const truth = tellTruth(row, field);
      expect(value).toBe(truth);
      if (!areCited) continue;
      expect(row[`${field}_citations`]).toBe(citeTruth(truth));
      expect(row[`${field}_confidence`]).toBe('medium');
    }
  }
}

/** Counts the rows of the output by status. */
export function countStatuses(rows: readonly Readonly<Record<string, string>>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { enrichment_status: status = '' } of rows) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
