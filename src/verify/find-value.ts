import type { JsonValue } from '../model/json.js';
import { findCountryAdjective } from './country-adjective.js';
import { findEmail, findPhone, findUrl } from './find-contact.js';
import { compareDates, type DateValue, parseDateValue } from './find-date.js';
import { readNumberText } from './find-number.js';
import { findPerson } from './find-person.js';
import { findPhrase, findPlace, findText } from './find-text.js';
import { foldWords } from './fold-text.js';
import { findCountryCode, listOtherNames } from './known-names.js';
import { findNumber } from './match-number.js';
import type { Hit, PageIndex } from './page-index.js';
import type { FieldInfo, ValueKind } from './value-kind.js';

/** Finds every place of a page where a value of one kind is written. */
export function findValue(index: PageIndex, value: JsonValue, kind: ValueKind, field: FieldInfo): Hit[] {
  const text = String(value).trim();
  switch (kind) {
    case 'boolean':
      return [];
    case 'number':
      return findNumber(index, Number(value), field);
    case 'date': {
      const date = parseDateValue(text);
      return date === null ? findText(index, text) : findDate(index, date);
    }
    case 'url':
      return findUrl(index, text);
    case 'email':
      return findEmail(index, text);
    case 'phone':
      return findPhone(index, text);
    case 'country':
      return findCountry(index, text);
    case 'person':
      return findPersons(index, text);
    case 'place':
      return findPlace(index, text);
    case 'enum':
      return findChoice(index, text, field);
    case 'currency':
      return [...findText(index, text), ...findCurrency(index, text)];
    case 'language':
      return [
        ...findText(index, text),
        ...listOtherNames(text, 'language').flatMap((name) => findPhrase(index, name, 'alias')),
      ];
    case 'text':
      return findAnyText(index, text, field);
  }
}

function findAnyText(index: PageIndex, text: string, field: FieldInfo): Hit[] {
  const hits = findText(index, text, { isLegalName: field.families.has('legalName') });
  if (hits.length > 0) return hits;
  // "v4.2.0".
  const version = /^\d+(?:\.\d+)+$/.test(text) ? findPhrase(index, `v${text}`) : [];
  if (version.length > 0) return version;
  const number = readNumberText(text);
  const isNumber =
    number !== null &&
    /\d/.test(text) &&
    !/\p{L}\d|\d\p{L}{3}/u.test(text) &&
    !(/^\d+$/.test(text) && text.length > 8);
  if (isNumber && number.readings[0] !== undefined) return findNumber(index, number.readings[0].value, field);
  const title = TITLES.find((names) => names.some((name) => foldWords(name) === foldWords(text)));
  if (title !== undefined) return title.flatMap((name) => findPhrase(index, name, 'alias'));
  if (/^@[\w.]{2,}$/.test(text)) return findHandle(index, text.slice(1).toLowerCase());
  const code = findCountryCode(text);
  if (code !== null && text.length > 3) return findCountry(index, text);
  return listOtherNames(text, 'place').length > 0 ? findPlace(index, text) : [];
}

const TITLES = [
  'CEO|Chief Executive Officer',
  'CFO|Chief Financial Officer',
  'CTO|Chief Technology Officer|Chief Technical Officer',
  'COO|Chief Operating Officer',
  'CMO|Chief Marketing Officer',
  'CIO|Chief Information Officer',
  'CPO|Chief Product Officer|Chief People Officer',
  'CRO|Chief Revenue Officer',
  'CHRO|Chief Human Resources Officer',
  'CISO|Chief Information Security Officer',
  'VP|Vice President',
  'SVP|Senior Vice President',
  'MD|Managing Director',
  'HR|Human Resources',
  'R&D|Research and Development',
].map((names) => names.split('|'));

