import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { enrich } from '../../src/enrich.js';
import { createList, readTable } from '../helpers/job.js';
import { openRawAgent } from '../helpers/raw-agent.js';
import type { RawHandler } from '../helpers/raw-server.js';

const page =
  (status: number, text: string, type = 'text/html', headers = {}): RawHandler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type, ...headers }).end(text);
  };

const AWAY: readonly RawHandler[] = [
  page(200, '<!doctype html><title>Log in to the Wi-Fi</title>'),
  page(302, '', 'text/html', { location: 'http://wifi.example/login' }),
  page(511, '<html>Network Authentication Required</html>'),
  page(407, 'Proxy Authentication Required', 'text/plain'),
  page(403, '<html>Blocked by policy</html>'),
  page(200, ''),
  page(200, '{"portal":"log in"}', 'application/json'),
];

test.each([
  ['before the first run', 1, 'POST'],
  ['after the third run', 4, 'POST'],
  ['while results are fetched', 3, 'GET'],
])('an unusual outage %s loses no row and no run', async (_when, nth, method) => {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-outage-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  writeFileSync(join(folder, 'in.csv'), createList(40));
  let seen = 0;
  let answered = 0;
  const agent = await openRawAgent({
    intercept: (...args) => {
      const [{ method: asked, url }] = args;
      if (asked === method && !url.startsWith('/agent/runs?')) seen += 1;
      if (seen < nth || answered >= 2 * AWAY.length) return false;
      answered += 1;
      void AWAY[answered % AWAY.length]?.(...args);
      return true;
    },
  });
  const summary = await enrich({
    input: join(folder, 'in.csv'),
    output: join(folder, 'out.csv'),
    fields: ['answer'],
    apiUrl: agent.url,
    apiKey: 'test',
    ledger: join(folder, 'ledger.sqlite'),
    listLagMs: 0,
    concurrency: 5,
    yes: true,
  });
  expect(answered).toBe(2 * AWAY.length);
  expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 40, failed: 0 }, costMicros: 125_000 });
  for (const row of readTable(readFileSync(join(folder, 'out.csv'), 'utf8'))) {
    expect(row.answer).toBe(`of ${row.company}`);
  }
  expect(agent.runs).toHaveLength(5);
});
