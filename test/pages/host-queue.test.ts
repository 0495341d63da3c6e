import { expect, test } from 'vitest';
import { HostQueue } from '../../src/pages/host-queue.js';
import { ManualClock, VirtualClock } from '../helpers/clock.js';

test('requests to a site go one after another, by its registrable domain, and others pass', async () => {
  const clock = new ManualClock();
  const queue = new HostQueue(clock, 1_000, 20);
  const order: string[] = [];
  const send = (host: string) =>
    queue.run(host, undefined, async () => {
      order.push(host);
    });
  const all = [
    send('www.acme.example'),
    send('shop.acme.example'),
    send('globex.example'),
    send('acme.example'),
  ];
  await all[2];
  expect(order).toEqual(['www.acme.example', 'globex.example']);
  await clock.wakeNext(1_000);
  await all[1];
  await clock.wakeNext(1_000);
  await Promise.all(all);
  expect(order.slice(2)).toEqual(['shop.acme.example', 'acme.example']);
});

test('only so many sites are requested at once', async () => {
  const queue = new HostQueue(new VirtualClock(), 0, 3);
  let active = 0;
  let most = 0;
  const hosts = Array.from({ length: 30 }, (_, index) => `site${index}.example`);
  await Promise.all(
    hosts.map((host) =>
      queue.run(host, undefined, async () => {
        active += 1;
        most = Math.max(most, active);
        await new Promise((resolve) => setImmediate(resolve));
        active -= 1;
      }),
    ),
  );
  expect(most).toBe(3);
});

test('a request that fails or is given up does not hold up the next one', async () => {
  const queue = new HostQueue(new VirtualClock(), 10, 1);
  const stop = new AbortController();
  const failed = queue.run('acme.example', undefined, () => Promise.reject(new Error('broken')));
  const stopped = queue.run('acme.example', stop.signal, async () => 'never');
  const next = queue.run('acme.example', undefined, async () => 'sent');
  stop.abort(new Error('stopped'));
  await expect(failed).rejects.toThrow('broken');
  await expect(stopped).rejects.toThrow('stopped');
  expect(await next).toBe('sent');
});
