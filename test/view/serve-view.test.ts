import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { hashValue } from '../../src/job/cell-verdicts.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { hashRecord } from '../../src/model/ask.js';
import { createVerdict, type Verdict } from '../../src/model/verdict.js';
import type { EnrichOptions } from '../../src/options.js';
import type {
  AgainQuote,
  CellDetail,
  Edited,
  PageRow,
  ViewCell,
  ViewChanges,
  ViewMeta,
} from '../../src/view/api.js';
import { createCellsAgent } from '../helpers/cells-agent.js';
import { createList, openJobBench, readTable } from '../helpers/job.js';
import { answerPaid } from '../helpers/paid-server.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { openViewBench } from '../helpers/view-bench.js';

type Rows = { readonly rows: readonly PageRow[] };

async function openFilled(count = 12, isReadOnly = false) {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(count));
  const { summary } = await bench.run();
  const ledger = join(bench.folder, 'ledger.sqlite');
  const view = await openViewBench({ job: summary.jobId, ledger, isReadOnly });
  return { bench, job: summary.jobId, view, ledger };
}

/** Sends a request as any program can, with headers that `fetch` does not allow. */
function send(origin: string, path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const call = request({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.once('error', reject).end();
  });
}

test('only a caller with the token, the own host and no other site behind it is answered', async () => {
  const { view } = await openFilled(1);
  const { origin, token } = view;
  const authorization = `Bearer ${token}`;
  const host = new URL(origin).host;
  const meta = (headers: Record<string, string>): Promise<number> => send(origin, '/api/meta', headers);
  expect(await meta({ authorization })).toBe(200);
  expect(await meta({ authorization, host: host.replace('127.0.0.1', 'localhost') })).toBe(200);
  expect(await meta({ authorization, origin })).toBe(200);
  expect(await meta({ authorization, 'sec-fetch-site': 'same-origin' })).toBe(200);
  expect(await meta({})).toBe(401);
  expect(await meta({ authorization: `Bearer ${token.slice(1)}x` })).toBe(401);
  expect(await meta({ authorization: token })).toBe(401);
  const foreign = [
    'evil.example',
    `evil.example:${view.origin.split(':').at(-1)}`,
    '10.0.0.1',
    '127.0.0.1:1',
  ];
  for (const name of foreign) expect(await meta({ authorization, host: name })).toBe(403);
  for (const other of ['http://evil.example', 'http://localhost:3000', 'null', `${origin}.evil.example`])
    expect(await meta({ authorization, origin: other })).toBe(403);
  for (const site of ['cross-site', 'same-site'])
    expect(await meta({ authorization, 'sec-fetch-site': site })).toBe(403);
  // The page itself has no secret, and is reached from the local file that opens the browser.
  expect(await send(origin, '/', {})).toBe(200);
  const visit = {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  };
  expect(await send(origin, '/', visit)).toBe(200);
  expect(await send(origin, '/', { ...visit, 'sec-fetch-dest': 'iframe' })).toBe(403);
  expect(await send(origin, '/page.js', visit)).toBe(403);
  for (const path of [
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2fpackage.json',
    '/page',
    '/api/',
    '//',
  ])
    expect([401, 404]).toContain(await send(origin, path, {}));
});

const KEY = 'a-long-random-key.0123456789';

