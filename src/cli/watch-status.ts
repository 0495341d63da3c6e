import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { createUsageError, describeSystemError, RowfillError } from '../errors.js';
import type { JsonObject } from '../model/json.js';
import { createCallerCheck } from '../server/check-caller.js';
import type { Problem, WatchEvent, WatchInspector } from '../watch.js';
import { removeLeftovers, replaceFile } from '../write/byte-sink.js';
import { identifyFile } from '../write/file-identity.js';
import type { Host } from './host.js';
import { toDollars } from './summary.js';

/** Status of a file in work. */
interface FileStatus {
  readonly sinceMs: number;
  /** Why it waits for a retry; null while it is being filled. */
  readonly problem: Problem | null;
}

/** Current status of a watcher, for monitoring. */
interface WatchStatus {
  readonly phase: 'starting' | 'watching' | 'stopped';
  /** When `state` of the record last changed. */
  readonly sinceMs: number;
  /** The files being filled, and those that wait for a retry, by name. */
  readonly files: ReadonlyMap<string, FileStatus>;
  /** Why no file can be taken now. */
  readonly problem: Problem | null;
  readonly done: number;
  readonly failed: number;
  /** When a file was last filled. */
  readonly lastSuccessMs: number | null;
  /** Amount billed to this watcher on `day`. */
  readonly dayMicros: number;
  /** Local date of `dayMicros`. */
  readonly day: string;
  /** Latest known bill of the job of each file in progress. */
  readonly billed: ReadonlyMap<string, number>;
}

/** Problem codes of normal waits, which do not make the watcher unhealthy. */
const CALM = [
  ...['LEASE_HELD', 'INPUT_CHANGED', 'JOB_FILE_CHANGING', 'RUNS_OPEN', 'CLAIM_LOST'],
  ...['DAY_BUDGET_REACHED', 'DAY_BUDGET_RESERVED'],
];

export function createWatchStatus(nowMs: number): WatchStatus {
  return {
    ...{ phase: 'starting', files: new Map(), sinceMs: nowMs, done: 0, failed: 0, problem: null },
    ...{ lastSuccessMs: null, dayMicros: 0, day: formatDay(nowMs), billed: new Map() },
  };
}

/** Returns the status after an event. */
export function followWatch(before: WatchStatus, event: WatchEvent, nowMs: number): WatchStatus {
  const status = followEvent(followSpend(before, event, nowMs), event, nowMs);
  return findState(status) === findState(before) ? status : { ...status, sinceMs: nowMs };
}

function followEvent(status: WatchStatus, event: WatchEvent, nowMs: number): WatchStatus {
  const files = new Map(status.files);
  const active = { ...status, phase: 'watching', files } as const;
  switch (event.type) {
    case 'watching':
      // Reported once nothing waits, or right at the start.
      for (const [name, { problem }] of files) if (problem !== null) files.delete(name);
      return { ...active, problem: null };
    case 'taken':
      files.delete(event.from);
      files.set(event.file, { sinceMs: nowMs, problem: null });
      return { ...active, problem: null };
    case 'waiting':
      if (event.file === null) return { ...active, problem: event.problem };
      files.set(event.file, { sinceMs: nowMs, problem: event.problem });
      return active;
    case 'done':
      files.delete(event.file);
      return { ...active, done: status.done + 1, lastSuccessMs: nowMs };
    case 'failed':
      files.delete(event.file);
      return { ...active, failed: status.failed + 1 };
    case 'left':
      files.delete(event.file);
      return active;
    case 'stopped':
      return { ...status, phase: 'stopped', files: new Map(), problem: null };
    case 'job':
      // The job is making progress again.
      if (files.get(event.file)?.problem === null) return status;
      files.set(event.file, { sinceMs: nowMs, problem: null });
      return active;
    case 'ignored':
    case 'job_changed':
      return status;
  }
}

/** What the watcher is doing: `filling` while it fills any file, `waiting` if all it has to do must wait. */
function findState({
  phase,
  files,
  problem,
}: WatchStatus): 'starting' | 'watching' | 'filling' | 'waiting' | 'stopped' {
  if (phase === 'stopped') return phase;
  if ([...files.values()].some((file) => file.problem === null)) return 'filling';
  return files.size > 0 || problem !== null ? 'waiting' : phase;
}

/** A problem and the file that waits because of it; null for the folder or the job. */
interface Trouble {
  readonly file: string | null;
  readonly problem: Problem;
}

/** Lists what waits: first problems that may need a person, else in the order of their start. */
function listTroubles({ problem, files }: WatchStatus): readonly Trouble[] {
  const ofFiles = [...files].flatMap(([file, each]) =>
    each.problem === null ? [] : [{ file, problem: each.problem }],
  );
  const all = problem === null ? ofFiles : [{ file: null, problem }, ...ofFiles];
  return all.toSorted((a, b) => Number(isCalm(a)) - Number(isCalm(b)));
}

