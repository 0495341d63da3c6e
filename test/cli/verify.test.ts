import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Papa from 'papaparse';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { hashRecord } from '../../src/model/ask.js';
import type { JsonValue } from '../../src/model/json.js';
import { VirtualClock } from '../helpers/clock.js';
import { type PageServer, servePages } from '../helpers/page-server.js';
import { createPdf } from '../helpers/pdf.js';
import { NO_SIGNALS } from '../helpers/platform.js';
import { createResult, ScriptedAgent } from '../helpers/scripted-agent.js';
import { serve } from '../helpers/served.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createCost, readAskedFields } from '../helpers/truthful-agent.js';
import { unpackParts } from '../helpers/workbook.js';
import { createWorkdir, PROGRAM, type Workdir } from '../helpers/workdir.js';

/** Built, because pages are read by a worker, which runs the built program. */
const { verifyJob } = (await import(
  pathToFileURL(join(PROGRAM, '../../verify.js')).href
)) as typeof import('../../src/verify.js');

/** What the agent answers for a company: the values, and the pages that it cites for all of them. */
type Answers = Readonly<
  Record<string, { readonly fields: Readonly<Record<string, JsonValue>>; readonly cites: readonly string[] }>
>;

/** Fills a list of companies by an agent with these answers. Returns the job's id. */
async function fill(dir: Workdir, answers: Answers, words: readonly string[] = []): Promise<string> {
  const agent = new ScriptedAgent((task) => {
    const records = task.request.input?.data ?? [];
    const rows = records.map(({ row_id = '', company = '' }) => ({
      row_id,
      fields: answers[String(company)]?.fields ?? {},
    }));
    const grounding = records.flatMap(({ company }, index) =>
      Object.keys(answers[String(company)]?.fields ?? {}).map((name) => ({
        field: `structured.rows[${index}].fields.${name}`,
        citations: (answers[String(company)]?.cites ?? []).map((url) => ({ url, title: 'Page' })),
        confidence: 'high' as const,
      })),
    );
    return createResult({ rows }, grounding);
  });
  const { server } = await serve({ agent });
  dir.write('in.csv', `company\n${Object.keys(answers).join('\n')}\n`);
  const fields = [...new Set(Object.values(answers).flatMap((each) => Object.keys(each.fields)))];
  const args = fields.flatMap((name) => ['-f', name]);
  const ran = await dir.run(['run', 'in.csv', ...args, '--api-url', server.url, '--yes', '--json', ...words]);
  expect(ran).toMatchObject({ status: 0 });
  return JSON.parse(ran.stdout).job;
}

function verify(dir: Workdir, job: string, site: PageServer, ...words: readonly string[]) {
  const polite = words.includes('--host-delay') ? [] : ['--host-delay', '0s'];
  return dir.run(['verify', job, '--fetch-private', site.host, ...polite, ...words]);
}

function readRows(dir: Workdir, name = 'in.filled.csv'): Record<string, string>[] {
  return Papa.parse<Record<string, string>>(dir.read(name), { header: true, skipEmptyLines: true }).data;
}

