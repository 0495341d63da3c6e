import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FetchLimits } from '../../src/pages/fetch-page.js';
import { openPages, type Pages, type PagesOptions } from '../../src/pages/open-pages.js';
import { ManualClock } from '../helpers/clock.js';
import { type PageServer, servePages } from '../helpers/page-server.js';

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-pages-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Opens pages on a test server, without pauses. */
function open(site: PageServer, changes: Partial<PagesOptions> = {}): Pages {
  const pages = openPages({
    folder: createFolder(),
    freshSinceMs: 0,
    retrySinceMs: 0,
    allowPrivate: [site.host],
    hostDelayMs: 0,
    env: {},
    ...changes,
  });
  onTestFinished(() => pages.close());
  return pages;
}

describe('redirects', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:1/',
    'http://localhost/',
    'file:///etc/passwd',
    'data:text/html,Oslo',
    'http://user:secret@example.com/',
    'http://example.com:22/',
    'http://[::ffff:127.0.0.1]/',
    '//0x7f.1/',
    'http://',
  ])('to %s are refused', async (location) => {
    const site = await servePages({ '/a': { status: 302, headers: { location } } });
    const pages = open(site);
    expect(await pages.fetch(`${site.url}/a`)).toMatchObject({ failure: 'refused', status: 0, hash: null });
    expect(site.paths()).toEqual(['/a']);
  });

  test('are followed, and end after five', async () => {
    const site = await servePages({
      '/a': { status: 301, headers: { location: '/b#x' } },
      '/b': { status: 308, headers: { location: 'c' } },
      '/c': '<p>Oslo</p>',
      '/round': { status: 302, headers: { location: '/round' } },
    });
    const pages = open(site);
    const page = await pages.fetch(`${site.url}/a#top`);
    expect(page).toMatchObject({
      status: 200,
      failure: null,
      url: `${site.url}/a`,
      finalUrl: `${site.url}/c`,
    });
    expect(Buffer.from(page.body).toString()).toBe('<p>Oslo</p>');
    expect(await pages.fetch(`${site.url}/round`)).toMatchObject({ failure: 'redirects' });
    expect(site.paths().filter((path) => path === '/round')).toHaveLength(6);
  });

  test('to a site whose robots.txt forbids it are not followed', async () => {
    const other = await servePages({
      '/robots.txt': { headers: { 'content-type': 'text/plain' }, body: 'User-agent: *\nDisallow: /' },
      '/page': 'Oslo',
    });
    const site = await servePages({ '/a': { status: 302, headers: { location: `${other.url}/page` } } });
    const pages = open(site, { allowPrivate: [site.host, other.host] });
    expect(await pages.fetch(`${site.url}/a`)).toMatchObject({ failure: 'robots' });
    expect(other.paths()).toEqual([]);
  });
});

describe('names', () => {
  test('that move to a private address after the check are not connected to', async () => {
    const site = await servePages({ '/a': 'secret' });
    const pages = open(site, { allowPrivate: [], resolve: async () => ['127.0.0.1'] });
    expect(await pages.fetch(`http://rebind.example.com:8080/a`)).toMatchObject({ failure: 'refused' });
    expect(site.requests).toEqual([]);
  });

  test('that do not exist are told from a machine without network', async () => {
    const site = await servePages({});
    const missing = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    const online = open(site, {
      resolve: async (host) => (host === 'example.com' ? ['93.184.215.14'] : Promise.reject(missing)),
    });
    expect(await online.fetch('https://made-up.example/')).toMatchObject({ failure: 'no_host' });
    const offline = open(site, { resolve: () => Promise.reject(missing) });
    expect(await offline.fetch('https://made-up.example/')).toMatchObject({ failure: 'network' });
  });
});

