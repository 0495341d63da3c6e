import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AgentClient, type AgentClientOptions } from '../api/agent-client.js';
import { AgentError, explainMissingKey } from '../api/agent-error.js';
import { resolveBaseUrl } from '../api/base-url.js';
import { describeError, type ErrorKind, RowfillError } from '../errors.js';
import { describeOpenPath } from '../job/check-paths.js';
import { openLedger, tryLedgerFolder } from '../ledger/open-ledger.js';
import type { Clock } from '../model/clock.js';
import { formatNumber } from '../model/format.js';
import type { ApiKey } from '../model/option-types.js';
import { resolveProxy } from '../model/proxy.js';
import { HOSTED_URL } from '../model/run.js';
import { PageCache } from '../pages/page-cache.js';

/** Result of a check. A job can run despite `warn`. */
export type DiagnosticStatus = 'ok' | 'warn' | 'fail';

/** The finding of one check of the machine or the agent. */
export interface Diagnostic {
  readonly check: 'node' | 'ledger' | 'disk' | 'pages' | 'proxy' | 'key' | 'agent' | 'clock';
  readonly status: DiagnosticStatus;
  readonly message: string;
  /** What to do about it; null if nothing is wrong, or if another finding says it. */
  readonly fix: string | null;
  /** The kind of error that a job would end with; null if it would not fail. */
  readonly kind: ErrorKind | null;
}

export function createOk(check: Diagnostic['check'], message: string): Diagnostic {
  return { check, status: 'ok', message, fix: null, kind: null };
}

function createWarning(check: Diagnostic['check'], message: string, fix: string | null): Diagnostic {
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

/** Turns an error into a finding. */
export function createErrorFinding(check: Diagnostic['check'], error: unknown): Diagnostic {
  if (!(error instanceof RowfillError)) {
    return createFailure(
      check,
      describeError(error),
      'Run rowfill doctor --debug and report its output.',
      'defect',
    );
  }
  const fix = error.hint ?? `See ${error.code} in docs/troubleshooting.md.`;
  return createFailure(check, `${error.message} [${error.code}]`, fix, error.kind);
}

type Environment = Readonly<Record<string, string | undefined>>;

const LEAST_NODE = [20, 19] as const;

/** Checks that this Node is new enough. */
export function examineNode(version: string): Diagnostic {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isNew) return createOk('node', `Node ${version}`);
  const message = `Node ${version} is older than ${LEAST_NODE.join('.')}`;
  return createFailure('node', message, 'Install the current LTS release of Node.');
}

/** Checks that the ledger's folder supports a ledger with its log and its locks, and that the ledger is not damaged. */
export async function examineLedger(path: string): Promise<Diagnostic> {
  try {
    await tryLedgerFolder(findExisting(dirname(path)));
    if (!existsSync(path)) return createOk('ledger', `none yet; the first job creates ${path}`);
    const ledger = await openLedger(path);
    try {
      const faults = await ledger.check();
      if (faults.length === 0) {
        const open = describeOpenPath(dirname(path), `the folder of the ledger, ${dirname(path)}`);
        if (open !== null) return createWarning('ledger', open.message, null);
        return createOk('ledger', `${path}, ${formatBytes(statSync(path).size)}, sound`);
      }
      const fix =
        'Keep a copy: `sqlite3 ledger.sqlite .recover` may recover data from it. Then move it away, or choose another ledger with --ledger.';
      return createFailure('ledger', `${path} is damaged: ${faults[0]}`, fix);
    } finally {
      await ledger.close();
    }
  } catch (error) {
    return createErrorFinding('ledger', error);
  }
}

const FEW_BYTES = 512 * 1024 * 1024;
/** The ledger starts no job with less. */
const TOO_FEW_BYTES = 64 * 1024 * 1024;

