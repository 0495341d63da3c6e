import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JsonObject, JsonValue } from '../model/json.js';
import { isEmpty } from '../model/row.js';
import type { Grounding } from '../model/run.js';
import type { AgentResult } from './agent.js';
import { createResult, NO_RECORDS } from './create-result.js';
import { findMatches } from './find-matches.js';
import { createInputRecord } from './input-record.js';
import type { MatchedRecord } from './look-up-property.js';
import { createCitation } from './table.js';
import type { TableIndex } from './table-index.js';
import { nameRecord } from './write-report.js';

const MAX_VALUE_CHARACTERS = 200;

/** Answers a run that brings no schema: what the tables hold about each record, as prose, with the records cited. */
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
    const said = facts.length > 0 ? facts : reasons.length > 0 ? reasons : ['in none of the tables'];
    lines.push(`${nameRecord(record)}: ${said.join('; ')}.`);
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
