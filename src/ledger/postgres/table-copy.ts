import type { Client } from 'pg';
import { hashText } from '../../model/ask.js';
import { parseLedgerUrl } from '../../model/ledger-url.js';
import { Block, type BlockRow, unpackKeys } from '../blocks.js';
import {
  COPIED_TABLES,
  type CopiedRecord,
  type CopiedTable,
  type CopiedValue,
  type CopySource,
  type Fill,
  PART,
} from '../copied-tables.js';
import { type HeldRow, listLiving } from '../holder.js';
import type { StoredYields } from '../yields.js';
import { Connection } from './connection.js';
import { createFilled, skipNumbers } from './migrations.js';
import { openPostgresLedger } from './postgres-ledger.js';
import { keyArray, type Sql, sql, toIdentifier } from './sql.js';

/** Numbers of an ask are in a span of their own. */
const SPAN = 2 ** 32;
/** Characters of one insert. */
const MAX_CHARACTERS = 2_000_000;

/** How a column is read, if not as it is. */
const READ_AS: Readonly<Record<string, string>> = {
  'block.keys': `decode(replace(array_to_string(keys, ''), '-', ''), 'hex')`,
  'verdict.key': `replace(key::text, '-', '')`,
  'job.keeps_going': 'keeps_going::int',
  'job_count.yields': `(select json_agg(json_build_array(effort, field, found.answered, filled) order by effort, field)
    from SCHEMA.found where found.job = job_count.job)`,
};

/** Opens a ledger on a server to copy it. */
export async function openPostgresSource(url: string): Promise<CopySource> {
  // Checks its format.
  await (await openPostgresLedger(url, { isReadOnly: true, mustExist: true })).close();
  const { connection, client, schema } = await connect(url);
  // Everything is read as of the first query.
  await client.query('begin isolation level repeatable read read only');
  const all = async (text: string): Promise<CopiedRecord[]> => (await client.query(text)).rows;
  return {
    async readUse() {
      const [open] = await all(`select count(*) as count from ${schema}.batch`);
      const held = await all(
        `select distinct pid, started, space, boot, host, renewed_at::float8 as renewed_at,
           extract(epoch from clock_timestamp())::float8 * 1000 as now
         from ${schema}.holder join ${schema}.lease on lease.holder = holder.number where epoch = 1`,
      );
      return { openRuns: Number(open?.count), processes: listLiving(held as unknown as HeldRow[], true) };
    },
    async *readTable(table) {
      const { name, number } = table;
      const columns = table.columns.map((column) => {
        const as = READ_AS[`${name}.${column}`]?.replaceAll('SCHEMA', schema);
        return as === undefined ? column : `${as} as ${column}`;
      });
      const select = `select ${columns.join(', ')} from ${schema}.${name}`;
      if (number === null) {
        yield await all(select);
        return;
      }
      let last: CopiedValue = -1;
      for (;;) {
        const part = await all(`${select} where ${number} > ${last} order by ${number} limit ${PART}`);
        const end = part.at(-1)?.[number];
        if (end === undefined) return;
        last = end;
        yield part.map((record) => fromServer(name, record));
      }
    },
    async close() {
      await client.query('rollback').catch(() => undefined);
      await connection.close();
    },
  };
}

function fromServer(table: string, record: CopiedRecord): CopiedRecord {
  if (table === 'verdict') return { ...record, field: JSON.parse(String(record.field)) as string };
  if (table === 'job_count') return { ...record, yields: JSON.stringify(gatherYields(record.yields)) };
  return record;
}

/** Rows are counted under an empty field, and cells under the field's name, as JSON. */
function gatherYields(found: unknown): StoredYields {
  const yields = new Map<string, StoredYields[number]>();
  const counts = (found ?? []) as readonly (readonly [string, string, number, number])[];
  for (const [effort, field, answered, filled] of counts) {
    const known = yields.get(effort) ?? [effort, [0, 0], []];
    yields.set(effort, known);
    if (field === '') known[1] = [answered, filled];
    else known[2].push([JSON.parse(field) as string, [answered, filled]]);
  }
  return [...yields.values()];
}

/** Fills a ledger that is new or has no content. Throws LEDGER_EXISTS. */
export async function fillPostgresLedger(url: string, fill: Fill): Promise<void> {
  const connection = new Connection(parseLedgerUrl(url), {});
  try {
    await createFilled(connection, async (client) => {
      const verdicts = new VerdictNumbers();
      await fill(async (table, records) => {
        const own = table.name === 'verdict' ? records.map((record) => verdicts.renumber(record)) : records;
        for (const insert of createInserts(table, own)) await client.query(insert);
      });
      await client.query(`update ask_count set checked = last from
        (select ask, max(number) as last from verdict group by ask) drawn where drawn.ask = ask_count.ask`);
      // The server draws the next numbers of these.
      const isDrawn = ({ name, columns }: CopiedTable): boolean =>
        columns[0] === 'number' && !['block', 'salt', 'verdict'].includes(name);
      await skipNumbers(
        client,
        COPIED_TABLES.filter(isDrawn).map(({ name }) => name),
      );
    });
  } finally {
    await connection.close();
  }
}

