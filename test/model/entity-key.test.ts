import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveColumnKind } from '../../src/model/column-kind.js';
import {
  createEntityKey,
  listEntityKeys,
  normalizeDomain,
  normalizeEmail,
} from '../../src/model/entity-key.js';

describe('normalizeDomain', () => {
  it.each([
    ['acme.com', 'acme.com'],
    ['  WWW.Acme.COM. ', 'acme.com'],
    ['https://www.shop.acme.co.uk:8080/a/b?c=d#e', 'acme.co.uk'],
    ['//acme.com/x', 'acme.com'],
    ['https://user:secret@acme.com', 'acme.com'],
    ['jane.doe@mail.acme.de', 'acme.de'],
    ['mailto:jane@acme.de?subject=hi', 'acme.de'],
    ['https://MÜNCHEN.de/', 'xn--mnchen-3ya.de'],
    ['xn--mnchen-3ya.de', 'xn--mnchen-3ya.de'],
    ['ａｃｍｅ．ｃｏｍ', 'acme.com'],
    ['acme\u200b.com', 'acme.com'],
    ['acme.example', 'acme.example'],
    ['acme.github.io', 'acme.github.io'],
    ['github.io', 'github.io'],
    ['https://shop.kobe.jp', null],
    ['co.uk', null],
    ['com', null],
    ['localhost', null],
    ['192.168.0.1', null],
    ['http://[2001:db8::1]:80/', null],
    ['v1.2', null],
    ['Acme Inc.', null],
    ['acme.com and more', null],
    ['', null],
    ['n/a', null],
    [`${'a.'.repeat(2_000)}com`, null],
  ])('reads %j as %j', (text, domain) => {
    expect(normalizeDomain(text)).toBe(domain);
  });

  it('is idempotent', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.domain(), fc.emailAddress()), (text) => {
        const domain = normalizeDomain(text);
        expect(domain === null ? null : normalizeDomain(domain)).toBe(domain);
      }),
    );
  });
});

describe('normalizeEmail', () => {
  it.each([
    ['Jane.Doe@ACME.com', 'jane.doe@acme.com'],
    [' mailto:Jane@Acme.com?subject=x ', 'jane@acme.com'],
    ['"Doe, Jane" <jane@acme.com>', 'jane@acme.com'],
    ['jane@münchen.de', 'jane@xn--mnchen-3ya.de'],
    ['jane+list@acme.com', 'jane+list@acme.com'],
    ['jane@acme', null],
    ['jane at acme.com', null],
    ['a@b.com, c@d.com', null],
    ['', null],
  ])('reads %j as %j', (text, email) => {
    expect(normalizeEmail(text)).toBe(email);
  });
});

