import type { FieldAnswer, RowAnswer } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import type { CheckedRun } from '../model/checked.js';
import type { AgentRun } from '../model/run.js';
import { joinGrounding } from './ground-rows.js';
import { readReasons } from './read-reasons.js';

/** The answers of a run as the ledger keeps them: each checked row's values with their citations and confidence. */
export function createAnswers(batch: Batch, checked: CheckedRun, run: AgentRun): RowAnswer[] {
  const groundings = joinGrounding(checked.rows, run.output.grounding, run.output.structured);
  const reasons = readReasons(batch, run.output.text);
  return checked.rows.map((row) => {
    const grounding = groundings.get(row);
    const fields = [...row.fields].map(([name, field]): [string, FieldAnswer] => [
      name,
      {
        value: field.value,
        confidence: grounding?.get(name)?.confidence ?? null,
        citations: grounding?.get(name)?.citations ?? [],
        issue: field.issue ?? (field.value === null ? reasons.find(row.rowId, name) : null),
        runId: run.id,
        effort: batch.effort,
        triedEffort: batch.effort,
      },
    ]);
    return { key: row.key, fields: new Map(fields) };
  });
}