describe('bounds', () => {
  const limits: Partial<FetchLimits> = { pageBytes: 100_000, pdfBytes: 200_000 };

  test('a page is read up to its limit of decoded bytes, however small it was packed', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 'a'));
    expect(bomb.length).toBeLessThan(100_000);
    const site = await servePages({
      '/bomb': { headers: { 'content-encoding': 'gzip' }, body: bomb },
      '/twice': { headers: { 'content-encoding': 'gzip, gzip' }, body: gzipSync(bomb) },
      '/pdf': {
        headers: { 'content-type': 'application/pdf' },
        body: Buffer.concat([Buffer.from('%PDF-1.7'), Buffer.alloc(150_000)]),
      },
      '/broken': { headers: { 'content-encoding': 'gzip' }, body: 'not packed' },
      '/endless': (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        const write = (): void => void (response.destroyed || response.write('a'.repeat(60_000), write));
        write();
      },
    });
    const pages = open(site, { limits });
    for (const path of ['/bomb', '/endless']) {
      const page = await pages.fetch(site.url + path);
      expect(page).toMatchObject({ failure: null, isCut: true });
      expect(page.body).toHaveLength(100_000);
    }
    expect(await pages.fetch(`${site.url}/twice`)).toMatchObject({ isSkipped: true, hash: null });
    expect(await pages.fetch(`${site.url}/pdf`)).toMatchObject({ isCut: false, failure: null });
    expect(await pages.fetch(`${site.url}/broken`)).toMatchObject({ failure: 'network' });
  });

  test('headers are limited, and a body without text is not read', async () => {
    const site = await servePages({
      '/headers': { headers: { 'x-large': 'a'.repeat(40_000) }, body: 'Oslo' },
      '/film': { headers: { 'content-type': 'video/mp4' }, body: Buffer.alloc(1_000_000) },
    });
    const pages = open(site);
    expect(await pages.fetch(`${site.url}/headers`)).toMatchObject({
      failure: 'network',
      reason: expect.stringContaining('too large'),
    });
    expect(await pages.fetch(`${site.url}/film`)).toMatchObject({ isSkipped: true, status: 200, hash: null });
  });

  test('a server that never ends its answer is left after a while', async () => {
    const site = await servePages({
      '/robots.txt': { status: 404 },
      '/silent': () => {},
      '/slow': (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.write('<p>');
      },
    });
    const pages = open(site, { limits: { headersMs: 100, bodyIdleMs: 100, totalMs: 150 } });
    expect(await pages.fetch(`${site.url}/silent`)).toMatchObject({ failure: 'network' });
    expect(await pages.fetch(`${site.url}/slow`)).toMatchObject({ failure: 'network' });
  });
});

describe('politeness', () => {
  test('one request at a time to a site, with its pause or the one of robots.txt in between', async () => {
    const site = await servePages({
      '/robots.txt': {
        headers: { 'content-type': 'text/plain' },
        body: 'User-agent: rowfill\nCrawl-delay: 7',
      },
      '/1': 'a',
      '/2': 'b',
      '/3': 'c',
    });
    const clock = new ManualClock();
    const pages = open(site, { clock, hostDelayMs: 1_000 });
    const all = Promise.all(['/1', '/2', '/3'].map((path) => pages.fetch(site.url + path)));
    for (const pauseMs of [1_000, 7_000, 7_000]) await clock.wakeNext(pauseMs);
    expect(await all).toHaveLength(3);
    expect(site.mostAtOnce).toBe(1);
    expect(clock.slept).toEqual([1_000, 7_000, 7_000]);
  });

  test('a site that is busy is asked once more, after the pause that it names', async () => {
    let answers = 0;
    const site = await servePages({
      '/a': (_request, response) => {
        answers += 1;
        response.writeHead(answers === 1 ? 429 : 200, { 'content-type': 'text/html', 'retry-after': '20' });
        response.end('Oslo');
      },
      '/b': { status: 503, headers: { 'retry-after': '3600' } },
    });
    const clock = new ManualClock();
    const pages = open(site, { clock });
    const page = pages.fetch(`${site.url}/a`);
    await clock.wakeNext(20_000);
    expect(await page).toMatchObject({ status: 200 });
    // It asks for more patience than a command has.
    expect(await pages.fetch(`${site.url}/b`)).toMatchObject({ status: 503 });
    expect(site.paths()).toEqual(['/a', '/a', '/b']);
  });

  test('a host that keeps failing is given up, others go on', async () => {
    const site = await servePages({ '/robots.txt': { status: 404 } });
    const broken = await servePages({
      ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`/${index}`, { status: 500 }])),
    });
    const pages = open(site, { allowPrivate: [site.host, broken.host] });
    const failures: (string | number | null)[] = [];
    for (let index = 0; index < 9; index += 1) {
      const { failure, status } = await pages.fetch(`${broken.url}/${index}`);
      failures.push(failure ?? status);
    }
    expect(failures).toEqual([500, 500, 500, 500, 500, 'given_up', 'given_up', 'given_up', 'given_up']);
    expect(await pages.fetch(`${site.url}/x`)).toMatchObject({ status: 404 });
  });
});

