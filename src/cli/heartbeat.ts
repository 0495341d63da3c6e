import { rename, rm, writeFile } from 'node:fs/promises';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import type { JsonObject } from '../model/json.js';
import { identifyFile } from '../write/file-identity.js';
import { removeLeftovers, resolveTemporary } from '../write/temporary-name.js';
import type { Host } from './host.js';

const BEAT_MS = 10_000;

export interface Heartbeat {
  /** Writes the last status. */
  close(): Promise<void>;
}

/**
 * Writes the status into a file, now and again every ten seconds; a file that grows old tells of a process that hangs.
 * `checkPlace` is called before each write, and throws if the path leads to a file that must not be replaced.
 */
export async function openHeartbeat(
  path: string,
  readStatus: () => Promise<JsonObject>,
  host: Host,
  checkPlace: () => Promise<void>,
): Promise<Heartbeat> {
  const target = identifyFile(path);
  if (!target.isFile || target.isOpen) throw refuse(path, 'it is not a file');
  let hasFailed = false;
  let beats = Promise.resolve();
  const write = async (): Promise<void> => {
    await checkPlace();
    const status = await readStatus();
    const temporary = resolveTemporary(target.path);
    try {
      // Renamed into place, so that whoever reads it reads a whole one.
      await writeFile(temporary, `${JSON.stringify(status)}\n`, { flag: 'wx' });
      await rename(temporary, target.path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  };
  const beat = (): Promise<void> => {
    beats = beats.then(write).catch((error: unknown) => {
      // No reason to stop a paid job.
      if (!hasFailed) host.say(`The heartbeat ${path} cannot be written any more: ${describeError(error)}`);
      hasFailed = true;
    });
    return beats;
  };
  await removeLeftovers(target.path);
  await write().catch((error: unknown) => {
    throw error instanceof RowfillError ? error : refuse(path, describeError(error), error);
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
    'Name a file in a folder that can be written.',
    cause,
  );
}
