import { createReferenceAgent } from '../../agents/reference/reference-agent.js';
import { createUsageError } from '../../errors.js';
import { guardPlaces } from '../../job/check-places.js';
import { findLedgerPath } from '../../ledger/ledger.js';
import { readFaults } from '../../server/rehearsal/fault.js';
import {
  CONTRACTS,
  type Rehearsal,
  type RunningServer,
  resolveRehearsal,
  type ServerOptions,
  startServer,
} from '../../server/start-server.js';
import { type CommandArgs, createCommand } from '../command.js';
import type { Host } from '../host.js';
import { EXIT_CODES } from '../report-error.js';

const REHEARSAL = 'Rehearsal: play a paid service, in play money';
/** A process that does nothing else can keep more than a server inside a job. */
const MAX_STORED_BYTES = 256 * 1024 * 1024;

const OPTIONS = {
  reference: { kind: 'text', value: 'DIR', about: 'The folder of tables that answers.' },
  host: { kind: 'text', value: 'ADDRESS', about: 'The interface to listen on.', fallback: '127.0.0.1' },
  port: { kind: 'integer', value: 'N', about: 'The port to listen on.', fallback: 'any free one' },
  allowHost: {
    kind: 'list',
    value: 'NAME',
    about: 'Host names that requests may use besides IP addresses, such as rowfill.internal.',
    fallback: 'localhost',
  },
  contract: {
    kind: 'text',
    value: 'NAME',
    about: 'The API of 2026-05-07 to the letter, or current: with what came since.',
    fallback: '2026-05-07',
  },
  store: {
    kind: 'text',
    value: 'FILE',
    about: 'Keep runs in this SQLite file, so that they survive a restart.',
    fallback: 'in memory',
  },
  maxActive: { kind: 'integer', value: 'N', about: 'Active runs of one key.', fallback: '50' },
  startsPerSecond: {
    kind: 'number',
    value: 'S',
    about: 'Runs that one key may start a second.',
    fallback: 'no limit',
  },
  latency: {
    kind: 'text',
    value: 'TIME',
    about: 'How long runs take: 2s, 2s..90s, uniform:2s..90s or median:2s,sigma:0.5.',
    group: REHEARSAL,
  },
  price: { kind: 'switch', about: 'Bill runs by the price list of the hosted service.', group: REHEARSAL },
  faults: {
    kind: 'text',
    value: 'FILE',
    about: 'Play the faults scripted in this JSON file.',
    group: REHEARSAL,
  },
  seed: {
    kind: 'text',
    value: 'TEXT',
    about: 'The same seed plays the same.',
    fallback: 'rowfill',
    group: REHEARSAL,
  },
} as const;

/** `rowfill serve`: the Agent Runs API on this machine, until it is told to stop. */
export const serve = createCommand({
  about:
    'Serves the Agent Runs API on this machine and answers from the tables in DIR.\n' +
    'The first line on standard output is its address. Off loopback it needs a key, in ROWFILL_SERVE_KEY.',
  options: OPTIONS,
  examples: [
    {
      line: 'rowfill serve --reference ./tables --port 8080',
      about: 'then: rowfill run … --api-url http://127.0.0.1:8080',
    },
    {
      line: 'rowfill serve --reference ./tables --latency 2s..90s --price --faults faults.json',
      about: 'a rehearsal of a paid job; curl ADDRESS/__rehearsal tells what was billed and played',
    },
  ],
  async run(args, host) {
    const options = await resolveOptions(args, host);
    const server = await startServer(options);
    host.print(`${server.url}\n`);
    introduce(options, host);
    await waitForEnd(host, server);
    return EXIT_CODES.done;
  },
});

async function resolveOptions(args: CommandArgs<typeof OPTIONS>, host: Host): Promise<ServerOptions> {
  const {
    reference,
    host: address,
    port,
    allowHost,
    contract,
    store,
    maxActive,
    startsPerSecond,
  } = args.options;
  if (reference === undefined) {
    throw createUsageError(
      'NO_REFERENCE',
      'serve needs the tables that it answers from',
      'Add --reference DIR, a folder of CSV, TSV, JSONL or JSON tables.',
    );
  }
  await guardPlaces({ reference, store, ledger: findLedgerPath(host.env) });
  const key = host.env.ROWFILL_SERVE_KEY;
  return {
    agent: await createReferenceAgent(reference),
    rehearsal: await resolveRehearsed(args),
    maxStoredBytes: MAX_STORED_BYTES,
    ...(address === undefined ? {} : { host: address }),
    ...(port === undefined ? {} : { port }),
    ...(allowHost === undefined ? {} : { allowedHosts: allowHost }),
    ...(contract === undefined ? {} : { contract: parseContract(contract) }),
    ...(store === undefined ? {} : { storePath: store }),
    ...(maxActive === undefined ? {} : { maxActiveRuns: maxActive }),
    ...(startsPerSecond === undefined ? {} : { startsPerSecond }),
    ...(key === undefined || key === '' ? {} : { key }),
  };
}

async function resolveRehearsed(args: CommandArgs<typeof OPTIONS>): Promise<Rehearsal | null> {
  const { latency, price, faults, seed } = args.options;
  if (latency === undefined && price !== true && faults === undefined) return null;
  return resolveRehearsal({
    price: price === true,
    ...(latency === undefined ? {} : { latency }),
    ...(faults === undefined ? {} : { faults: await readFaults(faults) }),
    ...(seed === undefined ? {} : { seed }),
  });
}

function parseContract(text: string) {
  const contract = CONTRACTS.find((known) => known === text);
  if (contract !== undefined) return contract;
  throw createUsageError(
    'UNKNOWN_CONTRACT',
    `--contract ${text} is not a contract`,
    `Use one of ${CONTRACTS.join(', ')}.`,
  );
}

function introduce(options: ServerOptions, host: Host): void {
  host.say(options.agent.description);
  if (options.rehearsal != null) {
    host.say('This is a rehearsal: costs are play money. GET /__rehearsal tells what was billed and played.');
  }
  host.say('Stop it with Ctrl-C.');
}

/** Waits for the first interrupt, then closes; a second one leaves at once. */
async function waitForEnd(host: Host, server: RunningServer): Promise<void> {
  let close = (): void => {};
  await new Promise<void>((resolve) => {
    let isStopping = false;
    close = host.onInterrupt(() => {
      if (isStopping) host.exit(EXIT_CODES.interrupted);
      isStopping = true;
      resolve();
    });
  });
  await server.close();
  close();
}