describe('rowfill verify', () => {
  test('fetches each page once, writes the verdicts, and fetches nothing the second time', async () => {
    const site = await servePages({
      '/acme':
        '<title>Acme Inc</title><h1>Acme Inc</h1><p>Headquarters: Oslo. Founded in 1976 by Ann Lee.</p>',
      '/globex':
        '<title>Globex</title><h1>Globex</h1><p>The former chief executive of Globex is Hank Scorpio.</p>',
    });
    const dir = createWorkdir();
    const job = await fill(dir, {
      Acme: { fields: { hq_city: 'Oslo', ceo: 'Bob Unknown' }, cites: [`${site.url}/acme`] },
      Globex: { fields: { hq_city: 'Paris', ceo: 'Hank Scorpio' }, cites: [`${site.url}/globex#top`] },
      Initech: { fields: { hq_city: 'Austin', ceo: 'Bill Lumbergh' }, cites: [`${site.url}/gone`] },
      Hooli: { fields: { hq_city: 'Reno', ceo: 'Gavin Belson' }, cites: [] },
    });
    const checked = await verify(dir, job, site, '--json');
    expect(checked).toMatchObject({ status: 0 });
    expect([...site.paths()].sort()).toEqual(['/acme', '/globex', '/gone']);
    expect(site.mostAtOnce).toBe(1);
    const rows = readRows(dir);
    expect(
      rows.map((row) => [row.hq_city_verdict?.replace('?', ''), row.ceo_verdict?.replace('?', '')]),
    ).toEqual([
      ['on_page', 'not_on_page'],
      ['not_on_page', 'on_page'],
      ['gone', 'gone'],
      ['uncited', 'uncited'],
    ]);
    expect(rows[0]?.hq_city_passage_url).toContain(`${site.url}/acme`);
    const summary = JSON.parse(checked.stdout);
    expect(summary.cells).toMatchObject({ total: 8, on_page: 2, not_on_page: 2, gone: 2, uncited: 2 });
    expect(summary.cells.share_on_page).toBeCloseTo(2 / 6);
    expect(summary.hosts).toMatchObject([{ name: site.host, total: 6 }]);

    const again = await verify(dir, job, site);
    expect(again).toMatchObject({ status: 0 });
    expect(site.paths()).toHaveLength(3);
    const exported = await dir.run(['export', job, '-o', 'out.jsonl']);
    expect(exported).toMatchObject({ status: 0 });
    const first = JSON.parse(dir.read('out.jsonl').split('\n')[0] ?? '');
    expect(first.enrichment.fields.hq_city).toMatchObject({
      verdict: 'on_page',
      checked_url: `${site.url}/acme`,
    });
    const written = dir.read('out.jsonl').trim().split('\n');
    expect(rows[1]?.ceo_verdict).toBe('on_page?');
    const verdicts = written.map((line) => JSON.parse(line).enrichment.fields);
    expect(verdicts.map(({ hq_city, ceo }) => [hq_city.verdict, ceo.verdict])).toEqual(
      rows.map((row) => [row.hq_city_verdict, row.ceo_verdict]),
    );
    expect(first.enrichment.fields.hq_city.checked_at).toMatch(/^20\d\d-.*Z$/);
    expect((await dir.run(['export', job, '-o', 'out.xlsx'])).status).toBe(0);
    const parts = await unpackParts(readFileSync(join(dir.path, 'out.xlsx')));
    const sheet = parts['xl/worksheets/sheet1.xml'] ?? '';
    for (const text of ['hq_city_citations', 'hq_city_verdict', 'hq_city_passage_url', 'not_on_page'])
      expect(sheet).toContain(`>${text}<`);
    expect((await dir.run(['ledger', 'check'])).status).toBe(0);
  });

  test('--fail-below ends with 7, --fields and --sample check a part', async () => {
    const site = await servePages({
      '/a': '<p>Acme sits in Oslo.</p>',
      '/b': '<p>Globex sits in Bergen.</p>',
    });
    const dir = createWorkdir();
    const job = await fill(dir, {
      Acme: { fields: { hq_city: 'Oslo', ceo: 'Nobody There' }, cites: [`${site.url}/a`] },
      Globex: { fields: { hq_city: 'Bergen', ceo: 'Noone Here' }, cites: [`${site.url}/b`] },
    });
    const one = await verify(dir, job, site, '--fields', 'hq_city', '--sample', '1', '--json');
    expect(JSON.parse(one.stdout).cells).toMatchObject({ total: 1, on_page: 1 });
    expect(site.paths()).toHaveLength(1);
    expect(await verify(dir, job, site, '--fields', 'hq_city', '--fail-below', '0.9')).toMatchObject({
      status: 0,
    });
    expect(await verify(dir, job, site, '--fail-below', '0.9')).toMatchObject({ status: 7 });
    const wrong = await verify(dir, job, site, '--fields', 'hq_town');
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.stderr).toContain('hq_town');
  });

  test('refuses private addresses unless they are named, and says so in the verdict', async () => {
    const site = await servePages({ '/a': '<p>Oslo</p>' });
    const dir = createWorkdir();
    const job = await fill(dir, { Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/a`] } });
    expect(await dir.run(['verify', job])).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/1 citation not opened.* --fetch-private HOST/),
    });
    expect(site.requests).toEqual([]);
    expect(readRows(dir)).toMatchObject([{ hq_city_verdict: 'unreachable' }]);
    // The refusal is not remembered once the host is allowed.
    const allowed = await verify(dir, job, site);
    expect(allowed.stderr).not.toContain('not opened');
    expect(site.paths()).toEqual(['/a']);
    expect(readRows(dir)[0]?.hq_city_verdict).toMatch(/^on_page/);
  });

  test('obeys robots.txt, and tells servers that fail from pages that are gone', async () => {
    const site = await servePages({
      '/robots.txt': {
        headers: { 'content-type': 'text/plain' },
        body: 'User-agent: rowfill\nDisallow: /secret',
      },
      '/secret': '<p>Oslo</p>',
      '/broken': { status: 503 },
      '/login': { status: 401 },
      '/pay': { status: 402 },
      '/image': { headers: { 'content-type': 'image/png' }, body: 'Oslo' },
    });
    const closed = createServer();
    await new Promise<void>((resolve) => {
      closed.listen(0, '127.0.0.1', resolve);
    });
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const dir = createWorkdir();
    const paths = ['secret', 'broken', 'login', 'pay', 'image'];
    const job = await fill(dir, {
      ...Object.fromEntries(
        paths.map((path) => [path, { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/${path}`] }]),
      ),
      closed: { fields: { hq_city: 'Oslo' }, cites: [`http://127.0.0.1:${port}/`] },
    });
    const checked = await verify(dir, job, site, '--fetch-private', `127.0.0.1:${port}`);
    expect(checked).toMatchObject({ status: 0 });
    expect(readRows(dir).map((row) => row.hq_city_verdict)).toEqual([
      'blocked',
      'unreachable',
      'blocked',
      'paywalled',
      'unreadable',
      'unreachable',
    ]);
    expect(site.paths()).not.toContain('/secret');
    expect(site.requests[0]?.headers['user-agent']).toMatch(/^rowfill\//);
  });

  test('checks the rows of the own tables that the embedded agent cites', async () => {
    const dir = createWorkdir();
    dir.write(
      'tables/seats.csv',
      'company,hq_city,ceo\nAcme,Oslo,Ann Lee\n"Two\nLines",Rome,Bo Ek\nGlobex,Bergen,\n',
    );
    dir.write('in.csv', 'company\nAcme\nGlobex\n');
    const ran = await dir.run([
      'run',
      'in.csv',
      '--reference',
      'tables',
      '-f',
      'hq_city',
      '-f',
      'ceo',
      '--json',
    ]);
    const checked = await dir.run(['verify', JSON.parse(ran.stdout).job, '--json']);
    expect(checked).toMatchObject({ status: 0 });
    expect(JSON.parse(checked.stdout)).toMatchObject({
      cells: { total: 3, on_page: 3 },
      hosts: [{ name: 'own tables' }],
      requests: 0,
    });
  });

  test('leaves an output that a person changed, and keeps the verdicts for export', async () => {
    const site = await servePages({ '/a': '<p>Acme sits in Oslo.</p>' });
    const dir = createWorkdir();
    const job = await fill(dir, { Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/a`] } });
    const changed = dir.read('in.filled.csv').replace('Oslo', 'Bodø');
    dir.write('in.filled.csv', changed);
    const checked = await verify(dir, job, site);
    expect(checked).toMatchObject({ status: 0 });
    expect(checked.stderr).toContain(`rowfill export ${job}`);
    expect(dir.read('in.filled.csv')).toBe(changed);
    await dir.run(['export', job, '-o', 'other.csv']);
    expect(readRows(dir, 'other.csv')[0]?.hq_city_verdict).toMatch(/^on_page/);
  });
});

describe('rowfill verify, on many pages', () => {
  test('reads PDFs in a worker, and survives damaged and hostile ones', async () => {
    const pdf = { 'content-type': 'application/pdf' };
    const site = await servePages({
      '/report.pdf': {
        headers: pdf,
        body: createPdf(['Annual report of Acme', 'Acme has its seat in Oslo.']),
      },
      '/unnamed': {
        headers: { 'content-type': 'application/octet-stream' },
        body: createPdf(['Globex, a maker of weather machines, has its seat in Bergen since 1989.']),
      },
      '/damaged.pdf': { headers: pdf, body: createPdf(['Initech: Austin']).subarray(0, 200) },
      '/fake.pdf': {
        headers: pdf,
        body: `%PDF-1.7\n${'1 0 obj << /Kids [1 0 R] /Type /Pages >> endobj\n'.repeat(1000)}`,
      },
    });
    const dir = createWorkdir();
    const job = await fill(dir, {
      Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/report.pdf`] },
      Globex: { fields: { hq_city: 'Bergen' }, cites: [`${site.url}/unnamed`] },
      Initech: { fields: { hq_city: 'Austin' }, cites: [`${site.url}/damaged.pdf`] },
      Hooli: { fields: { hq_city: 'Reno' }, cites: [`${site.url}/fake.pdf`] },
    });
    expect(await verify(dir, job, site)).toMatchObject({ status: 0 });
    const rows = readRows(dir);
    expect(rows.map((row) => row.hq_city_verdict?.replace('?', ''))).toEqual([
      'on_page',
      'on_page',
      'unreadable',
      'unreadable',
    ]);
    expect(rows[0]?.hq_city_passage_url).toBe(`${site.url}/report.pdf#page=2`);
  });

  test('a killed command is carried on, and fetches no page again that it had', async () => {
    const count = 40;
    const names = Array.from({ length: count }, (_, index) => `Company ${index}`);
    let isKilled = false;
    const pages = Object.fromEntries(
      names.map((name, index) => [
        `/${index}`,
        (_request: unknown, response: ServerResponse) => {
          if (index === 20 && !isKilled) {
            isKilled = true;
            program.signal('SIGKILL');
          }
          response.writeHead(200, { 'content-type': 'text/html' });
          response.end(`<p>${name} sits in Oslo.</p>`);
        },
      ]),
    );
    const site = await servePages(pages);
    const dir = createWorkdir();
    const answers = names.map((name, index) => [
      name,
      { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/${index}`] },
    ]);
    const job = await fill(dir, Object.fromEntries(answers), ['--batch-size', '40']);
    const words = ['verify', job, '--fetch-private', site.host, '--host-delay', '0s'];
    const program = dir.spawn(words);
    expect(await program.end()).toMatchObject({ signal: 'SIGKILL' });
    expect(await dir.run(words)).toMatchObject({ status: 0 });
    expect(readRows(dir).every((row) => row.hq_city_verdict?.startsWith('on_page'))).toBe(true);
    const again = site.paths().filter((path, at, all) => all.indexOf(path) !== at);
    // Only the page that was under way.
    expect(again.length).toBeLessThanOrEqual(1);
    expect(new Set(site.paths()).size).toBe(count);
  });

  test('of many hosts are each fetched once, and no host gets two requests at a time', SLOW, async () => {
    const hosts = chooseCount(200, 40);
    const citations = chooseCount(1_000, 200);
    const names = Array.from({ length: citations }, (_, index) => `Company ${index}`);
    const site = await servePages(
      Object.fromEntries(names.map((name, index) => [`/${index}`, `<p>${name} sits in Oslo.</p>`])),
    );
    const domains = Array.from({ length: hosts }, (_, index) => `site${index}.example:${site.port}`);
    const dir = createWorkdir();
    const answers = names.map((name, index) => [
      name,
      // Twice, because one page may be cited by several cells.
      { fields: { hq_city: 'Oslo', seat: 'Oslo' }, cites: [`http://${domains[index % hosts]}/${index}`] },
    ]);
    const job = await fill(dir, Object.fromEntries(answers), ['--batch-size', '100']);
    const summary = await verifyJob(
      {
        job,
        ledger: join(dir.home, 'ledger.sqlite'),
        pages: join(dir.home, 'pages'),
        fetchPrivate: domains,
        hostDelay: '0s',
        env: {},
      },
      { resolve: async () => ['127.0.0.1'] },
    );
    expect(summary.cells).toMatchObject({ total: 2 * citations, counts: { on_page: 2 * citations } });
    expect(summary).toMatchObject({ pages: citations, requests: citations + hosts });
    expect(site.paths()).toHaveLength(citations);
    expect(new Set(site.paths()).size).toBe(citations);
    expect(new Set(site.requests.map(({ host }) => host)).size).toBe(hosts);
    expect(site.mostAtOnce).toBe(1);
  });
});

