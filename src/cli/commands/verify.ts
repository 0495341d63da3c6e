import { createUsageError } from '../../errors.js';
import { formatCount, formatNumber } from '../../model/format.js';
import type { JsonObject } from '../../model/json.js';
import { ARCHIVE_URL } from '../../pages/archive.js';
import { type VerifySummary, verifyJob } from '../../verify.js';
import { createCommand } from '../command.js';
import { confirmQuote } from '../confirm.js';
import { readColumns } from '../host.js';
import { openInterrupt } from '../interrupt.js';
import { chooseLedger, choosePageFolder, LEDGER_OPTION } from '../ledger-option.js';
import { EXIT_CODES, printErrorRecord, resolveJobCode } from '../report-error.js';
import { JOB_OPTIONS, resolveAgentOptions } from '../run-options.js';
import { createSummaryRecord } from '../summary.js';
import { formatShare, formatVerifySummary } from '../verify-report.js';

/** Width of a table that is not for a terminal. */
const WIDTH = 120;
const MONEY = 'Asking again';
const PROGRESS_MS = 5_000;
const STOPPED = 'Stopping. Verdicts so far are kept; run the command again to continue.';

/** `rowfill verify`: checks the citations of a job. */
export const verify = createCommand({
  about:
    'Opens every page that the answers of a job cite, looks for each value there, and writes the output again with the ' +
    'columns FIELD_verdict and FIELD_passage_url. It needs no key and costs nothing. If it is interrupted, run it again to continue: ' +
    'pages are kept, and not fetched twice.\n' +
    'A value on its page may be wrong, and a value not found there may be right. docs/verify.md explains each verdict.',
  options: {
    input: {
      kind: 'text',
      value: 'FILE',
      about: 'Path of the input, if it was moved or the job read standard input.',
      fallback: 'the input of the job',
    },
    sample: { kind: 'integer', value: 'N', about: 'Check N rows only, spread over the file.' },
    fields: { kind: 'list', value: 'NAMES', about: 'Check only these fields, separated by commas.' },
    maxAge: {
      kind: 'text',
      value: 'AGE',
      about: 'Check again what was checked longer ago than this.',
      fallback: '30d',
    },
    fetchPrivate: {
      kind: 'texts',
      value: 'HOST[:PORT]',
      about:
        'Also fetch pages of this host in a private network, or of a range such as 10.0.0.0/8. Without it, only public hosts are fetched.',
    },
    hostDelay: {
      kind: 'text',
      value: 'TIME',
      about: 'Pause between two requests to the same site.',
      fallback: '1s',
    },
    archive: {
      kind: 'switch',
      about: 'Look for a copy of pages that are gone at archive.org, which learns their addresses.',
    },
    failBelow: {
      kind: 'number',
      value: 'SHARE',
      about: `End with exit code ${EXIT_CODES.endedEarly} if less than this share of the values is on the cited pages, such as 0.9.`,
    },
    escalate: {
      kind: 'switch',
      group: MONEY,
      about:
        'Then ask the agent again, at the next effort, for the values that are not on a page that they cite. This costs money.',
    },
    maxCost: {
      kind: 'dollars',
      value: 'USD',
      group: MONEY,
      about: 'With --escalate, the job may cost this much in all, with what it has cost before.',
    },
    yes: {
      kind: 'switch',
      alias: 'y',
      group: MONEY,
      about: 'With --escalate, start without asking, whatever it costs.',
    },
    insecureHttp: { ...JOB_OPTIONS.insecureHttp, group: MONEY },
    json: { kind: 'switch', about: 'Print the summary as JSON on standard output.' },
    quiet: { kind: 'switch', about: 'Print only errors.' },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill verify j_0f3a', about: 'checks every citation of a job' },
    {
      line: 'rowfill verify j_0f3a --sample 100 --fail-below 0.9',
      about: 'checks a hundred rows, as a test for scripts',
    },
    {
      line: 'rowfill verify j_0f3a --fetch-private wiki.corp.example',
      about: 'also opens pages of the company’s own wiki',
    },
    {
      line: 'rowfill verify j_0f3a --escalate --max-cost 5',
      about: 'asks again for values that are not on their pages',
    },
  ],
  async run({ operands: [job = ''], options }, host) {
    const { failBelow, json = false, quiet = false, archive = false, ...rest } = options;
    const isGiven = options.yes === true || options.maxCost !== undefined;
    checkShare(failBelow);
    const say = (text: string): void => {
      if (!quiet) host.say(text);
    };
    const interrupt = openInterrupt(host, () => host.say(STOPPED));
    let saidAtMs = host.now();
    try {
      const summary = await verifyJob(
        {
          ...rest,
          job,
          ledger: chooseLedger(host.env, options.ledger),
          pages: choosePageFolder(host.env),
          ...(archive ? { archive: ARCHIVE_URL } : {}),
          env: host.env,
          ...(options.escalate === true ? resolveAgentOptions(host.env) : {}),
        },
        {
          signal: interrupt.signal,
          onNote: say,
          confirm: (quote) => confirmQuote(quote, { isGiven, canAsk: host.canAsk, quiet }, host, interrupt),
          onProgress({ checked, known, pages }) {
            if (host.now() - saidAtMs < PROGRESS_MS) return;
            saidAtMs = host.now();
            say(
              `${formatCount(checked)} of ${formatNumber(known, 'citation')} checked · ${formatNumber(pages, 'page')}`,
            );
          },
        },
      );
      const { share } = summary.cells;
      const isBelow = failBelow !== undefined && share !== null && share < failBelow;
      if (json) host.print(`${JSON.stringify(createRecord(summary))}\n`);
      for (const line of formatVerifySummary(summary, readColumns(host.stderr) ?? WIDTH)) say(line);
      if (isBelow) host.say(`${formatShare(share)} is below --fail-below ${failBelow}.`);
      const { escalation } = summary;
      const code = escalation === null ? EXIT_CODES.done : resolveJobCode(escalation);
      return code === EXIT_CODES.done && isBelow ? EXIT_CODES.endedEarly : code;
    } catch (error) {
      if (!interrupt.hasCaused(error)) throw error;
      if (json) printErrorRecord({ code: 'INTERRUPTED', message: STOPPED, hint: null }, host);
      return EXIT_CODES.interrupted;
    } finally {
      interrupt.close();
    }
  },
});

function checkShare(share: number | undefined): void {
  if (share === undefined || (share >= 0 && share <= 1)) return;
  throw createUsageError('BAD_OPTION', `--fail-below is ${share}`, 'Use a share from 0 to 1, such as 0.9.');
}

function createRecord(summary: VerifySummary): JsonObject {
  const { jobId, output, cells, columns, hosts, pages, requests, seconds, escalation } = summary;
  return {
    job: jobId,
    output,
    cells: createShareRecord(cells),
    columns: columns.map(createNamedRecord),
    hosts: hosts.map(createNamedRecord),
    pages,
    requests,
    seconds,
    escalation: escalation === null ? null : createSummaryRecord(escalation),
  };
}

function createNamedRecord(share: VerifySummary['cells']): JsonObject {
  return { name: share.name, ...createShareRecord(share) };
}

function createShareRecord({ total, counts, strong, share, interval }: VerifySummary['cells']): JsonObject {
  return {
    total,
    ...counts,
    on_page_strong: strong,
    share_on_page: share,
    interval: interval === null ? null : [...interval],
  };
}
