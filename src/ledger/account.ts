/** The part of the ledger in which processes share the limits of an agent account. */
export interface SharedAccount {
  /**
   * Sets the account of this ledger's batches. `hash` gets a random text that the ledger keeps, and must include the
   * agent's URL and the key. Only ledgers of the same account take over these batches and share its limits. Without an account, any may take over.
   */
  enterAccount(hash: (salt: string) => string): Promise<void>;
  /**
   * Resolves when the run of a reserved batch may start: while other processes use the account too, runs that refusals
   * have shown to be too many wait for others to end, and all starts together keep to the rate (0 for no limit). Alone, a
   * process never waits. Throws the signal's reason if it is aborted.
   */
  takePlace(batchId: string, startsPerSecond: number, signal: AbortSignal): Promise<void>;
  /**
   * Records that the agent refused to start a batch because too many runs are active. Returns how many runs of the account
   * the ledger knows, which is the new limit; 0 if no other process uses the account.
   */
  recordRefusal(batchId: string): Promise<number>;
  /** Ids of open batches of an ask that only another account can collect, because their process is gone. */
  listOutOfReach(askId: string): Promise<ReadonlySet<string>>;
}
