import type { FieldAnswer, FilledRow, RowOutcome } from '../../src/model/answer.js';
import type { JsonValue } from '../../src/model/json.js';
import type { Row } from '../../src/model/row.js';
import type { Citation } from '../../src/model/run.js';
import type { Input } from '../../src/read/open-input.js';

/** Reads all rows of an input. */
export async function readAllRows(input: Input): Promise<Row[]> {
  const all: Row[] = [];
  for await (const rows of input.openRows()) all.push(...rows);
  return all;
}

/** The part of a row that tests compare: its cells, object or fault. */
export function showRow(row: Row): unknown {
  switch (row.kind) {
    case 'cells':
      return row.cells;
    case 'object':
      return row.object;
    case 'faulty':
      return { fault: row.fault };
  }
}

export function createAnswer(value: JsonValue, urls: readonly string[] = []): FieldAnswer {
  const citations: Citation[] = urls.map((url) => ({ url, title: null }));
  return {
    value,
    confidence: 'high',
    citations,
    issue: null,
    runId: 'agent_run_1',
    effort: 'low',
    triedEffort: 'low',
  };
}

/** A row with an outcome, by default `enriched` with the given answers. */
export function createFilledRow(
  row: Row,
  answers: Readonly<Record<string, FieldAnswer>> = {},
  outcome: Partial<RowOutcome> = {},
): FilledRow {
  return {
    row,
    outcome: {
      status: 'enriched',
      error: null,
      costMicros: 3_000,
      isCostEstimated: false,
      runId: 'agent_run_1',
      foundAtMs: null,
      fields: new Map(Object.entries(answers)),
      ...outcome,
    },
  };
}
