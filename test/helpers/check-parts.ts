import { type Ask, createAsk } from '../../src/model/ask.js';
import { type Batch, createBatch } from '../../src/model/batch.js';
import { listFields } from '../../src/model/field.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import type { AgentRun, Grounding } from '../../src/model/run.js';

/** Creates an ask for the fields of a schema. */
export function createTestAsk(schema: JsonObject): Ask {
  const fields = listFields(schema);
  return createAsk({
    query: 'q',
    system: null,
    schema,
    fields,
    send: ['name'],
    efforts: ['low'],
    escalateBelow: null,
  });
}

/** A batch of an ask with rows `r1` to `rN`; the key of `r1` is `k1`. */
export function createTestBatch(
  ask: Ask,
  size: number,
  fields = ask.fields.map((field) => field.name),
): Batch {
  const rows = Array.from({ length: size }, (_, index) => ({
    key: `k${index + 1}`,
    record: { name: `Name ${index + 1}` },
  }));
  const batch = createBatch(
    {
      jobId: 'j',
      askId: ask.id,
      attempt: 1,
      effort: 'low',
      fields,
      rows,
      previousRunId: null,
      complaint: null,
      reserveMicros: 0,
    },
    1,
  );
  return { ...batch, rows: batch.rows.map((row, index) => ({ ...row, rowId: `r${index + 1}` })) };
}

/** A completed run with this output. */
export function createTestRun(structured: JsonValue, grounding: readonly Grounding[] = []): AgentRun {
  return {
    id: 'agent_run_test',
    object: 'agent_run',
    status: 'completed',
    stopReason: 'schema_satisfied',
    createdAt: '2026-05-07T10:00:00Z',
    completedAt: '2026-05-07T10:01:00Z',
    request: null,
    output: { text: '', structured, grounding },
    usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
    costDollars: { total: 0, agentCompute: 0, search: 0, emails: 0, phoneNumbers: 0 },
  };
}
