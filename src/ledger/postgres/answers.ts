import type { Ask } from '../../model/ask.js';
import { Block, type BlockRow, SPAN } from '../blocks.js';
import type {
  ChangedRows,
  FoundAnswers,
  JobHandle,
  OlderAnswer,
  RunAnswers,
  StoredAnswer,
} from '../ledger.js';
import {
  createReading,
  foldRows,
  READ_ALL,
  type Reading,
  type RowState,
  toStoredAnswer,
} from '../row-state.js';
import type { Connection, Row } from './connection.js';
import { keyArray, Sql, sql, textArray } from './sql.js';

/** Columns of a block. Its keys become one text of hex digits. */
export const BLOCK_COLUMNS = `block.number, replace(array_to_string(block.keys, ''), '-', '') as keys, block.kind, block.job,
  block.invocation, block.run_id as "runId", block.cost_micros as "costMicros", block.is_estimated as "isEstimated",
  block.effort, block.is_refresh as "isRefresh", block.intended_at as "intendedAt", block.settled_at as "settledAt",
  block.content`;

const COLUMNS = new Sql(BLOCK_COLUMNS);

/** A row of a look-up: of a block; of an open batch, with the key that it claims; or of the ask. */
type FoundRow = BlockRow & {
  readonly part: 'ask' | 'elsewhere' | 'block';
  readonly key: string | null;
  readonly jobId: string | null;
};

/** Who looks up answers: a process, and the invocation of the job that it works on, if it does. */
interface Searcher {
  readonly holder: number;
  readonly invocation: number | null;
}

/** Finds what is known about row keys, from the view of a job. */
export async function findAnswers(
  connection: Connection,
  searcher: Searcher,
  handle: JobHandle,
  keys: readonly string[],
): Promise<FoundAnswers> {
  const statements = [
    sql`select * from find_answers(${searcher.holder}, ${searcher.invocation}, ${handle.askId}, ${handle.id}, ${keyArray(keys)})`,
    ...(handle.ask === undefined ? [selectVersion(handle.id)] : []),
  ];
  return connection.read(statements, ([rows = [], versions = []]) => {
    const found = rows as unknown as readonly FoundRow[];
    const elsewhere = new Set<string>();
    const blocks: Block[] = [];
    const jobIds = new Map<number, string | null>();
    let seen = 0;
    let own = -1;
    for (const row of found) {
      if (row.part === 'ask') {
        seen = row.number;
        own = row.job ?? -1;
      } else if (row.part === 'elsewhere') elsewhere.add(row.key ?? '');
      else {
        blocks.push(new Block(row));
        jobIds.set(row.job, row.jobId);
      }
    }
    blocks.sort((a, b) => a.row.number - b.row.number);
    const states = foldRows(keys, blocks, own, toReading(handle, versions));
    return { answers: toAnswers(states, jobIds), elsewhere, seen };
  });
}

/** The ask of the job's last invocation. */
function selectVersion(jobId: string): Sql {
  return sql`select ask_version.content from job join ask_version on ask_version.number = job.version
    where job.id = ${jobId}`;
}

function toReading({ ask }: JobHandle, versions: readonly Row[]): Reading {
  if (ask !== undefined) return createReading(ask);
  const content = versions[0]?.content;
  return typeof content === 'string' ? createReading(JSON.parse(content) as Ask) : READ_ALL;
}

function toAnswers(
  states: ReadonlyMap<string, RowState>,
  jobIds: ReadonlyMap<number, string | null>,
): Map<string, StoredAnswer> {
  const answers = new Map<string, StoredAnswer>();
  for (const [key, state] of states) {
    const answer = toStoredAnswer(state, (number) => jobIds.get(number) ?? null);
    if (answer !== null) answers.set(key, answer);
  }
  return answers;
}

/** Selects the blocks of rows up to a change, oldest first. */
export function selectBlocks(askId: string, keys: readonly string[], last = Number.MAX_SAFE_INTEGER): Sql {
  return sql`
    with own as materialized (select number * ${SPAN} as base from ask where id = ${askId}),
      known as materialized (
        select distinct row_block.number from own join row_block on row_block.number > own.base
          and row_block.number < own.base + ${SPAN}
        where row_block.key = any(${keyArray(keys)}) and row_block.number <= ${last})
    select ${COLUMNS} from block where block.number = any(array(select number from known)) order by block.number`;
}

export function toBlocks(rows: readonly Row[]): Block[] {
  return (rows as unknown as readonly BlockRow[]).map((row) => new Block(row));
}

/** Replaced and rejected values of a row, most recent first. */
export function listOlderAnswers(
  connection: Connection,
  askId: string,
  key: string,
  ask?: Ask,
): Promise<readonly OlderAnswer[]> {
  const reading = ask === undefined ? READ_ALL : createReading(ask);
  return connection.read([selectBlocks(askId, [key])], ([rows = []]) => {
    return foldRows([key], toBlocks(rows), -1, reading).get(key)?.older.toReversed() ?? [];
  });
}

/** Rows of the blocks that were added after a change. */
export function listChangedRows(
  connection: Connection,
  askId: string,
  since: number | null,
  limit: number,
): Promise<ChangedRows> {
  const ask = sql`select coalesce(max(block.number), 0) as last from ask
    join block on block.number > ask.number * ${SPAN} and block.number < (ask.number + 1) * ${SPAN}
    where ask.id = ${askId}`;
  const blocks = sql`select block.number, replace(array_to_string(block.keys, ''), '-', '') as keys from ask
    join block on block.number > ask.number * ${SPAN} and block.number < (ask.number + 1) * ${SPAN}
    where ask.id = ${askId} and block.number > ${since ?? Number.MAX_SAFE_INTEGER} order by block.number limit ${limit}`;
  return connection.read([blocks, ask], ([rows = [], counts = []]) => {
    // The blocks come first: what is added between the two statements is left for the next call.
    const last = Number(counts[0]?.last) || (since ?? 0);
    const keys = new Set<string>();
    let seen = since ?? last;
    for (const { number, keys: packed } of rows as unknown as readonly {
      number: number;
      keys: string | null;
    }[]) {
      for (const key of new Block({ ...EMPTY_BLOCK, keys: packed }).listKeys()) keys.add(key);
      seen = number;
      if (keys.size >= limit) break;
    }
    return { keys: [...keys], seen, hasMore: seen < last };
  });
}

const EMPTY_BLOCK = { content: '{}' } as BlockRow;

/** The answers of runs, as they were when each was settled. */
export function findRuns(
  connection: Connection,
  runIds: readonly string[],
): Promise<ReadonlyMap<string, RunAnswers>> {
  const statement = sql`select ask.id as "askId", ${COLUMNS} from block
    join ask on ask.number = block.number / ${SPAN} where run_id = any(${textArray(runIds)})`;
  return connection.read([statement], ([rows = []]) => {
    const found = rows as unknown as readonly (BlockRow & { readonly askId: string })[];
    return new Map(
      found.map((row) => [row.runId ?? '', { askId: row.askId, answers: new Block(row).listAnswers() }]),
    );
  });
}
