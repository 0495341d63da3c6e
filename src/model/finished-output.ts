/** An output that left nothing to do, and all that it was made from; digests are SHA-256 in hexadecimal digits. */
export interface FinishedOutput {
  readonly input: string;
  /** Of the exclusion file; null where there was none. */
  readonly exclusion: string | null;
  /** Of everything else that decides what an output looks like: its path and the options that shape it. */
  readonly options: string;
  /** Of the output itself. */
  readonly output: string;
  /** How many runs of the ask were settled by then: the answers are those of that many runs. */
  readonly settledRuns: number;
}
