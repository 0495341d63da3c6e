import type { RowfillError } from '../errors.js';
import { bookCost, formatMicros } from '../model/format.js';
import type { Settlement } from './ledger.js';

/** A run that the file may not know of if it was moved or damaged. */
interface RecentRun {
  readonly runId: string;
  /** Null while the run works. */
  readonly costMicros: number | null;
  /** Its result was written. */
  readonly isWritten: boolean;
}

/** Returns an error that names the runs if the ledger is no longer the one that was opened, else null. */
type CreateMoveError = (listRuns: () => readonly string[]) => RowfillError | null;

/** Runs started or settled since the ledger's files were last found in place, by batch. */
export class RecentRuns {
  readonly #createMoveError: CreateMoveError;
  readonly #runs = new Map<string, RecentRun>();
  /** True if the files were found in place in this turn of the event loop. */
  #isInPlace = false;

  constructor(createMoveError: CreateMoveError) {
    this.#createMoveError = createMoveError;
  }

  addStarted(batchId: string, runId: string): void {
    this.#runs.set(batchId, { runId, costMicros: null, isWritten: false });
  }

  /** Call it before writing: if the ledger cannot be written, the run must not be listed as still running. */
  addEnded({ batch, run }: Settlement): void {
    const runId = run.id === '' ? (this.#runs.get(batch.id)?.runId ?? '') : run.id;
    const { micros: costMicros } = bookCost(run.costDollars.total, batch.reserveMicros);
    this.#runs.set(batch.id, { runId, costMicros, isWritten: false });
  }

  markWritten(batchId: string): void {
    const known = this.#runs.get(batchId);
    if (known !== undefined) this.#runs.set(batchId, { ...known, isWritten: true });
  }

  /** The runs as text, each with its cost. */
  list(): string[] {
    const runs = [...this.#runs.values()].filter(({ runId }) => runId !== '');
    return runs.map(({ runId, costMicros }) => {
      return `${runId} (${costMicros === null ? 'may still be running' : `$${formatMicros(costMicros)}`})`;
    });
  }

  /** Returns LEDGER_MOVED if the files are no longer the ones that were opened, else null. */
  findMove(): RowfillError | null {
    const moved = this.#createMoveError(() => this.list());
    if (moved !== null) return moved;
    for (const [batchId, { isWritten }] of this.#runs) if (isWritten) this.#runs.delete(batchId);
    return null;
  }

  /** Throws LEDGER_MOVED if `findMove` returns it. Looks once per turn of the event loop, in which many batches start. */
  refuseMove(): void {
    if (this.#isInPlace) return;
    const moved = this.findMove();
    if (moved !== null) throw moved;
    this.#isInPlace = true;
    setImmediate(() => {
      this.#isInPlace = false;
    });
  }
}
