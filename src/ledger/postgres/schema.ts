/**
 * The tables, as in the SQLite store, and what a shared ledger needs besides: a row key leads to its blocks by a table
 * instead of an index in memory, so that a process need not read the keys of all others, and each decision is a
 * function, so that it takes one round trip. Times are in ms since 1970 by the server's clock, money in micro-dollars.
 *
 * Locks are taken in one order: the holder, the asks by number, then jobs, days and accounts. A function that decides
 * by a count locks first and counts in a later statement, because a statement does not see what was committed while it
 * waited for its locks.
 */
export const TABLES = `
  -- A question, by the id of its asks. Numbers are never used again, because other processes may remember a deleted one.
  create table ask (
    number int primary key generated always as identity,
    id text not null unique,
    -- Number of the first ask to the same agent, and a hash of the agent's name.
    agent int not null,
    agent_hash text not null,
    -- Agent, query and system prompt.
    content text not null
  );
  create index ask_by_agent on ask (agent_hash);

  -- What was asked with a question: fields, sent columns and efforts.
  create table ask_version (
    number int primary key generated always as identity,
    ask int not null,
    version text not null,
    content text not null,
    unique (ask, version)
  );

  -- What every settled run changes. The row is the lock of the ask.
  create table ask_count (
    ask int primary key,
    -- Number of the last change: ask * 2^32 + n.
    change bigint not null,
    answered bigint not null default 0,
    settled_runs bigint not null default 0,
    -- Number of times that verdicts were stored.
    verdicts bigint not null default 0,
    -- Number of the last verdict, in the order in which they were stored: ask * 2^32 + n.
    checked bigint not null,
    -- The holder that made the last change, and the number of the last change before its own.
    last_holder bigint not null default 0,
    foreign_change bigint not null
  ) with (fillfactor = 50);

  create table job (
    number int primary key generated always as identity,
    id text not null unique,
    ask int not null,
    -- The version of its last invocation.
    version int not null,
    input text not null,
    output text not null,
    settings text not null,
    invocation int not null,
    -- Number of the call that opened it last, which changes nothing if it is repeated.
    opening bigint not null default 0,
    -- The last invocation whose batches no other process may start any more.
    withdrawn int not null default 0,
    stop text,
    counts text,
    finished text,
    opened_at bigint not null,
    closed_at bigint,
    keeps_going boolean not null default false,
    folder text,
    placed_input text,
    placed_output text
  );
  -- Paths can be longer than what a sorted index takes.
  create index job_by_input on job using hash (input);
  create index job_by_ask on job (ask);

  create table job_count (
    job int primary key,
    spent_micros bigint not null,
    estimated_micros bigint not null default 0,
    reserved_micros bigint not null default 0,
    answered bigint not null default 0,
    failed bigint not null default 0
  ) with (fillfactor = 50);

  -- What a job's runs found: rows if the field is empty, else cells of the field, whose name is JSON.
  create table found (
    job int not null,
    effort text not null,
    field text not null,
    answered bigint not null,
    filled bigint not null,
    primary key (job, effort, field)
  ) with (fillfactor = 50);

  -- A process that holds leases and batches. After a takeover its epoch is above 1, and it may write nothing more.
  create table holder (
    -- Chosen at random by the process.
    number bigint primary key,
    epoch int not null,
    pid bigint not null,
    started text not null,
    space text not null,
    boot text not null,
    host text not null,
    renewed_at bigint not null,
    account text not null,
    -- When it last waited for a run of another process to end.
    hungry_at bigint not null default 0,
    -- Number of its last message: what arrives late, after its repetition, is refused.
    turn bigint not null default 0
  ) with (fillfactor = 50);

  -- Makes the ids of accounts differ from ledger to ledger.
  create table salt (
    number int primary key,
    value text not null
  );

  -- What is known about an agent account. Its id is a hash of the agent's URL and the key, which is stored nowhere.
  create table account (
    id text primary key,
    -- Active runs that the agent accepts; null until it has refused one.
    active_limit int,
    -- Most runs that were active at the same time. Some may have ended at the agent before the ledger knew.
    proven int not null default 0,
    refused_at bigint not null default 0,
    starts int not null default 0,
    next_start_at bigint not null default 0
  ) with (fillfactor = 50);

  create table lease (
    name text primary key,
    holder bigint not null,
    acquired_at bigint not null
  );

  -- Open batches only. A batch claims its rows until it is settled or released.
  create table batch (
    number bigint primary key,
    id text not null unique,
    job int not null,
    -- The job's invocation that handed it out; 0 if none did, or if that process no longer counts on it.
    invocation int not null,
    -- Who sees to it, and who reserved it.
    holder bigint not null,
    reserver bigint not null,
    state text not null check (state in ('intended', 'sent', 'unknown')),
    run_id text,
    reason text,
    reserve_micros bigint not null,
    intended_at bigint not null,
    -- It is among the active runs, and its request leaves soon, or may have left.
    has_place boolean not null default false,
    leaves boolean not null default false,
    keys uuid[] not null,
    content text not null
    -- Keys and content are stored apart, so that a change of state writes little.
  ) with (fillfactor = 70, toast_tuple_target = 128);
  create index batch_by_holder on batch (holder);
  create index batch_by_job on batch (job);

  -- What the processes that run the batches of a job tell the one that planned them. Deleted when read.
  create table report (
    number bigint generated always as identity,
    job text not null,
    content text not null,
    primary key (job, number)
  );

  -- Batches that were handed out, and that nobody may reserve any more.
  create table retired (
    batch text primary key,
    job text not null
  );

  -- Append-only: one block a settled run, or a group of failures, or values that a person gave.
  create table block (
    number bigint primary key,
    keys uuid[],
    kind text not null check (kind in ('run', 'failures', 'human', 'rejected', 'released')),
    batch text,
    job int not null,
    invocation int not null,
    -- Who wrote it; 0 if even its writer did not expect the change.
    holder bigint not null,
    agent int,
    run_id text,
    cost_micros bigint not null,
    is_estimated int not null,
    effort text not null,
    is_refresh int not null,
    intended_at bigint not null,
    settled_at bigint not null,
    content text not null,
    -- The run as the agent returned it, until it is pruned.
    raw_run bytea
  );
  -- A run settles one batch.
  create unique index block_by_run on block (run_id, agent) where run_id is not null;
  create index block_by_batch on block (batch) where batch is not null;
  create index block_by_job on block (job, number);
  -- Long ones come compressed. Open batches are soon deleted.
  alter table block alter column raw_run set storage external;
  alter table batch alter column content set storage external;
  alter table batch alter column keys set storage external;
  -- Faster than the default, where the server has it.
  do $do$ begin
    alter table block alter column content set compression lz4;
    alter table batch alter column content set compression lz4, alter column content set storage extended;
  exception when feature_not_supported or syntax_error then null;
  end $do$;

  -- The blocks of a row, and what they say of it, as bits: 1 has cells, 2 answers, 4 fails.
  create table row_block (
    key uuid not null,
    number bigint not null,
    marks smallint not null,
    primary key (key, number)
  );

  -- What was seen of a value on a page that it cites. A claim is a hash of the value and the address of the page.
  create table verdict (
    ask int not null,
    -- Drawn from the ask. A verdict that replaces another one gets a new number.
    number bigint not null,
    key uuid not null,
    -- JSON, because a name may have any characters.
    field text not null,
    claim text not null,
    value text not null,
    url text not null,
    checked_at bigint not null,
    content text not null
  );
  create unique index verdict_by_number on verdict (ask, number);
  create unique index verdict_by_claim on verdict (ask, key, md5(field), claim);
  create index verdict_by_url on verdict using hash (url);

  -- What was billed, by quarter of an hour, for the whole ledger ('') and by watched folder. Pruning keeps it.
  create table spend (
    scope text not null,
    quarter bigint not null,
    cost_micros bigint not null,
    primary key (scope, quarter)
  ) with (fillfactor = 50);

  -- What pruned jobs had cost, so that their caps still count it.
  create table pruned_spend (
    job text primary key,
    cost_micros bigint not null
  );

  create table folder (
    id text primary key,
    place text not null,
    path text
  );

  create table written (
    number bigint primary key generated always as identity,
    path text not null,
    digest text not null,
    job text not null,
    written_at bigint not null
  );
  create index written_by_path on written using hash (path);
`;
