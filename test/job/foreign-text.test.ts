import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, type JobBench, openJobBench, readTable } from '../helpers/job.js';
import { openOddAgent } from '../helpers/odd-agent.js';
import { openRawServer, sendJson } from '../helpers/raw-server.js';
import { answerRows } from '../helpers/scripted-agent.js';

const KEY = 'sk-live-0123456789abcdef';
const ENCODED = [...Buffer.from(KEY)].map((byte) => `%${byte.toString(16)}`).join('');
const SPLIT = [...KEY].join('\u200b');

/** Everything that the job wrote or reported. */
async function readAll(bench: JobBench, events: readonly EnrichEvent[]): Promise<string> {
  const files = readdirSync(bench.folder).map((name) => readFileSync(join(bench.folder, name), 'latin1'));
  const ledger = await openLedger(join(bench.folder, 'ledger.sqlite'));
  const runs = events.flatMap((event) => ('runId' in event && event.runId !== null ? [event.runId] : []));
  const raw: string[] = [];
  for (const id of new Set(runs)) raw.push(JSON.stringify(await ledger.getRun(id)));
  await ledger.close();
  return [...files, ...raw, JSON.stringify(events)].join('\n');
}

function expectNoKey(text: string): void {
  expect(text).not.toContain(KEY);
  expect(text).not.toContain(KEY.slice(0, -4));
  expect(text).not.toContain(ENCODED);
  expect(text).not.toContain(Buffer.from(SPLIT).toString('latin1'));
}

test('a key echoed by the agent in any part of a run reaches no file', async () => {
  const agent = await openOddAgent(({ rowIds }) => ({
    stopReason: `because ${KEY}`,
    note: { [KEY]: KEY },
    error: { message: KEY },
    output: {
      text: rowIds.map((id) => `${id}.seat: found ${SPLIT} instead`).join('\n'),
      structured: {
        rows: rowIds.map((id) => ({
          row_id: id,
          fields: { answer: `it is ${KEY}`, other: `${ENCODED}/x`, list: [SPLIT, { a: KEY }], seat: null },
        })),
      },
      grounding: rowIds.map((_id, index) => ({
        field: `structured.rows[${index}].fields.answer`,
        citations: [{ url: `https://example.com/?key=${KEY}`, title: `${KEY}\u001b[2J\nof ${ENCODED}` }],
        confidence: 'high',
      })),
    },
  }));
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(3));
  const events: EnrichEvent[] = [];
  const { summary } = await bench.run(
    {
      apiUrl: agent.url,
      apiKey: KEY,
      format: 'jsonl',
      citationsFile: join(bench.folder, 'citations.jsonl'),
      fields: ['answer', 'other', 'seat'],
    },
    { onEvent: (event) => void events.push(event), withValues: true },
  );
  expect(summary.stop).toBe('done');
  expectNoKey(await readAll(bench, events));
  const [first] = bench
    .read('out.csv')
    .split('\n')
    .map((line) => (line === '' ? null : JSON.parse(line)));
  expect(first).toMatchObject({
    answer: 'it is ***',
    other: '***/x',
    enrichment: {
      error: 'seat: found *** instead',
      fields: { answer: { citations: [{ url: 'https://example.com/?key=***', title: '*** of ***' }] } },
    },
  });
});

test.each([
  ['a code', { code: `BAD_\u001b[31m${KEY}\n\n\u202e`, message: 'no' }],
  ['a code with the key in pieces', { code: `BAD ${SPLIT}`, message: 'no' }],
  ['a type', { code: 'BAD', type: KEY, message: 'no' }],
  ['a message, percent-encoded', { code: 'BAD', message: `no ${ENCODED}`, detail: KEY }],
  ['a request id', { code: 'BAD', message: 'no', requestId: KEY }],
])(
  'a refusal that echoes the key in %s does not leak it to the output or the ledger',
  async (_name, error) => {
    const server = await openRawServer(({ method }, response) =>
      method === 'POST'
        ? sendJson(response, 400, { error }, { 'x-request-id': KEY })
        : sendJson(response, 200, { object: 'list', data: [], hasMore: false, nextCursor: null }),
    );
    onTestFinished(() => server.close());
    const bench = await openJobBench(answerRows);
    bench.write('in.csv', createList(2));
    const events: EnrichEvent[] = [];
    const { rows } = await bench.run(
      { apiUrl: server.url, apiKey: KEY },
      { onEvent: (event) => void events.push(event) },
    );
    expectNoKey(await readAll(bench, events));
    for (const row of rows) {
      expect(row.enrichment_status).toBe('failed');
      expect(row.enrichment_error).toMatch(/answered 400 BAD/);
      expect(row.enrichment_error).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    }
  },
);

