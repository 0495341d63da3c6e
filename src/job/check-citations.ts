import { describeError } from '../errors.js';
import type { CellVerdict, JobHandle, Ledger } from '../ledger/ledger.js';
import type { FieldAnswer } from '../model/answer.js';
import type { Ask, Field } from '../model/ask.js';
import type { Timers } from '../model/clock.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import {
  type CheckedCitation,
  type CitationVerdict,
  type Claim,
  createVerdict,
  type Verdict,
} from '../model/verdict.js';
import { fetchArchived } from '../pages/archive.js';
import { findSite } from '../pages/host-queue.js';
import type { Pages } from '../pages/open-pages.js';
import { dropFragment, type FetchedPage } from '../pages/page-cache.js';
import type { PageBytes, PageKind } from '../pages/page-text.js';
import type { PdfReader } from '../pages/pdf-reader.js';
import { judgeFetch } from '../verify/page-verdict.js';
import { isCheckable } from '../verify/value-leaves.js';
import { hashValue } from './cell-verdicts.js';
import type { JudgedPage, PageJudge } from './page-judge.js';

/** A row whose values are to be looked for. */
export interface CitedRow {
  readonly key: string;
  /** What was sent of the row. */
  readonly record: JsonObject;
  readonly fields: ReadonlyMap<string, FieldAnswer>;
}

