// Serves your own agent through the Agent Runs API and fills rows with it. A paid agent is called the same way.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrichRows } from 'rowfill';
import { startServer } from 'rowfill/server';

const NO_USAGE = { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 };

/** Returns the length of each word. The `row_id` of each record must be returned unchanged. */
const agent = {
  description: 'Counts letters.',
  async answer({ request }) {
    const records = request.input?.data ?? [];
    const rows = records.map(({ row_id, word }) => ({ row_id, fields: { letters: word.length } }));
    const grounding = records.map(({ word }, index) => ({
      field: `structured.rows[${index}].fields.letters`,
      citations: [{ url: `https://example.com/${word}` }],
      confidence: 'high',
    }));
    return { output: { text: 'Counted.', structured: { rows }, grounding }, usage: NO_USAGE };
  },
};

const folder = await mkdtemp(join(tmpdir(), 'own-agent-'));
const server = await startServer({ agent });
try {
  const words = [{ word: 'row' }, { word: 'column' }, { word: 'row' }];
  const options = { fields: ['letters:integer'], apiUrl: server.url, ledger: join(folder, 'ledger.sqlite') };
  const filled = enrichRows(words, { ...options, yes: true });
  for await (const { input, values } of filled) console.log(`${input.word}: ${values.letters}`);
  console.log(`asked once: ${filled.summary.duplicates} duplicate`);
} finally {
  await server.close();
  await rm(folder, { recursive: true });
}
