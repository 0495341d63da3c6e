import { isIP } from 'node:net';
import type { Agent } from '../agents/agent.js';
import { createUsageError, describeSystemError, type RowfillError } from '../errors.js';
import { systemClock, type Timers } from '../model/clock.js';
import { formatMicros } from '../model/format.js';
import { checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { releaseFiles } from '../model/release-files.js';
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

/** A running server. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:43117`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Counts of runs created, requests refused, amounts billed and faults injected since the start. */
  report(): ServerReport;
  /**
   * Stops listening, ends open streams and abandons active runs. A server with a store resumes them after a
   * restart.
   */
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
    await releaseFiles();
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
    onFailure: settings.onFailure,
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
    if (settings.storePath !== null) await releaseFiles();
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

/** Adds an endpoint that reports what the rehearsal has billed and injected. */
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

/**
 * The host name that the server listens on is also accepted in requests, because it is in the printed URL.
 */
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
    `Cannot listen on ${settings.host} port ${settings.port}: ${describeSystemError(error)}`,
    'Choose another port, or 0 for any free one.',
    error,
  );
}

/** Options of the server. */
export interface ServerOptions {
  /** Agent that answers the runs. */
  readonly agent: Agent;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0: any free port. @default 0 */
  readonly port?: number;
  /**
   * Accepted host names in addition to `localhost` and IP addresses. Others are refused with 403. @default []
   */
  readonly allowedHosts?: readonly string[];
  /** API version: exactly as documented on 2026-05-07, or with later additions. @default 2026-05-07 */
  readonly contract?: Contract;
  /**
   * The only accepted key. Required unless on loopback. Without it, every key is accepted as its own team.
   */
  readonly key?: string;
  /** SQLite file that keeps runs across restarts; null: in memory. @default null */
  readonly storePath?: string | null;
  /**
   * Without a store: maximum size of runs in memory. Beyond it, the oldest ended runs are dropped. @default
   * 32 MiB
   */
  readonly maxStoredBytes?: number;
  /** Maximum number of active runs per team. @default 50 */
  readonly maxActiveRuns?: number;
  /** Maximum number of runs started per second and team; 0 for no limit. @default 0 */
  readonly startsPerSecond?: number;
  /**
   * Time limit of a run, in milliseconds; three times that for the effort ultra. @default 3,600,000: one hour
   */
  readonly runTimeoutMs?: number;
  /** Simulates a paid service with delays, prices and faults; created by `resolveRehearsal`. @default null */
  readonly rehearsal?: Rehearsal | null;
  /** Called when the agent throws, with the run's id and the reason. @default nothing is called */
  readonly onFailure?: (runId: string, reason: string) => void;
  /** Idle time before a stream sends a keep-alive, in milliseconds. @default 15,000 */
  readonly keepAliveMs?: number;
  /** @default the clock of this machine */
  readonly clock?: Timers;
}

interface ResolvedServerOptions extends Required<Omit<ServerOptions, 'key'>> {
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
  onFailure: () => undefined,
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
  onFailure: 'function',
  keepAliveMs: 'number',
  clock: 'object',
};

/** Maximum timer delay of Node, divided by three, because long runs have three times the limit. */
const MAX_RUN_TIMEOUT_MS = 700_000_000;

/** Fills in defaults and validates the options. Throws a usage error with the reason. */
function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  checkOptionTypes('startServer', options, TYPES, ['agent']);
  const settings = { ...DEFAULTS, ...options, key: options.key?.trim() ?? null };
  if (!CONTRACTS.includes(settings.contract)) {
    throw createOptionError('contract', settings.contract, `Use one of ${CONTRACTS.join(', ')}.`);
  }
  if (settings.key !== null && settings.key === '') {
    throw createOptionError('key', '', 'Set a non-empty key, or leave it out.');
  }
  if (settings.key === null && !isLoopback(settings.host)) {
    throw createUsageError(
      'SERVE_KEY_NEEDED',
      `Serving on ${settings.host} requires a key: other machines can reach that address.`,
      'Set a key, a long random text (ROWFILL_SERVE_KEY; in a program, the option key), or serve on 127.0.0.1.',
    );
  }
  if (settings.storePath === ':memory:' || settings.storePath === '') {
    throw createOptionError(
      'storePath',
      settings.storePath,
      'Set a file path, or leave it out to keep runs in memory.',
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
      'Use a number of at least 0; 0 means no limit.',
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
