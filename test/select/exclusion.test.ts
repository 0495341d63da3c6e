import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveColumnKind } from '../../src/model/column-kind.js';
import type { JsonObject } from '../../src/model/json.js';
import type { Row } from '../../src/model/row.js';
import { createExclusion, openExclusion } from '../../src/select/exclusion.js';
import type { KeyColumn } from '../../src/select/exclusion-keys.js';

function row(values: Readonly<Record<string, string>>): Row {
  const names = Object.keys(values);
  const columns = new Map(names.map((name, index) => [name, index]));
  return { kind: 'cells', ordinal: 0, line: 2, columns, cells: Object.values(values) };
}

function records(...values: readonly JsonObject[]) {
  return values.map((each, index) => ({ line: index + 2, values: each }));
}

/** Columns of the same name in both files. */
function same(...names: readonly string[]): KeyColumn[] {
  return names.map((name) => ({ kind: resolveColumnKind(name), ours: [[name]], theirs: [[name]] }));
}

const ON = ['company', 'domain', 'email', 'phone'];

test('keys are compared in normalized form', () => {
  const exclusion = createExclusion(
    records(
      { company: 'Müller GmbH & Co. KG' },
      { domain: 'https://www.acme.co.uk/about' },
      { email: 'Ann.Lee@Example.com' },
      { phone: '+49 (30) 123-456 78' },
    ),
    { on: same(...ON), onAnswer: [], tell: ON },
  );
  expect(exclusion.findMatch(row({ company: 'MULLER' }))?.line).toBe(2);
  expect(exclusion.findMatch(row({ company: 'x', domain: 'shop.acme.co.uk' }))?.line).toBe(3);
  expect(exclusion.findMatch(row({ email: 'ann.lee@example.com' }))?.line).toBe(4);
  expect(exclusion.findMatch(row({ phone: '0049 30 12345678' }))?.line).toBe(5);
  expect(exclusion.findMatch(row({ company: 'Miller', domain: 'acme.com' }))).toBeNull();
});

test('a record excludes a row only if they agree in every key that both have', () => {
  const exclusion = createExclusion(
    records({ company: 'Acme', domain: 'acme.com' }, { company: 'Zeta', domain: '' }),
    {
      on: same('company', 'domain'),
      onAnswer: [],
      tell: [],
    },
  );
  expect(exclusion.findMatch(row({ company: 'Acme Inc.', domain: '' }))?.line).toBe(2);
  expect(exclusion.findMatch(row({ company: 'Acme', domain: 'acme.org' }))).toBeNull();
  expect(exclusion.findMatch(row({ company: 'Zeta', domain: 'zeta.io' }))?.line).toBe(3);
  expect(exclusion.findMatch(row({ company: '', domain: '' }))).toBeNull();
});

test('a row finds the first record that excludes it, like a plain search, in a list of any length', () => {
  const word = fc.constantFrom('', 'acme', 'zeta', 'omega');
  const entry = fc.record({ company: word, city: word });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), entry, (list, one) => {
      const on = ['company', 'city'] as const;
      const exclusion = createExclusion(records(...list), { on: same(...on), onAnswer: [], tell: [] });
      const expected = list.findIndex((record) => {
        const shared = on.filter((column) => record[column] !== '' && one[column] !== '');
        return shared.length > 0 && shared.every((column) => record[column] === one[column]);
      });
      expect(exclusion.findMatch(row(one))?.line).toBe(expected === -1 ? undefined : expected + 2);
    }),
  );
});

test('the agent gets at most 100 records that share a key with the batch, without columns that stay local', () => {
  const many = Array.from({ length: 500 }, (_, index) => ({
    company: 'Acme',
    person: `P${index}`,
    secret: 's',
  }));
  const exclusion = createExclusion(records({ company: 'Other', person: 'Q' }, ...many), {
    on: same('company'),
    onAnswer: same('person'),
    tell: ['company', 'person'],
  });
  const told = exclusion.relevantTo([{ company: 'ACME Inc.' }]);
  expect(told).toHaveLength(100);
  expect(told[0]).toEqual({ company: 'Acme', person: 'P0' });
  expect(exclusion.relevantTo([{ company: 'Nobody' }])).toEqual([]);
});

test('a key that many records have leaves space for records of the other rows', () => {
  const many = Array.from({ length: 500 }, (_, index) => ({ company: `C${index}`, country: 'DE' }));
  const exclusion = createExclusion(records(...many, { company: 'Zeta', country: 'FR' }), {
    on: same('company', 'country'),
    onAnswer: [],
    tell: ['company'],
  });
  const told = exclusion.relevantTo([
    { company: 'Acme', country: 'DE' },
    { company: 'Zeta', country: 'US' },
  ]);
  expect(told).toHaveLength(100);
  expect(told).toContainEqual({ company: 'Zeta' });
});

test('with a field as key, a record excludes answers and no rows', () => {
  const exclusion = createExclusion(records({ company: 'Apple', person: 'Tim Cook' }), {
    on: same('company'),
    onAnswer: same('person'),
    tell: [],
  });
  expect(exclusion.findMatch(row({ company: 'Apple' }))).toBeNull();
  expect(exclusion.findExcludedAnswer({ company: 'Apple Inc.' }, { person: 'tim cook' })?.line).toBe(2);
  expect(exclusion.findExcludedAnswer({ company: 'Apple Inc.' }, { person: 'Jeff Williams' })).toBeNull();
  expect(exclusion.findExcludedAnswer({ company: 'Apple Inc.' }, { person: null })).toBeNull();
  expect(exclusion.findExcludedAnswer({ company: 'Orchard' }, { person: 'Tim Cook' })).toBeNull();
});

