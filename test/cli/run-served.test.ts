import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWorkdir } from '../helpers/workdir.js';

const SAMPLES = join(import.meta.dirname, '../../samples');

test.each([
  ['CSV', 'companies.csv', 'companies.recipe.yaml'],
  ['JSONL', 'people.jsonl', 'people.recipe.yaml'],
])(
  '%s: tables served by another process give the same file as --reference, except run ids and file links',
  async (format, input, recipe) => {
    const dir = createWorkdir();
    cpSync(SAMPLES, join(dir.path, 'samples'), {
      recursive: true,
      filter: (path) => !path.includes('.filled.'),
    });
    const server = await dir.start(['serve', '--reference', 'samples/reference']);
    const job = ['run', `samples/${input}`, '--recipe', `samples/${recipe}`];
    // Separate ledgers, so that neither reuses the other's answers.
    const results = await Promise.all([
      dir.runProcess([...job, '-o', 'within'], { env: { ROWFILL_HOME: join(dir.path, 'one') } }),
      dir.runProcess([...job, '-o', 'served', '--api-url', server.line, '--yes'], {
        env: { ROWFILL_HOME: join(dir.path, 'two') },
      }),
    ]);
    expect(results.map(({ status }) => status)).toEqual([0, 0]);

    const within = dir.read('within');
    const served = dir.read('served');
    expect(hideRunIds(served)).toBe(unlinkFiles(hideRunIds(within), format));
    // Neither is empty, and they differ only in run ids and links.
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
  return text.replaceAll(RUN_ID, 'RUN').replace(/"as_of":"[^"]*"/g, '"as_of":"NOW"');
}

/** Replaces file links by text: rowfill accepts them only from the embedded agent. */
function unlinkFiles(text: string, format: string): string {
  return format === 'JSONL'
    ? text.replaceAll(/"url":("file:[^"]*"),"title":("[^"]*")/g, '"url":null,"title":$2,"text":$1')
    : text.replaceAll('file:///', 'file[:]///');
}
