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

/** The steps that some of these fields still have to climb, the lowest first; none once every field is as good as it gets. */
export function readNextSteps(
  ask: Ask,
  fields: readonly string[],
  answers: ReadonlyMap<string, FieldAnswer> | undefined,
): LadderStep[] {
  if (answers === undefined) return fields.length === 0 ? [] : [{ fields, level: 0 }];
  const levels = fields.map((field) => readNextLevel(ask, answers.get(field)));
  return ask.efforts.flatMap((_effort, level) => {
    const climbing = fields.filter((_field, index) => levels[index] === level);
    return climbing.length === 0 ? [] : [{ fields: climbing, level }];
  });
}

function readNextLevel(ask: Ask, answer: FieldAnswer | undefined): number {
  if (answer === undefined) return 0;
  return isGoodEnough(ask, answer) ? ask.efforts.length : ask.efforts.indexOf(answer.triedEffort) + 1;
}

/** False for a field that climbs to the next level of the effort ladder, if there is one. */
export function isGoodEnough(
  ask: Pick<Ask, 'escalateBelow'>,
  answer: Pick<FieldAnswer, 'value' | 'confidence'>,
): boolean {
  if (answer.value === null) return false;
  return ask.escalateBelow === null || !isBelow(answer.confidence, ask.escalateBelow);
}

/** True where one confidence is less than another; none at all is the least. */
export function isBelow(confidence: Confidence | null, other: Confidence): boolean {
  return CONFIDENCES.indexOf(confidence) < CONFIDENCES.indexOf(other);
}