test('a view for other machines answers to the key alone, and refuses foreign names, origins and sites, too', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(1));
  const { summary } = await bench.run();
  const job = { job: summary.jobId, ledger: join(bench.folder, 'ledger.sqlite') };
  const remote = { host: '0.0.0.0', key: KEY, allowedHosts: ['view.example.com'] };
  const view = await openViewBench({ ...job, remote });
  expect(view.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+\/$/);
  const port = new URL(view.url).port;
  const authorization = `Bearer ${KEY}`;
  const meta = (headers: Record<string, string>): Promise<number> =>
    send(`http://127.0.0.1:${port}`, '/api/meta', headers);
  expect(await meta({ authorization })).toBe(200);
  // Behind a proxy it has another name and port. A host that is an address cannot be rebound.
  for (const host of [
    'view.example.com',
    `VIEW.example.com:8443`,
    '10.0.0.9:80',
    '[fe80::1]:80',
    `localhost:${port}`,
  ])
    expect(await meta({ authorization, host })).toBe(200);
  const [host, origin] = ['view.example.com', 'https://view.example.com'];
  expect(await meta({ authorization, host, origin })).toBe(200);
  expect(await meta({ authorization, host, origin, 'sec-fetch-site': 'same-origin' })).toBe(200);
  const wrong = [KEY.slice(1), `${KEY}0`, KEY.toUpperCase(), ''];
  for (const key of wrong) expect(await meta({ authorization: `Bearer ${key}` })).toBe(401);
  for (const headers of [{}, { authorization: KEY }, { cookie: `key=${KEY}` }])
    expect(await meta(headers)).toBe(401);
  expect(await send(`http://127.0.0.1:${port}`, `/api/meta?key=${KEY}`, {})).toBe(401);
  for (const name of ['evil.example', `evil.example:${port}`, 'example.com', 'view.example.com.evil.example'])
    expect(await meta({ authorization, host: name })).toBe(403);
  for (const other of ['https://evil.example', 'null', 'https://view.example.com:8443', 'http://127.0.0.1'])
    expect(await meta({ authorization, host, origin: other })).toBe(403);
  for (const site of ['cross-site', 'same-site'])
    expect(await meta({ authorization, host, 'sec-fetch-site': site })).toBe(403);
  // The page has no secret in it, and is all that is shown without the key.
  expect(await send(`http://127.0.0.1:${port}`, '/', {})).toBe(200);
  for (const path of ['/', '/page.js', '/api/meta'])
    expect(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).not.toContain(KEY);
  for (const path of ['/../package.json', '/%2e%2e/package.json', '/api/../api/meta'])
    expect([401, 404]).toContain(await send(`http://127.0.0.1:${port}`, path, {}));
});

test('a view for other machines needs a key that is hard to guess', async () => {
  const options = { job: 'j_any', ledger: join(tmpdir(), 'no-ledger', 'ledger.sqlite') };
  for (const [key, code] of [
    [undefined, 'VIEW_KEY_NEEDED'],
    ['', 'VIEW_KEY_NEEDED'],
    ['short', 'VIEW_KEY_UNFIT'],
    ['twenty letters, with blanks', 'VIEW_KEY_UNFIT'],
    ['ein-langer-schlüssel-ohne-zahl', 'VIEW_KEY_UNFIT'],
  ] as const) {
    await expect(openViewBench({ ...options, remote: { host: '0.0.0.0', key } })).rejects.toMatchObject({
      code,
    });
  }
});

test('a page of rows is the file joined with the ledger, and a cell has its sources', async () => {
  const { view } = await openFilled(12);
  const { body: meta } = await view.call<ViewMeta>('GET', '/api/meta');
  expect(meta).toMatchObject({ file: 'in.csv', columns: ['company'], fields: [{ name: 'answer' }] });
  const { id, count } = await view.show();
  expect(count).toBe(12);
  const { body } = await view.call<Rows>('GET', `/api/rows?view=${id}&from=10&count=5`);
  expect(body.rows.map(([ordinal, input]) => [ordinal, input[0]])).toEqual([
    [10, 'Company 11'],
    [11, 'Company 12'],
  ]);
  expect(body.rows[0]?.[2][0]).not.toBe(0);
  const { body: cell } = await view.call<CellDetail>('GET', '/api/cell?row=3&field=answer');
  expect(cell).toMatchObject({ ordinal: 3, line: 5, field: 'answer', status: 'enriched', fixed: null });
  expect((await view.call('GET', '/api/cell?row=99&field=answer')).status).toBe(400);
  expect((await view.call('GET', '/api/cell?row=1&field=other')).status).toBe(400);
  expect((await view.call('GET', `/api/rows?view=${id}&from=0&count=501`)).status).toBe(400);
  expect((await view.call('GET', '/api/rows?view=gone&from=0&count=5')).status).toBe(410);
});

