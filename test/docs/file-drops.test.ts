import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWatchRecord } from '../../src/cli/log-file.js';
import type { WatchEvent, WatchSummary } from '../../src/watch.js';
import { NO_SIGNALS } from '../helpers/platform.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/file-drops.md'), 'utf8');

/** Commands from the systemd units and the crontab, split into words. */
const COMMANDS = [...PAGE.matchAll(/^(?:ExecStart=|[\d*/,\- ]+ )(rowfill watch .*)$/gm)].map(
  ([, line = '']) =>
    line
      .replace(/ >> \S+$/, '')
      .split(/ (?=(?:[^"]*"[^"]*")*[^"]*$)/)
      .map((word) => word.replaceAll('"', ''))
      .slice(1),
);

function openPlace(): Workdir {
  const workdir = createWorkdir();
  cpSync(join(ROOT, 'samples'), join(workdir.path, 'srv'), { recursive: true });
  mkdirSync(join(workdir.path, 'srv/drop'));
  return workdir;
}

test('the page has four commands: two for --once, one with --schedule, one with --health', () => {
  const has = (name: string): number => COMMANDS.filter((words) => words.includes(name)).length;
  expect([COMMANDS.length, has('--once'), has('--schedule'), has('--health')]).toEqual([4, 2, 1, 1]);
});

test.each(COMMANDS.map((words) => [words.join(' '), words] as const))('rowfill %s', async (_line, words) => {
  const workdir = openPlace();
  const args = words.map((word) => word.replace('/srv/', 'srv/').replace('8099', '0'));
  const watcher = await workdir.start(args);
  expect(JSON.parse(watcher.line)).toMatchObject({ event: 'watching' });
  const { status, stderr } = await watcher.end(args.includes('--once') ? undefined : 'SIGTERM');
  const stopped = NO_SIGNALS ? null : 130;
  expect(status, stderr).toBe(args.includes('--once') ? 0 : stopped);
});

test('the page lists every log event with its keys', () => {
  const problem = { code: 'A_CODE', message: 'a message', hint: 'a hint' };
  const summary: WatchSummary = {
    ...{ stop: 'done', problem: null, done: 1, rowsFailed: 0, costMicros: 0, left: ['list.csv'] },
    failed: { usage: 0, budget: 0, unreachable: 0, defect: 0, nothing_found: 0 },
  };
  const file = 'list.csv';
  const events: readonly WatchEvent[] = [
    { type: 'watching', folder: '/drop', nextAtMs: 1 },
    { type: 'ignored', file, reason: 'a reason' },
    { type: 'job_changed', files: [file] },
    { type: 'taken', file, from: file, resumed: false },
    { type: 'waiting', file, problem, delayMs: 1 },
    { type: 'failed', file, input: `failed/${file}`, kind: 'usage', problem, summary: null },
    { type: 'left', file, stop: 'interrupted', problem },
    { type: 'stopped', summary },
  ];
  for (const event of events) {
    const row = PAGE.split('\n').find((line) => line.startsWith(`| \`${event.type}\``)) ?? '';
    const { event: _name, file: _file, ...keys } = createWatchRecord(event) ?? {};
    for (const key of Object.keys(keys)) expect(row, event.type).toContain(`\`${key}\``);
  }
  expect(PAGE).toContain('| `done` | the file was moved to `done` | `input`, `output`,');
});
