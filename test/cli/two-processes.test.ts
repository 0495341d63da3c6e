import { expect, test } from 'vitest';
import { enrich } from '../../src/index.js';
import { createList, readTable } from '../helpers/job.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { NO_DESCRIPTORS, NO_SIGNALS } from '../helpers/platform.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

test('a second process on the same job names the holder, and can continue once the holder is killed', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const ask = ['-f', 'answer', '--api-url', url, '--yes'];
  const first = dir.spawn(['run', 'in.csv', ...ask], ENV);
  await gate.reached(1);

  const second = await dir.run(['run', 'in.csv', ...ask], ENV);
  expect(second.status).toBe(75);
  expect(second.stderr).toContain(`process ${first.pid} on `);
  expect(second.stderr).toContain('[LEASE_HELD]');
  const other = dir.spawn(['run', 'in.csv', ...ask, '-q', 'Something else?'], ENV);
  await gate.reached(2);
  await other.end('SIGKILL');

  await first.end('SIGKILL');
  gate.open();
  const again = await dir.run(['run', 'in.csv', ...ask, '--json'], ENV);
  expect(again.status).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ rows: { enriched: 4 }, runs: { created: 0, adopted: 1 } });
  expect(agent.tasks).toHaveLength(2);
});

test('two files with the same question send each row once, even if the process that sent it is killed', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  dir.write('more.csv', createList(6));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const ask = ['-f', 'answer', '--api-url', url, '--yes'];
  const first = dir.spawn(['run', 'in.csv', ...ask], ENV);
  await gate.reached(1);
  const second = dir.spawn(['run', 'more.csv', ...ask, '--json'], ENV);
  await gate.reached(2);
  expect(agent.tasks.map(({ request }) => request.input?.data?.length)).toEqual([4, 2]);
  await first.end('SIGKILL');
  gate.open();
  const { status, stdout } = await second.end();
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    rows: { total: 6, enriched: 6 },
    runs: { created: 1, adopted: 1 },
    cost_usd: 0.025,
  });
  expect(agent.tasks).toHaveLength(2);
});

test('rows that a killed process sent with another key fail with the reason, and are not bought twice', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  dir.write('more.csv', createList(6));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const ask = ['-f', 'answer', '--api-url', url, '--yes'];
  const first = dir.spawn(['run', 'in.csv', ...ask], ENV);
  await gate.reached(1);
  await first.end('SIGKILL');
  gate.open();
  const other = await dir.run(['run', 'more.csv', ...ask], { env: { EXA_API_KEY: 'sk-other-0123456789' } });
  expect(other.status).toBe(6);
  expect(readTable(dir.read('more.filled.csv')).map((row) => row.enrichment_status)).toEqual([
    ...Array(4).fill('failed'),
    ...['enriched', 'enriched'],
  ]);
  expect(dir.read('more.filled.csv')).toContain('sent with another API key');
  expect((await dir.run(['run', 'in.csv', ...ask], ENV)).status).toBe(0);
  expect((await dir.run(['run', 'more.csv', ...ask], ENV)).status).toBe(0);
  expect(readTable(dir.read('more.filled.csv')).every(({ answer }) => answer !== '')).toBe(true);
  expect(agent.tasks).toHaveLength(2);
});

test.each(['-o', '--citations-file'])(
  'a second job with the same %s is refused before it costs anything, and can run once the first has ended',
  async (option) => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(4));
    dir.write('other.csv', createList(6));
    const gate = createPaidGate();
    const { url, agent } = await servePaid(gate.script);
    const job = ['-f', 'answer', '--api-url', url, '--yes', '--format', 'csv'];
    const first = dir.spawn(['run', 'in.csv', ...job, option, 'one.out'], ENV);
    await gate.reached(1);
    const other = ['run', 'other.csv', ...job, '-q', 'Something else?'];
    for (const path of ['one.out', `${dir.path}/one.out`]) {
      const second = await dir.run([...other, option, path], ENV);
      expect(second.status).toBe(75);
      expect(second.stderr).toContain(`process ${first.pid} on `);
      expect(second.stderr).toContain('[OUTPUT_HELD]');
    }
    expect(agent.tasks).toHaveLength(1);
    gate.open();
    expect((await first.end()).status).toBe(0);
    expect((await dir.run([...other, option, 'one.out'], ENV)).status).toBe(0);
  },
);

test.skipIf(NO_DESCRIPTORS)('jobs with other outputs, and with one pipe, run side by side', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const job = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--format', 'csv'];
  const first = dir.spawn([...job, '-o', '/dev/null'], ENV);
  await gate.reached(1);
  const second = dir.spawn([...job, '-q', 'Two?', '-o', '/dev/null'], ENV);
  await gate.reached(2);
  const third = dir.spawn([...job, '-q', 'Three?', '-o', 'three.csv'], ENV);
  await gate.reached(3);
  gate.open();
  const ended = [await first.end(), await second.end(), await third.end()];
  expect(ended.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
    [1, 2, 3].map(() => ({ status: 0, stderr: expect.any(String) })),
  );
});

test('with --wait, a second process waits for the first, and pays for nothing again', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'];
  const first = dir.spawn(args, ENV);
  await gate.reached(1);
  const second = dir.spawn([...args, '--wait'], ENV);
  await expect.poll(() => second.result().stderr).toContain(`Waiting: process ${first.pid} on `);
  const stopped = dir.spawn([...args, '--wait'], ENV);
  await expect.poll(() => stopped.result().stderr).toContain('Waiting: ');
  expect((await stopped.end('SIGINT')).status).toBe(NO_SIGNALS ? null : 130);
  gate.open();
  expect(await first.end()).toMatchObject({ status: 0 });
  expect(await second.end()).toMatchObject({ status: 0 });
  expect(agent.tasks).toHaveLength(1);
});

test('calls of the library wait for each other, until their signal is aborted or unless told not to', async () => {
  const dir = createWorkdir();
  const input = dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const job = { input, fields: ['answer'], apiUrl: url, ledger: `${dir.home}/ledger.sqlite`, yes: true };
  const first = enrich(job);
  await gate.reached(1);
  await expect(enrich({ ...job, wait: false })).rejects.toMatchObject({ code: 'LEASE_HELD', kind: 'busy' });
  const controller = new AbortController();
  const notes: string[] = [];
  const waiting = enrich(job, {
    signal: controller.signal,
    onEvent: (event) => void (event.type === 'note' && notes.push(event.code)),
  });
  await expect.poll(() => notes).toContain('LEASE_WAIT');
  controller.abort(new Error('closing time'));
  await expect(waiting).rejects.toThrow('closing time');
  const second = enrich(job);
  gate.open();
  expect(await first).toMatchObject({ stop: 'done', rows: { enriched: 4 } });
  expect(await second).toMatchObject({ stop: 'done', reused: 4, costNowMicros: 0 });
  expect(agent.tasks).toHaveLength(1);
});
