import { isIP } from 'node:net';
import type { Agent } from '../agents/agent.js';
import { createUsageError, describeError, type RowfillError } from '../errors.js';
import { systemClock, type Timers } from '../model/clock.js';
import { formatMicros } from '../model/format.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { CONTRACTS, type Contract } from './contract.js';
import type { EventStream } from './event-stream.js';
import { createHttpApp } from './http-app.js';
import { createGatewayError } from './refusal.js';
import { createPrice } from './rehearsal/create-price.js';
import { FaultScript } from './rehearsal/fault.js';
import { RehearsedAgent } from './rehearsal/rehearsed-agent.js';
import type { LimitStep, Rehearsal } from './rehearsal/resolve-rehearsal.js';
import { resolveTeam } from './resolve-page.js';
import { addRoutes } from './routes.js';
import { RunEngine } from './run-engine.js';
import { SqliteRunStore } from './run-store.js';
import { MemoryRunStore, type RunStore } from './store-contract.js';
import { type ServerReport, StartRate, Tally } from './tally.js';

export { CONTRACTS, type Contract } from './contract.js';
export { type Rehearsal, type RehearsalOptions, resolveRehearsal } from './rehearsal/resolve-rehearsal.js';
export type { ServerReport } from './tally.js';

/** A server that listens, until it is closed. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:43117`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** What was created, refused, billed and played since the start. */
  report(): ServerReport;
  /** Stops listening, ends the open streams and lets go of the runs; a server with a store takes them up again. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2_000;

/** Serves the Agent Runs API on this machine. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const settings = resolveServerOptions(options);
  const store = openStore(settings);
  try {
    return await startWithStore(settings, store);
  } catch (error) {
    store.close();
    throw error;
  }
}

async function startWithStore(settings: ResolvedServerOptions, store: RunStore): Promise<RunningServer> {
  const { clock, contract } = settings;
  const tally = new Tally();
  const streams = new Set<EventStream>();
  const { rehearsal } = settings;
  const isPlayed = rehearsal !== null && (rehearsal.latency !== null || rehearsal.faults.length > 0);
  const script = isPlayed ? new FaultScript(rehearsal.seed, rehearsal.faults, tally) : null;
  const engine = new RunEngine({
    agent:
      script === null || rehearsal === null
        ? settings.agent
        : new RehearsedAgent(settings.agent, rehearsal, script, clock),
    store,
    clock,
    contract,
    readMaxActive: () => findLimit(rehearsal?.limits ?? [], tally.created) ?? settings.maxActiveRuns,
    runTimeoutMs: settings.runTimeoutMs,
    longRunTimeoutMs: settings.runTimeoutMs * 3,
    priceRun: rehearsal?.price === true ? createPrice(rehearsal.seed) : null,
    tally,
  });
  const app = createHttpApp([...settings.allowedHosts, ...listOwnNames(settings.host)]);
  let closing: Promise<void> | null = null;
  app.addHook('onRequest', async (request) => {
    if (closing === null) return;
    throw createGatewayError(503, 'SERVICE_OVERLOADED', 'The server is closing.', request.id);
  });
  addRoutes(app, {
    engine,
    store,
    clock,
    contract,
    acceptedKey: settings.key,
    startRate: new StartRate(settings.startsPerSecond, clock),
    keepAliveMs: settings.keepAliveMs,
    tally,
    script,
    streams,
  });
  if (rehearsal !== null) addReport(app, settings, rehearsal, tally);
  const port = await listen(app, settings);
  engine.resume();
  const close = async (): Promise<void> => {
    engine.close();
    for (const stream of streams) stream.end();
    const cancelTimer = systemClock.schedule(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
    await app.close();
    cancelTimer();
    store.close();
  };
  return {
    url: `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    port,
    report: () => tally.report(),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function openStore(settings: ResolvedServerOptions): RunStore {
  return settings.storePath === null
    ? new MemoryRunStore(settings.maxStoredBytes)
    : new SqliteRunStore(settings.storePath, settings.contract);
}

/** Lets anyone who may use the server see what the rehearsal has billed and played. */
function addReport(
  app: ReturnType<typeof createHttpApp>,
  settings: ResolvedServerOptions,
  rehearsal: Rehearsal,
  tally: Tally,
): void {
  app.get('/__rehearsal', async (request) => {
    if (settings.key !== null) resolveTeam(request.headers, settings.key);
    const report = tally.report();
    return { seed: rehearsal.seed, ...report, billedDollars: formatMicros(report.billedMicros) };
  });
}

/** A name to listen on is a name to be called by: it is in the address that the server prints. */
function listOwnNames(host: string): string[] {
  return isIP(host) === 0 ? [host] : [];
}

function findLimit(limits: readonly LimitStep[], created: number): number | undefined {
  return limits.findLast((step) => created >= step.afterRuns)?.maxActiveRuns;
}

