import { setImmediate } from 'node:timers/promises';
import type { Ledger } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open-ledger.js';

/** Methods that answer at once, by the contract. */
const AT_ONCE: ReadonlySet<string | symbol> = new Set([
  'findMove',
  'listRecentRuns',
  'refuseStart',
  'isTakenOver',
]);
const MAX_TURNS = 8;

/**
 * Opens a ledger that delays each call by a random number of turns of the event loop, before it takes effect and before
 * it answers. Callers that rely on two lines being one turn then fail.
 */
export function createSlowOpen(seed: number): typeof openLedger {
  const wait = createRandomWait(seed);
  return async (path, options) => new Proxy(await openLedger(path, options), createDelays(wait));
}

function createDelays(wait: () => Promise<void>): ProxyHandler<Ledger> {
  return {
    get(ledger, name) {
      const member: unknown = Reflect.get(ledger, name, ledger);
      if (typeof member !== 'function') return member;
      if (AT_ONCE.has(name)) return member.bind(ledger);
      return async (...values: unknown[]) => {
        await wait();
        try {
          return await member.apply(ledger, values);
        } finally {
          await wait();
        }
      };
    },
  };
}

/** Waits 0 to 8 turns, the same ones for the same seed. */
function createRandomWait(seed: number): () => Promise<void> {
  let state = seed;
  return async () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    for (let turn = (state >>> 16) % (MAX_TURNS + 1); turn > 0; turn -= 1) await setImmediate();
  };
}
