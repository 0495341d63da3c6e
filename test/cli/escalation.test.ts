import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NO_SIGNALS } from '../helpers/platform.js';
import { createResult, ScriptedAgent } from '../helpers/scripted-agent.js';
import { serve } from '../helpers/served.js';
import { createWorkdir } from '../helpers/workdir.js';

/** A filled job of four rows, two a run, whose values cite no page. Runs at a higher effort wait for `release`. */
async function openDoubted() {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const agent = new ScriptedAgent(async ({ request }) => {
    if (request.effort !== 'low') await released;
    const records = request.input?.data ?? [];
    return createResult({
      rows: records.map(({ row_id = '', company }) => ({
        row_id,
        fields: { ceo: `${request.effort} of ${company}` },
      })),
    });
  });
  const { server } = await serve({ agent });
  const dir = createWorkdir();
  const env = (key: string) => ({ env: { EXA_API_KEY: key } });
  dir.write('in.csv', 'company\nAcme\nGlobex\nHooli\nInitech\n');
  const run = ['run', 'in.csv', '-f', 'ceo', '--api-url', server.url, '--batch-size', '2', '--yes'];
  const { stdout } = await dir.run([...run, '--effort', 'low', '--json'], env('key-one'));
  const { job } = JSON.parse(stdout) as { job: string };
  expect((await dir.run(['verify', job])).status).toBe(0);
  const words = ['verify', job, '--escalate', '--yes'];
  return {
    ...{ dir, job, release, words, env },
    /** Interrupts an escalation while its runs are active. */
    async interrupt(...more: readonly string[]) {
      const before = agent.tasks.length;
      const running = dir.spawn([...words, ...more], env('key-one'));
      await expect.poll(() => agent.tasks.length, { timeout: 30_000 }).toBe(before + 2);
      return running.end('SIGINT');
    },
  };
}

test.skipIf(NO_SIGNALS)('an interrupted escalation names its active runs and what is reserved', async () => {
  const { interrupt, dir, words, env, release } = await openDoubted();
  const { status, stderr } = await interrupt();
  expect(status).toBe(130);
  expect(stderr).toContain('Asked again at a higher effort: 2 runs, $0.00; $0.20 more is reserved');
  expect(stderr).toContain('2 runs still active at the agent. Run the same command again to collect');
  release();
  const again = await dir.run(words, env('key-one'));
  expect(again.status).toBe(0);
  expect(again.stderr).not.toContain('reserved');
  expect(dir.read('in.filled.csv')).toContain('medium of Acme');
});

test.skipIf(NO_SIGNALS)('an interrupted escalation with --json has what is reserved', async () => {
  const { interrupt } = await openDoubted();
  const { status, stdout } = await interrupt('--json');
  expect(status).toBe(130);
  expect(JSON.parse(stdout).escalation).toMatchObject({ reserved_usd: 0.2, runs: { created: 2 } });
});

test.skipIf(NO_SIGNALS)(
  'with another key, an escalation says that runs are open, and how to collect them',
  async () => {
    const { interrupt, dir, job, words, env } = await openDoubted();
    await interrupt();
    const other = await dir.run(words, env('key-two'));
    expect(other.stderr).toContain('Asked again at a higher effort: 0 runs, $0.00; $0.20 more is reserved');
    expect(other.stderr).toContain(`rowfill status ${job} lists them`);
    expect(other.stderr).toContain('with the API key that started them');
  },
);

test.each([
  ['that was edited', 'company,ceo\nAcme,Ann\n'],
  ['that rowfill did not write', 'a list of something else\n'],
  ['with one more row', null],
])('an escalation onto an output %s says what can be done without --output', async (_, text) => {
  const { dir, words, env } = await openDoubted();
  const output = join(dir.path, 'in.filled.csv');
  writeFileSync(output, text ?? `${dir.read('in.filled.csv')}Another\n`);
  const { status, stderr } = await dir.run(words, env('key-one'));
  expect(status).toBe(2);
  expect(stderr).toContain('[OUTPUT_NOT_OURS]');
  expect(stderr).toContain('what to do: Move or rename that file');
  expect(stderr).not.toContain('use --output');
});
