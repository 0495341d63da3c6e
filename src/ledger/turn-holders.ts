/** A connection with an open transaction until the end of this turn of the event loop. */
export interface TurnHolder {
  /** Commits the transaction now. Throws if that fails. */
  endTurn(): void;
}

/**
 * Holders by file. Two connections in one process would deadlock, because the driver blocks the event loop.
 */
const HOLDERS = new Map<string, TurnHolder>();

export function holdTurn(file: string, holder: TurnHolder): void {
  HOLDERS.set(file, holder);
}

export function leaveTurn(file: string): void {
  HOLDERS.delete(file);
}

/** Commits the open turn of a file, if any connection of this process has one. */
export function endTurnOf(file: string, asker: TurnHolder): void {
  const holder = HOLDERS.get(file);
  try {
    holder?.endTurn();
  } catch (error) {
    // Another connection gets its own error at its next step or flush.
    if (holder === asker) throw error;
  }
}