/** Numbers the verdicts of each ask from 1, in their order. */
class VerdictNumbers {
  readonly #last = new Map<number, number>();

  renumber(record: CopiedRecord): CopiedRecord {
    const ask = Number(record.ask);
    const number = (this.#last.get(ask) ?? ask * SPAN) + 1;
    this.#last.set(ask, number);
    return { ...record, number };
  }
}

/** Creates the statements that insert records, and what only this store has, which follows from them. */
function* createInserts({ name, columns }: CopiedTable, records: readonly CopiedRecord[]): Generator<string> {
  const own = columns.filter((column) => column !== 'yields');
  const more = MORE[name] ?? {};
  const into = `${name} (${[...own, ...Object.keys(more)].join(', ')}) overriding system value`;
  const tuples = records.map((record) => [
    ...own.map((column) => toServer(`${name}.${column}`, record[column] ?? null)),
    ...Object.values(more).map((make) => make(record)),
  ]);
  yield* splitInserts(into, tuples);
  if (name === 'block') yield* splitInserts('row_block (key, number, marks)', records.flatMap(listMarks));
  if (name === 'job_count') {
    yield* splitInserts('found (job, effort, field, answered, filled)', records.flatMap(listFound));
  }
}

/** Columns that only this store has. */
const MORE: Readonly<Record<string, Readonly<Record<string, (record: CopiedRecord) => Sql>>>> = {
  ask: {
    agent_hash: ({ content }) =>
      sql`${hashText((JSON.parse(String(content)) as { agent: string }).agent, 16)}`,
  },
  ask_count: {
    foreign_change: ({ change }) => sql`${Number(change)}`,
    checked: ({ ask }) => sql`${Number(ask) * SPAN}`,
  },
  // Of no process that is there.
  block: { holder: () => sql`0` },
};

function toServer(column: string, value: CopiedValue): Sql {
  if (value === null) return sql`null`;
  switch (column) {
    case 'block.keys':
      return keyArray(unpackKeys(value as Uint8Array));
    case 'verdict.field':
      return sql`${JSON.stringify(value)}`;
    case 'job.keeps_going':
      return sql`${value === 1}`;
    default:
      return sql`${value}`;
  }
}

/** The rows of a block, and what it says of each: 1 has cells, 2 answers, 4 fails. */
function listMarks(record: CopiedRecord): Sql[][] {
  const block = new Block(record as unknown as BlockRow);
  const answers = record.kind === 'rejected' ? 1 : 3;
  return block
    .listKeys()
    .map((key, row) => [
      sql`${key}`,
      sql`${Number(record.number)}`,
      sql`${(block.fieldsOf(row) === null ? 0 : answers) + (block.failureOf(row) === null ? 0 : 4)}`,
    ]);
}

function listFound({ job, yields }: CopiedRecord): Sql[][] {
  const efforts = JSON.parse(String(yields)) as StoredYields;
  return efforts.flatMap(([effort, rows, fields]) =>
    [['', rows] as const, ...fields.map(([field, found]) => [JSON.stringify(field), found] as const)].map(
      ([field, [answered, filled]]) =>
        [job, effort, field, answered, filled].map((each) => sql`${each ?? null}`),
    ),
  );
}

/** Splits an insert, so that no statement becomes too long for the server. */
function* splitInserts(into: string, tuples: readonly (readonly Sql[])[]): Generator<string> {
  let values: string[] = [];
  let characters = 0;
  for (const tuple of tuples) {
    const text = `(${tuple.map((value) => value.text).join(',')})`;
    values.push(text);
    characters += text.length;
    if (characters < MAX_CHARACTERS) continue;
    yield `insert into ${into} values ${values.join(',')}`;
    values = [];
    characters = 0;
  }
  if (values.length > 0) yield `insert into ${into} values ${values.join(',')}`;
}

/** Opens a connection of its own, whose statements are sent one by one. */
async function connect(url: string): Promise<{ connection: Connection; client: Client; schema: string }> {
  const place = parseLedgerUrl(url);
  const connection = new Connection(place, {});
  return {
    connection,
    client: await connection.withClient(async (client) => client),
    schema: toIdentifier(place.schema),
  };
}
