import { hashText } from '../model/ask.js';
import type { Clock } from '../model/clock.js';
import { isJsonObject, type JsonValue } from '../model/json.js';
import { type AgentRun, type AgentRunEvent, hasEnded, type RunStatus } from '../model/run.js';
import { AgentError } from './agent-error.js';
import type { ApiHttp, ApiRequest } from './caller.js';
import { type EventStream, IdleTimeout } from './event-stream.js';
import { hasResult, parseFault, parseRun } from './parse-run.js';
import { createRunPath, ReadFailures, readRun } from './read-run.js';
import { resolvePollDelay } from './retry.js';
import type { OpenRun } from './start-run.js';

/** The run to follow. */
interface FollowTarget {
  readonly id: string;
  readonly effort: string | null;
  /** The live stream of its create; null if there is none. */
  readonly stream: EventStream | null;
  /** True for a run that was just started: polling it at once is pointless. */
  readonly fresh: boolean;
}

/** Client calls that following a run needs. */
interface FollowCalls {
  readonly get: (id: string) => Promise<AgentRun>;
  /** Opens a replay of the stored events after an id; null if the agent offers none. */
  readonly openReplay: (id: string, lastEventId: string | null) => Promise<EventStream | null>;
  readonly clock: Clock;
  /** After this long without a byte on the stream, the run is polled once; the stream stays open. */
  readonly idleMs: number;
  /** True to yield every event; false if only the end matters, so one replay is enough. */
  readonly everyEvent: boolean;
  readonly signal: AbortSignal;
}

/**
 * Follows a run to its end: first the live stream, then a replay of stored events, then polling, each if the
 * previous one fails. Yields each event once; the last one is terminal. If polling showed the end, that event
 * is created here, with the whole run as its data.
 */
async function* followRun(target: FollowTarget, calls: FollowCalls): AsyncGenerator<AgentRunEvent, void> {
  const startedAt = calls.clock.now();
  const seen: Seen = { ids: new Set(), count: 0, lastId: null };
  if (target.stream !== null && (yield* readStream(target.stream, target.id, seen, calls, 'live'))) return;
  let replays = target.stream !== null || calls.everyEvent;
  let mustWait = target.fresh && target.stream === null;
  for (;;) {
    if (mustWait) await calls.clock.sleep(resolveDelay(target, startedAt, calls.clock), calls.signal);
    mustWait = true;
    if (replays) {
      const before = seen.count;
      const replay = await calls.openReplay(target.id, seen.lastId);
      if (replay !== null && (yield* readStream(replay, target.id, seen, calls, 'replay'))) return;
      replays = calls.everyEvent && replay !== null;
      // New events in a replay prove that the run is still working.
      if (seen.count > before) continue;
    }
    const run = await calls.get(target.id);
    if (hasEnded(run)) return yield createEndEvent(run);
  }
}

/** True for the last event of a run, also under names added by later service versions. */
function isTerminalEvent(event: AgentRunEvent, runId: string): boolean {
  const data = isJsonObject(event.data) ? event.data : {};
  const { id = runId, status, completedAt } = data;
  // The end of another run says nothing about this one.
  if (id !== runId) return false;
  if (TERMINAL_EVENTS.has(event.event)) return true;
  if (data.id === undefined || !event.event.startsWith('agent_run.') || typeof status !== 'string')
    return false;
  return hasEnded({
    status: status as RunStatus,
    completedAt: typeof completedAt === 'string' ? completedAt : null,
  });
}

const TERMINAL_EVENTS: ReadonlySet<string> = new Set([
  'agent_run.completed',
  'agent_run.failed',
  'agent_run.cancelled',
]);

/** The events seen so far, since a replay may start over at the first one. */
interface Seen {
  /** The newest ids, oldest first. */
  readonly ids: Set<string>;
  /** Number of distinct events. */
  count: number;
  lastId: string | null;
}

/** A server stores no more events per run than this. The cap keeps an endless stream from filling memory. */
const MAX_SEEN = 10_000;
const MAX_ID_LENGTH = 200;

/** Reads a stream to its end. Returns true if the run ended, false if the stream ended first. */
async function* readStream(
  stream: EventStream,
  runId: string,
  seen: Seen,
  calls: FollowCalls,
  kind: 'live' | 'replay',
): AsyncGenerator<AgentRunEvent, boolean> {
  const onAbort = (): void => stream.close();
  calls.signal.addEventListener('abort', onAbort, { once: true });
  const watch = new IdleTimeout(stream, calls.clock, calls.idleMs);
  let ended = false;
  try {
    calls.signal.throwIfAborted();
    for (;;) {
      const next = stream.next();
      let item = await watch.race(next);
      while (item === null) {
        const run = await calls.get(runId);
        if (hasEnded(run)) {
          yield createEndEvent(run);
          return true;
        }
        item = await watch.race(next);
      }
      calls.signal.throwIfAborted();
      if (item.kind === 'end') return false;
      ended = isTerminalEvent(item.event, runId);
      const isNew = noteEvent(item.event, seen);
      // Only a replay repeats events; on a live stream a repeated id is still a new event.
      if (isNew || ended || kind === 'live') yield item.event;
      if (ended) return true;
    }
  } finally {
    calls.signal.removeEventListener('abort', onAbort);
    watch.close();
    if (ended) void drainBriefly(stream, calls.clock);
    else stream.close();
  }
}

