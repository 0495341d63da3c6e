import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/model/json.js';
import { askReference } from '../../helpers/reference-folder.js';

const ACME = [{ domain: 'acme.com' }];

/** The fields found for one company in a table with one record. */
async function find(header: string, cells: string, properties: JsonObject): Promise<JsonObject | undefined> {
  const { rows } = await askReference({ 'a.csv': `domain,${header}\nacme.com,${cells}\n` }, ACME, properties);
  return rows[0];
}

describe('a property is found in a column', () => {
  it.each([
    ['headcount', 'Headcount'],
    ['foundingYear', 'founding year'],
    ['stock_ticker', 'Stock-Ticker'],
    ['employees', 'number_of_employees'],
    ['headcount', 'Employees'],
    ['founded', 'Year Founded'],
    ['hq_city', 'headquarters_city'],
    ['ceo', 'Chief Executive Officer'],
    ['zip', 'postal code'],
    ['a.b', 'a.b'],
    ['__proto__', '__proto__'],
    ['toString', 'to string'],
  ])('%s in %s', async (property, column) => {
    const properties = JSON.parse(`{${JSON.stringify(property)}: {"type": "string"}}`);
    const found = await find(column, 'x', properties);
    expect(Object.entries(found ?? {})).toEqual([[property, 'x']]);
  });

  it.each([
    ['city', 'headquarters_city'],
    ['revenue', 'revenue_growth'],
    ['staff', 'employees'],
    ['constructor', 'city'],
  ])('but not %s in %s', async (property, column) => {
    expect(await find(column, 'x', { [property]: { type: 'string' } })).toEqual({ [property]: null });
  });

  it('with its own name before a synonym', async () => {
    const properties = { headcount: { type: 'integer' } };
    expect(await find('employees,headcount', '1,2', properties)).toEqual({ headcount: 2 });
    expect(await find('employees,headcount', '1,', properties)).toEqual({ headcount: null });
  });

  it('and two columns with the same meaning must agree', async () => {
    const properties = { headcount: { type: 'integer' } };
    expect(await find('employees,staff_count', '7,7', properties)).toEqual({ headcount: 7 });
    expect(await find('employees,staff_count', '7,8', properties)).toEqual({ headcount: null });
    expect(await find('City,CITY', 'Bonn,Köln', { city: {} })).toEqual({ city: null });
  });
});

describe('an object is built', () => {
  const address = (required: readonly string[] = []) => ({
    address: {
      type: 'object',
      properties: { city: { type: 'string' }, zip: { type: 'string' }, no: { type: ['integer', 'null'] } },
      required,
    },
  });

  it.each([
    ['address.city,address_zip,addressNo', 'Bonn,53111,7', { city: 'Bonn', zip: '53111', no: 7 }],
    ['city,postcode', 'Bonn,53111', { city: 'Bonn', zip: '53111', no: null }],
    ['city', 'Bonn', { city: 'Bonn', no: null }],
    ['other', 'Bonn', null],
  ])('from the columns %s', async (header, cells, value) => {
    expect(await find(header, cells, address())).toEqual({ address: value });
  });

  it('not without a required part', async () => {
    expect(await find('city', 'Bonn', address(['zip']))).toEqual({ address: null });
  });

  it('with the source of each part', async () => {
    const files = {
      'a.csv': 'domain,city\nacme.com,Bonn\n',
      'b.jsonl': '{"domain": "acme.com", "address": {"zip": "53111"}}\n',
    };
    const { rows, sources } = await askReference(files, ACME, address());
    expect(rows).toEqual([{ address: { city: 'Bonn', zip: '53111', no: null } }]);
    expect(sources).toEqual({
      '[0].fields.address.city': 'high: a.csv#row=2',
      '[0].fields.address.zip': 'high: b.jsonl#line=1',
    });
  });

  it('not with a part from an unrelated column', async () => {
    const properties = { ceo: { type: 'object', properties: { name: { type: 'string' } } } };
    expect(await find('name', 'Acme', properties)).toEqual({ ceo: null });
    expect(await find('ceo_name', 'Ada', properties)).toEqual({ ceo: { name: 'Ada' } });
  });

  it('not with a part from a column that two parts could mean', async () => {
    const place = { type: 'object', properties: { city: { type: 'string' } } };
    expect(await find('city', 'Bonn', { office: place, plant: place })).toEqual({
      office: null,
      plant: null,
    });
  });

  it('from a list of objects in a JSON table', async () => {
    const files = {
      'a.json':
        '[{"domain": "acme.com", "board": [{"Full Name": "Ada", "age": "50"}, {"Full Name": "Bob"}]}]',
    };
    const person = {
      type: 'object',
      properties: { full_name: { type: 'string' }, age: { type: 'integer' } },
    };
    const { rows } = await askReference(files, ACME, { board: { type: 'array', items: person } });
    expect(rows).toEqual([{ board: [{ full_name: 'Ada', age: 50 }, { full_name: 'Bob' }] }]);
  });
});

