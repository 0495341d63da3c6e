import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { Pages } from './open-pages.js';
import type { FetchedPage } from './page-cache.js';

/** The Internet Archive. Its API: https://archive.org/help/wayback_api.php */
export const ARCHIVE_URL = 'https://archive.org';

/** The archive asks programs to be slow. */
const DELAY_MS = 3_000;

/**
 * Fetches the stored copy of a page that is gone: the one nearest to the day on which it was cited. Returns null if
 * there is none, or the archive does not answer.
 */
export async function fetchArchived(
  pages: Pages,
  archive: string,
  url: string,
  citedAtMs: number,
): Promise<FetchedPage | null> {
  const day = new Date(citedAtMs).toISOString().slice(0, 10).replaceAll('-', '');
  const question = `${archive}/wayback/available?${new URLSearchParams({ url, timestamp: day })}`;
  const answer = await pages.fetch(question, { isApi: true, delayMs: DELAY_MS });
  const copy = answer.status === 200 ? findCopy(answer.body) : null;
  if (copy === null) return null;
  const page = await pages.fetch(copy, { isApi: true, delayMs: DELAY_MS });
  return page.status === 200 ? page : null;
}

/** Address of the copy, as the site sent it: `id_` leaves out what the archive adds. */
function findCopy(body: Uint8Array): string | null {
  const closest = readMember(readMember(parseJson(body), 'archived_snapshots'), 'closest');
  if (!isJsonObject(closest) || closest.available !== true || typeof closest.url !== 'string') return null;
  const raw = closest.url.replace(/\/web\/(\d{4,14})\//, '/web/$1id_/');
  return raw.replace(/^http:(?=\/\/web\.archive\.org\/)/, 'https:');
}

function parseJson(body: Uint8Array): JsonValue {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as JsonValue;
  } catch {
    return null;
  }
}

function readMember(value: JsonValue, name: keyof JsonObject & string): JsonValue {
  return isJsonObject(value) ? (value[name] ?? null) : null;
}
