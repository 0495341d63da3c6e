import { expect, test } from 'vitest';
import { formatExamples } from '../../src/cli/job-report.js';
import { resolveErrorCode, resolveJobCode } from '../../src/cli/report-error.js';
import { createSummaryRecord, formatSummary } from '../../src/cli/summary.js';
import type { JobSummary } from '../../src/model/events.js';

const ROWS = {
  total: 10,
  enriched: 6,
  partial: 1,
  not_found: 1,
  excluded: 0,
  unchanged: 0,
  failed: 0,
  skipped: 0,
  over_budget: 0,
  pending: 2,
};
const SUMMARY: JobSummary = {
  jobId: 'j_1',
  askId: 'a_1',
  input: 'in.csv',
  output: 'in.filled.csv',
  stop: 'done',
  error: null,
  rows: ROWS,
  reused: 0,
  duplicates: 0,
  runs: { created: 2, adopted: 0, failed: 0 },
  unknownRuns: 0,
  leftRows: 0,
  unretriedRows: 0,
  failures: { unsendable: 0, unfit: 0 },
  fields: [],
  examples: [],
  needsBom: false,
  requests: 5,
  costMicros: 50_000,
  estimatedMicros: 0,
  costNowMicros: 50_000,
  reservedMicros: 0,
  remaining: null,
  budget: null,
  steps: [{ effort: 'low', runs: 2, filled: 7, costMicros: 50_000 }],
  seconds: 3.25,
};

test('the JSON summary has the documented keys, in order, with costs in dollars', () => {
  expect(JSON.stringify(createSummaryRecord({ ...SUMMARY, costMicros: 3125, reservedMicros: 25_000 }))).toBe(
    '{"job":"j_1","ask":"a_1","input":"in.csv","output":"in.filled.csv",' +
      '"rows":{"total":10,"enriched":6,"partial":1,"not_found":1,"excluded":0,"unchanged":0,"failed":0,"skipped":0,' +
      '"over_budget":0,"pending":2},"failed_rows":{"unsendable":0,"unfit":0},"fields":[],"reused":0,"duplicates":0,"runs":{"created":2,"adopted":0,"failed":0,"unknown":0},' +
      '"requests":5,"cost_usd":0.003125,"estimated_usd":0,"reserved_usd":0.025,"seconds":3.25,"steps":[{"effort":"low","runs":2,"filled":7,"cost_usd":0.05}],"remaining":null,"budget":null,"error":null}',
  );
});

test('shows the output path, rows by status and cost', () => {
  expect(formatSummary(SUMMARY, { runsActive: 0, isTerminal: false })).toEqual([
    'The output is in in.filled.csv: 10 rows, 3.3 s.',
    '  6  enriched',
    '  1  partial',
    '  1  not_found',
    '  2  pending',
    'Cost: $0.05 (2 new runs).',
  ]);
});

test('says that only answered rows are counted if others were not answered', () => {
  const fields = [{ name: 'city', answered: 8, filled: 8 }];
  const format = (rows: JobSummary['rows']) =>
    formatSummary({ ...SUMMARY, fields, rows }, { runsActive: 0, isTerminal: false });
  expect(format(ROWS)).toContain('Filled in answered rows: city 8 of 8.');
  expect(format({ ...ROWS, pending: 0, over_budget: 2 })).toContain('Filled in answered rows: city 8 of 8.');
  expect(format({ ...ROWS, pending: 0, excluded: 2 })).toContain('Filled: city 8 of 8.');
});

test('says how much of the cost is estimated', () => {
  expect(
    formatSummary({ ...SUMMARY, estimatedMicros: 25_000 }, { runsActive: 0, isTerminal: false }).at(-1),
  ).toBe(
    'Cost: $0.05, $0.025 of it estimated because the agent did not report the cost of those runs (2 new runs).',
  );
  expect(createSummaryRecord({ ...SUMMARY, estimatedMicros: 25_000 })).toMatchObject({
    estimated_usd: 0.025,
  });
});

test('says what to do about failed rows', () => {
  const lines = formatSummary(
    { ...SUMMARY, rows: { ...ROWS, failed: 3 } },
    { runsActive: 0, isTerminal: false },
  );
  expect(lines.at(-1)).toBe('3 rows failed; see enrichment_error. Run the same command again to retry.');
});

test('counts the partly filled rows that were not retried, and exits with 7', () => {
  const summary = { ...SUMMARY, unretriedRows: 2 };
  expect(formatSummary(summary, { runsActive: 0, isTerminal: false }).at(-1)).toMatch(
    /^2 rows partly filled: retries could cost more than the worst case.*Run the same command again/,
  );
  expect(resolveJobCode(summary)).toBe(7);
  expect(formatSummary(SUMMARY, { runsActive: 0, isTerminal: false }).join('\n')).not.toContain(
    'partly filled',
  );
});

test('after an interrupt, reports active runs and that the same command collects them', () => {
  const lines = formatSummary(
    { ...SUMMARY, stop: 'interrupted', reservedMicros: 75_000 },
    { runsActive: 3, isTerminal: false },
  );
  expect(lines).toContain('Cost: $0.05; $0.075 more is reserved (2 new runs).');
  expect(lines.at(-2)).toBe(
    '3 runs still active at the agent. Run the same command again to collect their results.',
  );
  expect(lines.at(-1)).toBe('Interrupted. Run the same command again to continue.');
});

test('reports runs that may have been started, however the job ended', () => {
  for (const stop of ['done', 'interrupted', 'unreachable'] as const) {
    expect(
      formatSummary({ ...SUMMARY, stop, unknownRuns: 1 }, { runsActive: 0, isTerminal: false }),
    ).toContain('1 run may have been started without a reply. Run the same command again to look for them.');
  }
});

