import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hashText } from '../model/ask.js';
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
      return `${resolve(agent.directory)}#${await readState(agent.directory)}`;
  }
}

/** A folder that cannot be read has no state: the agent itself says what is wrong with it. */
async function readState(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => []);
  const files = await Promise.all(
    names.sort().map(async (name) => {
      const facts = await stat(join(directory, name)).catch(() => null);
      return [name, facts?.size ?? 0, facts?.mtimeMs ?? 0];
    }),
  );
  return hashText(JSON.stringify(files), 16);
}
