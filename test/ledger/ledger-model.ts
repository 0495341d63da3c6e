import type { OpenBatchState, StoredAnswer } from '../../src/ledger/ledger.js';
import { mergeFields } from '../../src/ledger/row-state.js';
import { type FieldAnswer, REJECTED_AGAIN } from '../../src/model/answer.js';
import type { Batch } from '../../src/model/batch.js';
import { splitMicros } from '../../src/model/format.js';
import type { JsonValue } from '../../src/model/json.js';

export const EFFORTS = ['low', 'high'];

/** What a run gave for one row. */
export interface ModelOutcome {
  readonly values: Readonly<Record<string, JsonValue>> | null;
  readonly failure: string | null;
}

/** Something that changed rows of an ask. */
interface Change {
  readonly kind: 'run' | 'failures' | 'human' | 'rejected';
  readonly job: string;
  readonly invocation: number;
  readonly atMs: number;
  readonly rows: ReadonlyMap<string, ModelOutcome>;
  readonly batch?: Batch;
  readonly runId?: string;
  readonly intendedAtMs: number;
  readonly costMicros: number;
  readonly isEstimated: boolean;
}

export interface ModelBatch {
  readonly batch: Batch;
  readonly intendedAtMs: number;
  /** The holder that reserved it, and the one that has it now. */
  readonly reserver: number;
  holder: number;
  state: OpenBatchState;
  runId: string | null;
}

interface ModelJob {
  readonly ask: string;
  invocation: number;
  /** What it had cost before it was pruned. */
  readonly prunedMicros: number;
}

/** An event that makes a look-up of a row outdated for other holders. */
interface Touch {
  readonly holder: number;
  readonly time: number;
}

/** All that a ledger should know, in the simplest form. Rows are named by their keys. */
export class LedgerModel {
  readonly jobs = new Map<string, ModelJob>();
  readonly changes = new Map<string, Change[]>();
  readonly open = new Map<string, ModelBatch>();
  readonly #touches = new Map<string, Touch[]>();
  readonly #pruned = new Map<string, number>();
  /** When released batches were intended. */
  readonly #releasedAt = new Map<string, number>();
  #billedMicros = 0;
  /** Counts changes, to order them. */
  time = 0;

