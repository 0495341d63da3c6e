import { expect, test } from 'vitest';
import { createList } from '../helpers/job.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

test('a second process on the same ask names the holder, and can continue once the holder is killed', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  dir.write('more.csv', createList(6));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const ask = ['-f', 'answer', '--api-url', url, '--yes'];
  const first = dir.spawn(['run', 'in.csv', ...ask], ENV);
  await gate.reached(1);

  // Another file with the same ask, whose rows might be the same.
  for (const file of ['in.csv', 'more.csv']) {
    const second = await dir.run(['run', file, ...ask], ENV);
    expect(second.status).toBe(75);
    expect(second.stderr).toContain(`process ${first.pid} on `);
    expect(second.stderr).toContain('[LEASE_HELD]');
  }
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
