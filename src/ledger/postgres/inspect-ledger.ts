import type { RowfillError } from '../../errors.js';
import { parseLedgerUrl } from '../../model/ledger-url.js';
import { Connection, type Row } from './connection.js';
import { CONTENT } from './migrations.js';
import { readRefusal, selectMissingRights } from './rights.js';
import { sql } from './sql.js';

/** What a ledger's server says about it, and what this user may do there. */
export interface ServerReport {
  /** The URL without its secrets. */
  readonly label: string;
  /** Version of the server, such as 17.2. */
  readonly version: string;
  readonly user: string;
  readonly schema: string;
  /** False before the first job. */
  readonly hasLedger: boolean;
  /** True if this user may create the ledger, or bring it to the format of a new version. */
  readonly mayCreate: boolean;
  /** Why this user may not write; null if it may. */
  readonly refusal: RowfillError | null;
  /** Time from a question to the answer: the shortest of a few. */
  readonly roundTripMs: number;
  /** How far the server's clock is ahead of this machine's. */
  readonly clockAheadMs: number;
}

const TRIPS = 5;

/** Asks a ledger's server about it. Changes nothing. Throws if the server cannot be used. */
export async function inspectServer(url: string): Promise<ServerReport> {
  const place = parseLedgerUrl(url);
  const connection = new Connection(place, {});
  try {
    return await connection.withClient(async (client) => {
      const ask = async (text: string): Promise<Row> => (await client.query(text)).rows[0] ?? {};
      const facts = await ask(
        sql`select current_setting('server_version') as version, current_user as user,
          to_regclass(format('%I.format', ${place.schema}::text)) is not null as has_ledger,
          coalesce(has_schema_privilege(to_regnamespace(quote_ident(${place.schema})), 'create'),
            has_database_privilege(current_database(), 'create')) as may_create`.text,
      );
      const missing = await client.query(selectMissingRights(place, CONTENT).text);
      let roundTripMs = Number.POSITIVE_INFINITY;
      let clockAheadMs = 0;
      for (let trip = 0; trip < TRIPS; trip += 1) {
        const startMs = performance.now();
        const { now } = await ask('select extract(epoch from clock_timestamp()) * 1000 as now');
        const tripMs = performance.now() - startMs;
        if (tripMs >= roundTripMs) continue;
        roundTripMs = tripMs;
        clockAheadMs = Number(now) - (Date.now() - tripMs / 2);
      }
      return {
        label: place.label,
        version: String(facts.version).split(' ')[0] ?? '',
        user: String(facts.user),
        schema: place.schema,
        hasLedger: facts.has_ledger === true,
        mayCreate: facts.may_create === true,
        refusal: readRefusal(missing.rows[0], place),
        roundTripMs,
        clockAheadMs,
      };
    });
  } finally {
    await connection.close();
  }
}
