import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCompanyName, isNobody, normalizeCompanyName } from '../../src/model/company-name.js';
import { normalizeText } from '../../src/model/normalize.js';
import { DIFFERENT_COMPANIES, SAME_COMPANY } from '../helpers/company-pairs.js';

describe('normalizeCompanyName', () => {
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
    expect(normalizeCompanyName(name)).toBe(plain);
  });

  it('keeps marks that form a different letter', () => {
    expect(normalizeCompanyName('ガス')).not.toBe(normalizeCompanyName('カス'));
  });

  it('never reduces a name to nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        if (/[\p{L}\p{N}]/u.test(name)) expect(normalizeCompanyName(name)).not.toBe('');
      }),
    );
  });

  it('ignores case, spaces and legal form', () => {
    const word = fc.stringMatching(/^[a-z]{4,9}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', ' Inc.', ', GmbH', ' S.A.', ' Co., Ltd.', ' AG', ' GmbH & Co. KG', ' B.V.'),
        (words, form) => {
          const name = words.join(' ');
          expect(normalizeCompanyName(`  ${name.toUpperCase().replaceAll(' ', '\u00a0 ')}${form} `)).toBe(
            normalizeCompanyName(name),
          );
        },
      ),
    );
  });
});

describe('two spellings of a name', () => {
  const same = [...SAME_COMPANY].flatMap(([country, pairs]) => pairs.map((pair) => ({ country, pair })));
  const different = [...DIFFERENT_COMPANIES].flatMap(([country, pairs]) =>
    pairs.map((pair) => ({ country, pair })),
  );

  it.each(same)('$country: $pair.0 is $pair.1', ({ pair: [one, other] }) => {
    expect(normalizeCompanyName(one)).toBe(normalizeCompanyName(other));
  });

  it.each(different)('$country: $pair.0 is not $pair.1', ({ pair: [one, other] }) => {
    expect(normalizeCompanyName(one)).not.toBe(normalizeCompanyName(other));
  });

  it('are tested in 20 countries, two in five of them different companies', () => {
    expect(same.length + different.length).toBeGreaterThanOrEqual(150);
    expect(different.length / (same.length + different.length)).toBeGreaterThanOrEqual(0.4);
    expect(new Set([...SAME_COMPANY.keys()]).size).toBeGreaterThanOrEqual(20);
    expect(different.every(({ pair: [one, other] }) => normalizeText(one) !== normalizeText(other))).toBe(
      true,
    );
  });
});

describe('findCompanyName', () => {
  it.each([
    'Freelancer',
    'freelance',
    'Self-Employed',
    'SELF EMPLOYED',
    'Freelance / Self-employed',
    'Freelancer (selbständig)',
    'Freiberuflerin',
    'Selbststaendig',
    'Privatperson',
    'Private person',
    'Private individual',
    'Student',
    'Student or freelancer',
    'Retired',
    'Own business',
    'No company',
    'Confidential',
    'Stealth mode startup',
    'Unknown',
    'none',
    'Test company',
    'unbekannt',
    '个体户',
    'Independent Consultant',
    'Étudiante',
    'Auto-entrepreneur',
    'autónomo',
    'Libero professionista',
    "ZZP'er",
    'Osoba prywatna',
    'фрилансер',
    '個人事業主',
    '프리랜서',
  ])('finds no company in %j', (text) => {
    expect(findCompanyName(text)).toBeNull();
    expect(isNobody(` ${text} `)).toBe(true);
  });

  it.each([
    ['Freelancer Ltd', 'freelancer'],
    ['Unknown Worlds Inc.', 'unknown worlds'],
    ['None Better Ltd', 'none better'],
    ['Freelancer.com', 'freelancer com'],
    ['Freelance Labs', 'freelance labs'],
    ['Self Storage Group', 'self storage group'],
    ['Student Union Vienna', 'student union vienna'],
    ['Private Internet Access', 'private internet access'],
    ['Confidential Records Inc.', 'confidential records'],
    ['Independent', 'independent'],
    ['The Independent', 'independent'],
    ['Retired & Proud', 'retired and proud'],
    ['Particular Books', 'particular books'],
    ['ООО Студент', 'студент'],
    ['and', 'and'],
    ['A', 'a'],
    ['A & E', 'a and e'],
    ['En', 'en'],
    ['A Mon', 'a mon'],
    ['No', 'no'],
    ['', ''],
    // The company is the one with the legal form.
    ['Foo Inc d/b/a Bar', 'foo'],
    ['Foo Holdings, L.L.C. (dba Bar)', 'foo holdings'],
    ['Foo Ltd. t/a The Bar', 'foo'],
    ['Foo Pty Ltd trading as Bar', 'foo'],
    ['Foo GmbH DBA', 'foo gmbh dba'],
    ['DBA Software Inc.', 'dba software'],
    ['Foo dba Bar', 'foo dba bar'],
    ['Inc d/b/a Bar', 'inc d b a bar'],
    ['ТОО «Каспи»', 'каспи'],
    ['TOO "Kaspi Bank"', 'kaspi bank'],
    // These may be others than the one without the last word: a cosmetics brand, a charity, a company of its own.
    ['Too Faced', 'too faced'],
    ['Us TOO', 'us too'],
    ['Acme Corp. (Canada)', 'acme corp canada'],
  ])('finds the name in %j', (text, name) => {
    expect(findCompanyName(text)).toBe(name);
    expect(isNobody(text)).toBe(false);
  });

  it('is the normalized name of every company in the tables', () => {
    for (const [, pairs] of [...SAME_COMPANY, ...DIFFERENT_COMPANIES])
      for (const name of pairs.flat()) expect(findCompanyName(name)).toBe(normalizeCompanyName(name));
  });
});