test('filter, search and sort choose rows, and facets count each group under all other filters', async () => {
  const { view } = await openFilled(12);
  expect((await view.show({ search: 'COMPANY 1' })).count).toBe(4);
  expect((await view.show({ status: ['failed'] })).count).toBe(0);
  const narrowed = await view.show({ status: ['failed'], search: 'company 12' });
  expect(narrowed).toMatchObject({ count: 0 });
  expect(narrowed.facets.status[0]).toBe(1);
  const sorted = await view.show({}, { column: 'company', descending: true });
  const { body } = await view.call<Rows>('GET', `/api/rows?view=${sorted.id}&from=0&count=2`);
  expect(body.rows.map(([, input]) => input[0])).toEqual(['Company 9', 'Company 8']);
});

test('a value given by hand stays through the next run, is in its output, and can be undone', async () => {
  const { bench, view } = await openFilled(3);
  const { body: before } = await view.call<CellDetail>('GET', '/api/cell?row=1&field=answer');
  const edit = { ordinal: 1, field: 'answer', text: 'mine', was: before.text };
  const { status, body: edited } = await view.call<Edited>('PUT', '/api/cell', edit);
  expect([status, edited.text]).toEqual([200, 'mine']);
  // The page showed the value from before the edit.
  expect((await view.call('PUT', '/api/cell', edit)).status).toBe(409);
  const runs = bench.agent.tasks.length;
  const { rows } = await bench.run({ refresh: true });
  expect(rows[1]?.answer).toBe('mine');
  expect(bench.agent.tasks.length).toBeGreaterThan(runs);
  expect((await view.call<CellDetail>('GET', '/api/cell?row=1&field=answer')).body).toMatchObject({
    text: 'mine',
    level: 'human',
    earlier: [{ text: before.text }],
  });
  expect((await view.call('POST', '/api/undo', { undo: edited.undo })).status).toBe(200);
  expect((await view.call<CellDetail>('GET', '/api/cell?row=1&field=answer')).body.text).toBe(before.text);
  expect((await view.call('POST', '/api/undo', { undo: 'unknown' })).status).toBe(400);
});

