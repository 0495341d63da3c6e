/** The functions that hand out places and start times among the processes that use an account. */
export const ACCOUNT_FUNCTIONS = `
  -- Takes a place for a batch among the active runs of its account. Returns how long its start must wait; null if there
  -- is no place, and -1 if it may not start any more.
  create function take_place(p_holder bigint, p_account text, p_id text, p_rate double precision, p_max int) returns bigint
  language plpgsql as $$
  declare
    v_now bigint;
    v_account account;
    v_active record;
    v_job int;
    v_hungry int;
    v_probe int;
    v_limit int;
    v_starts int;
    v_start bigint;
    v_batch record;
  begin
    select * into v_account from account where id = p_account for update;
    v_now := now_ms();
    if not found then return 0; end if;
    -- Whoever withdraws a batch sees it or waits for it.
    select job, invocation into v_batch from batch where id = p_id for update;
    if not found or (v_batch.invocation <> 0 and is_withdrawn(v_batch.job, v_batch.invocation)) then return -1; end if;
    if p_max is not null then v_job := v_batch.job; end if;
    select * into v_active from count_active(p_account, p_holder, v_job, p_id);
    -- All runs of a job belong to one account, whose row is locked.
    if v_active.others >= p_max then return null; end if;
    v_limit := v_account.active_limit;
    v_starts := v_account.starts + 1;
    if v_limit is not null then
      -- After some starts, or a time after a refusal, one more run than the limit is tried.
      v_probe := (v_account.starts >= 20 or v_now - v_account.refused_at > 60000)::int;
      if v_active.active >= v_limit + v_probe then
        update holder set hungry_at = v_now where number = p_holder;
        return null;
      end if;
      -- Who found no place lately gets its share of the next ones.
      select count(*) into v_hungry from holder
        where account = p_account and number <> p_holder and hungry_at > v_now - 500;
      if v_hungry > 0 and v_active.own >= ceil(v_limit::double precision / (v_hungry + 1)) then return null; end if;
      if v_active.active >= v_limit then
        v_limit := v_active.active + 1;
        v_starts := 0;
      elsif v_limit < v_account.proven then
        v_limit := v_limit + 1;
      end if;
    end if;
    v_start := case when p_rate > 0 then greatest(v_now, v_account.next_start_at) else v_now end;
    update batch set has_place = true, leaves = (v_start = v_now) where id = p_id;
    update holder set hungry_at = 0 where number = p_holder and hungry_at > 0;
    update account set active_limit = v_limit, proven = greatest(proven, v_active.started), starts = v_starts,
      next_start_at = case when p_rate > 0 then ceil(v_start + 1000 / p_rate) else 0 end where id = p_account;
    return v_start - v_now;
  end $$;

  -- Notes that the request of a batch may leave, after it has waited for its start. False if it may not.
  create function leave(p_id text) returns boolean language plpgsql as $$
  declare v_batch record;
  begin
    select job, invocation into v_batch from batch where id = p_id for update;
    if not found or (v_batch.invocation <> 0 and is_withdrawn(v_batch.job, v_batch.invocation)) then return false; end if;
    update batch set leaves = true where id = p_id;
    return true;
  end $$;

  -- Runs of an account: with a place, of those with a known run, of this process, and of a job but for one batch.
  create function count_active(p_account text, p_holder bigint, p_job int, p_id text,
    out active int, out started int, out own int, out others int) language plpgsql stable as $$
  begin
    select count(*), count(run_id), count(*) filter (where batch.holder = p_holder),
        count(*) filter (where batch.job = p_job and batch.id <> p_id) into active, started, own, others
    from batch join holder on holder.number = batch.holder
    where account = p_account and (state = 'sent' or (state = 'intended' and has_place));
  end $$;

  -- True if another process has open batches of the account.
  create function is_shared(p_holder bigint, p_account text) returns boolean language plpgsql stable as $$
  begin
    return p_account <> '' and exists (
      select 1 from holder where account = p_account and number <> p_holder and epoch = 1
        and exists (select 1 from batch where batch.holder = holder.number));
  end $$;

  -- Lets others of an account start runs only after a time, in ms. False if they have open batches already.
  create function claim_starts(p_holder bigint, p_account text, p_ms bigint) returns boolean language plpgsql as $$
  begin
    perform 1 from account where id = p_account for update;
    if is_shared(p_holder, p_account) then return false; end if;
    update account set next_start_at = greatest(next_start_at, now_ms() + p_ms) where id = p_account;
    return true;
  end $$;

  -- Records that the agent refused a batch because too many runs are active. Returns how many the ledger knows.
  create function record_refusal(p_holder bigint, p_account text, p_id text) returns int language plpgsql as $$
  declare
    v_now bigint;
    v_account account;
    v_active int;
  begin
    if not is_shared(p_holder, p_account) then return 0; end if;
    select * into v_account from account where id = p_account for update;
    if not found then return 0; end if;
    v_now := now_ms();
    update batch set has_place = false, leaves = false where id = p_id;
    select active into v_active from count_active(p_account, p_holder, null, null);
    -- Runs may have ended since the refusal. So each start raises the limit again, up to what was proven, which falls
    -- by one for all refusals at the same time.
    update account set active_limit = least(coalesce(active_limit, greatest(1, v_active)), greatest(1, v_active)),
      proven = case when v_active < proven and v_now - refused_at > 1000 then proven - 1 else proven end,
      refused_at = v_now, starts = 0 where id = p_account;
    return v_active;
  end $$;
`;
