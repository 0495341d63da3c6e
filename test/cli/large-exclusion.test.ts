import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createWorkdir } from '../helpers/workdir.js';

test.each([
  [
    'a million equal lines, compressed',
    'list.csv.gz',
    () => gzipSync(`domain\n${'acme.example\n'.repeat(1_000_000)}`),
  ],
  [
    '150,000 different lines',
    'list.csv',
    () =>
      `domain,note\n${Array.from({ length: 150_000 }, (_, index) => `a${index}.example,${'x'.repeat(80)}\n`).join('')}acme.example,\n`,
  ],
])(
  'reads an exclusion list of %s in little memory',
  async (_, name, write) => {
    const dir = createWorkdir();
    dir.write('in.csv', 'domain\nacme.example\nother.example\n');
    dir.write('tables/crm.csv', 'domain,city\nacme.example,Rome\nother.example,Oslo\n');
    dir.write(name, write());
    const job = [
      'run',
      'in.csv',
      '-q',
      'Find the city',
      '-f',
      'city',
      '--reference',
      'tables',
      '--exclude',
      name,
      '-o',
      'out.csv',
    ];
    const { status, stderr } = await dir.runProcess(job, {
      env: { NODE_OPTIONS: '--max-old-space-size=96' },
      timeoutMs: 110_000,
    });
    expect(stderr).not.toContain('heap');
    expect(status).toBe(0);
    const [, acme, other] = dir.read('out.csv').split('\n');
    expect(acme).toContain('excluded');
    expect(other).toMatch(/^other\.example,Oslo,/);
  },
  120_000,
);
