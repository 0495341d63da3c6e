import { setImmediate as nextTurn } from 'node:timers/promises';
import { hashText } from '../../model/ask.js';
import { splitColumnName } from '../../model/column-kind.js';
import { createEntityKey } from '../../model/entity-key.js';
import { escapeToken, isJsonObject, type JsonObject, type JsonValue } from '../../model/json.js';
import { isEmpty } from '../../model/row.js';
import { splitRowIds } from '../../model/row-entries.js';
import type { Grounding } from '../../model/run.js';
import { type CompiledSchema, compileSchema, type SchemaIssue } from '../../model/schema.js';
import type { Agent, AgentResult, AgentTask } from '../agent.js';
import {
  type AnswerPlan,
  answerRecord,
  type Cell,
  createAnswerPlan,
  createItem,
  wrapItems,
} from './answer-record.js';
import { loadTables } from './load-tables.js';
import { applyLookUp, type LookUp, listColumns, listGaps } from './look-up.js';
import { createInputRecord, findMatches } from './match-record.js';
import { createSchemaReader, type SchemaReader } from './schema-reader.js';
import { createTableIndex, type TableIndex } from './table-index.js';
import { createResult, NO_RECORDS, type RecordReport, writeFacts, writeReport } from './write-report.js';

/** The prepared schema of a run. */
interface OpenSchema {
  readonly reader: SchemaReader;
  readonly plan: AnswerPlan;
  /** Compiled schema of one record of the answer. */
  readonly item: CompiledSchema;
}

const MAX_KNOWN = 20;

/**
 * Creates a function that prepares schemas. It caches them, because a job sends the same one repeatedly and
 * compiling costs more than answering.
 */
function createSchemaOpener(): (schema: JsonObject) => OpenSchema {
  const opened = createMemo<OpenSchema>();
  const compiled = createMemo<CompiledSchema>();
  return (schema) =>
    opened(JSON.stringify(schema), () => {
      const reader = createSchemaReader(schema);
      const plan = createAnswerPlan(reader);
      const checked = dropRowIds(schema);
      const item = compiled(JSON.stringify(checked), () => compileSchema(checked).part(plan.item.pointer));
      return { reader, plan, item };
    });
}

function createMemo<Value>(): (text: string, create: () => Value) => Value {
  const known = new Map<string, Value>();
  return (text, create) => {
    const key = hashText(text, 32);
    const value = known.get(key) ?? create();
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, value);
    return value;
  };
}

/** A reference to anything but a field or a definition may lead to the row ids. */
const REFERENCE_TO_IDS =
  /"\$\w*[rR]ef":"(?!#\/properties\/rows\/items\/properties\/fields|#\/(?:definitions|\$defs)\/)/;

/**
 * Omits the list of row ids, which are new in each run, so that the compiled schema can be reused. They are copied from
 * the input anyway.
 */
function dropRowIds(schema: JsonObject): JsonObject {
  return REFERENCE_TO_IDS.test(JSON.stringify(schema)) ? schema : (splitRowIds(schema)?.rest ?? schema);
}

/** An exclusion record as a map from normalized column name to the value's entity key. */
type ExclusionKeys = ReadonlyMap<string, string>;

/** Prepares the records that must not be returned. */
function createExclusionKeys(records: readonly JsonObject[]): readonly ExclusionKeys[] {
  return records.map(listExclusionKeys).filter((keys) => keys.size > 0);
}

/**
 * Removes values that would return an excluded entity: an answer, together with its input record, in which
 * every key of an exclusion record has an equal value. If the input record is itself excluded, nothing about
 * it is returned.
 */
function excludeAnswer(
  exclusions: readonly ExclusionKeys[],
  record: JsonObject,
  cells: readonly Cell[],
): readonly Cell[] {
  if (exclusions.length === 0) return cells;
  const given = listExclusionKeys(record);
  let left = cells;
  for (const exclusion of exclusions) {
    const found = listExclusionKeys(
      Object.fromEntries(left.map((cell) => [cell.path.at(-1) ?? '', cell.value])),
    );
    const isGiven = (key: string, value: string): boolean => given.get(key) === value;
    const pairs = [...exclusion];
    if (!pairs.every(([key, value]) => isGiven(key, value) || found.get(key) === value)) continue;
    const isInput = pairs.every(([key, value]) => isGiven(key, value));
    left = left.map((cell) => {
      const key = splitColumnName(cell.path.at(-1) ?? '').join('_');
      const isNamed = isInput || (exclusion.has(key) && !isGiven(key, exclusion.get(key) ?? ''));
      return cell.origin === 'tables' && cell.value !== null && isNamed ? blankCell(cell) : cell;
    });
  }
  return left;
}

