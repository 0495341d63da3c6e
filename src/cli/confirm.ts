import { createInterface } from 'node:readline';
import { createUsageError } from '../errors.js';
import type { Doubt, NothingFound } from '../model/events.js';
import { formatDollars, formatList, formatNumber } from '../model/format.js';
import { describeClimbs, type Quote } from '../model/prices.js';
import { clipText } from './clip-text.js';
import type { Host } from './host.js';
import { type Interrupt, openInterrupt } from './interrupt.js';

/** The consent given on the command line, and whether we can ask for more. */
export interface Consent {
  /** `--yes` or a cap was given. */
  readonly isGiven: boolean;
  /** There is a terminal to ask on. */
  readonly canAsk: boolean;
  readonly quiet: boolean;
}

/** Shows what a job can cost and, without prior consent, asks for confirmation. Nothing is spent before a yes. */
export async function confirmQuote(
  quote: Quote,
  consent: Consent,
  host: Host,
  interrupt: Interrupt,
): Promise<boolean> {
  if (!consent.isGiven && !consent.canAsk) {
    throw createUsageError(
      'COST_NOT_CONFIRMED',
      `this job can cost ${formatDollars(quote.worstMicros)} (${formatNumber(quote.rows, 'row')} in ${formatNumber(quote.runs, 'run')}), and there is no terminal to confirm it on`,
      'Add --max-cost USD to set a limit, or --yes to confirm.',
    );
  }
  if (!consent.isGiven || !consent.quiet) for (const line of formatQuote(quote)) host.say(line);
  return consent.isGiven || askToGoOn(host, interrupt);
}

/** Shows a doubt about the file, and asks whether to continue anyway. */
export async function confirmDoubt(doubt: Doubt, host: Host, interrupt: Interrupt): Promise<boolean> {
  host.say({ text: `${doubt.message}.`, style: 'yellow' });
  host.say(doubt.hint);
  return askToGoOn(host, interrupt);
}

/** Shows what was sent and what was answered, and asks whether to continue a job that found nothing. */
export function confirmNothingFound(job: NothingFound, host: Host, interrupt: Interrupt): Promise<boolean> {
  for (const line of formatNothingFound(job)) host.say(line);
  return askToGoOn(host, interrupt);
}

const MAX_EXAMPLE = 300;

function formatNothingFound(job: NothingFound): string[] {
  const { effort, untriedEfforts, rows, costMicros, query, columns, example } = job;
  const higher = untriedEfforts.length === 0 ? '' : ` Not tried yet: effort ${untriedEfforts.join(', ')}.`;
  return [
    `Nothing was found in the first ${formatNumber(rows, 'row')} answered at effort ${effort}. The job has cost ${formatDollars(costMicros)} so far.${higher}`,
    `Query: ${clip(query)}`,
    ...(example === null
      ? [`Columns sent: ${columns.join(', ')}.`]
      : [`Example row sent: ${clip(JSON.stringify(example.sent))}`, `Its answer: ${clip(example.returned)}`]),
  ];
}

function clip(text: string): string {
  return clipText(text.replace(/\s+/g, ' '), MAX_EXAMPLE);
}

/** Asks on the terminal whether to continue. Anything but yes, including end of input, is a no. Throws if interrupted. */
export function askToGoOn(host: Host, interrupt: Interrupt): Promise<boolean> {
  return interrupt.ask(
    (signal) =>
      new Promise((resolve, reject) => {
        const readline = createInterface({ input: host.stdin, output: host.stderr, terminal: true, signal });
        let isAnswered = false;
        readline.on('SIGINT', () => interrupt.trigger());
        // If the terminal is gone, closing fails with another error.
        readline.once('error', () => readline.close());
        readline.on('error', () => {});
        readline.on('close', () => {
          // Without an answer the cursor is still on the line of the question.
          if (!isAnswered) host.say();
          if (signal.aborted) reject(signal.reason);
          else resolve(false);
        });
        readline.question('Continue? [y/N] ', (answer) => {
          isAnswered = true;
          resolve(/^y(es)?$/i.test(answer.trim()));
          readline.close();
        });
      }),
  );
}

/** Describes what a job can cost and what it sends. */
function formatQuote(quote: Quote): string[] {
  const { rows, runs, worstMicros, likelyMicros, columns, maxCostMicros, spentMicros } = quote;
  const likely = likelyMicros < worstMicros ? `, likely ${formatDollars(likelyMicros)}` : '';
  const leftMicros = maxCostMicros === null ? null : Math.max(0, maxCostMicros - spentMicros);
  const cap = leftMicros === null ? '' : `, and never more than ${formatDollars(leftMicros)}`;
  const fields = quote.isOfAllFields ? '' : ` for ${formatList(quote.fields)}`;
  return [
    `${formatNumber(rows, 'row')} to send in ${formatNumber(runs, 'run')}${fields}.`,
    `Cost: ${formatDollars(worstMicros)} at worst${likely}${cap}.`,
    ...(leftMicros === null || spentMicros === 0
      ? []
      : [
          `The job has cost ${formatDollars(spentMicros)} before; its cap leaves ${formatDollars(leftMicros)}.`,
        ]),
    ...(likely === '' ? [] : describeClimbs(quote.climbs)),
    ...(worstMicros === 0 ? [] : ['The worst case includes retries of wrong answers.']),
    `Columns that leave this machine: ${columns.join(', ')}.`,
  ];
}

/**
 * Asks whether paid answers may be deleted; `what` is the command. Returns false if interrupted; throws if declined, or
 * if there is no terminal.
 */
export async function confirmLoss(what: string, loss: string, host: Host): Promise<boolean> {
  if (!host.canAsk) {
    throw createUsageError(
      'NOT_CONFIRMED',
      `${what} deletes paid answers, and there is no terminal to confirm it on: ${loss.replace(/\.$/, '')}`,
      'Add --yes to confirm.',
    );
  }
  host.say(`This deletes ${loss}`);
  const interrupt = openInterrupt(host, (text) => host.say(text));
  try {
    if (await askToGoOn(host, interrupt)) return true;
  } catch (error) {
    if (!interrupt.hasCaused(error)) throw error;
    host.say('Nothing was deleted.');
    return false;
  } finally {
    interrupt.close();
  }
  throw createUsageError(
    'DECLINED',
    'not started: nothing was deleted',
    'Run the command again to be prompted again.',
  );
}
