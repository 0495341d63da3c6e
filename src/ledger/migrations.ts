import { createUsageError } from '../errors.js';
import type { Database } from './database.js';

/** Marks the file as a rowfill ledger ("rowf"). */
const APPLICATION_ID = 0x726f7766;

/**
 * Append-only migration steps: index n migrates a ledger from version n to n + 1. Never edit a released step.
 */
export const MIGRATIONS: readonly string[] = [
  `
  create table ask (
    number integer primary key,
    id text not null unique,
    content text not null
  ) strict;

  create table job (
    number integer primary key,
    id text not null unique,
    ask integer not null references ask,
    input text not null,
    output text not null,
    settings text not null,
    invocation integer not null,
    stop text,
    counts text,
    opened_at integer not null,
    closed_at integer,
    spent_micros integer not null default 0,
    reserved_micros integer not null default 0
  ) strict;
  create index job_by_input on job (input, opened_at);

  create table batch (
    number integer primary key,
    id text not null unique,
    job integer not null references job,
    ask integer not null references ask,
    state text not null check (state in ('intended', 'sent', 'unknown', 'settled', 'void')),
    run_id text,
    why text,
    reserve_micros integer not null,
    cost_micros integer not null default 0,
    intended_at integer not null,
    ended_at integer
  ) strict;
  create index batch_open on batch (ask, number) where state in ('intended', 'sent', 'unknown');
  create index batch_by_job on batch (job);

  -- The whole batch, for as long as its end is not known: apart, so that a change of state rewrites no long row.
  create table intent (
    batch integer primary key references batch,
    content text not null
  ) strict;

  create table run (
    batch integer primary key references batch,
    id text not null,
    kept_at integer not null,
    content blob not null
  ) strict;
  create index run_by_id on run (id);

  -- One row a question. The hash of a row is random: it is looked up here once and is a small number from then on.
  create table answer (
    number integer primary key,
    ask integer not null references ask,
    key text not null,
    fields text not null,
    run_id text,
    job integer references job,
    invocation integer,
    intended_at integer,
    answered_at integer,
    unique (ask, key)
  ) strict;

  create table older_answer (
    answer integer not null references answer,
    replaced_at integer not null,
    fields text not null,
    run_id text,
    answered_at integer
  ) strict;
  create index older_answer_by_answer on older_answer (answer);

  -- What one job paid for a question, and how it failed there.
  create table job_answer (
    job integer not null references job,
    answer integer not null references answer,
    cost_micros integer not null,
    failure text,
    failure_invocation integer,
    primary key (job, answer)
  ) strict, without rowid;

  create table lease (
    ask_id text primary key,
    token text not null,
    pid integer not null,
    host text not null,
    space text not null,
    acquired_at integer not null,
    expires_at integer not null
  ) strict, without rowid;
  `,
  `
  -- What the last output was made from, where it left nothing to do; and how many answers there were to make it from.
  alter table job add column finished text;
  alter table job add column settled_runs integer not null default 0;
  update job set settled_runs =
    (select count(*) from batch where batch.job = job.number and batch.state = 'settled');
  `,
  `
  -- Few: what is asked again, or has only failed. All others are answered, and need not be looked at to be counted.
  create index answer_blank on answer (number) where answered_at is null;
  `,
  `
  -- A key is a hash, and an index over all keys has a page to write for each row. So they come into a table of their own many
  -- at a time, in its order: it holds those of all answers up to the mark. The tail, the answers after it, is read whole.
  -- It is told by its numbers, so none is ever used a second time.
  create table next_answer (
    number integer primary key autoincrement,
    ask integer not null references ask,
    key text not null,
    fields text not null,
    run_id text,
    job integer references job,
    invocation integer,
    intended_at integer,
    answered_at integer
  ) strict;
  insert into next_answer (number, ask, key, fields, run_id, job, invocation, intended_at, answered_at)
    select number, ask, key, fields, run_id, job, invocation, intended_at, answered_at from answer order by number;

  -- No reference to the answer: whether each key leads to its own is checked with all else about keys, and once is enough.
  create table answer_key (
    ask integer not null references ask,
    key text not null,
    answer integer not null,
    primary key (ask, key)
  ) strict, without rowid;
  insert into answer_key (ask, key, answer) select ask, key, number from answer order by ask, key;

  create table answer_key_mark (
    through integer not null
  ) strict;
  insert into answer_key_mark (through) select coalesce(max(number), 0) from answer;

  drop table answer;
  alter table next_answer rename to answer;
  create index answer_blank on answer (number) where answered_at is null;
  `,
  `
  -- One run settles one batch: whether another has been settled by a run is looked up for each.
  create index batch_by_run on batch (run_id) where state = 'settled';
  `,
  `
  -- How much the runs of a job found, by effort and field. The empty field stands for whole rows: filled means any value.
  create table job_yield (
    job integer not null references job,
    effort text not null,
    field text not null,
    answered integer not null,
    filled integer not null,
    primary key (job, effort, field)
  ) strict, without rowid;
  with found as (
    select own.job, own.answer, each.value ->> 4 as effort, each.value ->> 0 as field,
      each.value ->> 1 is not null as is_filled
    from job_answer own join answer on answer.number = own.answer, json_each(answer.fields) each
  )
  insert into job_yield (job, effort, field, answered, filled)
    select job, effort, field, count(*), sum(is_filled) from found group by job, effort, field
    union all
    select job, effort, '', count(distinct answer), count(distinct iif(is_filled, answer, null))
    from found group by job, effort;

  -- 1 once somebody has said that the job goes on although nothing was found.
  alter table job add column keeps_going integer not null default 0;

  -- What pruned jobs were billed, by quarter of an hour: money that was spent stays spent.
  create table pruned_spend (
    job_id text not null,
    input text not null,
    ended_at integer not null,
    cost_micros integer not null,
    primary key (job_id, ended_at)
  ) strict, without rowid;
  `,
  `
  -- How long a lease holds depends on who looks: on the same machine a holder is known to live or to be gone.
  alter table lease rename column expires_at to renewed_at;
  alter table lease add column started text not null default '';
  alter table lease add column boot text not null default '';
  update lease set renewed_at = renewed_at - 60000;
  `,
  `
  -- The files that jobs wrote, so that a result replaces no file of somebody else. A job may be gone before its file.
  create table written (
    number integer primary key,
    path text not null,
    digest text not null,
    job text not null,
    written_at integer not null
  ) strict;
  create index written_by_path on written (path, number);
  `,
  `
  -- What of a cost is an estimate: the reserved price of runs of which the agent did not say what they cost.
  alter table batch add column cost_estimated integer not null default 0;
  alter table job add column estimated_micros integer not null default 0;
  alter table job_answer add column estimated_micros integer not null default 0;

  -- Amounts that are no price, and with which sums overflow: their runs are booked at their reserved price instead.
  create temp table absurd_job as
    select distinct job from batch where state = 'settled' and cost_micros > 1000000000000;
  update batch set cost_micros = reserve_micros, cost_estimated = reserve_micros > 0
    where state = 'settled' and cost_micros > 1000000000000;
  update job set
    spent_micros = (select coalesce(sum(cost_micros), 0) from batch where batch.job = job.number and state = 'settled'),
    estimated_micros = (select coalesce(sum(cost_micros), 0) from batch where batch.job = job.number and cost_estimated = 1)
    where number in (select job from absurd_job);

  -- The rows that bore such an amount share what the others leave of the bill.
  create temp table absurd_share as
    select job, answer, row_number() over (partition by job order by answer) as place, count(*) over (partition by job) as shares
    from job_answer where cost_micros > 1000000000 and job in (select job from absurd_job);
  create temp table absurd_rest as
    select number as job, max(0, spent_micros - (
        select coalesce(sum(cost_micros), 0) from job_answer own
        where own.job = job.number and own.cost_micros <= 1000000000
      )) as micros
    from job where number in (select job from absurd_job);
  update job_answer set
    cost_micros = absurd_rest.micros / shares + (place <= absurd_rest.micros % shares),
    estimated_micros = absurd_rest.micros / shares + (place <= absurd_rest.micros % shares)
    from absurd_share join absurd_rest on absurd_rest.job = absurd_share.job
    where job_answer.job = absurd_share.job and job_answer.answer = absurd_share.answer;
  drop table absurd_job;
  drop table absurd_share;
  drop table absurd_rest;
  `,
  `
  -- What was spent since a moment is read before each run that shares a budget with others.
  create index batch_by_end on batch (ended_at) where state = 'settled';
  `,
  `
  -- What was billed, by quarter of an hour: in all (the empty scope), and for the files of each watched folder.
  create table spend (
    scope text not null,
    quarter integer not null,
    cost_micros integer not null,
    primary key (scope, quarter)
  ) strict, without rowid;
  insert into spend
    select '', ended_at / 900000 * 900000, sum(cost_micros) from batch
    where state = 'settled' and cost_micros > 0 and ended_at is not null group by 2;
  insert into spend
    select '', ended_at, sum(cost_micros) from pruned_spend where true group by ended_at
    on conflict do update set cost_micros = cost_micros + excluded.cost_micros;
  drop index batch_by_end;

  -- The watched folders. A folder keeps its id when it is moved; place is its device and inode when it was seen last.
  create table folder (
    id text primary key,
    place text not null
  ) strict, without rowid;
  alter table job add column folder text;
  create index job_with_reserve on job (folder, reserved_micros) where reserved_micros > 0;

  -- Where a watcher has moved the input and the output of a job; null for a job whose files are where it found them.
  alter table job add column placed_input text;
  alter table job add column placed_output text;
  `,
  `
  -- Where a watched folder was when a watcher was started there last; null if that was an earlier version.
  alter table folder add column path text;
  `,
];