function blankCell(cell: Cell): Cell {
  return { ...cell, value: null, grounding: [], issue: 'on the exclusion list' };
}

function listExclusionKeys(record: JsonObject): Map<string, string> {
  const keys = new Map<string, string>();
  for (const [name, value] of Object.entries(record)) {
    const key = isEmpty(value) || isNested(value) ? null : createEntityKey(name, value);
    if (key !== null && name !== 'row_id') keys.set(splitColumnName(name).join('_'), key);
  }
  return keys;
}

function isNested(value: JsonValue): boolean {
  return isJsonObject(value) || Array.isArray(value);
}

const MAX_ROUNDS = 5;

/**
 * Removes cells that break the schema, so that the rest is valid or null. Null is never a fault: it means
 * "not found", even if the schema requires a value.
 */
function checkItem(schema: CompiledSchema, answer: readonly Cell[]): readonly Cell[] {
  let cells = answer;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const issues = schema.validate(dropNulls(createItem(cells)));
    const faults = new Map(cells.flatMap((cell) => findFault(cell, issues)));
    const whole = issues.find((issue) => isWhole(cells, issue, issues));
    if (faults.size === 0 && whole === undefined) return cells;
    const reason = faults.size > 0 ? null : `together the values break the schema: ${whole?.message}`;
    cells = cells.map((cell) => clearCell(cell, faults.get(cell) ?? reason));
  }
  return cells.map((cell) => clearCell(cell, 'the schema cannot be met'));
}

function findFault(cell: Cell, issues: readonly SchemaIssue[]): [Cell, string][] {
  const pointer = formatPointer(cell);
  const fault = issues.find(({ path }) => path === pointer || path.startsWith(`${pointer}/`));
  return fault === undefined || cell.value === null || cell.path[0] === 'row_id'
    ? []
    : [[cell, `the value found ${fault.message}`]];
}

/**
 * True for an issue of an object that contains cells, such as from `anyOf` over several properties. A missing
 * value is not the fault of the values that were found.
 */
function isWhole(cells: readonly Cell[], issue: SchemaIssue, issues: readonly SchemaIssue[]): boolean {
  if (issues.some(({ keyword, path }) => keyword === 'required' && path === issue.path)) return false;
  return cells.some(
    (cell) =>
      cell.value !== null && cell.origin === 'tables' && formatPointer(cell).startsWith(`${issue.path}/`),
  );
}

function formatPointer(cell: Cell): string {
  return cell.path.map((key) => `/${escapeToken(key)}`).join('');
}

function clearCell(cell: Cell, issue: string | null): Cell {
  if (issue === null || cell.value === null || cell.path[0] === 'row_id') return cell;
  return { ...cell, value: null, grounding: [], issue };
}

function dropNulls(item: JsonObject): JsonObject {
  const entries = Object.entries(item).flatMap(([key, value]): [string, JsonValue][] => {
    if (value === null) return [];
    return [[key, key === 'fields' ? dropNullProperties(value) : value]];
  });
  return Object.fromEntries(entries);
}

function dropNullProperties(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));
}

/** Records answered between two checks of the signal. */
const RECORDS_A_TURN = 10;

/** The agent that answers from tables, and what their columns can answer. */
export interface ReferenceAgent extends Agent {
  /** The names of all columns. */
  readonly columns: readonly string[];
  /** Lists the fields of a schema for which no table has a column: they will be blank in every row. */
  listGaps(schema: JsonObject): readonly string[];
}

/**
 * Creates the agent that answers only from the tables of a folder or from one table, except those in `omit`. `lookUp`
 * names the column for fields that no column is named after. It is free.
 */
export async function createReferenceAgent(
  directory: string,
  omit: readonly string[] = [],
  lookUp: LookUp = {},
): Promise<ReferenceAgent> {
  const { tables: found, notes } = await loadTables(directory, omit);
  const loaded = applyLookUp(found, lookUp);
  const tables = loaded.map(createTableIndex);
  const openSchema = createSchemaOpener();
  const names = tables.map(({ table }) => table.name).join(', ');
  return {
    description: `Answers from the tables in ${directory} (${names}); it does not search the web.`,
    columns: listColumns(loaded),
    listGaps: (schema) => listGaps(loaded, schema),
    notes,
    answer: (task, signal) => answerTask({ tables, source: names, openSchema }, task, signal),
  };
}

interface Knowledge {
  readonly tables: readonly TableIndex[];
  /** Names of the tables, for display. */
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
  // A follow-up without records uses those of the run that it continues.
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
