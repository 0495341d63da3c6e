import { readFileSync } from 'node:fs';
import { isJsonObject } from './json.js';

/** Version of this package, from package.json. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return isJsonObject(manifest) && typeof manifest.version === 'string' ? manifest.version : '0.0.0';
}
