import { formatInOrder } from '../../model/key-order.js';
import { plan as planJob } from '../../plan.js';
import { createCommand } from '../command.js';
import { cleanText, readScreen } from '../host.js';
import { createPlanRecord, formatPlan } from '../plan-report.js';
import { EXIT_CODES } from '../report-error.js';
import {
  INPUT_OPTIONS,
  JOB_OPTIONS,
  parseFormat,
  REPORT,
  RESULT_OPTIONS,
  resolveJobOptions,
  WORKERS_OPTION,
} from '../run-options.js';

/** `rowfill plan`: shows what `run` would do with the same options. */
export const plan = createCommand({
  about:
    'Shows what rowfill run would do with the same options: the first rows as they would be sent, the number of rows and ' +
    'runs, and the cost. It sends nothing, spends nothing and writes nothing, and needs no key.\n' +
    'It accepts every option of run: replace run with plan to see what a command would do.',
  options: {
    ...JOB_OPTIONS,
    ...RESULT_OPTIONS,
    ...INPUT_OPTIONS,
    workers: {
      ...WORKERS_OPTION.workers,
      about: 'Check that workers can do the job. The plan is the same.',
    },
    view: { kind: 'switch', group: REPORT, about: 'No effect: only run opens the browser.' },
    request: { kind: 'switch', group: REPORT, about: 'Show the first request in full.' },
    json: { kind: 'switch', group: REPORT, about: 'Print the plan as one JSON object instead of text.' },
  },
  examples: [
    {
      line: 'rowfill plan companies.csv -r companies.recipe.yaml',
      about: 'shows what the job of a recipe would send and cost',
    },
    {
      line: 'rowfill plan companies.csv -s fields.json --send company,domain',
      about: 'shows what the job would send and cost',
    },
    {
      line: 'rowfill plan companies.csv -s fields.json --effort low,high --json',
      about: 'the same with several effort levels, for a script',
    },
  ],
  async run({ operands: [input = ''], options }, host) {
    // Options for the messages of `run` have no effect here.
    const {
      json = false,
      request = false,
      format,
      quiet: _quiet,
      logFile: _logFile,
      logValues: _logValues,
      view: _view,
      workers,
      ...job
    } = options;
    const result = await planJob({
      ...(await resolveJobOptions(input, job, host)),
      ...parseFormat(format),
      ...(workers === true ? { workers } : {}),
    });
    if (json) host.print(`${formatInOrder(createPlanRecord(result))}\n`);
    else {
      // Not wrapped, so that it can be copied.
      if (request) host.print(`${host.hide(cleanText(formatInOrder(result.firstRequest, 2)))}\n`);
      for (const line of formatPlan(result, readScreen(host.stdout))) host.tell(...line);
    }
    return EXIT_CODES.done;
  },
});
