import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseCompanyName } from '../../src/model/company-name.js';

describe('normaliseCompanyName', () => {
  it.each([
    ['Apple Inc.', 'apple'],
    ['APPLE, INC', 'apple'],
    ['Siemens Aktiengesellschaft', 'siemens'],
    ['SAP SE', 'sap'],
    ['Robert Bosch GmbH', 'robert bosch'],
    ['Müller & Söhne GmbH & Co. KG', 'muller and sohne'],
    ['Nestlé S.A.', 'nestle'],
    ['Eni S. p. A.', 'eni'],
    ['Cemex, S.A.B. de C.V.', 'cemex'],
    ['Novo Nordisk A/S', 'novo nordisk'],
    ['Philips N.V.', 'philips'],
    ['The Coca-Cola Company', 'coca cola'],
    ['Coca-Cola Co., The', 'coca cola'],
    ['Tiffany & Co.', 'tiffany'],
    ['トヨタ自動車株式会社', 'トヨタ自動車'],
    ['Toyota Jidosha K.K.', 'toyota jidosha'],
    ['삼성전자 주식회사', '삼성전자'],
    ['ООО «Ромашка»', 'ромашка'],
    ['Amazon.com, Inc.', 'amazon com'],
    ["McDonald's Corp", 'mcdonalds'],
    ['McDonald’s Corporation', 'mcdonalds'],
    ['I.B.M. Corp.', 'ibm'],
    ['AT&T Inc.', 'at and t'],
    ['SE', 'se'],
    ['Co. Ltd', 'co'],
    ['SA', 'sa'],
    ['!!!', '!!!'],
    ['株式会社', '株式会社'],
    ['  ', ''],
  ])('reads %j as %j', (name, plain) => {
    expect(normaliseCompanyName(name)).toBe(plain);
  });

  it('keeps the marks that make another letter', () => {
    expect(normaliseCompanyName('ガス')).not.toBe(normaliseCompanyName('カス'));
  });

  it('empties no name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        if (/[\p{L}\p{N}]/u.test(name)) expect(normaliseCompanyName(name)).not.toBe('');
      }),
    );
  });

  it('finds a name again whatever its case, spaces and legal form', () => {
    const word = fc.stringMatching(/^[a-z]{4,9}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', ' Inc.', ', GmbH', ' S.A.', ' Co., Ltd.', ' AG', ' GmbH & Co. KG', ' B.V.'),
        (words, form) => {
          const name = words.join(' ');
          expect(normaliseCompanyName(`  ${name.toUpperCase().replaceAll(' ', '\u00a0 ')}${form} `)).toBe(
            normaliseCompanyName(name),
          );
        },
      ),
    );
  });
});