function isCalm({ problem }: Trouble): boolean {
  return CALM.includes(problem.code);
}

/**
 * Adds the increase of each job's bill since its last event, so that it counts on the day it was billed. A resumed job
 * starts from its earlier cost.
 */
function followSpend(status: WatchStatus, event: WatchEvent, nowMs: number): WatchStatus {
  if (event.type === 'done' || event.type === 'failed' || event.type === 'left') {
    const billed = new Map(status.billed);
    billed.delete(event.file);
    return { ...status, billed };
  }
  if (event.type !== 'job' || event.event.type !== 'progress') return status;
  const { spentMicros } = event.event.progress;
  const before = status.billed.get(event.file);
  if (before === spentMicros) return status;
  return {
    ...status,
    billed: new Map(status.billed).set(event.file, spentMicros),
    dayMicros: getDayMicros(status, nowMs) + spentMicros - (before ?? spentMicros),
    day: formatDay(nowMs),
  };
}

function getDayMicros({ day, dayMicros }: WatchStatus, nowMs: number): number {
  return day === formatDay(nowMs) ? dayMicros : 0;
}

/** The local date as text, for comparison. */
function formatDay(ms: number): string {
  return new Date(ms).toDateString();
}

/** False while a problem that may need a person keeps a file from being filled. */
function isHealthy(status: WatchStatus): boolean {
  return listTroubles(status).every(isCalm);
}

/** Builds the status for the heartbeat file and the health page. `backlog` is null if unknown. */
export function createStatusRecord(status: WatchStatus, backlog: number | null, nowMs: number): JsonObject {
  const { files, sinceMs, done, failed, lastSuccessMs } = status;
  const [trouble] = listTroubles(status);
  return {
    status: isHealthy(status) ? 'ok' : 'trouble',
    time: new Date(nowMs).toISOString(),
    state: findState(status),
    since: new Date(sinceMs).toISOString(),
    files: [...files].map(([file, each]) => ({
      file,
      state: each.problem === null ? 'filling' : 'waiting',
      since: new Date(each.sinceMs).toISOString(),
      ...(each.problem === null ? {} : { code: each.problem.code }),
    })),
    backlog,
    done,
    failed,
    last_success: lastSuccessMs === null ? null : new Date(lastSuccessMs).toISOString(),
    cost_today_usd: toDollars(getDayMicros(status, nowMs)),
    problem:
      trouble === undefined
        ? null
        : { file: trouble.file, code: trouble.problem.code, message: trouble.problem.message },
  };
}

/** Formats the same numbers for Prometheus. Unknown values are omitted, because 0 would be wrong. */
export function createMetrics(status: WatchStatus, backlog: number | null, nowMs: number): string {
  const { files, done, failed, lastSuccessMs } = status;
  const waiting = [...files.values()].filter(({ problem }) => problem !== null).length;
  const metrics: readonly (readonly [string, 'counter' | 'gauge', string, number | null])[] = [
    ['rowfill_healthy', 'gauge', '1 if /healthz answers 200, else 0.', isHealthy(status) ? 1 : 0],
    ['rowfill_backlog_files', 'gauge', 'Files waiting and files in working/.', backlog],
    ['rowfill_filling_files', 'gauge', 'Files being filled now.', files.size - waiting],
    ['rowfill_waiting_files', 'gauge', 'Files that wait for a retry.', waiting],
    ['rowfill_files_done_total', 'counter', 'Files filled since the start.', done],
    ['rowfill_files_failed_total', 'counter', 'Files that failed since the start.', failed],
    [
      ...([
        'rowfill_cost_today_dollars',
        'gauge',
        'Amount billed to this watcher since local midnight.',
      ] as const),
      toDollars(getDayMicros(status, nowMs)),
    ],
    [
      ...(['rowfill_last_success_timestamp_seconds', 'gauge', 'Time when a file was last filled.'] as const),
      lastSuccessMs === null ? null : lastSuccessMs / 1000,
    ],
  ];
  return metrics
    .filter(([, , , value]) => value !== null)
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}

/** Timeout for reading the backlog, so that a hanging network folder does not block the status. */
const BACKLOG_WAIT_MS = 2_000;

/** Reads the backlog of a watcher, one read at a time. Null before its start, or if the folder cannot be read in time. */
export class BacklogReader {
  #inspector: WatchInspector | null = null;
  #pending: Promise<number | null> | null = null;

  start(inspector: WatchInspector): void {
    this.#inspector = inspector;
  }

  async read(): Promise<number | null> {
    if (this.#inspector === null) return null;
    this.#pending ??= this.#inspector
      .countBacklog()
      .catch(() => null)
      .finally(() => {
        this.#pending = null;
      });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), BACKLOG_WAIT_MS);
    });
    return Promise.race([this.#pending, timeout]).finally(() => clearTimeout(timer));
  }
}

const BEAT_MS = 10_000;

interface Heartbeat {
  /** Stops the timer and writes the status one last time. */
  close(): Promise<void>;
}

