import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JsonObject, JsonValue } from '../../model/json.js';
import { isEmpty } from '../../model/row.js';
import type { Grounding } from '../../model/run.js';
import type { AgentResult } from '../agent.js';
import type { Cell } from './answer-record.js';
import type { MatchedRecord } from './look-up-property.js';
import { createInputRecord, findMatches } from './match-record.js';
import { createCitation } from './table.js';
import type { TableIndex } from './table-index.js';

const MAX_VALUE_CHARACTERS = 200;

/**
 * Answers a run without a schema: describes in prose what the tables have about each record, and cites the
 * records.
 */
export async function writeFacts(
  tables: readonly TableIndex[],
  data: readonly JsonObject[],
  signal: AbortSignal,
): Promise<AgentResult> {
  const lines: string[] = [];
  const citations: Grounding['citations'][number][] = [];
  for (const record of data) {
    await nextTurn();
    signal.throwIfAborted();
    const { matches, reasons } = findMatches(tables, createInputRecord(record));
    const facts = matches.flatMap(listFacts);
    const sentences = facts.length > 0 ? facts : reasons.length > 0 ? reasons : ['not in any table'];
    lines.push(`${nameRecord(record)}: ${sentences.join('; ')}.`);
    citations.push(...matches.flatMap(citeRecord));
  }
  const text = data.length === 0 ? NO_RECORDS : lines.join('\n');
  const grounding = citations.length === 0 ? [] : [{ field: 'text', citations, confidence: null }];
  return createResult(text, null, grounding, data.length);
}

function listFacts({ index, record }: MatchedRecord): string[] {
  const values = index.table.records[record]?.values ?? [];
  return index.table.columns.flatMap(({ name }, at) => {
    const value = values[at] ?? null;
    return isEmpty(value) || name === '' ? [] : [`${name} ${formatValue(value)}`];
  });
}

function citeRecord({ index, record }: MatchedRecord): Grounding['citations'][number][] {
  const found = index.table.records[record];
  return found === undefined ? [] : [createCitation(index.table, found)];
}

function formatValue(value: JsonValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/\s+/g, ' ').slice(0, MAX_VALUE_CHARACTERS);
}

/** Answer to a run without records. */
export const NO_RECORDS =
  'Nothing was looked up: this agent only looks up the records in input.data in its tables, and does not search the web.';

/** Creates a result of this agent. Each record that was looked up counts as one search. */
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

/** Result of one input record. */
export interface RecordReport {
  readonly record: JsonObject;
  readonly cells: readonly Cell[];
  readonly reasons: readonly string[];
}

const MAX_LINES = 100;
const MAX_NAME_CHARACTERS = 80;

/** Text of an answer: how many records were found, and why values are missing. */
export function writeReport(source: string, reports: readonly RecordReport[], left: number): string {
  const filled = reports.filter(({ cells }) => listFound(cells).length > 0).length;
  const lines = [`${filled} of ${reports.length} records were found in ${source}.`];
  if (left > 0) lines.push(`${left} more exceed the list length that the schema allows.`);
  for (const report of reports) lines.push(...describeHoles(report));
  const more = lines.length - MAX_LINES;
  return [...lines.slice(0, MAX_LINES), ...(more > 0 ? [`… and ${more} more lines.`] : [])].join('\n');
}

/** Names a record for display: its first text value. */
function nameRecord(record: JsonObject): string {
  const entry = Object.entries(record).find(
    ([key, value]) => key !== 'row_id' && typeof value === 'string' && value !== '',
  );
  const name = entry?.[1] ?? record.row_id ?? 'a record';
  return String(name)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, MAX_NAME_CHARACTERS);
}

/**
 * Lists why values are missing. Each reason starts with the row's id, so that the sender can match it to the
 * row.
 */
function describeHoles({ record, cells, reasons }: RecordReport): string[] {
  const holes = cells.filter((cell) => cell.origin === 'tables' && cell.value === null);
  if (holes.length === 0) return [];
  const id = typeof record.row_id === 'string' ? record.row_id : nameRecord(record);
  const ofRow = reasons.length === 0 ? [] : [`${id}: ${reasons.join('; ')}`];
  const ofFields = holes.flatMap(({ path, issue }) =>
    issue === null ? [] : [`${id}.${path.at(-1)}: ${issue}`],
  );
  const lines = [...ofRow, ...ofFields];
  const isUnknown = lines.length === 0 && listFound(cells).length === 0;
  return isUnknown ? [`${nameRecord(record)}: not in any table.`] : lines;
}

function listFound(cells: readonly Cell[]): readonly Cell[] {
  return cells.filter((cell) => cell.origin === 'tables' && cell.value !== null);
}