/** The complete schema of a new ledger as one script. */
export function createSchema(migrations: readonly string[] = MIGRATIONS): string {
  return [...migrations, createMarks(migrations)].join('\n;\n');
}

function createMarks(migrations: readonly string[]): string {
  return `pragma application_id = ${APPLICATION_ID}; pragma user_version = ${migrations.length}`;
}

/**
 * Migrates a ledger from any earlier version in one transaction. Throws for a newer version or another
 * program's database.
 */
export function migrate(database: Database, migrations: readonly string[] = MIGRATIONS): void {
  if (readVersion(database) === migrations.length) return;
  database.transact(() => {
    // Read again, because another process may have migrated while this one waited.
    const version = readVersion(database);
    if (version > migrations.length) {
      throw createUsageError(
        'LEDGER_NEWER',
        `The ledger was written by a newer rowfill: ${database.path} has version ${version}, this rowfill supports up to ${migrations.length}`,
        'Update rowfill, or set ROWFILL_HOME to another folder.',
      );
    }
    for (const step of migrations.slice(version)) database.exec(step);
    database.exec(createMarks(migrations));
  });
}

function readVersion(database: Database): number {
  const application = database.get<{ application_id: number }>('pragma application_id')?.application_id ?? 0;
  const version = database.get<{ user_version: number }>('pragma user_version')?.user_version ?? 0;
  const tables = database.get<{ count: number }>('select count(*) as count from sqlite_schema')?.count ?? 0;
  if (application === APPLICATION_ID ? version > 0 : application === 0 && version === 0 && tables === 0) {
    return version;
  }
  throw createUsageError(
    'LEDGER_NOT_A_LEDGER',
    `The ledger file belongs to another program: ${database.path}`,
    'Move the file away, or set ROWFILL_HOME to another folder.',
  );
}
