import type { OpenBatch } from '../ledger/ledger.js';
import { ROW_STATUSES } from '../model/answer.js';
import type { ViewChanges, ViewProgress } from './api.js';
import type { Survey } from './survey.js';
import type { ViewJob } from './view-job.js';

/** At most this many rows are listed in one answer. */
const MAX_LISTED = 2_000;
/** Changed rows taken in at once. */
const MAX_TAKEN = 5_000;
/** The rate is measured over this time. */
const RATE_MS = 60_000;
const MIN_GAP_MS = 250;
/** Changes that are kept for pages that have missed them. */
const MAX_KEPT = 200;

interface Change {
  readonly rows: readonly number[] | null;
  readonly note: string | undefined;
}

/** Numbers of the last changes that were seen in the ledger. */
export interface SeenChanges {
  readonly answers: number;
  readonly verdicts: number;
}

const NO_FIELDS: ReadonlySet<string> = new Set();

/** Statuses of rows for which nothing more is to be done. */
const DONE = ROW_STATUSES.map((status) => status !== 'pending');

/**
 * Watches the ledger for changes that any process makes to the job's question, updates the changed rows in the survey
 * and keeps them for the pages, which ask for them now and then: an open stream a page would use up the few connections
 * that a browser makes to one server. Reads only the changes.
 */
export class Follower {
  /** What is asked again from the page; null if nothing is. */
  again: string | null = null;
  readonly #view: ViewJob;
  readonly #survey: Survey;
  /** The last changes, by number. They start with the time, so that no earlier server had the same ones. */
  readonly #changes = new Map<number, Change>();
  #last = Date.now();
  readonly #stop = new AbortController();
  #asked: ReadonlyMap<string, OpenBatch> = new Map();
  #askedFields: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  readonly #early = new Set<string>();
  #seen: SeenChanges;
  #progress: ViewProgress | null = null;
  #done: { readonly atMs: number; readonly rows: number }[] = [];
  readonly #ending: Promise<void>;
  #looking: Promise<void> = Promise.resolve();

  private constructor(view: ViewJob, survey: Survey, seen: SeenChanges) {
    this.#view = view;
    this.#survey = survey;
    this.#seen = seen;
    this.#ending = this.#follow();
  }

  /** `seen` are the last changes when the survey began. */
  static open(view: ViewJob, survey: Survey, seen: SeenChanges): Follower {
    return new Follower(view, survey, seen);
  }

  /** Reads the last changes of now. */
  static async readSeen({ ledger, job }: ViewJob): Promise<SeenChanges> {
    const answers = await ledger.listChangedRows(job.askId, null, 0);
    const verdicts = await ledger.listCheckedRows(job.askId, null, 0);
    return { answers: answers.seen, verdicts: verdicts.seen };
  }

