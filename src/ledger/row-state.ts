import { type FieldAnswer, isDisputed, REJECTED_AGAIN } from '../model/answer.js';
import { type Ask, getFieldIds, isBelow, isEffortAtLeast } from '../model/ask.js';
import type { JsonValue } from '../model/json.js';
import { isSameValue } from '../model/same-value.js';
import type { Block, BlockRow, FieldIds } from './blocks.js';
import type { OlderAnswer, StoredAnswer } from './ledger.js';

/** How blocks are read: for which fields, and by which effort ladder. */
export interface Reading {
  /** Null for all fields of a name. */
  readonly ids: FieldIds | null;
  readonly efforts: readonly string[];
}

/** Reads the answers to any fields. */
export const READ_ALL: Reading = { ids: null, efforts: [] };

/** Reads the answers to the fields of an ask. */
export function createReading(ask: Ask): Reading {
  return { ids: getFieldIds(ask), efforts: ask.efforts };
}

/** What all blocks of a row say together, from the view of one job. */
export class RowState {
  fields: ReadonlyMap<string, FieldAnswer> = NO_FIELDS;
  failure: string | null = null;
  failureInvocation: number | null = null;
  costMicros = 0;
  estimatedMicros = 0;
  runId: string | null = null;
  answeredInvocation: number | null = null;
  answeredAtMs: number | null = null;
  /** Number of the job whose run answered last. */
  answeredJob: number | null = null;
  intendedAtMs: number | null = null;
  /** True if a run of the job has answered the row. */
  isAnsweredByJob = false;
  /** Replaced and rejected values, oldest first. */
  older: readonly OlderAnswer[] = [];
  /** Values that a person rejected, by field; null for none. */
  rejected: Map<string, readonly JsonValue[]> | null = null;

  /** Adds the next block that has the row, at an index of it. */
  add(block: Block, index: number, job: number, reading: Reading): void {
    const { row } = block;
    const isOwn = row.job === job;
    if (isOwn && row.costMicros > 0) {
      const share = block.shareOf(index);
      this.costMicros += share;
      if (row.isEstimated === 1) this.estimatedMicros += share;
    }
    const fields = block.fieldsOf(index, reading.ids);
    if (fields === null) this.runId ??= row.runId;
    else {
      if (fields.size > 0) {
        if (row.kind === 'rejected') this.#reject(fields, row.settledAt);
        else this.#answer(fields, row, reading.efforts);
      }
      // A failure of the same invocation stays, because the answer is for other fields of the row.
      if (isOwn && this.failureInvocation !== null && this.failureInvocation < row.invocation) {
        this.failure = null;
        this.failureInvocation = null;
      }
      if (isOwn && row.kind === 'run') this.isAnsweredByJob = true;
    }
    const failure = isOwn ? block.failureOf(index) : null;
    if (failure !== null) {
      this.failure = failure;
      this.failureInvocation = row.invocation;
    }
  }

  #answer(given: ReadonlyMap<string, FieldAnswer>, row: BlockRow, efforts: readonly string[]): void {
    const isRefresh = row.isRefresh === 1;
    const isHuman = row.kind === 'human';
    const isLate = this.intendedAtMs !== null && row.intendedAt < this.intendedAtMs;
    const fresh = this.rejected === null ? given : this.#leaveRejected(given, this.rejected);
    if (this.answeredAtMs === null && this.fields.size === 0) this.fields = fresh;
    else {
      const rule = { efforts, isRefresh: isRefresh || isHuman };
      const { fields, replaced } = mergeFields(this.fields, fresh, rule);
      this.fields = fields;
      if (replaced.size > 0) this.#keep(replaced, row.settledAt);
    }
    if (isLate) return;
    this.runId = row.runId ?? this.runId;
    if (!isHuman) {
      this.answeredJob = row.job;
      this.answeredInvocation = row.invocation;
    }
    this.intendedAtMs = row.intendedAt;
    // A follow-up does not refresh the age of values that it leaves unchanged.
    this.answeredAtMs = isRefresh ? row.settledAt : (this.answeredAtMs ?? row.settledAt);
  }

  /** A value that was rejected before stays blank, unless a person gives it. */
  #leaveRejected(
    given: ReadonlyMap<string, FieldAnswer>,
    rejected: Map<string, readonly JsonValue[]>,
  ): ReadonlyMap<string, FieldAnswer> {
    const fresh = new Map(given);
    for (const [name, field] of given) {
      const values = rejected.get(name) ?? [];
      const others = values.filter((value) => !isSameValue(value, field.value));
      if (others.length === values.length) continue;
      if (field.who === 'human') rejected.set(name, others);
      else fresh.set(name, { ...field, value: null, confidence: null, citations: [], issue: REJECTED_AGAIN });
    }
    return fresh;
  }

  /** The fields of a rejected row count as never asked. Their cells say whether their values may come back. */
  #reject(cells: ReadonlyMap<string, FieldAnswer>, atMs: number): void {
    const kept = new Map(this.fields);
    const gone = new Map<string, FieldAnswer>();
    for (const [name, { value: isFinal }] of cells) {
      const field = kept.get(name);
      kept.delete(name);
      if (field === undefined || field.value === null) continue;
      gone.set(name, field);
      if (isFinal !== true) continue;
      this.rejected ??= new Map();
      this.rejected.set(name, [...(this.rejected.get(name) ?? []), field.value]);
    }
    this.fields = kept;
    if (gone.size > 0) this.#keep(gone, atMs);
  }

  #keep(fields: ReadonlyMap<string, FieldAnswer>, replacedAtMs: number): void {
    this.older = [...this.older, { fields, answeredAtMs: this.answeredAtMs, replacedAtMs }];
  }
}

