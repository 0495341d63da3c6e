import { expect, test } from 'vitest';
import { parseField } from '../../src/model/field.js';
import { readPage } from '../../src/pages/read-page.js';
import { checkCitation } from '../../src/verify/check-citation.js';
import { findCue } from '../../src/verify/find-cue.js';

const PAGES: readonly (readonly [string, string])[] = [
  ['20,000 nested boxes', `${'<div>'.repeat(20_000)}x${'</div>'.repeat(20_000)}`],
  ['8,000 open tags', '<p><b>Acme employs 500 people'.repeat(8_000)],
  ['a long run of digits', `<p>${'1'.repeat(100_000)}`],
  ['groups of digits without end', `<p>${'1,234 '.repeat(15_000)}`],
  ['an address that never ends', `<p>${'a.'.repeat(50_000)}@`],
  ['obfuscated addresses', `<p>${'a at b dot '.repeat(10_000)}`],
  ['phone numbers', `<p>${'+1 (234) 555-'.repeat(5_000)}`],
  ['dates', `<p>${'3. Mai 1999 '.repeat(8_000)}`],
  ['capitalised words', `<p>${'Aaaa Bbbb Cccc '.repeat(8_000)}`],
  ['accents', `<p>a${'\u0301'.repeat(200_000)}`],
  [
    'nested data',
    `<script type="application/ld+json">${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}</script>`,
  ],
  [
    'cells that span everything',
    `<table>${'<tr><td rowspan=1000 colspan=100>500</td></tr>'.repeat(300)}</table>`,
  ],
  ['a row without end', `<table><tr>${'<td colspan=1000 rowspan=1000>Oslo'.repeat(40_000)}`],
  ['rows without end', `<table>${'<tr><td>Acme</td><td>Oslo, Norway 500</td>'.repeat(20_000)}`],
  ['tables without end', '<table><tr><td>500</td></tr></table>'.repeat(30_000)],
  ['broken markup', '<'.repeat(100_000) + '&'.repeat(100_000)],
];

const VALUES: readonly (readonly [string, string | number])[] = [
  ['employees:integer', 500],
  ['ceo', 'Jane Roe'],
  ['headquarters', 'Main Street 5, Oslo, Norway'],
  ['founded:date', '1999-05-03'],
  ['email:email', 'a@b.dot'],
  ['phone:phone', '+12345551234'],
  ['website:url', 'https://acme.example/x'],
  ['vat', 'DE123456789'],
];

test.each(PAGES)('reads and judges a page of %s', (_name, html) => {
  const page = readPage({
    url: 'https://acme.example/',
    status: 200,
    contentType: 'text/html',
    body: Buffer.from(html),
  });
  const row = [{ name: 'company', value: 'Acme' }];
  for (const [field, value] of VALUES)
    expect(checkCitation(page, { field: parseField(field), value, row }).verdict).toMatch(
      /^(?:on_page|not_on_page|not_checkable|unreadable)$/,
    );
});

test('cue words of every language are valid patterns', () => {
  const context = {
    before: 'x',
    after: 'y',
    language: '',
    families: new Set(['employees']),
    wantsTurn: false,
    wantsQuarter: false,
    wantsBound: false,
    subject: { names: ['acme'], aliases: [], hosts: [], isPerson: false },
  };
  expect(findCue({ ...context, groups: new Set(['role', 'count', 'money'] as const) })).toBeNull();
});
