import type { FieldAnswer } from './answer.js';
import type { Ask } from './ask.js';
import type { Confidence } from './run.js';

/** The next thing to ask about a row: some of its fields, at one level of the effort ladder. */
export interface LadderStep {
  readonly fields: readonly string[];
  /** Index in `ask.efforts`. */
  readonly level: number;
}

const CONFIDENCES: readonly (Confidence | null)[] = [null, 'low', 'medium', 'high'];

/** The lowest step that some of these fields still have to climb; null once every one of them is as good as it gets. */
export function readNextStep(
  ask: Ask,
  fields: readonly string[],
  answers: ReadonlyMap<string, FieldAnswer> | undefined,
): LadderStep | null {
  let level = ask.efforts.length;
  let climbing: string[] = [];
  for (const field of fields) {
    const next = readNextLevel(ask, answers?.get(field));
    if (next > level || next >= ask.efforts.length) continue;
    if (next < level) climbing = [];
    level = next;
    climbing.push(field);
  }
  return climbing.length === 0 ? null : { fields: climbing, level };
}

function readNextLevel(ask: Ask, answer: FieldAnswer | undefined): number {
  if (answer === undefined) return 0;
  return isGoodEnough(ask, answer) ? ask.efforts.length : ask.efforts.indexOf(answer.triedEffort) + 1;
}

function isGoodEnough(ask: Ask, answer: FieldAnswer): boolean {
  if (answer.value === null) return false;
  return ask.escalateBelow === null || !isBelow(answer.confidence, ask.escalateBelow);
}

/** True where one confidence is less than another; none at all is the least. */
export function isBelow(confidence: Confidence | null, other: Confidence): boolean {
  return CONFIDENCES.indexOf(confidence) < CONFIDENCES.indexOf(other);
}
