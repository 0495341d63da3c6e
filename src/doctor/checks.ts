import { existsSync, statfsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentClient, type AgentClientOptions } from '../api/agent-client.js';
import { AgentError } from '../api/agent-error.js';
import { resolveBaseUrl } from '../api/base-url.js';
import { resolveProxy } from '../api/open-pool.js';
import { describeError, type ErrorKind, RowfillError } from '../errors.js';
import { describeLedgerError } from '../ledger/database-errors.js';
import { openLedger } from '../ledger/ledger.js';
import type { Clock } from '../model/clock.js';
import type { ApiKey } from '../model/option-types.js';

/** How well something works: `warn` is no obstacle. */
export type DiagnosticStatus = 'ok' | 'warn' | 'fail';

/** What one look at the machine or the agent came to. */
export interface Diagnostic {
  readonly check: 'node' | 'ledger' | 'disk' | 'proxy' | 'key' | 'agent' | 'clock';
  readonly status: DiagnosticStatus;
  readonly message: string;
  /** What to do about it; null where all is well, or where another finding says it. */
  readonly fix: string | null;
  /** How a job would end for it; null where it would not. */
  readonly kind: ErrorKind | null;
}

export function createOk(check: Diagnostic['check'], message: string): Diagnostic {
  return { check, status: 'ok', message, fix: null, kind: null };
}

export function createWarning(check: Diagnostic['check'], message: string, fix: string | null): Diagnostic {
  return { check, status: 'warn', message, fix, kind: null };
}

export function createFailure(
  check: Diagnostic['check'],
  message: string,
  fix: string,
  kind: ErrorKind = 'usage',
): Diagnostic {
  return { check, status: 'fail', message, fix, kind };
}

/** The finding that an error amounts to. */
export function createErrorFinding(check: Diagnostic['check'], error: unknown): Diagnostic {
  if (!(error instanceof RowfillError)) {
    return createFailure(
      check,
      describeError(error),
      'Run rowfill doctor --debug, and report what it says.',
      'defect',
    );
  }
  const fix = error.hint ?? `docs/troubleshooting.md tells more about ${error.code}.`;
  return createFailure(check, `${error.message} [${error.code}]`, fix, error.kind);
}

type Environment = Readonly<Record<string, string | undefined>>;

const LEAST_NODE = [20, 19] as const;

/** Whether this Node is new enough. */
export function examineNode(version: string): Diagnostic {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isNew) return createOk('node', `Node ${version}`);
  const message = `Node ${version} is older than ${LEAST_NODE.join('.')}`;
  return createFailure('node', message, 'Install the current long-term version of Node.');
}

/** Whether the ledger can be written in its folder, with its log and its locks, and is not damaged. */
export async function examineLedger(path: string): Promise<Diagnostic> {
  try {
    await tryFolder(dirname(path));
    if (!existsSync(path)) return createOk('ledger', `none yet; the first job makes ${path}`);
    const ledger = openLedger(path);
    try {
      const faults = ledger.check();
      if (faults.length === 0)
        return createOk('ledger', `${path}, ${formatBytes(statSync(path).size)}, sound`);
      const fix =
        'Keep a copy: `sqlite3 ledger.sqlite .recover` can save what is readable. Then move it away, or set ROWFILL_HOME.';
      return createFailure('ledger', `${path} is damaged: ${faults[0]}`, fix);
    } finally {
      ledger.close();
    }
  } catch (error) {
    return createErrorFinding('ledger', error);
  }
}

/** Makes a ledger beside the real one and takes it away again: the real one is for jobs alone. */
async function tryFolder(folder: string): Promise<void> {
  const trial = await mkdtemp(join(findExisting(folder), '.rowfill-doctor-')).catch((error: unknown) => {
    throw describeLedgerError(error, folder);
  });
  try {
    openLedger(join(trial, 'ledger.sqlite')).close();
  } finally {
    await rm(trial, { recursive: true, force: true, maxRetries: 3 });
  }
}

const FEW_BYTES = 512 * 1024 * 1024;
const TOO_FEW_BYTES = 32 * 1024 * 1024;

/** Whether the disk of the ledger has room. */
export function examineDisk(path: string): Diagnostic {
  const folder = findExisting(dirname(path));
  const disk = statfsSync(folder);
  // Some virtual file systems know no sizes.
  if (disk.blocks === 0) return createOk('disk', `${folder} does not say how much is free`);
  const freeBytes = disk.bavail * disk.bsize;
  const message = `${formatBytes(freeBytes)} free at ${folder}`;
  const fix =
    'Free some space, or set ROWFILL_HOME to a folder on another disk; rowfill prune --runs 30d helps too.';
  if (freeBytes < TOO_FEW_BYTES) return createFailure('disk', message, fix);
  return freeBytes < FEW_BYTES ? createWarning('disk', message, fix) : createOk('disk', message);
}

const NAMES = [
  'https_proxy',
  'HTTPS_PROXY',
  'http_proxy',
  'HTTP_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

/** Which proxy the way to the agent takes, and whether certificates are looked at; `origin` is null for an agent of this process. */
export function examineProxy(origin: string | null, isLoopback: boolean, env: Environment): Diagnostic {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    const message = 'NODE_TLS_REJECT_UNAUTHORIZED is 0: anybody on the way can read the key';
    return createWarning(
      'proxy',
      message,
      'Unset it; NODE_EXTRA_CA_CERTS names further certificates to trust.',
    );
  }
  const certificates = env.NODE_EXTRA_CA_CERTS ?? '';
  if (certificates !== '' && !existsSync(certificates)) {
    const message = `NODE_EXTRA_CA_CERTS names ${certificates}, which is not there`;
    return createWarning('proxy', message, 'Correct the path, or unset it.');
  }
  const set = NAMES.filter((name) => (env[name] ?? '') !== '');
  if (set.length === 0) return createOk('proxy', 'none is set');
  if (origin === null || isLoopback) return createOk('proxy', `${set.join(', ')}: not used on this machine`);
  try {
    const proxy = resolveProxy(origin, env);
    return createOk(
      'proxy',
      proxy === null ? `${set.join(', ')}: not for ${origin}` : `by way of ${hidePassword(proxy)}`,
    );
  } catch (error) {
    return createErrorFinding('proxy', error);
  }
}

