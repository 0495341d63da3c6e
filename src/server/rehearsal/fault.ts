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
