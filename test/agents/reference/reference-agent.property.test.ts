import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import Papa from 'papaparse';
import { afterAll, expect, it } from 'vitest';
import { createReferenceAgent } from '../../../src/agents/reference/reference-agent.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/model/json.js';
import { compileSchema } from '../../../src/model/schema.js';
import { createRowsSchema } from '../../helpers/reference-folder.js';

const root = mkdtempSync(join(tmpdir(), 'rowfill-reference-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const COLUMNS = [
  'company',
  'domain',
  'email',
  'name',
  'full_name',
  'id',
  'city',
  'founded',
  'address.zip',
  '__proto__',
  'x y',
];
const column = fc.constantFrom(...COLUMNS);
const cell = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '',
      'Acme',
      'ACME Inc.',
      'acme.com',
      'www.beta.de',
      'a@acme.com',
      '7',
      '1,234',
      'yes',
      '2024-01-02',
    ),
  },
  {
    weight: 1, // A table with NUL is not text.
    arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0')),
  },
);
const table = fc
  .uniqueArray(column, { minLength: 1, maxLength: 6 })
  .chain((header) =>
    fc.tuple(
      fc.constant(header),
      fc.array(fc.array(cell, { minLength: header.length, maxLength: header.length }), { maxLength: 8 }),
    ),
  );
const leaf = fc.constantFrom<JsonObject>(
  { type: 'string', maxLength: 8 },
  { type: 'integer', minimum: 2 },
  { type: ['number', 'null'] },
  { type: 'boolean' },
  { type: 'string', format: 'date' },
  { type: 'string', format: 'uri' },
  { enum: ['Acme', 'b', null] },
  { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 2 },
  { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^A' }] },
  { $ref: '#/$defs/short' },
  {},
);
const properties = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...COLUMNS, 'zip', 'address'), leaf), {
    minLength: 3,
    maxLength: 8,
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries));
const nested = fc.tuple(properties, properties, fc.boolean()).map(
  ([outer, inner, isRequired]): JsonObject => ({
    ...outer,
    address: { type: 'object', properties: inner, required: isRequired ? Object.keys(inner) : [] },
  }),
);
const records = fc.array(
  fc
    .uniqueArray(fc.tuple(column, cell), { maxLength: 4, selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries)),
  { minLength: 1, maxLength: 5 },
);

it('for any records, tables and schema: one row each in order, every value valid or null, every citation correct', async () => {
  let round = 0;
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(table, { minLength: 1, maxLength: 3 }),
      fc.oneof(properties, nested),
      records,
      async (tables, fields, asked) => {
        const folder = mkdtempSync(join(root, `${round++}-`));
        for (const [index, [header, rows]] of tables.entries()) {
          writeFileSync(
            join(folder, `t${index}.csv`),
            Papa.unparse([['domain', ...header], ...rows.map((cells, at) => [`d${at}.com`, ...cells])]),
          );
        }
        const agent = await createReferenceAgent(folder);
        const data = asked.map((record, index) => ({
          domain: `www.d${index}.com`,
          ...record,
          row_id: `r${index + 1}`,
        }));
        const user = { type: 'object', properties: fields, additionalProperties: false };
        const outputSchema = {
          ...createRowsSchema(data.length, user),
          $defs: { short: { type: 'string', maxLength: 3 } },
        };
        const request = { query: 'x', input: { data }, outputSchema };
        const { output } = await agent.answer({ request, previous: null }, new AbortController().signal);
        const rows = readList(output.structured);
        expect(rows.map((row) => row.row_id)).toEqual(data.map((row) => row.row_id));
        expect(compileSchema(withoutRequired(outputSchema)).validate({ rows: rows.map(dropNulls) })).toEqual(
          [],
        );
        for (const { field, citations, confidence } of output.grounding) {
          expect(readPath(output.structured, field)).not.toBeNull();
          expect(readPath(output.structured, field)).toBeDefined();
          expect(['low', 'medium', 'high']).toContain(confidence);
          for (const { url } of citations) {
            const [, file, row] = /\/t(\d)\.csv#row=(\d+)$/.exec(url) ?? [];
            if (file !== undefined)
              expect(Number(row)).toBeLessThanOrEqual((tables[Number(file)]?.[1].length ?? 0) + 1);
            else expect(URL.canParse(url)).toBe(true);
          }
        }
        found += output.grounding.length;
        expect(Object.hasOwn(Object.prototype, 'zip')).toBe(false);
      },
    ),
    { numRuns: 150 },
  );
  expect(found).toBeGreaterThan(20);
});

function readList(structured: JsonValue): readonly JsonObject[] {
  return isJsonObject(structured) && Array.isArray(structured.rows) ? structured.rows : [];
}

/** The rows schema without required fields, because null means not found. */
function withoutRequired(schema: JsonObject): JsonObject {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === 'required' && !Array.isArray(value?.zip) ? [] : value)),
  );
}

function dropNulls(row: JsonObject): JsonObject {
  const fields = isJsonObject(row.fields) ? row.fields : {};
  return { ...row, fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) };
}

/** Value at a grounding path such as `structured.rows[0].fields["x y"]`. */
function readPath(structured: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = { structured };
  for (const [, word, index, quoted] of path.matchAll(
    /\.?([\p{L}_$][\p{L}\p{N}_$-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gu,
  )) {
    const key = word ?? index ?? JSON.parse(quoted ?? '""');
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined;
  }
  return value;
}
