import { renameSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { hasErrorCode } from '../errors.js';

/** Waits between tries, on Windows: virus scanners and indexers open each new file for a moment. */
const WAITS_MS: readonly number[] = process.platform === 'win32' ? [10, 40, 150, 400, 1_000] : [];

/**
 * Renames a file over another one. Calls `beforeEach` before each try. Rejects with the system's error, for which
 * `isInUse` says whether another program has one of the files open.
 */
export async function renameOver(
  from: string,
  to: string,
  beforeEach = (): void => undefined,
): Promise<void> {
  for (const waitMs of [...WAITS_MS, null]) {
    beforeEach();
    try {
      // In the same tick as the check: a process suspended in between could replace a newer file.
      renameSync(from, to);
      return;
    } catch (error) {
      if (waitMs === null || !isInUse(error)) throw error;
      await setTimeout(waitMs);
    }
  }
}

/** On Windows, a file that another program has open cannot be replaced. */
export function isInUse(error: unknown): boolean {
  return hasErrorCode(error, 'EPERM', 'EACCES', 'EBUSY');
}