describe('the cache', () => {
  test('an address is fetched once, by any number of callers, and by the next command', async () => {
    const site = await servePages({ '/a': '<p>Oslo</p>', '/gone': { status: 404 } });
    const folder = createFolder();
    const pages = open(site, { folder });
    const urls = [`${site.url}/a`, `${site.url}/a#one`, `${site.url}/a#two`, `${site.url}/gone`];
    const found = await Promise.all(urls.map((url) => pages.fetch(url)));
    expect(found.map(({ status }) => status)).toEqual([200, 200, 200, 404]);
    const next = await open(site, { folder }).fetch(`${site.url}/a`);
    expect(next).toEqual({ ...found[0], body: expect.anything() });
    expect(Buffer.from(next.body).toString()).toBe('<p>Oslo</p>');
    expect([...site.paths()].sort()).toEqual(['/a', '/gone']);
  });

  test('a page that is too old is asked for with its validators, and kept if it has not changed', async () => {
    const site = await servePages({
      '/a': (request, response) => {
        const isKnown = request.headers['if-none-match'] === '"v1"';
        response.writeHead(isKnown ? 304 : 200, { etag: '"v1"', 'content-type': 'text/html' });
        response.end(isKnown ? undefined : 'Oslo');
      },
    });
    const folder = createFolder();
    const first = await open(site, { folder }).fetch(`${site.url}/a`);
    const second = await open(site, { folder, freshSinceMs: first.fetchedAtMs + 1 }).fetch(`${site.url}/a`);
    expect(Buffer.from(second.body).toString()).toBe('Oslo');
    expect(second.fetchedAtMs).toBeGreaterThanOrEqual(first.fetchedAtMs);
    expect(site.paths()).toHaveLength(2);
  });

  test('a damaged or foreign file counts as missing', async () => {
    const site = await servePages({ '/a': 'Oslo' });
    const folder = createFolder();
    await open(site, { folder }).fetch(`${site.url}/a`);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) truncateSync(join(entry.parentPath, entry.name), 40);
    expect(await open(site, { folder }).fetch(`${site.url}/a`)).toMatchObject({ status: 200 });
    expect(site.paths()).toHaveLength(2);
  });
});

describe('behind a proxy', () => {
  test('names are checked on this machine, and names that only the proxy knows must be public', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(request.url?.endsWith('robots.txt') === true ? 404 : 200, {
        'content-type': 'text/html',
      });
      response.end('Oslo');
    });
    // undici asks for a tunnel, also for http.
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      proxy.emit('connection', socket);
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const { port } = proxy.address() as AddressInfo;
    const missing = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    const site = await servePages({});
    const pages = open(site, {
      allowPrivate: [],
      env: { HTTP_PROXY: `http://127.0.0.1:${port}` },
      resolve: async (host) => (host === 'inside.acme.com' ? ['10.0.0.1'] : Promise.reject(missing)),
    });
    expect(await pages.fetch('http://inside.acme.com/')).toMatchObject({ failure: 'refused' });
    expect(await pages.fetch('http://wiki.acme-inside/')).toMatchObject({ failure: 'refused' });
    expect(await pages.fetch('http://10.0.0.1/')).toMatchObject({ failure: 'refused' });
    expect(asked).toEqual([]);
    expect(await pages.fetch('http://www.acme.com/')).toMatchObject({ status: 200, failure: null });
    expect(asked.length).toBeGreaterThan(0);
  });
});

test('connections to many sites are not all kept', async () => {
  const sockets = new Set<Socket>();
  const site = await servePages({
    '/a': (request, response) => {
      sockets.add(request.socket);
      response.end('<p>Oslo</p>');
    },
  });
  const hosts = Array.from({ length: 40 }, (_, at) => `site${at}.example:${site.port}`);
  const pages = open(site, { allowPrivate: hosts, resolve: async () => ['127.0.0.1'] });
  const fetched = await Promise.all(hosts.map((host) => pages.fetch(`http://${host}/a`)));
  expect(fetched.map(({ status }) => status)).toEqual(hosts.map(() => 200));
  await expect.poll(() => [...sockets].filter(({ destroyed }) => !destroyed).length).toBe(32);
});

test('a page is requested only when there is room for it', async () => {
  const site = await servePages({ '/a': '<p>Oslo</p>' });
  let makeRoom = (): void => {};
  const room = new Promise<void>((resolve) => {
    makeRoom = resolve;
  });
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const pages = open(site, {
    waitForRoom: () => {
      asked();
      return room;
    },
  });
  const page = pages.fetch(`${site.url}/a`);
  await isAsked;
  expect(site.requests).toEqual([]);
  makeRoom();
  expect(await page).toMatchObject({ status: 200 });
});