test('a change that is sent twice is made once, and none is made or undone over the later one of somebody else', async () => {
  const { view } = await openFilled(2);
  const read = async () => (await view.call<CellDetail>('GET', '/api/cell?row=1&field=answer')).body.text;
  const [row, was] = [{ ordinal: 1, field: 'answer' }, await read()];
  const put = (text: string, before: string | null, edit?: string) =>
    view.call<Edited>('PUT', '/api/cell', {
      ...row,
      text,
      was: before,
      ...(edit === undefined ? {} : { edit }),
    });
  const undo = async (of: { readonly body: Edited }) =>
    (await view.call('POST', '/api/undo', { undo: of.body.undo })).status;
  // Two persons at once: the second one has not seen the value of the first.
  const both = await Promise.all([put('by A', was), put('by B', was)]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  const mine = await put('mine', await read(), 'edit-1');
  expect(await put('mine', was, 'edit-1')).toEqual(mine);
  const theirs = await put('theirs', 'mine');
  expect(await undo(mine)).toBe(409);
  expect(await read()).toBe('theirs');
  // Once theirs is undone, the cell has what the edit left.
  expect([await undo(theirs), await undo(mine), await undo(mine)]).toEqual([200, 200, 200]);
  expect(await read()).toMatch(/^by [AB]$/);
});

test('of two views of a ledger, one is refused to change or undo what the other has changed at once', async () => {
  const { job, view, ledger } = await openFilled(12);
  const second = await openViewBench({ job, ledger });
  const read = async (row: number) =>
    (await view.call<CellDetail>('GET', `/api/cell?row=${row}&field=answer`)).body.text;
  const put = (by: typeof view, ordinal: number, text: string, was: string | null) =>
    by.call<Edited>('PUT', '/api/cell', { ordinal, field: 'answer', text, was });
  for (let row = 0; row < 12; row += 1) {
    const was = await read(row);
    const both = await Promise.all([put(view, row, 'by A', was), put(second, row, 'by B', was)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const shown = both[0].status === 200 ? 'by A' : 'by B';
    expect(await read(row)).toBe(shown);
    const mine = await put(view, row, 'mine', shown);
    const [undone, theirs] = await Promise.all([
      view.call('POST', '/api/undo', { undo: mine.body.undo }),
      put(second, row, 'theirs', 'mine'),
    ]);
    expect([undone.status, theirs.status].sort()).toEqual([200, 409]);
    expect(await read(row)).toBe(undone.status === 200 ? shown : 'theirs');
  }
});

test('two views of a ledger change different fields of a row at once', async () => {
  const agent = createCellsAgent();
  const bench = await openJobBench(agent.script);
  bench.write('in.csv', createList(8));
  const { summary } = await bench.run({ fields: ['ceo', 'hq'] });
  const place = { job: summary.jobId, ledger: join(bench.folder, 'ledger.sqlite') };
  const views = [await openViewBench(place), await openViewBench(place)] as const;
  for (let ordinal = 0; ordinal < 8; ordinal += 1) {
    const company = `Company ${ordinal + 1}`;
    const both = await Promise.all(
      ['ceo', 'hq'].map((field, at) =>
        (views[at] ?? expect.fail()).call<Edited>('PUT', '/api/cell', {
          ...{ ordinal, field, text: 'mine' },
          was: `${field} of ${company}`,
        }),
      ),
    );
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
  }
});

test('a read-only view refuses changes', async () => {
  const { view } = await openFilled(2, true);
  const { body: cell } = await view.call<CellDetail>('GET', '/api/cell?row=1&field=answer');
  const edit = { ordinal: 1, field: 'answer', text: 'mine', was: cell.text };
  expect((await view.call('PUT', '/api/cell', edit)).status).toBe(403);
  expect((await view.call('POST', '/api/quote', { rows: [1], fields: null, effort: null })).status).toBe(403);
});

test('asking again shows the price, pays once however often it is confirmed, and refuses an old quote', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(3));
  const { summary } = await bench.run();
  const ledger = join(bench.folder, 'ledger.sqlite');
  const view = await openViewBench({ job: summary.jobId, ledger, agent: { apiKey: 'test' } });
  const { body: quote } = await view.call<{ quote: string; rows: number; worstMicros: number }>(
    'POST',
    '/api/quote',
    { rows: [0, 2], fields: null, effort: null },
  );
  expect(quote).toMatchObject({ rows: 2, worstMicros: expect.any(Number) });
  expect(quote.worstMicros).toBeGreaterThan(0);
  const asked = await Promise.all([1, 2].map(() => view.call('POST', '/api/ask', { quote: quote.quote })));
  expect(asked.map(({ status }) => status).sort()).toEqual([200, 409]);
  await expect
    .poll(async () => (await view.call<ViewMeta>('GET', '/api/meta')).body.progress)
    .toMatchObject({ again: null, spentMicros: 50_000 });
  const rows = bench.agent.tasks.map(({ request: sent }) => sent.input?.data?.length);
  expect(rows).toEqual([3, 2]);
});

const CELLS = ['ceo', 'headcount', 'founded'];

/** A paid job of three fields, whose agent gives each cell another value each time. */
async function openCells(count: number, options: Partial<EnrichOptions> = {}) {
  const agent = createCellsAgent((company, field, time) => `${field} of ${company}, ${time}`);
  const bench = await openJobBench(agent.script);
  bench.write('in.csv', createList(count));
  const { summary } = await bench.run({ fields: CELLS, ...options });
  const ledger = join(bench.folder, 'ledger.sqlite');
  const view = await openViewBench({ job: summary.jobId, ledger, agent: { apiKey: 'test' } });
  const read = async (row: number, field: string) =>
    (await view.call<CellDetail>('GET', `/api/cell?row=${row}&field=${field}`)).body;
  const quote = (rows: readonly number[], fields: readonly string[] | null, effort: string | null = null) =>
    view.call<AgainQuote>('POST', '/api/quote', { rows, fields, effort });
  const whenDone = () =>
    expect
      .poll(async () => (await view.call<ViewMeta>('GET', '/api/meta')).body.progress)
      .toMatchObject({ again: null, isFilling: false });
  return { agent, bench, view, read, quote, whenDone };
}

test('asking cells again asks only them, leaves values of a person, and pays once', async () => {
  const { agent, bench, view, read, quote, whenDone } = await openCells(4);
  const was = await read(1, 'ceo');
  const edit = { ordinal: 1, field: 'ceo', text: 'Ana', was: was.text };
  expect((await view.call('PUT', '/api/cell', edit)).status).toBe(200);
  agent.cells.splice(0);
  const { body: offer } = await quote([1, 2], ['ceo', 'headcount'], 'high');
  // A run asks all of its rows for the same fields, but what it says of the value of a person is not used.
  expect(offer).toMatchObject({ rows: 2, runs: 1, efforts: ['high'] });
  const before = [await read(2, 'founded'), await read(3, 'ceo')];
  const asked = await Promise.all([1, 2, 3].map(() => view.call('POST', '/api/ask', { quote: offer.quote })));
  expect(asked.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  await whenDone();
  expect(agent.runs).toBe(2);
  expect(agent.cells.sort()).toEqual([
    'Company 2 ceo',
    'Company 2 headcount',
    'Company 3 ceo',
    'Company 3 headcount',
  ]);
  expect(await read(1, 'ceo')).toMatchObject({ text: 'Ana', level: 'human' });
  expect(await read(2, 'ceo')).toMatchObject({
    text: 'ceo of Company 3, 2',
    effort: 'high',
    earlier: [{ text: 'ceo of Company 3, 1' }],
  });
  const { rowMicros: _, ...kept } = await read(2, 'founded');
  expect(before[0]).toMatchObject(kept);
  expect(await read(3, 'ceo')).toEqual(before[1]);
  // The output was written again, with the rest as it was.
  const rows = readTable(bench.read('out.csv'));
  expect(rows.map(({ headcount }) => headcount?.slice(-1))).toEqual(['1', '2', '2', '1']);
  expect(rows.map(({ founded }) => founded?.slice(-1))).toEqual(['1', '1', '1', '1']);
  expect(rows[1]?.ceo).toBe('Ana');
});

test('a price for cells is that of their rows alone, and a field that does not exist has none', async () => {
  const { quote } = await openCells(20);
  const [one, all] = [await quote([3], ['ceo']), await quote([...Array(20).keys()], ['ceo'])];
  expect([one.body.runs, all.body.runs]).toEqual([1, 3]);
  expect(all.body.worstMicros).toBeGreaterThan(one.body.worstMicros);
  expect((await quote([3], ['phone'])).status).toBe(400);
  expect((await quote([3], [])).status).toBe(400);
});

test('a cell that only a person has filled has no price, because it is never asked', async () => {
  const { agent, view, quote } = await openCells(2);
  const edit = { ordinal: 0, field: 'ceo', text: 'Ana', was: 'ceo of Company 1, 1' };
  expect((await view.call('PUT', '/api/cell', edit)).status).toBe(200);
  expect((await quote([0], ['ceo'])).body).toMatchObject({ rows: 0, runs: 0, worstMicros: 0 });
  expect(agent.runs).toBe(1);
});

test('a row beyond the limit of the last run can be asked, and shows its answer', async () => {
  const { agent, view, read, quote, whenDone } = await openCells(3, { limit: 1 });
  expect(await read(2, 'ceo')).toMatchObject({ status: 'pending', text: null });
  const { body: offer } = await quote([2], ['ceo']);
  expect(offer.rows).toBe(1);
  expect((await view.call('POST', '/api/ask', { quote: offer.quote })).status).toBe(200);
  await whenDone();
  expect(agent.cells.slice(3)).toEqual(['Company 3 ceo']);
  expect(await read(2, 'ceo')).toMatchObject({ status: 'partial', text: 'ceo of Company 3, 1' });
  expect(await read(1, 'ceo')).toMatchObject({ status: 'pending', text: null });
});

test('another effort has its own price, and is the one that is asked', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(2));
  const { summary } = await bench.run();
  const ledger = join(bench.folder, 'ledger.sqlite');
  const view = await openViewBench({ job: summary.jobId, ledger, agent: { apiKey: 'test' } });
  const price = async (effort: string | null) =>
    (await view.call<AgainQuote>('POST', '/api/quote', { rows: [0], fields: null, effort })).body;
  const [low, high] = [await price(null), await price('high')];
  expect(low.efforts).toEqual(['low']);
  expect(high.worstMicros).toBeGreaterThan(low.worstMicros);
  expect((await view.call('POST', '/api/ask', { quote: high.quote })).status).toBe(200);
  await expect
    .poll(async () => (await view.call<CellDetail>('GET', '/api/cell?row=0&field=answer')).body.effort)
    .toBe('high');
  expect((await view.call<CellDetail>('GET', '/api/cell?row=1&field=answer')).body.effort).toBe('low');
});