/** Checks that the ledger's disk has free space. */
export function examineDisk(path: string): Diagnostic {
  const folder = findExisting(dirname(path));
  const disk = statfsSync(folder);
  // Some virtual file systems report no sizes.
  if (disk.blocks === 0) return createOk('disk', `the free space at ${folder} is not known`);
  const freeBytes = disk.bavail * disk.bsize;
  const message = `${formatBytes(freeBytes)} free at ${folder}`;
  const fix =
    'Free some space, for example with rowfill prune --runs 30d, or choose a ledger on another disk with --ledger.';
  if (freeBytes < TOO_FEW_BYTES) return createFailure('disk', message, fix);
  return freeBytes < FEW_BYTES ? createWarning('disk', message, fix) : createOk('disk', message);
}

/** Reports the pages that `verify` has kept. Null if there are none. */
export async function examinePages(folder: string): Promise<Diagnostic | null> {
  const { pages, bytes } = await new PageCache(folder).measure();
  if (pages === 0) return null;
  const message = `${formatNumber(pages, 'cached page')} of rowfill verify, ${formatBytes(bytes)} in ${folder}`;
  try {
    accessSync(folder, constants.W_OK);
    return createOk('pages', message);
  } catch {
    return createWarning(
      'pages',
      `${message}, which cannot be written`,
      'Change its permissions, or set ROWFILL_HOME.',
    );
  }
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

/** Reports the proxy used for the agent, and checks the TLS settings. `origin` is null for an agent in this process. */
export function examineProxy(origin: string | null, isLoopback: boolean, env: Environment): Diagnostic {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    const message = 'NODE_TLS_REJECT_UNAUTHORIZED is 0: anyone on the network path can read the key';
    return createWarning('proxy', message, 'Unset it. To trust more certificates, set NODE_EXTRA_CA_CERTS.');
  }
  const certificates = env.NODE_EXTRA_CA_CERTS ?? '';
  if (certificates !== '' && !existsSync(certificates)) {
    const message = `NODE_EXTRA_CA_CERTS names ${certificates}, which does not exist`;
    return createWarning('proxy', message, 'Correct the path, or unset it.');
  }
  const set = NAMES.filter((name) => (env[name] ?? '') !== '');
  if (set.length === 0) return createOk('proxy', 'none set');
  if (origin === null || isLoopback)
    return createOk('proxy', `${set.join(', ')}: not used for an agent on this machine`);
  try {
    const proxy = resolveProxy(origin, env);
    return createOk(
      'proxy',
      proxy === null ? `${set.join(', ')}: not used for ${origin}` : `using ${hidePassword(proxy)}`,
    );
  } catch (error) {
    return createErrorFinding('proxy', error);
  }
}

function hidePassword(proxy: string): string {
  const url = new URL(proxy);
  return `${url.protocol}//${url.username === '' ? '' : '***@'}${url.host}`;
}

/** Returns the folder itself, or its nearest existing ancestor. */
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

/** The agent to check, and how to reach it. */
interface AgentAddress {
  readonly baseUrl: string;
  readonly apiKey: ApiKey | undefined;
  readonly insecureHttp?: boolean | undefined;
  readonly env: AgentClientOptions['env'];
  readonly clock: Pick<Clock, 'now'>;
}

/** Checks that the key is set and accepted, that the agent answers, and that the clocks agree. Free. */
export async function examineAgent(address: AgentAddress): Promise<Diagnostic[]> {
  const { baseUrl, apiKey, clock } = address;
  let client: AgentClient | null = null;
  try {
    const { isLoopback } = resolveBaseUrl(baseUrl, apiKey !== undefined, address.insecureHttp);
    if (apiKey === undefined && !isLoopback) {
      const noKey = baseUrl === HOSTED_URL ? NO_HOSTED_KEY : NO_KEY;
      return [noKey, createSkipped('agent', noKey.message)];
    }
    client = createClient(address, apiKey ?? 'doctor');
    const startMs = clock.now();
    const { serverTimeMs } = await client.check();
    return [
      createOk(
        'key',
        apiKey === undefined
          ? 'none needed for an agent on this machine'
          : `${nameKey(apiKey)} is set, and the agent accepts it`,
      ),
      createOk('agent', `${baseUrl} answers, with ${await checkContract(address)}`),
      examineClock(serverTimeMs, (startMs + clock.now()) / 2),
    ];
  } catch (error) {
    return createFailures(explainMissingKey(error, apiKey !== undefined));
  } finally {
    await client?.close();
  }
}

