import { createInterface } from 'node:readline';
import type { Quote } from '../model/quote.js';
import type { Host } from './host.js';
import { formatDollars, formatNumber } from './words.js';

/** Asks on the terminal whether to go on; anything but a yes, also Ctrl-C and the end of input, is a no. */
export function askToGoOn(host: Host): Promise<boolean> {
  return new Promise((resolve) => {
    const talk = createInterface({ input: host.stdin, output: host.stderr, terminal: true });
    talk.on('SIGINT', () => talk.close());
    talk.on('close', () => resolve(false));
    talk.question('Go on? [y/N] ', (answer) => {
      resolve(/^y(es)?$/i.test(answer.trim()));
      talk.close();
    });
  });
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
