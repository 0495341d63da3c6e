import { createUsageError } from '../../errors.js';
import { isStandardInput } from '../../model/read-file.js';
import { findJob } from '../../view/find-job.js';
import { type RemoteOptions, serveView } from '../../view/serve-view.js';
import { createCommand } from '../command.js';
import type { Host } from '../host.js';
import { chooseLedger, LEDGER_OPTION, openNamedLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';
import { resolveAgentOptions } from '../run-options.js';
import { openView, waitForInterrupt } from '../show-view.js';

/** `rowfill view`: the spreadsheet of a job in the browser, until Ctrl-C. */
export const view = createCommand({
  about:
    'Opens a job in the browser: watch it fill, filter and search its rows, look at sources, correct values, and ask rows ' +
    'again. JOB is a job id or the start of one, FILE an input or output; without either it opens the newest job.\n' +
    'It answers on this machine only, unless --allow-remote is set. Values that you change are kept in the ledger, and no run replaces them. Asking ' +
    'again shows the price first.',
  options: {
    input: {
      kind: 'text',
      value: 'FILE',
      about: 'Path of the input, if it was moved or the job read standard input.',
      fallback: 'the input of the job',
    },
    noOpen: { kind: 'switch', about: 'Only print the address, on the first line of standard output.' },
    port: { kind: 'integer', value: 'N', about: 'The port to listen on.', fallback: 'any free one' },
    allowRemote: {
      kind: 'text',
      value: 'ADDRESS',
      about:
        'Let other machines in: listen on this address of the machine, or on 0.0.0.0 for all of them. Needs a key in ' +
        'ROWFILL_VIEW_KEY, which the page asks for. Traffic is not encrypted.',
    },
    allowHost: {
      kind: 'list',
      value: 'NAME',
      about: 'With --allow-remote, host names to accept in requests, besides IP addresses.',
      fallback: 'localhost',
    },
    readOnly: {
      kind: 'switch',
      about: 'Turn off edits and new runs. Without a key, new runs are off anyway.',
    },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill view', about: 'opens the newest job' },
    { line: 'rowfill view companies.csv', about: 'opens the last job on that file' },
    {
      line: 'rowfill view j_0f3a --no-open --port 8080 --read-only',
      about: 'prints the address, for ssh -L 8080:127.0.0.1:8080',
    },
  ],
  async run({ operands: [wanted], options }, host) {
    const ledgerPath = chooseLedger(host.env, options.ledger);
    const ledger = await openNamedLedger(host, ledgerPath, true);
    const job = await findJob(ledger, wanted).finally(() => ledger.close());
    if (isStandardInput(job.input) && options.input === undefined) {
      throw createUsageError(
        'INPUT_NOT_KEPT',
        `job ${job.id} read standard input, which is not kept`,
        'If you have the same rows in a file, name it with --input FILE.',
      );
    }
    const agent = resolveAgentOptions(host.env);
    const remote = resolveRemote(options, host.env);
    const server = await serveView({
      job: job.id,
      input: options.input,
      ledger: ledgerPath,
      port: options.port,
      isReadOnly: options.readOnly === true,
      remote,
      agent,
    });
    host.print(`${server.url}\n`);
    // A browser on this machine would have to enter the key, too.
    const isOpened = options.noOpen !== true && remote === undefined;
    const close = openView(server, ledgerPath, isOpened, host);
    if (remote !== undefined) host.say(EXPOSED);
    host.say(`Showing job ${server.jobId}. Stop with Ctrl-C.`);
    await waitForInterrupt(host);
    await close();
    return EXIT_CODES.done;
  },
});

const EXPOSED =
  'Other machines can reach this view, and the page asks for the key in ROWFILL_VIEW_KEY. Traffic is not encrypted: whoever can ' +
  'read it sees the rows and the key, and who has the key can change values and ask rows again at your expense, unless the ' +
  'view is --read-only. Use an https proxy in front of this server, or a tunnel such as ssh -L.';

function resolveRemote(
  { allowRemote, allowHost }: { readonly allowRemote?: string; readonly allowHost?: readonly string[] },
  env: Host['env'],
): RemoteOptions | undefined {
  if (allowRemote !== undefined)
    return { host: allowRemote, key: env.ROWFILL_VIEW_KEY, allowedHosts: allowHost };
  if (allowHost === undefined) return undefined;
  throw createUsageError(
    'BAD_OPTION',
    '--allow-host is for a view that other machines can reach',
    'Add --allow-remote ADDRESS, or leave it out.',
  );
}
