import { createHash } from 'node:crypto';
import { createUsageError, describeError } from '../../errors.js';
import { hashText } from '../../model/ask.js';
import { formatCanonicalJson, isJsonObject, type JsonValue } from '../../model/json.js';
import { readWholeFile } from '../../model/read-file.js';
import type { CreateRunRequest } from '../../model/run.js';
import type { Tally } from '../tally.js';

/** When a scripted fault is played; without any of these, always. */
export interface Trigger {
  /** The part of all occasions, from 0 to 1, drawn by seed and question: the same in every rehearsal. */
  readonly share?: number;
  /** The occasions by number, 1 for the first, counted as they come. */
  readonly nth?: readonly number[];
  /** Every so many occasions. */
  readonly every?: number;
  /** The first so many occasions. */
  readonly first?: number;
  /** At most so often. */
  readonly max?: number;
}

/** The operations of the API, as faults and the report name them. */
export const OPERATIONS = ['create', 'get', 'list', 'events', 'cancel', 'stop', 'delete'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What a fault happens to: a request, a whole run, or the rows of a run's answer. */
export type FaultScope = 'request' | 'run' | 'rows';

interface FaultKind {
  readonly scope: FaultScope;
  /** What it does, in one sentence. */
  readonly description: string;
  /** Settings of its own, with their defaults. */
  readonly settings: Readonly<Record<string, number | string | boolean | null>>;
  /** Where a fault of a request is played when `on` is left out. */
  readonly on?: readonly Operation[];
}

/** Every fault that can be scripted. */
export const FAULT_KINDS = {
  rate_limited: request('429 of the gateway, flat: too many requests a second', { retryAfter: null }),
  concurrency_limited: request('429 of the API: too many active runs', { retryAfter: null }),
  server_error: request('500 of the API; `accepted`: the run was started all the same', { accepted: false }),
  bad_gateway: request('502 as an HTML page; `accepted`: the run was started all the same', {
    accepted: false,
  }),
  overloaded: request('503 of the gateway, flat', { retryAfter: null }),
  no_credits: request('402 of the gateway, flat', {}),
  forbidden: request('403 of the gateway, flat', {}),
  key_refused: request('401 of the gateway, flat', {}),
  lost_request: request('the connection breaks before anything was done', {}),
  lost_reply: request('the request is carried out, then the connection breaks without a reply', {}),
  slow_reply: request('the reply waits', { delayMs: 5_000 }),
  cut_stream: request(
    'an event stream breaks off inside the frame after so many events',
    { afterEvents: 1 },
    ['create'],
  ),
  list_lags: request('runs younger than this are missing from the list', { lagMs: 5_000 }, ['list']),
  failed_run: run('the run fails, and is billed', {}),
  endless_run: run('the run never ends by itself', {}),
  slow_run: run('the run takes so many times as long', { factor: 10 }),
  early_stop: run('the run completes early, with the first part of its rows', {
    stopReason: 'budget_reached',
    part: 0.5,
  }),
  rows_dropped: rows('rows are missing'),
  rows_doubled: rows('rows come twice'),
  rows_invented: rows('a row that nobody asked for comes after this one'),
  rows_reordered: run('rows come in another order', {}),
  rows_missing: run('there is no list of rows at all', {}),
  ids_changed: rows('the row_id is not the one that was sent'),
  nulls: rows('every field is null'),
  wrong_types: rows('a field has a value of another type'),
  citations_dropped: rows('no citation names the row'),
  citations_by_row: run('citations name whole rows, not fields', {}),
} satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof FAULT_KINDS;

/** One entry of a script of faults, ready to be played. */
export interface Fault {
  /** Its place in the script: part of what it draws by. */
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

/** Decides which faults are played, and counts them. */
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

  /** Notes what a run is about, for the requests that name it by its id alone. */
  remember(runId: string, subject: string): void {
    this.#subjects.set(runId, subject);
  }

  /** What a run is about; its id where it was made before this server started. */
  readSubject(runId: string): string {
    return this.#subjects.get(runId) ?? runId;
  }

  /** The faults that happen to a request; `subject` says what it is about, so that chance falls alike each time. */
  meetRequest(operation: Operation, subject: string): readonly Fault[] {
    return this.#meet('request', subject, (fault) => fault.on.includes(operation), operation);
  }

  /** The faults that happen to a run as a whole. */
  meetRun(subject: string): readonly Fault[] {
    return this.#meet('run', subject, () => true, '');
  }

  /** The faults that happen to one row of an answer. */
  meetRow(subject: string): readonly Fault[] {
    return this.#meet('rows', subject, () => true, '');
  }

  /** True where the script has faults of that scope at all. */
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

/** Reads a script of faults: the JSON that `resolveRehearsal` takes. */
export async function readFaults(path: string): Promise<unknown> {
  let text: string;
  try {
    text = (await readWholeFile(path, MAX_BYTES)).toString('utf8');
  } catch (error) {
    throw createUsageError(
      'FAULTS_NOT_READ',
      `The script of faults ${path} cannot be read: ${describeError(error)}`,
      'Name a JSON file; docs/rehearsal.md shows one.',
      error,
    );
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw createUsageError(
      'BAD_FAULTS',
      `The script of faults ${path} is no JSON: ${describeError(error)}`,
      'docs/rehearsal.md shows one.',
      error,
    );
  }
}

const STEPS = 2 ** 48;

/** A number from 0 up to 1 that depends on nothing but the seed and the words given: the same words, the same number. */
export function draw(seed: string, ...words: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest();
  return digest.readUIntBE(0, 6) / STEPS;
}

/** A draw from the standard normal distribution, by the same rule. */
export function drawNormal(seed: string, ...words: readonly (string | number)[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw(seed, 'radius', ...words)));
  return radius * Math.cos(2 * Math.PI * draw(seed, 'angle', ...words));
}

/** What a run is about, whatever it is called this time: chance is drawn by it. */
export function nameSubject(request: CreateRunRequest): string {
  const text = formatCanonicalJson([request.query, request.effort ?? null, [...(request.input?.data ?? [])]]);
  return hashText(text, 24);
}

/** What one record is about: its content without the id that it has in this run. */
export function nameRecord(record: JsonValue): string {
  if (!isJsonObject(record)) return hashText(JSON.stringify(record), 24);
  const { row_id: _id, ...content } = record;
  return hashText(formatCanonicalJson(content), 24);
}
