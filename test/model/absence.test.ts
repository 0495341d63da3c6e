import { expect, test } from 'vitest';
import { isAbsencePhrase, mayBeAbsence } from '../../src/model/absence.js';
import { createBlanks } from '../../src/model/blank.js';
import { parseField } from '../../src/model/field.js';

const ABSENT = [
  ...[
    'N/A',
    'n/a',
    'N.A.',
    '**N/A**',
    '"N/A"',
    'N/A.',
    '(n/a)',
    '[N/A]',
    '#N/A',
    'NA',
    'None',
    'nil',
    'null',
  ],
  ...[
    'NULL',
    'undefined',
    'Unknown',
    'unknown.',
    'TBD',
    'T.B.D.',
    'TBA',
    '-',
    '—',
    '--',
    '?',
    '??',
    '…',
    '...',
  ],
  ...['Not found', 'not found.', 'NOT FOUND', 'Not available', 'Not  available', 'Not publicly available'],
  ...['Not available publicly', 'Not specified', 'Not disclosed', 'Not publicly disclosed', 'Not applicable'],
  ...['Not yet known', 'Not mentioned on the website', 'Not found in public sources', 'Undisclosed'],
  ...['Information not available', 'The information is not publicly available', 'Data not available'],
  ...[
    'No data',
    'No data available',
    'No information found',
    'No results',
    'No results found',
    'No match found',
  ],
  ...['No public information available', 'No email found', 'No CEO could be identified', 'None found'],
  ...['Could not be determined', 'It could not be established', 'Cannot be determined from public sources'],
  ...['I could not find a CEO for this company', 'Unable to determine', 'Unable to verify the founding year'],
  ...[
    'Unknown (private company)',
    'N/A (not public)',
    'To be determined',
    'Currently unknown',
    'Unavailable',
  ],
  ...[
    'nicht gefunden',
    'unbekannt',
    'Keine Angabe',
    'non disponible',
    'desconocido',
    '不明',
    '未公开',
    'неизвестно',
  ],
  ...[
    'email_not_unlocked@acme.example',
    'a***@acme.example',
    'j****n@acme.example',
    '{first}.{last}@acme.example',
  ],
  ...['[first].[last]@acme.example', 'first.last@acme.example', 'name@company.com', 'jane@yourcompany.com'],
  ...[
    'your.email@acme.example',
    'xxxx@acme.example',
    '[email protected]',
    '[email\u00a0protected]',
    'j…@acme.example',
  ],
  ...['mailto:a***@acme.example', '+1 *** *** 1234', '(xxx) xxx-xxxx', '+1-XXX-XXX-XXXX', 'https://n/a'],
  ...[
    '[email]@acme.example',
    'info@[domain]',
    'email@example.com',
    'name.surname@acme.example',
    'Not unlocked',
  ],
  ...['Available upon request'],
  ...['https://', 'https://www.', 'http://unknown', 'https://not-found.example'].slice(0, 3),
];

const VALUES = [
  ...['Acme', 'No', 'Nina', 'Norway', 'Notion', 'Nothing Technology', 'Unknown Worlds', 'Unknown Pleasures'],
  ...['Null & Co', 'Not found guilty', 'Not Another Agency', 'No Limit Records', 'No Data Ltd', 'North Data'],
  ...['None of the above', 'Noneland', 'TBD Media', 'Information Builders', 'The Information', 'Data.ai'],
  ...[
    'Undisclosed amount of $5 million',
    'Could Be Good Ltd',
    'Unable Games',
    'Not Impossible Labs',
    'Na Ying',
  ],
  ...['Not Company', 'No. 1 in its market', 'nobody@acme.example', 'info@acme.example', 'first@acme.example'],
  ...[
    'jane.doe@example.com',
    'name@acme.example',
    'test@acme.example',
    'maria@example.com',
    'max@xx.example',
    'XXX',
    '***',
    '****',
    'Boeing 747-8',
    '0',
  ],
  ...[
    '+1 415 555 0132',
    '2024-03-01',
    '-1',
    '12',
    'https://na.example',
    'https://unknown.example',
    'n/a Records',
  ],
  ...[
    'Not available in Germany',
    'Found',
    'Available',
    'The Weather Company',
    'It is not known for its prices',
  ],
];

test.each(ABSENT)('%j means that nothing was found', (text) => {
  expect(createBlanks().isAbsent('ceo', text)).toBe(true);
  expect(createBlanks().isAbsent('ceo', ` ${text}\n`)).toBe(true);
});

test.each(VALUES)('%j is a value', (text) => {
  expect(createBlanks().isAbsent('ceo', text)).toBe(false);
});

test('texts that the schema lists, and NA in a field of codes, are values', () => {
  const fields = [parseField('status:enum(unknown|not found|active)'), parseField('ticker')];
  const blanks = createBlanks({ fields });
  expect(['unknown', 'not found', 'Not found', 'n/a'].map((text) => blanks.isAbsent('status', text))).toEqual(
    [...[false, false, false, true]],
  );
  expect(['NA', 'na', 'N/A'].map((text) => blanks.isAbsent('ticker', text))).toEqual([false, true, true]);
  const ofCodes = createBlanks({ codeColumns: new Set(['country']) });
  expect(ofCodes.isAbsent('country', 'NA')).toBe(false);
});

test('words of --blank replace the placeholders, but not the phrases', () => {
  const blanks = createBlanks({ words: ['tbd-'] });
  expect(['tbd-', 'NA', 'Not found'].map((text) => blanks.isAbsent('ceo', text))).toEqual([
    true,
    false,
    true,
  ]);
});

test('a long or repetitive text is checked quickly', () => {
  for (const text of [
    'n'.repeat(120),
    'no '.repeat(40),
    '* '.repeat(60),
    'not '.repeat(30),
    'die '.repeat(29),
    'keine in '.repeat(13),
  ])
    expect(isAbsencePhrase(text)).toBe(false);
});

test.each([
  'anna@***.example',
  'jane@xxxx.example',
  'First.Last@acme.example',
  'jane@company.com',
  'XXX-XXX-1234',
  'xxxxxxxxxx',
  'un\u00adknown',
  'Un\u200bavailable',
  'E-mail not found',
  'Https://n/a',
  'can’t be determined',
  'Cannot be determined',
  'emailprotected',
  'No',
])('the fast test lets %j through to the exact one', (text) => {
  expect(mayBeAbsence(text)).toBe(true);
});

test.each([
  'Nordic Company',
  'Martin',
  'Andrea',
  'red 1',
  'Technologies',
  'anna@orbelin.example',
  'https://noris.example',
])('the fast test knows that %j is a value', (text) => {
  expect(mayBeAbsence(text)).toBe(false);
});
