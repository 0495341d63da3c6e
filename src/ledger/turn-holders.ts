/** A connection that has a transaction open until the turn of the event loop ends. */
export interface TurnHolder {
  /** Commits it at once; throws what keeps it from that. */
  endTurn(): void;
}

/** By file. Connections of one process would wait for each other in vain: nothing goes on while one of them does. */
const HOLDERS = new Map<string, TurnHolder>();

export function holdTurn(file: string, holder: TurnHolder): void {
  HOLDERS.set(file, holder);
}

export function leaveTurn(file: string): void {
  HOLDERS.delete(file);
}

/** Ends the turn of a file, whichever connection of this process holds it. */
export function endTurnOf(file: string, asker: TurnHolder): void {
  const holder = HOLDERS.get(file);
  try {
    holder?.endTurn();
  } catch (error) {
    // Another connection hears of its own failure, by its next step or flush.
    if (holder === asker) throw error;
  }
}
