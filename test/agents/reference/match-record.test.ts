import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/model/json.js';
import { askReference } from '../../helpers/reference-folder.js';

const FACT = { fact: { type: 'string' } };

/** The fact found about a record with its confidence, or the reason why there is none. */
async function ask(files: Readonly<Record<string, string>>, record: JsonObject): Promise<string> {
  const { rows, sources, result } = await askReference(files, [record], FACT);
  const fact = rows[0]?.fact ?? null;
  if (fact === null) return result.output.text.split('\n').slice(1).join('\n');
  return `${fact} (${sources['[0].fields.fact']?.split(':')[0]})`;
}

it('takes no company that names nobody for the same employer', async () => {
  const people = {
    'people.csv': 'name,company,fact\nAna Lee,Freelancer,one\nBo Ek,Acme,two\nBo Ek,Self-employed,three\n',
  };
  expect(await ask(people, { company: 'Freelancer' })).toContain('not in any table');
  expect(await ask(people, { name: 'Bo Ek', company: 'self employed' })).not.toContain('three');
  expect(await ask(people, { name: 'Bo Ek', company: 'Acme' })).toContain('two');
});

describe('a company is matched', () => {
  const companies = {
    'companies.csv': `company,domain,email,phone,country,fact
Acme Inc.,www.acme.com,info@acme.com,+1 555 010 9999,US,one
"Müller & Söhne GmbH",mueller.de,,,DE,two
Delta Inc.,delta-us.com,,,US,three
Delta AG,delta-ch.ch,,,CH,four
Site One,one.github.io,,,,five
Site Two,two.github.io,,,,six
Linked Ltd,https://linkedin.com/company/linked,,,,seven
Mail Shop,gmail.com,shop@gmail.com,,,eight
Microsoft Corporation,microsoft.com,,,,nine
n/a,n/a,n/a,n/a,,ten
`,
  };
  it.each<[string, JsonObject, string]>([
    ['by registrable domain', { domain: 'https://shop.acme.com/x' }, 'one (high)'],
    ['by a domain in a column of any name', { website: 'acme.com' }, 'one (high)'],
    ['by email', { mail: 'INFO@acme.com' }, 'one (high)'],
    ['by the domain of an email', { email: 'jane@acme.com' }, 'one (medium)'],
    ['by phone', { phone: '001 (555) 010-9999' }, 'one (high)'],
    ['by name without legal form and accents', { company: 'MULLER AND SOHNE' }, 'two (medium)'],
    ['by a name with a typo', { company: 'Microsft Corp.' }, 'nine (low)'],
    ['by name in another column', { 'Account Name': 'Acme' }, 'one (medium)'],
    ['by domain although the name differs', { company: 'Delta', domain: 'acme.com' }, 'one (high)'],
    ['by the exact name among two that normalize to the same', { company: 'delta ag' }, 'four (medium)'],
    ['by name and country', { company: 'Delta', country: 'ch' }, 'four (medium)'],
    [
      'by name alone if its domain is not in the table',
      { company: 'Acme', domain: 'acme.org' },
      'one (medium)',
    ],
    [
      'with low confidence by name if its domain differs',
      { company: 'Acme', domain: 'roadrunner.org' },
      'one (low)',
    ],
    ['on a shared suffix by its own part', { domain: 'https://two.github.io/' }, 'six (high)'],
    ['on a shared host by its page', { website: 'www.linkedin.com/company/Linked/' }, 'seven (high)'],
    ['by an address at a mail provider', { email: 'shop@gmail.com' }, 'eight (high)'],
  ])('%s', async (_title, record, fact) => {
    expect(await ask(companies, record)).toBe(fact);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['a name that two records have', { company: 'Delta' }, /2 records match equally well/],
    ['a typo with another domain', { company: 'Microsft', domain: 'other.org' }, /not in any table/],
    ['another page of a shared host', { website: 'linkedin.com/company/acme' }, /not in any table/],
    ['the bare shared suffix', { domain: 'github.io' }, /not in any table/],
    ['another address at a mail provider', { email: 'other@gmail.com' }, /not in any table/],
    ['the domain of a mail provider', { domain: 'gmail.com' }, /not in any table/],
    ['keys that point to two records', { domain: 'acme.com', email: 'shop@gmail.com' }, /different records/],
    ['placeholders', { company: 'n/a', domain: 'N/A', phone: '-' }, /not in any table/],
    ['a country alone', { country: 'DE' }, /not in any table/],
    ['nothing at all', {}, /not in any table/],
  ])('not by %s', async (_title, record, words) => {
    expect(await ask(companies, record)).toMatch(words);
  });

  it('once by fully equal records', async () => {
    expect(await ask({ 'a.csv': 'company,fact\nAcme,one\nACME,One\n' }, { company: 'acme' })).toBe(
      'one (medium)',
    );
  });

  it('through the domain in another table, with the confidence of that match', async () => {
    const files = { 'a.csv': 'company,domain\nAcme,acme.com\n', 'b.csv': 'domain,fact\nacme.com,one\n' };
    expect(await ask(files, { company: 'Acme' })).toBe('one (medium)');
  });

  it('by any of its aliases', async () => {
    const files = { 'a.csv': 'company,aliases,fact\nAlphabet,Google; Google LLC,one\n' };
    expect(await ask(files, { company: 'google' })).toBe('one (medium)');
  });
});

