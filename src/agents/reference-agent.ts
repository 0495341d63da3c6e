import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JsonObject } from '../model/json.js';
import type { Grounding } from '../model/run.js';
import type { Agent, AgentResult, AgentTask } from './agent.js';
import { type AnswerPlan, wrapItems } from './answer-plan.js';
import { answerRecord, type Cell, createItem } from './answer-record.js';
import { checkItem } from './check-item.js';
import { createResult, NO_RECORDS } from './create-result.js';
import { createExclusionKeys, excludeAnswer } from './exclude-answer.js';
import { findMatches } from './find-matches.js';
import { createInputRecord } from './input-record.js';
import { loadTables } from './load-tables.js';
import { createSchemaOpener, type OpenSchema } from './open-schema.js';
import { createTableIndex, type TableIndex } from './table-index.js';
import { writeFacts } from './write-facts.js';
import { type RecordReport, writeReport } from './write-report.js';

/** Records answered between two looks at the signal. */
const RECORDS_A_TURN = 10;

/** Makes the agent that answers from the tables of a folder, those in `omit` aside; it costs nothing, and knows nothing but them. */
export async function createReferenceAgent(directory: string, omit: readonly string[] = []): Promise<Agent> {
  const tables = (await loadTables(directory, omit)).map(createTableIndex);
  const openSchema = createSchemaOpener();
  const names = tables.map(({ table }) => table.name).join(', ');
  return {
    description: `Answers from the tables in ${directory} (${names}); it does not search the web.`,
    answer: (task, signal) => answerTask({ tables, source: names, openSchema }, task, signal),
  };
}

interface Knowledge {
  readonly tables: readonly TableIndex[];
  /** The names of the tables, for a person. */
  readonly source: string;
  readonly openSchema: (schema: JsonObject) => OpenSchema;
}

async function answerTask(
  { tables, source, openSchema }: Knowledge,
  task: AgentTask,
  signal: AbortSignal,
): Promise<AgentResult> {
  const { request } = task;
  const schema = request.outputSchema ?? null;
  // A follow-up without records of its own is about those of the run that it continues.
  const data = request.input?.data ?? task.previous?.request?.input?.data ?? [];
  if (schema === null) return await writeFacts(tables, data, signal);
  const { reader, plan, item } = openSchema(schema);
  const exclusions = createExclusionKeys(request.input?.exclusion ?? []);
  const limit = plan.isList ? plan.maxItems : data.length === 1 ? 1 : 0;
  const reports: RecordReport[] = [];
  for (const [index, record] of data.slice(0, limit).entries()) {
    if (index % RECORDS_A_TURN === 0) await nextTurn();
    signal.throwIfAborted();
    const { matches, reasons } = findMatches(tables, createInputRecord(record));
    const drafted = answerRecord(reader, plan, record, matches);
    reports.push({
      record,
      cells: excludeAnswer(exclusions, record, checkItem(item, drafted)),
      reasons,
    });
  }
  const items: JsonObject[] = reports.map(({ cells }) => createItem(cells));
  const text = data.length === 0 ? NO_RECORDS : writeReport(source, reports, data.length - reports.length);
  const grounding = reports.flatMap(({ cells }, index) => listGrounding(plan, cells, index));
  return createResult(text, wrapItems(reader, plan, items), grounding, reports.length);
}

function listGrounding(plan: AnswerPlan, cells: readonly Cell[], index: number): Grounding[] {
  const list = plan.path.map(formatKey).join('');
  const start = `structured${list}${plan.isList ? `[${index}]` : ''}`;
  return cells.flatMap((cell) =>
    cell.grounding.map(({ path, citations, confidence }) => {
      const keys = [...cell.path.slice(0, -1), ...path].map(formatKey).join('');
      return { field: start + keys, citations, confidence: confidence ?? null };
    }),
  );
}

function formatKey(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
