import type { Connection } from './connection.js';
import { sql } from './sql.js';

/** Trips to the server: the shortest of them tells the time best. */
const TRIPS = 3;

/** How far the server's clock is ahead of another one, in ms. */
export async function measureClock(connection: Connection, now: () => number): Promise<number> {
  let shortestMs = Number.POSITIVE_INFINITY;
  let aheadMs = 0;
  for (let trip = 0; trip < TRIPS; trip += 1) {
    const startMs = now();
    const serverMs = await connection.read([sql`select now_ms() as now`], ([rows]) => Number(rows?.[0]?.now));
    const tripMs = now() - startMs;
    if (tripMs >= shortestMs) continue;
    shortestMs = tripMs;
    aheadMs = Math.round(serverMs - (startMs + tripMs / 2));
  }
  return aheadMs;
}
