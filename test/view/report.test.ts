import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import type { ReportData } from '../../src/view/api.js';
import type { ReportOptions } from '../../src/view/report.js';
import { createCellsAgent } from '../helpers/cells-agent.js';
import { openJobBench } from '../helpers/job.js';
import { createResult } from '../helpers/scripted-agent.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { openReport } from '../helpers/view-bench.js';

/** The rows that a report carries. */
function readRows(html: string): ReportData {
  const packed = /<script type="text\/plain" id="data">([^<]*)<\/script>/.exec(html)?.[1] ?? '';
  return JSON.parse(inflateRawSync(Buffer.from(packed, 'base64')).toString()) as ReportData;
}

/** Finds a value with sources for most rows, and fails for those that say so. */
function answerSome(task: AgentTask) {
  const records = task.request.input?.data ?? [];
  const rows = records.map(({ row_id: id, company }) => ({
    row_id: id ?? '',
    fields: { answer: String(company).includes('none') ? null : `<b>${String(company)}</b>` },
  }));
  const grounding = rows.map((_, index) => ({
    field: `structured.rows[${index}].fields.answer`,
    citations: [
      { url: 'https://en.wikipedia.org/wiki/A', title: 'A' },
      { url: 'file:///home/ana/secret/table.csv#row=3', title: '' },
    ],
    confidence: 'medium' as const,
  }));
  return createResult({ rows }, grounding);
}

test('a report has the figures of the job and the sent columns alone, and names no folder', async () => {
  const bench = await openJobBench(answerSome);
  const names = ['Acme </script><img src=x>', 'Beta', 'none', ''];
  bench.write(
    'in.csv',
    `company,contact,owner\n${names.map((name) => `"${name}",ana@acme.example,Ana`).join('\n')}\n`,
  );
  chmodSync(join(bench.folder, 'in.csv'), 0o600);
  const { summary } = await bench.run({ send: ['company', 'owner'] });
  const ledger = join(bench.folder, 'ledger.sqlite');
  const path = await openReport(summary.jobId, ledger, {
    redact: ['owner'],
    now: new Date('2026-11-29T12:00:00Z'),
  });
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  const html = readFileSync(path, 'utf8');
  const data = readRows(html);
  expect(data.columns).toEqual(['company']);
  expect(data.cells).toEqual([names]);
  expect(data.values[0]?.[0]).toBe(`<b>${names[0]}</b>`);
  expect(data.links.map(([address, title]) => [address, title])).toEqual([
    ['https://en.wikipedia.org/wiki/A', 'A'],
    ['', 'table.csv'],
  ]);

  const [figures = ''] = html.split('<script');
  const text = figures.slice(figures.indexOf('<body>'));
  expect(text).toMatch(/<b>3<\/b> of 4 cells filled in <b>4<\/b> rows/);
  expect(text).toContain('Rows by status: enriched 3, not found 1');
  expect(text).toContain('29 November 2026');
  const packed = JSON.stringify(data) + text;
  for (const secret of ['ana@acme.example', '/home/ana', bench.folder]) expect(packed).not.toContain(secret);
  // All other text is escaped.
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html.match(/<img/g)).toBeNull();
});

test('a report says what the last run changed, without the names of rows if a column is redacted', async () => {
  const agent = createCellsAgent((company, _field, time) =>
    company === 'Beta' ? 'same' : company === 'Gamma' && time === 2 ? '<b>two</b>' : `one of ${company}`,
  );
  const bench = await openJobBench(agent.script);
  bench.write('in.csv', 'company\nAlpha\nBeta\nGamma\n');
  const { summary } = await bench.run();
  const ledger = join(bench.folder, 'ledger.sqlite');
  const read = async (options: Partial<ReportOptions> = {}) => {
    const [figures = ''] = readFileSync(await openReport(summary.jobId, ledger, options), 'utf8').split(
      '<script',
    );
    return figures.slice(figures.indexOf('<body>'));
  };
  // In the first run everything is new.
  expect(await read()).not.toContain('New since');
  await bench.run({ refresh: true });
  const text = await read();
  expect(text).toMatch(/Values of 1 row since [\d-]+ [\d:]+ UTC: 1 changed\./);
  expect(text).toContain('<del>one of Gamma</del> <ins>&lt;b&gt;two&lt;/b&gt;</ins>');
  expect(text).toContain('<th scope="row">Gamma</th>');
  const redacted = await read({ redact: ['company'] });
  expect(redacted).toContain('<th scope="row">line 4</th>');
  expect(redacted).not.toContain('>Gamma<');
  await bench.run();
  expect(await read()).toMatch(/The run of [\d-]+ [\d:]+ UTC changed no value/);
});

test('a report does not replace what it is made from, and refuses a column that is not there', async () => {
  const bench = await openJobBench(answerSome);
  const input = bench.write('in.csv', 'company\nAcme\n');
  const citations = join(bench.folder, 'sources.jsonl');
  const { summary } = await bench.run({ citationsFile: citations });
  const ledger = join(bench.folder, 'ledger.sqlite');
  await expect(openReport(summary.jobId, ledger, { output: input })).rejects.toThrow(/in\.csv/);
  expect(bench.read('in.csv')).toBe('company\nAcme\n');
  const results = [summary.output, citations];
  const before = results.map((path) => readFileSync(path, 'utf8'));
  for (const output of results) {
    await expect(openReport(summary.jobId, ledger, { output })).rejects.toThrow(/is a result of the job j_/);
  }
  expect(results.map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  await expect(openReport(summary.jobId, ledger, { redact: ['compny'] })).rejects.toThrow(/compny/);
});

const rows = chooseCount(5_000, 1_000);
test(
  `a report of ${rows} rows with two sources a cell takes little more than 100 bytes a row`,
  SLOW,
  async () => {
    const bench = await openJobBench(answerSome);
    const lines = Array.from(
      { length: rows },
      (_, index) => `Company ${index * 7919},${index}.example,Kyoto`,
    );
    bench.write('in.csv', `company,domain,city\n${lines.join('\n')}\n`);
    const { summary } = await bench.run({ batchSize: 100, send: ['company', 'domain'] });
    const html = readFileSync(await openReport(summary.jobId, join(bench.folder, 'ledger.sqlite')), 'utf8');
    expect(html.length).toBeLessThan(60_000 + rows * 105);
  },
);
