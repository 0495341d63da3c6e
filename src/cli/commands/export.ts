import { exportJob } from '../../export.js';
import { ROW_STATUSES } from '../../model/answer.js';
import { formatCount, formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import { chooseLedger, LEDGER_OPTION } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';
import { parseFormat } from '../run-options.js';
import { formatBomAdvice } from '../summary.js';

/** `rowfill export`: rewrites the output of a job from the ledger. */
export const exportCommand = createCommand({
  about:
    'Rewrites the output of a job, in any format, from the ledger and the current input. It sends nothing to the agent and ' +
    'costs nothing. It also works for an interrupted job.',
  options: {
    input: {
      kind: 'text',
      value: 'FILE',
      about: 'Path of the input, if it was moved or the job read standard input.',
      fallback: 'the input of the job',
    },
    output: {
      kind: 'text',
      alias: 'o',
      value: 'FILE',
      about: 'Path of the result; - is standard output.',
      fallback: 'the output of the job',
    },
    format: {
      kind: 'text',
      value: 'FORMAT',
      about: 'Format of the result: csv, jsonl, json or xlsx.',
      fallback: 'from the extension of the output',
    },
    citationsFile: {
      kind: 'text',
      value: 'FILE',
      about: 'Also write every citation to this file, one JSON object per line.',
    },
    bom: { kind: 'switch', about: 'Start a CSV with a byte order mark, for Excel.' },
    plain: {
      kind: 'switch',
      about:
        'Write only the input’s columns and the fields, without confidence, citations and enrichment_*. A workbook becomes one sheet of values.',
    },
    sources: {
      kind: 'text',
      value: 'PLACE',
      about: 'Where the sources of a workbook’s values go: columns, comments or sheet.',
      fallback: 'columns',
    },
    raw: {
      kind: 'switch',
      about:
        'Write the agent’s text unchanged, including control characters and text that a spreadsheet would run as a formula.',
    },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill export j_0f3a -o result.jsonl', about: 'writes the same answers as JSON lines' },
    { line: 'rowfill export j_0f3a -o - --format csv | less', about: 'shows the answers so far' },
    { line: 'rowfill export j_0f3a --input moved/list.csv', about: 'if the input is somewhere else now' },
  ],
  async run({ operands: [job = ''], options: { format, ...options } }, host) {
    const result = await exportJob({
      ...options,
      job,
      ledger: chooseLedger(host.env, options.ledger),
      ...parseFormat(format),
    });
    const { rows, output } = result;
    const counted = ROW_STATUSES.filter((status) => rows[status] > 0);
    const parts = counted.map((status) => `${formatCount(rows[status])} ${status}`);
    const place = output === '-' ? 'Written to standard output' : `The output is in ${output}`;
    host.say(
      `${place}: ${formatNumber(rows.total, 'row')}${parts.length === 0 ? '' : `, ${parts.join(', ')}`}.`,
    );
    for (const line of host.stderr.isTTY === true ? formatBomAdvice(result) : []) host.say(line);
    return EXIT_CODES.done;
  },
});
