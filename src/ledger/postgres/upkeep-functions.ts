/** The functions that delete what is old or no longer wanted. */
export const UPKEEP_FUNCTIONS = `
  -- Numbers of asks that were last used before a time, have no run that may still be active, and no holder.
  create function old_asks(p_before bigint, p_held text[]) returns setof int language sql stable as $$
    select ask.number from ask
    where not exists (select 1 from job where job.ask = ask.number
        and (greatest(job.opened_at, coalesce(job.closed_at, 0)) >= p_before or 'job:' || job.id = any(p_held)))
      and 'ask:' || ask.id <> all(p_held)
      -- No run takes longer than a few hours, so one that is still open after a day can never be settled.
      and not exists (select 1 from batch where batch.number > ask.number * 4294967296
        and batch.number < (ask.number + 1) * 4294967296
        and batch.intended_at >= least(p_before, now_ms() - 86400000)) $$;

  create function count_old(p_runs_before bigint, p_asks_before bigint, p_held text[],
    out runs bigint, out asks bigint, out jobs bigint, out answers bigint) language plpgsql as $$
  declare v_asks int[];
  begin
    v_asks := array(select old_asks(p_asks_before, p_held) where p_asks_before is not null);
    select count(*) into runs from block where raw_run is not null and (settled_at < p_runs_before
      or number / 4294967296 = any(v_asks));
    select count(*) into jobs from job where ask = any(v_asks);
    select coalesce(sum(answered), 0) into answers from ask_count where ask = any(v_asks);
    asks := cardinality(v_asks);
  end $$;

  -- Deletes old data, but keeps what was spent: a run whose outcome was never known counts with its reserved price.
  create function prune(p_runs_before bigint, p_asks_before bigint, p_held text[],
    out runs bigint, out asks bigint, out jobs bigint, out answers bigint) language plpgsql as $$
  declare
    v_asks int[];
    v_more bigint;
  begin
    runs := 0; asks := 0; jobs := 0; answers := 0;
    if p_runs_before is not null then
      update block set raw_run = null where raw_run is not null and settled_at < p_runs_before;
      get diagnostics runs = row_count;
    end if;
    if p_asks_before is null then return; end if;
    perform 1 from ask_count where ask in (select old_asks(p_asks_before, p_held)) order by ask for update;
    -- Some may have been used during the wait.
    v_asks := array(select old_asks(p_asks_before, p_held));
    select coalesce(sum(answered), 0) into answers from ask_count where ask = any(v_asks);
    insert into pruned_spend (job, cost_micros)
      select job.id, spent_micros + reserved_micros from job join job_count on job_count.job = job.number
      where job.ask = any(v_asks) and spent_micros + reserved_micros > 0
      on conflict (job) do update set cost_micros = excluded.cost_micros;
    insert into spend (scope, quarter, cost_micros)
      select scope, batch.intended_at / 900000 * 900000, sum(batch.reserve_micros)
      from batch join job on job.number = batch.job, unnest(array['', job.folder]) scope
      where job.ask = any(v_asks) and scope is not null group by 1, 2 having sum(batch.reserve_micros) > 0
      on conflict (scope, quarter) do update set cost_micros = spend.cost_micros + excluded.cost_micros;
    select count(*) into v_more from block where raw_run is not null and number / 4294967296 = any(v_asks);
    runs := runs + v_more;
    delete from batch using job where job.number = batch.job and job.ask = any(v_asks);
    perform delete_ask(ask) from unnest(v_asks) ask;
    delete from job_count using job where job.number = job_count.job and job.ask = any(v_asks);
    delete from found using job where job.number = found.job and job.ask = any(v_asks);
    delete from job where ask = any(v_asks);
    get diagnostics jobs = row_count;
    delete from report where job not in (select id from job);
    delete from retired where job not in (select id from job);
    delete from written where written_at < p_asks_before and job not in (select id from job);
    asks := cardinality(v_asks);
  end $$;

  -- Deletes an ask with its answers and verdicts.
  create function delete_ask(p_ask int) returns void language sql as $$
    delete from row_block using (
      select number, unnest(keys) as key from block
      where number > p_ask * 4294967296 and number < (p_ask + 1) * 4294967296) gone
    where row_block.key = gone.key and row_block.number = gone.number;
    delete from block where number > p_ask * 4294967296 and number < (p_ask + 1) * 4294967296;
    delete from verdict where ask = p_ask;
    delete from ask_count where ask = p_ask;
    delete from ask_version where ask = p_ask;
    delete from ask where number = p_ask $$;

  -- True for a job in its first invocation without any batch or failure.
  create function is_unused(p_job text) returns boolean language sql stable as $$
    select exists (select 1 from job where id = p_job and invocation = 1
      and not exists (select 1 from batch where batch.job = job.number)
      and not exists (select 1 from block where block.job = job.number)) $$;

  -- Deletes a job if it is unused, and its ask if nothing else refers to it. Null if there is no such job.
  create function drop_unused(p_job text) returns boolean language plpgsql as $$
  declare v_job record;
  begin
    select number, ask into v_job from job where id = p_job;
    if not found then return null; end if;
    perform 1 from ask_count where ask = v_job.ask for update;
    if not is_unused(p_job) then return false; end if;
    delete from job where number = v_job.number;
    delete from job_count where job = v_job.number;
    if not exists (select 1 from job where ask = v_job.ask) and not exists (select 1 from block
      where number > v_job.ask * 4294967296 and number < (v_job.ask + 1) * 4294967296) then
      perform delete_ask(v_job.ask);
    end if;
    return true;
  end $$;

  -- What deleting a job would delete; no row if there is no such job.
  create function find_forgotten(p_job text, out number int, out ask int, out other int, out open bigint,
    out answers bigint, out runs bigint) returns setof record language sql stable as $$
    select job.number, job.ask,
      (select twin.number from job twin where twin.ask = job.ask and twin.number <> job.number limit 1),
      (select count(*) from batch where batch.job = job.number), count.answered,
      (select count(*) from block where block.job = job.number and raw_run is not null)
    from job join job_count count on count.job = job.number where job.id = p_job $$;

  -- Deletes a job without open runs. What it spent stays, and answers that another job uses, which are then of no job.
  create function forget(p_job text) returns void language plpgsql as $$
  declare v_gone record;
  begin
    select * into v_gone from find_forgotten(p_job);
    perform 1 from ask_count where ask = v_gone.ask for update;
    select * into v_gone from find_forgotten(p_job);
    if not found or v_gone.open > 0 then return; end if;
    insert into pruned_spend (job, cost_micros)
      select p_job, spent_micros from job_count where job = v_gone.number and spent_micros > 0
      on conflict (job) do update set cost_micros = excluded.cost_micros;
    delete from job_count where job = v_gone.number;
    delete from found where job = v_gone.number;
    delete from job where number = v_gone.number;
    delete from written where job = p_job;
    delete from report where job = p_job;
    delete from retired where job = p_job;
    if v_gone.other is null then
      perform delete_ask(v_gone.ask);
      return;
    end if;
    delete from row_block using (select number, unnest(keys) as key from block
      where job = v_gone.number and kind = 'failures') gone
    where row_block.key = gone.key and row_block.number = gone.number;
    delete from block where job = v_gone.number and kind in ('failures', 'released');
    update row_block set marks = marks & 3 from (select number, unnest(keys) as key from block
      where job = v_gone.number) own
    where row_block.key = own.key and row_block.number = own.number and marks & 4 > 0;
    update block set job = 0, cost_micros = 0, is_estimated = 0, raw_run = null where job = v_gone.number;
  end $$;

  -- Web pages that verdicts of this ask are about, and of no other. Addresses that differ in their fragments are one.
  create function own_pages(p_ask int) returns setof text language sql stable as $$
    select split_part(url, '#', 1) from verdict where ask = p_ask and url not like 'file:%'
    except select split_part(url, '#', 1) from verdict where ask <> p_ask $$;
`;
