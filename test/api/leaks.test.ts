import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { until } from '../helpers/clock.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, formatFrame, openEvents, type RawHandler, sendJson } from '../helpers/raw-server.js';

let created = 0;

/** Cuts the connection of every fifth run, answers every seventh with JSON, and streams the rest normally. */
const serve: RawHandler = (request, response, socket) => {
  if (request.method === 'GET') {
    const id = request.url.split('/')[3] ?? '';
    if (request.url.endsWith('/events')) sendJson(response, 404, { error: 'none' });
    else sendJson(response, 200, createRunJson(id));
    return;
  }
  created += 1;
  const id = `r${created}`;
  if (created % 7 === 0) return sendJson(response, 200, createRunJson(id));
  openEvents(response);
  const first = formatFrame('1', 'agent_run.created', { id });
  if (created % 5 === 0) response.write(first, () => socket.destroy());
  else response.end(first + formatFrame('2', 'agent_run.completed', { id, status: 'completed' }));
};

const countResources = (type: string): number =>
  process.getActiveResourcesInfo().filter((name) => name === type).length;

test('1,000 runs leave no sockets, timers or listeners behind', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  process.on('warning', onWarning);
  const timers = countResources('Timeout');
  const sockets = countResources('TCPSocketWrap');
  const controller = new AbortController();
  const { signal } = controller;
  await withClient(serve, {}, async ({ client, server }) => {
    let left = 1_000;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const run = await client.wait(await client.start({ query: 'q' }, { signal }), { signal });
        expect(run.status).toBe('completed');
      }
    };
    await Promise.all(Array.from({ length: 50 }, work));
    expect(created).toBe(1_000);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await client.close();
    await until(() => server.sockets.size === 0);
  });
  await until(() => countResources('TCPSocketWrap') <= sockets && countResources('Timeout') <= timers);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});
