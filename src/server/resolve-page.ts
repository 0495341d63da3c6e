import { createInvalid } from './refusal.js';
import { OWN_RUN_ID_PATTERN, RUN_ID_PATTERN } from './run-id.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The query string as the HTTP layer hands it over. */
export type QueryValues = Readonly<Record<string, unknown>>;

/** Which page of the runs a query string asks for. */
export function resolveRunPage(query: QueryValues): { limit: number; before: string | null } {
  const cursor = readCursor(query);
  if (cursor !== null && !OWN_RUN_ID_PATTERN.test(cursor)) throw createBadCursor();
  return { limit: readLimit(query), before: cursor };
}

/** Which page of a run's events a query string asks for. */
export function resolveEventPage(query: QueryValues): { limit: number; after: number } {
  const cursor = readCursor(query);
  if (cursor !== null && !/^[1-9]\d{0,8}$/.test(cursor)) throw createBadCursor();
  return { limit: readLimit(query), after: Number(cursor ?? 0) };
}

/** The run id of a path, if it can be one at all. */
export function resolveRunId(id: unknown): string {
  if (typeof id === 'string' && RUN_ID_PATTERN.test(id)) return id;
  throw createInvalid('A run id is 1 to 200 letters, digits or any of _ . : - characters.');
}

/** The event after which a replay begins, from the header of a reader that has seen some. */
export function resolveLastEventId(header: string | readonly string[] | undefined): number {
  // A reader may carry an id of another run or service: then it gets everything.
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
}

function readLimit(query: QueryValues): number {
  const { limit } = query;
  if (limit === undefined) return DEFAULT_LIMIT;
  const value = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (value >= 1 && value <= MAX_LIMIT) return value;
  throw createInvalid(`limit must be a whole number from 1 to ${MAX_LIMIT}.`);
}

function readCursor(query: QueryValues): string | null {
  const { cursor } = query;
  if (cursor === undefined) return null;
  if (typeof cursor !== 'string') throw createBadCursor();
  return cursor;
}

function createBadCursor() {
  return createInvalid('cursor must be the nextCursor of an earlier page.');
}