describe('a value that breaks the schema', () => {
  it.each<[string, JsonObject, string]>([
    ['minimum', { type: 'integer', minimum: 1900 }, '1850'],
    ['maxLength', { type: 'string', maxLength: 3 }, 'long'],
    ['pattern', { type: 'string', pattern: '^[A-Z]+$' }, 'abc'],
    ['format', { type: 'string', format: 'email' }, 'nobody'],
    ['uniqueItems', { type: 'array', items: { type: 'string' }, uniqueItems: true }, 'a;a'],
    ['enum', { enum: ['a', 'b'] }, 'c'],
    ['not', { not: { const: 'abc' } }, 'abc'],
    ['a false schema', { allOf: [false] }, 'abc'],
  ])('by %s becomes null, and the others stay', async (_title, schema, cell) => {
    expect(await find('x,y', `${cell},kept`, { x: schema, y: { type: 'string' } })).toEqual({
      x: null,
      y: 'kept',
    });
  });

  it('only together with others removes all of them, except copied ones', async () => {
    const files = { 'a.csv': 'domain,low,high\nacme.com,5,3\n' };
    const properties = { low: { type: 'integer' }, high: { type: 'integer' } };
    const ask = (rule: JsonObject) => askReference(files, ACME, properties, [], rule);
    const both = { properties: { low: { const: 5 }, high: { const: 3 } }, required: ['low', 'high'] };
    const { rows, result } = await ask({ not: both });
    expect(rows).toEqual([{ low: null, high: null }]);
    expect(result.output.grounding).toEqual([]);
    expect((await ask(both)).rows).toEqual([{ low: 5, high: 3 }]);
    expect((await ask({ required: ['more'] })).rows).toEqual([{ low: 5, high: 3 }]);
    expect((await ask({ anyOf: [{ required: ['more'] }, { minProperties: 9 }] })).rows).toEqual([
      { low: 5, high: 3 },
    ]);
  });
});

it('quotes keys in paths that are not plain words', async () => {
  const { sources } = await askReference({ 'a.csv': 'domain,a.b [c]\nacme.com,x\n' }, ACME, {
    'a.b [c]': {},
  });
  expect(Object.keys(sources)).toEqual(['[0].fields["a.b [c]"]']);
});

it('reads numbers in the style of their column', async () => {
  const files = { 'a.csv': 'domain;share\nacme.com;"1,234"\nbeta.de;"0,5"\n' };
  const { rows } = await askReference(files, ACME, { share: { type: 'number' } });
  expect(rows).toEqual([{ share: 1.234 }]);
});

it("cites the sources in a record, the column's own first", async () => {
  const files = {
    'a.csv':
      'domain,ceo,city,ceo_source,source\nacme.com,Ada,Bonn,https://a.example/ceo,https://a.example/1 https://a.example/2\n',
  };
  const { sources } = await askReference(files, ACME, { ceo: {}, city: {} });
  expect(sources).toEqual({
    '[0].fields.ceo': 'high: a.csv#row=2 https://a.example/ceo https://a.example/1 https://a.example/2',
    '[0].fields.city': 'high: a.csv#row=2 https://a.example/1 https://a.example/2',
  });
});

it('uses the table with the higher confidence, and cites both if they agree', async () => {
  const files = {
    'a.csv': 'company,city,ceo\nAcme,Bonn,ada\n',
    'b.csv': 'domain,city,ceo\nacme.com,Köln,Ada\n',
  };
  const { rows, sources } = await askReference(files, [{ company: 'ACME', domain: 'acme.com' }], {
    city: {},
    ceo: {},
  });
  expect(rows).toEqual([{ city: 'Köln', ceo: 'Ada' }]);
  expect(sources).toEqual({
    '[0].fields.city': 'high: b.csv#row=2',
    '[0].fields.ceo': 'high: b.csv#row=2 a.csv#row=2',
  });
});
