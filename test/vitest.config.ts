import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    tags: [{ name: 'slow', description: 'has a larger count in npm run test:slow' }],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A long timeout costs nothing if the test passes, and a busy machine must not fail it.
    expect: { poll: { timeout: 30_000, interval: 10 } },
    pool: 'forks',
    // Tests mostly wait for their own programs and servers, so use all processors.
    maxWorkers: '100%',
    reporters: process.env.CI ? ['default', './test/helpers/count-reporter.ts'] : ['default'],
  },
});
