import type { OpenedJob } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import { findLikeColumn } from '../model/column-name.js';
import type { FieldFill } from '../model/events.js';
import { showName, suggestSimilar } from '../model/format.js';
import { formatCanonicalJson, type JsonValue } from '../model/json.js';
import type { JobContext } from './job-context.js';
import type { Warning } from './warnings.js';

/** Reports warnings, by default those of the input so far, each only once. */
export function reportWarnings(
  context: JobContext,
  notes: readonly Warning[] = [...context.input.notes, ...context.agent.notes, ...describeFields(context)],
): void {
  for (const { code, message } of notes) {
    const text = `${code} ${message}`;
    if (context.reportedWarnings.has(text)) continue;
    context.reportedWarnings.add(text);
    context.onEvent({ type: 'note', code, message });
  }
}

/**
 * Reports the fields that the reference tables cannot answer, and how to name a column for them. `fields` is how often
 * each field was filled, once the output is written; then only fields that stayed blank are reported.
 */
export function reportGaps({ agent, ask, onEvent }: JobContext, fields?: readonly FieldFill[]): void {
  if (agent.tables === null) return;
  const { columns, listGaps } = agent.tables;
  const gaps = listGaps(ask.schema).filter(
    (name) => fields === undefined || fields.find((field) => field.name === name)?.filled === 0,
  );
  const [first] = gaps;
  if (first === undefined) return;
  const [near = 'COLUMN'] = suggestSimilar(first, columns);
  const what = `no reference table has a column for ${gaps.length === 1 ? 'it' : 'them'}`;
  const state = fields === undefined ? 'will stay blank' : 'stayed blank in every row';
  const names = columns.slice(0, MAX_COLUMNS).map(showName).join(', ');
  const list = columns.length > MAX_COLUMNS ? `${names}, …` : names;
  const message = `${gaps.map(showName).join(', ')} ${state}: ${what}. The columns are ${list}. To name one, add --look-up ${first}=${near}.`;
  onEvent({ type: 'note', code: 'FIELDS_UNKNOWN', message });
}

const MAX_COLUMNS = 30;

/** Warns about fields that are almost the name of a column, because their values go to a column of their own. */
function describeFields({ ask, input }: Pick<JobContext, 'ask' | 'input'>): Warning[] {
  return ask.fields.flatMap(({ name }) => {
    const column = findLikeColumn(name, input.columns);
    if (column === null || column === name) return [];
    const message = `The field ${showName(name)} is not the column ${showName(column)}: its values go to a new column. To fill that column, name the field ${showName(column)}.`;
    return [{ code: 'FIELD_LIKE_COLUMN', message }];
  });
}

/** Reports how many records of the exclusion list matched no row, after all rows were compared. */
export function reportUnmatched(context: JobContext): void {
  const { limit, sample } = context.settings;
  if (limit === null && sample === null) reportWarnings(context, context.exclusion.describeMatches());
}

/**
 * Describes which parts of the ask changed since the file was last filled, and how many answered rows are sent again
 * (null if not counted, because the job is free). Null if nothing was answered before or nothing changed.
 */
export function describeChanges({ previous, ask }: OpenedJob, repeated: number | null): string | null {
  if (previous === null || previous.answered === 0) return null;
  const parts = listChangedParts(previous.ask, ask).join(' and ');
  const change = `This is a new question: ${parts} changed since this file was last filled.`;
  const kept = `the earlier answers stay in the ledger under job ${previous.id}.`;
  if (repeated === null) return `${change} T${kept.slice(1)}`;
  if (repeated === 0) return `${change} No answered row would be sent again.`;
  const rows = repeated === 1 ? '1 answered row' : `${repeated} answered rows`;
  return `${change} ${rows} would be sent again; ${kept}`;
}

function listChangedParts(before: Ask, after: Ask): string[] {
  const parts: readonly (readonly [string, (ask: Ask) => JsonValue])[] = [
    ['the agent', (ask) => ask.agent],
    ['the query', (ask) => ask.query],
    ['the system prompt', (ask) => ask.system],
    ['the fields', (ask) => [ask.schema, ask.fields.map((field) => field.name)]],
    ['the sent columns', (ask) => ask.send],
    ['the effort', (ask) => [ask.efforts, ask.escalateBelow]],
  ];
  return parts
    .filter(([, read]) => formatCanonicalJson(read(before)) !== formatCanonicalJson(read(after)))
    .map(([name]) => name);
}