describe('a person is matched', () => {
  const people = {
    'people.csv': `full_name,company,email,fact
Jane Doe,Acme Inc.,jane@acme.com,one
Jane Doe,Beta GmbH,,two
John Smith,Gamma,,three
Annabel Lee,,,four
`,
    'companies.csv': 'company,domain,city\nAcme,acme.com,Berlin\n',
  };
  it.each<[string, JsonObject, string]>([
    ['by name and employer', { name: 'Dr. Jane Doe', company: 'beta' }, 'two (medium)'],
    ['by email before anything else', { full_name: 'J. D.', email: 'jane@acme.com' }, 'one (high)'],
    ['by name alone if it is unique', { full_name: 'Smith, John' }, 'three (medium)'],
    ['by name alone if no employer is known', { full_name: 'Annabel Lee', company: 'Poe' }, 'four (medium)'],
    ['by a bare name', { name: 'John Smith' }, 'three (medium)'],
    [
      'by first and last name',
      { first_name: 'John', last_name: 'Smith', employer: 'Gamma' },
      'three (medium)',
    ],
    [
      'by a name with a typo at the same employer',
      { full_name: 'Jon Smith', company: 'Gamma' },
      'three (low)',
    ],
  ])('%s', async (_title, record, fact) => {
    expect(await ask(people, record)).toBe(fact);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['a name that two records have', { full_name: 'Jane Doe' }, /2 records match equally well/],
    [
      'a name at another employer',
      { full_name: 'John Smith', company: 'Acme' },
      /at another employer \(people.csv, row 4\)/,
    ],
    ['a typo without an employer', { full_name: 'Jon Smith' }, /not in any table/],
    ['the employer alone', { company: 'Gamma' }, /not in any table/],
  ])('not by %s', async (_title, record, words) => {
    expect(await ask(people, record)).toMatch(words);
  });

  it('also with facts about the employer, with lower confidence', async () => {
    const { rows, sources } = await askReference(
      people,
      [{ full_name: 'Nobody Known', company: 'Acme', domain: 'acme.com' }],
      { city: { type: 'string' } },
    );
    expect(rows).toEqual([{ city: 'Berlin' }]);
    expect(sources).toEqual({ '[0].fields.city': 'medium: companies.csv#row=2' });
  });
});

describe('anything else is matched', () => {
  const files = {
    'countries.csv': 'country,fact\nFrance,one\nChile,two\n',
    'books.jsonl':
      '{"isbn": "978-1", "title": "A", "fact": "three"}\n{"isbn": "978-2", "title": "A", "fact": "four"}\n',
  };
  it.each<[string, JsonObject, string]>([
    ['by a shared column', { country: 'FRANCE' }, 'one (high)'],
    ['by its identifier', { isbn: '978-2' }, 'four (high)'],
  ])('%s', async (_title, record, fact) => {
    expect(await ask(files, record)).toBe(fact);
  });

  it('not by a column with the same value in several records', async () => {
    expect(await ask(files, { title: 'a' })).toMatch(/2 records match equally well/);
  });

  it('not by a bare id of something else, if names differ', async () => {
    const list = { 'a.csv': 'id,company,fact\n7,Acme,one\n8,Beta,two\n' };
    expect(await ask(list, { id: 7, company: 'Beta' })).toBe('two (medium)');
    expect(await ask(list, { id: 7, company: 'Gamma' })).toMatch(/not in any table/);
    expect(await ask(list, { id: 7 })).toBe('one (high)');
  });

  it('not by row_id, which is only a position in the run', async () => {
    const { rows } = await askReference({ 'a.csv': 'row_id,fact\nr1,one\n' }, [{ company: 'x' }], FACT);
    expect(rows).toEqual([{ fact: null }]);
  });
});
