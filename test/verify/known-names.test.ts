import { afterEach, expect, test, vi } from 'vitest';
import { readPage } from '../../src/pages/read-page.js';
import { checkCitation } from '../../src/verify/check-citation.js';
import { COUNTRY_NAMES } from '../../src/verify/country-names.js';
import { foldWords } from '../../src/verify/fold-text.js';
import { findCountryCode, listOtherNames } from '../../src/verify/known-names.js';

afterEach(() => vi.unstubAllGlobals());

test.each([
  ['country', 'Brazil', 'Unternehmen: Ferrowind. Land: Brasilien', 'de'],
  ['country', 'Switzerland', 'Entreprise : Ferrowind. Pays : Suisse', 'fr'],
  ['hq_city', 'Bergen, Norway', 'Ferrowind. Hauptsitz: Bergen, Norwegen', 'de'],
  ['founded', '1987-03-14', 'Ferrowind wurde am 14. März 1987 gegründet', 'de'],
  ['founded', '1987-10-02', 'Ferrowind została założona 2 października 1987', 'pl'],
  ['revenue', 3_200_000, 'Chiffre d’affaires de Ferrowind : 3,2 millions', 'fr'],
  ['revenue', 25_000_000_000, 'Cifra de afaceri Ferrowind: 25 de miliarde', 'ro'],
])(
  '%s %s is found on a page in another language without the language data of Node',
  (name, value, text, lang) => {
    // As in builds of Node that only have English.
    vi.stubGlobal('Intl', undefined);
    const body = Buffer.from(`<html lang="${lang}"><title>Ferrowind</title><p>${text}</p>`);
    const page = readPage({ url: 'https://pages.example/', status: 200, contentType: 'text/html', body });
    const claim = { field: { name, schema: true }, value, row: [{ name: 'company', value: 'Ferrowind' }] };
    expect(checkCitation(page, claim)).toMatchObject({ verdict: 'on_page' });
  },
);

test.each(['en', 'de', 'pl', 'uk', 'ja', 'ar'])('countries are known by their names in %s', (language) => {
  const names = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' });
  const codes =
    'AD AR BR CH CI CN DE DK EG ES FI FR GR IE IN IT JP KE MX NL NO NZ PL SE TH UA UY VN ZA'.split(' ');
  expect(codes.map((code) => findCountryCode(names.of(code) ?? ''))).toEqual(codes);
});

test('names of countries are folded, and each leads to its country', () => {
  for (const line of COUNTRY_NAMES.trim().split('\n')) {
    const [code = '', ...names] = line.split(';').slice(0, -1);
    expect(names.filter((name) => foldWords(name) !== name)).toEqual([]);
    expect(listOtherNames(code, 'country')).toEqual(names);
    // Polish calls both countries Kongo.
    const others = names.filter((name) => findCountryCode(name) !== code && name !== 'kongo');
    expect(others).toEqual([]);
  }
});

test.each(['', '  ', ';', 'EU', 'XX', 'ad', 'Atlantis', '\n'])('%j is not a country', (text) => {
  expect(findCountryCode(text)).toBeNull();
});