test('asking again is refused while another process works on the job, and names it', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(2));
  const { summary } = await bench.run();
  const path = join(bench.folder, 'ledger.sqlite');
  const view = await openViewBench({ job: summary.jobId, ledger: path, agent: { apiKey: 'test' } });
  const other = await openLedger(path);
  onTestFinished(() => other.close());
  await other.acquireLease(`job:${summary.jobId}`);
  const { body: quote } = await view.call<AgainQuote>('POST', '/api/quote', {
    rows: [0],
    fields: null,
    effort: null,
  });
  const { status, body } = await view.call<{ message: string }>('POST', '/api/ask', { quote: quote.quote });
  expect([status, body.message]).toEqual([409, expect.stringContaining(`process ${process.pid}`)]);
  expect(bench.agent.tasks).toHaveLength(1);
});

test('what is shown is exported beside the input, in its order, and no file is replaced', async () => {
  const { bench, view } = await openFilled(12);
  const { id } = await view.show({ search: 'Company 1' }, { column: 'company', descending: true });
  const save = (format: string) =>
    view.call<{ path: string; rows: number }>('POST', '/api/export', { view: id, format });
  expect((await save('csv')).body).toEqual({ path: join(bench.folder, 'in.view.csv'), rows: 4 });
  expect(readTable(bench.read('in.view.csv')).map(({ company }) => company)).toEqual([
    'Company 12',
    'Company 11',
    'Company 10',
    'Company 1',
  ]);
  expect((await save('csv')).body.path).toBe(join(bench.folder, 'in.view-2.csv'));
  expect((await save('jsonl')).body.rows).toBe(4);
  expect(bench.read('in.view.jsonl').trim().split('\n')).toHaveLength(4);
  expect((await save('xlsx')).status).toBe(200);
  expect((await save('exe')).status).toBe(400);
});

