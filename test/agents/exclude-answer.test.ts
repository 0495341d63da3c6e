import { expect, it } from 'vitest';
import type { JsonObject } from '../../src/model/json.js';
import { askReference } from '../helpers/reference-folder.js';

const TABLE = { 'a.csv': 'company,domain,ceo,city\nAcme,acme.com,Ada Ray,Bonn\nBeta,beta.de,Bob Sun,Ulm\n' };
const PROPERTIES = { ceo: { type: 'string' }, city: { type: 'string' } };

it.each<[string, JsonObject, JsonObject]>([
  ['for this company not this person', { company: 'ACME Inc.', ceo: 'ada ray' }, { ceo: null, city: 'Bonn' }],
  ['not this person, whatever the company', { ceo: 'Ada Ray' }, { ceo: null, city: 'Bonn' }],
  ['not this company at all', { domain: 'https://www.acme.com' }, { ceo: null, city: null }],
  ['another person of this company', { company: 'Acme', ceo: 'Zoe' }, { ceo: 'Ada Ray', city: 'Bonn' }],
  ['this person at another company', { company: 'Beta', ceo: 'Ada Ray' }, { ceo: 'Ada Ray', city: 'Bonn' }],
  [
    'a record that says more than the answer',
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
  expect(result.output.text).toContain('r1.ceo: it is on the exclusion list');
});
