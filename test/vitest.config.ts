import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Test files that look at or change the process, so each runs in its own. All others share a few. */
const ALONE = [
  // Counts open handles.
  'test/api/leaks.test.ts',
  // Stop the clock of the process.
  'test/job/lease.test.ts',
  'test/job/lease-lost.test.ts',
  // Listens to the warnings of the process.
  'test/run/start-throttle.test.ts',
];

/** Need the PostgreSQL server of the tests. It listens on a socket in a folder, so it does not run on Windows. */
const WITH_POSTGRES = [
  'test/ledger/postgres/**',
  'test/ledger/postgres-*.test.ts',
  'test/ledger/copy-between.test.ts',
  'test/cli/shared-ledger.test.ts',
  'test/cli/worker.test.ts',
  'test/docs/teams.test.ts',
  'test/queue/open-queue.test.ts',
  'test/simultaneous-starts.test.ts',
];

/** Starts files of the slow tier first, so that none of them runs alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean =>
      readFileSync(moduleId, 'utf8').includes('/slow-tier.js');
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    tags: [{ name: 'slow', description: 'has a larger count in npm run test:slow' }],
    setupFiles: ['test/helpers/seed.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // A long timeout costs nothing if the test passes, and a busy machine must not fail it.
    expect: { poll: { timeout: 30_000, interval: 10 } },
    pool: 'forks',
    // Loading the code takes longer than most tests.
    isolate: false,
    // Many tests wait for their own programs and servers, so more of them run than there are processors. A share above
    // 100 % would be cut to that.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    reporters: process.env.CI ? ['default', './test/helpers/count-reporter.ts'] : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          isolate: true,
          // Groups do not mix: a shared process ends when the next file in line needs its own.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: process.platform === 'win32' ? [...ALONE, ...WITH_POSTGRES] : ALONE,
          globalSetup: ['test/helpers/postgres-setup.ts'],
        },
      },
    ],
  },
});
