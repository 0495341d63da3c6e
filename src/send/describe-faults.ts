import type { Question } from '../model/question.js';

/** Says what was wrong the last time, without the old row ids, which mean other rows now; null where nothing was. */
export function describeFaults(questions: readonly Question[]): string | null {
  const counts = new Map<string, number>();
  for (const { fault } of questions) if (fault !== null) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  if (counts.size === 0) return null;
  const faults = [...counts].map(([fault, count]) => (count === 1 ? fault : `${fault} (${count} records)`));
  return `Records are sent here again because of what came back for them before: ${faults.join('; ')}.`;
}
