import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { normalizeDomain } from '../src/model/entity-key.js';
import { isJsonObject, type JsonObject } from '../src/model/json.js';
import { compileSchema } from '../src/model/schema.js';

const SAMPLES = join(import.meta.dirname, '..', 'samples');
const companies = readTable('companies.csv');
const headquarters = readTable('reference/headquarters.csv');
const listings = readTable('reference/listings.tsv');
const leaders = readObjects('reference/leaders.jsonl');
const people = readObjects('people.jsonl');

test('the company list has at least 60 rows and the expected columns', () => {
  expect(companies.length).toBeGreaterThanOrEqual(60);
  expect(Object.keys(companies[0] ?? {})).toEqual([
    'company',
    'domain',
    'city',
    'account_owner',
    'last_contact',
    'notes',
  ]);
});

test('the company list has the irregularities of a real one', () => {
  const text = readFileSync(join(SAMPLES, 'companies.csv'), 'utf8');
  expect(text.charCodeAt(0)).not.toBe(0xfeff);
  expect(text).not.toContain('\r');
  expect(companies.some((row) => row.company?.includes('\n'))).toBe(true);
  expect(companies.some((row) => /, Inc\./.test(row.company ?? ''))).toBe(true);
  expect(companies.some((row) => / GmbH$/.test(row.company ?? ''))).toBe(true);
  expect(companies.some((row) => /[éøŠ]/.test(row.company ?? ''))).toBe(true);
  expect(companies.some((row) => row.domain?.startsWith('www.'))).toBe(true);
  expect(companies.some((row) => row.domain?.startsWith('https://'))).toBe(true);
  expect(companies.some((row) => row.notes?.includes('"'))).toBe(true);
  expect(companies.some((row) => row.company === '')).toBe(true);
  const cities = companies.filter((row) => row.city !== '').length;
  expect(cities).toBeGreaterThan(0);
  expect(cities).toBeLessThan(companies.length / 4);
});

test('two companies are listed twice with the same sent values', () => {
  const seen = new Set<string>();
  const twice = companies.filter((row) => {
    const key = JSON.stringify([row.company, row.domain]);
    const isTwin = seen.has(key);
    seen.add(key);
    return isTwin;
  });
  expect(twice.map((row) => row.company)).toEqual(['Siemens AG', 'Cloudflare, Inc.']);
});

test('every company has a name or a domain to send', () => {
  for (const row of companies) expect(`${row.company}${row.domain}`.trim()).not.toBe('');
});

test('the two companies that do not exist have a reserved domain and are in no table', () => {
  const unreal = companies.filter((row) => row.domain?.endsWith('.example'));
  expect(unreal).toHaveLength(2);
  for (const row of unreal) {
    const domain = normalizeDomain(row.domain ?? '');
    for (const table of [headquarters, listings])
      expect(table.some((fact) => fact.domain === domain || fact.company === row.company)).toBe(false);
  }
});

test('most but not all companies are in a table by domain', () => {
  const known = new Set([...headquarters, ...listings].map((fact) => fact.domain));
  const found = companies.filter((row) => known.has(normalizeDomain(row.domain ?? '') ?? ''));
  expect(found.length).toBeGreaterThan(companies.length * 0.8);
  expect(found.length).toBeLessThan(companies.length);
});

test.each([
  ['headquarters.csv', headquarters],
  ['listings.tsv', listings],
])('%s lists each company once, with a bare domain and a source page', (_name, table) => {
  const domains = table.map((fact) => fact.domain ?? '');
  expect(new Set(domains).size).toBe(table.length);
  for (const fact of table) {
    expect(fact.company).not.toBe('');
    expect(normalizeDomain(fact.domain ?? '')).toBe(fact.domain);
    expect(fact.source).toMatch(/^https:\/\/en\.wikipedia\.org\/wiki\/[\x21-\x7e]+$/);
  }
});

test('each table has companies missing from the other table and from the list', () => {
  const inHeadquarters = new Set(headquarters.map((fact) => fact.domain));
  const inListings = new Set(listings.map((fact) => fact.domain));
  const inList = new Set(companies.map((row) => normalizeDomain(row.domain ?? '')));
  expect([...inHeadquarters].some((domain) => !inListings.has(domain))).toBe(true);
  expect([...inListings].some((domain) => !inHeadquarters.has(domain))).toBe(true);
  expect([...inHeadquarters].some((domain) => !inList.has(domain ?? ''))).toBe(true);
});

test('the tables agree on each company’s name and source page', () => {
  const names = new Map(headquarters.map((fact) => [fact.domain, [fact.company, fact.source]]));
  for (const fact of listings)
    if (names.has(fact.domain)) expect(names.get(fact.domain)).toEqual([fact.company, fact.source]);
});

