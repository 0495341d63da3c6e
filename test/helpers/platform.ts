import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ON_WINDOWS = process.platform === 'win32';
export const ON_LINUX = process.platform === 'linux';

/** Windows has no FIFOs in folders. */
export const NO_FIFOS = ON_WINDOWS;
/** Windows has no permissions for owner, group and others. */
export const NO_MODES = ON_WINDOWS;
/** On Windows a signal always kills, so a process cannot be stopped, continued or interrupted by another one. */
export const NO_SIGNALS = ON_WINDOWS;
/** Windows has no bash, and so none of its redirections and process substitutions. */
export const NO_SHELL = ON_WINDOWS;
/** The PostgreSQL server of the tests listens on a socket in a folder. */
export const NO_POSTGRES = ON_WINDOWS;
/** Windows has neither /dev/null nor paths of open files. */
export const NO_DESCRIPTORS = ON_WINDOWS;
/** Windows gives links only to administrators and developers. */
export const NO_LINKS = !canLink('file');
/** Everybody can link folders, but not on Wine. */
export const NO_FOLDER_LINKS = !canLink('junction');

function canLink(type: 'file' | 'junction'): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-links-'));
  try {
    const target = join(folder, 'target');
    if (type === 'file') writeFileSync(target, '');
    else mkdirSync(target);
    symlinkSync(target, join(folder, 'link'), type);
    return lstatSync(join(folder, 'link')).isSymbolicLink();
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
