import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Timers } from '../model/clock.js';
import { BETA_TOKEN } from '../model/run.js';
import type { Contract } from './contract.js';
import { createInvalid, createRefusal, type Refusal } from './refusal.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** Parsed query string. */
type QueryValues = Readonly<Record<string, unknown>>;

/** Parses the requested page of runs. */
export function resolveRunPage(query: QueryValues): { limit: number; before: string | null } {
  const cursor = parseCursor(query);
  if (cursor !== null && !OWN_RUN_ID_PATTERN.test(cursor)) throw createBadCursor();
  return { limit: parseLimit(query), before: cursor };
}

/** Parses the requested page of a run's events. */
export function resolveEventPage(query: QueryValues): { limit: number; after: number } {
  const cursor = parseCursor(query);
  if (cursor !== null && !/^[1-9]\d{0,8}$/.test(cursor)) throw createBadCursor();
  return { limit: parseLimit(query), after: Number(cursor ?? 0) };
}

/** Validates a run id from a path. */
export function resolveRunId(id: unknown): string {
  if (typeof id === 'string' && RUN_ID_PATTERN.test(id)) return id;
  throw createInvalid('A run id is 1 to 200 letters, digits or any of _ . : -');
}

/** The id of the event to replay from, from the Last-Event-ID header. */
export function resolveLastEventId(header: string | readonly string[] | undefined): number {
  // A client may send an id of another run or service. It then gets all events.
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
}

function parseLimit(query: QueryValues): number {
  const { limit } = query;
  if (limit === undefined) return DEFAULT_LIMIT;
  const value = typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (value >= 1 && value <= MAX_LIMIT) return value;
  throw createInvalid(`limit must be a whole number from 1 to ${MAX_LIMIT}.`);
}

function parseCursor(query: QueryValues): string | null {
  const { cursor } = query;
  if (cursor === undefined) return null;
  if (typeof cursor !== 'string') throw createBadCursor();
  return cursor;
}

function createBadCursor() {
  return createInvalid('cursor must be the nextCursor of an earlier page.');
}

/** The team of a request: one per key. If no key is configured, all keys are accepted. */
export function resolveTeam(headers: IncomingHttpHeaders, acceptedKey: string | null): string {
  const key = findKey(headers);
  if (key === null) {
    throw createUnknownTeam('Send an API key in the header x-api-key, or as Authorization: Bearer KEY.');
  }
  if (acceptedKey !== null && !timingSafeEqual(hashKey(key), hashKey(acceptedKey))) {
    throw createUnknownTeam('That API key is not the one this server was started with.');
  }
  return hashKey(key).toString('hex').slice(0, 24);
}

/** Checks the beta header, which the contract of 2026-05-07 requires. */
export function checkBetaHeader(headers: IncomingHttpHeaders, contract: Contract): void {
  if (contract === 'current') return;
  const sent = headers['exa-beta'];
  const tokens = String(sent ?? '')
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  const advice = `Send the header Exa-Beta: ${BETA_TOKEN}, or serve the contract "current", which does not require it.`;
  if (tokens.length === 0) {
    throw createInvalid(`The Exa-Beta header is missing. ${advice}`, 'MISSING_BETA_HEADER');
  }
  if (tokens.some((token) => token !== BETA_TOKEN)) {
    throw createInvalid(`The Exa-Beta header is "${String(sent)}". ${advice}`, 'INVALID_BETA_HEADER');
  }
}

function findKey(headers: IncomingHttpHeaders): string | null {
  const direct = headers['x-api-key'];
  if (typeof direct === 'string' && direct.trim() !== '') return direct.trim();
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '');
  return bearer?.[1] ?? null;
}

function createUnknownTeam(message: string): Refusal {
  return createRefusal(401, 'AUTHENTICATION_ERROR', 'TEAM_NOT_FOUND', message);
}

function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Format of run ids and page cursors. */
export const RUN_ID_PATTERN = /^[A-Za-z0-9_.:-]{1,200}$/;

/** Format of this server's own ids: the prefix and 26 base-32 digits. */
const OWN_RUN_ID_PATTERN = /^agent_run_[0-9a-hjkmnp-tv-z]{26}$/;

const PREFIX = 'agent_run_';
const LENGTH = 26;
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const RANDOM_BITS = 80n;

/** Creates a generator of run ids that sort as text in creation order: time, then random bits. */
export function createRunIds(clock: Timers): () => string {
  let lastTime = 0;
  let chance = 0n;
  return () => {
    const now = clock.now();
    if (now > lastTime) {
      lastTime = now;
      // Keep the top bit free, so that incrementing within a millisecond never overflows.
      chance = BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n;
    } else {
      chance += 1n;
    }
    return `${PREFIX}${writeDigits((BigInt(lastTime) << RANDOM_BITS) | chance, LENGTH)}`;
  };
}

/** An id that sorts before every id created at that time or later. */
export function createIdBound(timeMs: number): string {
  return `${PREFIX}${writeDigits(BigInt(Math.max(0, Math.floor(timeMs))) << RANDOM_BITS, LENGTH)}`;
}

function writeDigits(value: bigint, length: number): string {
  let text = '';
  let rest = value;
  while (text.length < length) {
    text = (DIGITS[Number(rest & 31n)] ?? '0') + text;
    rest >>= 5n;
  }
  return text;
}