/** The state as one job sees it; null if nothing is known to it. `findJobId` gives the id of a job by its number. */
export function toStoredAnswer(
  state: RowState,
  findJobId: (number: number) => string | null,
): StoredAnswer | null {
  // Only other jobs have failed with this row, or cells were rejected that it does not have.
  if (state.answeredAtMs === null && state.failure === null && state.costMicros === 0) return null;
  return {
    fields: state.fields,
    failure: state.failure,
    failureInvocation: state.failureInvocation,
    costMicros: state.costMicros,
    estimatedMicros: state.estimatedMicros,
    runId: state.runId,
    answeredJobId: state.answeredJob === null ? null : findJobId(state.answeredJob),
    answeredInvocation: state.answeredInvocation,
    answeredAtMs: state.answeredAtMs,
    ...(state.rejected === null ? {} : { rejected: state.rejected }),
  };
}

const NO_FIELDS: ReadonlyMap<string, FieldAnswer> = new Map();

/**
 * Computes the state of a row from its blocks, oldest first: a later run fills gaps and replaces values by the rules of
 * `mergeFields`; a person's values stay. Null if no block has the row.
 */
export function foldRow(
  key: string,
  blocks: readonly Block[],
  job: number,
  reading: Reading,
): RowState | null {
  let state: RowState | null = null;
  for (const block of blocks) state = addBlock(state, key, block, job, reading);
  return state;
}

/** Adds the next block to the state of a row; null for a row that no block has had so far. */
export function addBlock(
  state: RowState | null,
  key: string,
  block: Block,
  job: number,
  reading: Reading,
): RowState | null {
  const index = block.findRow(key);
  if (index < 0) return state;
  const added = state ?? new RowState();
  added.add(block, index, job, reading);
  return added;
}

/** Computes the states of rows from all their blocks, oldest first. Unknown keys are missing. */
export function foldRows(
  keys: readonly string[],
  blocks: readonly Block[],
  job: number,
  reading: Reading,
): Map<string, RowState> {
  const wanted = new Set(keys);
  const states = new Map<string, RowState>();
  for (const block of blocks) {
    let index = -1;
    for (const key of block.listKeys()) {
      index += 1;
      if (!wanted.has(key)) continue;
      const state = states.get(key) ?? new RowState();
      state.add(block, index, job, reading);
      states.set(key, state);
    }
  }
  return states;
}

type Fields = ReadonlyMap<string, FieldAnswer>;

export interface MergeRule {
  /** The ask's effort ladder, lowest first. */
  readonly efforts: readonly string[];
  /** A deliberate refresh: the new answer replaces the old one, even with null. */
  readonly isRefresh: boolean;
}

export interface MergedFields {
  readonly fields: Fields;
  /** Replaced values, for the history; empty if nothing was lost. */
  readonly replaced: Fields;
}

/** Merges the fields of a new answer into the stored ones, field by field. */
export function mergeFields(stored: Fields, fresh: Fields, rule: MergeRule): MergedFields {
  const fields = new Map(stored);
  const replaced = new Map<string, FieldAnswer>();
  for (const [name, field] of fresh) {
    const old = stored.get(name);
    const isTaken = old === undefined || isReplacement(old, field, rule);
    fields.set(name, old === undefined ? field : withTriedEffort(isTaken ? field : old, old, field, rule));
    if (isTaken && old !== undefined && old.value !== null) replaced.set(name, old);
  }
  return { fields, replaced };
}

function isReplacement(old: FieldAnswer, fresh: FieldAnswer, rule: MergeRule): boolean {
  // No run replaces what a person gave.
  if (old.who === 'human' && fresh.who !== 'human') return false;
  if (isLate(old, fresh)) return old.value === null && fresh.value !== null;
  if (rule.isRefresh) return true;
  // A dispute between two answers tells more than a later empty answer.
  if (old.value === null) return fresh.value !== null || fresh.issue !== null || !isDisputed(old);
  // A follow-up without a value changes nothing, a lower effort does not override a higher one, and a
  // doubtful value does not override a certain one.
  const isCloser = isEffortAtLeast(fresh.effort, old.effort, rule.efforts);
  return fresh.value !== null && isCloser && !isLessSure(fresh, old);
}

/** True for a run that was sent before the one whose answer is stored, and finished later. It only fills gaps. */
function isLate(old: FieldAnswer, fresh: FieldAnswer): boolean {
  return fresh.who !== 'human' && (fresh.sentAtMs ?? 0) < (old.sentAtMs ?? 0);
}

/** A value without a confidence counts as equal. */
function isLessSure(fresh: FieldAnswer, old: FieldAnswer): boolean {
  return fresh.confidence !== null && old.confidence !== null && isBelow(fresh.confidence, old.confidence);
}

/** Whichever value is kept, record the highest effort tried. Only a refresh starts over. */
function withTriedEffort(
  kept: FieldAnswer,
  old: FieldAnswer,
  fresh: FieldAnswer,
  rule: MergeRule,
): FieldAnswer {
  if (rule.isRefresh && !isLate(old, fresh)) return kept;
  const isHigher = !isEffortAtLeast(old.triedEffort, fresh.triedEffort, rule.efforts);
  return { ...kept, triedEffort: isHigher ? fresh.triedEffort : old.triedEffort };
}
