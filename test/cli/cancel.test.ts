import { expect, test } from 'vitest';
import { createList } from '../helpers/job.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

test('cancel ends the runs of an interrupted job at the agent', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--batch-size', '2'];
  const running = dir.spawn(args, ENV);
  await gate.reached(2);
  expect((await running.end('SIGINT')).status).toBe(130);

  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const runIds = jobs[0].runs.map(({ run }: { run: string }) => run);
  expect(runIds).toHaveLength(2);
  const result = await dir.run(['cancel', jobs[0].job, '--api-url', url], ENV);
  expect(result.status).toBe(0);
  expect(result.stdout.trim().split('\n').toSorted()).toEqual(runIds.toSorted());
  expect(result.stderr).toContain('Cancelled: 2 runs.');

  gate.open();
  const again = await dir.run([...args, '--json'], ENV);
  expect(JSON.parse(again.stdout).rows).toMatchObject({ total: 4, enriched: 4 });
  expect(agent.tasks.length).toBeGreaterThan(2);
});

test('--cancel-on-interrupt cancels the runs instead of leaving them to work', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const words = ['--api-url', url, '--yes', '--batch-size', '2', '--cancel-on-interrupt'];
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', ...words], ENV);
  await gate.reached(2);
  const { status, stderr } = await running.end('SIGINT');
  expect(status).toBe(130);
  expect(stderr).not.toContain('still working at the agent');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs[0].runs).toEqual([]);
});

test('a job that the ledger does not hold cannot be cancelled', async () => {
  const result = await createWorkdir().run(['cancel', 'j_none'], ENV);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('j_none');
});

test('a run that an agent does not know cannot be cancelled there, which is exit code 4', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'], ENV);
  await gate.reached(1);
  await running.end('SIGINT');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const other = await servePaid();
  const result = await dir.run(['cancel', jobs[0].job, '--api-url', other.url], ENV);
  expect(result.status).toBe(4);
  expect(result.stderr).toContain(`${jobs[0].runs[0].run} could not be cancelled`);
});
