import { cancelJob } from '../../cancel.js';
import { resolveLedgerPath } from '../../ledger/ledger.js';
import { formatDollars, formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import { EXIT_CODES } from '../report-error.js';
import { resolveApiKey } from '../run-options.js';

/** `rowfill cancel`: cancels the runs of a job at the agent. */
export const cancel = createCommand({
  about:
    'Cancels the runs of a job that still work at the agent. What they cost so far is billed, and they bring nothing: ' +
    'to keep what they bring, give the same rowfill run again instead. A run that can never be cancelled is given up, and ' +
    'its reserved price is booked.',
  options: {
    apiUrl: {
      kind: 'text',
      value: 'URL',
      about: 'The agent to cancel them at; the key is in EXA_API_KEY.',
      fallback: 'the agent that the job was sent to',
    },
  },
  examples: [
    { line: 'rowfill cancel j_0f3a', about: 'cancels what the agent of that job still works on' },
    {
      line: 'rowfill cancel j_0f3a --api-url http://127.0.0.1:4747',
      about: 'where the agent has moved to another address',
    },
  ],
  async run({ operands: [job = ''], options }, host) {
    const { cancelled, estimatedMicros, failed, givenUp, unknown, released } = await cancelJob({
      ...options,
      ...resolveApiKey(host.env),
      job,
      ledger: resolveLedgerPath(host.env),
    });
    for (const runId of cancelled) host.tell(runId);
    for (const { runId, reason } of failed) host.say(`${runId} could not be cancelled: ${reason}`);
    for (const { runId, reason } of givenUp) {
      host.say(
        `${runId ?? 'A run'} cannot be cancelled (${reason}). rowfill no longer waits for it, and books its reserved price.`,
      );
    }
    if (released > 0) {
      host.say(
        `Nothing to cancel: the agent of this job was part of a rowfill that has ended. Released: ${formatNumber(released, 'run')}.`,
      );
    } else host.say(`Cancelled: ${formatNumber(cancelled.length, 'run')}.`);
    if (estimatedMicros > 0) {
      host.say(`The agent did not say what they all cost: ${formatDollars(estimatedMicros)} is an estimate.`);
    }
    if (unknown > 0) {
      host.say(
        `Not known yet: ${formatNumber(unknown, 'run')}; the next rowfill run looks for what became of it.`,
      );
    }
    return failed.length > 0 ? EXIT_CODES.unreachable : EXIT_CODES.done;
  },
});
