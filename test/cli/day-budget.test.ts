import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openOddAgent } from '../helpers/odd-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

test('the daily budget applies to all commands of a ledger, which name it and say how to continue', async () => {
  const dir = createWorkdir();
  const agent = await openOddAgent(() => ({}));
  const fill = (name: string, dollars: string, ...more: string[]) => {
    dir.write(`${name}.csv`, `company\n${name} A\n${name} B\n`);
    const args = ['run', `${name}.csv`, '-f', 'answer', '--api-url', agent.url, '--batch-size', '1'];
    return dir.run([...args, '--yes', ...more], { env: { ROWFILL_MAX_COST_PER_DAY: dollars } });
  };
  expect((await fill('one', '0.08')).status).toBe(0);
  expect(agent.created).toBe(2);
  const second = await fill('two', '0.08');
  expect(second.status).toBe(5);
  expect(agent.created).toBe(3);
  expect(second.stderr).toContain("Today's budget of $0.08 for all jobs of this ledger");
  expect(second.stderr).toContain('after midnight, or now with a higher ROWFILL_MAX_COST_PER_DAY');
  const record = JSON.parse((await fill('two', '0.08', '--json')).stdout);
  expect(record.budget).toEqual({ scope: 'ledger_day', cap_usd: 0.08, used_usd: 0.075 });
  expect(agent.created).toBe(3);
  // A blank value is more often a mistake than a wish for no limit.
  expect((await fill('two', ' ')).status).toBe(2);
  expect(agent.created).toBe(3);
});

test.each(['$5', '1e3', '-1', 'none', '2000000'])(
  'ROWFILL_MAX_COST_PER_DAY=%s is refused before anything is sent',
  async (dollars) => {
    const dir = createWorkdir();
    dir.write('in.csv', 'company\nAcme\n');
    mkdirSync(join(dir.path, 'drop'));
    const job = ['-f', 'answer', '--api-url', 'http://127.0.0.1:9', '--yes'];
    for (const words of [
      ['run', 'in.csv', ...job],
      ['watch', 'drop', ...job, '--once'],
    ]) {
      const result = await dir.run(words, { env: { ROWFILL_MAX_COST_PER_DAY: dollars } });
      expect(result.status).toBe(2);
      expect(result.stderr).toContain(`ROWFILL_MAX_COST_PER_DAY is “${dollars}”`);
    }
    expect(dir.has('.rowfill')).toBe(false);
  },
);