  openJob(id: string, ask: string): number {
    const job = this.jobs.get(id) ?? { ask, invocation: 0, prunedMicros: this.#pruned.get(id) ?? 0 };
    job.invocation += 1;
    this.jobs.set(id, job);
    return job.invocation;
  }

  /** Keys of a batch that a holder may not reserve if it looked them up at a time. */
  findTaken(batch: Batch, holder: number, lookedAt: number): string[] {
    const keys = batch.rows.map(({ key }) => key);
    const isTouched = (key: string): boolean =>
      this.#touches
        .get(`${batch.askId} ${key}`)
        ?.some((each) => each.holder !== holder && each.time > lookedAt) === true;
    const elsewhere = this.listElsewhere(batch.askId, holder);
    return keys.filter((key) => elsewhere.has(key) || isTouched(key));
  }

  listElsewhere(ask: string, holder: number): Set<string> {
    const others = [...this.open.values()].filter(
      (each) => each.batch.askId === ask && (each.holder !== holder || each.reserver !== holder),
    );
    return new Set(others.flatMap(({ batch }) => batch.rows.map(({ key }) => key)));
  }

  reserve(batch: Batch, holder: number, nowMs: number): void {
    this.time += 1;
    this.open.set(batch.id, {
      batch,
      intendedAtMs: nowMs,
      reserver: holder,
      holder,
      state: 'intended',
      runId: null,
    });
  }

  release(id: string): void {
    const batch = this.open.get(id);
    if (batch !== undefined) this.#releasedAt.set(id, batch.intendedAtMs);
    this.open.delete(id);
  }

  adopt(ask: string, from: number, to: number): string[] {
    const found = [...this.open.values()].filter((each) => each.batch.askId === ask && each.holder === from);
    for (const each of found) each.holder = to;
    return found.map(({ batch }) => batch.id);
  }

  settle(
    batch: Batch,
    runId: string,
    costMicros: number | null,
    rows: ReadonlyMap<string, ModelOutcome>,
    { holder, nowMs }: { readonly holder: number; readonly nowMs: number },
  ): void {
    const intendedAtMs = this.open.get(batch.id)?.intendedAtMs ?? this.#releasedAt.get(batch.id) ?? nowMs;
    const reserver = this.open.get(batch.id)?.reserver ?? holder;
    this.open.delete(batch.id);
    const cost = costMicros ?? batch.reserveMicros;
    this.#billedMicros += cost;
    this.#add(batch.askId, batch.jobId, 'run', rows, {
      ...{ batch, runId, intendedAtMs, costMicros: cost, isEstimated: costMicros === null && cost > 0 },
      // A batch that was taken over changes what everybody knows.
      ...{ holder: reserver === holder ? holder : 0, nowMs },
    });
  }

  change(
    kind: 'failures' | 'human' | 'rejected',
    jobId: string,
    rows: ReadonlyMap<string, ModelOutcome>,
    by: { readonly holder: number; readonly nowMs: number },
  ): void {
    const ask = this.jobs.get(jobId)?.ask ?? '';
    const free = { intendedAtMs: by.nowMs, costMicros: 0, isEstimated: false };
    this.#add(ask, jobId, kind, rows, { ...free, ...by });
  }

  prune(ask: string): void {
    for (const [id, job] of this.jobs) {
      if (job.ask !== ask) continue;
      const { spentMicros, reservedMicros } = this.spendOf(id);
      this.#pruned.set(id, spentMicros + reservedMicros);
      this.#billedMicros += reservedMicros;
      this.jobs.delete(id);
    }
    for (const [id, { batch }] of this.open) if (batch.askId === ask) this.open.delete(id);
    this.changes.delete(ask);
    for (const place of this.#touches.keys()) if (place.startsWith(`${ask} `)) this.#touches.delete(place);
  }

  spendOf(jobId: string) {
    const runs = this.#changesOf(jobId).filter(({ job }) => job === jobId);
    const sum = (of: readonly { readonly costMicros: number }[]): number =>
      of.reduce((total, { costMicros }) => total + costMicros, 0);
    const open = [...this.open.values()].filter(({ batch }) => batch.jobId === jobId);
    const prunedMicros = this.jobs.get(jobId)?.prunedMicros ?? this.#pruned.get(jobId) ?? 0;
    return {
      spentMicros: sum(runs) + prunedMicros,
      estimatedMicros: sum(runs.filter(({ isEstimated }) => isEstimated)),
      reservedMicros: open.reduce((total, { batch }) => total + batch.reserveMicros, 0),
    };
  }

  get totalMicros(): number {
    return this.#billedMicros;
  }

  /** Rows that the job's own runs answered, and rows that have failed in it. */
  countRows(jobId: string) {
    const changes = this.#changesOf(jobId);
    const own = changes.filter(({ job, kind }) => job === jobId && kind === 'run');
    const keys = new Set(changes.flatMap(({ rows }) => [...rows.keys()]));
    const hasAnswer = (key: string): boolean =>
      own.some(({ rows }) => (rows.get(key)?.values ?? null) !== null);
    const all = [...keys];
    return {
      answered: all.filter(hasAnswer).length,
      failed: all.filter((key) => this.findRow(jobId, key)?.answer.failure != null).length,
    };
  }

  /** What is known about a row from the view of a job, and how many older values it has. */
  findRow(jobId: string, key: string): { readonly answer: StoredAnswer; readonly older: number } | null {
    let older = 0;
    const rejected = new Map<string, readonly JsonValue[]>();
    let intendedAtMs: number | null = null;
    const answer: { -readonly [Name in keyof StoredAnswer]: StoredAnswer[Name] } = {
      fields: new Map(),
      failure: null,
      failureInvocation: null,
      costMicros: 0,
      estimatedMicros: 0,
      runId: null,
      answeredJobId: null,
      answeredInvocation: null,
      answeredAtMs: null,
    };
    for (const change of this.#changesOf(jobId)) {
      const outcome = change.rows.get(key);
      if (outcome === undefined) continue;
      const isOwn = change.job === jobId;
      if (isOwn && change.batch !== undefined) {
        const index = change.batch.rows.findIndex((row) => row.key === key);
        const share = splitMicros(change.costMicros, change.batch.rows.length)[index] ?? 0;
        answer.costMicros += share;
        if (change.isEstimated) answer.estimatedMicros += share;
      }
      if (change.kind === 'rejected') {
        const gone = Object.keys(outcome.values ?? {}).map((name) => answer.fields.get(name)?.value ?? null);
        if (gone.some((value) => value !== null)) older += 1;
        for (const name of Object.keys(outcome.values ?? {})) {
          const value = answer.fields.get(name)?.value ?? null;
          if (value !== null) rejected.set(name, [...(rejected.get(name) ?? []), value]);
        }
        answer.fields = new Map([...answer.fields].filter(([name]) => !(name in (outcome.values ?? {}))));
      } else if (outcome.values !== null) {
        const isLate: boolean = intendedAtMs !== null && change.intendedAtMs < intendedAtMs;
        const isHuman = change.kind === 'human';
        const isRefresh = change.batch?.refresh === true;
        const given = leaveRejected(toFields(change, outcome.values), rejected);
        const { fields, replaced } = mergeFields(answer.fields, given, {
          efforts: EFFORTS,
          isRefresh: isRefresh || isHuman,
        });
        answer.fields = fields;
        if (replaced.size > 0) older += 1;
        if (!isLate) {
          intendedAtMs = change.intendedAtMs;
          answer.runId = change.runId ?? answer.runId;
          if (!isHuman) {
            answer.answeredJobId = change.job;
            answer.answeredInvocation = change.invocation;
          }
          answer.answeredAtMs = isRefresh ? change.atMs : (answer.answeredAtMs ?? change.atMs);
        }
      } else answer.runId ??= change.runId ?? null;
      if (!isOwn) continue;
      const isEarlier = (answer.failureInvocation ?? Number.POSITIVE_INFINITY) < change.invocation;
      if (outcome.values !== null && isEarlier) {
        answer.failure = null;
        answer.failureInvocation = null;
      }
      if (outcome.failure !== null) {
        answer.failure = outcome.failure;
        answer.failureInvocation = change.invocation;
      }
    }
    if (rejected.size > 0) answer.rejected = rejected;
    const isKnown = answer.answeredAtMs !== null || answer.failure !== null || answer.costMicros > 0;
    return isKnown ? { answer, older } : null;
  }

  #changesOf(jobId: string): readonly Change[] {
    return this.changes.get(this.jobs.get(jobId)?.ask ?? '') ?? [];
  }

  #add(
    ask: string,
    job: string,
    kind: Change['kind'],
    rows: ReadonlyMap<string, ModelOutcome>,
    {
      holder,
      nowMs,
      ...rest
    }: Omit<Change, 'kind' | 'job' | 'invocation' | 'atMs' | 'rows'> & {
      readonly holder: number;
      readonly nowMs: number;
    },
  ): void {
    this.time += 1;
    const invocation = this.jobs.get(job)?.invocation ?? 0;
    const changes = this.changes.get(ask) ?? [];
    this.changes.set(ask, [...changes, { kind, job, invocation, atMs: nowMs, rows, ...rest }]);
    for (const key of rows.keys()) {
      const touches = this.#touches.get(`${ask} ${key}`) ?? [];
      this.#touches.set(`${ask} ${key}`, [...touches, { holder, time: this.time }]);
    }
  }
}

