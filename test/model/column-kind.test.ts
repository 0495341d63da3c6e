import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveColumnKind, splitColumnName } from '../../src/model/column-kind.js';

describe('resolveColumnKind', () => {
  it.each([
    ['domain', 'domain'],
    ['Company Domain', 'domain'],
    ['homePage', 'domain'],
    ['home page', 'domain'],
    ['WEB_SITE', 'domain'],
    ['company url', 'domain'],
    ['URL', 'domain'],
    ['source_url', 'url'],
    ['LinkedIn URL', 'url'],
    ['E-Mail', 'email'],
    ['work e mail', 'email'],
    ['contactEmail', 'email'],
    ['Phone Number', 'phone'],
    ['phone_model', 'text'],
    ['name', 'company'],
    ['Account Name', 'company'],
    ['organisation', 'company'],
    ['company_size', 'text'],
    ['account id', 'text'],
    ['Full Name', 'person'],
    ['first_name', 'person'],
    ['Contact', 'person'],
    ['primary', 'text'],
    ['official site', 'domain'],
    ['city', 'text'],
    ['__proto__', 'text'],
    ['constructor', 'text'],
    ['', 'text'],
  ])('classifies %j as %s', (column, kind) => {
    expect(resolveColumnKind(column)).toBe(kind);
  });

  it('classifies any name', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => resolveColumnKind(name) !== undefined));
  });
});

describe('splitColumnName', () => {
  it.each([
    ['companyName', ['company', 'name']],
    ['Company  Name', ['company', 'name']],
    ['company-name', ['company', 'name']],
    ['HTTPServerURL', ['http', 'server', 'url']],
    ['address.city', ['address', 'city']],
    ['Umsatz (Mio. €)', ['umsatz', 'mio']],
    ['founded2020', ['founded2020']],
  ])('splits %j', (column, words) => {
    expect(splitColumnName(column)).toEqual(words);
  });
});
