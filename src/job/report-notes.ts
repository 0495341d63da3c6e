import type { OpenedJob } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import type { EnrichEvent } from '../model/events.js';
import { formatCanonicalJson, type JsonValue } from '../model/json.js';
import type { Note } from './cell-notes.js';
import type { Trip } from './create-trip.js';

/** Tells what is strange about the input, as far as it has been read, or what else was noted; and nothing twice. */
export function reportNotes(trip: Trip, notes: readonly Note[] = trip.input.notes): void {
  for (const { code, message } of notes) {
    const text = `${code} ${message}`;
    if (trip.toldNotes.has(text)) continue;
    trip.toldNotes.add(text);
    trip.onEvent({ type: 'note', code, message });
  }
}

/** Tells that a file is asked something else than the last time: which part changed, and what that leaves behind. */
export function reportChanges(job: OpenedJob, onEvent: (event: EnrichEvent) => void): void {
  const { previous, ask } = job;
  if (previous === null || previous.answered === 0) return;
  const parts = readChangedParts(previous.ask, ask);
  onEvent({
    type: 'note',
    code: 'ASK_CHANGED',
    message:
      `This is a new question: ${parts.join(' and ')} changed since the last time this file was filled. ` +
      `${previous.answered === 1 ? '1 answered row' : `${previous.answered} answered rows`} would be asked again; ` +
      `what was answered stays in the ledger, under job ${previous.id}.`,
  });
}

function readChangedParts(before: Ask, after: Ask): string[] {
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