/**
 * Writes the status to a file now and every ten seconds, so that an old file means a hung process. `checkPath` is called
 * before each write and throws if the path leads to a file that must not be replaced.
 */
export async function openHeartbeat(
  path: string,
  readStatus: () => Promise<JsonObject>,
  host: Host,
  checkPath: () => Promise<void>,
): Promise<Heartbeat> {
  const target = identifyFile(path);
  if (!target.isFile || target.isOpen) throw refuse(path, 'it is not a file');
  let hasFailed = false;
  let beats = Promise.resolve();
  const write = async (): Promise<void> => {
    await checkPath();
    const status = await readStatus();
    await replaceFile(target.path, `${JSON.stringify(status)}\n`);
  };
  const beat = (): Promise<void> => {
    beats = beats.then(write).catch((error: unknown) => {
      // No reason to stop a paid job.
      if (!hasFailed)
        host.say(`The heartbeat ${path} can no longer be written: ${describeSystemError(error)}`);
      hasFailed = true;
    });
    return beats;
  };
  await removeLeftovers(target.path);
  await write().catch((error: unknown) => {
    throw error instanceof RowfillError ? error : refuse(path, describeSystemError(error), error);
  });
  const timer = setInterval(beat, BEAT_MS);
  return {
    close() {
      clearInterval(timer);
      return beat();
    },
  };
}

function refuse(path: string, why: string, cause?: unknown): RowfillError {
  return createUsageError(
    'HEARTBEAT_NOT_WRITABLE',
    `--heartbeat: ${path} cannot be written: ${why}`,
    'Name a file in a writable folder.',
    cause,
  );
}

const LOOPBACK = '127.0.0.1';
/** Others may reach this server, so cap their connections to leave some for the job. */
const MAX_CONNECTIONS = 64;
const JSON_TYPE = 'application/json';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Content of the pages, read for each request. */
interface HealthPages {
  readonly readStatus: () => Promise<JsonObject>;
  readonly readMetrics: () => Promise<string>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Serves `GET /healthz` (the status, with 200 if healthy, else 503) and `GET /metrics`. Answers 403 to web pages from
 * other origins. `address` is `PORT` on loopback, or `HOST:PORT`. `allowedHosts` are host names to accept besides
 * `localhost` and the one in `address`.
 */
export async function openHealthServer(
  address: string,
  pages: HealthPages,
  allowedHosts: readonly string[] = [],
): Promise<{ readonly url: string; close(): void }> {
  const { host, port } = parseHealthAddress(address);
  const checkCaller = createCallerCheck(isIP(host) === 0 ? [...allowedHosts, host] : allowedHosts);
  const server = createServer(async (request, response) => {
    const { status, type, body } = await createAnswer(request, checkCaller(request), pages);
    response.writeHead(status, { 'content-type': type, connection: 'close' });
    response.end(body);
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw refuseAddress(
      `--health: cannot listen on ${host} port ${port}: ${describeSystemError(error)}`,
      error,
    );
  }
  const taken = server.address();
  const place = isIPv6(host) ? `[${host}]` : host;
  return {
    url: `http://${place}:${typeof taken === 'object' && taken !== null ? taken.port : port}/healthz`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Parses `PORT`, `HOST:PORT` or `[IPv6]:PORT`. */
export function parseHealthAddress(text: string): { readonly host: string; readonly port: number } {
  const [, place, digits] = /^(?:(\[[^\]]*\]|[^:]*):)?(\d{1,5})$/.exec(text.trim()) ?? [];
  const port = Number(digits);
  const host = place === undefined ? LOOPBACK : place.replace(/^\[(.*)\]$/, '$1');
  const isBracketed = place?.startsWith('[') === true;
  const isHost = isBracketed ? isIPv6(host) : /^[\w.-]+$/.test(host);
  if (digits !== undefined && port <= 65_535 && isHost) return { host, port };
  throw refuseAddress(`--health is ${text}, which is not a port or an address`);
}

function refuseAddress(message: string, cause?: unknown): RowfillError {
  return createUsageError(
    'HEALTH_PORT',
    message,
    'Give a free port, such as 8099 (0 for any), optionally with an address of this machine, such as 0.0.0.0:8099 or [::]:8099.',
    cause,
  );
}

async function createAnswer(
  request: IncomingMessage,
  refusal: string | null,
  { readStatus, readMetrics }: HealthPages,
): Promise<Answer> {
  if (refusal !== null) return createJson(403, { status: 'refused', message: refusal });
  const path = request.url?.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '');
  if (request.method === 'GET' && path === '/metrics')
    return { status: 200, type: METRICS_TYPE, body: await readMetrics() };
  if (request.method !== 'GET' || path !== '/healthz') return createJson(404, { status: 'not found' });
  const body = await readStatus();
  return createJson(body.status === 'ok' ? 200 : 503, body);
}

function createJson(status: number, body: JsonObject): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}
