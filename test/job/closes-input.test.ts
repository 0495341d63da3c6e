import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EnrichOptions } from '../../src/options.js';
import { openJobBench } from '../helpers/job.js';
import { ON_LINUX } from '../helpers/platform.js';
import { script } from '../helpers/truthful-agent.js';

/** So long that most of the list is unread when a job stops early. */
const NOTE = 'x'.repeat(8_000);
const COMPANIES = Array.from({ length: 96 }, (_, index) => `Company ${index + 1},${NOTE}`);

const CASES: readonly (readonly [
  string,
  Partial<EnrichOptions>,
  { isEmpty?: boolean; stopsAfter?: number },
])[] = [
  ['that reaches its budget', { maxCost: 0.175 }, {}],
  ['with a limit', { limit: 9 }, {}],
  ['that finds nothing', {}, { isEmpty: true }],
  ['that is interrupted', {}, { stopsAfter: 2 }],
  ['that reads all of it', {}, {}],
];

// Windows would neither move nor delete the file, and a watcher would leak one for each file.
test.runIf(ON_LINUX).each(CASES)(
  'a job %s closes its input',
  async (_what, options, { isEmpty, stopsAfter }) => {
    const stop = new AbortController();
    let runs = 0;
    const answer = script(
      (rows) => ({
        rows: isEmpty === true ? rows.map((row) => ({ ...row, fields: { answer: null } })) : rows,
      }),
      () => 0.025,
    );
    const bench = await openJobBench(async (task, signal) => {
      runs += 1;
      if (runs === stopsAfter) stop.abort();
      return answer(task, signal);
    });
    bench.write('in.csv', ['company,note', ...COMPANIES, ''].join('\n'));
    const parts = { send: ['company'], batchSize: 3, concurrency: 2, ...options };
    await bench.run(parts, { signal: stop.signal });
    const open = readdirSync('/proc/self/fd').map((each) => {
      try {
        return readlinkSync(`/proc/self/fd/${each}`);
      } catch {
        return '';
      }
    });
    expect(open.filter((path) => path.startsWith(bench.folder) && path.endsWith('.csv'))).toEqual([]);
  },
);