/** Returns false for an event that was seen before. */
function noteEvent(event: AgentRunEvent, seen: Seen): boolean {
  if (event.id === '') return true;
  const isLong = event.id.length > MAX_ID_LENGTH;
  const id = isLong ? hashText(event.id, 64) : event.id;
  if (seen.ids.has(id)) return false;
  seen.ids.add(id);
  seen.count += 1;
  // Too long to send in a header.
  if (!isLong) seen.lastId = event.id;
  const [oldest] = seen.ids;
  if (seen.ids.size > MAX_SEEN && oldest !== undefined) seen.ids.delete(oldest);
  return true;
}

const DRAIN_MS = 1_000;

/** Returns the connection to the pool if the agent ends the stream soon, as it should; closes it otherwise. */
async function drainBriefly(stream: EventStream, clock: Clock): Promise<void> {
  const watch = new IdleTimeout({ lastByteAt: 0 }, clock, DRAIN_MS);
  await watch.race(stream.drain());
  watch.close();
  stream.close();
}

function createEndEvent(run: AgentRun): AgentRunEvent {
  // Safe: a run was parsed from JSON, and the filled-in fields are JSON too.
  return { id: '', event: `agent_run.${run.status}`, data: run as unknown as JsonValue };
}

function resolveDelay(target: FollowTarget, startedAt: number, clock: Clock): number {
  return resolvePollDelay({ ageMs: clock.now() - startedAt, effort: target.effort, random: clock.random() });
}

/**
 * Waits until a run ends and returns it with its result, taken from the last event if it has one, else
 * fetched. Calls and awaits `onEnd` before that.
 */
export async function waitRun(
  caller: ApiHttp,
  run: OpenRun | string,
  {
    signal,
    onEnd = () => undefined,
    trouble,
  }: {
    readonly signal: AbortSignal;
    readonly onEnd?: (() => void | Promise<void>) | undefined;
    readonly trouble: ReadFailures;
  },
): Promise<AgentRun> {
  if (typeof run !== 'string' && run.run !== null) return run.run;
  const target = createTarget(run);
  const calls = createFollowCalls(caller, target, false, trouble, signal);
  let last: AgentRunEvent | null = null;
  for await (const event of followRun(target, calls)) last = event;
  await onEnd();
  return resolveEnd(target, last, calls);
}

/** Follows a run from its start to its end and yields every event. */
export function streamRun(
  caller: ApiHttp,
  run: OpenRun,
  signal: AbortSignal,
): AsyncGenerator<AgentRunEvent, void> {
  const target = createTarget(run);
  return followRun(target, createFollowCalls(caller, target, true, new ReadFailures(caller), signal));
}

function createTarget(run: OpenRun | string): FollowTarget {
  if (typeof run === 'string') return { id: run, effort: null, stream: null, fresh: false };
  return { id: run.id, effort: run.effort, stream: run.takeStream(), fresh: true };
}

function createFollowCalls(
  caller: ApiHttp,
  target: FollowTarget,
  everyEvent: boolean,
  trouble: ReadFailures,
  signal: AbortSignal,
): FollowCalls {
  const { clock, timeouts } = caller;
  const startedAt = clock.now();
  const get = (id: string): Promise<AgentRun> =>
    readRun(caller, { id, isFresh: target.fresh, startedAt }, trouble, signal);
  const openReplay = async (id: string, lastEventId: string | null): Promise<EventStream | null> => {
    const call: ApiRequest = {
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
      // Replay is optional: if it fails, we poll the run instead, with retries.
      if (error instanceof AgentError) return null;
      throw error;
    }
  };
  return { get, openReplay, clock, idleMs: timeouts.streamIdleMs, everyEvent, signal };
}

/** Returns the ended run. The stored run may lag behind the events, so it is polled until it has ended too. */
async function resolveEnd(
  target: FollowTarget,
  last: AgentRunEvent | null,
  calls: FollowCalls,
): Promise<AgentRun> {
  const carried = hasResult(last?.data) ? parseRun(last?.data) : null;
  // An event without a cost may have been sent before the run was billed.
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

/** Adds the error from the last event if the run has none. */
function withFault(run: AgentRun, last: AgentRunEvent | null): AgentRun {
  const data = last?.data;
  const fault = isJsonObject(data) ? parseFault(data.error) : null;
  return run.error || fault === null ? run : { ...run, error: fault };
}
