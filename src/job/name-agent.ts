import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { listTables } from '../agents/list-tables.js';
import { type Ask, createAsk, hashText, isEmbedded, TABLE_STATE } from '../model/ask.js';
import { HOSTED_URL } from '../model/run.js';
import type { AgentChoice } from '../options.js';

/**
 * Names who is asked, as a part of the ask: answers of a rehearsal or of tables at hand are not taken for answers of the
 * service. A folder of tables is named with its state, so that rows are looked up again once a table has changed.
 */
export async function nameAgent(agent: AgentChoice): Promise<string> {
  switch (agent.kind) {
    case 'hosted':
      return HOSTED_URL;
    case 'url':
      return agent.url.replace(/\/+$/, '');
    case 'reference':
      return `${resolve(agent.directory)}#${await readState(agent.directory, agent.omit)}`;
  }
}

/** Where the agent of an ask is reached; null for one that lived in the process that asked. */
export function readAgentUrl(ask: Pick<Ask, 'agent'>): string | null {
  return isEmbedded(ask) ? null : ask.agent;
}

/** True if two asks differ in nothing but the state of the tables that answer. */
export function isSameAsk(one: Ask, other: Ask): boolean {
  const [a, b] = [one, other].map(
    (ask) => createAsk({ ...ask, agent: ask.agent.replace(TABLE_STATE, '') }).id,
  );
  return a === b;
}

/** A folder that cannot be read has no state: the agent itself says what is wrong with it. */
async function readState(directory: string, omit: readonly string[]): Promise<string> {
  const paths = await listTables(directory, omit).catch(() => []);
  const files = await Promise.all(
    paths.map(async (path) => {
      const facts = await stat(path).catch(() => null);
      return [basename(path), facts?.size ?? 0, facts?.mtimeMs ?? 0];
    }),
  );
  return hashText(JSON.stringify(files), 16);
}
