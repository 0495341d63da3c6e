import { createHash } from 'node:crypto';
import { createUsageError, describeError, describeSystemError } from '../../errors.js';
import { hashText } from '../../model/ask.js';
import { formatCanonicalJson, isJsonObject, type JsonValue } from '../../model/json.js';
import { readWholeFile } from '../../model/read-file.js';
import type { CreateRunRequest } from '../../model/run.js';
import type { Tally } from '../tally.js';

/** When a scripted fault is injected. Always, if none of these is set. */
export interface Trigger {
  /** Share of matches, from 0 to 1. Drawn by seed and question, so it is the same in every rehearsal. */
  readonly share?: number;
  /** Which matches, by number. 1 is the first. */
  readonly nth?: readonly number[];
  /** Every Nth match. */
  readonly every?: number;
  /** The first N matches. */
  readonly first?: number;
  /** At most N times. */
  readonly max?: number;
}

/** API operations, as named in faults and in the report. */
export const OPERATIONS = ['create', 'get', 'list', 'events', 'cancel', 'stop', 'delete'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What a fault applies to: a request, a whole run, or rows of a run's answer. */
type FaultScope = 'request' | 'run' | 'rows';

interface FaultKind {
  readonly scope: FaultScope;
  /** One sentence that says what it does. */
  readonly description: string;
  /** Settings and their defaults. */
  readonly settings: Readonly<Record<string, number | string | boolean | null>>;
  /** Operations that a request fault applies to by default. */
  readonly on?: readonly Operation[];
}

/** All faults that can be scripted. */
export const FAULT_KINDS = {
  rate_limited: request('429 from the gateway, flat: too many requests per second', { retryAfter: null }),
  concurrency_limited: request('429 from the API: too many active runs', { retryAfter: null }),
  server_error: request('500 from the API; with `accepted`, the run is started anyway', { accepted: false }),
  bad_gateway: request('502 as an HTML page; with `accepted`, the run is started anyway', {
    accepted: false,
  }),
  overloaded: request('503 from the gateway, in its flat format', { retryAfter: null }),
  no_credits: request('402 from the gateway, in its flat format', {}),
  forbidden: request('403 from the gateway, in its flat format', {}),
  key_refused: request('401 from the gateway, in its flat format', {}),
  lost_request: request('the connection breaks before the request is carried out', {}),
  lost_reply: request('the request is carried out, then the connection breaks without a reply', {}),
  slow_reply: request('the reply is delayed', { delayMs: 5_000 }),
  cut_stream: request('an event stream breaks inside a frame, after this many events', { afterEvents: 1 }, [
    'create',
  ]),
  list_lags: request('runs younger than this are missing from the list', { lagMs: 5_000 }, ['list']),
  failed_run: run('the run fails, and is billed', {}),
  endless_run: run('the run never ends by itself', {}),
  slow_run: run('the run takes this many times as long', { factor: 10 }),
  early_stop: run('the run completes early, with the first part of its rows', {
    stopReason: 'budget_reached',
    part: 0.5,
  }),
  rows_dropped: rows('rows are missing'),
  rows_doubled: rows('rows are duplicated'),
  rows_invented: rows('an unrequested row is added after this one'),
  rows_reordered: run('rows are in a different order', {}),
  rows_missing: run('the list of rows is missing', {}),
  ids_changed: rows('the row_id differs from the one sent'),
  nulls: rows('every field is null'),
  wrong_types: rows('a field has a value of the wrong type'),
  citations_dropped: rows('the row has no citations'),
  citations_by_row: run('citations refer to whole rows, not to fields', {}),
} satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof FAULT_KINDS;

/** One parsed entry of a fault script. */
export interface Fault {
  /** Index in the script; part of the random seed. */
  readonly index: number;
  readonly name: FaultName;
  readonly scope: FaultScope;
  readonly on: readonly Operation[];
  readonly trigger: Trigger;
  readonly settings: Readonly<Record<string, number | string | boolean | null>>;
}

function request(
  description: string,
  settings: FaultKind['settings'],
  on: readonly Operation[] = ['create'],
): FaultKind {
  return { scope: 'request', description, settings, on };
}

function run(description: string, settings: FaultKind['settings']): FaultKind {
  return { scope: 'run', description, settings };
}

function rows(description: string): FaultKind {
  return { scope: 'rows', description, settings: {} };
}

/** Decides which faults are injected, and counts them. */
export class FaultScript {
  readonly #seed: string;
  readonly #faults: readonly Fault[];
  readonly #tally: Tally;
  readonly #occasions = new Map<number, number>();
  readonly #plays = new Map<number, number>();
  readonly #repeats = new Map<string, number>();
  readonly #subjects = new Map<string, string>();

  constructor(seed: string, faults: readonly Fault[], tally: Tally) {
    this.#seed = seed;
    this.#faults = faults;
    this.#tally = tally;
  }

  /** Remembers the subject of a run, for later requests that have only its id. */
  remember(runId: string, subject: string): void {
    this.#subjects.set(runId, subject);
  }

  /** Subject of a run; its id if it was created before this server started. */
  readSubject(runId: string): string {
    return this.#subjects.get(runId) ?? runId;
  }

  /** Faults for a request. `subject` identifies it, so that random draws are the same each time. */
  meetRequest(operation: Operation, subject: string): readonly Fault[] {
    return this.#meet('request', subject, (fault) => fault.on.includes(operation), operation);
  }

  /** Faults for a whole run. */
  meetRun(subject: string): readonly Fault[] {
    return this.#meet('run', subject, () => true, '');
  }

  /** Faults for one row of an answer. */
  meetRow(subject: string): readonly Fault[] {
    return this.#meet('rows', subject, () => true, '');
  }

  /** True if the script has faults of that scope. */
  has(scope: FaultScope): boolean {
    return this.#faults.some((fault) => fault.scope === scope);
  }

  #meet(
    scope: FaultScope,
    subject: string,
    concerns: (fault: Fault) => boolean,
    word: string,
  ): readonly Fault[] {
    const candidates = this.#faults.filter((fault) => fault.scope === scope && concerns(fault));
    if (candidates.length === 0) return [];
    const repeat = countUp(this.#repeats, `${scope} ${word} ${subject}`);
    return candidates.filter((fault) => {
      if (!this.#strikes(fault, subject, word, repeat)) return false;
      this.#tally.countFault(fault.name);
      return true;
    });
  }

  #strikes(fault: Fault, subject: string, word: string, repeat: number): boolean {
    const { share, nth, every, first, max } = fault.trigger;
    const occasion = countUp(this.#occasions, fault.index);
    if (nth !== undefined && !nth.includes(occasion)) return false;
    if (every !== undefined && occasion % every !== 0) return false;
    if (first !== undefined && occasion > first) return false;
    if (share !== undefined && draw(this.#seed, fault.index, word, subject, repeat) >= share) return false;
    if (max !== undefined && (this.#plays.get(fault.index) ?? 0) >= max) return false;
    countUp(this.#plays, fault.index);
    return true;
  }
}

function countUp<Key>(counts: Map<Key, number>, key: Key): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads a fault script: the JSON that `resolveRehearsal` accepts. */
export async function readFaults(path: string): Promise<unknown> {
  let text: string;
  try {
    text = (await readWholeFile(path, MAX_BYTES)).toString('utf8');
  } catch (error) {
    throw createUsageError(
      'FAULTS_NOT_READ',
      `The fault script ${path} cannot be read: ${describeSystemError(error)}`,
      'Give a JSON file; docs/rehearsal.md has an example.',
      error,
    );
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw createUsageError(
      'BAD_FAULTS',
      `The fault script ${path} is not valid JSON: ${describeError(error)}`,
      'docs/rehearsal.md has an example.',
      error,
    );
  }
}

const STEPS = 2 ** 48;

/** A pseudo-random number in [0, 1) that depends only on the seed and the words. */
export function draw(seed: string, ...words: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest();
  return digest.readUIntBE(0, 6) / STEPS;
}

/** Same, from the standard normal distribution. */
export function drawNormal(seed: string, ...words: readonly (string | number)[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw(seed, 'radius', ...words)));
  return radius * Math.cos(2 * Math.PI * draw(seed, 'angle', ...words));
}

/** Identifies the content of a run, independent of its ids. Random draws are based on it. */
export function nameSubject(request: CreateRunRequest): string {
  const text = formatCanonicalJson([request.query, request.effort ?? null, [...(request.input?.data ?? [])]]);
  return hashText(text, 24);
}

/** Identifies a record by its content without the id that it has in this run. */
export function nameRecord(record: JsonValue): string {
  if (!isJsonObject(record)) return hashText(JSON.stringify(record), 24);
  const { row_id: _id, ...content } = record;
  return hashText(formatCanonicalJson(content), 24);
}