async function listen(
  app: ReturnType<typeof createHttpApp>,
  settings: ResolvedServerOptions,
): Promise<number> {
  try {
    await app.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    throw createListenError(settings, error);
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : settings.port;
}

function createListenError(settings: ResolvedServerOptions, error: unknown): RowfillError {
  return createUsageError(
    'CANNOT_LISTEN',
    `Cannot listen on ${settings.host} port ${settings.port}: ${describeError(error)}`,
    'Choose another port, or 0 for any free one.',
    error,
  );
}

/** Where the server listens, what answers, and within which limits. */
export interface ServerOptions {
  /** What answers the runs. */
  readonly agent: Agent;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0: any free port. @default 0 */
  readonly port?: number;
  /** Host names to answer to besides `localhost` and IP addresses; others are refused with 403. @default [] */
  readonly allowedHosts?: readonly string[];
  /** The pages of 2026-05-07 to the letter, or with what came since. @default 2026-05-07 */
  readonly contract?: Contract;
  /** The only key that is let in; needed off loopback. Without it every key is let in, each as a team of its own. */
  readonly key?: string;
  /** The SQLite file that keeps runs over a restart; null: in memory. @default null */
  readonly storePath?: string | null;
  /** Without a store: the text that is kept in memory before the oldest ended runs are forgotten. @default 32 MiB */
  readonly maxStoredBytes?: number;
  /** How many runs of one team may be active. @default 50 */
  readonly maxActiveRuns?: number;
  /** How many runs a team may start a second; 0: as many as it likes. @default 0 */
  readonly startsPerSecond?: number;
  /** How long a run may take; one of the effort ultra has three times as long. @default 3,600,000: one hour */
  readonly runTimeoutMs?: number;
  /** Plays a paid service: delays, prices, faults; made by `resolveRehearsal`. @default null */
  readonly rehearsal?: Rehearsal | null;
  /** The silence after which a stream says that it is alive. @default 15,000 */
  readonly keepAliveMs?: number;
  /** @default the clock of this machine */
  readonly clock?: Timers;
}

export interface ResolvedServerOptions extends Required<Omit<ServerOptions, 'key'>> {
  readonly key: string | null;
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  allowedHosts: [],
  contract: '2026-05-07',
  storePath: null,
  maxStoredBytes: 32 * 1024 * 1024,
  maxActiveRuns: 50,
  startsPerSecond: 0,
  runTimeoutMs: 3_600_000,
  rehearsal: null,
  keepAliveMs: 15_000,
  clock: systemClock,
} as const;

const TYPES: OptionTypes<ServerOptions> = {
  agent: 'object',
  host: 'text',
  allowedHosts: 'texts',
  port: 'number',
  contract: 'text',
  key: 'secret',
  storePath: 'text or null',
  maxStoredBytes: 'number',
  maxActiveRuns: 'number',
  startsPerSecond: 'number',
  runTimeoutMs: 'number',
  rehearsal: 'object or null',
  keepAliveMs: 'number',
  clock: 'object',
};

/** The longest time that a timer of this platform can wait, divided by the three of a long run. */
const MAX_RUN_TIMEOUT_MS = 700_000_000;

/** Fills in the defaults and refuses what cannot work, each with its reason. */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  checkOptionTypes('startServer', options, TYPES, ['agent']);
  const settings = { ...DEFAULTS, ...options, key: options.key ?? null };
  if (!CONTRACTS.includes(settings.contract)) {
    throw createOptionError('contract', settings.contract, `Use one of ${CONTRACTS.join(', ')}.`);
  }
  if (settings.key !== null && settings.key.trim() === '') {
    throw createOptionError('key', '', 'Give a key that is not empty, or none.');
  }
  if (settings.key === null && !isLoopback(settings.host)) {
    throw createUsageError(
      'SERVE_KEY_NEEDED',
      `Serving on ${settings.host} needs a key: other machines can reach that address.`,
      'Set ROWFILL_SERVE_KEY to a long random text, or serve on 127.0.0.1.',
    );
  }
  if (settings.storePath === ':memory:' || settings.storePath === '') {
    throw createOptionError(
      'storePath',
      settings.storePath,
      'Name a file, or leave it out to keep runs in memory.',
    );
  }
  checkWhole('port', settings.port, 0, 65_535);
  checkWhole('maxStoredBytes', settings.maxStoredBytes, 1, Number.MAX_SAFE_INTEGER);
  checkWhole('maxActiveRuns', settings.maxActiveRuns, 1, 100_000);
  checkWhole('runTimeoutMs', settings.runTimeoutMs, 1, MAX_RUN_TIMEOUT_MS);
  checkWhole('keepAliveMs', settings.keepAliveMs, 1, MAX_RUN_TIMEOUT_MS);
  if (!(settings.startsPerSecond >= 0 && settings.startsPerSecond <= 100_000)) {
    throw createOptionError(
      'startsPerSecond',
      settings.startsPerSecond,
      'Use a number from 0 (no limit) on.',
    );
  }
  return settings;
}

function checkWhole(name: string, value: number, lowest: number, highest: number): void {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return;
  throw createOptionError(name, value, `Use a whole number from ${lowest} to ${highest}.`);
}

function createOptionError(name: string, value: unknown, hint: string) {
  return createUsageError(
    'BAD_SERVER_OPTION',
    `The server option ${name} cannot be ${JSON.stringify(value)}.`,
    hint,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
