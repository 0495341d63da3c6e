import { createUsageError } from '../../errors.js';
import type { Database } from './database.js';

/** Marks the file as a rowfill ledger ("rowf"). */
const APPLICATION_ID = 0x726f7766;

/** Version of the format. Versions below it were never published, and are refused. */
export const FORMAT = 100;

/**
 * The tables. Each ask has numbers of its own for its changes: `ask.number * 2^32 + n`. A change opens a batch or adds
 * a block, and its number is the key of that row, so that all changes since a number are one range.
 */
const TABLES = `
  -- A question, by the id of its asks. Numbers are never used again, because other processes may remember a deleted one.
  create table ask (
    number integer primary key autoincrement,
    id text not null unique,
    -- Number of the first ask to the same agent.
    agent integer not null,
    -- Agent, query and system prompt.
    content text not null
  ) strict;

  -- What was asked with a question: fields, sent columns and efforts.
  create table ask_version (
    number integer primary key autoincrement,
    ask integer not null,
    version text not null,
    content text not null,
    unique (ask, version)
  ) strict;

  -- What every settled run changes, apart from the long columns.
  create table ask_count (
    ask integer primary key,
    change integer not null,
    answered integer not null,
    settled_runs integer not null,
    -- Number of times that verdicts were stored.
    verdicts integer not null default 0
  ) strict;

  create table job (
    number integer primary key autoincrement,
    id text not null unique,
    ask integer not null,
    -- The version of its last invocation.
    version integer not null,
    input text not null,
    output text not null,
    settings text not null,
    invocation integer not null,
    stop text,
    counts text,
    finished text,
    opened_at integer not null,
    closed_at integer,
    keeps_going integer not null default 0,
    folder text,
    placed_input text,
    placed_output text
  ) strict;
  create index job_by_input on job (input, opened_at);
  create index job_by_ask on job (ask);

  create table job_count (
    job integer primary key,
    spent_micros integer not null,
    estimated_micros integer not null,
    reserved_micros integer not null,
    answered integer not null,
    failed integer not null,
    yields text not null
  ) strict;
  create index job_with_reserve on job_count (reserved_micros) where reserved_micros > 0;

  -- A process that holds leases and batches. After a takeover its epoch is above 1, and it may write nothing more.
  create table holder (
    number integer primary key autoincrement,
    epoch integer not null,
    pid integer not null,
    started text not null,
    space text not null,
    boot text not null,
    host text not null,
    renewed_at integer not null,
    account text not null,
    -- When it last waited for a run of another process to end.
    hungry_at integer not null default 0
  ) strict;

  -- Makes the ids of accounts differ from ledger to ledger.
  create table salt (
    number integer primary key,
    value text not null
  ) strict;

  -- What is known about an agent account. Its id is a hash of the agent's URL and the key, which is stored nowhere.
  create table account (
    id text primary key,
    -- Active runs that the agent accepts; null until it has refused one.
    active_limit integer,
    -- Most runs that were active at the same time. Some may have ended at the agent before the ledger knew.
    proven integer not null default 0,
    refused_at integer not null default 0,
    starts integer not null default 0,
    next_start_at integer not null default 0
  ) strict, without rowid;

  create table lease (
    name text primary key,
    holder integer not null,
    acquired_at integer not null
  ) strict, without rowid;

  -- Open batches only. A batch claims its rows until it is settled or released.
  create table batch (
    number integer primary key,
    id text not null unique,
    job integer not null,
    holder integer not null,
    state text not null check (state in ('intended', 'sent', 'unknown')),
    run_id text,
    reason text,
    reserve_micros integer not null,
    intended_at integer not null,
    -- Its request is about to leave.
    has_place integer not null default 0,
    keys blob not null,
    content text not null
  ) strict;

  -- Append-only: one block a settled run, or a group of failures, or values that a person gave. The keys come first, so
  -- that reading them touches no other page of a long row.
  create table block (
    number integer primary key,
    keys blob,
    kind text not null check (kind in ('run', 'failures', 'human', 'rejected', 'released')),
    batch text,
    job integer not null,
    invocation integer not null,
    agent integer,
    run_id text,
    cost_micros integer not null,
    is_estimated integer not null,
    effort text not null,
    is_refresh integer not null,
    intended_at integer not null,
    settled_at integer not null,
    content text not null,
    -- The run as the agent returned it, until it is pruned.
    raw_run blob
  ) strict;
  -- A run settles one batch.
  create unique index block_by_run on block (run_id, agent) where run_id is not null;

  -- What was seen of a value on a page that it cites. A claim is a hash of the value and the address of the page.
  create table verdict (
    number integer primary key,
    ask integer not null,
    key text not null,
    field text not null,
    claim text not null,
    value text not null,
    url text not null,
    checked_at integer not null,
    content text not null
  ) strict;
  create unique index verdict_by_claim on verdict (ask, key, field, claim);
  create index verdict_by_url on verdict (url);

  -- What was billed, by quarter of an hour, for the whole ledger ('') and by watched folder. Pruning keeps it.
  create table spend (
    scope text not null,
    quarter integer not null,
    cost_micros integer not null,
    primary key (scope, quarter)
  ) strict, without rowid;

  -- What pruned jobs had cost, so that their caps still count it.
  create table pruned_spend (
    job text primary key,
    cost_micros integer not null
  ) strict, without rowid;

  create table folder (
    id text primary key,
    place text not null,
    path text
  ) strict, without rowid;

  create table written (
    number integer primary key autoincrement,
    path text not null,
    digest text not null,
    job text not null,
    written_at integer not null
  ) strict;
  create index written_by_path on written (path);
`;

/** The complete schema of a new ledger as one script. */
export const SCHEMA = `${TABLES};\npragma application_id = ${APPLICATION_ID}; pragma user_version = ${FORMAT}`;

/** Throws unless the file is a ledger of this format. */
export function checkFormat(database: Database): void {
  const application = database.get<{ application_id: number }>('pragma application_id')?.application_id ?? 0;
  const version = database.get<{ user_version: number }>('pragma user_version')?.user_version ?? 0;
  if (application !== APPLICATION_ID) {
    throw createUsageError(
      'LEDGER_NOT_A_LEDGER',
      `The ledger file belongs to another program: ${database.path}`,
      'Move the file away, or choose another ledger with --ledger.',
    );
  }
  if (version > FORMAT) {
    throw createUsageError(
      'LEDGER_NEWER',
      `The ledger was written by a newer rowfill: ${database.path} has format ${version}, this rowfill supports format ${FORMAT}`,
      'Update rowfill, or choose another ledger with --ledger.',
    );
  }
  if (version < FORMAT) {
    throw createUsageError(
      'LEDGER_OLD',
      `The ledger was written by a rowfill before the first release: ${database.path} has format ${version}, this rowfill supports format ${FORMAT}`,
      'Let the earlier rowfill finish its jobs and export their results. Then move the file to another folder, and start with a new ledger. The file was not changed.',
    );
  }
}
