import { isJsonObject } from '../model/json.js';
import { type AgentRun, type AgentRunEvent, hasEnded } from '../model/run.js';
import { AgentError } from './agent-error.js';
import type { Caller, CallRequest } from './caller.js';
import type { EventStream } from './event-stream.js';
import { type FollowCalls, type FollowTarget, followRun } from './follow-run.js';
import type { OpenRun } from './open-run.js';
import { hasResult, parseFault, parseRun } from './parse-run.js';
import { resolvePollDelay } from './poll-delay.js';
import { createRunPath, ReadTrouble, readRun } from './read-run.js';

/**
 * Waits for the end of a run and returns it with its result: from the last event if it carries one, else asked for.
 * `onEnd` hears of the end before that.
 */
export async function waitRun(
  caller: Caller,
  run: OpenRun | string,
  {
    signal,
    onEnd = () => undefined,
    trouble,
  }: {
    readonly signal: AbortSignal;
    readonly onEnd?: (() => void) | undefined;
    readonly trouble: ReadTrouble;
  },
): Promise<AgentRun> {
  if (typeof run !== 'string' && run.run !== null) return run.run;
  const target = createTarget(run);
  const calls = createFollowCalls(caller, target, false, trouble, signal);
  let last: AgentRunEvent | null = null;
  for await (const event of followRun(target, calls)) last = event;
  onEnd();
  return resolveEnd(target, last, calls);
}

/** Follows a run from its start to its end and yields every event. */
export function streamRun(
  caller: Caller,
  run: OpenRun,
  signal: AbortSignal,
): AsyncGenerator<AgentRunEvent, void> {
  const target = createTarget(run);
  return followRun(target, createFollowCalls(caller, target, true, new ReadTrouble(caller), signal));
}

function createTarget(run: OpenRun | string): FollowTarget {
  if (typeof run === 'string') return { id: run, effort: null, stream: null, fresh: false };
  return { id: run.id, effort: run.effort, stream: run.takeStream(), fresh: true };
}

function createFollowCalls(
  caller: Caller,
  target: FollowTarget,
  everyEvent: boolean,
  trouble: ReadTrouble,
  signal: AbortSignal,
): FollowCalls {
  const { clock, timeouts } = caller;
  const startedAt = clock.now();
  const get = (id: string): Promise<AgentRun> =>
    readRun(caller, { id, isFresh: target.fresh, startedAt }, trouble, signal);
  const openReplay = async (id: string, lastEventId: string | null): Promise<EventStream | null> => {
    const call: CallRequest = {
      method: 'GET',
      path: createRunPath(id, '/events'),
      accept: 'text/event-stream',
      ...(lastEventId === null ? {} : { lastEventId }),
    };
    try {
      const answer = await caller.open(call, signal);
      if (answer.contentType.includes('text/event-stream')) return caller.readEvents(answer);
      answer.body.destroy();
      return null;
    } catch (error) {
      // A replay is a shortcut: without it the run is asked for, which is tried as often as need be.
      if (error instanceof AgentError) return null;
      throw error;
    }
  };
  return { get, openReplay, clock, idleMs: timeouts.streamIdleMs, everyEvent, signal };
}

/** The run at its end. A list of runs may lag behind the events, so it is asked for until it has ended too. */
async function resolveEnd(
  target: FollowTarget,
  last: AgentRunEvent | null,
  calls: FollowCalls,
): Promise<AgentRun> {
  const carried = hasResult(last?.data) ? parseRun(last?.data) : null;
  // Without a cost, the event may only have been sent before the run was billed.
  const isWhole = carried !== null && carried.costDollars.total !== null;
  if (isWhole && carried.id === target.id && hasEnded(carried)) return carried;
  const startedAt = calls.clock.now();
  for (;;) {
    const run = await calls.get(target.id);
    if (hasEnded(run)) return withFault(run, last);
    const ageMs = calls.clock.now() - startedAt;
    const delayMs = resolvePollDelay({ ageMs, effort: 'minimal', random: calls.clock.random() });
    await calls.clock.sleep(delayMs, calls.signal);
  }
}

/** Why a run failed is told by its last event where the run itself does not tell it. */
function withFault(run: AgentRun, last: AgentRunEvent | null): AgentRun {
  const data = last?.data;
  const fault = isJsonObject(data) ? parseFault(data.error) : null;
  return run.error || fault === null ? run : { ...run, error: fault };
}
