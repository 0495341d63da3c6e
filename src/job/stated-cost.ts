import type { Ask } from '../model/ask.js';
import { computeWorstMicros, type PriceList } from '../model/prices.js';
import type { PendingBatch } from '../model/question.js';

/** What one level of the effort ladder may cost, in micro-dollars. */
export interface LevelCost {
  /** The first time round, if every row gets as far as this level. */
  readonly firstMicros: number;
  /** Repairs: rows that came back wrong or not at all, sent again. */
  readonly repairMicros: number;
}

/** Repairs of a level may cost as much again as its first time round. */
export function addRepairs(firstMicros: number): LevelCost {
  return { firstMicros, repairMicros: firstMicros };
}

/** The most that a level can cost: what is stated before the job starts, and what holds the job back afterwards. */
export function sumLevel({ firstMicros, repairMicros }: LevelCost): number {
  return firstMicros + repairMicros;
}

interface CostParts {
  readonly ask: Ask;
  readonly prices: PriceList;
}

interface Level extends LevelCost {
  /** What this command was billed at this level, and what is reserved for its runs at work. */
  usedMicros: number;
  /** What has been taken for the first time round so far. */
  takenMicros: number;
}

/**
 * Holds a job to the worst cost that was stated before it started. The first time round keeps its share, so that repairs
 * of some rows never take the money of others; what it costs less than stated is left for repairs.
 */
export class StatedCost {
  readonly #parts: CostParts;
  readonly #reserved = new Map<PendingBatch, number>();
  /** By level of the effort ladder; null where no cost was stated: nothing is held back. */
  #levels: Level[] | null = null;

  constructor(parts: CostParts) {
    this.#parts = parts;
  }

  /** Takes note of what was stated, level by level. */
  state(levels: readonly LevelCost[]): void {
    this.#levels = levels.map(({ firstMicros, repairMicros }) => ({
      firstMicros,
      repairMicros,
      usedMicros: 0,
      takenMicros: 0,
    }));
  }

  /** False if the worst price of a group's run would pass what was stated. */
  hasRoom(group: PendingBatch): boolean {
    const level = this.#levels?.[group.level];
    if (level === undefined) return true;
    const micros = this.#computePrice(group);
    // The price list is what was agreed to: an agent that bills more takes nothing from rows that were not sent yet.
    if (isFirst(group) && level.takenMicros + micros <= level.firstMicros) return true;
    const keptMicros = Math.max(0, level.firstMicros - level.takenMicros);
    return level.usedMicros + micros + keptMicros <= sumLevel(level);
  }

  /** Reserves the worst price of a group's run; false if there is no room for it. */
  take(group: PendingBatch): boolean {
    if (!this.hasRoom(group)) return false;
    const level = this.#levels?.[group.level];
    if (level === undefined) return true;
    const micros = this.#computePrice(group);
    this.#reserved.set(group, micros);
    level.usedMicros += micros;
    if (isFirst(group)) level.takenMicros += micros;
    return true;
  }

  /** Puts what a run cost in the place of its reservation. */
  bill(group: PendingBatch, costMicros: number): void {
    const level = this.#levels?.[group.level];
    const reserved = this.#reserved.get(group);
    if (level === undefined || reserved === undefined) return;
    this.#reserved.delete(group);
    level.usedMicros += costMicros - reserved;
  }

  /** Gives back the reservation of a group that was not billed: it may be taken again. */
  giveBack(group: PendingBatch): void {
    const level = this.#levels?.[group.level];
    const reserved = this.#reserved.get(group);
    if (level === undefined || reserved === undefined) return;
    this.#reserved.delete(group);
    level.usedMicros -= reserved;
    if (isFirst(group)) level.takenMicros -= reserved;
  }

  #computePrice({ level, questions, fields }: PendingBatch): number {
    const { ask, prices } = this.#parts;
    return computeWorstMicros(prices, ask.efforts[level] ?? '', questions.length, ask, fields);
  }
}

function isFirst(group: PendingBatch): boolean {
  return group.attempt === 1;
}
