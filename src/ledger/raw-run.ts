import { gunzipSync, gzipSync } from 'node:zlib';
import type { AgentRun } from '../model/run.js';

/** Below this, to set the compression up costs more than the disk that it saves. */
const MIN_PACKED_BYTES = 8 * 1024;
const GZIP_MAGIC = 0x1f;

/** The bytes that a run is kept as: JSON, compressed where it is long. */
export function packRun(run: AgentRun): Uint8Array {
  const content = Buffer.from(JSON.stringify(run));
  return content.length < MIN_PACKED_BYTES ? content : gzipSync(content, { level: 1 });
}

/** The run that `packRun` packed: JSON never begins as compressed bytes do. */
export function unpackRun(content: Uint8Array | ArrayBuffer): AgentRun {
  const bytes = Buffer.from(new Uint8Array(content));
  const text = (bytes[0] === GZIP_MAGIC ? gunzipSync(bytes) : bytes).toString('utf8');
  return JSON.parse(text) as AgentRun;
}
