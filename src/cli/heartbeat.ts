import { renameSync, writeFileSync } from 'node:fs';
import { createUsageError, describeError } from '../errors.js';
import type { JsonObject } from '../model/json.js';
import type { Host } from './host.js';

const BEAT_MS = 10_000;

/** Writes the status into a file, now and again every ten seconds; a file that grows old tells of a process that hangs. */
export function openHeartbeat(path: string, readStatus: () => JsonObject, host: Host): { close(): void } {
  let hasFailed = false;
  const write = (): void => {
    // Whoever reads it reads a whole one.
    writeFileSync(`${path}.tmp`, `${JSON.stringify(readStatus())}\n`);
    renameSync(`${path}.tmp`, path);
  };
  const beat = (): void => {
    try {
      write();
    } catch (error) {
      // No reason to stop a paid job.
      if (!hasFailed) host.say(`The heartbeat ${path} cannot be written any more: ${describeError(error)}`);
      hasFailed = true;
    }
  };
  try {
    write();
  } catch (error) {
    throw createUsageError(
      'HEARTBEAT_NOT_WRITABLE',
      `--heartbeat: ${path} cannot be written: ${describeError(error)}`,
      'Name a file in a folder that can be written.',
      error,
    );
  }
  const timer = setInterval(beat, BEAT_MS);
  return {
    close() {
      clearInterval(timer);
      beat();
    },
  };
}
