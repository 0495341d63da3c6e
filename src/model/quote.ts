/** What a job would cost, told before any money is spent. */
export interface Quote {
  /** Rows that would be asked; their runs at the first effort level, if nothing has to be repaired. */
  readonly rows: number;
  readonly runs: number;
  /** The most that the first time round can cost, every level of the effort ladder included. */
  readonly worstMicros: number;
  readonly likelyMicros: number;
  /** The columns that leave this machine. */
  readonly columns: readonly string[];
  readonly maxCostMicros: number | null;
}
