import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import { type JobBench, openJobBench } from '../helpers/job.js';
import { script } from '../helpers/truthful-agent.js';

/** Objects of which only the last three have a domain. */
function createObjects(count: number, pad = ''): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      company: `Company ${index + 1}`,
      ...(pad === '' ? {} : { pad }),
      ...(index < count - 3 ? {} : { domain: `c${index + 1}.example` }),
    }),
  );
}

const LAYOUTS: readonly (readonly [string, string, string])[] = [
  ['JSON Lines', 'in.jsonl', createObjects(1_203).join('\n')],
  ['JSON Lines with long rows', 'in.jsonl', createObjects(300, 'x'.repeat(4_000)).join('\n')],
  ['a JSON list', 'in.json', `[${createObjects(1_203).join(',\n')}]`],
];

/** A bench whose input is the given file. */
async function openBench(name: string, text: string): Promise<JobBench & { readonly path: string }> {
  const bench = await openJobBench(script((rows) => ({ rows })));
  return { ...bench, path: bench.write(name, text) };
}

const SETTINGS = { batchSize: 500, fields: ['answer'] } as const;

function listSent(bench: JobBench): readonly unknown[] {
  return bench.agent.tasks
    .flatMap((task) => task.request.input?.data ?? [])
    .map(({ domain }) => domain ?? null);
}

test.each(LAYOUTS)('sends a late key in %s by default', async (_layout, name, text) => {
  const bench = await openBench(name, text);
  await bench.run({ ...SETTINGS, input: bench.path });
  expect(listSent(bench).filter((domain) => domain !== null)).toHaveLength(3);
  expect(bench.read('out.csv').split('\n', 1)[0]).toMatch(/^company,(pad,)?domain,answer,/);
});

test.each(LAYOUTS)('a late key in %s can be named with send', async (_layout, name, text) => {
  const bench = await openBench(name, text);
  const { summary } = await bench.run({ ...SETTINGS, input: bench.path, send: ['domain'] });
  expect(listSent(bench)).toHaveLength(3);
  expect(summary.rows.enriched).toBe(3);
});

test.each(LAYOUTS)('excludes rows of %s by a late key', async (_layout, name, text) => {
  const bench = await openBench(name, text);
  const count = text.match(/"company"/g)?.length ?? 0;
  const exclude = bench.write('known.csv', `domain\nc${count}.example\nwww.c${count - 1}.example\n`);
  const { summary } = await bench.run({ ...SETTINGS, input: bench.path, exclude, send: ['company'] });
  expect(summary.rows.excluded).toBe(2);
});

test('a JSON Lines list can exclude by a key that only its last records have', async () => {
  const bench = await openBench('in.csv', 'company,domain\nA,c1203.example\nB,b.example\n');
  const exclude = bench.write(
    'known.jsonl',
    createObjects(1_203).join('\n').replaceAll('"company"', '"customer"'),
  );
  for (const excludeOn of [['domain'], undefined]) {
    const { summary } = await bench.run({ ...SETTINGS, exclude, excludeOn });
    expect(summary.rows).toMatchObject({ excluded: 1, enriched: 1 });
  }
});

test('export finds late keys too, and an unknown key is still refused', async () => {
  const bench = await openBench('in.jsonl', createObjects(1_203).join('\n'));
  const { summary } = await bench.run({ ...SETTINGS, input: bench.path, limit: 2 });
  const output = `${bench.folder}/again.csv`;
  await exportJob({ job: summary.jobId, ledger: `${bench.folder}/ledger.sqlite`, output });
  expect(readFileSync(output, 'utf8')).toBe(bench.read('out.csv'));
  await expect(bench.run({ ...SETTINGS, input: bench.path, send: ['domian'] })).rejects.toMatchObject({
    code: 'UNKNOWN_COLUMN',
    hint: 'Did you mean domain?',
  });
});
