import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync, constants as zlib } from 'node:zlib';
import { isGzip } from '../read/encoding.js';
import { isSystemError } from './file-state.js';

/** Enough for the start of a log line; the whole line may be long. */
const HEAD_BYTES = 1_024;

const EVENTS_OF_WATCH = 'watching|ignored|job_changed|taken|waiting|done|failed|left|stopped';
const EVENTS_OF_A_JOB = 'job|note|batch_sent|batch_settled|batch_failed|retry|row|written|end|error';
/** The start of a log line. A rotated log may begin with any event. */
const LOG_LINE = new RegExp(
  `^\\{"time":"[-\\d]{10}T[:\\d]{8}\\.\\d{3}Z","event":"(?:${EVENTS_OF_WATCH}|${EVENTS_OF_A_JOB})","(?:folder|files?|job|stop)":`,
);

/**
 * True for a rowfill log. A log rotated in the watched folder may be named like a table, and its lines would be paid
 * for as rows.
 */
export async function isOwnLog(path: string): Promise<boolean> {
  return LOG_LINE.test(await readHead(path));
}

/** Reads the start of a file as text, decompressed if needed. Empty for an unreadable file, which is reported later. */
async function readHead(path: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const file = await open(path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
    try {
      if (!(await file.stat()).isFile()) return '';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const head = buffer.subarray(0, bytesRead);
      return (isGzip(head) ? unpackHead(head) : head).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return '';
  }
}

function unpackHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 });
  } catch {
    return Buffer.alloc(0);
  }
}
