import { expect, test } from 'vitest';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList, readTable } from '../helpers/job.js';
import { answerPaid, servePaid } from '../helpers/paid-server.js';
import { countStatuses } from '../helpers/truthful-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

async function openJob(rows: number, fault: object) {
  const dir = createWorkdir();
  dir.write('in.csv', createList(rows));
  const server = await servePaid(answerPaid, { rehearsal: resolveRehearsal({ faults: [fault] }) });
  const words = ['--api-url', server.url, '--yes', '--concurrency', '1'];
  const run = () => dir.run(['run', 'in.csv', '-f', 'answer', ...words], ENV);
  const readStatuses = () => countStatuses(readTable(dir.read('in.filled.csv')));
  return { run, server, readStatuses };
}

test.each([
  ['key_refused', 'INVALID_API_KEY'],
  ['no_credits', 'NO_MORE_CREDITS'],
  ['forbidden', 'FEATURE_DISABLED'],
])(
  '%s in the middle stops the job with 3 and writes partial results; the same command sends the rest later',
  async (fault, code) => {
    const { run, server, readStatuses } = await openJob(40, { fault, on: ['create'], nth: [2] });
    const refused = await run();
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain(`[${code}]`);
    expect(refused.stderr).toContain('what to do: ');
    expect(readStatuses()).toEqual({ enriched: 8, pending: 32 });
    expect(server.report().requests.create).toBe(2);
    expect((await run()).status).toBe(0);
    expect(readStatuses()).toEqual({ enriched: 40 });
    expect(server.report().runs.created).toBe(5);
  },
);

test('gives up with 4 on an agent that keeps failing, before trying every row, and writes the output', async () => {
  const { run, server, readStatuses } = await openJob(400, { fault: 'failed_run' });
  const failing = await run();
  expect(failing.status).toBe(4);
  expect(failing.stderr).toContain('[AGENT_KEEPS_FAILING]');
  expect(server.report().runs.created).toBeLessThan(20);
  expect(readStatuses().pending).toBeGreaterThan(200);
});
