import { formatMicros } from '../model/money.js';
import type { FailureKind } from './events.js';
import type { WatchFolders } from './folders.js';
import type { Take } from './take.js';
import type { Verdict } from './verdict.js';

/** The text beside a file in `failed/`: what happened, where, what it cost, and what to do. */
export function describeFailure(
  take: Pick<Take, 'name'>,
  { kind, problem, summary }: Extract<Verdict, { status: 'failed' }>,
  folders: Pick<WatchFolders, 'root'>,
): string {
  const { code, message, hint } = problem;
  const answered =
    summary === null ? 0 : summary.rows.total - summary.rows.pending - summary.rows.over_budget;
  const lines = [
    `${take.name} could not be filled${summary === null ? '' : ' to its end'}.`,
    '',
    `What happened: ${message} [${code}]`,
    ...(hint === null ? [] : [`What to do: ${hint}`]),
    '',
    ...(summary === null
      ? []
      : [
          `${answered} of ${summary.rows.total} rows are answered, for $${formatMicros(summary.costMicros)}; the output so far is beside this file.`,
        ]),
    describeReturn(kind, folders.root),
    'Rows that were answered before are kept in the ledger and are not paid for again.',
    '',
  ];
  return lines.join('\n');
}

function describeReturn(kind: FailureKind, root: string): string {
  switch (kind) {
    case 'usage':
      return `Put the corrected file into ${root} again.`;
    case 'nothing_found':
      return `Correct the job, or start the watcher with --keep-going. Then put the file into ${root} again.`;
    case 'budget':
    case 'unreachable':
    case 'defect':
      return `Put the file into ${root} again to go on.`;
  }
}
