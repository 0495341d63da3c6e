import type { OpenedJob } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import { formatCanonicalJson, type JsonValue } from '../model/json.js';
import type { JobContext } from './job-context.js';
import type { Warning } from './warnings.js';

/** Tells what is strange about the input, as far as it has been read, or what else was noted; and nothing twice. */
export function reportWarnings(context: JobContext, notes: readonly Warning[] = context.input.notes): void {
  for (const { code, message } of notes) {
    const text = `${code} ${message}`;
    if (context.reportedWarnings.has(text)) continue;
    context.reportedWarnings.add(text);
    context.onEvent({ type: 'note', code, message });
  }
}

/** Tells how many records of the exclusion list matched no row, once every row was compared with it. */
export function reportUnmatched(context: JobContext): void {
  const { limit, sample } = context.settings;
  const note = limit === null && sample === null ? context.exclusion.describeUnmatched() : null;
  if (note !== null) reportWarnings(context, [note]);
}

/**
 * Says that a file is asked something else than the last time, which part changed, and how many of its rows that asks
 * again (null: nobody counted, since asking is free). Null where nothing was answered before, or nothing changed.
 */
export function describeChanges({ previous, ask }: OpenedJob, repeated: number | null): string | null {
  if (previous === null || previous.answered === 0) return null;
  const parts = listChangedParts(previous.ask, ask).join(' and ');
  const change = `This is a new question: ${parts} changed since the last time this file was filled.`;
  const kept = `what was answered stays in the ledger, under job ${previous.id}.`;
  if (repeated === null) return `${change} W${kept.slice(1)}`;
  if (repeated === 0) return `${change} None of the rows that were answered then would be asked again.`;
  const rows = repeated === 1 ? '1 answered row' : `${repeated} answered rows`;
  return `${change} ${rows} would be asked again; ${kept}`;
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
