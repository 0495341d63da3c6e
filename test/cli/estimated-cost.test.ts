import { expect, test } from 'vitest';
import { openOddAgent } from '../helpers/odd-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

test('a cost that the agent does not report is shown as an estimate in summary, status and log, and counts for the cap', async () => {
  const dir = createWorkdir();
  const agent = await openOddAgent(() => ({ costDollars: { total: '$0.03' } }));
  dir.write('in.csv', 'company\nAcme\nBolt\nCorp\n');
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', agent.url, '--batch-size', '1'];
  const capped = [...args, '--max-cost', '0.05', '--log-file', 'log.jsonl'];
  const first = await dir.run(capped);
  expect(first.status).toBe(5);
  expect(first.stderr).toContain('$0.05 of it estimated');
  expect(first.stderr.match(/reported a cost of "\$0\.03"/g)).toHaveLength(1);
  expect(agent.created).toBe(2);

  const second = await dir.run([...capped, '--json']);
  expect(JSON.parse(second.stdout)).toMatchObject({ cost_usd: 0.05, estimated_usd: 0.05 });
  expect(agent.created).toBe(2);

  expect((await dir.run(['status'])).stdout).toContain('$0.05 spent, $0.05 of it estimated');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs).toMatchObject([{ cost_usd: 0.05, estimated_usd: 0.05 }]);
  const log = dir
    .read('log.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(log.filter(({ event }) => event === 'batch_settled')).toMatchObject([
    { cost_usd: 0.025, cost_estimated: true },
    { cost_usd: 0.025, cost_estimated: true },
  ]);
});

test('a total of 1e15 breaks neither the ledger nor the next start', async () => {
  const dir = createWorkdir();
  const agent = await openOddAgent(() => ({ costDollars: { total: 1e15 } }));
  dir.write('in.csv', 'company\nAcme\n');
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', agent.url, '--max-cost', '1'];
  expect((await dir.run(args)).status).toBe(0);
  expect((await dir.run(args)).status).toBe(0);
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs).toMatchObject([{ cost_usd: 0.025, estimated_usd: 0.025, stop: 'done' }]);
  expect((await dir.run(['cancel', jobs[0].job])).status).toBe(0);
});

test.each(['0x10', '1e15', '-1', '$5'])('refuses --max-cost %s before starting anything', async (amount) => {
  const dir = createWorkdir();
  const agent = await openOddAgent(() => ({}));
  dir.write('in.csv', 'company\nAcme\n');
  const result = await dir.run([
    'run',
    'in.csv',
    '-f',
    'answer',
    '--api-url',
    agent.url,
    `--max-cost=${amount}`,
  ]);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(amount);
  expect(agent.created).toBe(0);
});