const DIRTY = 'A\0c\u001b[31mme\u202e\u2066\ufeff\u007f\nof می‌خواهم 👩‍👧\tx';
const CLEAN = 'Acme\nof می‌خواهم 👩‍👧\tx';

test('removes control characters and bidi marks from every output unless it is raw', async () => {
  const agent = await openOddAgent(({ rowIds }) => ({
    output: {
      text: '',
      structured: { rows: rowIds.map((id) => ({ row_id: id, fields: { answer: DIRTY } })) },
      grounding: [],
    },
  }));
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(1));
  const values: unknown[] = [];
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'row') values.push(event.values?.answer);
  };
  const { rows, summary } = await bench.run({ apiUrl: agent.url }, { onEvent, withValues: true });
  expect(rows[0]?.answer).toBe(CLEAN);
  expect(values).toEqual([CLEAN]);
  const write = async (name: string, raw: boolean): Promise<string> => {
    const ledger = join(bench.folder, 'ledger.sqlite');
    await exportJob({ job: summary.jobId, ledger, output: join(bench.folder, name), raw });
    return bench.read(name);
  };
  expect(JSON.parse(await write('clean.jsonl', false)).answer).toBe(CLEAN);
  expect(JSON.parse(await write('raw.jsonl', true)).answer).toBe(DIRTY.replace('\0', ''));
  expect(readTable(await write('raw.csv', true))[0]?.answer).toBe(DIRTY.replace('\0', ''));
});

test('a value of only invisible marks counts as no value', async () => {
  const agent = await openOddAgent(({ rowIds }) => ({
    output: {
      text: '',
      structured: {
        rows: rowIds.map((id) => ({ row_id: id, fields: { answer: '\u202e\0\ufeff \u001b[0m' } })),
      },
      grounding: [],
    },
  }));
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(1));
  const { rows } = await bench.run({ apiUrl: agent.url });
  expect(rows).toMatchObject([{ answer: '', enrichment_status: 'not_found' }]);
});

const SOURCES = [
  'https://example.com/a',
  'file:///etc/passwd',
  'https://user:password@evil.example/',
  'https://google.com@evil.example/x',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'ftp://example.com/list.txt',
  'HTTP://EXAMPLE.COM/b',
  '//example.com/c',
  'somewhere',
];

test('only web URLs without a user become links for a web agent', async () => {
  const agent = await openOddAgent(({ rowIds }) => ({
    output: {
      text: '',
      structured: { rows: rowIds.map((id) => ({ row_id: id, fields: { answer: 'x' } })) },
      grounding: rowIds.map((_id, index) => ({
        field: `structured.rows[${index}].fields.answer`,
        citations: SOURCES.map((url) => ({ url, title: 'T' })),
      })),
    },
  }));
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(1));
  const citationsFile = join(bench.folder, 'citations.jsonl');
  const { rows, summary } = await bench.run({ apiUrl: agent.url, citationsFile });
  expect(rows[0]?.answer_citations?.split(' ')).toEqual([
    'https://example.com/a',
    'file[:]///etc/passwd',
    'https[:]//***@evil.example/',
    'https[:]//***@evil.example/x',
    'javascript[:]alert(1)',
    'data[:]text/html,<script>alert(1)</script>',
    'ftp[:]//example.com/list.txt',
    'HTTP://EXAMPLE.COM/b',
  ]);
  const ledger = join(bench.folder, 'ledger.sqlite');
  await exportJob({ job: summary.jobId, ledger, output: join(bench.folder, 'out.jsonl'), raw: true });
  const { citations } = JSON.parse(bench.read('out.jsonl')).enrichment.fields.answer;
  const cited = bench
    .read('citations.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const list of [citations, cited]) {
    expect(list).toHaveLength(8);
    expect(list[1]).toMatchObject({ url: null, title: 'T', text: 'file:///etc/passwd' });
    expect(list.map(({ url }: { url: string | null }) => url).filter(Boolean)).toEqual([
      'https://example.com/a',
      'HTTP://EXAMPLE.COM/b',
    ]);
  }
});

test('file URLs of the embedded agent become links', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', 'company\nAcme\n');
  const { mkdirSync, writeFileSync } = await import('node:fs');
  mkdirSync(join(bench.folder, 'tables'));
  writeFileSync(join(bench.folder, 'tables', 'crm.csv'), `company,answer\nAcme,it is ${KEY}\n`);
  const { rows } = await bench.run({
    apiUrl: undefined,
    reference: join(bench.folder, 'tables'),
    apiKey: KEY,
  });
  expect(rows[0]?.answer).toBe('it is ***');
  expect(rows[0]?.answer_citations).toMatch(/^file:\/\/\/\S+crm\.csv#row=\d+$/);
});