describe('the page cache', () => {
  test('doctor counts its pages, forget deletes those of a job, and prune the old ones', async () => {
    const site = await servePages({
      '/a': '<p>Acme sits in Oslo.</p>',
      '/b': '<p>Globex sits in Bergen.</p>',
    });
    const dir = createWorkdir();
    const one = await fill(dir, {
      Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/a`, `${site.url}/b`] },
    });
    const countPages = (): number =>
      readdirSync(join(dir.home, 'pages'), { recursive: true, withFileTypes: true }).filter((each) =>
        each.isFile(),
      ).length;
    expect(await verify(dir, one, site)).toMatchObject({ status: 0 });
    const two = await fill(dir, { Globex: { fields: { seat: 'Bergen' }, cites: [`${site.url}/b`] } });
    expect(two).not.toBe(one);
    expect(await verify(dir, two, site)).toMatchObject({ status: 0 });
    // Both pages, and robots.txt.
    expect(countPages()).toBe(3);
    expect((await dir.run(['doctor', '--reference', 'in.csv'])).stdout).toMatch(
      /^ok +pages +3 cached pages/m,
    );

    const forgotten = await dir.run(['forget', one, '--yes']);
    expect(forgotten.stderr).toContain(
      '1 answer, paid for with $0.00, 1 raw run, 2 verdicts and 1 cached page.',
    );
    // The other page stays, because the other job cites it.
    expect(countPages()).toBe(1);
    expect((await dir.run(['prune', '--runs', '1d'])).stderr).not.toContain('cached page');
    expect((await dir.run(['prune', '--runs', '0ms', '--dry-run'])).stderr).toContain('1 cached page');
    expect(countPages()).toBe(1);
    expect((await dir.run(['prune', '--runs', '0ms'])).stderr).toContain('1 cached page');
    expect(countPages()).toBe(0);
    // The verdicts stay, but the page is fetched again for what is new.
    expect(await verify(dir, two, site, '--max-age', '0s')).toMatchObject({ status: 0 });
    expect(site.paths().filter((path) => path === '/b')).toHaveLength(2);
  });

  test('plan says that cited pages are opened', async () => {
    const dir = createWorkdir();
    dir.write('tables/t.csv', 'company,hq_city\nAcme,Oslo\n');
    dir.write('in.csv', 'company\nAcme\n');
    const words = ['plan', 'in.csv', '--reference', 'tables', '-f', 'hq_city'];
    expect((await dir.run([...words, '--verify'])).stdout).toContain('Each cited page is opened once');
    expect((await dir.run(words)).stdout).not.toContain('cited page');
  });
});

describe('rowfill verify --json', () => {
  test.skipIf(NO_SIGNALS)('an interrupt is one JSON object, too', async () => {
    // The page never comes.
    const site = await servePages({ '/slow': () => {} });
    const dir = createWorkdir();
    const job = await fill(dir, { Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/slow`] } });
    const words = ['verify', job, '--fetch-private', site.host, '--host-delay', '0s', '--json'];
    const running = dir.spawn(words);
    await expect.poll(() => site.paths()).toContain('/slow');
    const { status, stdout } = await running.end('SIGINT');
    expect(status).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } });
  });
});

