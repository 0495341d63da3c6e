import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Puts a PostgreSQL server on a Unix socket as far away as `delayMs` in each direction: every byte arrives that much
 * later, in order. Returns the URL through the proxy, for the URL of the server.
 */
export async function openDelayProxy(url, delayMs) {
  const place = new URL(url);
  const path = join(place.searchParams.get('host') ?? '', '.s.PGSQL.5432');
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = createConnection(path);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
      let last = Promise.resolve();
      const pass = (send) => {
        const arrived = sleep(delayMs);
        last = last.then(() => arrived).then(send);
      };
      from.on('data', (bytes) => pass(() => void to.write(bytes)));
      from.on('end', () => pass(() => void to.end()));
    }
  });
  await new Promise((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const own = new URL(`postgres://127.0.0.1:${server.address().port}${place.pathname}`);
  own.username = place.searchParams.get('user') ?? '';
  const schema = place.searchParams.get('schema');
  if (schema !== null) own.searchParams.set('schema', schema);
  return {
    url: own.href,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
