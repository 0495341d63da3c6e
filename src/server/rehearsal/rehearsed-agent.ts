import type { Agent, AgentResult, AgentTask } from '../../agents/agent.js';
import type { Timers } from '../../model/clock.js';
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from '../../model/json.js';
import type { CreateRunRequest, Grounding } from '../../model/run.js';
import { StopRequest } from '../run-engine.js';
import { draw, type Fault, type FaultName, type FaultScript, nameRecord, nameSubject } from './fault.js';
import { drawLatencyMs, type Rehearsal } from './resolve-rehearsal.js';

/** Wraps an agent and adds the delays and faults of a rehearsal. */
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
    if (faults.has('failed_run')) throw new Error('the rehearsal makes this run fail');
    const played = this.#play(result, task.request, subject, faults);
    // Stopped early: assume that results arrive at an even rate.
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
    let played = this.#script.has('rows') ? injectRowFaults(result, this.#createRowMeeting(request)) : result;
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

  /** Waits until `until`. Returns the time of a stop request, or null. */
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

/** Returns the faults for the row at an index of the agent's list. */
type MeetRow = (row: JsonValue, index: number) => ReadonlySet<FaultName>;

/** Injects faults into the rows of an answer. Citations follow their rows. */
export function injectRowFaults(result: AgentResult, meetRow: MeetRow): AgentResult {
  return changeRows(result, (entries) => entries.flatMap((entry) => playOnEntry(entry, meetRow)));
}

/** Shuffles the rows of an answer. The order depends only on seed and subject. */
export function reorderRows(result: AgentResult, seed: string, subject: string): AgentResult {
  const rank = (index: number): number => draw(seed, 'order', subject, index);
  return changeRows(result, (entries) =>
    entries
      .map((entry, index) => ({ entry, rank: rank(index) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ entry }) => entry),
  );
}

/** Keeps the first part of the rows, given as a share from 0 to 1. */
export function keepPart(result: AgentResult, part: number): AgentResult {
  return changeRows(result, (entries) => entries.slice(0, Math.ceil(entries.length * part)));
}

/** Makes citations refer to whole rows instead of fields. */
export function citeByRow(result: AgentResult): AgentResult {
  const grounding = result.output.grounding.map((entry) => {
    const row = /^structured\.\w+\[\d+\]/.exec(entry.field)?.[0];
    return row === undefined ? entry : { ...entry, field: row };
  });
  return { ...result, output: { ...result.output, grounding } };
}

/** Removes the list of rows. */
export function loseRows(result: AgentResult): AgentResult {
  return { ...result, output: { ...result.output, structured: null, grounding: [] } };
}

/** A row while faults are applied. `from` is its index in the agent's list, for its citations. */
interface Entry {
  readonly row: JsonValue;
  readonly from: number | null;
}

function playOnEntry(entry: Entry, meetRow: MeetRow): Entry[] {
  if (entry.from === null) return [entry];
  const faults = meetRow(entry.row, entry.from);
  if (faults.has('rows_dropped')) return [];
  let row = entry.row;
  if (faults.has('nulls')) row = changeFields(row, () => null);
  if (faults.has('wrong_types')) row = changeFields(row, toWrongType);
  if (faults.has('ids_changed') && isJsonObject(row))
    row = { ...row, row_id: `${String(row.row_id)}-changed` };
  const played = { row, from: faults.has('citations_dropped') ? null : entry.from };
  return [
    played,
    ...(faults.has('rows_doubled') ? [played] : []),
    ...(faults.has('rows_invented') ? [{ row: inventRow(row), from: null }] : []),
  ];
}

function changeRows(
  result: AgentResult,
  change: (entries: readonly Entry[]) => readonly Entry[],
): AgentResult {
  const { structured, grounding } = result.output;
  const list = findList(structured);
  if (list === null || !isJsonObject(structured)) return result;
  const entries = change(list.rows.map((row, index) => ({ row, from: index })));
  return {
    ...result,
    output: {
      ...result.output,
      structured: { ...structured, [list.key]: entries.map((entry) => entry.row) },
      grounding: moveGrounding(grounding, `structured.${list.key}`, entries),
    },
  };
}

/** Finds the list of rows in an answer: `rows`, or the first list. */
function findList(
  structured: JsonValue,
): { readonly key: string; readonly rows: readonly JsonValue[] } | null {
  if (!isJsonObject(structured)) return null;
  for (const key of ['rows', ...Object.keys(structured)]) {
    const rows = getOwn(structured, key);
    if (Array.isArray(rows)) return { key, rows };
  }
  return null;
}

/** Moves each citation to its row's new indexes. Citations that do not refer to a row stay. */
function moveGrounding(
  grounding: readonly Grounding[],
  list: string,
  entries: readonly Entry[],
): readonly Grounding[] {
  const byRow = new Map<number, Grounding[]>();
  const rest: Grounding[] = [];
  for (const entry of grounding) {
    const index = parseIndex(entry.field, list);
    if (index === null) rest.push(entry);
    else byRow.set(index, [...(byRow.get(index) ?? []), entry]);
  }
  const moved = entries.flatMap((entry, index) =>
    (entry.from === null ? [] : (byRow.get(entry.from) ?? [])).map((each) => ({
      ...each,
      field: each.field.replace(`${list}[${entry.from}]`, `${list}[${index}]`),
    })),
  );
  return [...rest, ...moved];
}

function parseIndex(field: string, list: string): number | null {
  if (!field.startsWith(`${list}[`)) return null;
  const digits = /^\d+(?=\])/.exec(field.slice(list.length + 1))?.[0];
  return digits === undefined ? null : Number(digits);
}

function changeFields(row: JsonValue, change: (value: JsonValue) => JsonValue): JsonValue {
  if (!isJsonObject(row)) return row;
  if (isJsonObject(row.fields)) return { ...row, fields: mapValues(row.fields, change) };
  const { row_id, ...fields } = row;
  return { ...(row_id === undefined ? {} : { row_id }), ...mapValues(fields, change) };
}

function mapValues(object: JsonObject, change: (value: JsonValue) => JsonValue): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function toWrongType(value: JsonValue): JsonValue {
  if (value === null) return null;
  if (typeof value === 'string') return { value };
  if (Array.isArray(value)) return 'see the source';
  return typeof value === 'object' ? [value] : 'about that much';
}

function inventRow(row: JsonValue): JsonValue {
  return isJsonObject(row) ? { ...row, row_id: 'invented' } : row;
}
