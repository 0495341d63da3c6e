import type { ErrorKind } from '../errors.js';
import type { JobSummary } from '../model/events.js';
import type { WatchSummary } from '../watch.js';

/** The exit codes of the program, as its help lists them. */
export const EXIT_CODES = {
  done: 0,
  defect: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  budget: 5,
  rowsFailed: 6,
  endedEarly: 7,
  busy: 75,
  interrupted: 130,
} as const;

/** The exit code for an error that stopped a command. */
export function resolveErrorCode(kind: ErrorKind): number {
  return EXIT_CODES[kind];
}

/** The exit code for a job that came to its end, whichever end that was. */
export function resolveJobCode(summary: JobSummary): number {
  if (summary.stop === 'nothing_found') return EXIT_CODES.endedEarly;
  if (summary.stop === 'ledger_moved') return EXIT_CODES.usage;
  if (summary.stop !== 'done') return EXIT_CODES[summary.stop];
  if (summary.leftRows > 0) return EXIT_CODES.endedEarly;
  return summary.rows.failed > 0 ? EXIT_CODES.rowsFailed : EXIT_CODES.done;
}

/** The exit code for a watcher that came to its end; of several things that went wrong, the one to look at first. */
export function resolveWatchCode({ stop, failed, rowsFailed, left }: WatchSummary): number {
  if (stop === 'ledger_moved') return EXIT_CODES.usage;
  if (stop === 'error') return EXIT_CODES.defect;
  // As for an agent that is away: the same command carries on later.
  if (stop === 'disk_full') return EXIT_CODES.unreachable;
  if (stop !== 'done') return EXIT_CODES[stop];
  if (failed.defect > 0) return EXIT_CODES.defect;
  if (failed.usage > 0) return EXIT_CODES.usage;
  if (failed.unreachable > 0) return EXIT_CODES.unreachable;
  if (failed.budget > 0) return EXIT_CODES.budget;
  if (failed.nothing_found > 0) return EXIT_CODES.endedEarly;
  if (left.length > 0) return EXIT_CODES.endedEarly;
  return rowsFailed > 0 ? EXIT_CODES.rowsFailed : EXIT_CODES.done;
}
