import type { Batch } from '../model/batch.js';
import { cleanLine } from '../model/foreign-text.js';

/** Why fields of a row have no value, in the agent's words. */
export interface RowReasons {
  find(rowId: string, field: string): string | null;
}

const MAX_CHARACTERS = 300;

/**
 * Reads the reasons that the text of a run gives for single rows: lines that begin with the row id and a colon or, for
 * one field, with `ID.city:`. Ids are our own and mean nothing in prose, so no other line is taken for one.
 */
export function readReasons(batch: Batch, text: string): RowReasons {
  const ids = new Set(batch.rows.map((row) => row.rowId));
  const reasons = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [start = ''] = /^[^\s.:]+/.exec(line) ?? [];
    if (!ids.has(start)) continue;
    const places = [start, ...batch.fields.map((field) => `${start}.${field}`)];
    const place = places.find((each) => line.startsWith(`${each}:`));
    const words = place === undefined ? '' : cleanLine(line.slice(place.length + 1), MAX_CHARACTERS);
    if (place !== undefined && words !== '' && !reasons.has(place)) reasons.set(place, words);
  }
  return {
    find: (rowId, field) => reasons.get(`${rowId}.${field}`) ?? reasons.get(rowId) ?? null,
  };
}
