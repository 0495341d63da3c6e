import { createReferenceAgent } from '../../agents/reference/reference-agent.js';
import { isLoopbackHost } from '../../api/base-url.js';
import { createUsageError } from '../../errors.js';
import { guardPaths } from '../../job/check-paths.js';
import { parseLookUp } from '../../options.js';
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
import { findLedger } from '../ledger-option.js';
import { EXIT_CODES } from '../report-error.js';

const REHEARSAL = 'Rehearsal (simulates a paid service, no real charges)';
/** More than the default, because this process does nothing but serve. */
const MAX_STORED_BYTES = 256 * 1024 * 1024;

const OPTIONS = {
  reference: { kind: 'text', value: 'DIR', about: 'The folder of tables to answer from, or one table.' },
  lookUp: {
    kind: 'list',
    value: 'FIELD=COLUMN',
    about: 'Columns of the tables that answer fields of another name, such as Ort=city.',
  },
  host: {
    kind: 'text',
    value: 'ADDRESS',
    about: 'The network interface to listen on.',
    fallback: '127.0.0.1',
  },
  port: { kind: 'integer', value: 'N', about: 'The port to listen on.', fallback: 'any free one' },
  allowHost: {
    kind: 'list',
    value: 'NAME',
    about: 'Host names to accept in requests, besides IP addresses, such as rowfill.internal.',
    fallback: 'localhost',
  },
  contract: {
    kind: 'text',
    value: 'NAME',
    about: 'API version to serve: 2026-05-07 exactly, or current, with all later changes.',
    fallback: '2026-05-07',
  },
  store: {
    kind: 'text',
    value: 'FILE',
    about: 'Store runs in this SQLite file, so that they survive a restart.',
    fallback: 'in memory',
  },
  maxActive: { kind: 'integer', value: 'N', about: 'Maximum number of active runs per key.', fallback: '50' },
  startsPerSecond: {
    kind: 'number',
    value: 'S',
    about: 'Maximum run starts per second and key.',
    fallback: 'no limit',
  },
  latency: {
    kind: 'text',
    value: 'TIME',
    about: 'How long runs take: 2s, 2s..90s, uniform:2s..90s or median:2s,sigma:0.5.',
    group: REHEARSAL,
  },
  price: { kind: 'switch', about: 'Bill runs at the prices of the hosted service.', group: REHEARSAL },
  faults: {
    kind: 'text',
    value: 'FILE',
    about: 'Inject the faults listed in this JSON file.',
    group: REHEARSAL,
  },
  seed: {
    kind: 'text',
    value: 'TEXT',
    about: 'Seed of the simulation; the same seed gives the same results.',
    fallback: 'rowfill',
    group: REHEARSAL,
  },
} as const;

/** `rowfill serve`: serves the Agent Runs API on this machine until interrupted. */
export const serve = createCommand({
  about:
    'Serves the Agent Runs API on this machine and answers from the tables in DIR.\n' +
    'The first line on standard output is its address. To listen beyond loopback, set a key in ROWFILL_SERVE_KEY.',
  options: OPTIONS,
  examples: [
    {
      line: 'rowfill serve --reference ./tables --port 8080',
      about: 'then: rowfill run … --api-url http://127.0.0.1:8080',
    },
    {
      line: 'rowfill serve --reference ./tables --latency 2s..90s --price --faults faults.json',
      about: 'rehearses a paid job; curl ADDRESS/__rehearsal shows the bill and the injected faults',
    },
  ],
  async run(args, host) {
    const options = await resolveOptions(args, host);
    const onFailure = (runId: string, reason: string): void => host.say(`run ${runId}: ${reason}`);
    for (const { message } of options.agent.notes ?? []) host.say(message);
    const server = await startServer({ ...options, onFailure });
    host.print(`${server.url}\n`);
    introduce(options, host);
    await waitForEnd(host, server);
    return EXIT_CODES.done;
  },
});

async function resolveOptions(args: CommandArgs<typeof OPTIONS>, host: Host): Promise<ServerOptions> {
  const {
    reference,
    lookUp = [],
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
      'serve needs tables to answer from',
      'Add --reference DIR, a folder of CSV, TSV, JSONL or JSON tables.',
    );
  }
  await guardPaths({ reference, store, ledger: findLedger(host.env) });
  const key = host.env.ROWFILL_SERVE_KEY;
  return {
    agent: await createReferenceAgent(reference, [], parseLookUp(lookUp)),
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
    host.say('This is a rehearsal: no real charges. GET /__rehearsal shows what was billed and injected.');
  }
  if (options.host !== undefined && !isLoopbackHost(options.host)) {
    host.say(
      'Traffic is not encrypted. On other machines, rowfill run needs --insecure-http, an https proxy in front of this server, or a tunnel such as ssh -L.',
    );
  }
  host.say('Stop it with Ctrl-C.');
}

/** Waits for the first interrupt, then closes the server; a second one exits immediately. */
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
