import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogRecord, openLogFile } from '../../src/cli/log-file.js';
import { createUsageError } from '../../src/errors.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { createTestHost } from '../helpers/host.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowfill-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const EVENTS: readonly EnrichEvent[] = [
  { type: 'job', jobId: 'j_1', askId: 'a_1', invocation: 1 },
  { type: 'note', code: 'encoding', message: 'read as windows-1252' },
  { type: 'batch_sent', batchId: 'b_1', runId: 'r_1', rows: 8, effort: 'low', attempt: 1, adopted: false },
  {
    type: 'batch_settled',
    batchId: 'b_1',
    runId: 'r_1',
    rows: 8,
    answered: 7,
    costMicros: 25_000,
    isCostEstimated: false,
  },
  { type: 'batch_failed', batchId: 'b_2', runId: null, rows: 1, reason: 'HTTP 500' },
  { type: 'row', ordinal: 0, line: 2, status: 'enriched', costMicros: 3_125, runId: 'r_1' },
  { type: 'retry', what: 'create', attempt: 2, delayMs: 400, reason: 'HTTP 503 for key sk-very-secret' },
];

test('writes each event as one JSON object per line, with its time', () => {
  const host = createTestHost();
  const log = openLogFile(join(folder, 'a.log'), host);
  log.write(EVENTS[0] ?? fail());
  host.pass(1500);
  log.write(EVENTS[3] ?? fail());
  log.close();
  expect(readRecords('a.log')).toEqual([
    { time: '2026-01-01T00:00:00.000Z', event: 'job', job: 'j_1', ask: 'a_1', invocation: 1 },
    {
      time: '2026-01-01T00:00:01.500Z',
      event: 'batch_settled',
      job: 'j_1',
      batch: 'b_1',
      run: 'r_1',
      rows: 8,
      answered: 7,
      cost_usd: 0.025,
    },
  ]);
});

test('buffers rows until there are many or another event comes, and loses none', () => {
  const log = openLogFile(join(folder, 'a.log'), createTestHost());
  const row = EVENTS.find((event) => event.type === 'row') ?? fail();
  log.write(row);
  expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('');
  for (let count = 1; count < 2_000; count += 1) log.write(row);
  expect(readFileSync(join(folder, 'a.log'), 'utf8')).not.toBe('');
  log.write({ ...row, values: { city: 'Oslo' } });
  log.fail(createUsageError('COST_DECLINED', 'not started', 'try again'));
  const records = readRecords('a.log');
  expect(records).toHaveLength(2_002);
  expect(records[0]).toEqual({
    time: '2026-01-01T00:00:00.000Z',
    event: 'row',
    job: null,
    ordinal: 0,
    line: 2,
    status: 'enriched',
    cost_usd: 0.003125,
    run: 'r_1',
  });
  expect(records[2_000]).toMatchObject({ values: { city: 'Oslo' } });
  expect(records[2_001]).toMatchObject({ event: 'error', code: 'COST_DECLINED', message: 'not started' });
  log.close();
});

test('docs/log.md documents every event and every key', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/log.md'), 'utf8');
  const sections = new Map(page.split(/^(?=`\w+` — )/m).map((text) => [/^`(\w+)`/.exec(text)?.[1], text]));
  for (const event of EVENTS) {
    const told = sections.get(event.type) ?? fail();
    for (const key of Object.keys(createLogRecord(event) ?? fail())) expect(told).toContain(`\`${key}\``);
  }
  expect([...sections.keys()].slice(1)).toEqual([
    'job',
    'note',
    'batch_sent',
    'batch_settled',
    'batch_failed',
    'retry',
    'row',
    'written',
    'end',
    'error',
  ]);
});

test('appends to an existing log, which only its owner can read', () => {
  for (const event of EVENTS) {
    const log = openLogFile(join(folder, 'a.log'), createTestHost());
    log.write(event);
    log.close();
  }
  expect(readRecords('a.log').map((record) => record.event)).toEqual(EVENTS.map((event) => event.type));
  if (process.platform !== 'win32') expect(statSync(join(folder, 'a.log')).mode & 0o777).toBe(0o600);
});

test('masks the key in any text', () => {
  const log = openLogFile(join(folder, 'a.log'), createTestHost({ env: { EXA_API_KEY: 'sk-very-secret' } }));
  for (const event of EVENTS) log.write(event);
  log.close();
  const text = readFileSync(join(folder, 'a.log'), 'utf8');
  expect(text).not.toContain('sk-very-secret');
  expect(text).toContain('HTTP 503 for key ***');
});

test('refuses an unwritable log before the job starts', () => {
  expect(() => openLogFile(join(folder, 'none', 'a.log'), createTestHost())).toThrow(/--log-file: .*a\.log/);
});

function readRecords(name: string): { event: string }[] {
  const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

function fail(): never {
  throw new Error('no such event');
}
