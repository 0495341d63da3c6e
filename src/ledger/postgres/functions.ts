import { BLOCK_COLUMNS } from './answers.js';

/** The functions of a shared ledger. Their parameters start with `p_`, their variables with `v_`. */
export const FUNCTIONS = `
  -- The server's time, unless a test has set another clock.
  create function now_ms() returns bigint language sql volatile as $$
    select coalesce(nullif(current_setting('rowfill.clock', true), '')::bigint,
      floor(extract(epoch from clock_timestamp()) * 1000)::bigint) $$;

  -- Starts each message that writes: renews its holder, and locks asks. False if another process has taken over.
  create function enter(p_holder bigint, p_turn bigint, p_asks text[]) returns boolean language plpgsql as $$
  declare v_held boolean;
  begin
    update holder set renewed_at = now_ms(), turn = p_turn where number = p_holder and epoch = 1 and turn < p_turn;
    v_held := found;
    if not v_held and exists (select 1 from holder where number = p_holder and epoch = 1) then
      raise exception 'the message arrived after its repetition' using errcode = 'RF001';
    end if;
    perform 1 from ask_count join ask on ask.number = ask_count.ask where ask.id = any(p_asks)
      order by ask_count.ask for update of ask_count;
    return v_held;
  end $$;

  -- Registers a process, once, and forgets those that nothing refers to.
  create function register(p_holder bigint, p_pid bigint, p_started text, p_space text, p_boot text, p_host text,
    p_account text) returns void language sql as $$
    delete from holder where epoch <> 1 and number not in (select holder from batch)
      and number not in (select reserver from batch) and number not in (select holder from lease);
    insert into holder (number, epoch, pid, started, space, boot, host, renewed_at, account)
    values (p_holder, 1, p_pid, p_started, p_space, p_boot, p_host, now_ms(), p_account) on conflict do nothing $$;

  -- Refuses the message if another process has taken over.
  create function refuse_lost(p_holder bigint) returns void language plpgsql as $$
  begin
    if is_lost(p_holder) then
      raise exception 'another process has taken over' using errcode = 'RF002';
    end if;
  end $$;

  create function is_lost(p_holder bigint) returns boolean language plpgsql stable as $$
  begin
    return not exists (select 1 from holder where number = p_holder and epoch = 1);
  end $$;

  -- Draws the number of the next change of an ask, whose row is locked.
  create function draw(p_ask int, p_holder bigint, out number bigint) language plpgsql as $$
  begin
    update ask_count set change = change + 1, last_holder = p_holder,
      foreign_change = case when last_holder = p_holder then foreign_change else change end
    where ask = p_ask returning change into number;
  end $$;

  -- Amount billed since a time, and reserved now, for a watched folder or, if it is empty, the whole ledger.
  create function spend_since(p_scope text, p_since bigint, out spent bigint, out reserved bigint)
  language sql stable as $$
    select least(coalesce((select sum(cost_micros) from spend where scope = p_scope and quarter >= p_since), 0),
        9007199254740991)::bigint,
      coalesce((select sum(reserved_micros) from job_count join job on job.number = job_count.job
        where reserved_micros > 0 and (p_scope = '' or job.folder = p_scope)), 0)::bigint $$;

  -- The budget that cannot cover an additional amount; null if all can. A day lasts from midnight to midnight in UTC.
  create function find_full(p_job int, p_more bigint, p_job_cap bigint, p_folder_cap bigint, p_ledger_cap bigint,
    p_locks boolean) returns text language plpgsql as $$
  declare
    v_total bigint;
    v_folder text;
    v_since bigint := now_ms() / 86400000 * 86400000;
  begin
    if p_job_cap is not null then
      select spent_micros + reserved_micros into v_total from job_count where job = p_job;
      if v_total + p_more > p_job_cap then return 'over_budget'; end if;
    end if;
    if p_folder_cap is null and p_ledger_cap is null then return null; end if;
    select folder into v_folder from job where number = p_job;
    if p_folder_cap is not null and v_folder is not null then
      if p_locks then perform lock_name('day ' || v_folder); end if;
      select spent + reserved into v_total from spend_since(v_folder, v_since);
      if v_total + p_more > p_folder_cap then return 'over_folder_day'; end if;
    end if;
    if p_ledger_cap is not null then
      if p_locks then perform lock_name('day'); end if;
      select spent + reserved into v_total from spend_since('', v_since);
      if v_total + p_more > p_ledger_cap then return 'over_ledger_day'; end if;
    end if;
    return null;
  end $$;

  -- Waits for others of this ledger that use a name, until the end of the transaction.
  create function lock_name(p_name text) returns void language sql as $$
    select pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || p_name, 0)) $$;

  -- Reserves a batch. status: reserved | changed (by others, with the keys) | withdrawn | holder_lost | a budget |
  -- unknown_job | twice. A repeated call is one whose reply was lost. With an invocation of the job, another process has
  -- planned the batch in it: that process has planned no row twice, so only claims of others count. Once it starts nothing
  -- any more, or has put the rows into another batch, nobody reserves this one.
  create function reserve(p_holder bigint, p_id text, p_job text, p_keys uuid[], p_seen bigint[], p_micros bigint,
    p_content text, p_job_cap bigint, p_folder_cap bigint, p_ledger_cap bigint, p_repeated boolean,
    p_invocation int, out status text, out taken text) language plpgsql as $$
  declare
    v_job record;
    v_count record;
    v_open record;
    v_base bigint;
    v_foreign bigint;
    v_since bigint;
  begin
    if is_lost(p_holder) then status := 'holder_lost'; return; end if;
    select number, ask into v_job from job where id = p_job;
    if not found then status := 'unknown_job'; return; end if;
    select * into v_count from ask_count where ask = v_job.ask for update;
    perform 1 from job_count where job = v_job.number for update;
    select holder, reserver into v_open from batch where id = p_id;
    if found and p_repeated and v_open.holder = p_holder and v_open.reserver = p_holder then
      status := 'reserved'; return;
    end if;
    if p_invocation is not null and is_withdrawn(v_job.number, p_invocation) then status := 'withdrawn'; return; end if;
    if p_invocation is not null and (v_open is not null
      or exists (select 1 from find_ended(p_id) where kind = 'run')
      or exists (select 1 from retired where batch = p_id)) then
      status := 'changed';
      taken := replace(array_to_string(p_keys, ','), '-', '');
      return;
    end if;
    v_base := v_job.ask * 4294967296;
    v_foreign := case when v_count.last_holder = p_holder then v_count.foreign_change else v_count.change end;
    v_since := greatest(v_base, (select min(seen) from unnest(p_seen) seen));
    -- One look for all rows, because one for each takes longer and nearly always finds nothing.
    if exists (select 1 from batch where batch.number > v_base and batch.number < v_base + 4294967296
          and case when p_invocation is null then batch.holder <> p_holder or batch.reserver <> p_holder
            else batch.job <> v_job.number or batch.invocation <> p_invocation end)
        or ((p_invocation is not null or v_since < v_foreign) and exists (
          select 1 from row_block where row_block.key = any(p_keys) and row_block.number > v_since
            and row_block.number < v_base + 4294967296)) then
      select string_agg(replace(row.key::text, '-', ''), ',' order by row.place) into taken
      from unnest(p_keys, p_seen) with ordinality row (key, seen, place)
      where row.key in (select unnest(batch.keys) from batch where batch.number > v_base
          and batch.number < v_base + 4294967296 and case when p_invocation is null
            then batch.holder <> p_holder or batch.reserver <> p_holder
            else batch.job <> v_job.number or batch.invocation <> p_invocation end)
        or ((p_invocation is not null or row.seen < v_foreign) and exists (
          select 1 from row_block join block on block.number = row_block.number
          where row_block.key = row.key and row_block.number > greatest(row.seen, v_base)
            and row_block.number < v_base + 4294967296
            and (p_invocation is not null or block.holder <> p_holder)));
    end if;
    if taken is not null then status := 'changed'; return; end if;
    status := find_full(v_job.number, p_micros, p_job_cap, p_folder_cap, p_ledger_cap, true);
    if status is not null then return; end if;
    if v_open is not null then status := 'twice'; return; end if;
    perform open_batch(p_holder, p_id, v_job.number, coalesce(p_invocation, 0), v_job.ask, 'intended',
      null, p_micros, now_ms(), p_keys, p_content);
    status := 'reserved';
  end $$;

  -- True if the process that planned batches in an invocation of a job starts nothing any more.
  create function is_withdrawn(p_job int, p_invocation int) returns boolean language sql stable as $$
    select not exists (select 1 from job where number = p_job and invocation = p_invocation
      and withdrawn < p_invocation and closed_at is null) $$;

  -- Lets nobody start the batches that were planned in the invocations of a job so far, and releases those whose request
  -- cannot have left. Returns their ids.
  create function withdraw(p_holder bigint, p_job text, p_content text) returns setof text language plpgsql as $$
  declare
    v_job record;
    v_id text;
  begin
    update job set withdrawn = invocation where id = p_job returning number, ask into v_job;
    if not found then return; end if;
    perform 1 from ask_count where ask = v_job.ask for update;
    for v_id in select id from batch where job = v_job.number and invocation <> 0 and state = 'intended'
        and not leaves order by number for update loop
      perform release(p_holder, v_id, p_content);
      return next v_id;
    end loop;
  end $$;

  -- Lets nobody reserve a batch any more, because its rows go into other ones. Returns retired; open or settled if it is.
  create function retire(p_id text, p_job text) returns text language plpgsql as $$
  declare v_job record;
  begin
    select number, ask into v_job from job where id = p_job;
    perform 1 from ask_count where ask = v_job.ask for update;
    if exists (select 1 from batch where id = p_id) then return 'open'; end if;
    if exists (select 1 from find_ended(p_id) where kind = 'run') then return 'settled'; end if;
    insert into retired (batch, job) values (p_id, p_job) on conflict do nothing;
    return 'retired';
  end $$;

  create function open_batch(p_holder bigint, p_id text, p_job int, p_invocation int, p_ask int, p_state text, p_run text, p_micros bigint,
    p_at bigint, p_keys uuid[], p_content text) returns void language plpgsql as $$
  begin
    insert into batch (number, id, job, invocation, holder, reserver, state, run_id, reserve_micros, intended_at, keys, content)
    values (draw(p_ask, p_holder), p_id, p_job, p_invocation, p_holder, p_holder, p_state, p_run, p_micros, p_at, p_keys, p_content);
    update job_count set reserved_micros = reserved_micros + p_micros where job = p_job;
  end $$;

  -- Links an open batch to its run. Returns done, missing if it is not open, or the run that it has.
  create function mark_started(p_id text, p_run text, out status text, out known text) language plpgsql as $$
  begin
    update batch set state = 'sent', run_id = p_run, reason = null where id = p_id and run_id is null;
    if found then status := 'done'; return; end if;
    select run_id into known from batch where id = p_id;
    status := case when not found then 'missing' when known = p_run then 'done' else 'other' end;
  end $$;

  -- What is known about row keys: the blocks that have them; keys that other processes claim, but not those of batches
  -- that this process has handed out to workers; and the last change of the ask. A stable function sees one snapshot.
  create function find_answers(p_holder bigint, p_invocation int, p_ask text, p_job text, p_keys uuid[])
  returns table (part text, key text, "jobId" text, number bigint, keys text, kind text, job int, invocation int,
    "runId" text, "costMicros" bigint, "isEstimated" int, effort text, "isRefresh" int, "intendedAt" bigint,
    "settledAt" bigint, content text) language plpgsql stable as $$
  #variable_conflict use_column
  declare
    v_base bigint;
    v_change bigint;
    v_job int;
  begin
    select ask.number * 4294967296, ask_count.change, (select job.number from job where job.id = p_job)
      into v_base, v_change, v_job
      from ask join ask_count on ask_count.ask = ask.number where ask.id = p_ask;
    if not found then return; end if;
    return query select 'ask', null::text, null::text, v_change, null::text, null::text, v_job, null::int, null::text,
      null::bigint, null::int, null::text, null::int, null::bigint, null::bigint, null::text;
    if exists (select 1 from block where block.number > v_base and block.number < v_base + 4294967296) then
      return query select 'block', null::text, job.id, ${BLOCK_COLUMNS}
        from block left join job on job.number = block.job where block.number = any(array(
          select distinct row_block.number from row_block where row_block.key = any(p_keys)
            and row_block.number > v_base and row_block.number < v_base + 4294967296));
    end if;
    if exists (select 1 from batch where batch.number > v_base and batch.number < v_base + 4294967296
        and (batch.holder <> p_holder or batch.reserver <> p_holder)
        and (p_invocation is null or batch.job is distinct from v_job or batch.invocation <> p_invocation)) then
      return query select 'elsewhere', replace(claimed.key::text, '-', ''), null::text, null::bigint, null::text,
          null::text, null::int, null::int, null::text, null::bigint, null::int, null::text, null::int, null::bigint,
          null::bigint, null::text
        from batch, unnest(batch.keys) claimed (key)
        where batch.number > v_base and batch.number < v_base + 4294967296
          and (batch.holder <> p_holder or batch.reserver <> p_holder)
          and (p_invocation is null or batch.job is distinct from v_job or batch.invocation <> p_invocation)
          and claimed.key in (select unnest(p_keys));
    end if;
  end $$;

  -- The block that ended a batch: with a run, if any has settled it.
  create function find_ended(p_id text) returns setof block language plpgsql stable as $$
  begin
    return query select * from block where batch = p_id order by kind = 'run' desc limit 1;
  end $$;

  -- Opens a batch that was released, because it has a run after all.
  create function open_again(p_holder bigint, p_id text, p_job text, p_run text, p_micros bigint, p_keys uuid[],
    p_content text, out status text) language plpgsql as $$
  declare
    v_job record;
    v_ended record;
  begin
    select number, ask into v_job from job where id = p_job;
    if not found then status := 'unknown_job'; return; end if;
    perform 1 from ask_count where ask = v_job.ask for update;
    select status_of.status into status from mark_started(p_id, p_run) status_of;
    if status <> 'missing' then return; end if;
    status := 'done';
    select kind, intended_at into v_ended from find_ended(p_id);
    if v_ended.kind = 'run' then return; end if;
    perform open_batch(p_holder, p_id, v_job.number, 0, v_job.ask, 'sent', p_run, p_micros,
      coalesce(v_ended.intended_at, now_ms()), p_keys, p_content);
  end $$;

  -- Keeps a batch whose run is unknown. False if it is not open.
  create function mark_unknown(p_holder bigint, p_id text, p_reason text) returns boolean language plpgsql as $$
  begin
    if is_lost(p_holder) then return true; end if;
    update batch set state = 'unknown', reason = p_reason where id = p_id and run_id is null;
    return exists (select 1 from batch where id = p_id);
  end $$;

  -- Ends a batch without a run.
  create function release(p_holder bigint, p_id text, p_content text) returns void language plpgsql as $$
  declare
    v_batch record;
    v_job record;
  begin
    select job.number, job.ask, job.invocation into v_job from batch join job on job.number = batch.job where batch.id = p_id;
    if not found then return; end if;
    perform 1 from ask_count where ask = v_job.ask for update;
    select number, holder, reserver, reserve_micros, intended_at into v_batch from batch where id = p_id;
    -- The process that took it over decides what becomes of it.
    if not found or (v_batch.holder <> p_holder and is_lost(p_holder)) then return; end if;
    delete from batch where number = v_batch.number;
    update job_count set reserved_micros = reserved_micros - v_batch.reserve_micros where job = v_job.number;
    insert into block (number, kind, batch, job, invocation, holder, cost_micros, is_estimated, effort, is_refresh,
      intended_at, settled_at, content)
    values (draw(v_job.ask, p_holder), 'released', p_id, v_job.number, v_job.invocation, p_holder, 0, 0, '', 0,
      v_batch.intended_at, now_ms(), p_content);
  end $$;

  -- The invocation in which a row failed last in a job, before a change; null if it was answered later, or never failed.
  create function failure_before(p_job int, p_base bigint, p_before bigint, p_key uuid) returns int language sql stable as $$
    select failed.invocation from (
      select block.number, block.invocation from row_block join block on block.number = row_block.number
      where row_block.key = p_key and row_block.number > p_base and row_block.number < p_before
        and row_block.marks & 4 > 0 and block.job = p_job order by block.number desc limit 1) failed
    where not exists (
      select 1 from row_block join block on block.number = row_block.number
      where row_block.key = p_key and row_block.number > failed.number and row_block.number < p_before
        and row_block.marks & 1 > 0 and block.job = p_job and block.invocation > failed.invocation) $$;

  -- Adds the block with the next number of its ask, which is locked. Returns the keys that other blocks have too, and
  -- how many more rows of the job are answered and failed.
  create function add_block(p_number bigint, p_holder bigint, p_ask int, p_job int, p_invocation int, p_kind text, p_keys uuid[],
    p_marks smallint[], p_batch text, p_run text, p_agent int, p_micros bigint, p_estimated int, p_effort text,
    p_refresh int, p_intended bigint, p_content text, p_raw bytea, out repeated uuid[],
    out answers int, out failures int) language plpgsql as $$
  declare
    v_base bigint := p_ask * 4294967296;
    v_all int;
    v_more int;
  begin
    insert into block (number, keys, kind, batch, job, invocation, holder, agent, run_id, cost_micros, is_estimated,
      effort, is_refresh, intended_at, settled_at, content, raw_run)
    values (p_number, p_keys, p_kind, p_batch, p_job, p_invocation, p_holder, p_agent, p_run, p_micros, p_estimated,
      p_effort, p_refresh, coalesce(p_intended, now_ms()), now_ms(), p_content, p_raw);
    select array_agg(distinct row_block.key) into repeated from row_block
      where row_block.key = any(p_keys) and row_block.number > v_base and row_block.number < p_number;
    insert into row_block select new.key, p_number, new.marks from unnest(p_keys, p_marks) new (key, marks);
    if repeated is null then
      select count(*) filter (where marks & 2 > 0), count(*) filter (where marks & 4 > 0) into v_all, failures
        from unnest(p_marks) marks;
    else
      select count(*) filter (where new.marks & 2 > 0), count(*) filter (where new.marks & 4 > 0) into v_all, failures
        from unnest(p_keys, p_marks) new (key, marks) where new.key <> all(repeated);
    end if;
    answers := case when p_kind = 'run' then v_all else 0 end;
    if repeated is not null then
      select count(*) into v_more from unnest(p_keys, p_marks) new (key, marks)
      where new.key = any(repeated) and new.marks & 2 > 0 and not exists (
        select 1 from row_block where row_block.key = new.key and row_block.number > v_base
          and row_block.number < p_number and row_block.marks & 2 > 0);
      v_all := v_all + v_more;
      if p_kind = 'run' then
        select count(*) into v_more from unnest(p_keys, p_marks) new (key, marks)
        where new.key = any(repeated) and new.marks & 1 > 0 and not exists (
          select 1 from row_block join block on block.number = row_block.number
          where row_block.key = new.key and row_block.number > v_base and row_block.number < p_number
            and row_block.marks & 1 > 0 and block.job = p_job and block.kind = 'run');
        answers := answers + v_more;
      end if;
      select coalesce(sum(case when new.marks & 4 > 0 then case when was.failed is null then 1 else 0 end
          when was.failed is null then 0
          when new.marks & 1 > 0 and was.failed < p_invocation then -1 else 0 end), 0) into v_more
      from unnest(p_keys, p_marks) new (key, marks),
        lateral (select failure_before(p_job, v_base, p_number, new.key) as failed) was
      where new.key = any(repeated);
      failures := failures + v_more;
    end if;
    update ask_count set change = p_number, last_holder = p_holder,
      foreign_change = case when last_holder = p_holder then foreign_change else change end,
      answered = answered + v_all, settled_runs = settled_runs + case when p_kind = 'failures' then 0 else 1 end
    where ask = p_ask;
  end $$;

  -- Settles a batch with its run. status: settled | known (own if this process has settled it) | foreign | unknown_job.
  create function settle(p_holder bigint, p_id text, p_job text, p_keys text, p_marks smallint[], p_run text,
    p_named boolean, p_micros bigint, p_estimated int, p_effort text, p_refresh int, p_content text, p_raw bytea,
    p_fields text[], p_answered bigint[], p_filled bigint[],
    out status text, out micros bigint, out estimated int, out spent bigint, out reserved bigint,
    out estimated_sum bigint, out change bigint, out repeated text, out own boolean) language plpgsql as $$
  declare
    v_job record;
    v_open bigint;
    v_reserver bigint;
    v_intended bigint;
    v_keys uuid[];
    v_released bigint;
    v_ended block;
    v_user record;
    v_added record;
    v_writer bigint := p_holder;
    v_agent int;
  begin
    select job.number, job.ask, job.invocation, job.folder, ask.agent into v_job
      from job join ask on ask.number = job.ask where job.id = p_job;
    if not found then status := 'unknown_job'; return; end if;
    select ask_count.change into change from ask_count where ask = v_job.ask for update;
    micros := p_micros;
    estimated := p_estimated;
    v_agent := case when p_run is null then null else v_job.agent end;
    select number, reserver, intended_at, reserve_micros, keys into v_open, v_reserver, v_intended, v_released, v_keys
      from batch where id = p_id;
    if v_open is null then
      select * into v_ended from find_ended(p_id);
      if v_ended.kind = 'run' then
        status := 'known';
        own := v_ended.holder = p_holder;
        micros := v_ended.cost_micros;
        estimated := v_ended.is_estimated;
      end if;
    end if;
    if status is null and p_run is not null then
      select batch, cost_micros, is_estimated into v_user from block where run_id = p_run and agent = v_job.agent;
      if found and v_user.batch = p_id then
        status := 'known';
        micros := v_user.cost_micros;
        estimated := v_user.is_estimated;
      elsif found and not p_named then
        status := 'foreign';
        micros := 0;
        estimated := 0;
      elsif found then
        -- The agent has given the id to two runs, as after a restart.
        v_agent := null;
      end if;
    end if;
    if status is null then
      status := 'settled';
      -- The rows of a batch that was taken over are news for everybody.
      if v_reserver <> p_holder then v_writer := 0; end if;
      -- An open batch has its keys already, which takes less time than reading them from text.
      if v_keys is null or cardinality(v_keys) <> cardinality(p_marks) then v_keys := p_keys::uuid[]; end if;
      change := change + 1;
      select * into v_added from add_block(change, v_writer, v_job.ask, v_job.number, v_job.invocation, 'run', v_keys,
        p_marks, p_id, p_run, v_agent, p_micros, p_estimated, p_effort, p_refresh,
        coalesce(v_intended, v_ended.intended_at), p_content, p_raw);
      repeated := replace(array_to_string(v_added.repeated, ','), '-', '');
      delete from batch where number = v_open;
      update job_count set answered = answered + v_added.answers, failed = failed + v_added.failures,
        reserved_micros = reserved_micros - coalesce(v_released, 0),
        spent_micros = least(spent_micros + p_micros, 9007199254740991),
        estimated_micros = least(estimated_micros + p_estimated * p_micros, 9007199254740991) where job = v_job.number;
      if p_micros > 0 then
        insert into spend (scope, quarter, cost_micros)
        select scope, now_ms() / 900000 * 900000, p_micros from unnest(array['', v_job.folder]) scope
        where scope is not null
        on conflict (scope, quarter) do update
          set cost_micros = least(spend.cost_micros + excluded.cost_micros, 9007199254740991);
      end if;
      insert into found (job, effort, field, answered, filled)
      select v_job.number, p_effort, new.field, new.answered, new.filled
      from unnest(p_fields, p_answered, p_filled) new (field, answered, filled) order by new.field
      on conflict (job, effort, field) do update
        set answered = found.answered + excluded.answered, filled = found.filled + excluded.filled;
    end if;
    select spent_micros, reserved_micros, estimated_micros into spent, reserved, estimated_sum
      from job_count where job = v_job.number;
  end $$;

  -- Takes over the open batches of an ask from holders that are gone, unless they were renewed since. Those of another
  -- account stay, because an agent shows a run only to its own account.
  create function adopt(p_holder bigint, p_ask text, p_account text, p_gone bigint[], p_renewed bigint[]) returns void
  language plpgsql as $$
  declare v_base bigint;
  begin
    select number * 4294967296 into v_base from ask where id = p_ask;
    perform 1 from holder where number = any(p_gone) order by number for update;
    -- First, so that the earlier holder can renew nothing, and so send nothing.
    update holder set epoch = epoch + 1 from unnest(p_gone, p_renewed) gone (number, renewed)
      where holder.number = gone.number and epoch = 1 and renewed_at = gone.renewed;
    update batch set holder = p_holder from holder
      where holder.number = batch.holder and holder.number = any(p_gone) and holder.epoch <> 1
        and holder.account in ('', p_account)
        and batch.number > v_base and batch.number < v_base + 4294967296;
  end $$;

  -- Takes a lease from a holder that is gone, unless it was renewed since.
  create function take_lease(p_holder bigint, p_name text, p_from bigint, p_renewed bigint) returns void language plpgsql as $$
  begin
    update holder set epoch = epoch + 1 where number = p_from and epoch = 1 and renewed_at = p_renewed;
    delete from lease using holder where name = p_name and lease.holder = p_from and holder.number = p_from
      and holder.epoch <> 1;
  end $$;
`;
