import { formatNumber } from '../../model/format.js';
import { resolveReport } from '../../options.js';
import { findJob } from '../../view/find-job.js';
import { writeReport } from '../../view/report.js';
import { createCommand } from '../command.js';
import { chooseLedger, LEDGER_OPTION, openNamedLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill report`: one HTML file about a job. */
export const report = createCommand({
  about:
    'Writes one HTML file about a job, to mail or to keep: rows by status, fill and confidence by column, sources, cost, ' +
    'reasons of failures, and a table of the rows that can be searched. It needs nothing from the network.\n' +
    'It has only the input columns that were sent to the agent. JOB is a job id or the start of one, or an input or output file.',
  options: {
    output: {
      kind: 'text',
      alias: 'o',
      value: 'FILE',
      about:
        'Path of the report; - is standard output. An existing file is replaced, unless it is a result of a job.',
      fallback: 'companies.report.html for companies.csv',
    },
    redact: { kind: 'list', value: 'COLUMNS', about: 'Leave out these input columns.' },
    allColumns: { kind: 'switch', about: 'Include every input column, not only the sent ones.' },
    input: {
      kind: 'text',
      value: 'FILE',
      about: 'Path of the input, if it was moved or the job read standard input.',
      fallback: 'the input of the job',
    },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill report companies.csv', about: 'writes companies.report.html' },
    { line: 'rowfill report j_0f3a -o report.html --redact contact', about: 'without the column contact' },
  ],
  async run({ operands: [wanted], options }, host) {
    const ledgerPath = chooseLedger(host.env, options.ledger);
    const ledger = await openNamedLedger(host, ledgerPath, true);
    const job = await findJob(ledger, wanted).finally(() => ledger.close());
    const output = options.output ?? resolveReport(options.input ?? job.place?.input ?? job.input);
    const result = await writeReport({
      job: job.id,
      input: options.input,
      ledger: ledgerPath,
      output: output === '-' ? 'standard output' : output,
      stream: output === '-' ? host.stdout : undefined,
      redact: options.redact,
      allColumns: options.allColumns,
    });
    const { rows, listed, bytes, columns } = result;
    const size =
      bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
    const part = listed < rows ? `, of which it lists ${formatNumber(listed, 'row')} that need a look` : '';
    const place = `The report is ${output === '-' ? 'on' : 'in'} ${result.output}`;
    host.say(`${place}: ${formatNumber(rows, 'row')}${part}, ${size}.`);
    host.say(`Input columns in it: ${columns.join(', ') || 'none'}.`);
    return EXIT_CODES.done;
  },
});
