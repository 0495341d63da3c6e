import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { servePaid } from './helpers/paid-server.js';
import { createSchemaUrl, findPostgres } from './helpers/postgres.js';
import type { ScriptedAgent } from './helpers/scripted-agent.js';
import { chooseCount, SLOW } from './helpers/slow-tier.js';
import { createTempFolder } from './helpers/temp-folder.js';

const HOUR_MS = 3_600_000;
/** ROWFILL_TEST_ROUNDS=1000 takes some minutes, so it is run by hand. */
const ROUNDS = Number(process.env.ROWFILL_TEST_ROUNDS ?? chooseCount(10, 2));
const CHILD = join(import.meta.dirname, 'helpers/start-child.mjs');
const CLOCK = pathToFileURL(join(import.meta.dirname, 'helpers/moved-clock.mjs')).href;

interface Ended {
  readonly runs: number;
  readonly enriched: number;
  readonly code: string | null;
}

/** Two processes whose clocks are an hour apart, with the ledger of a team and a paid agent. */
async function openPair() {
  const folder = await createTempFolder();
  const ledger = createSchemaUrl(await findPostgres());
  const { url, agent } = await servePaid();
  const children = await Promise.all(
    [0, HOUR_MS].map(async (aheadMs, index) => {
      const home = join(folder, `home-${index}`);
      mkdirSync(home);
      writeFileSync(join(home, 'clock'), String(aheadMs));
      const child = fork(CHILD, {
        execArgv: ['--import', CLOCK],
        env: { PATH: process.env.PATH, ROWFILL_HOME: home, TEST_CLOCK_FILE: join(home, 'clock') },
      });
      onTestFinished(() => void child.kill());
      await once(child, 'message');
      return child;
    }),
  );
  return {
    agent,
    write(name: string, companies: readonly string[]): string {
      const path = join(folder, name);
      writeFileSync(path, ['company', ...companies, ''].join('\n'));
      return path;
    },
    /** Starts a job on each of two inputs at the same time. */
    start: (inputs: readonly string[]): Promise<Ended[]> =>
      Promise.all(
        children.map(async (child, index) => {
          const input = inputs[index] ?? '';
          child.send({
            ...{ input, output: `${input}.${index}.out`, ledger, apiUrl: url, apiKey: 'sk-test-0123456789' },
            ...{ fields: ['answer'], batchSize: 2, wait: false, yes: true },
          });
          const [ended] = (await once(child, 'message')) as [Ended];
          return ended;
        }),
      ),
  };
}

/** Takes the companies that were sent since the last time, sorted. */
function takeBought({ tasks }: Pick<ScriptedAgent, 'tasks'>): string[] {
  const rows = tasks.splice(0).flatMap(({ request }) => request.input?.data ?? []);
  return rows.map(({ company }) => String(company)).sort();
}

test(`${ROUNDS} times, two processes whose clocks are an hour apart start jobs at once, and each row is bought once`, {
  ...SLOW,
  timeout: 3_600_000,
}, async () => {
  const { agent, write, start } = await openPair();
  for (let round = 1; round <= ROUNDS; round += 1) {
    const names = [1, 2, 3, 4, 5, 6].map((row) => `Company ${round}-${row}`);
    // The same job: one process works on it. The other one is refused, or comes when it has ended.
    const input = write(`same-${round}.csv`, names.slice(0, 2));
    const same = await start([input, input]);
    expect(same.map(({ runs }) => runs).sort()).toEqual([0, 1]);
    for (const { runs, enriched, code } of same) {
      if (code !== null) expect({ runs, code }).toEqual({ runs: 0, code: 'LEASE_HELD' });
      else expect(enriched).toBe(2);
    }
    expect(takeBought(agent)).toEqual(names.slice(0, 2));
    // Two jobs that share rows.
    const shared = await start([
      write(`first-${round}.csv`, names.slice(0, 5)),
      write(`second-${round}.csv`, names.slice(1).reverse()),
    ]);
    expect(shared).toMatchObject(Array(2).fill({ enriched: 5, code: null }));
    expect(takeBought(agent)).toEqual(names.slice(2));
  }
});
