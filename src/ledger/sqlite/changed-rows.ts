import { SPAN, unpackKeys } from '../blocks.js';
import type { ChangedRows } from '../ledger.js';
import type { Database } from './database.js';

/** Rows of the blocks that were added after a change. */
export function listChangedRows(
  database: Database,
  askId: string,
  since: number | null,
  limit: number,
): ChangedRows {
  const ask = database.get<{ number: number; last: number | null }>(
    `select number, (select max(number) from block where number > ask.number * ${SPAN} and number < (ask.number + 1) * ${SPAN}) as last
     from ask where id = ?`,
    askId,
  );
  const last = ask?.last ?? since ?? 0;
  if (ask === undefined || since === null || last <= since) return { keys: [], seen: last, hasMore: false };
  const keys = new Set<string>();
  let seen = since;
  const blocks = database.all<{ number: number; keys: Uint8Array | null }>(
    'select number, keys from block where number > ? and number <= ? order by number limit ?',
    Math.max(since, ask.number * SPAN),
    last,
    limit,
  );
  for (const { number, keys: packed } of blocks) {
    for (const key of unpackKeys(packed)) keys.add(key);
    seen = number;
    if (keys.size >= limit) break;
  }
  return { keys: [...keys], seen, hasMore: seen < last };
}
