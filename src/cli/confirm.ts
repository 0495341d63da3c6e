import { createInterface } from 'node:readline';
import { createUsageError } from '../errors.js';
import type { Quote } from '../model/quote.js';
import type { Host } from './host.js';
import { formatDollars, formatNumber } from './words.js';

/** What was agreed on the command line before the question. */
export interface Consent {
  readonly yes: boolean;
  readonly hasCap: boolean;
  /** Standard input is a terminal, and is not the file to be filled. */
  readonly canAsk: boolean;
  readonly quiet: boolean;
}

/** Tells what a job can cost, and asks where that was not agreed to yet; nothing is spent before a yes. */
export async function confirmQuote(quote: Quote, consent: Consent, host: Host): Promise<boolean> {
  const agreed = consent.yes || consent.hasCap;
  if (!agreed && !consent.canAsk) {
    throw createUsageError(
      'needs_consent',
      `this job can cost ${formatDollars(quote.worstMicros)}, and there is nobody here to ask`,
      'Add --yes to agree, or --max-cost USD to set a limit.',
    );
  }
  if (!agreed || !consent.quiet) for (const line of formatQuote(quote)) host.say(line);
  return agreed || askYesNo('Go on? [y/N] ', host);
}

/** What a job can cost and what it sends, in a few lines. */
export function formatQuote(quote: Quote): string[] {
  const { rows, runs, worstMicros, likelyMicros, columns, maxCostMicros } = quote;
  const likely = likelyMicros < worstMicros ? `, likely ${formatDollars(likelyMicros)}` : '';
  const cap = maxCostMicros === null ? '' : `, and never more than ${formatDollars(maxCostMicros)}`;
  return [
    `To be asked: ${formatNumber(rows, 'row')} in ${formatNumber(runs, 'run')} of the agent.`,
    `Cost: ${formatDollars(worstMicros)} at worst${likely}${cap}.`,
    `Columns that leave this machine: ${columns.join(', ')}.`,
  ];
}

/** Asks on the terminal; anything but a yes, also Ctrl-C and the end of input, is a no. */
function askYesNo(question: string, host: Host): Promise<boolean> {
  return new Promise((resolve) => {
    const talk = createInterface({ input: host.stdin, output: host.stderr, terminal: true });
    talk.on('SIGINT', () => talk.close());
    talk.on('close', () => resolve(false));
    talk.question(question, (answer) => {
      resolve(/^y(es)?$/i.test(answer.trim()));
      talk.close();
    });
  });
}
