import type { Ask } from '../model/ask.js';
import { computeWorstMicros, type PriceList } from '../model/prices.js';
import type { PendingBatch } from '../model/question.js';

/** Maximum cost of one effort level, in micro-dollars. */
export interface LevelCost {
  /** First attempts, if every row needs this level. */
  readonly firstMicros: number;
  /** Repairs: retries of rows with missing or invalid answers. */
  readonly repairMicros: number;
}

/** Repairs of a level may cost as much as its first attempts. */
export function addRepairs(firstMicros: number): LevelCost {
  return { firstMicros, repairMicros: firstMicros };
}

/** Computes the worst cost of a level, which is stated before the job starts and enforced afterwards. */
export function sumLevel({ firstMicros, repairMicros }: LevelCost): number {
  return firstMicros + repairMicros;
}

interface CostParts {
  readonly ask: Ask;
  readonly prices: PriceList;
}

interface Level extends LevelCost {
  /** Billed cost of this command at this level, plus reservations of active runs. */
  usedMicros: number;
  /** Cost taken for first attempts so far. */
  takenMicros: number;
}

/**
 * Enforces the worst-case cost that was stated before the job started. A share is kept for first attempts, so that
 * repairs of some rows never use up the money for others. If first attempts cost less than stated, the rest is
 * available for repairs.
 */
export class StatedCost {
  readonly #parts: CostParts;
  readonly #reserved = new Map<PendingBatch, number>();
  /** By effort level; null if no cost was stated, so nothing is limited. */
  #levels: Level[] | null = null;

  constructor(parts: CostParts) {
    this.#parts = parts;
  }

  /** Sets the stated cost of each level. */
  state(levels: readonly LevelCost[]): void {
    this.#levels = levels.map(({ firstMicros, repairMicros }) => ({
      firstMicros,
      repairMicros,
      usedMicros: 0,
      takenMicros: 0,
    }));
  }

  /** Computes the worst price of a group's run. */
  computePrice({ level, questions, fields }: PendingBatch): number {
    const { ask, prices } = this.#parts;
    return computeWorstMicros(prices, ask.efforts[level] ?? '', questions.length, ask, fields);
  }

  /** False if the worst price of a group's run would exceed the stated cost. */
  hasRoom(group: PendingBatch): boolean {
    const level = this.#levels?.[group.level];
    if (level === undefined) return true;
    const micros = this.computePrice(group);
    // First attempts count at list price, which was confirmed, so an agent that bills more does not block rows that
    // were not sent yet.
    if (isFirst(group) && level.takenMicros + micros <= level.firstMicros) return true;
    const keptMicros = Math.max(0, level.firstMicros - level.takenMicros);
    return level.usedMicros + micros + keptMicros <= sumLevel(level);
  }

  /** Reserves the worst price of a group's run; false if the stated cost does not cover it. */
  take(group: PendingBatch): boolean {
    if (!this.hasRoom(group)) return false;
    const level = this.#levels?.[group.level];
    if (level === undefined) return true;
    const micros = this.computePrice(group);
    this.#reserved.set(group, micros);
    level.usedMicros += micros;
    if (isFirst(group)) level.takenMicros += micros;
    return true;
  }

  /** Replaces a reservation by the actual cost. */
  bill(group: PendingBatch, costMicros: number): void {
    const level = this.#levels?.[group.level];
    const reserved = this.#reserved.get(group);
    if (level === undefined || reserved === undefined) return;
    this.#reserved.delete(group);
    level.usedMicros += costMicros - reserved;
  }

  /** Releases the reservation of a group that was not billed. */
  giveBack(group: PendingBatch): void {
    const level = this.#levels?.[group.level];
    const reserved = this.#reserved.get(group);
    if (level === undefined || reserved === undefined) return;
    this.#reserved.delete(group);
    level.usedMicros -= reserved;
    if (isFirst(group)) level.takenMicros -= reserved;
  }
}

function isFirst(group: PendingBatch): boolean {
  return group.attempt === 1;
}