export interface CheckParts {
  readonly ledger: Pick<Ledger, 'findVerdicts' | 'putVerdicts'>;
  readonly job: JobHandle;
  readonly ask: Ask;
  readonly pages: Pages;
  readonly pdf: PdfReader;
  readonly judge: PageJudge;
  /** Reads the row of a table that a `file:` citation names; null if the job has no such table. */
  readonly readTableRow: (url: string) => Promise<PageBytes | null>;
  /** Archive in which to look for pages that are gone; null to leave them. */
  readonly archive: string | null;
  readonly timers: Timers;
  /** Names of the fields to check; null for all. */
  readonly fields: ReadonlySet<string> | null;
  /** Verdicts from before this time are made again. */
  readonly freshSinceMs: number;
  /** Verdicts on pages that could not be fetched are made again if they are from before this time. */
  readonly retrySinceMs: number;
  readonly onProgress: (progress: CheckProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface CheckProgress {
  /** Citations that were looked at, or need not be. */
  readonly checked: number;
  /** Citations known so far. */
  readonly known: number;
  readonly pages: number;
}

/** A claim whose page has not been read yet. */
interface OpenClaim {
  readonly key: string;
  readonly value: string;
  readonly url: string;
  readonly claim: Claim;
}

/** Claims that wait for their pages at most; more rows are read only when some are done. */
const MAX_OPEN_CLAIMS = 4_000;
/** Verdicts are stored once this many are waiting, or after this time. */
const MAX_UNSAVED = 200;
const SAVE_AFTER_MS = 500;

/**
 * Looks for the values of rows on the pages that they cite. Each page is fetched once for all claims that wait for it.
 * Verdicts are stored as they are made, so that a killed command continues where it stopped.
 */
export class CitationChecker {
  readonly #parts: CheckParts;
  readonly #fields: ReadonlyMap<string, Field>;
  /** Claims by the page that they wait for. */
  readonly #open = new Map<string, OpenClaim[]>();
  /** By site, the pages that wait while another page of the site is checked. */
  readonly #sites = new Map<string, string[]>();
  readonly #running = new Set<Promise<void>>();
  #openClaims = 0;
  #wake: () => void = () => {};
  readonly #unsaved: CellVerdict[] = [];
  #saving: Promise<void> = Promise.resolve();
  #cancelSave: (() => void) | null = null;
  #failure: { readonly error: unknown } | null = null;
  #checked = 0;
  #known = 0;
  #pages = 0;

  constructor(parts: CheckParts) {
    this.#parts = parts;
    this.#fields = new Map(parts.ask.fields.map((field) => [field.name, field]));
  }

  /** Takes rows to check. Resolves when there is room for more. Rejects if a verdict could not be stored. */
  async add(rows: readonly CitedRow[]): Promise<void> {
    this.#refuseFailure();
    const { ledger, job } = this.#parts;
    const known = await ledger.findVerdicts(
      job,
      rows.map(({ key }) => key),
    );
    for (const row of rows) this.#addRow(row, known.get(row.key) ?? []);
    this.#report();
    while (this.#openClaims >= MAX_OPEN_CLAIMS && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#refuseFailure();
  }

  /** Resolves when all claims are decided and stored. */
  async finish(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#save();
    await this.#saving;
    this.#refuseFailure();
  }

  #refuseFailure(): void {
    this.#parts.signal?.throwIfAborted();
    if (this.#failure !== null) throw this.#failure.error;
  }

  #addRow({ key, record, fields }: CitedRow, verdicts: readonly CellVerdict[]): void {
    const about = Object.entries(record).map(([name, value]) => ({ name, value: formatText(value) }));
    for (const [name, { value, citations }] of fields) {
      const field = this.#fields.get(name);
      if (value === null || field === undefined || this.#parts.fields?.has(name) === false) continue;
      const hash = hashValue(value);
      for (const { url } of citations) {
        if (url === null) continue;
        this.#known += 1;
        const stored = verdicts.find(
          (each) => each.field === name && each.value === hash && each.citation.url === url,
        );
        if (stored !== undefined && this.#isFresh(stored.citation)) this.#checked += 1;
        else this.#addClaim({ key, value: hash, url, claim: { field, value, row: about } });
      }
    }
  }

  #isFresh({ verdict, checkedAtMs, archivedUrl }: CheckedCitation): boolean {
    const { freshSinceMs, retrySinceMs, archive } = this.#parts;
    if (verdict === 'gone' && archive !== null && archivedUrl === undefined) return false;
    const isPassing = verdict === 'unreachable' || verdict === 'blocked';
    return checkedAtMs >= (isPassing ? Math.max(freshSinceMs, retrySinceMs) : freshSinceMs);
  }

  #addClaim(open: OpenClaim): void {
    if (!isCheckable(open.claim.value)) {
      this.#decide(open, createVerdict('not_checkable', 'a value of this kind cannot be looked up'), {
        hash: null,
      });
      return;
    }
    this.#openClaims += 1;
    const page = isFile(open.url) ? open.url : dropFragment(open.url);
    const waiting = this.#open.get(page);
    if (waiting !== undefined) {
      waiting.push(open);
      return;
    }
    this.#open.set(page, [open]);
    const site = isFile(page) ? 'file:' : findSiteOf(page);
    const pages = this.#sites.get(site);
    if (pages !== undefined) {
      pages.push(page);
      return;
    }
    const task = this.#checkSite(site, page)
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#wake();
      })
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Checks the pages of a site in turn. They can only be fetched so, and a page that waits here is only its address. */
  async #checkSite(site: string, first: string): Promise<void> {
    const waiting: string[] = [];
    this.#sites.set(site, waiting);
    for (let page: string | undefined = first; page !== undefined; page = waiting.shift())
      await this.#checkPage(page);
    this.#sites.delete(site);
  }

  async #checkPage(url: string): Promise<void> {
    const page = isFile(url) ? await this.#openTableRow(url) : await this.#openPage(url);
    const claims = this.#open.get(url) ?? [];
    this.#open.delete(url);
    this.#pages += 1;
    const judged = await this.#judgeOrArchived(url, page, claims);
    for (const [at, open] of claims.entries()) {
      const found = judged.verdicts[at] ?? createVerdict('unreadable', null);
      // No program opens a fragment of a file.
      this.#decide(open, isFile(url) ? { ...found, passageUrl: null } : found, judged);
    }
    this.#openClaims -= claims.length;
    this.#wake();
    this.#report();
  }

  /** Judges a page, or its archived copy if it is gone. */
  async #judgeOrArchived(url: string, page: OpenedPage, claims: readonly OpenClaim[]): Promise<JudgedClaims> {
    const { archive, pages, timers } = this.#parts;
    const judged = await this.#judge(page, claims);
    if (archive === null || judged.kind !== 'gone') return judged;
    const copy = await fetchArchived(pages, archive, url, timers.now());
    return copy === null
      ? { ...judged, archivedUrl: null }
      : { ...(await this.#judge(await this.#openPage(copy.url, copy), claims)), archivedUrl: copy.finalUrl };
  }

  async #judge({ hash, ...page }: OpenedPage, open: readonly OpenClaim[]): Promise<JudgedClaims> {
    const judgeAll = (verdict: CitationVerdict): JudgedClaims => ({
      hash,
      kind: verdict.verdict,
      verdicts: open.map(() => verdict),
    });
    if ('verdict' in page) return judgeAll(page.verdict);
    const claims = open.map(({ claim }) => claim);
    const reply = await this.#parts.judge.judge(page.load, claims, page.heldBytes);
    return 'error' in reply
      ? judgeAll(createVerdict('unreadable', `the page cannot be read: ${reply.error}`))
      : { hash, ...reply };
  }

  async #openTableRow(url: string): Promise<OpenedPage> {
    const bytes = await this.#parts.readTableRow(url);
    return bytes === null
      ? refusePage('not_checkable', 'it is not a row of the tables of this job', null)
      : { load: async () => ({ bytes, isCut: false }), heldBytes: bytes.body.length, hash: null };
  }

  async #openPage(url: string, fetched?: FetchedPage): Promise<OpenedPage> {
    const { pages, judge, pdf, signal } = this.#parts;
    const page = fetched ?? (await pages.fetch(url));
    const { hash, finalUrl } = page;
    const verdict = judgeFetch(page);
    if (verdict !== null) return { verdict, hash };
    // Pages that wait for their turn, for longer than memory allows, are fetched again, from the cache.
    const load = async (): Promise<FetchedPage> => pages.fetch(url);
    if (!isPdf(page)) {
      const isHeld = judge.hasRoom(page.body.length);
      return createPage(isHeld ? page : null, load, hash);
    }
    if (page.isCut) return refusePage('unreadable', 'the PDF is too large', hash);
    try {
      const text = await pdf.read(async () => (await load()).body);
      const heldBytes = text.pages.reduce((sum, each) => sum + each.length, 0);
      return { load: async () => ({ pdf: text, url: finalUrl }), heldBytes, hash };
    } catch (error) {
      signal?.throwIfAborted();
      return refusePage('unreadable', `the PDF cannot be read: ${describeError(error)}`, hash);
    }
  }

  #decide(
    { key, value, url, claim }: OpenClaim,
    verdict: CitationVerdict,
    { hash, archivedUrl }: Pick<JudgedClaims, 'hash' | 'archivedUrl'>,
  ): void {
    this.#checked += 1;
    const citation = {
      ...verdict,
      url,
      pageHash: hash,
      checkedAtMs: this.#parts.timers.now(),
      ...(archivedUrl === undefined ? {} : { archivedUrl }),
    };
    this.#unsaved.push({ key, field: claim.field.name, value, citation });
    if (this.#unsaved.length >= MAX_UNSAVED) this.#save();
    else this.#cancelSave ??= this.#parts.timers.schedule(() => this.#save(), SAVE_AFTER_MS);
  }

  #save(): void {
    this.#cancelSave?.();
    this.#cancelSave = null;
    const { ledger, job } = this.#parts;
    const verdicts = this.#unsaved.splice(0);
    if (verdicts.length === 0) return;
    this.#saving = Promise.all([
      this.#saving,
      ledger.putVerdicts(job, verdicts).catch((error: unknown) => {
        this.#failure ??= { error };
        this.#wake();
      }),
    ]).then(() => undefined);
  }

  #report(): void {
    this.#parts.onProgress({ checked: this.#checked, known: this.#known, pages: this.#pages });
  }
}

