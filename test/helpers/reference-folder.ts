import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { AgentResult } from '../../src/agents/agent.js';
import { createReferenceAgent } from '../../src/agents/reference/reference-agent.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/model/json.js';
import { releaseFiles } from '../../src/model/release-files.js';

/** A fresh folder with tables, removed when the test ends. */
export function createReferenceFolder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = mkdtempSync(join(tmpdir(), 'rowfill-reference-'));
  onTestFinished(async () => {
    await releaseFiles();
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** The schema of a run that returns rows; `fields` is the user's schema. */
export function createRowsSchema(rows: number, fields: JsonObject): JsonObject {
  return {
    type: 'object',
    properties: {
      rows: {
        type: 'array',
        minItems: rows,
        maxItems: rows,
        items: {
          type: 'object',
          properties: {
            row_id: { enum: Array.from({ length: rows }, (_, index) => `r${index + 1}`) },
            fields,
          },
          required: ['row_id', 'fields'],
          additionalProperties: false,
        },
      },
    },
    required: ['rows'],
    additionalProperties: false,
  };
}

export interface Asked {
  readonly result: AgentResult;
  /** The `fields` of each row. */
  readonly rows: readonly JsonObject[];
  /** `confidence: url url` by grounded path below `structured.rows`, with unchanged paths. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Sends records to a new agent for the given tables, as a run that returns rows. */
export async function askReference(
  files: Readonly<Record<string, string | Uint8Array>>,
  records: readonly JsonObject[],
  properties: JsonObject,
  exclusion: readonly JsonObject[] = [],
  rules: JsonObject = {},
): Promise<Asked> {
  const folder = createReferenceFolder(files);
  const agent = await createReferenceAgent(folder);
  const data = records.map((record, index) => ({ row_id: `r${index + 1}`, ...record }));
  const outputSchema = createRowsSchema(records.length, { type: 'object', properties, ...rules });
  const request = { query: 'Fill the rows.', input: { data, exclusion }, outputSchema };
  const result = await agent.answer({ request, previous: null }, new AbortController().signal);
  return { result, rows: readRows(result.output.structured), sources: readSources(result, folder) };
}

function readRows(structured: JsonValue): readonly JsonObject[] {
  const rows = isJsonObject(structured) && Array.isArray(structured.rows) ? structured.rows : [];
  return rows.map((row: JsonValue) => (isJsonObject(row) && isJsonObject(row.fields) ? row.fields : {}));
}

function readSources(result: AgentResult, folder: string): Record<string, string> {
  const entries = result.output.grounding.map(({ field, confidence, citations }) => {
    const urls = citations.map(({ url }) => url.replace(`${pathToFileURL(folder).href}/`, ''));
    return [field.replace('structured.rows', ''), `${confidence}: ${urls.join(' ')}`];
  });
  return Object.fromEntries(entries);
}
