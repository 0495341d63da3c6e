import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createList } from '../helpers/job.js';
import { answerPaid, createPaidGate, servePaid } from '../helpers/paid-server.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'key-for-tests' } };

/** A job of four rows that has ended, with its words. */
async function openJob(script = answerPaid) {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const { url, agent } = await servePaid(script);
  const words = ['-f', 'answer', '--api-url', url, '--yes'];
  const run = (file: string) => dir.run(['run', file, ...words, '--json'], ENV);
  const readJobs = async () => JSON.parse((await dir.run(['status', '--json'])).stdout).jobs;
  return { dir, agent, words, run, readJobs, ledger: join(dir.home, 'ledger.sqlite') };
}

test('forget deletes a job, its answers and raw runs, and keeps what was spent', async () => {
  const { dir, agent, run, readJobs, ledger } = await openJob();
  await run('in.csv');
  const [{ job, cost_usd: spent }] = await readJobs();
  const output = dir.read('in.filled.csv');
  const { status, stderr } = await dir.run(['forget', job, '--yes']);
  expect(status).toBe(0);
  expect(stderr).toBe(
    `Deleted: job ${job}, 4 answers, paid for with $${spent}, and 1 raw run. Looking them up again costs again.\n`,
  );
  expect(await readJobs()).toEqual([]);
  expect(dir.read('in.filled.csv')).toBe(output);
  const opened = await openLedger(ledger);
  expect(await opened.check()).toEqual([]);
  expect((await opened.getSpendSince(null, 0)).spentMicros).toBe(spent * 1e6);
  await opened.close();
  const again = JSON.parse((await run('in.csv')).stdout);
  expect(again).toMatchObject({ reused: 0, rows: { enriched: 4 }, cost_usd: 2 * spent });
  expect(agent.tasks).toHaveLength(2);
});

test('answers that another job uses stay, without the raw runs of the job that is forgotten', async () => {
  const { dir, agent, run, readJobs, ledger } = await openJob();
  await run('in.csv');
  const [{ job, cost_usd: spent }] = await readJobs();
  dir.write('more.csv', createList(6));
  await run('more.csv');
  const { stderr } = await dir.run(['forget', job, '--yes']);
  expect(stderr).toContain(
    `Its 4 answers stay, because ${(await readJobs())[0].job} asks the same question.`,
  );
  const opened = await openLedger(ledger);
  expect(await opened.check()).toEqual([]);
  expect((await opened.getSpendSince(null, 0)).spentMicros).toBe(2 * spent * 1e6);
  await opened.close();
  expect(JSON.parse((await run('more.csv')).stdout)).toMatchObject({
    rows: { enriched: 6 },
    cost_usd: spent,
  });
  expect(agent.tasks).toHaveLength(2);
  const last = await dir.run(['forget', (await readJobs())[0].job, '--yes']);
  expect(last.stderr).toMatch(
    /6 answers, paid for with \S+ and by jobs that were deleted before, and 1 raw run/,
  );
});

test('without --yes and a terminal nothing is deleted, and the message says what would be', async () => {
  const { dir, run, readJobs } = await openJob();
  await run('in.csv');
  const [{ job }] = await readJobs();
  const { status, stderr } = await dir.run(['forget', job]);
  expect(status).toBe(2);
  expect(stderr).toContain('4 answers');
  expect(stderr).toContain('[NOT_CONFIRMED]');
  expect(await readJobs()).toHaveLength(1);
  expect((await dir.run(['forget', 'j_nothing'])).stderr).toContain('[JOB_UNKNOWN]');
});

test('a job that a process works on, or with a run that may still be billed, is not forgotten', async () => {
  const gate = createPaidGate();
  const { dir, words, readJobs } = await openJob(gate.script);
  const running = dir.spawn(['run', 'in.csv', ...words], ENV);
  await gate.reached(1);
  const [{ job }] = await readJobs();
  expect(await dir.run(['forget', job, '--yes'])).toMatchObject({ status: 75 });
  await running.end('SIGKILL');
  const { status, stderr } = await dir.run(['forget', job, '--yes']);
  expect(status).toBe(2);
  expect(stderr).toContain('[JOB_HAS_RUNS]');
  expect(await readJobs()).toHaveLength(1);
  gate.open();
});

test('another job does not inherit the failures of a job that is forgotten', async () => {
  // The agent never answers the first company.
  const { dir, agent, run, readJobs, ledger } = await openJob((task, signal) => {
    const data = task.request.input?.data?.filter(({ company }) => company !== 'Company 1') ?? [];
    return answerPaid(
      { ...task, request: { ...task.request, input: { ...task.request.input, data } } },
      signal,
    );
  });
  for (let time = 0; time < 2; time += 1) await run('in.csv');
  const [{ job }] = await readJobs();
  dir.write('more.csv', createList(3).replace('Company 1\n', 'Company 9\n'));
  await run('more.csv');
  await dir.run(['forget', job, '--yes']);
  const asked = agent.tasks.length;
  dir.write('more.csv', createList(3));
  await run('more.csv');
  expect(agent.tasks.length).toBeGreaterThan(asked);
  const opened = await openLedger(ledger);
  expect(await opened.check()).toEqual([]);
  await opened.close();
});