  /** The fields that a row is being asked for now. */
  listAsked(key: string | null): ReadonlySet<string> {
    return (key === null ? undefined : this.#askedFields.get(key)) ?? NO_FIELDS;
  }

  /** The numbers as of now. */
  async readProgress(): Promise<ViewProgress> {
    const { ledger, job, rows } = this.#view;
    const { spentMicros, reservedMicros } = await ledger.getSpend(job.id);
    const counts = [...this.#survey.counts];
    const { rowsAMinute, secondsLeft } = this.#measure(counts);
    this.#progress = {
      rows: rows.count,
      isRead: rows.isRead,
      fault: rows.fault,
      surveyed: this.#survey.done,
      counts,
      spentMicros,
      reservedMicros,
      isFilling: this.#asked.size > 0,
      rowsAMinute,
      secondsLeft,
      again: this.again,
    };
    return this.#progress;
  }

  /** The number of the last change. */
  get last(): number {
    return this.#last;
  }

  /** Everything that has changed since change number `since`. */
  async readChanges(since: number): Promise<ViewChanges> {
    const progress = this.#progress ?? (await this.readProgress());
    const seen = this.#last;
    const missed = [...this.#changes].filter(([number]) => number > since).map(([, change]) => change);
    const isKnown = since <= seen && missed.length === seen - since;
    const rows = isKnown ? [...new Set(missed.flatMap((change) => change.rows ?? []))] : [];
    const isShort = isKnown && rows.length <= MAX_LISTED && missed.every((change) => change.rows !== null);
    const notes = missed.flatMap(({ note }) => note ?? []);
    return { seen, progress, rows: isShort ? rows : null, notes };
  }

  /** Takes in changes now, such as one of this process. `note` is shown by all pages. */
  look(note?: string): Promise<void> {
    // One after the other: each starts from what the last one has seen.
    this.#looking = this.#looking.then(() => this.#look(note)).catch(() => undefined);
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ending;
    await this.#looking;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.look();
      const startedAtMs = Date.now();
      await this.#view.ledger.whenChanged(signal).catch(() => undefined);
      const restMs = MIN_GAP_MS - (Date.now() - startedAtMs);
      if (restMs > 0 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  }

  async #look(note?: string): Promise<void> {
    const { ledger, job } = this.#view;
    const changed = await ledger.listChangedRows(job.askId, this.#seen.answers, MAX_TAKEN);
    const checked = await ledger.listCheckedRows(job.askId, this.#seen.verdicts, MAX_TAKEN);
    const open = new Map((await ledger.listOpenBatches(job.askId)).map((each) => [each.batch.id, each]));
    const before = this.#asked;
    // A batch that appears or ends changes how its rows look.
    const moved = [...before.values(), ...open.values()].filter(
      ({ batch }) => before.has(batch.id) !== open.has(batch.id),
    );
    this.#asked = open;
    this.#askedFields = collectFields([...open.values()]);
    const askedRows = this.#survey.findRows(moved.flatMap(({ batch }) => batch.rows.map(({ key }) => key)));
    const rows = this.#survey.findRows(this.#addEarly([...changed.keys, ...checked.keys]));
    await this.#survey.update(rows);
    this.#seen = { answers: changed.seen, verdicts: checked.seen };
    await this.#note([...new Set([...rows, ...askedRows])], note);
    if (changed.hasMore || checked.hasMore) await this.#look();
  }

  /**
   * While rows are surveyed, a row may be joined just before it changes and counted just after: so all that changed
   * meanwhile is looked at again at the end.
   */
  #addEarly(keys: readonly string[]): readonly string[] {
    if (!this.#survey.isDone) {
      for (const key of keys) this.#early.add(key);
      return keys;
    }
    if (this.#early.size === 0) return keys;
    const all = [...this.#early, ...keys];
    this.#early.clear();
    return all;
  }

  async #note(rows: readonly number[], note: string | undefined): Promise<void> {
    await this.readProgress();
    if (rows.length === 0 && note === undefined) return;
    this.#last += 1;
    this.#changes.set(this.#last, { rows: rows.length > MAX_LISTED ? null : rows, note });
    this.#changes.delete(this.#last - MAX_KEPT);
  }

  #measure(counts: readonly number[]): Pick<ViewProgress, 'rowsAMinute' | 'secondsLeft'> {
    const nowMs = Date.now();
    const rows = counts.reduce((sum, count, status) => sum + (DONE[status] === true ? count : 0), 0);
    const pending = counts[ROW_STATUSES.indexOf('pending')] ?? 0;
    // While rows are still surveyed, the counts say nothing about time.
    if (!this.#survey.isDone) return { rowsAMinute: 0, secondsLeft: null };
    this.#done = [...this.#done.filter(({ atMs }) => nowMs - atMs < RATE_MS), { atMs: nowMs, rows }];
    const first = this.#done[0] ?? { atMs: nowMs, rows };
    const minutes = (nowMs - first.atMs) / 60_000;
    const rowsAMinute = minutes < 1 / 60 ? 0 : Math.max(0, Math.round((rows - first.rows) / minutes));
    const secondsLeft = rowsAMinute === 0 ? null : Math.round((pending / rowsAMinute) * 60);
    return { rowsAMinute, secondsLeft };
  }
}

/** The fields that are being asked, by row key. */
function collectFields(open: readonly OpenBatch[]): ReadonlyMap<string, ReadonlySet<string>> {
  const fields = new Map<string, ReadonlySet<string>>();
  for (const { batch } of open) {
    const asked = new Set(batch.fields);
    for (const { key } of batch.rows) {
      const others = fields.get(key);
      fields.set(key, others === undefined ? asked : new Set([...others, ...asked]));
    }
  }
  return fields;
}
