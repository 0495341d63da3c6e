import type { Agent, AgentResult, AgentTask } from '../../agents/agent.js';
import type { Timers } from '../../model/clock.js';
import { isJsonObject, type JsonValue } from '../../model/json.js';
import type { CreateRunRequest } from '../../model/run.js';
import { StopRequest } from '../stop-request.js';
import type { Fault, FaultName } from './fault.js';
import type { FaultScript } from './fault-script.js';
import { drawLatencyMs } from './latency.js';
import type { Rehearsal } from './resolve-rehearsal.js';
import { citeByRow, keepPart, loseRows, playRowFaults, reorderRows } from './row-faults.js';
import { nameRecord, nameSubject } from './subject.js';

/** An agent that answers as the one behind it does, but as late and as badly as the rehearsal says. */
export class RehearsedAgent implements Agent {
  readonly description: string;
  readonly #agent: Agent;
  readonly #rehearsal: Rehearsal;
  readonly #script: FaultScript;
  readonly #clock: Timers;
  readonly #asked = new Map<string, number>();

  constructor(agent: Agent, rehearsal: Rehearsal, script: FaultScript, clock: Timers) {
    this.description = `${agent.description} (rehearsal)`;
    this.#agent = agent;
    this.#rehearsal = rehearsal;
    this.#script = script;
    this.#clock = clock;
  }

  async answer(task: AgentTask, signal: AbortSignal): Promise<AgentResult> {
    const subject = nameSubject(task.request);
    const faults = new Map(this.#script.meetRun(subject).map((fault) => [fault.name, fault]));
    const delayMs = faults.has('endless_run') ? Number.POSITIVE_INFINITY : this.#drawDelay(subject, faults);
    const startedAt = this.#clock.now();
    const result = await this.#agent.answer(task, signal);
    const waitedMs = await this.#wait(startedAt + delayMs, signal);
    if (faults.has('failed_run')) throw new Error('the rehearsal lets this run fail');
    const played = this.#play(result, task.request, subject, faults);
    // Stopped on the way: what was found so far is taken to grow evenly.
    return waitedMs === null ? played : keepPart(played, (waitedMs - startedAt) / delayMs);
  }

  #drawDelay(subject: string, faults: ReadonlyMap<FaultName, Fault>): number {
    const { latency, seed } = this.#rehearsal;
    if (latency === null) return 0;
    const asked = (this.#asked.get(subject) ?? 0) + 1;
    this.#asked.set(subject, asked);
    return (
      drawLatencyMs(latency, seed, subject, asked) * Number(faults.get('slow_run')?.settings.factor ?? 1)
    );
  }

  #play(
    result: AgentResult,
    request: CreateRunRequest,
    subject: string,
    faults: ReadonlyMap<FaultName, Fault>,
  ): AgentResult {
    if (faults.has('rows_missing')) return loseRows(result);
    const early = faults.get('early_stop');
    let played = this.#script.has('rows') ? playRowFaults(result, this.#createRowMeeting(request)) : result;
    if (faults.has('rows_reordered')) played = reorderRows(played, this.#rehearsal.seed, subject);
    if (faults.has('citations_by_row')) played = citeByRow(played);
    if (early === undefined) return played;
    const stopReason = String(early.settings.stopReason);
    return { ...keepPart(played, Number(early.settings.part)), stopReason };
  }

  #createRowMeeting(request: CreateRunRequest): (row: JsonValue) => ReadonlySet<FaultName> {
    const records = new Map((request.input?.data ?? []).map((record) => [record.row_id, record]));
    return (row) => {
      const record = (isJsonObject(row) ? records.get(row.row_id) : undefined) ?? row;
      return new Set(this.#script.meetRow(nameRecord(record)).map((fault) => fault.name));
    };
  }

  /** Waits until that time; returns the time at which a stop came, null where none did. */
  #wait(until: number, signal: AbortSignal): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancelTimer();
        if (signal.reason instanceof StopRequest) resolve(this.#clock.now());
        else reject(signal.reason);
      };
      const remainingMs = until - this.#clock.now();
      let cancelTimer = (): void => {};
      if (signal.aborted) return onAbort();
      if (remainingMs <= 0) return resolve(null);
      signal.addEventListener('abort', onAbort, { once: true });
      if (remainingMs === Number.POSITIVE_INFINITY) return;
      cancelTimer = this.#clock.schedule(() => {
        signal.removeEventListener('abort', onAbort);
        resolve(null);
      }, remainingMs);
    });
  }
}
