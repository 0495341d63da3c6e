import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Links of macOS itself: its temporary folder has one path with and one without them. */
const MAC_LINKS = /^\/(?=(?:tmp|var|etc)(?:\/|$))/;

/**
 * Spells an absolute path as the disk does, because on Windows and macOS a file also answers to its name in other case or
 * in another normal form. Keeps links. Unchanged on other systems.
 */
export function spellPath(path: string, platform: NodeJS.Platform = process.platform): string {
  if (!ignoresSpelling(platform)) return path;
  const whole = platform === 'darwin' ? path.replace(MAC_LINKS, '/private/') : path;
  const real = readReal(whole) ?? join(readReal(dirname(whole)) ?? dirname(whole), basename(whole));
  // A path with links in it differs in more than its spelling.
  return foldPath(real, platform) === foldPath(whole, platform) ? real : whole;
}

/** The same text for all spellings of a path that may lead to one file, even one that does not exist yet. */
export function foldPath(path: string, platform: NodeJS.Platform = process.platform): string {
  return ignoresSpelling(platform) ? path.normalize('NFC').toLowerCase() : path;
}

/** True by default there; a single disk or folder may differ. */
function ignoresSpelling(platform: NodeJS.Platform): boolean {
  return platform === 'win32' || platform === 'darwin';
}

function readReal(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}
