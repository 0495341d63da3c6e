import { type Ask, isGoodEnough } from '../model/ask.js';
import type { Block } from './blocks.js';
import type { EffortClimb } from './records.js';
import { foldRow } from './row-state.js';

/** Maximum blocks read per ask: enough to estimate the share that goes to the next effort level, and still fast. */
export const MAX_CLIMB_BLOCKS = 1_000;
/** Same, for rows. */
const MAX_CLIMB_ROWS = 2_000;

/** Counts rows by effort, from blocks of the same question with any fields. */
export function countClimbs(ask: Ask, blocks: readonly Block[]): ReadonlyMap<string, EffortClimb> {
  const climbs = new Map<string, { asked: number; climbed: number }>();
  for (const [key, own] of groupByKey(blocks)) countClimb(key, own, ask, climbs);
  return climbs;
}

function groupByKey(blocks: readonly Block[]): Map<string, Block[]> {
  const groups = new Map<string, Block[]>();
  for (const block of blocks) {
    for (const key of block.listKeys()) {
      const known = groups.get(key);
      if (known !== undefined) known.push(block);
      else if (groups.size < MAX_CLIMB_ROWS) groups.set(key, [block]);
    }
  }
  return groups;
}

function countClimb(
  key: string,
  blocks: readonly Block[],
  ask: Ask,
  climbs: Map<string, { asked: number; climbed: number }>,
): void {
  const ladder = ask.efforts;
  const state = foldRow(key, blocks, 0, { ids: null, efforts: ladder });
  if (state === null || state.answeredAtMs === null) return;
  const fields = [...state.fields.values()];
  for (const [level, effort] of ladder.entries()) {
    const tried = fields.filter(({ triedEffort }) => ladder.indexOf(triedEffort) >= level);
    if (tried.length === 0) return;
    const counts = climbs.get(effort) ?? { asked: 0, climbed: 0 };
    counts.asked += 1;
    if (tried.some((field) => field.triedEffort !== effort || !isGoodEnough(ask, field))) counts.climbed += 1;
    climbs.set(effort, counts);
  }
}