/** Stores what was seen of the values of the first rows, as `verify` does. */
async function putVerdicts(path: string, jobId: string, seen: readonly Verdict[]): Promise<void> {
  const ledger = await openLedger(path);
  const job = await ledger.getJob(jobId);
  const keys = seen.map((_, index) => hashRecord({ company: `Company ${index + 1}` }));
  const { answers } = await ledger.findAnswers(job, keys);
  const verdicts = keys.map((key, index) => {
    const answer = answers.get(key)?.fields.get('answer');
    const verdict = createVerdict(seen[index] ?? 'gone', 'why');
    const url = answer?.citations[0]?.url ?? '';
    const citation = { ...verdict, passage: 'a passage', url, pageHash: null, checkedAtMs: 1 };
    return { key, field: 'answer', value: hashValue(answer?.value ?? null), citation };
  });
  await ledger.putVerdicts(job, verdicts);
  await ledger.close();
}

test('what was seen on the cited pages is shown, counted and filtered', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(4));
  const { summary } = await bench.run();
  const path = join(bench.folder, 'ledger.sqlite');
  await putVerdicts(path, summary.jobId, ['on_page', 'not_on_page', 'blocked']);
  const view = await openViewBench({ job: summary.jobId, ledger: path });
  const { facets } = await view.show({ status: ['enriched'] });
  expect(facets.verdicts).toEqual([1, 0, 1, 1]);
  const { id, count } = await view.show({ verdicts: ['not_on_page'] });
  expect(count).toBe(1);
  const { body } = await view.call<Rows>('GET', `/api/rows?view=${id}&from=0&count=5`);
  expect(body.rows[0]?.[2][0]).toEqual([expect.stringContaining('answer'), 3, 1, 'not_on_page']);
  expect((await view.call<CellDetail>('GET', '/api/cell?row=0&field=answer')).body.verdict).toMatchObject({
    mark: 'on_page',
    passage: 'a passage',
  });
});

