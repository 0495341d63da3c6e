/** Functions on the server for what is known about rows without a run: values of persons, and failures. */
export const ROW_FUNCTIONS = `
  -- Adds a block that is not of a run. Null if there is no such job, false if a row has changed since p_seen.
  create function put_rows(p_holder bigint, p_job text, p_kind text, p_keys uuid[], p_marks smallint[], p_content text,
    p_seen bigint)
  returns boolean language plpgsql as $$
  declare
    v_job record;
    v_number bigint;
    v_is_own boolean;
    v_added record;
  begin
    select number, ask, invocation into v_job from job where id = p_job;
    if not found then return null; end if;
    select change + 1 into v_number from ask_count where ask = v_job.ask for update;
    if p_seen is not null then
      -- A message that is sent again, because its reply was lost, finds its own block.
      select block.holder = p_holder and block.kind = p_kind and block.keys = p_keys and block.content = p_content
        into v_is_own from row_block join block on block.number = row_block.number
        where row_block.key = any(p_keys) and row_block.number < v_number
          and row_block.number > greatest(p_seen, v_job.ask * 4294967296)
        order by row_block.number desc limit 1;
      if found then return v_is_own; end if;
    end if;
    select * into v_added from add_block(v_number, p_holder, v_job.ask, v_job.number, v_job.invocation, p_kind, p_keys,
      p_marks, null, null, null, 0, 0, '', 0, null, p_content, null);
    update job_count set answered = answered + v_added.answers, failed = failed + v_added.failures
      where job = v_job.number;
    return true;
  end $$;
`;
