import { onTestFinished } from 'vitest';
import type { Contract } from '../../src/server/contract.js';
import { type ServerOptions, startServer } from '../../src/server/start-server.js';
import { createCheckedFetch } from './checked-fetch.js';
import { ScriptedAgent } from './scripted-agent.js';

// The SDK takes the global fetch when it is loaded. Here it gets one that checks every response against the contract.
const originalFetch = globalThis.fetch;
let currentFetch = originalFetch;
globalThis.fetch = (input, init) => currentFetch(input, init);
const { Exa } = await import('exa-js');
globalThis.fetch = originalFetch;

export const { ExaError } = await import('exa-js');

/** The SDK's clients for an agent, and the contract that each one gets. */
export const WAYS = [
  { name: 'exa.beta.agent, contract 2026-05-07', contract: '2026-05-07', isBeta: true },
  { name: 'exa.agent, contract current', contract: 'current', isBeta: false },
  { name: 'exa.beta.agent, contract current', contract: 'current', isBeta: true },
] as const satisfies readonly { name: string; contract: Contract; isBeta: boolean }[];

export type Way = (typeof WAYS)[number];

/** Serves an agent for the running test and connects the SDK to it. */
export async function openSdk(way: Way, options: Partial<ServerOptions> = {}, key = 'test-key') {
  const server = await startServer({ agent: new ScriptedAgent(), contract: way.contract, ...options });
  onTestFinished(() => server.close());
  currentFetch = createCheckedFetch(way.contract);
  const exa = new Exa(key, server.url);
  const runs = way.isBeta ? exa.beta.agent.runs : (exa.agent.runs as typeof exa.beta.agent.runs);
  /** Options added to each call. */
  const betas = way.isBeta ? { betas: ['agent-2026-05-07'] } : {};
  return { server, exa, runs, betas };
}
