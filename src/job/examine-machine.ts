import { existsSync, statfsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { resolveProxy } from '../api/open-pool.js';
import { describeLedgerError } from '../ledger/database-errors.js';
import { openLedger } from '../ledger/ledger.js';
import {
  createErrorFinding,
  createFailure,
  createOk,
  createWarning,
  type Finding,
} from '../model/finding.js';

type Environment = Readonly<Record<string, string | undefined>>;

const LEAST_NODE = [20, 19] as const;

/** Whether this Node is new enough. */
export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isNew) return createOk('node', `Node ${version}`);
  const message = `Node ${version} is older than ${LEAST_NODE.join('.')}`;
  return createFailure('node', message, 'Install the current long-term version of Node.');
}

/** Whether the ledger can be written in its folder, with its log and its locks, and is not damaged. */
export async function examineLedger(path: string): Promise<Finding> {
  try {
    await tryFolder(dirname(path));
    if (!existsSync(path)) return createOk('ledger', `none yet; the first job makes ${path}`);
    const ledger = openLedger(path);
    try {
      const faults = ledger.check();
      if (faults.length === 0)
        return createOk('ledger', `${path}, ${formatBytes(statSync(path).size)}, sound`);
      const remedy =
        'Keep a copy: `sqlite3 ledger.sqlite .recover` can save what is readable. Then move it away, or set ROWFILL_HOME.';
      return createFailure('ledger', `${path} is damaged: ${faults[0]}`, remedy);
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
export function examineDisk(path: string): Finding {
  const folder = findExisting(dirname(path));
  const disk = statfsSync(folder);
  // Some virtual file systems know no sizes.
  if (disk.blocks === 0) return createOk('disk', `${folder} does not say how much is free`);
  const freeBytes = disk.bavail * disk.bsize;
  const message = `${formatBytes(freeBytes)} free at ${folder}`;
  const remedy =
    'Free some space, or set ROWFILL_HOME to a folder on another disk; rowfill prune --runs 30d helps too.';
  if (freeBytes < TOO_FEW_BYTES) return createFailure('disk', message, remedy);
  return freeBytes < FEW_BYTES ? createWarning('disk', message, remedy) : createOk('disk', message);
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
export function examineProxy(origin: string | null, isLoopback: boolean, env: Environment): Finding {
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
