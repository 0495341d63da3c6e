import { isIP } from 'node:net';
import { createUsageError, describeError, type RowfillError } from '../errors.js';
import { systemClock } from '../model/clock.js';
import { formatMicros } from '../model/money.js';
import type { EventStream } from './event-stream.js';
import { createHttpApp } from './http-app.js';
import { MemoryRunStore } from './memory-run-store.js';
import { createGatewayError } from './refusal.js';
import { createPrice } from './rehearsal/create-price.js';
import { FaultScript } from './rehearsal/fault-script.js';
import { RehearsedAgent } from './rehearsal/rehearsed-agent.js';
import type { LimitStep, Rehearsal } from './rehearsal/resolve-rehearsal.js';
import {
  type ResolvedServerOptions,
  resolveServerOptions,
  type ServerOptions,
} from './resolve-server-options.js';
import { resolveTeam } from './resolve-team.js';
import { addRoutes } from './routes.js';
import { RunEngine } from './run-engine.js';
import { SqliteRunStore } from './run-store.js';
import { StartRate } from './start-rate.js';
import type { RunStore } from './store-contract.js';
import { type ServerReport, Tally } from './tally.js';

export { CONTRACTS, type Contract } from './contract.js';
export { type Rehearsal, type RehearsalOptions, resolveRehearsal } from './rehearsal/resolve-rehearsal.js';
export type { ServerOptions } from './resolve-server-options.js';
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
    readMaxActive: () => readLimit(rehearsal?.limits ?? [], tally.created) ?? settings.maxActiveRuns,
    runTimeoutMs: settings.runTimeoutMs,
    longRunTimeoutMs: settings.runTimeoutMs * 3,
    priceRun: rehearsal?.price === true ? createPrice(rehearsal.seed) : null,
    tally,
  });
  const app = createHttpApp([...settings.allowedHosts, ...readOwnName(settings.host)]);
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
function readOwnName(host: string): string[] {
  return isIP(host) === 0 ? [host] : [];
}

function readLimit(limits: readonly LimitStep[], created: number): number | undefined {
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