test('a column may have the name of an inherited property', () => {
  const excluded = records({ company: 'Apple', constructor: 'Ann' });
  const exclusion = createExclusion(excluded, {
    on: same('company', 'constructor'),
    onAnswer: same('toString'),
    tell: ['company'],
  });
  expect(exclusion.relevantTo([{ company: 'Apple' }])).toEqual([{ company: 'Apple' }]);
  expect(exclusion.relevantTo([{ company: 'Beta', constructor: 'Ann' }])).toEqual([{ company: 'Apple' }]);
  expect(exclusion.findExcludedAnswer({ company: 'Apple' }, { toString: null })).toBeNull();
});

test('records for the agent are cleaned like cells, and their size per batch is limited', () => {
  const many = Array.from({ length: 60 }, (_, index) => ({
    company: 'Acme',
    person: `\u202e Person\u0007 ${index} `,
    about: 'x'.repeat(index === 0 ? 9_000 : 2_000),
  }));
  const exclusion = createExclusion(records(...many), {
    on: same('company'),
    onAnswer: same('person'),
    tell: ['person', 'about'],
  });
  const told = exclusion.relevantTo([{ company: 'Acme' }]);
  expect(told[0]).toEqual({ person: 'Person 0', about: 'x'.repeat(8_000) });
  expect(told.length).toBeGreaterThan(40);
  expect(Buffer.byteLength(JSON.stringify(told))).toBeLessThan(101_000);
});

test('records for the agent match a plain search: those that share a key, in turn, without duplicates', () => {
  const word = fc.constantFrom('', 'acme', 'zeta', 'omega');
  const entry = fc.record({ company: word, city: word, person: word });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), fc.array(entry, { maxLength: 3 }), (list, asked) => {
      const on = ['company', 'city'] as const;
      const tell = ['company', 'person'];
      const exclusion = createExclusion(records(...list), { on: same(...on), onAnswer: [], tell });
      const told = exclusion.relevantTo(asked).map((record) => JSON.stringify(record));
      const shared = list.filter((record) =>
        asked.some((one) => on.some((column) => record[column] !== '' && record[column] === one[column])),
      );
      const expected = shared.map(({ company, person }) =>
        JSON.stringify(
          Object.fromEntries(Object.entries({ company, person }).filter(([, value]) => value !== '')),
        ),
      );
      expect(new Set(told)).toEqual(new Set(expected));
      // Two records that differ only in a column that is not sent may look equal, but equal records appear once.
      expect(told.length).toBeLessThanOrEqual(new Set(shared.map((record) => JSON.stringify(record))).size);
    }),
  );
});

test('a list of many thousands of distinct records needs little memory each and finds every one', () => {
  const options = { on: same('domain'), onAnswer: [], tell: ['domain'] };
  const list = openExclusion(options);
  const count = 100_000;
  for (let index = 0; index < count; index += 1)
    list.add({ line: index + 2, values: { domain: `example-${index}.com`, note: 'x'.repeat(200) } });
  expect(list.size).toBe(count);
  expect(list.toldBytes / count).toBeLessThan(40);
  const exclusion = list.finish();
  for (let index = 0; index < count; index += 997) {
    expect(exclusion.findMatch(row({ domain: `https://www.example-${index}.com` }))?.line).toBe(index + 2);
    expect(exclusion.relevantTo([{ domain: `example-${index}.com` }])).toEqual([
      { domain: `example-${index}.com` },
    ]);
  }
  expect(exclusion.findMatch(row({ domain: `example-${count}.com` }))).toBeNull();
});

test('equal records are stored once, in any number and order', () => {
  const list = openExclusion({ on: same('domain'), onAnswer: [], tell: ['domain', 'person'] });
  for (let index = 0; index < 30_000; index += 1)
    list.add({
      line: index + 2,
      values: { domain: `example-${index % 3}.com`, person: index % 2 === 0 ? 'Ann' : 'Bo' },
    });
  expect(list.size).toBe(6);
  const exclusion = list.finish();
  expect(exclusion.findMatch(row({ domain: 'example-1.com' }))?.line).toBe(3);
  expect(exclusion.relevantTo([{ domain: 'example-1.com' }])).toEqual([
    { domain: 'example-1.com', person: 'Bo' },
    { domain: 'example-1.com', person: 'Ann' },
  ]);
});

test('recognizes a repeated record after long ones in between, and keeps text and numbers apart', () => {
  const list = openExclusion({ on: same('domain'), onAnswer: [], tell: ['domain', 'note'] });
  const add = (values: JsonObject) => list.add({ line: list.count + 2, values });
  for (let round = 0; round < 3; round += 1) {
    add({ domain: 'a.com', note: '1' });
    add({ domain: 'a.com', note: 1 });
    add({ domain: ['a.com'], note: '1' });
    for (let index = 0; index < 200; index += 1) add({ domain: `b${index}.com`, note: 'x'.repeat(8_000) });
  }
  expect([list.count, list.size]).toEqual([609, 203]);
  expect(list.finish().findMatch(row({ domain: 'a.com' }))?.line).toBe(2);
});

test('every equal record is counted, among the unmatched and the blank ones', () => {
  const list = openExclusion({ on: same('domain'), onAnswer: [], tell: ['domain'] });
  for (const [index, domain] of ['a.com', 'b.com', 'b.com', '', 'c.com', '', 'b.com', 'www.a.com'].entries())
    list.add({ line: index + 2, values: { domain } });
  expect([list.count, list.size]).toEqual([8, 5]);
  const exclusion = list.finish();
  expect(exclusion.countBlank()).toEqual({ count: 2, lines: [5] });
  expect(exclusion.findMatch(row({ domain: 'a.com' }))?.line).toBe(2);
  // The last record is the same domain in another notation.
  expect(exclusion.countUnmatched()).toEqual({ count: 6, lines: [3, 5, 6] });
});
