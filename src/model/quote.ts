import { formatNumber } from './words.js';

/** How many rows go on from one level of the effort ladder to the next. */
export interface Climb {
  readonly from: string;
  readonly to: string;
  /** From 0 to 1. */
  readonly share: number;
  /** Answered rows that the share was counted from; null if it is assumed. */
  readonly knownRows: number | null;
}

/** What a job would cost, told before any money is spent. */
export interface Quote {
  /** Rows that would be asked; their runs at the first effort level, if nothing has to be repaired. */
  readonly rows: number;
  readonly runs: number;
  /** The most that the job can cost: every row at every level of the effort ladder, and as much again for repairs. */
  readonly worstMicros: number;
  /** With as many rows at each level as `climbs` says, and no repairs. */
  readonly likelyMicros: number;
  /** What `likelyMicros` supposes; empty without a ladder. */
  readonly climbs: readonly Climb[];
  /** The columns that leave this machine. */
  readonly columns: readonly string[];
  readonly maxCostMicros: number | null;
}

/** What is supposed about the rows that climb, in one line a level. */
export function describeClimbs(climbs: readonly Climb[]): string[] {
  return climbs.map(({ from, to, share, knownRows }) => {
    const percent = `${Math.round(share * 100)} %`;
    return knownRows === null
      ? `Likely assumes that ${percent} of the rows go on from ${from} to ${to}; nothing is known of this question yet.`
      : `Likely assumes that ${percent} of the rows go on from ${from} to ${to}, as of ${formatNumber(knownRows, 'row')} answered before.`;
  });
}
