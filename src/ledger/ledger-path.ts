import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { createUsageError } from '../errors.js';
import { type Environment, readOwnVariable, resolveOwnPath } from '../model/environment.js';

/**
 * Path of the ledger: in `$ROWFILL_HOME`, else in the system's user data folder. Throws a usage error for a
 * user without a home folder. Using the current folder instead would give a different ledger each time, and
 * everything would be paid for again.
 */
export function resolveLedgerPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
  home?: string,
): string {
  const own = readOwnVariable(env, 'ROWFILL_HOME');
  const folder =
    own === null
      ? resolveDataFolder(env, platform, () => home ?? findHome())
      : resolveOwnPath(
          'ROWFILL_HOME',
          own,
          'BAD_HOME',
          'Set it to an absolute path, such as /home/me/.rowfill.',
        );
  return join(folder, 'ledger.sqlite');
}

function resolveDataFolder(env: Environment, platform: NodeJS.Platform, readHome: () => string): string {
  if (platform === 'win32')
    return join(absolute(env.LOCALAPPDATA) ?? join(readHome(), 'AppData', 'Local'), 'rowfill');
  if (platform === 'darwin') return join(readHome(), 'Library', 'Application Support', 'rowfill');
  // By the XDG rules, a relative path is ignored.
  return join(absolute(env.XDG_DATA_HOME) ?? join(readHome(), '.local', 'share'), 'rowfill');
}

/**
 * The home folder from the environment, else from the system, because a service may run with an empty HOME.
 */
function findHome(): string {
  for (const read of [homedir, () => userInfo().homedir]) {
    try {
      const home = absolute(read());
      if (home !== undefined) return home;
    } catch {
      // The system has no entry for this user, as in a container with a custom user id.
    }
  }
  throw createUsageError(
    'NO_HOME',
    'No folder for the ledger: this user has no home folder',
    'Set ROWFILL_HOME to a persistent folder on a local disk.',
  );
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
