import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the ledger is: in `$ROWFILL_HOME`, else in the folder where the system keeps a user's data. */
export function resolveLedgerPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const own = env.ROWFILL_HOME;
  const folder = own === undefined || own === '' ? resolveDataFolder(env, platform, home) : resolve(own);
  return join(folder, 'ledger.sqlite');
}

function resolveDataFolder(env: Environment, platform: NodeJS.Platform, home: string): string {
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'rowfill');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'rowfill');
  const data = env.XDG_DATA_HOME;
  // The XDG rules: a relative path is to be ignored.
  return join(data !== undefined && isAbsolute(data) ? data : join(home, '.local', 'share'), 'rowfill');
}
