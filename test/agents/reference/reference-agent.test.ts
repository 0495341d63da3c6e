import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReferenceAgent } from '../../../src/agents/reference/reference-agent.js';
import { isJsonObject, type JsonObject } from '../../../src/model/json.js';
import { compileSchema } from '../../../src/model/schema.js';
import { askReference, createReferenceFolder, createRowsSchema } from '../../helpers/reference-folder.js';

const TABLE = { 'a.csv': 'company,domain,ceo,city\nAcme,acme.com,Ada Ray,Bonn\nBeta,beta.de,Bob Sun,Ulm\n' };
const PROPERTIES = { ceo: { type: 'string' }, city: { type: 'string' } };

it.each<[string, JsonObject, JsonObject]>([
  ['this person at this company', { company: 'ACME Inc.', ceo: 'ada ray' }, { ceo: null, city: 'Bonn' }],
  ['this person at any company', { ceo: 'Ada Ray' }, { ceo: null, city: 'Bonn' }],
  ['this whole company', { domain: 'https://www.acme.com' }, { ceo: null, city: null }],
  ['another person of this company', { company: 'Acme', ceo: 'Zoe' }, { ceo: 'Ada Ray', city: 'Bonn' }],
  ['this person at another company', { company: 'Beta', ceo: 'Ada Ray' }, { ceo: 'Ada Ray', city: 'Bonn' }],
  [
    'a record with more columns than the answer',
    { company: 'Acme', since: '2020' },
    { ceo: 'Ada Ray', city: 'Bonn' },
  ],
  ['nothing', {}, { ceo: 'Ada Ray', city: 'Bonn' }],
  ['blanks', { company: '', ceo: null }, { ceo: 'Ada Ray', city: 'Bonn' }],
])('exclusion of %s', async (_title, excluded, fields) => {
  const records = [{ company: 'Acme', domain: 'acme.com' }];
  const { rows, result } = await askReference(TABLE, records, PROPERTIES, [excluded]);
  expect(rows).toEqual([fields]);
  const cited = result.output.grounding.map(({ field }) => field.split('.').at(-1));
  expect(cited).toEqual(Object.keys(fields).filter((name) => fields[name] !== null));
});

it('says why an excluded value is missing', async () => {
  const { result } = await askReference(TABLE, [{ company: 'Acme' }], PROPERTIES, [{ ceo: 'ada ray' }]);
  expect(result.output.text).toContain('r1.ceo: on the exclusion list');
});

const COMPANIES = `company,domain,city,founded,listed,source_url
Acme Inc.,https://www.acme.com/,Berlin,"1,999",yes,https://news.example/acme
Beta GmbH,beta.de,"Bonn, Rhein",2001,no,
Gamma Ltd,gamma.co.uk,London,unknown,maybe,not a link
`;
const PEOPLE = '{"company": "ACME", "ceo": "Ada Ray"}\n\n{"company": "Beta", "ceo": "Bob Sun"}\n';
const FIELDS = {
  city: { type: 'string' },
  founded: { type: 'integer' },
  listed: { type: 'boolean' },
  ceo: { type: 'string' },
};

