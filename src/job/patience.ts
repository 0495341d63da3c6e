import { RowfillError } from '../errors.js';
import type { StopSwitch } from './stop-switch.js';

/** So many batches in a row that brought nothing the first time round, and the agent is given up. */
const MAX_FRUITLESS_BATCHES = 10;
/** So many requests refused for what they say, before anything was ever answered, and no other will fare better. */
const MAX_REJECTED_REQUESTS = 3;

/** Stops a job whose agent keeps failing, before every row has been spent on it. */
export class Patience {
  private readonly stop: StopSwitch;
  private fruitless = 0;
  private rejected = 0;
  private hasFruit = false;

  constructor(stop: StopSwitch) {
    this.stop = stop;
  }

  /** A batch brought something. */
  renew(): void {
    this.fruitless = 0;
    this.hasFruit = true;
  }

  /** A batch brought nothing. */
  wear(reason: string): void {
    this.fruitless += 1;
    if (this.fruitless < MAX_FRUITLESS_BATCHES) return;
    const message = `the last ${this.fruitless} batches brought nothing; the last reason: ${reason}`;
    const hint = 'Run the same command again later: what was answered is kept, only the rest is asked.';
    this.stop.stopFor(new RowfillError('unreachable', 'AGENT_KEEPS_FAILING', message, { hint }));
  }

  /** A request was refused for what it says. */
  reject(reason: string): void {
    this.rejected += 1;
    if (this.hasFruit || this.rejected < MAX_REJECTED_REQUESTS) {
      this.wear(reason);
      return;
    }
    const message = `the agent refuses what it is asked: ${reason}`;
    const hint =
      'Change what the message names, such as --effort or the schema; nothing was spent on these requests.';
    this.stop.stopFor(new RowfillError('unreachable', 'REQUEST_REJECTED', message, { hint }));
  }
}
