import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** The test files with a count that depends on the tier. */
const include = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => readFileSync(join(import.meta.dirname, name), 'utf8').includes('/slow-tier.js'))
  .map((name) => `test/${name.replaceAll('\\', '/')}`);

const { projects: _, ...test } = config.test ?? {};

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  ...config,
  test: {
    ...test,
    include,
    env: { ROWFILL_SLOW_TESTS: '1' },
    globalSetup: ['test/helpers/postgres-setup.ts'],
  },
});