/** "@acme" as the end of a link to a profile. */
function findHandle(index: PageIndex, handle: string): Hit[] {
  return index.page.links.flatMap((link): Hit[] => {
    const segment = index.segments[Math.max(0, link.block)];
    const last = link.url
      .toLowerCase()
      .replace(/[?#].*$/, '')
      .replace(/\/$/, '')
      .split('/')
      .at(-1)
      ?.replace(/^@/, '');
    return last === handle && segment !== undefined
      ? [{ segment, start: 0, end: segment.text.length, how: 'exact', doubt: null, link }]
      : [];
  });
}

/** Several people in one cell are looked for one by one. */
function findPersons(index: PageIndex, text: string): Hit[] {
  const names = text
    .split(/\s*[;|&/]\s*|,\s+(?=\S+\s+\S)|\s+(?:and|und|et|y|e|og|och)\s+/u)
    .filter((name) => name !== '');
  if (names.length < 2 || names.some((name) => foldWords(name).split(' ').length < 2))
    return findPerson(index, text);
  const all = names.map((name) => findPerson(index, name));
  return all.some((hits) => hits.length === 0) ? [] : (all[0] ?? []);
}

function findDate(index: PageIndex, value: DateValue): Hit[] {
  return index.segments
    .flatMap((segment) =>
      index.dates(segment).flatMap((token): Hit[] => {
        const found = compareDates(token, value);
        if (found === null) return [];
        const doubt =
          found === 'partial'
            ? 'the page does not name the day'
            : token.isAmbiguous
              ? 'day and month could be the other way round'
              : null;
        return [{ segment, start: token.start, end: token.end, how: found, doubt }];
      }),
    )
    .concat(value.month === null ? findNumber(index, value.year, YEAR_FIELD) : []);
}

const YEAR_FIELD: FieldInfo = {
  name: 'year',
  words: ['year'],
  description: '',
  scale: 1,
  unit: null,
  year: null,
  bound: null,
  side: null,
  choices: [],
  format: null,
  families: new Set(),
  groups: new Set(['date']),
  own: [],
  qualifiers: [],
  numbered: [],
  hints: [],
};

function findCountry(index: PageIndex, text: string): Hit[] {
  const names = listOtherNames(text, 'country');
  const code = findCountryCode(text);
  const own = foldWords(text);
  const long = names
    .filter((name) => name.length > 3 || /[^a-z]/.test(name))
    .flatMap((name) => findPhrase(index, name, name === own ? 'exact' : 'alias'));
  const codes =
    code === null
      ? []
      : [code, ...names.filter((name) => /^[a-z]{2,3}$/.test(name)).map((name) => name.toUpperCase())];
  const short = [...new Set(codes)].flatMap((each) => findPhrase(index, each, 'alias')).filter(isCountryCode);
  const inflected = long.length + short.length > 0 ? [] : findText(index, text);
  return [...long, ...short, ...inflected, ...findCountryAdjective(index, text)];
}

/** Two letters are a country only at the end of an address, alone, or as data under such a key. */
function isCountryCode({ segment, start, end }: Hit): boolean {
  const { text, data } = segment;
  if (data !== null) return /country|nation|land/i.test(data.path.join(' ')) || end - start > 2;
  return (
    end - start > 2 ||
    text.trim().length <= 4 ||
    (/(?:[,(]|\d)\s*$/.test(text.slice(0, start)) && /^\s*(?:$|[).,;|\n-])/.test(text.slice(end))) ||
    /^-\d{3}/.test(text.slice(end))
  );
}

function findCurrency(index: PageIndex, text: string): Hit[] {
  const names = listOtherNames(text, 'currency');
  const sign = { USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹' }[text.toUpperCase()] ?? text;
  const signs = /^[$€£¥₹]$/.test(sign)
    ? index.segments
        .filter((segment) => segment.text.includes(sign))
        .map(
          (segment): Hit => ({
            segment,
            start: segment.text.indexOf(sign),
            end: segment.text.indexOf(sign) + 1,
            how: 'alias',
            doubt: null,
          }),
        )
    : [];
  return [...names.flatMap((name) => findPhrase(index, name, 'alias')), ...signs];
}

/** Looks for a choice by its words, its synonyms, or a number inside the range that it names. */
function findChoice(index: PageIndex, text: string, field: FieldInfo): Hit[] {
  const band = /^\D{0,12}?(\d[\d.,]*)\s?(k|m)?\s?(?:[-–—]|to|bis)\s?(\d[\d.,]*)\s?(k|m)?\D{0,20}$/i.exec(
    text,
  );
  if (band !== null) return findBand(index, band, field);
  const words = text.replace(/[_-]+/g, ' ');
  const exact = findText(index, words);
  const known = SYNONYMS.filter(([choice]) => choice.test(foldWords(words)));
  const synonyms = known.flatMap(([, others, namesField]) =>
    others.flatMap((each) =>
      findPhrase(index, each, 'alias').map((hit) => ({ ...hit, namesField: namesField === true })),
    ),
  );
  if (exact.length + synonyms.length > 0) return [...exact, ...synonyms];
  return findAnyText(index, words, field);
}

/** Choices, other words for them, and whether those words name the field themselves. */
const SYNONYMS: readonly (readonly [RegExp, readonly string[], boolean?])[] = [
  [
    /^private(?: company|ly held)?$/,
    [
      'privately held',
      'privately owned',
      'private limited',
      'private company',
      'family owned',
      'in Privatbesitz',
      'familiengeführt',
      'inhabergeführt',
      'société non cotée',
      'non cotée',
      'empresa privada',
      '非上場',
      '未上場',
      '비상장',
    ],
    true,
  ],
  [
    /^(?:public|publicly traded|listed)(?: company)?$/,
    [
      'publicly traded',
      'publicly listed',
      'public company',
      'listed on',
      'stock exchange',
      'NYSE',
      'NASDAQ',
      'börsennotiert',
      'börsennotierte',
      'börsennotiertes',
      'cotée en bourse',
      'cotée',
      'cotiza en',
      'quotata',
      'listada na bolsa',
      'beursgenoteerd',
      'börsnoterat',
      'børsnoteret',
      'børsnotert',
      'notowana na',
      '上場',
      '东证',
      '上市公司',
      '상장',
    ],
    true,
  ],
  [
    /^(?:non ?profit|not for profit|ngo|charity)$/,
    [
      'nonprofit',
      'non-profit',
      'not-for-profit',
      'charity',
      'gemeinnützig',
      'gemeinnützige',
      'but non lucratif',
      'sin ánimo de lucro',
      'sin fines de lucro',
      'senza scopo di lucro',
    ],
    true,
  ],
  [
    /^(?:active|operating|trading)$/,
    ['active', 'in business', 'aktiv', 'en activité', 'activa', 'attiva', '存续', '在业'],
  ],
  [
    /^(?:dissolved|inactive|closed|defunct|out of business)$/,
    [
      'dissolved',
      'ceased',
      'closed down',
      'defunct',
      'liquidated',
      'in liquidation',
      'gelöscht',
      'aufgelöst',
      'insolvent',
      'radiée',
      'disuelta',
      'cessata',
      'konkurs',
      'wykreślony',
      '注销',
    ],
  ],
  [
    /^subsidiary$/,
    [
      'subsidiary of',
      'wholly owned',
      'part of',
      'Tochtergesellschaft',
      'filiale',
      'filial de',
      'dochteronderneming',
      'dotterbolag',
      'datterselskab',
      '子会社',
      '子公司',
    ],
  ],
  [/^b2b$/, ['business to business', 'B2B', 'for businesses', 'Geschäftskunden']],
  [/^b2c$/, ['business to consumer', 'B2C', 'consumers', 'Privatkunden', 'Endkunden']],
  [/^saas$/, ['software as a service', 'SaaS', 'cloud software']],
  [/^(?:open|hiring)$/, ['we are hiring', 'open positions', 'now hiring']],
];

function findBand(
  index: PageIndex,
  [, low = '', lowScale, high = '', highScale]: RegExpExecArray,
  field: FieldInfo,
): Hit[] {
  const read = (text: string, letter: string | undefined): number =>
    Number(text.replace(/[.,](?=\d{3})/g, '').replace(',', '.')) *
    ({ k: 1e3, m: 1e6 }[letter?.toLowerCase() ?? ''] ?? 1);
  const [from, to] = [read(low, lowScale ?? highScale), read(high, highScale)];
  const hits: Hit[] = [];
  for (const segment of index.segments) {
    const tokens = index.numbers(segment);
    for (const [at, token] of tokens.entries()) {
      const value = token.readings[0]?.value ?? Number.NaN;
      const next = tokens[at + 1];
      const isWritten = token.range === 'start' && value === from && next?.readings[0]?.value === to;
      if (isWritten)
        hits.push({
          segment,
          start: token.start,
          end: next.end,
          how: 'exact',
          doubt: null,
          after: next.after,
        });
      else if (value >= from && value <= to && token.range === null && !token.isPart && field.groups.size > 0)
        hits.push({
          segment,
          start: token.start,
          end: token.end,
          how: 'converted',
          doubt: null,
          after: token.after,
        });
    }
  }
  const written = hits.filter(({ how }) => how === 'exact');
  return written.length > 0 ? written : hits;
}