/** What a person gives is no longer rejected; what a run gives stays blank if it is. */
function leaveRejected(
  fields: ReadonlyMap<string, FieldAnswer>,
  rejected: Map<string, readonly JsonValue[]>,
): ReadonlyMap<string, FieldAnswer> {
  const left = new Map(fields);
  for (const [name, field] of fields) {
    const values = rejected.get(name) ?? [];
    if (!values.includes(field.value)) continue;
    if (field.who === 'human')
      rejected.set(
        name,
        values.filter((value) => value !== field.value),
      );
    else left.set(name, { ...field, value: null, confidence: null, issue: REJECTED_AGAIN });
  }
  return left;
}

function toFields(change: Change, values: Readonly<Record<string, JsonValue>>): Map<string, FieldAnswer> {
  const effort = change.batch?.effort ?? '';
  const fields = Object.entries(values).map(([name, value]): [string, FieldAnswer] => [
    name,
    {
      value,
      confidence: change.kind === 'human' || value === null ? null : 'high',
      citations: [],
      issue: null,
      runId: change.runId ?? '',
      effort,
      triedEffort: effort,
      foundAtMs: change.atMs,
      sentAtMs: change.intendedAtMs,
      ...(change.kind === 'human' ? { who: 'human' as const } : {}),
    },
  ]);
  return new Map(fields);
}
