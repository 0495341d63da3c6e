import { expect, test, vi } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { takeOverNow } from '../helpers/other-holder.js';
import { answerPaid } from '../helpers/paid-server.js';

/** Lets another container take over the lease of a job, as if this process had slept for a minute. */
function takeOver(path: string, jobId: string): void {
  takeOverNow(path, jobId);
  const tick = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(tick + 60_000);
}

test.each([
  ['while its output is written', 'row'],
  ['after its last run has ended', 'batch_settled'],
] as const)(
  'a job taken over %s leaves the output and the closing to the other process',
  async (_title, moment) => {
    const bench = await openJobBench(answerPaid);
    bench.write('in.csv', createList(4));
    bench.write('out.csv', 'what the other process has written\n');
    bench.write('sources.jsonl', 'and its citations\n');
    let isTaken = false;
    let jobId = '';
    const job = bench.run(
      { citationsFile: `${bench.folder}/sources.jsonl` },
      {
        onEvent(event) {
          if (event.type === 'job') jobId = event.jobId;
          if (event.type !== moment || isTaken) return;
          isTaken = true;
          takeOver(`${bench.folder}/ledger.sqlite`, jobId);
        },
      },
    );
    await expect(job).rejects.toMatchObject({ kind: 'busy', code: 'LEASE_LOST' });
    vi.restoreAllMocks();
    expect(bench.read('out.csv')).toBe('what the other process has written\n');
    expect(bench.read('sources.jsonl')).toBe('and its citations\n');
    // Paid answers are kept.
    expect(await bench.listJobs()).toMatchObject([
      { stop: null, answered: 4, spentMicros: 25_000, reservedMicros: 0 },
    ]);
  },
);
