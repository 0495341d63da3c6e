import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { releaseFiles } from '../../src/model/release-files.js';

/** A fresh folder that is removed when the test ends. */
export async function createTempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rowfill-test-'));
  onTestFinished(async () => {
    await releaseFiles();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}
