import { hashText } from '../../model/ask.js';
import { formatCanonicalJson, isJsonObject, type JsonValue } from '../../model/json.js';
import type { CreateRunRequest } from '../../model/run.js';

/** What a run is about, whatever it is called this time: chance is drawn by it. */
export function nameSubject(request: CreateRunRequest): string {
  const text = formatCanonicalJson([request.query, request.effort ?? null, [...(request.input?.data ?? [])]]);
  return hashText(text, 24);
}

/** What one record is about: its content without the id that it has in this run. */
export function nameRecord(record: JsonValue): string {
  if (!isJsonObject(record)) return hashText(JSON.stringify(record), 24);
  const { row_id: _id, ...content } = record;
  return hashText(formatCanonicalJson(content), 24);
}
