import { dirname, join } from 'node:path';
import { joinRows } from '../answer/join-rows.js';
import type { JobHandle, Ledger } from '../ledger/ledger.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import type { Ask } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { Clock } from '../model/clock.js';
import { KeySet } from '../model/key-set.js';
import { createQuestion, type FileHistory, listKeys, resolveKey } from '../model/question.js';
import type { Row } from '../model/row.js';
import { parseDurationOption } from '../options.js';
import type { Resolve } from '../pages/address.js';
import { openPages } from '../pages/open-pages.js';
import { PdfReader } from '../pages/pdf-reader.js';
import type { Input } from '../read/open-input.js';
import type { Exclusion } from '../select/exclusion.js';
import { type CheckProgress, CitationChecker, type CitedRow } from './check-citations.js';
import { PageJudge } from './page-judge.js';
import { createTableReader } from './table-rows.js';

/** How cited pages are fetched, and when again. */
export interface CheckOptions {
  /** Folder of the page cache. @default `pages` in the user's data folder */
  readonly pages?: string | undefined;
  /** Check again what was checked longer ago than this, such as `30d`. @default "30d" */
  readonly maxAge?: string | undefined;
  /** Private hosts whose pages may be fetched: `HOST`, `HOST:PORT` or a range such as `10.0.0.0/8`. @default none */
  readonly fetchPrivate?: readonly string[] | undefined;
  /** Pause between two requests to a site, such as `500ms`. @default "1s" */
  readonly hostDelay?: string | undefined;
  /**
   * Look for archived copies of missing pages at this address of the Wayback API, which learns their addresses.
   * @default none
   */
  readonly archive?: string | undefined;
  /** Variables to read `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` from. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

interface CheckSources {
  readonly ledger: Ledger;
  readonly job: JobHandle;
  readonly ask: Ask;
  /** Names of the fields to check; null for all. */
  readonly fields: ReadonlySet<string> | null;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly resolve?: Resolve | undefined;
  readonly onProgress: (progress: CheckProgress) => void;
}

/** Takes rows, looks for their values on the cited pages, and stores the verdicts. */
export interface RowVerifier {
  readonly checker: CitationChecker;
  /** Requests sent so far. */
  readonly requests: number;
  close(): Promise<void>;
}

/** Pages that could not be fetched are tried again after this time. */
const RETRY_AFTER_MS = 60 * 60_000;

/** Opens what checking citations needs. Throws BAD_OPTION or BAD_FETCH_PRIVATE; nothing is fetched yet. */
export function openRowVerifier(options: CheckOptions, sources: CheckSources): RowVerifier {
  const { ask, clock, signal, resolve } = sources;
  const nowMs = clock.now();
  const freshSinceMs = nowMs - parseDurationOption('max-age', options.maxAge ?? '30d');
  const retrySinceMs = nowMs - RETRY_AFTER_MS;
  const allowPrivate = options.fetchPrivate ?? [];
  const judge = new PageJudge(signal);
  const pages = openPages({
    folder: options.pages ?? join(dirname(resolveLedgerPath({})), 'pages'),
    freshSinceMs,
    retrySinceMs,
    allowPrivate,
    hostDelayMs: parseDurationOption('host-delay', options.hostDelay ?? '1s'),
    env: options.env,
    clock,
    resolve,
    signal,
    waitForRoom: () => judge.waitForRoom(),
  });
  const pdf = new PdfReader();
  const checker = new CitationChecker({
    ...sources,
    pages,
    pdf,
    judge,
    readTableRow: createTableReader(ask),
    archive: options.archive ?? null,
    timers: clock,
    freshSinceMs,
    // What was refused before may be allowed now. Other failures are still in the cache.
    retrySinceMs: allowPrivate.length > 0 ? nowMs : retrySinceMs,
  });
  return {
    checker,
    get requests() {
      return pages.requests;
    },
    close: async () => {
      await Promise.all([pages.close(), pdf.close(), judge.close()]);
    },
  };
}

/** The rows of a job, and what their cells show. */
export interface RowSources {
  readonly input: Pick<Input, 'openRows'>;
  readonly ask: Ask;
  readonly blanks: Blanks;
  readonly history: FileHistory;
  readonly overwrite: boolean;
  readonly raw: boolean;
  readonly ledger: Pick<Ledger, 'findAnswers'>;
  readonly job: JobHandle;
  readonly exclusion: Exclusion;
  readonly signal?: AbortSignal | undefined;
  /** False for a row that is not to be checked. */
  isWanted(row: Row): boolean;
}

/** Reads the rows of a job that have answers, with their cells as the output shows them. Each distinct row comes once. */
export async function* readCitedRows(sources: RowSources): AsyncGenerator<readonly CitedRow[]> {
  const { input, ask, blanks, history, overwrite, raw, ledger, job, exclusion, signal, isWanted } = sources;
  const met = new KeySet();
  for await (const chunk of input.openRows(signal)) {
    const rows = chunk.filter(isWanted);
    const questions = rows.map((row) => createQuestion(row, ask, overwrite, blanks, history));
    const { answers } = await ledger.findAnswers(job, questions.flatMap(listKeys));
    const filled = joinRows(rows, questions, answers, {
      ask,
      raw,
      unasked: 'pending',
      isWanted,
      exclusion,
      exclusionName: '',
      claimKey: () => false,
    });
    const cited: CitedRow[] = [];
    for (const [index, question] of questions.entries()) {
      const outcome = filled[index]?.outcome;
      if (question.status !== 'question' || outcome === undefined || outcome.fields.size === 0) continue;
      const key = resolveKey(question, (each) => answers.get(each)?.fields);
      if (met.add(key)) cited.push({ key, record: question.record, fields: outcome.fields });
    }
    yield cited;
  }
}
