import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

/** What rowfill writes: a filled table, a list of citations, or a log. */
export type ResultKind = 'output' | 'citations' | 'log';

const HEAD_BYTES = 64 * 1024;
/** Texts near the start of each kind: of an output as CSV, and as JSON. */
const MARKS: readonly (readonly [ResultKind, ...string[]])[] = [
  ['output', 'enrichment_status', 'enrichment_run_id'],
  ['output', '"enrichment":', '"cost_usd":'],
  ['citations', '"row":', '"field":', '"run_id":'],
  ['log', '"time":', '"event":', '"job":'],
];

/** Recognizes a text file that rowfill wrote by its first bytes; null for any other file. */
export async function recognizeResult(path: string): Promise<ResultKind | null> {
  const text = unpack(await readHead(path))
    .toString('latin1')
    .replaceAll('\0', '');
  return MARKS.find(([, ...marks]) => marks.every((mark) => text.includes(mark)))?.[0] ?? null;
}

/** True for a SQLite database: no result ever replaces one. */
export async function isDatabase(path: string): Promise<boolean> {
  return (await readHead(path)).toString('latin1', 0, 16) === 'SQLite format 3\0';
}

/** The first bytes of a file; none if it cannot be read. */
async function readHead(path: string): Promise<Buffer> {
  const file = await open(path).catch(() => null);
  if (file === null) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  } finally {
    await file.close();
  }
}

function unpack(head: Buffer): Buffer {
  if (head[0] !== 0x1f || head[1] !== 0x8b) return head;
  try {
    // The head of a longer file is cut off, which is no error with this flush.
    return gunzipSync(head, { finishFlush: 2, maxOutputLength: 64 * 1024 * 1024 });
  } catch {
    return head;
  }
}