test('the next cell to review is found in the whole view, in both directions, and counted', async () => {
  const agent = createCellsAgent((company, field) => `${field} of ${company}`);
  const script = async (task: AgentTask) => {
    const result = await agent.script(task, new AbortController().signal);
    const grounding = result.output?.grounding ?? [];
    const records = task.request.input?.data ?? [];
    // The second field of each twentieth row is not sure.
    const unsure = new Set(
      records.flatMap(({ company }, index) =>
        /0$/.test(String(company)) ? [`structured.rows[${index}].fields.headcount`] : [],
      ),
    );
    return {
      ...result,
      output: {
        ...result.output,
        grounding: grounding.map((each) =>
          unsure.has(each.field) ? { ...each, confidence: 'low' as const } : each,
        ),
      },
    };
  };
  const bench = await openJobBench(script);
  bench.write('in.csv', createList(60));
  const { summary } = await bench.run({ fields: ['ceo', 'headcount'], batchSize: 30 });
  const view = await openViewBench({ job: summary.jobId, ledger: join(bench.folder, 'ledger.sqlite') });
  const { facets } = await view.show({ status: ['enriched'] });
  expect(facets.review).toBe(6);
  const shown = await view.show({}, { column: 'company', descending: true });
  const find = async (place: number, field: number, by: number) =>
    (
      await view.call<{ cell: ViewCell | null }>(
        'GET',
        `/api/review?view=${shown.id}&place=${place}&field=${field}&by=${by}`,
      )
    ).body.cell;
  const found: (string | number)[] = [];
  let [place, field] = [0, -1];
  for (let cell = await find(place, field, 1); cell !== null; cell = await find(place, field, 1)) {
    found.push(cell.ordinal + 1);
    [place, field] = [cell.place, 1];
  }
  expect(found).toEqual([60, 50, 40, 30, 20, 10]);
  expect(await find(place, 1, -1)).toMatchObject({ ordinal: 19, field: 'headcount' });
  expect(await find(0, -1, -1)).toBeNull();
  const { body: cell } = await view.call<CellDetail>('GET', '/api/cell?row=9&field=headcount');
  await view.call('PUT', '/api/cell', { ordinal: 9, field: 'headcount', text: cell.text, was: cell.text });
  expect((await view.show({ status: ['enriched'] })).facets.review).toBe(5);
  expect(await find(place - 1, 1, 1)).toBeNull();
  expect((await view.call('GET', '/api/review?view=gone&place=0&field=-1&by=1')).status).toBe(410);
});

test('verdicts that another process writes while the view is open reach its facets, filters and cells', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(3));
  const { summary } = await bench.run();
  const path = join(bench.folder, 'ledger.sqlite');
  const view = await openViewBench({ job: summary.jobId, ledger: path });
  expect((await view.show({ status: ['enriched'] })).facets.verdicts).toEqual([0, 0, 0, 0]);
  const { seen } = (await view.call<ViewMeta>('GET', '/api/meta')).body;
  const changes = async (since: number) =>
    (await view.call<ViewChanges>('GET', `/api/changes?since=${since}`)).body;
  expect(await changes(seen)).toMatchObject({ seen, rows: [], notes: [] });
  await putVerdicts(path, summary.jobId, ['on_page', 'gone']);
  await expect.poll(async () => (await view.show()).facets.verdicts).toEqual([1, 0, 0, 1]);
  await expect.poll(async () => (await changes(seen)).rows).toEqual([0, 1]);
  // A page of a server that is gone, or that slept for long, cannot know which rows it has missed.
  expect((await changes(0)).rows).toBeNull();
  expect((await changes(seen + 1_000_000)).rows).toBeNull();
  // The same pages looked at again.
  await putVerdicts(path, summary.jobId, ['not_on_page', 'on_page']);
  await expect.poll(async () => (await view.show()).facets.verdicts).toEqual([1, 0, 1, 0]);
  expect((await view.show({ verdicts: ['not_on_page'] })).count).toBe(1);
});

test('a file that broke after the job shows its rows up to there, and says why', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(3));
  const { summary } = await bench.run();
  bench.write('in.csv', `${createList(3)}"Company 4`);
  const view = await openViewBench({ job: summary.jobId, ledger: join(bench.folder, 'ledger.sqlite') });
  await expect
    .poll(async () => (await view.call<ViewMeta>('GET', '/api/meta')).body.progress.fault)
    .toContain('a quote is opened here and never closed');
});