describe('an answer', () => {
  it('merges facts from several tables, with citations, and with confidence from the match', async () => {
    const { rows, sources } = await askReference(
      { 'companies.csv': COMPANIES, 'leaders.jsonl': PEOPLE },
      [{ company: 'Acme', domain: 'acme.com' }],
      FIELDS,
    );
    expect(rows).toEqual([{ city: 'Berlin', founded: 1999, listed: true, ceo: 'Ada Ray' }]);
    expect(sources).toEqual({
      '[0].fields.city': 'high: companies.csv#row=2 https://news.example/acme',
      '[0].fields.founded': 'high: companies.csv#row=2 https://news.example/acme',
      '[0].fields.listed': 'high: companies.csv#row=2 https://news.example/acme',
      '[0].fields.ceo': 'medium: leaders.jsonl#line=1',
    });
  });

  it('keeps the order and ids of the records, and returns null for unknown values', async () => {
    const { result, rows } = await askReference(
      { 'companies.csv': COMPANIES },
      [{ domain: 'gamma.co.uk' }, { company: 'Nobody AG' }, { domain: 'www.beta.de' }],
      FIELDS,
    );
    expect(rows).toEqual([
      { city: 'London', founded: null, listed: null, ceo: null },
      { city: null, founded: null, listed: null, ceo: null },
      { city: 'Bonn, Rhein', founded: 2001, listed: false, ceo: null },
    ]);
    expect(result.output.structured).toMatchObject({
      rows: [{ row_id: 'r1' }, { row_id: 'r2' }, { row_id: 'r3' }],
    });
    expect(result.output.text).toContain('Nobody AG: not in any table.');
    expect(result.output.text).toContain('r1.listed: companies.csv, row 4 (listed) does not fit the schema');
    expect(result.usage).toEqual({ agentComputeUnits: 0, searches: 3, emails: 0, phoneNumbers: 0 });
    expect(result.costDollars).toBeUndefined();
  });

  it('is null if two records match equally well, and names both', async () => {
    const tables = { 'a.csv': 'company,city\nDelta Inc.,Atlanta\nDelta AG,Aarau\n' };
    const { rows, result } = await askReference(tables, [{ company: 'Delta' }], { city: { type: 'string' } });
    expect(rows).toEqual([{ city: null }]);
    expect(result.output.text).toContain('r1: 2 records match equally well (a.csv, row 2; a.csv, row 3)');
  });

  it('is null if two tables with equal confidence disagree', async () => {
    const tables = { 'a.csv': 'domain,city\nacme.com,Berlin\n', 'b.csv': 'domain,city\nacme.com,Bonn\n' };
    const { rows, result } = await askReference(tables, [{ domain: 'acme.com' }], {
      city: { type: 'string' },
    });
    expect(rows).toEqual([{ city: null }]);
    expect(result.output.text).toContain('r1.city: a.csv, row 2 (city) and b.csv, row 2 (city) disagree');
  });

  it('describes itself, and says that it does not search the web', async () => {
    const agent = await createReferenceAgent(createReferenceFolder({ 'a.csv': COMPANIES }));
    expect(agent.description).toMatch(/a\.csv.*does not search the web/);
  });

  it('takes the row ids of each run from its own schema', async () => {
    const agent = await createReferenceAgent(createReferenceFolder({ 'a.csv': COMPANIES }));
    const ask = async (allowed: string, sent: string) => {
      const row = {
        type: 'object',
        properties: { row_id: { enum: [allowed] }, fields: { properties: FIELDS } },
      };
      const outputSchema = { type: 'object', properties: { rows: { type: 'array', items: row } } };
      const request = { query: 'x', input: { data: [{ row_id: sent, domain: 'acme.com' }] }, outputSchema };
      const { output } = await agent.answer({ request, previous: null }, new AbortController().signal);
      return (output.structured as { rows: { row_id: string | null; fields: JsonObject }[] }).rows[0];
    };
    expect(await ask('a', 'a')).toMatchObject({ row_id: 'a', fields: { city: 'Berlin' } });
    expect(await ask('b', 'b')).toMatchObject({ row_id: 'b', fields: { city: 'Berlin' } });
    expect(await ask('c', 'b')).toMatchObject({ row_id: null });
  });

  it('keeps to a schema that speaks of its row ids elsewhere', async () => {
    const city = { type: 'string', not: { $ref: '#/properties/rows/items/properties/row_id' } };
    const { rows } = await askReference(
      { 'a.csv': 'domain,city\nacme.com,Berlin\nbeta.de,r1\n' },
      [{ domain: 'acme.com' }, { domain: 'beta.de' }],
      { city },
    );
    expect(rows).toEqual([{ city: 'Berlin' }, { city: null }]);
  });

  it('ends when it is aborted', async () => {
    const agent = await createReferenceAgent(createReferenceFolder({ 'a.csv': COMPANIES }));
    const data = Array.from({ length: 100 }, (_, index) => ({ row_id: `r${index + 1}`, company: 'Acme' }));
    const request = {
      query: 'x',
      input: { data },
      outputSchema: createRowsSchema(100, { properties: FIELDS }),
    };
    const abort = new AbortController();
    const answer = agent.answer({ request, previous: null }, abort.signal);
    abort.abort(new Error('stopped'));
    await expect(answer).rejects.toThrow('stopped');
  });
});

