import { hashText } from '../../model/ask.js';
import type { CheckedCitation } from '../../model/verdict.js';
import type { CellVerdict, ChangedRows, JobHandle } from '../ledger.js';
import type { Database } from './database.js';

/** Stores verdicts. Those of an ask that was deleted meanwhile are dropped. */
export function putVerdicts(
  database: Database,
  { askId }: JobHandle,
  verdicts: readonly CellVerdict[],
): void {
  const changed = database.run(
    'update ask_count set verdicts = verdicts + 1 where ask = (select number from ask where id = ?)',
    askId,
  );
  if (changed === 0) return;
  const ask = findAsk(database, askId);
  for (const { key, field, value, citation } of verdicts) {
    const { url, checkedAtMs, ...content } = citation;
    database.run(
      `insert into verdict (ask, key, field, claim, value, url, checked_at, content) values (?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (ask, key, field, claim) do update set
         number = (select max(number) + 1 from verdict), checked_at = excluded.checked_at, content = excluded.content`,
      ...[ask, key, field, hashText(`${value} ${url}`, 16), value, url, checkedAtMs, JSON.stringify(content)],
    );
  }
}

/** Each verdict that is stored gets the next number, even if it replaces an earlier one. */
export function listCheckedRows(
  database: Database,
  askId: string,
  since: number | null,
  limit: number,
): ChangedRows {
  const last = database.get<{ last: number | null }>('select max(number) as last from verdict')?.last ?? 0;
  if (since === null || last === since) return { keys: [], seen: last, hasMore: false };
  const rows = database.all<{ number: number; key: string }>(
    `select number, key from verdict where number > ? and ask = (select number from ask where id = ?)
     order by number limit ?`,
    // After verdicts were deleted, the numbers begin lower again.
    last < since ? 0 : since,
    askId,
    limit,
  );
  const keys = [...new Set(rows.map(({ key }) => key))];
  const isFull = rows.length === limit;
  return { keys, seen: isFull ? (rows.at(-1)?.number ?? last) : last, hasMore: isFull };
}

interface VerdictRow {
  readonly key: string;
  readonly field: string;
  readonly value: string;
  readonly url: string;
  readonly checkedAt: number;
  readonly content: string;
}

export function findVerdicts(
  database: Database,
  { askId }: JobHandle,
  keys: readonly string[],
): ReadonlyMap<string, readonly CellVerdict[]> {
  const found = new Map<string, CellVerdict[]>();
  const rows = database.all<VerdictRow>(
    `select key, field, value, url, checked_at as checkedAt, content from verdict
     where ask = ? and key in (select value from json_each(?)) order by number`,
    ...[findAsk(database, askId), JSON.stringify(keys)],
  );
  for (const { key, field, value, url, checkedAt, content } of rows) {
    // Written by `putVerdicts`.
    const rest = JSON.parse(content) as Omit<CheckedCitation, 'url' | 'checkedAtMs'>;
    const verdict = { key, field, value, citation: { url, ...rest, checkedAtMs: checkedAt } };
    const list = found.get(key);
    if (list === undefined) found.set(key, [verdict]);
    else list.push(verdict);
  }
  return found;
}

function findAsk(database: Database, askId: string): number {
  return database.get<{ number: number }>('select number from ask where id = ?', askId)?.number ?? 0;
}
