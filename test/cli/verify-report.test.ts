import { expect, test } from 'vitest';
import { formatVerifySummary } from '../../src/cli/verify-report.js';
import { VERDICTS, type Verdict } from '../../src/model/verdict.js';
import type { VerifySummary } from '../../src/verify.js';

function createShare(name: string, given: Partial<Record<Verdict, number>>) {
  const none = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  const counts = { ...none, ...given };
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { name, total, counts, strong: counts.on_page, share: 0.9, interval: [0.66, 1] as const };
}

function createSummary(given: Partial<Record<Verdict, number>>): VerifySummary {
  const cells = createShare('', given);
  return {
    jobId: 'j_1',
    output: 'list.filled.csv',
    cells,
    columns: [createShare('headquarters_city', given), createShare('chief_executive', {})],
    hosts: [createShare('investors.example.com', given)],
    pages: 20,
    requests: 25,
    seconds: 4,
    escalation: null,
    runsActive: 0,
  };
}

test('the tables of verify fit 80 columns without cutting a name, and leave out what is 0 everywhere', () => {
  const lines = formatVerifySummary(createSummary({ on_page: 9, not_on_page: 1 }), 80);
  expect(lines.slice(0, 3)).toEqual([
    '  column             checked  on page  not on page  share (95 %)',
    '  headquarters_city  10       9        1            90 % (66–100 %)',
    '  all                10       9        1            90 % (66–100 %)',
  ]);
  expect(lines[4]).toBe('  site                   checked  on page  not on page  share (95 %)');
  const all = formatVerifySummary(createSummary({ on_page: 9, not_on_page: 1, gone: 1, blocked: 2 }), 80);
  expect(all.join('\n')).toContain(
    '  investors.examp…  13       9        1            1     2       90 % (66–100 %)\n',
  );
  expect(all.filter((line) => line.length > 80)).toEqual([]);
  expect(formatVerifySummary(createSummary({}), 80)).toEqual(['No values to check.']);
});
