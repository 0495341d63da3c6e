import { enrich } from '../../enrich.js';
import { createUsageError, RowfillError } from '../../errors.js';
import { guardPaths, isSameFilePath } from '../../job/check-paths.js';
import { type EnrichOptions, resolveOutput } from '../../options.js';
import { checkStandardOutput } from '../../write/open-output.js';
import { createCommand } from '../command.js';
import { confirmDoubt, confirmNothingFound, confirmQuote } from '../confirm.js';
import type { Host } from '../host.js';
import { openInterrupt } from '../interrupt.js';
import { openJobReport } from '../job-report.js';
import { chooseLedger } from '../ledger-option.js';
import { openLogFile } from '../log-file.js';
import { EXIT_CODES, printErrorRecord, resolveJobCode } from '../report-error.js';
import {
  INPUT_OPTIONS,
  JOB_OPTIONS,
  parseFormat,
  REPORT,
  RESULT_OPTIONS,
  resolveJobOptions,
  WORKERS_OPTION,
} from '../run-options.js';
import { createSummaryRecord } from '../summary.js';

/** `rowfill run`: fills a file. Running it again continues the job. */
export const run = createCommand({
  about:
    'Fills columns of a CSV, JSONL or Excel file with what an agent finds out about each row. INPUT is a file; - is standard input.\n' +
    'If a job is interrupted or reaches its budget, run the same command again to continue. Nothing is paid for twice.',
  options: {
    ...JOB_OPTIONS,
    ...RESULT_OPTIONS,
    ...INPUT_OPTIONS,
    ...WORKERS_OPTION,
    json: {
      kind: 'switch',
      group: REPORT,
      about: 'Print a JSON summary on standard output at the end, or an error as JSON.',
    },
    view: {
      kind: 'switch',
      group: REPORT,
      about: 'Open the job in the browser while it fills, and keep it open until Ctrl-C.',
    },
  },
  examples: [
    {
      line: 'rowfill run companies.csv -r companies.recipe.yaml --limit 20',
      about: 'tries a recipe on twenty rows',
    },
    {
      line: "rowfill run companies.csv -q 'Find the headquarters of each company.' -f hq_city -f founded:integer",
      about: 'fills two columns into companies.filled.csv',
    },
    {
      line: 'rowfill run companies.csv -s fields.json --send company,domain --max-cost 5 -o out.csv',
      about: 'sends only two columns and never spends more than five dollars',
    },
    {
      line: 'rowfill run companies.csv --reference ./tables -f hq_city --exclude customers.csv',
      about: 'answers from your own tables, for free, and skips your customers',
    },
    {
      line: 'rowfill run companies.csv -s fields.json --effort low,high --limit 20 --yes --json',
      about: 'tries twenty rows, and retries missing values with more effort',
    },
    {
      line: 'rowfill run big.csv -r companies.recipe.yaml --max-cost 500 --workers --ledger postgres://db/rowfill',
      about: 'hands the batches out to rowfill worker processes',
    },
  ],
  async run({ operands: [input = ''], options }, host) {
    const {
      json = false,
      quiet = false,
      view: isViewed,
      logFile,
      logValues,
      format,
      workers,
      ...job
    } = options;
    if (json && (options.output ?? resolveOutput({ input })) === '-') {
      throw createUsageError(
        'TWO_OUTPUTS',
        '--json and the output both write to standard output',
        'Name a file with --output, or omit --json.',
      );
    }
    if (json) checkStandardOutput();
    if (logValues === true && logFile === undefined) {
      throw createUsageError('NO_LOG', '--log-values needs a log file', 'Name one with --log-file FILE.');
    }
    const jobOptions = {
      ...(await resolveJobOptions(input, job, host)),
      ...parseFormat(format),
      ...(workers === true ? { workers } : {}),
    };
    // Checked here, because the log is appended to as soon as it is open, and `enrich` knows neither log nor recipe.
    const output = jobOptions.output ?? resolveOutput(jobOptions);
    const otherFiles = { recipe: options.recipe, logFile };
    // The output may replace a filled file that is returned; `enrich` checks that.
    const isOntoInput = isSameFilePath(output, input);
    const places = await guardPaths({
      ...jobOptions,
      ...otherFiles,
      output: isOntoInput ? undefined : output,
    });
    const log = logFile === undefined ? null : openLogFile(logFile, host);
    await places.check('logFile');
    const report = await openJobReport(host, quiet, log);
    const interrupt = openInterrupt(host, report.say);
    const view = isViewed === true ? await openRunView(jobOptions, host, report.say) : null;
    const consent = {
      isGiven:
        [jobOptions.maxCost, jobOptions.maxCostNow].some((cap) => cap !== undefined) || options.yes === true,
      canAsk: host.canAsk && input !== '-',
      quiet,
    };
    try {
      const summary = await enrich(jobOptions, {
        onEvent(event) {
          report.onEvent(event);
          view?.onEvent(event);
        },
        confirm(quote) {
          report.pause();
          return confirmQuote(quote, consent, host, interrupt);
        },
        ...(consent.canAsk
          ? {
              confirmDoubt(doubt) {
                report.pause();
                return confirmDoubt(doubt, host, interrupt);
              },
              confirmNothingFound(job) {
                report.pause();
                return confirmNothingFound(job, host, interrupt);
              },
            }
          : {}),
        withValues: logValues === true,
        mayKeepOutput: log === null,
        otherFiles,
        signal: interrupt.signal,
      });
      report.finish(summary);
      if (json) host.print(`${JSON.stringify(createSummaryRecord(summary))}\n`);
      interrupt.close();
      if (!interrupt.signal.aborted) await view?.showUntilEnd();
      return resolveJobCode(summary);
    } catch (error) {
      if (!interrupt.hasCaused(error)) {
        report.fail(error);
        throw error;
      }
      const message = 'Interrupted before anything was sent';
      report.fail(new RowfillError('busy', 'INTERRUPTED', message));
      host.say(`${message}.`);
      if (json) printErrorRecord({ code: 'INTERRUPTED', message, hint: null }, host);
      return EXIT_CODES.interrupted;
    } finally {
      interrupt.close();
      await view?.close();
      report.close();
    }
  },
});

/** Loaded on demand: most jobs are not viewed. */
async function openRunView(
  { input, ledger }: Pick<EnrichOptions, 'input' | 'ledger'>,
  host: Host,
  say: (text: string) => void,
) {
  const { RunView } = await import('../show-view.js');
  return new RunView(input, ledger ?? chooseLedger(host.env, undefined), host, say);
}
