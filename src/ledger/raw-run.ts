import { gunzipSync, gzipSync } from 'node:zlib';
import type { AgentRun } from '../model/run.js';

/** Below this size, compression costs more than the disk space it saves. */
const MIN_PACKED_BYTES = 8 * 1024;
const GZIP_MAGIC = 0x1f;

/** Encodes a run for storage: JSON, compressed if large. */
export function packRun(run: AgentRun): Uint8Array {
  const content = Buffer.from(JSON.stringify(run));
  return content.length < MIN_PACKED_BYTES ? content : gzipSync(content, { level: 1 });
}

/** Decodes a run that `packRun` encoded. JSON never starts like compressed data. */
export function unpackRun(content: Uint8Array | ArrayBuffer): AgentRun {
  const bytes = Buffer.from(new Uint8Array(content));
  const text = (bytes[0] === GZIP_MAGIC ? gunzipSync(bytes) : bytes).toString('utf8');
  return JSON.parse(text) as AgentRun;
}
