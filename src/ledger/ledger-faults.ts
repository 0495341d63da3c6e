import { SPAN } from './blocks.js';

/** What is wrong in a ledger: the fault in words, and SQL for the rows that have it. */
export type LedgerFault = readonly [what: string, rows: string];

/** Faults that are written the same in every store. */
export const LEDGER_FAULTS: readonly LedgerFault[] = [
  ['jobs without an ask', 'job where ask not in (select number from ask)'],
  ['jobs without what they ask', 'job where version not in (select number from ask_version)'],
  ['jobs without counts', 'job where number not in (select job from job_count)'],
  ['asks without counts', 'ask where number not in (select ask from ask_count)'],
  ['open batches without a job', 'batch where job not in (select number from job)'],
  ['open batches without a holder', 'batch where holder not in (select number from holder)'],
  ['verdicts without an ask', 'verdict where ask not in (select number from ask)'],
  ['blocks without an ask', `block where number / ${SPAN} not in (select number from ask)`],
  ['blocks without rows', "block where keys is null and kind <> 'released'"],
  ['blocks without a job', 'block where job <> 0 and job not in (select number from job)'],
  [
    'changes beyond the last one of their ask',
    `(select number from block union all select number from batch) changed
     join ask_count on ask_count.ask = changed.number / ${SPAN} where changed.number > ask_count.change`,
  ],
  [
    'jobs whose reserved amount is not that of their open batches',
    `job_count where reserved_micros <> (select coalesce(sum(reserve_micros), 0) from batch where batch.job = job_count.job)`,
  ],
];

/** Describes each fault that has rows, one per line. */
export function describeFaults(faults: readonly LedgerFault[], counts: readonly number[]): string[] {
  return faults.flatMap(([what], index) => (counts[index] ? [`${what}: ${counts[index]}`] : []));
}