const NO_KEY = createWarning(
  'key',
  'EXA_API_KEY is not set',
  'Set EXA_API_KEY or EXA_API_KEY_FILE. --reference DIR, which answers from your own tables, needs no key.',
);

const NO_HOSTED_KEY = createFailure(
  'key',
  `${NO_KEY.message}, which the hosted service needs`,
  NO_KEY.fix ?? '',
);

/** Names the environment variable that the key comes from. */
function nameKey(apiKey: ApiKey): string {
  return typeof apiKey === 'function' ? 'EXA_API_KEY_FILE' : 'EXA_API_KEY';
}

/** Finding for a check that was skipped because an earlier one failed; the fix is on that one. */
function createSkipped(check: Diagnostic['check'], why: string): Diagnostic {
  return createWarning(check, `skipped: ${why}`, null);
}

function createClient(
  { baseUrl, insecureHttp, env }: AgentAddress,
  apiKey: ApiKey,
  betas?: readonly string[],
): AgentClient {
  const options = {
    baseUrl,
    apiKey,
    insecureHttp,
    retry: { maxRetries: 1 },
    ...(env === undefined ? {} : { env }),
  };
  return new AgentClient(betas === undefined ? options : { ...options, betas });
}

/** Describes the agent's API version: an agent that works without the beta header has the newer one. */
async function checkContract(address: AgentAddress): Promise<string> {
  const client = createClient(address, address.apiKey ?? 'doctor', []);
  try {
    await client.check();
    return 'the current API (no Exa-Beta header needed)';
  } catch (error) {
    if (error instanceof AgentError && error.status === 400)
      return 'the API of 2026-05-07 (Exa-Beta header needed)';
    return `the API of 2026-05-07; the check without the Exa-Beta header failed: ${describeError(error)}`;
  } finally {
    await client.close();
  }
}

/** The search for runs whose reply was lost allows for this clock difference: `run/find-lost-runs.ts`. */
const BAD_SKEW_MS = 10 * 60_000;
const SKEW_MS = 60_000;

function examineClock(serverTimeMs: number | null, localTimeMs: number): Diagnostic {
  if (serverTimeMs === null) return createOk('clock', 'the agent does not send its time');
  const skewMs = localTimeMs - serverTimeMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const message = `this clock is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} the agent’s`;
  const fix = 'Synchronize the clock (NTP): rowfill uses the time to find runs whose reply was lost.';
  if (Math.abs(skewMs) >= BAD_SKEW_MS) return createFailure('clock', message, fix);
  if (Math.abs(skewMs) >= SKEW_MS) return createWarning('clock', message, fix);
  return createOk('clock', 'agrees with the agent’s');
}

function createFailures(error: unknown): Diagnostic[] {
  const isAnswer = error instanceof AgentError && error.kind === 'refused';
  if (isAnswer) {
    return [
      createErrorFinding('key', error),
      createOk('agent', 'answers'),
      createSkipped('clock', 'the key check failed'),
    ];
  }
  if (
    error instanceof RowfillError &&
    (error.code === 'INVALID_API_KEY' || error.code === 'KEY_FILE_NOT_READ')
  ) {
    const rest = (['agent', 'clock'] as const).map((check) => createSkipped(check, 'the key check failed'));
    return [createErrorFinding('key', error), ...rest];
  }
  const [key, clock] = (['key', 'clock'] as const).map((check) =>
    createSkipped(check, 'the agent check failed'),
  );
  return [key, createErrorFinding('agent', error), clock].filter((finding) => finding !== undefined);
}