describe('pages that are gone', () => {
  test('are looked for in the archive only if it is asked for', async () => {
    const site = await servePages({
      '/wayback/available*': (request, response) => {
        const asked = new URL(request.url ?? '', 'http://x').searchParams;
        const isKnown = asked.get('url')?.endsWith('/moved') === true;
        const url = `http://${request.headers.host}/web/20240501000000/${asked.get('url')}`;
        const closest = isKnown
          ? { closest: { available: true, url, timestamp: '20240501000000', status: '200' } }
          : {};
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ archived_snapshots: closest }));
      },
      '/web/20240501000000id_/*': '<title>Acme</title><p>Acme sits in Oslo.</p>',
    });
    const dir = createWorkdir();
    const job = await fill(dir, {
      Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/moved`] },
      Globex: { fields: { hq_city: 'Bergen' }, cites: [`${site.url}/made-up`] },
    });
    expect(await verify(dir, job, site)).toMatchObject({ status: 0 });
    expect([...site.paths()].sort()).toEqual(['/made-up', '/moved']);
    expect(readRows(dir).map((row) => row.hq_city_verdict)).toEqual(['gone', 'gone']);
    const options = { job, ledger: join(dir.home, 'ledger.sqlite'), pages: join(dir.home, 'pages'), env: {} };
    const clock = new VirtualClock();
    clock.advance(Date.now() - clock.now());
    const archive = { ...options, fetchPrivate: [site.host], archive: site.url };
    const { cells } = await verifyJob(archive, { clock });
    expect(cells.counts).toMatchObject({ on_page: 1, gone: 1 });
    const rows = readRows(dir);
    expect(rows[0]?.hq_city_verdict).toMatch(/^on_page/);
    expect(rows[0]?.hq_city_passage_url).toContain('/web/20240501000000id_/');
    const seen = site.paths().length;
    await verifyJob(archive, { clock });
    expect(site.paths()).toHaveLength(seen);
    // Of each page, what the site and the archive said; of one, the copy.
    expect((await dir.run(['forget', job, '--yes'])).stderr).toContain('5 cached pages');
    expect(
      readdirSync(join(dir.home, 'pages'), { recursive: true, withFileTypes: true }).filter((each) =>
        each.isFile(),
      ),
    ).toEqual([]);
  });
});

describe('rowfill verify --escalate', () => {
  test('asks again, at the next effort, only for values that are not on their pages', async () => {
    const site = await servePages({
      '/acme': '<h1>Acme</h1><p>Acme sits in Oslo. The chief executive of Acme is Ann Lee.</p>',
      '/globex':
        '<h1>Globex</h1><p>Globex sits in Bergen. The chief executive of Globex is Hank Scorpio.</p>',
      '/locked': { status: 403 },
    });
    const dir = createWorkdir();
    const right = {
      Acme: ['Oslo', 'Ann Lee'],
      Globex: ['Bergen', 'Hank Scorpio'],
      Initech: ['Austin', 'Bill'],
    };
    const asked: string[] = [];
    const agent = new ScriptedAgent(({ request }) => {
      const records = request.input?.data ?? [];
      const names = readAskedFields({ request });
      asked.push(...records.map(({ company }) => `${company} ${names.join('+')} ${request.effort}`));
      const rows = records.map(({ row_id = '', company }) => {
        const [hq_city, ceo] = right[company as keyof typeof right];
        // At low effort, it is wrong about one row.
        const isWrong = company === 'Globex' && request.effort === 'low';
        const fields = isWrong ? { hq_city: 'Rome', ceo: 'Bob Unknown' } : { hq_city, ceo };
        return {
          row_id,
          fields: Object.fromEntries(
            names.map((name) => [name, fields[name as keyof typeof fields] ?? null]),
          ),
        };
      });
      const grounding = records.flatMap(({ company }, index) =>
        names.map((name) => ({
          field: `structured.rows[${index}].fields.${name}`,
          citations: [
            {
              url: `${site.url}/${company === 'Initech' ? 'locked' : String(company).toLowerCase()}`,
              title: 'Page',
            },
          ],
          confidence: 'high' as const,
        })),
      );
      return createResult({ rows }, grounding);
    });
    const { server } = await serve({ agent });
    dir.write('in.csv', `company\n${Object.keys(right).join('\n')}\n`);
    const run = ['run', 'in.csv', '-f', 'hq_city', '-f', 'ceo', '--api-url', server.url, '--yes', '--json'];
    const { job } = JSON.parse((await dir.run(run)).stdout);
    expect(asked).toHaveLength(3);
    expect(await verify(dir, job, site)).toMatchObject({ status: 0 });
    expect(readRows(dir)[1]).toMatchObject({ ceo: 'Bob Unknown', ceo_verdict: 'not_on_page' });

    const refused = await verify(dir, job, site, '--escalate');
    expect(refused.stderr).toContain('COST_NOT_CONFIRMED');
    const words = ['verify', job, '--fetch-private', site.host, '--host-delay', '0s', '--escalate', '--yes'];
    const capped = await dir.run(words, { env: { ROWFILL_MAX_COST_PER_DAY: '0.03' } });
    expect(capped).toMatchObject({ status: 5, stderr: expect.stringContaining('ROWFILL_MAX_COST_PER_DAY') });
    expect(asked).toHaveLength(3);
    const escalated = await verify(dir, job, site, '--escalate', '--yes', '--json', '--fields', 'ceo');
    expect(escalated).toMatchObject({ status: 0 });
    expect(asked.slice(3)).toEqual(['Globex ceo medium']);
    expect(readRows(dir)[1]?.ceo).toBe('Hank Scorpio');
    expect(readRows(dir)[1]?.ceo_verdict).toMatch(/^on_page/);
    expect(JSON.parse(escalated.stdout).escalation.runs).toMatchObject({ created: 1 });
    // The second time, nothing is doubted any more, so nothing is sent.
    for (const _time of [1, 2])
      expect(await verify(dir, job, site, '--escalate', '--yes')).toMatchObject({ status: 0 });
    expect(asked.slice(4)).toEqual(['Globex hq_city medium']);
    // The replaced value stays readable.
    const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
    onTestFinished(() => ledger.close());
    const { askId } = await ledger.getJob(job);
    const older = await ledger.listOlderAnswers(askId, hashRecord({ company: 'Globex' }));
    expect(older.flatMap(({ fields }) => fields.get('ceo')?.value ?? [])).toEqual(['Bob Unknown']);
  });

  test('finishes a level that was stopped by the budget before it begins the next', async () => {
    const site = await servePages({ '/page': '<h1>Nobody</h1><p>Nothing is written here.</p>' });
    const dir = createWorkdir();
    const asked: string[] = [];
    const agent = new ScriptedAgent(({ request }) => {
      const records = request.input?.data ?? [];
      asked.push(...records.map(({ company }) => `${company} ${request.effort}`));
      const rows = records.map(({ row_id = '', company }) => ({
        row_id,
        fields: { ceo: `${company} ${request.effort}` },
      }));
      const grounding = records.map((_record, index) => ({
        field: `structured.rows[${index}].fields.ceo`,
        citations: [{ url: `${site.url}/page`, title: 'Page' }],
        confidence: 'high' as const,
      }));
      const cost = request.effort === 'low' ? 0.025 : 0.1;
      return { ...createResult({ rows }, grounding), costDollars: createCost(cost) };
    });
    const { server } = await serve({ agent });
    dir.write('in.csv', 'company\nAcme\nGlobex\nInitech\n');
    const run = [
      'run',
      'in.csv',
      '-f',
      'ceo',
      '--api-url',
      server.url,
      '--batch-size',
      '1',
      '--yes',
      '--json',
    ];
    // The ladder that the job was given leaves out levels, and stays its ladder.
    const { job } = JSON.parse((await dir.run([...run, '--effort', 'low,medium,xhigh'])).stdout);
    const listSent = async (...words: readonly string[]) => {
      const from = asked.length;
      const { stderr } = await verify(dir, job, site, '--escalate', ...words);
      return { stderr, sent: asked.slice(from).sort() };
    };
    // All rows are doubted, but only those of the sample are sent.
    await verify(dir, job, site);
    const sampled = await listSent('--sample', '1', '--yes');
    expect(sampled.stderr).toContain('1 row to send in 1 run');
    expect(sampled.sent).toHaveLength(1);
    const stopped = await listSent('--max-cost', '0.3');
    expect(stopped.sent).toHaveLength(1);
    const [cap = ''] = /(?<=--max-cost )[0-9.]+[0-9]/.exec(stopped.stderr) ?? [];
    const sent = [...sampled.sent, ...stopped.sent];
    const rest = ['Acme medium', 'Globex medium', 'Initech medium'].filter((each) => !sent.includes(each));
    const finished = await listSent('--max-cost', cap);
    expect(finished.sent).toEqual(rest);
    expect(finished.stderr).toContain('1 row to send in 1 run');
    const above = await listSent('--yes');
    expect(above.sent).toEqual(['Acme xhigh', 'Globex xhigh', 'Initech xhigh']);
  });
});

describe('run --verify', () => {
  test('checks rows as they are answered, and leaves nothing to fetch for verify', async () => {
    const site = await servePages({
      '/a': '<p>Acme sits in Oslo.</p>',
      '/b': '<p>Globex sits in Bergen.</p>',
    });
    const dir = createWorkdir();
    const answers = {
      Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/a`] },
      Globex: { fields: { hq_city: 'Rome' }, cites: [`${site.url}/b`] },
    };
    const words = ['--verify', '--fetch-private', site.host, '--host-delay', '0s'];
    const job = await fill(dir, answers, words);
    expect([...site.paths()].sort()).toEqual(['/a', '/b']);
    expect(readRows(dir).map((row) => row.hq_city_verdict?.replace('?', ''))).toEqual([
      'on_page',
      'not_on_page',
    ]);
    const before = dir.read('in.filled.csv');
    expect(await verify(dir, job, site)).toMatchObject({ status: 0 });
    expect(site.paths()).toHaveLength(2);
    expect(dir.read('in.filled.csv')).toBe(before);
  });

  test('keeps the answers if the pages cannot be checked', async () => {
    const site = await servePages({ '/a': '<p>Acme sits in Oslo.</p>' });
    const dir = createWorkdir();
    // A file where the page cache would be.
    dir.write('.rowfill/pages', 'in the way');
    const answers = { Acme: { fields: { hq_city: 'Oslo' }, cites: [`${site.url}/a`] } };
    await fill(dir, answers, ['--verify', '--fetch-private', site.host, '--host-delay', '0s']);
    expect(readRows(dir)).toMatchObject([{ hq_city: 'Oslo', enrichment_status: 'enriched' }]);
  });
});
