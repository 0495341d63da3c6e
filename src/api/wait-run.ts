import { createUsageError } from '../errors.js';
import { isJsonObject } from '../model/json.js';
import { type AgentRun, type AgentRunEvent, isTerminal } from '../model/run.js';
import { AgentError } from './agent-error.js';
import type { Caller, CallRequest } from './caller.js';
import type { EventStream } from './event-stream.js';
import { type FollowCalls, type FollowTarget, followRun } from './follow-run.js';
import type { OpenRun } from './open-run.js';
import { hasResult, parseFault, parseRun } from './parse-run.js';
import { resolvePollDelay } from './poll-delay.js';
import { createNoRunError } from './start-run.js';

/**
 * Waits for the end of a run and returns it with its result: from the last event if it carries one, else asked for.
 * `onEnd` hears of the end before that.
 */
export async function waitRun(
  caller: Caller,
  run: OpenRun | string,
  signal: AbortSignal,
  onEnd: () => void = () => undefined,
): Promise<AgentRun> {
  if (typeof run !== 'string' && run.run !== null) return run.run;
  const target = createTarget(run);
  const calls = createFollowCalls(caller, target, false, signal);
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
  return followRun(target, createFollowCalls(caller, target, true, signal));
}

/** The path of a run, with its id escaped. */
export function createRunPath(id: string, rest = ''): string {
  if (id === '' || id === '.' || id === '..') {
    throw createUsageError(
      'INVALID_RUN_ID',
      `${JSON.stringify(id)} is no id of a run`,
      'An id has 1 to 200 letters, digits and _ . : -',
    );
  }
  return `/agent/runs/${encodeURIComponent(id)}${rest}`;
}

function createTarget(run: OpenRun | string): FollowTarget {
  if (typeof run === 'string') return { id: run, effort: null, stream: null, fresh: false };
  return { id: run.id, effort: run.effort, stream: run.takeStream(), fresh: true };
}

/** For so long after its start, a run that cannot be found may only not have arrived everywhere yet. */
const SETTLING_MS = 10_000;
const LOOK_AGAIN_MS = 1_000;

function createFollowCalls(
  caller: Caller,
  target: FollowTarget,
  everyEvent: boolean,
  signal: AbortSignal,
): FollowCalls {
  const { clock, timeouts } = caller;
  const startedAt = clock.now();
  // A paid run is worth waiting for: tries are limited by time alone.
  const policy = { ...caller.retry, maxRetries: Number.POSITIVE_INFINITY, budgetMs: timeouts.patienceMs };
  const get = async (id: string): Promise<AgentRun> => {
    const call: CallRequest = { method: 'GET', path: createRunPath(id) };
    const askedAt = clock.now();
    for (let delayMs = LOOK_AGAIN_MS; ; delayMs = Math.min(2 * delayMs, policy.capMs)) {
      try {
        const run = parseRun(await caller.json(call, signal, policy));
        if (run === null) throw createNoRunError(`GET ${call.path}`, null);
        return run;
      } catch (error) {
        if (!(error instanceof AgentError) || error.status !== 404) throw error;
        const isSettling = target.fresh && clock.now() - startedAt < SETTLING_MS;
        // A proxy that has lost its way to the agent for a while says the same of every run.
        const isOutage = error.isForeign && clock.now() - askedAt < policy.budgetMs;
        if (!isSettling && !isOutage) throw error;
        await clock.sleep(isOutage ? delayMs : LOOK_AGAIN_MS, signal);
      }
    }
  };
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
  if (carried !== null && carried.id === target.id && isTerminal(carried.status)) return carried;
  const startedAt = calls.clock.now();
  for (;;) {
    const run = await calls.get(target.id);
    if (isTerminal(run.status)) return withFault(run, last);
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