function hidePassword(proxy: string): string {
  const url = new URL(proxy);
  return `${url.protocol}//${url.username === '' ? '' : '***@'}${url.host}`;
}

/** The folder itself, or the nearest one around it that is there. */
function findExisting(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) || at === dirname(at)) return at;
  }
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Who is to answer, as far as it is known. */
export interface AgentAddress {
  readonly baseUrl: string;
  readonly apiKey: ApiKey | undefined;
  readonly env: AgentClientOptions['env'];
  readonly clock: Pick<Clock, 'now'>;
}

/** Whether the key is there and taken, the agent answers, and the clocks agree. Costs nothing. */
export async function examineAgent(address: AgentAddress): Promise<Diagnostic[]> {
  const { baseUrl, apiKey, clock } = address;
  let client: AgentClient | null = null;
  try {
    const { isLoopback } = resolveBaseUrl(baseUrl, apiKey !== undefined);
    if (apiKey === undefined && !isLoopback) return [NO_KEY, createNotTried('agent', NO_KEY.message)];
    client = createClient(address, apiKey ?? 'doctor');
    const startMs = clock.now();
    const { serverTimeMs } = await client.check();
    return [
      createOk(
        'key',
        apiKey === undefined
          ? 'none is needed on this machine'
          : `${nameKey(apiKey)} is set, and the agent takes it`,
      ),
      createOk('agent', `${baseUrl} answers, and speaks ${await checkContract(address)}`),
      examineClock(serverTimeMs, (startMs + clock.now()) / 2),
    ];
  } catch (error) {
    return createFailures(error);
  } finally {
    await client?.close();
  }
}

const NO_KEY = createWarning(
  'key',
  'EXA_API_KEY is not set',
  'Set it, or EXA_API_KEY_FILE, for the hosted service; --reference DIR answers from tables of your own without one.',
);

/** Where the key comes from. */
function nameKey(apiKey: ApiKey): string {
  return typeof apiKey === 'function' ? 'EXA_API_KEY_FILE' : 'EXA_API_KEY';
}

/** A finding for what could not be looked at: what to do is said of that which stands in the way. */
function createNotTried(check: Diagnostic['check'], why: string): Diagnostic {
  return createWarning(check, `not tried: ${why}`, null);
}

function createClient(
  { baseUrl, env }: AgentAddress,
  apiKey: ApiKey,
  betas?: readonly string[],
): AgentClient {
  const options = { baseUrl, apiKey, retry: { maxRetries: 1 }, ...(env === undefined ? {} : { env }) };
  return new AgentClient(betas === undefined ? options : { ...options, betas });
}

/** An agent that does without the beta header speaks what came after it. */
async function checkContract(address: AgentAddress): Promise<string> {
  const client = createClient(address, address.apiKey ?? 'doctor', []);
  try {
    await client.check();
    return 'the API as it is today (it asks for no Exa-Beta header)';
  } catch (error) {
    if (error instanceof AgentError && error.status === 400)
      return 'the API of 2026-05-07 (it asks for its Exa-Beta header)';
    return `the API of 2026-05-07; what it does without its header could not be told: ${describeError(error)}`;
  } finally {
    await client.close();
  }
}

/** Runs whose reply was lost are looked for as far back as the clocks may differ: `send/find-lost-runs.ts`. */
const BAD_SKEW_MS = 10 * 60_000;
const SKEW_MS = 60_000;

function examineClock(serverTimeMs: number | null, localTimeMs: number): Diagnostic {
  if (serverTimeMs === null) return createOk('clock', 'the agent does not say what time it is');
  const skewMs = localTimeMs - serverTimeMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const message = `this clock is ${seconds} s ${skewMs < 0 ? 'behind' : 'before'} that of the agent`;
  const fix = 'Set the clock by the network (NTP): a run whose reply was lost is looked for by time.';
  if (Math.abs(skewMs) >= BAD_SKEW_MS) return createFailure('clock', message, fix);
  if (Math.abs(skewMs) >= SKEW_MS) return createWarning('clock', message, fix);
  return createOk('clock', 'agrees with that of the agent');
}

function createFailures(error: unknown): Diagnostic[] {
  const isAnswer = error instanceof AgentError && error.kind === 'refused';
  if (isAnswer) {
    return [
      createErrorFinding('key', error),
      createOk('agent', 'it answers'),
      createNotTried('clock', 'the key stands in the way'),
    ];
  }
  if (
    error instanceof RowfillError &&
    (error.code === 'INVALID_API_KEY' || error.code === 'KEY_FILE_NOT_READ')
  ) {
    const rest = (['agent', 'clock'] as const).map((check) =>
      createNotTried(check, 'the key stands in the way'),
    );
    return [createErrorFinding('key', error), ...rest];
  }
  const [key, clock] = (['key', 'clock'] as const).map((check) =>
    createNotTried(check, 'the agent stands in the way'),
  );
  return [key, createErrorFinding('agent', error), clock].filter((finding) => finding !== undefined);
}