describe('a schema of another form', () => {
  const tables = { 'companies.csv': COMPANIES };
  const ask = async (outputSchema: JsonObject | null, data: readonly JsonObject[], previous = null) => {
    const agent = await createReferenceAgent(createReferenceFolder(tables));
    const request = { query: 'x', input: { data }, outputSchema };
    return (await agent.answer({ request, previous }, new AbortController().signal)).output;
  };
  const list = (properties: JsonObject, more: JsonObject = {}) => ({
    type: 'object',
    properties: {
      companies: { type: 'array', items: { type: 'object', properties }, ...more },
      total: { type: 'integer' },
    },
  });

  it('gets requested input columns copied, and the rest looked up', async () => {
    const output = await ask(list({ company: { type: 'string' }, city: { type: 'string' } }), [
      { company: 'acme', domain: 'acme.com' },
    ]);
    expect(output.structured).toEqual({ companies: [{ company: 'acme', city: 'Berlin' }], total: null });
    expect(output.grounding.map(({ field }) => field)).toEqual(['structured.companies[0].city']);
  });

  it('gets no more records than its list allows', async () => {
    const output = await ask(list({ city: { type: 'string' } }, { maxItems: 1 }), [
      { domain: 'acme.com' },
      { domain: 'beta.de' },
    ]);
    expect(output.structured).toEqual({ companies: [{ city: 'Berlin' }], total: null });
    expect(output.text).toContain('1 more exceed');
  });

  it('gets an empty list and an explanation if there are no records', async () => {
    const output = await ask(list({ city: { type: 'string' } }), []);
    expect(output.structured).toEqual({ companies: [], total: null });
    expect(output.text).toContain('looks up the records in input.data');
  });

  it('gets one object for one record', async () => {
    const output = await ask({ type: 'object', properties: { city: { type: 'string' } } }, [
      { domain: 'beta.de' },
    ]);
    expect(output.structured).toEqual({ city: 'Bonn, Rhein' });
    expect(output.grounding.map(({ field }) => field)).toEqual(['structured.city']);
  });

  it('gets prose if there is no schema', async () => {
    const output = await ask(null, [{ domain: 'acme.com' }, { company: 'Nobody' }]);
    expect(output.structured).toBeNull();
    expect(output.text).toContain('acme.com: company Acme Inc.; domain https://www.acme.com/; city Berlin');
    expect(output.text).toContain('Nobody: not in any table.');
    expect(output.grounding.map(({ field }) => field)).toEqual(['text']);
  });
});

it('answers the samples: all values valid, none for companies that do not exist', async () => {
  const samples = join(import.meta.dirname, '../../../samples');
  const schema: JsonObject = JSON.parse(readFileSync(join(samples, 'people.schema.json'), 'utf8'));
  const people = readFileSync(join(samples, 'people.jsonl'), 'utf8').trim().split('\n');
  const data = people.map((line, index): JsonObject => ({ row_id: `r${index + 1}`, ...JSON.parse(line) }));
  const agent = await createReferenceAgent(join(samples, 'reference'));
  const request = { query: 'x', input: { data }, outputSchema: createRowsSchema(data.length, schema) };
  const { output } = await agent.answer({ request, previous: null }, new AbortController().signal);
  const rows =
    isJsonObject(output.structured) && Array.isArray(output.structured.rows) ? output.structured.rows : [];
  const check = compileSchema({ ...schema, required: [] });
  for (const { fields } of rows) {
    const found = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
    expect(check.validate(found)).toEqual([]);
  }
  expect(rows.filter(({ fields }) => fields.role === null)).toHaveLength(3);
});
