import { cancelJob } from '../../cancel.js';
import { formatDollars, formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import { chooseLedger, LEDGER_OPTION } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';
import { JOB_OPTIONS, resolveApiKey } from '../run-options.js';

/** `rowfill cancel`: cancels the active runs of a job. */
export const cancel = createCommand({
  about:
    'Cancels the runs of a job that are still active at the agent. Their cost so far is billed and their results are lost; ' +
    'to keep the results, run the same rowfill run command again instead. If a run can never be cancelled, rowfill stops ' +
    'waiting for it and books its reserved price.',
  options: {
    apiUrl: {
      kind: 'text',
      value: 'URL',
      about: 'The agent that has the runs; the key comes from EXA_API_KEY.',
      fallback: 'the agent that the job was sent to',
    },
    ...LEDGER_OPTION,
    insecureHttp: JOB_OPTIONS.insecureHttp,
  },
  examples: [
    { line: 'rowfill cancel j_0f3a', about: 'cancels the active runs of that job' },
    {
      line: 'rowfill cancel j_0f3a --api-url http://127.0.0.1:4747',
      about: 'if the agent has moved to another address',
    },
  ],
  async run({ operands: [job = ''], options }, host) {
    const { cancelled, completed, estimatedMicros, failed, givenUp, unknown, released } = await cancelJob({
      ...options,
      ...resolveApiKey(host.env),
      job,
      ledger: chooseLedger(host.env, options.ledger),
    });
    for (const runId of cancelled) host.tell(runId);
    for (const { runId, reason } of failed) host.say(`${runId} could not be cancelled: ${reason}`);
    for (const { runId, reason } of givenUp) {
      host.say(
        `${runId ?? 'A run'} cannot be cancelled (${reason}). rowfill no longer waits for it and has booked its reserved price.`,
      );
    }
    if (released > 0) {
      host.say(
        `Nothing to cancel: the runs of this job ended with the rowfill process they ran in. Released: ${formatNumber(released, 'run')}.`,
      );
    } else host.say(`Cancelled: ${formatNumber(cancelled.length, 'run')}.`);
    if (completed.length > 0) {
      host.say(`Completed before that: ${formatNumber(completed.length, 'run')}; the answers are kept.`);
    }
    if (estimatedMicros > 0) {
      host.say(`The agent did not report every cost: ${formatDollars(estimatedMicros)} is an estimate.`);
    }
    if (unknown > 0) {
      host.say(
        `${formatNumber(unknown, 'run')} may have been started without a reply; the next rowfill run looks for them.`,
      );
    }
    return failed.length > 0 ? EXIT_CODES.unreachable : EXIT_CODES.done;
  },
});
