import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { createUsageError } from '../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the ledger is: in `$ROWFILL_HOME`, else in the folder where the system keeps a user's data. Throws a usage error
 * for a user without a home: a ledger in whatever folder is the current one would be another one tomorrow, and all would
 * be paid for again.
 */
export function resolveLedgerPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
  home?: string,
): string {
  const own = env.ROWFILL_HOME?.trim() ?? '';
  if (/^~(?:[/\\]|$)/.test(own)) {
    throw createUsageError(
      'BAD_HOME',
      `ROWFILL_HOME is ${own}, and only a shell replaces the ~`,
      'Give it a whole path, such as /home/me/.rowfill.',
    );
  }
  const folder = own === '' ? resolveDataFolder(env, platform, () => home ?? findHome()) : resolve(own);
  return join(folder, 'ledger.sqlite');
}

/** The same for commands that only have to stay away from a ledger: undefined if there can be none. */
export function findLedgerPath(env: Environment): string | undefined {
  try {
    return resolveLedgerPath(env);
  } catch {
    return undefined;
  }
}

function resolveDataFolder(env: Environment, platform: NodeJS.Platform, readHome: () => string): string {
  if (platform === 'win32')
    return join(absolute(env.LOCALAPPDATA) ?? join(readHome(), 'AppData', 'Local'), 'rowfill');
  if (platform === 'darwin') return join(readHome(), 'Library', 'Application Support', 'rowfill');
  // The XDG rules: a relative path is to be ignored.
  return join(absolute(env.XDG_DATA_HOME) ?? join(readHome(), '.local', 'share'), 'rowfill');
}

/** The home folder as the environment names it, else as the system knows it: a service may run with an empty HOME. */
function findHome(): string {
  for (const read of [homedir, () => userInfo().homedir]) {
    try {
      const home = absolute(read());
      if (home !== undefined) return home;
    } catch {
      // The system does not know this user, as in a container with a user of its own.
    }
  }
  throw createUsageError(
    'NO_HOME',
    'There is no place for the ledger: this user has no home folder',
    'Set ROWFILL_HOME to a folder on a local disk that lasts.',
  );
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
