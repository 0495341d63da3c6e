import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { JudgedPage } from '../../src/job/page-judge.js';
import type { Claim } from '../../src/model/verdict.js';
import { PROGRAM } from '../helpers/workdir.js';

/** Built, because its worker runs the built program. */
const { PageJudge } = (await import(
  pathToFileURL(join(PROGRAM, '../../job/page-judge.js')).href
)) as typeof import('../../src/job/page-judge.js');

const CLAIM: Claim = {
  field: { name: 'hq_city', schema: { type: 'string' } },
  value: 'Oslo',
  row: [{ name: 'company', value: 'Acme' }],
};

function createPage(html: string): () => Promise<JudgedPage> {
  const bytes = {
    url: 'https://acme.example/',
    status: 200,
    contentType: 'text/html',
    body: Buffer.from(html),
  };
  return async () => ({ bytes, isCut: false });
}

test('a page over its deadline is given up, and the pages behind it are judged', async () => {
  const judge = new PageJudge(undefined, 1);
  onTestFinished(() => judge.close());
  const slow = judge.judge(createPage('<b>'.repeat(4_900) + '</i>'.repeat(1_000_000)), [], 0);
  // Each claim adds to the deadline: so many have time enough on any machine.
  const claims = new Array<Claim>(600).fill(CLAIM);
  const fine = judge.judge(createPage('<p>Acme has its headquarters in Oslo.'), claims, 0);
  expect(await slow).toEqual({ error: 'it takes too long to read' });
  const reply = await fine;
  if ('error' in reply) throw new Error(reply.error);
  expect(reply.kind).toBe('readable');
  expect(reply.verdicts).toHaveLength(600);
  expect(reply.verdicts[599]).toMatchObject({ verdict: 'on_page', evidence: 'strong' });
});

test('a page that fails to load fails alone', async () => {
  const judge = new PageJudge();
  onTestFinished(() => judge.close());
  const failing = judge.judge(() => Promise.reject(new Error('gone')), [CLAIM], 10);
  const fine = judge.judge(createPage('<p>Acme has its headquarters in Oslo.'), [CLAIM], 0);
  await expect(failing).rejects.toThrow('gone');
  expect(await fine).toMatchObject({ kind: 'readable', verdicts: [{ verdict: 'on_page' }] });
});

test('an interrupt ends the page under way and those that wait', async () => {
  const abort = new AbortController();
  const judge = new PageJudge(abort.signal);
  const pages = [1, 2].map(() =>
    judge.judge(createPage('<b>'.repeat(4_900) + '</i>'.repeat(1_000_000)), [CLAIM], 0),
  );
  const settled = Promise.allSettled(pages);
  abort.abort();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('while many bytes wait, one page is fetched for each that is judged', async () => {
  const judge = new PageJudge();
  onTestFinished(() => judge.close());
  const page = createPage('<p>Acme has its headquarters in Oslo.');
  const seen: string[] = [];
  let start = (): void => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const first = judge.judge(() => started.then(page), [CLAIM], 600_000).then(() => seen.push('first'));
  const second = judge.judge(page, [CLAIM], 600_000).then(() => seen.push('second'));
  const fetching = judge.waitForRoom().then(() => seen.push('room'));
  await setImmediate();
  seen.push('start');
  start();
  await Promise.all([first, second, fetching]);
  expect(seen).toEqual(['start', 'room', 'first', 'second']);
});

test('a page that is fetched anew for its turn does not wait for the pages after it', async () => {
  const judge = new PageJudge();
  onTestFinished(() => judge.close());
  const page = createPage('<p>Acme has its headquarters in Oslo.');
  const anew = async (): Promise<JudgedPage> => {
    await judge.waitForRoom();
    return await page();
  };
  const replies = [judge.judge(anew, [CLAIM], 0), judge.judge(page, [CLAIM], 2_000_000)];
  // Another one that takes a place among the requests.
  const fetching = judge.waitForRoom();
  for (const reply of await Promise.all(replies)) expect(reply).toMatchObject({ kind: 'readable' });
  await fetching;
});

test('bytes of a page are handed over, and copied if they are a part of others', async () => {
  const judge = new PageJudge();
  onTestFinished(() => judge.close());
  const whole = new TextEncoder().encode('<p>Acme has its headquarters in Oslo.');
  const shared = Buffer.from(whole);
  const verdicts = await Promise.all(
    [whole, shared].map((body) =>
      judge.judge(
        async () => ({
          bytes: { url: 'https://acme.example/', status: 200, contentType: 'text/html', body },
          isCut: false,
        }),
        [CLAIM],
        body.length,
      ),
    ),
  );
  for (const reply of verdicts) expect(reply).toMatchObject({ verdicts: [{ verdict: 'on_page' }] });
  expect([whole.length, shared.length]).toEqual([0, 37]);
});
