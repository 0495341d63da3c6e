import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWorkdir } from '../helpers/workdir.js';

const SAMPLES = join(import.meta.dirname, '../../samples');

test.each([
  ['CSV', 'companies.csv', 'companies.recipe.yaml'],
  ['JSONL', 'people.jsonl', 'people.recipe.yaml'],
])(
  '%s: served by another process, the tables fill a file as --reference does, byte for byte apart from run ids and links to files',
  async (format, input, recipe) => {
    const dir = createWorkdir();
    cpSync(SAMPLES, join(dir.path, 'samples'), {
      recursive: true,
      filter: (path) => !path.includes('.filled.'),
    });
    const server = await dir.start(['serve', '--reference', 'samples/reference']);
    const job = ['run', `samples/${input}`, '--recipe', `samples/${recipe}`];
    // A ledger each, so that neither takes its answers from the other.
    const results = await Promise.all([
      dir.run([...job, '-o', 'within'], { env: { ROWFILL_HOME: join(dir.path, 'one') } }),
      dir.run([...job, '-o', 'served', '--api-url', server.line, '--yes'], {
        env: { ROWFILL_HOME: join(dir.path, 'two') },
      }),
    ]);
    expect(results.map(({ status }) => status)).toEqual([0, 0]);

    const within = dir.read('within');
    const served = dir.read('served');
    expect(hideRunIds(served)).toBe(unlinkFiles(hideRunIds(within), format));
    // Neither is empty, and the run ids and links are the only things that tell them apart.
    expect(within).toContain('samples/reference/');
    expect(served).not.toBe(within);
    const list = await fetch(`${server.line}/agent/runs?limit=100`, {
      headers: { 'x-api-key': 'local', 'exa-beta': 'agent-2026-05-07' },
    });
    const { data } = (await list.json()) as { data: { id: string }[] };
    const used = new Set(served.match(RUN_ID));
    expect(used.size).toBeGreaterThan(1);
    expect([...used].filter((id) => !data.some((run) => run.id === id))).toEqual([]);
  },
);

const RUN_ID = /agent_run_[0-9a-z]{26}/g;

function hideRunIds(text: string): string {
  return text.replaceAll(RUN_ID, 'RUN');
}

/** Links to files as text: only the embedded agent is believed about them. */
function unlinkFiles(text: string, format: string): string {
  return format === 'JSONL'
    ? text.replaceAll(/"url":("file:[^"]*"),"title":("[^"]*")/g, '"url":null,"title":$2,"text":$1')
    : text.replaceAll('file:///', 'file[:]///');
}