describe('createEntityKey', () => {
  it.each([
    ['domain', 'https://www.Acme.com/about', 'domain:acme.com'],
    ['Company Website', 'acme.com', 'domain:acme.com'],
    ['website_url', 'http://acme.com', 'domain:acme.com'],
    ['url', 'www.acme.com/de', 'domain:acme.com'],
    ['domain', 'https://www.linkedin.com/company/acme/?trk=x', 'url:linkedin.com/company/acme'],
    ['domain', 'www.google.com', 'domain:google.com'],
    ['domain', 'https://about.gitlab.com/', 'domain:gitlab.com'],
    ['domain', 'https://acme.medium.com', 'url:acme.medium.com'],
    ['website', 'acme.github.io/', 'domain:acme.github.io'],
    ['linkedin_url', 'https://de.linkedin.com/in/Jane/', 'url:linkedin.com/in/jane'],
    ['source_url', 'https://acme.com/press?utm_source=a&id=7', 'url:acme.com/press?id=7'],
    ['domain', 'unknown yet', 'text:unknown yet'],
    ['company', 'None Such Ltd', 'company:none such'],
    ['country', 'NA', 'text:na'],
    ['domain', '10.0.0.1', 'text:10.0.0.1'],
    ['E-Mail', 'Jane <JANE@acme.com>', 'email:jane@acme.com'],
    ['workEmail', 'see notes', 'text:see notes'],
    ['phone', '+49 (0)30 1234567', 'phone:49301234567'],
    ['company', 'ACME, Inc.', 'company:acme'],
    ['companyName', 'Société Générale S.A.', 'company:societe generale'],
    ['name', 'Müller & Söhne GmbH & Co. KG', 'company:muller and sohne'],
    ['full_name', 'Dr. Jane Doe', 'person:jane doe'],
    ['company_id', '  C-17 ', 'text:c-17'],
    ['id', 17, 'text:17'],
    ['anything', 'JANE@acme.com', 'email:jane@acme.com'],
    ['tags', ['b', 'a'], 'text:["b","a"]'],
  ])('compares %s %j as %j', (column, value, key) => {
    expect(createEntityKey(column, value)).toBe(key);
  });

  it.each([
    ['company', ''],
    ['company', ' \t'],
    ['company', null],
    ['domain', 'n/a'],
    ['company', 'Unknown'],
    ['phone', ' - '],
    ['company', ' '.repeat(1_000)],
    ['domain', 'gmail.com'],
    ['website', 'https://mail.googlemail.com'],
  ])('returns no key for %s %j, which names nothing', (column, value) => {
    expect(createEntityKey(column, value)).toBeNull();
  });

  it('distinguishes long texts with the same beginning', () => {
    const long = 'x'.repeat(3_000_000);
    expect(createEntityKey('note', `${long}a`)).not.toBe(createEntityKey('note', `${long}b`));
    expect(createEntityKey('note', `${long}a`)?.length).toBeLessThan(1_100);
  });

  it('returns a short key or null for any value of any column', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.jsonValue(), (column, value) => {
        const key = createEntityKey(column, JSON.parse(JSON.stringify(value)));
        expect(key === null || key.length < 6_000).toBe(true);
      }),
    );
  });
});

describe('listEntityKeys', () => {
  it.each([
    ['domain', 'orbelin.example (main)', ['domain:orbelin.example']],
    ['domain', '[old] https://orbelin.example/', ['domain:orbelin.example']],
    ['domain', 'orbelin.com; orbelin.de', ['domain:orbelin.com', 'domain:orbelin.de']],
    ['website', 'orbelin.com / orbelin.de', ['domain:orbelin.com', 'domain:orbelin.de']],
    ['website', 'https://orbelin.com\nwww.zeta.example', ['domain:orbelin.com', 'domain:zeta.example']],
    ['website', 'orbelin.com and www.orbelin.com', ['domain:orbelin.com']],
    ['website', 'their site is orbelin.com, see the notes.', ['domain:orbelin.com']],
    ['website', '<https://orbelin.com>', ['domain:orbelin.com']],
    ['website', 'orbelin.com, x.com/orbelin', ['domain:orbelin.com', 'url:x.com/orbelin']],
    ['website', 'Acme Inc. e.g. this', ['text:acme inc. e.g. this']],
    ['website', 'v1.2 of it', ['text:v1.2 of it']],
    [
      'website',
      'https://en.wikipedia.org/wiki/Orbelin_(company)',
      ['url:en.wikipedia.org/wiki/orbelin_(company)'],
    ],
    ['domain', ['orbelin.com', 'orbelin.de'], ['domain:orbelin.com', 'domain:orbelin.de']],
    ['domain', 'gmail.com, orbelin.com', ['domain:orbelin.com']],
    ['email', 'ann@orbelin.com, Bo <bo@orbelin.com>', ['email:ann@orbelin.com', 'email:bo@orbelin.com']],
    ['email', 'ann@orbelin.com (private)', ['email:ann@orbelin.com']],
    ['email', 'ann@orbelin.com/bo@orbelin.com', ['text:ann@orbelin.com/bo@orbelin.com']],
    ['email', 'ask Ann', ['text:ask ann']],
    [
      'linkedin_url',
      'https://linkedin.com/in/ann https://linkedin.com/in/bo',
      ['url:linkedin.com/in/ann', 'url:linkedin.com/in/bo'],
    ],
    ['source_url', 'https://orbelin.com/a,b', ['url:orbelin.com/a,b']],
    ['company', 'Orbelin, Inc.', ['company:orbelin']],
    ['company', '', []],
  ])('reads %s %j as %j', (column, value, keys) => {
    expect(listEntityKeys(resolveColumnKind(column), value)).toEqual(keys);
  });
});
