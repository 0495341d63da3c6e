import { exportJob } from '../../export.js';
import { resolveLedgerPath } from '../../ledger/ledger.js';
import { ROW_STATUSES } from '../../model/answer.js';
import { formatCount, formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import { EXIT_CODES } from '../report-error.js';
import { parseFormat } from '../run-options.js';

/** `rowfill export`: writes the output of a job again. */
export const exportCommand = createCommand({
  about:
    'Writes the output of a job again, from its input as it is now and from the ledger, in any format. It asks the agent ' +
    'nothing and costs nothing, also for a job that was interrupted.',
  options: {
    output: {
      kind: 'text',
      alias: 'o',
      value: 'FILE',
      about: 'Where the result goes; - is standard output.',
      fallback: 'the output of the job',
    },
    format: {
      kind: 'text',
      value: 'FORMAT',
      about: 'csv, jsonl, json or xlsx.',
      fallback: 'what the ending of the output says',
    },
    citationsFile: {
      kind: 'text',
      value: 'FILE',
      about: 'Write every citation there too, one JSON object a line.',
    },
    bom: { kind: 'switch', about: 'Begin a CSV with a byte order mark, for Excel.' },
    raw: {
      kind: 'switch',
      about:
        'Write the agent’s text as it came: formulas that a spreadsheet would run, control characters and all.',
    },
  },
  examples: [
    { line: 'rowfill export j_0f3a -o result.jsonl', about: 'the same answers as JSON lines' },
    { line: 'rowfill export j_0f3a -o - --format csv | less', about: 'a look at what is there so far' },
  ],
  async run({ operands: [job = ''], options: { format, ...options } }, host) {
    const result = await exportJob({
      ...options,
      job,
      ledger: resolveLedgerPath(host.env),
      ...parseFormat(format),
    });
    const { rows, output } = result;
    const counted = ROW_STATUSES.filter((status) => rows[status] > 0);
    const parts = counted.map((status) => `${formatCount(rows[status])} ${status}`);
    const place = output === '-' ? 'Written to standard output' : `The output is in ${output}`;
    host.say(
      `${place}: ${formatNumber(rows.total, 'row')}${parts.length === 0 ? '' : `, ${parts.join(', ')}`}.`,
    );
    return EXIT_CODES.done;
  },
});
