import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { enrichRows } from '../../src/enrich-rows.js';
import { exportJob } from '../../src/export.js';
import { plan } from '../../src/plan.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';
import { createRow, createWorkbook, unpackParts } from '../helpers/workbook.js';
import { createWorkdir } from '../helpers/workdir.js';

async function openBench(text: string, name = 'in.csv'): Promise<JobBench & { readonly input: string }> {
  const bench = await openJobBench(script((rows) => ({ rows })));
  return { ...bench, input: bench.write(name, text) };
}

function listSent(bench: JobBench): readonly unknown[] {
  return bench.agent.tasks
    .flatMap((task) => task.request.input?.data ?? [])
    .map(({ row_id: _, ...record }) => record);
}

const PLACEHOLDERS = ['N/A', '-', 'null', '#N/A', '?', '———', '\u200b', '#REF!', '\\N', '(blank)'];

test('never sends a row with only placeholders', async () => {
  const rows = PLACEHOLDERS.map((text) => `${text},${text},`);
  const bench = await openBench(`company,domain,answer\n${rows.join('\n')}\nAcme,N/A,\nNone,unknown,\n`);
  const { rows: filled, summary } = await bench.run();
  expect(listSent(bench)).toEqual([{ company: 'Acme' }, { company: 'None', domain: 'unknown' }]);
  expect(countStatuses(filled)).toEqual({ failed: PLACEHOLDERS.length, enriched: 2 });
  expect(filled[0]?.enrichment_error).toBe('nothing to send: company, domain blank');
  expect(filled.map(({ company }) => company)).toEqual([...PLACEHOLDERS, 'Acme', 'None']);
  expect(summary.runs.created).toBe(1);
});

test('rows that differ only in placeholders are sent once', async () => {
  const bench = await openBench('company,domain,answer\nAcme,,\nAcme,N/A,\nAcme,-,\n');
  expect((await bench.run()).summary.duplicates).toBe(2);
  expect(listSent(bench)).toEqual([{ company: 'Acme' }]);
});

test.each([
  ['csv', 'company,answer\nA,N/A\nB,unknown\nC,known\nD,NA\nNobody,N/A\n'],
  ['jsonl', ['A,N/A', 'B,unknown', 'C,known', 'D,NA', 'Nobody,N/A'].map(toObject).join('\n')],
])(
  'in %s, a placeholder is replaced by a found value and stays if nothing is found',
  async (format, text) => {
    const bench = await openJobBench(
      script((rows) => ({
        rows: rows.map((row) =>
          row.fields.answer === 'about Nobody' ? { ...row, fields: { answer: null } } : row,
        ),
      })),
    );
    const input = bench.write(`in.${format}`, text);
    const output = `${bench.folder}/out.${format}`;
    await bench.run({ input, output });
    const values =
      format === 'csv'
        ? readFileSync(output, 'utf8')
            .trim()
            .split('\n')
            .slice(1)
            .map((line) => line.split(',')[1])
        : readFileSync(output, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line).answer);
    expect(values).toEqual(['about A', 'about B', 'known', 'about D', 'N/A']);
  },
);

test('a workbook cell with an error is filled, and keeps its error if nothing is found', async () => {
  const bench = await openJobBench(
    script((rows) => ({
      rows: rows.map((row) =>
        row.fields.answer === 'about Nobody' ? { ...row, fields: { answer: null } } : row,
      ),
    })),
  );
  const line = (number: number, company: string, error: string) =>
    `<row r="${number}"><c t="inlineStr"><is><t>${company}</t></is></c><c t="e"><v>${error}</v></c></row>`;
  const rows = [createRow(1, ['company', 'answer']), line(2, 'A', '#N/A'), line(3, 'Nobody', '#REF!')];
  const input = `${bench.folder}/in.xlsx`;
  const output = `${bench.folder}/out.xlsx`;
  writeFileSync(input, await createWorkbook({ List: rows.join('') }));
  await bench.run({ input, output });
  const parts = await unpackParts(readFileSync(output));
  const sheet = Object.entries(parts).find(([path]) => path.startsWith('xl/worksheets/'))?.[1] ?? '';
  expect(sheet).toContain('about A');
  expect(sheet).not.toContain('#N/A');
  expect(sheet).toMatch(/t="e"[^>]*><v>#REF!/);
});

function toObject(text: string): string {
  const [company, answer] = text.split(',');
  return JSON.stringify({ company, answer });
}

test('enrichRows returns null for a placeholder if nothing was found', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows: rows.map((row) => ({ ...row, fields: { ...row.fields, ceo: null } })) })),
  );
  const rows = enrichRows([{ company: 'A', ceo: 'n/a', seat: 'unknown', note: 'n/a' }], {
    ...{ fields: ['ceo', 'seat'], send: ['company'], apiUrl: bench.server.url, apiKey: 'test', yes: true },
    ledger: `${bench.folder}/ledger.sqlite`,
  });
  const filled = [];
  for await (const row of rows) filled.push(row);
  expect(filled).toMatchObject([
    { status: 'partial', values: { ceo: null, seat: 'seat of A' }, input: { ceo: 'n/a', note: 'n/a' } },
  ]);
});

