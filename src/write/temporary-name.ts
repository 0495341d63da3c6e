import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const LEFTOVER_AGE_MS = 60 * 60 * 1_000;
/** Some file systems take no more than 143 bytes, and a temporary name is longer than the name itself. */
const MAX_NAME_BYTES = 100;

/** A new temporary name beside a file, hidden, and short enough wherever the file's own name is. */
export function resolveTemporary(path: string): string {
  return join(dirname(path), `${temporaryPrefix(path)}${randomBytes(6).toString('hex')}.tmp`);
}

function temporaryPrefix(path: string): string {
  const name = basename(path);
  const isLong = Buffer.byteLength(name) > MAX_NAME_BYTES;
  return `.${isLong ? createHash('sha256').update(name).digest('hex').slice(0, 16) : name}.rowfill-`;
}

/** Removes what a killed process left beside this file; what was written to within the hour may still be in use. */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(temporaryPrefix(path)) || !name.endsWith('.tmp')) continue;
    const stats = await stat(join(folder, name)).catch(() => null);
    if (stats !== null && Date.now() - stats.mtimeMs > LEFTOVER_AGE_MS)
      await rm(join(folder, name), { force: true });
  }
}
