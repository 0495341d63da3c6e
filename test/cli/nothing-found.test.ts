import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createList, readTable } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { hasTerminal, openTerminal } from '../helpers/terminal.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { EXA_API_KEY: 'sk-test-0123456789' };

/** A paid agent that answers null to every row, and a folder with a list of 80 companies. */
async function openNothingFound() {
  const dir = createWorkdir();
  dir.write('in.csv', createList(80));
  const nothing = script(
    (rows) => ({ rows: rows.map((row) => ({ ...row, fields: { answer: null } })) }),
    () => 0.025,
  );
  const { url, agent } = await servePaid(nothing);
  const job = ['-f', 'answer', '--api-url', url, '--concurrency', '1'];
  return { dir, agent, job, args: ['run', 'in.csv', ...job] };
}

test('without a terminal, ends with 7 and says how to continue', async () => {
  const { dir, agent, args } = await openNothingFound();
  for (const wait of [0, 1]) {
    const result = await dir.run([...args, '--yes', '--json'], { env: ENV });
    expect([wait, result.status]).toEqual([wait, 7]);
    expect(result.stderr).toContain('nothing was found in the first 24 rows answered at effort low');
    expect(result.stderr).toContain('[NOTHING_FOUND]');
    expect(result.stderr).toContain('--keep-going');
    expect(JSON.parse(result.stdout)).toMatchObject({
      cost_usd: 0.075,
      rows: { not_found: 24, pending: 56 },
    });
  }
  expect(agent.tasks).toHaveLength(3);
  expect(countStatuses(readTable(dir.read('in.filled.csv')))).toEqual({ not_found: 24, pending: 56 });
  expect((await dir.run(['status'])).stdout).toContain('nothing was found');
  const rest = await dir.run([...args, '--yes', '--keep-going'], { env: ENV });
  expect(rest.status).toBe(0);
  expect(agent.tasks).toHaveLength(10);
});

test('a recipe can set keep_going', async () => {
  const { dir, agent, args } = await openNothingFound();
  dir.write('job.yaml', 'keep_going: true\nbudget: 5\n');
  const result = await dir.run([...args, '-r', 'job.yaml'], { env: ENV });
  expect([result.status, agent.tasks.length]).toEqual([0, 10]);
});

test.skipIf(!hasTerminal).each([
  ['n\r', 7, 3],
  ['\u0004', 7, 3],
  ['y\r', 0, 10],
])('on a terminal, asks; the answer %j ends with %i', async (keys, code, runs) => {
  const { dir, agent, args } = await openNothingFound();
  const terminal = openTerminal(dir, [...args, '--yes'], ENV);
  await terminal.sees('Continue? [y/N]');
  terminal.type(keys);
  const { status, text } = await terminal.end();
  expect(status).toBe(code);
  expect(text).toContain('Nothing was found in the first 24 rows answered at effort low.');
  expect(text).toMatch(/Example row sent: \{"company":"Company \d+"\}/);
  expect(text).toContain('Its answer: {"answer":null}');
  expect(agent.tasks).toHaveLength(runs);
  expect(dir.has('in.filled.csv')).toBe(true);
});

test.skipIf(!hasTerminal)(
  'at the next start, asks only this question, and starts nothing after a no',
  async () => {
    const { dir, agent, args } = await openNothingFound();
    await dir.run([...args, '--yes'], { env: ENV });
    const terminal = openTerminal(dir, args, ENV);
    await terminal.sees('Continue? [y/N]');
    terminal.type('n\r');
    const { status, text } = await terminal.end();
    expect(status).toBe(7);
    expect(text.split('Continue?')).toHaveLength(2);
    expect(text).not.toContain('at worst');
    expect(agent.tasks).toHaveLength(3);
  },
);

test.skipIf(!hasTerminal)(
  'Ctrl-C at this question interrupts the job, which asks again next time',
  async () => {
    const { dir, agent, args } = await openNothingFound();
    const terminal = openTerminal(dir, [...args, '--yes'], ENV);
    await terminal.sees('Continue? [y/N]');
    terminal.type('\u0003');
    expect((await terminal.end()).status).toBe(130);
    expect(dir.has('in.filled.csv')).toBe(true);
    expect((await dir.run([...args, '--yes'], { env: ENV })).status).toBe(7);
    expect(agent.tasks).toHaveLength(3);
  },
);

test('watch moves such a file to failed, with the reason and the partial output', async () => {
  const { dir, job } = await openNothingFound();
  mkdirSync(join(dir.path, 'drop'));
  dir.write('drop/list.csv', createList(80));
  const words = ['watch', 'drop', ...job, '--yes', '--once', '--settle', '0.1s', '--poll', '0.05s'];
  const result = await dir.run(words, { env: ENV });
  expect(result.status).toBe(7);
  expect(readdirSync(join(dir.path, 'drop/failed')).sort()).toEqual([
    ...['list.csv', 'list.csv.error.txt', 'list.filled.csv'],
  ]);
  const reason = dir.read('drop/failed/list.csv.error.txt');
  expect(reason).toContain('[NOTHING_FOUND]');
  expect(reason).toContain('--keep-going');
  dir.write('drop/again.csv', createList(80));
  const going = await dir.run([...words, '--keep-going'], { env: ENV });
  expect([going.status, readdirSync(join(dir.path, 'drop/done')).sort()]).toEqual([
    0,
    ['again.csv', 'again.filled.csv'],
  ]);
});
