import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Patience costs nothing where the claim holds, and a busy machine is no failure.
    expect: { poll: { timeout: 30_000, interval: 10 } },
    pool: 'forks',
    // Most of a test is waiting for a program or a server of its own, so no processor is left out.
    maxWorkers: '100%',
    reporters: process.env.CI ? ['default', './test/helpers/count-reporter.ts'] : ['default'],
  },
});
