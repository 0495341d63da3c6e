import { describeError } from '../errors.js';
import type { JobHandle, Ledger } from '../ledger/ledger.js';
import { type Ask, isEmbedded } from '../model/ask.js';
import { systemClock } from '../model/clock.js';
import type { EnrichOptions, Settings } from '../model/enrich-options.js';
import type { EnrichEvent } from '../model/events.js';
import { formatCount, formatNumber } from '../model/format.js';
import { cleanAnswer } from '../model/untrusted-text.js';
import type { CheckProgress, CitedRow } from './check-citations.js';
import type { JobAbort } from './stop.js';
import { VerdictTally } from './verdict-tally.js';
import { openRowVerifier, type RowSources, type RowVerifier, readCitedRows } from './verify-rows.js';

/** Rows that wait to be checked while runs go on. Further ones are checked after the last run. */
const MAX_WAITING = 2_000;

/** A job whose runs have ended. */
interface EndedJob extends Omit<RowSources, 'raw' | 'overwrite' | 'isWanted' | 'signal'> {
  readonly settings: Pick<Settings, 'overwrite'>;
  readonly select: Pick<RowSources, 'isWanted'>;
  readonly stop: Pick<JobAbort, 'reason'>;
}

interface RunVerifierParts {
  readonly options: EnrichOptions;
  readonly ledger: Ledger;
  readonly job: JobHandle;
  readonly ask: Ask;
  readonly signal: AbortSignal | undefined;
  onEvent(event: EnrichEvent): void;
}

/**
 * Checks the citations of a job while its runs go on, without holding them up. If checking fails, the job goes on
 * without it.
 */
export class RunVerifier {
  readonly #parts: RunVerifierParts;
  readonly #verifier: RowVerifier;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #progress: CheckProgress = { checked: 0, known: 0, pages: 0 };
  #failure: { readonly error: unknown } | null = null;

  constructor(parts: RunVerifierParts) {
    const { options, ...sources } = parts;
    this.#parts = parts;
    this.#verifier = openRowVerifier(
      { ...options, maxAge: undefined },
      {
        ...sources,
        fields: null,
        clock: systemClock,
        onProgress: (progress) => {
          this.#progress = progress;
        },
      },
    );
  }

  /** Takes rows that a run has answered. Returns at once. */
  take(rows: readonly CitedRow[]): void {
    if (this.#waiting + rows.length > MAX_WAITING || this.#failure !== null) return;
    this.#waiting += rows.length;
    const rules = { raw: this.#parts.options.raw ?? false, isEmbedded: isEmbedded(this.#parts.ask) };
    const cleaned = rows.map(({ fields, ...row }) => ({
      ...row,
      fields: new Map([...fields].map(([name, answer]) => [name, cleanAnswer(answer, rules)] as const)),
    }));
    this.#last = this.#last
      .then(() => this.#verifier.checker.add(cleaned))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#waiting -= rows.length;
      });
  }

  /** Checks the rows that are left, and reports what was found. An interrupted job keeps the verdicts so far. */
  async finish(job: EndedJob): Promise<void> {
    const { onEvent, signal } = this.#parts;
    if (job.stop.reason === 'interrupted') return;
    try {
      await this.#last;
      if (this.#failure !== null) throw this.#failure.error;
      const { checked, known } = this.#progress;
      if (checked < known) {
        const message = `Checking citations: ${formatCount(checked)} of ${formatCount(known)} done. Ctrl-C skips the others.`;
        onEvent({ type: 'note', code: 'VERIFY', message });
      }
      for await (const rows of this.#read(job)) await this.#verifier.checker.add(rows);
      await this.#verifier.checker.finish();
      onEvent({ type: 'note', code: 'VERIFIED', message: await this.#describe(job) });
    } catch (error) {
      if (signal?.aborted === true) return;
      const message = `The citations could not be checked: ${describeError(error)}. The answers are not affected; rowfill verify ${this.#parts.job.id} tries again.`;
      onEvent({ type: 'note', code: 'VERIFY_FAILED', message });
    }
  }

  async close(): Promise<void> {
    await this.#verifier.close();
  }

  #read({ settings, select, ...sources }: EndedJob) {
    const { signal, options } = this.#parts;
    const { isWanted } = select;
    return readCitedRows({
      ...sources,
      overwrite: settings.overwrite,
      raw: options.raw ?? false,
      signal,
      isWanted,
    });
  }

  async #describe(ended: EndedJob): Promise<string> {
    const { ledger, job, ask } = this.#parts;
    const tally = new VerdictTally(ask.fields.map(({ name }) => name));
    for await (const rows of this.#read(ended)) {
      const stored = await ledger.findVerdicts(
        job,
        rows.map(({ key }) => key),
      );
      for (const row of rows) tally.add(row.fields, stored.get(row.key) ?? []);
    }
    const { cells } = tally.read();
    const { on_page: found, not_on_page: missing, gone } = cells.counts;
    return (
      `Citations checked: ${formatCount(found)} of ${formatNumber(cells.total, 'value')} are on a page that they cite, ` +
      `${formatCount(missing)} are not, ${formatCount(gone)} cite only pages that are gone. rowfill verify ${job.id} shows more.`
    );
  }
}
