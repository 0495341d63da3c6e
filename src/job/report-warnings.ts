import type { OpenedJob } from '../ledger/ledger.js';
import { type Ask, getFieldIds } from '../model/ask.js';
import { findLikeColumn } from '../model/column-name.js';
import type { FieldFill } from '../model/events.js';
import { formatList, formatNumber, showName, suggestSimilar } from '../model/format.js';
import { formatCanonicalJson, type JsonValue } from '../model/json.js';
import type { JobContext } from './job-context.js';
import type { Warning } from './warnings.js';

/** Reports the warnings about the input so far, the agent and the fields. */
export function reportJobWarnings(context: JobContext): void {
  reportWarnings(context, [...context.input.notes, ...context.agent.notes, ...describeFields(context)]);
}

/** Reports warnings, each only once. */
export function reportWarnings(
  context: Pick<JobContext, 'reportedWarnings' | 'onEvent'>,
  notes: readonly Warning[],
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
 * Describes what changed since the file was last filled. Null if nothing did, or if the question is the same and no
 * answered row is sent again: a new field is sent on its own, and a new effort continues from the last one.
 * `repeated` is the number of rows sent again; null if they were not counted because the job is free.
 */
export function describeChanges({ id, previous, ask }: OpenedJob, repeated: number | null): string | null {
  if (previous === null || previous.answered === 0) return null;
  const isOtherQuestion = previous.ask.id !== ask.id;
  const parts = listChangedParts(previous.ask, ask);
  if (parts.length === 0 || (!isOtherQuestion && (repeated ?? 0) === 0)) return null;
  const change = `${capitalize(formatAnd(parts))} changed since this file was last filled`;
  const kept =
    previous.id === id || previous.id === ''
      ? ''
      : ` The earlier answers stay in the ledger under job ${previous.id}.`;
  if (repeated === null) return `${change}.${kept}`;
  if (repeated === 0) return `${change}. No answered row is sent again.`;
  const rows = formatNumber(repeated, 'answered row');
  const verb = repeated === 1 ? 'is' : 'are';
  return `${change}: ${rows} ${verb} sent again${isOtherQuestion ? describeOldQuestion(previous.ask, ask) : ''}.${kept}`;
}

/** What keeping the old question would cost instead. */
function describeOldQuestion(before: Ask, after: Ask): string {
  const all = after.fields.length === 1 ? '' : ` for all ${after.fields.length} columns`;
  const [known, wanted] = [getFieldIds(before), getFieldIds(after)];
  const added = [...wanted].flatMap(([name, fieldId]) => (known.get(name) === fieldId ? [] : [name]));
  const what = before.query !== after.query ? 'the old query' : 'the old question';
  if (added.length === after.fields.length) return all;
  const rest = added.length === 0 ? 'sends none of them' : `asks only for ${formatList(added)}`;
  return `${all}; ${what} ${rest}`;
}

function listChangedParts(before: Ask, after: Ask): string[] {
  const parts: readonly (readonly [string, (ask: Ask) => JsonValue])[] = [
    ['the agent', (ask) => ask.agent],
    ['the query', (ask) => ask.query],
    ['the system prompt', (ask) => ask.system],
    ['the sent columns', (ask) => [...ask.send].sort()],
  ];
  const changed = parts
    .filter(([, read]) => formatCanonicalJson(read(before)) !== formatCanonicalJson(read(after)))
    .map(([name]) => name);
  const known = getFieldIds(before);
  const reworded = [...getFieldIds(after)].flatMap(([name, id]) =>
    known.has(name) && known.get(name) !== id ? [name] : [],
  );
  return reworded.length === 0
    ? changed
    : [...changed, `the schema or description of ${formatList(reworded)}`];
}

function formatAnd(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