test('NA among codes is a value, and so are values listed in the schema', async () => {
  const bench = await openBench(
    'company,country,region,size\nA,DE,EMEA,unknown\nB,NA,NA,unknown\nC,fr,APAC,None\nD,,LATAM,\n',
  );
  await bench.run({ fields: ['country', 'region', 'size:enum(unknown|small)'], send: ['company'] });
  const cells = bench
    .read('out.csv')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').slice(1, 4));
  expect(cells[0]).toEqual(['DE', 'EMEA', 'unknown']);
  expect(cells[1]).toEqual(['NA', 'NA', 'unknown']);
  expect(new Set(listSent(bench).map((record) => JSON.stringify(record)))).toEqual(
    new Set(['{"company":"C"}', '{"company":"D"}']),
  );
});

test('NA among country names is a placeholder', async () => {
  const bench = await openBench('company,country\nA,Germany\nB,NA\nC,France\n');
  const { rows } = await bench.run({ fields: ['country'], send: ['company'] });
  expect(rows.map(({ enrichment_status: status }) => status)).toEqual(['unchanged', 'enriched', 'unchanged']);
});

test('a placeholder in an exclusion list excludes no row, and --blank applies there too', async () => {
  const bench = await openBench('company,domain\nA,?\nB,\\N\nC,tbc\nD,d.example\n');
  const exclude = bench.write('known.csv', 'domain\n?\n\\N\n#VALUE!\ntbc\nd.example\n');
  const { rows } = await bench.run({ exclude, blank: ['+tbc'] });
  expect(rows.map((row) => row.enrichment_status)).toEqual(['enriched', 'enriched', 'enriched', 'excluded']);
});

test('run and export find answers that were bought while placeholders were sent', async () => {
  const bench = await openBench('company,domain,answer\nA,N/A,\nB,b.example,\nC,-,\n');
  // Without the usual placeholders in the list, they are sent, as in earlier versions.
  const first = await bench.run({ blank: ['tbd'], limit: 2 });
  expect(listSent(bench)).toContainEqual({ company: 'A', domain: 'N/A' });
  const again = await bench.run();
  expect(listSent(bench)).toEqual([
    { company: 'A', domain: 'N/A' },
    { company: 'B', domain: 'b.example' },
    { company: 'C' },
  ]);
  expect(again.summary).toMatchObject({ jobId: first.summary.jobId, reused: 2, rows: { enriched: 3 } });
  const output = `${bench.folder}/again.csv`;
  await exportJob({ job: again.summary.jobId, ledger: `${bench.folder}/ledger.sqlite`, output });
  expect(readFileSync(output, 'utf8')).toBe(bench.read('out.csv'));
});

test('plan shows how many cells count as blank, and where', async () => {
  const dir = createWorkdir();
  const input = dir.write('in.csv', 'company,domain,answer\nA,N/A,\nB,-,unknown\nC,,x\nn/a,?,NULL\n');
  const job = { input, fields: ['answer'], apiUrl: 'http://127.0.0.1:9', apiKey: 'test' };
  const { notes } = await plan({ ...job, ledger: `${dir.path}/ledger.sqlite` });
  expect(notes).toEqual([
    {
      code: 'PLACEHOLDERS',
      message:
        '6 cells with a placeholder (“N/A”, “-”, “unknown”, “n/a”, “?”, …) count as blank: 4 in columns that are sent, 2 in columns to fill. --blank changes the list.',
    },
  ]);
});

test('--blank and its recipe key set what counts as blank', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2).replace('Company 2', 'Nemo'));
  dir.write('tables/a.csv', 'company,answer\nCompany 1,yes\nNemo,no\n');
  dir.write('r.yaml', 'query: Find it.\nfields: [answer]\nblank: ["+Nemo"]\nagent: {reference: tables}\n');
  const own = await dir.run(['run', 'in.csv', '-r', 'r.yaml', '-o', '-']);
  expect(own.stdout).toContain('nothing to send: company blank');
  const other = await dir.run(['run', 'in.csv', '-r', 'r.yaml', '--blank', 'Company 1,x', '-o', '-']);
  expect(other.stdout.match(/failed|enriched/g)).toEqual(['failed', 'enriched']);
  const none = await dir.run(['run', 'in.csv', '-r', 'r.yaml', '--blank', '+', '-o', '-']);
  expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('--blank is an empty list') });
});