/** A page that can be read, or the verdict on all that cite it. */
type OpenedPage = { readonly hash: string | null } & (
  | { readonly load: () => Promise<JudgedPage>; readonly heldBytes: number }
  | { readonly verdict: CitationVerdict }
);

/** Verdicts on the claims of a page, in their order. */
interface JudgedClaims {
  readonly hash: string | null;
  readonly kind: PageKind | Verdict;
  readonly verdicts: readonly CitationVerdict[];
  readonly archivedUrl?: string | null;
}

function refusePage(verdict: Verdict, reason: string, hash: string | null): OpenedPage {
  return { verdict: createVerdict(verdict, reason), hash };
}

/** A page that is held in memory until its turn, or loaded then. */
function createPage(
  held: FetchedPage | null,
  load: () => Promise<FetchedPage>,
  hash: string | null,
): OpenedPage {
  return {
    load: async () => {
      // Two addresses may lead to one fetch, whose bytes the first has handed over.
      const isGone = held !== null && held.hash !== null && held.body.length === 0;
      const { finalUrl, status, contentType, body, isCut } = held !== null && !isGone ? held : await load();
      return { bytes: { url: finalUrl, status, contentType, body }, isCut };
    },
    heldBytes: held?.body.length ?? 0,
    hash,
  };
}

function isPdf({ contentType, body }: FetchedPage): boolean {
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 1024)).toString('latin1');
  return start.includes('%PDF-') && !/html/i.test(contentType ?? '');
}

function findSiteOf(url: string): string {
  return URL.canParse(url) ? findSite(new URL(url).hostname) : url;
}

function isFile(url: string): boolean {
  return url.startsWith('file:');
}

function formatText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