test('the facts match the schema', () => {
  for (const fact of headquarters) {
    expect(fact.city).not.toBe('');
    expect(fact.country).not.toBe('');
    expect(fact.founded).toMatch(/^(1[0-9]{3}|20[0-2][0-9])?$/);
  }
  for (const fact of listings) {
    expect(fact.listed).toMatch(/^(yes|no)$/);
    if (fact.listed === 'no') expect(fact.ticker).toBe('');
    expect(fact.ticker === '').toBe(fact.exchange === '');
  }
});

test('a ticker of digits keeps its zeros in the table', () => {
  expect(listings.find((fact) => fact.domain === 'samsung.com')?.ticker).toBe('005930');
});

test('the exclusion file has customers in other spellings, and one that is not in the list', () => {
  const customers = readTable('customers.csv');
  const domains = new Set(companies.map((row) => normalizeDomain(row.domain ?? '')));
  const hits = customers.filter((row) => domains.has(normalizeDomain(row.domain ?? '')));
  expect(hits).toHaveLength(5);
  expect(customers).toHaveLength(6);
  const spellings = new Set(companies.map((row) => row.domain));
  for (const row of hits) expect(spellings.has(row.domain ?? '')).toBe(false);
});

test('the list of people has at least 20 names, most of them in the table of leaders', () => {
  expect(people.length).toBeGreaterThanOrEqual(20);
  const known = new Set(leaders.map((fact) => fact.person));
  const found = people.filter((person) => known.has(person.full_name ?? ''));
  expect(found.length).toBeGreaterThan(20);
  expect(found.length).toBeLessThan(people.length);
});

test('each leader is listed once, with a company and a role', () => {
  expect(new Set(leaders.map((fact) => fact.person)).size).toBe(leaders.length);
  for (const fact of leaders) {
    expect(fact.company).toEqual(expect.any(String));
    expect(fact.role).toEqual(expect.any(String));
    expect(fact.founder).toEqual(expect.any(Boolean));
  }
});

test('the fields of people are in no company table, so that a company cannot answer for a person', () => {
  const asked = Object.keys(readProperties('people.schema.json'));
  for (const table of [headquarters, listings])
    expect(Object.keys(table[0] ?? {}).filter((column) => asked.includes(column))).toEqual([]);
  const askedOfCompanies = Object.keys(readProperties('companies.schema.json'));
  for (const fact of leaders)
    expect(Object.keys(fact).filter((column) => askedOfCompanies.includes(column))).toEqual([]);
});

test('the facts of leaders match the schema of people', () => {
  const schema = compileSchema(readSchema('people.schema.json'));
  for (const leader of leaders)
    for (const field of Object.keys(readProperties('people.schema.json')))
      if (leader[field] !== undefined)
        expect(schema.part(`/properties/${field}`).validate(leader[field])).toEqual([]);
});

test.each(['companies.schema.json', 'people.schema.json'])(
  '%s compiles and describes every field',
  (name) => {
    compileSchema(readSchema(name));
    for (const property of Object.values(readProperties(name)))
      expect(isJsonObject(property) && typeof property.description === 'string').toBe(true);
  },
);

test('README.md has the right numbers of samples', () => {
  const text = readFileSync(join(SAMPLES, 'README.md'), 'utf8');
  expect(text).toContain(`${companies.length} companies as a sales list`);
  expect(text).toContain(`${people.length} people`);
  expect(text).toContain(`foundation of ${headquarters.length} companies`);
  expect(text).toContain(`ticker of ${listings.length} companies`);
  expect(text).toContain(`${leaders.length} people who lead a company`);
});

function readTable(name: string): readonly Record<string, string>[] {
  const text = readFileSync(join(SAMPLES, name), 'utf8');
  const { data, errors } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
  expect(errors).toEqual([]);
  return data;
}

function readObjects(name: string): readonly JsonObject[] {
  const lines = readFileSync(join(SAMPLES, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const value: unknown = JSON.parse(line);
    if (!isJsonObject(value)) throw new Error(`${name} has a line that is not an object: ${line}`);
    return value;
  });
}

function readSchema(name: string): JsonObject {
  const schema: unknown = JSON.parse(readFileSync(join(SAMPLES, name), 'utf8'));
  if (!isJsonObject(schema)) throw new Error(`${name} is not an object`);
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  return schema;
}

function readProperties(name: string): JsonObject {
  const { properties } = readSchema(name);
  if (!isJsonObject(properties)) throw new Error(`${name} has no properties`);
  return properties;
}
