import { hashText } from '../../model/ask.js';
import type { CheckedCitation } from '../../model/verdict.js';
import type { CellVerdict, ChangedRows, JobHandle } from '../ledger.js';
import type { Connection } from './connection.js';
import { keyArray, sql } from './sql.js';

/** Stores verdicts. Those of an ask that was deleted meanwhile are dropped. */
export function putVerdicts(
  connection: Connection,
  { askId }: JobHandle,
  verdicts: readonly CellVerdict[],
): Promise<void> {
  // Of several on the same value and citation, the last counts; one statement cannot replace a row twice.
  const last = new Map(
    verdicts.map((verdict) => [JSON.stringify([verdict.key, verdict.field, toClaim(verdict)]), verdict]),
  );
  const statements = [...last.values()].map((verdict) => {
    const { key, field, value, citation } = verdict;
    const { url, checkedAtMs, ...content } = citation;
    return sql`with drawn as (update ask_count set checked = checked + 1 from ask
        where ask.number = ask_count.ask and ask.id = ${askId} returning ask_count.ask, checked)
      insert into verdict (ask, number, key, field, claim, value, url, checked_at, content)
      select ask, checked, ${key}::uuid, ${JSON.stringify(field)}, ${toClaim(verdict)}, ${value}, ${url}, ${checkedAtMs},
        ${JSON.stringify(content)} from drawn
      on conflict (ask, key, md5(field), claim) do update
        set number = excluded.number, checked_at = excluded.checked_at, content = excluded.content`;
  });
  const count = sql`update ask_count set verdicts = verdicts + 1 from ask
    where ask.number = ask_count.ask and ask.id = ${askId}`;
  return connection.write([count, ...statements], () => undefined, [askId]);
}

function toClaim({ value, citation }: CellVerdict): string {
  return hashText(`${value} ${citation.url}`, 16);
}

/** Each verdict that is stored gets the next number of its ask, even if it replaces an earlier one. */
export function listCheckedRows(
  connection: Connection,
  askId: string,
  since: number | null,
  limit: number,
): Promise<ChangedRows> {
  const statements = [
    sql`select ask_count.ask, checked from ask_count join ask on ask.number = ask_count.ask where ask.id = ${askId}`,
    sql`select verdict.number, replace(key::text, '-', '') as key from verdict join ask on ask.number = verdict.ask
      where ask.id = ${askId} and verdict.number > ${since ?? Number.MAX_SAFE_INTEGER} order by verdict.number limit ${limit}`,
  ];
  return connection.read(statements, ([asks = [], rows = []]) => {
    const last = Number(asks[0]?.checked ?? 0);
    const keys = [...new Set(rows.map(({ key }) => String(key)))];
    const isFull = rows.length > 0 && rows.length === limit;
    return { keys, seen: isFull ? Number(rows.at(-1)?.number) : last, hasMore: isFull };
  });
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
  connection: Connection,
  { askId }: JobHandle,
  keys: readonly string[],
): Promise<ReadonlyMap<string, readonly CellVerdict[]>> {
  const statement = sql`select replace(key::text, '-', '') as key, field, value, url, checked_at as "checkedAt",
      verdict.content from verdict join ask on ask.number = verdict.ask
    where ask.id = ${askId} and key = any(${keyArray(keys)}) order by verdict.number`;
  return connection.read([statement], ([rows = []]) => {
    const found = new Map<string, CellVerdict[]>();
    for (const { key, field, value, url, checkedAt, content } of rows as unknown as readonly VerdictRow[]) {
      // Written by `putVerdicts`.
      const rest = JSON.parse(content) as Omit<CheckedCitation, 'url' | 'checkedAtMs'>;
      const citation = { url, ...rest, checkedAtMs: checkedAt };
      const verdict = { key, field: JSON.parse(field) as string, value, citation };
      const list = found.get(key);
      if (list === undefined) found.set(key, [verdict]);
      else list.push(verdict);
    }
    return found;
  });
}
