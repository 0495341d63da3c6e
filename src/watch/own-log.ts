import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync, constants as zlib } from 'node:zlib';
import { isGzip } from '../read/detect-content.js';
import { isSystemError } from './file-state.js';

/** The first line of a log is shorter. */
const HEAD_BYTES = 4_096;

/** Every event that a log of `run` or `watch` may begin with, rotated in the middle or not. */
const EVENTS: ReadonlySet<unknown> = new Set([
  ...['watching', 'ignored', 'job_changed', 'taken', 'waiting', 'done', 'failed', 'left', 'stopped'],
  ...[
    'job',
    'note',
    'batch_sent',
    'batch_settled',
    'batch_failed',
    'retry',
    'row',
    'written',
    'end',
    'error',
  ],
]);
/** What stands behind time and event. */
const THIRD_KEYS: ReadonlySet<unknown> = new Set(['folder', 'files', 'file', 'job', 'stop']);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * True for a log of rowfill. One that was rotated in the watched folder may be named like a table, and its lines would be
 * paid for as rows.
 */
export async function isOwnLog(path: string): Promise<boolean> {
  const [line = ''] = (await readHead(path)).split('\n', 1);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return false;
  }
  if (typeof value !== 'object' || value === null) return false;
  const [[first, time] = [], [second, event] = [], [third] = []] = Object.entries(value);
  const isHead = first === 'time' && second === 'event' && typeof time === 'string' && TIME.test(time);
  return isHead && EVENTS.has(event) && THIRD_KEYS.has(third);
}

/** The start of a file as text, unpacked where it is compressed; empty for what cannot be read: that is told later. */
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
