import { createRequire } from 'node:module';
import type undici from 'undici';
import type { Dispatcher } from 'undici';

// undici's entry point also loads its fetch, WebSocket and caches, which take 6 MB and twice as long as these parts.
// Other releases may have another file layout; then all of it is loaded.

const require = createRequire(import.meta.url);

/** The connection pool for one origin. */
export function loadPool(): typeof undici.Pool {
  return loadPart('dispatcher/pool.js') ?? loadUndici().Pool;
}

/** One connection to one origin. */
export function loadClient(): typeof undici.Client {
  return loadPart('dispatcher/client.js') ?? loadUndici().Client;
}

/** Sends a request; the same as `dispatcher.request(options)`, which only exists once all of undici is loaded. */
export function request(
  dispatcher: Dispatcher,
  options: Dispatcher.RequestOptions,
): Promise<Dispatcher.ResponseData<unknown>> {
  const send =
    loadPart<Dispatcher['request']>('api/api-request.js') ?? loadUndici().Dispatcher.prototype.request;
  return send.call(dispatcher, options);
}

/** All of undici. */
export function loadUndici(): typeof undici {
  return require('undici');
}

function loadPart<Part>(path: string): Part | null {
  try {
    return require(`undici/lib/${path}`);
  } catch {
    return null;
  }
}
