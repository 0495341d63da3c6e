import { expect, onTestFinished, test } from 'vitest';
import { openAgent } from '../../src/job/open-agent.js';
import { type EnrichOptions, resolveSettings } from '../../src/options.js';
import { createReferenceFolder } from '../helpers/reference-folder.js';

async function readListLagMs(options: Partial<EnrichOptions>): Promise<number> {
  const agent = await openAgent(resolveSettings({ input: 'in.csv', ...options }));
  onTestFinished(() => agent.close());
  return agent.listLagMs;
}

test('every agent with a URL gets the same list lag, local or not', async () => {
  expect(await readListLagMs({ apiUrl: 'http://127.0.0.1:9' })).toBe(15_000);
  expect(await readListLagMs({ apiUrl: 'https://agent.example' })).toBe(15_000);
  expect(await readListLagMs({ apiKey: 'key' })).toBe(15_000);
});

test('the embedded agent has no list lag', async () => {
  expect(await readListLagMs({ reference: createReferenceFolder({ 'a.csv': 'company\nAcme\n' }) })).toBe(0);
});

test('uses a custom list lag and refuses an invalid one', async () => {
  expect(await readListLagMs({ apiUrl: 'http://127.0.0.1:9', listLagMs: 0 })).toBe(0);
  await expect(readListLagMs({ apiUrl: 'http://127.0.0.1:9', listLagMs: -1 })).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message: '--list-lag is -1 ms',
  });
});
