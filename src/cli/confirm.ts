import { createInterface } from 'node:readline';
import { createUsageError } from '../errors.js';
import type { Doubt, FruitlessJob } from '../model/events.js';
import { formatDollars, formatNumber } from '../model/format.js';
import { describeClimbs, type Quote } from '../model/prices.js';
import { clipText, type Host } from './host.js';
import type { Interrupt } from './interrupt.js';

/** What was agreed on the command line before the question. */
export interface Consent {
  /** `--yes` or a cap was given. */
  readonly isGiven: boolean;
  /** There is a person to ask. */
  readonly canAsk: boolean;
  readonly quiet: boolean;
}

/** Tells what a job can cost, and asks where that was not agreed to yet; nothing is spent before a yes. */
export async function confirmQuote(
  quote: Quote,
  consent: Consent,
  host: Host,
  interrupt: Interrupt,
): Promise<boolean> {
  if (!consent.isGiven && !consent.canAsk) {
    throw createUsageError(
      'COST_NOT_CONFIRMED',
      `this job can cost ${formatDollars(quote.worstMicros)} (${formatNumber(quote.rows, 'row')} in ${formatNumber(quote.runs, 'run')}), and there is nobody here to ask`,
      'Add --max-cost USD to set a limit, or --yes to agree.',
    );
  }
  if (!consent.isGiven || !consent.quiet) for (const line of formatQuote(quote)) host.say(line);
  return consent.isGiven || askToGoOn(host, interrupt);
}

/** Tells a doubt about the file, and asks whether to go on all the same. */
export async function confirmDoubt(doubt: Doubt, host: Host, interrupt: Interrupt): Promise<boolean> {
  host.say({ text: `${doubt.message}.`, style: 'yellow' });
  host.say(doubt.hint);
  return askToGoOn(host, interrupt);
}

/** Shows what was sent and what came back, and asks whether to go on paying for it. */
export function confirmNothingFound(job: FruitlessJob, host: Host, interrupt: Interrupt): Promise<boolean> {
  for (const line of formatFruitless(job)) host.say(line);
  return askToGoOn(host, interrupt);
}

const MAX_EXAMPLE = 300;

function formatFruitless({ effort, rows, costMicros, query, columns, example }: FruitlessJob): string[] {
  return [
    `Nothing was found in the first ${formatNumber(rows, 'row')} answered at effort ${effort}. The job has cost ${formatDollars(costMicros)} so far.`,
    `The query: ${clip(query)}`,
    ...(example === null
      ? [`Columns that were sent: ${columns.join(', ')}.`]
      : [
          `A row that was sent: ${clip(JSON.stringify(example.sent))}`,
          `What came back: ${clip(example.returned)}`,
        ]),
  ];
}

function clip(text: string): string {
  return clipText(text.replace(/\s+/g, ' '), MAX_EXAMPLE);
}

/** Asks on the terminal whether to go on; anything but a yes, also the end of input, is a no. An interruption throws. */
export function askToGoOn(host: Host, interrupt: Interrupt): Promise<boolean> {
  return interrupt.ask(
    (signal) =>
      new Promise((resolve, reject) => {
        const talk = createInterface({ input: host.stdin, output: host.stderr, terminal: true, signal });
        let isAnswered = false;
        talk.on('SIGINT', () => interrupt.trigger());
        // A terminal that is gone: to close the talk fails once more.
        talk.once('error', () => talk.close());
        talk.on('error', () => {});
        talk.on('close', () => {
          // Without an answer the question still holds the line.
          if (!isAnswered) host.say();
          if (signal.aborted) reject(signal.reason);
          else resolve(false);
        });
        talk.question('Go on? [y/N] ', (answer) => {
          isAnswered = true;
          resolve(/^y(es)?$/i.test(answer.trim()));
          talk.close();
        });
      }),
  );
}

/** What a job can cost and what it sends, in a few lines. */
function formatQuote(quote: Quote): string[] {
  const { rows, runs, worstMicros, likelyMicros, columns, maxCostMicros } = quote;
  const likely = likelyMicros < worstMicros ? `, likely ${formatDollars(likelyMicros)}` : '';
  const cap = maxCostMicros === null ? '' : `, and never more than ${formatDollars(maxCostMicros)}`;
  return [
    `To be asked: ${formatNumber(rows, 'row')} in ${formatNumber(runs, 'run')} of the agent.`,
    `Cost: ${formatDollars(worstMicros)} at worst${likely}${cap}.`,
    ...(likely === '' ? [] : describeClimbs(quote.climbs)),
    ...(worstMicros === 0
      ? []
      : ['The worst case includes rows that are sent again because they came back wrong.']),
    `Columns that leave this machine: ${columns.join(', ')}.`,
  ];
}
