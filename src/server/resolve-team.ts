import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BETA_TOKEN } from '../model/run.js';
import type { Contract } from './contract.js';
import { createInvalid, createRefusal, type Refusal } from './refusal.js';

/** The team behind a request: one a key. Without a configured key every key is let in. */
export function resolveTeam(headers: IncomingHttpHeaders, acceptedKey: string | null): string {
  const key = readKey(headers);
  if (key === null) {
    throw createUnknownTeam('Send an API key in the header x-api-key, or as Authorization: Bearer KEY.');
  }
  if (acceptedKey !== null && !timingSafeEqual(hashKey(key), hashKey(acceptedKey))) {
    throw createUnknownTeam('That API key is not the one this server was started with.');
  }
  return hashKey(key).toString('hex').slice(0, 24);
}

/** Holds a request to the beta header that the contract of 2026-05-07 demands. */
export function checkBetaHeader(headers: IncomingHttpHeaders, contract: Contract): void {
  if (contract === 'current') return;
  const sent = headers['exa-beta'];
  const tokens = String(sent ?? '')
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  const advice = `Send the header Exa-Beta: ${BETA_TOKEN}, or serve the contract "current", which does not ask for it.`;
  if (tokens.length === 0) {
    throw createInvalid(`The Exa-Beta header is missing. ${advice}`, 'MISSING_BETA_HEADER');
  }
  if (tokens.some((token) => token !== BETA_TOKEN)) {
    throw createInvalid(`The Exa-Beta header is "${String(sent)}". ${advice}`, 'INVALID_BETA_HEADER');
  }
}

function readKey(headers: IncomingHttpHeaders): string | null {
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