test('a reached budget reports the remaining rows and the cap that covers them', () => {
  const remaining = { rows: 200, runs: 25, worstMicros: 625_000 };
  const summary = { ...SUMMARY, stop: 'budget', reservedMicros: 25_000, remaining } as const;
  const lines = formatSummary(summary, { runsActive: 0, isTerminal: false });
  expect(lines.at(-2)).toBe(
    'The budget is reached: 200 rows not sent. Sending them takes 25 runs, $0.625 at worst.',
  );
  expect(lines.at(-1)).toMatch(/^Run the same command with --max-cost 0\.70 to send all of them/);
  expect(createSummaryRecord(summary).remaining).toEqual({ rows: 200, runs: 25, worst_usd: 0.625 });
});

test('reports reused and duplicate rows', () => {
  const text = formatSummary(
    { ...SUMMARY, reused: 4, duplicates: 1, costNowMicros: 0 },
    { runsActive: 0, isTerminal: false },
  ).join('\n');
  expect(text).toContain('Cost: $0.05, $0.00 of it by this command');
  expect(text).toContain('4 rows answered from the ledger');
  expect(text).toContain('1 row shared the answer of an equal row');
});

test('each end of a job has its exit code', () => {
  expect(resolveJobCode(SUMMARY)).toBe(0);
  expect(resolveJobCode({ ...SUMMARY, rows: { ...ROWS, failed: 1 } })).toBe(6);
  expect(resolveJobCode({ ...SUMMARY, stop: 'refused' })).toBe(3);
  expect(resolveJobCode({ ...SUMMARY, stop: 'unreachable' })).toBe(4);
  expect(resolveJobCode({ ...SUMMARY, stop: 'budget', rows: { ...ROWS, failed: 1 } })).toBe(5);
  expect(resolveJobCode({ ...SUMMARY, stop: 'nothing_found' })).toBe(7);
  expect(resolveJobCode({ ...SUMMARY, stop: 'interrupted' })).toBe(130);
  expect((['defect', 'usage', 'refused', 'unreachable', 'budget'] as const).map(resolveErrorCode)).toEqual([
    1, 2, 3, 4, 5,
  ]);
});

test('reports what each effort level cost and filled', () => {
  const steps = [
    { effort: 'low', runs: 20, filled: 144, costMicros: 500_000 },
    { effort: 'high', runs: 2, filled: 16, costMicros: 1_000_000 },
  ];
  const lines = formatSummary({ ...SUMMARY, steps }, { runsActive: 0, isTerminal: false });
  expect(lines.slice(lines.findIndex((line) => line.startsWith('Cost')) + 1)).toEqual([
    '  low   20 runs, 144 values, $0.50',
    '  high  2 runs, 16 values, $1.00',
  ]);
});

test.each([
  ['LEASE_LOST', 'Another process has taken over this job'],
  ['REQUEST_REJECTED', 'The agent rejects the requests'],
  ['LEDGER_FULL', 'The ledger cannot be used'],
  ['AGENT_KEEPS_FAILING', 'The agent kept failing'],
])('the summary’s last line says why the job stopped: %s', (code, words) => {
  const error = { code, message: 'm', hint: null };
  const lines = formatSummary(
    { ...SUMMARY, stop: 'unreachable', error },
    { runsActive: 0, isTerminal: false },
  );
  expect(lines.at(-1)).toContain(words);
  expect(lines.filter((line) => line.includes('kept failing'))).toHaveLength(
    code === 'AGENT_KEEPS_FAILING' ? 1 : 0,
  );
});

test('names the same command only for failed rows that it can help', () => {
  const failed = (count: number, failures: JobSummary['failures']) =>
    formatSummary(
      { ...SUMMARY, rows: { ...ROWS, failed: count }, failures },
      { runsActive: 0, isTerminal: false },
    );
  expect(failed(3, { unsendable: 1, unfit: 1 }).slice(-3)).toEqual([
    '1 row failed; see enrichment_error. Run the same command again to retry.',
    expect.stringMatching(/^1 row failed because no answer fits the schema; .*would only pay again\.$/),
    expect.stringMatching(/^1 row cannot be sent: the cells to send are blank, .*or leave it\.$/),
  ]);
  const blank = failed(2, { unsendable: 2, unfit: 0 }).join('\n');
  expect(blank).toContain('2 rows cannot be sent');
  expect(blank).not.toContain('same command');
});

test('shows how often each column was filled, and the first filled rows apart from that', () => {
  const summary: JobSummary = {
    ...SUMMARY,
    fields: [
      { name: 'ceo', answered: 8, filled: 7 },
      { name: 'staff', answered: 0, filled: 0 },
    ],
    examples: [
      [
        ['company', 'Acme'],
        ['ceo', 'Ann Otter'],
      ],
      [
        ['company', 'Bolt AG'],
        ['ceo', null],
      ],
    ],
  };
  expect(formatExamples(summary, 80)).toEqual([
    'The first 2 filled rows:',
    '  company  ceo',
    '  Acme     Ann Otter',
    '  Bolt AG',
  ]);
  const piped = formatSummary(summary, { runsActive: 0, isTerminal: false });
  expect(piped).toContain('Filled in answered rows: ceo 7 of 8.');
  expect(piped.join('\n')).not.toContain('Acme');
  expect(JSON.stringify(createSummaryRecord(summary))).not.toContain('Acme');
});

test('offers a byte order mark at the end, on a terminal only', () => {
  const summary = { ...SUMMARY, needsBom: true };
  expect(formatSummary(summary, { runsActive: 0, isTerminal: true }).at(-1)).toContain('add --bom');
  expect(formatSummary(summary, { runsActive: 0, isTerminal: false }).join('\n')).not.toContain('--bom');
});
