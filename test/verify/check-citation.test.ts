import { expect, test } from 'vitest';
import { readPage } from '../../src/pages/read-page.js';
import { checkCitation } from '../../src/verify/check-citation.js';

const PAGE = readPage({
  url: 'https://www.ferrowind.example/company',
  status: 200,
  contentType: 'text/html; charset=utf-8',
  body: Buffer.from(
    '<title>Company – Ferrowind</title><h1>About Ferrowind</h1><p>Ferrowind was founded in 1987 and employs 1,240 people. Former chief executive Nora Quist left in 2012.</p>',
  ),
});

const check = (name: string, value: string | number) =>
  checkCitation(PAGE, {
    field: { name, schema: true },
    value,
    row: [{ name: 'company', value: 'Ferrowind' }],
  });

test('a value beside the words of its field on a page about the row is strong, with a link to its passage', () => {
  expect(check('employees', 1240)).toMatchObject({
    verdict: 'on_page',
    evidence: 'strong',
    where: 'main',
    how: 'exact',
    passageUrl: 'https://www.ferrowind.example/company#:~:text=1%2C240',
  });
});

test('a former holder is weak, and a value that is not there is not on the page', () => {
  expect(check('ceo', 'Nora Quist')).toMatchObject({ verdict: 'on_page', evidence: 'weak' });
  expect(check('employees', 240)).toMatchObject({ verdict: 'not_on_page', evidence: null, passage: null });
});
