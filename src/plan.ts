import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGroupBatch } from './job/ask-group.js';
import { listDoubts, settleDoubts } from './job/doubts.js';
import { type StepQuote, type Survey, surveyRows } from './job/estimate.js';
import { createTrip, type Trip } from './job/job-context.js';
import { loadExclusion } from './job/load-exclusion.js';
import { Closers, openAgent } from './job/open-agent.js';
import { fitInput } from './job/output.js';
import { CallCap, type SurveyCounts } from './job/progress.js';
import { describeChanges, reportNotes, reportUnmatched } from './job/report-warnings.js';
import { checkColumns, createJobParts, resolveAsk, resolveBlanks } from './job/resolve-ask.js';
import { addRepairs, sumLevel } from './job/stated-cost.js';
import type { Note } from './job/warnings.js';
import { openLedger, resolveLedgerPath } from './ledger/ledger.js';
import type { Doubt, FruitlessJob } from './model/events.js';
import { type JsonValue, readOwn } from './model/json.js';
import { type Quote, readLikelyMicros, readWorstMicros } from './model/prices.js';
import type { CreateRunRequest } from './model/run.js';
import { type EnrichOptions, resolveSettings } from './options.js';
import { createTemporaryFolder } from './read/bytes.js';
import { openInput } from './read/open-input.js';
import { createRequest } from './run/create-request.js';

/** What `enrich` would do with the same options. */
export interface Plan {
  readonly jobId: string;
  readonly askId: string;
  /** Rows of the input by what would become of them; `ask` are the ones that cost something. */
  readonly rows: SurveyCounts & { readonly total: number };
  /** The columns that leave this machine, each with the first values that would be sent. */
  readonly columns: readonly { readonly name: string; readonly examples: readonly JsonValue[] }[];
  readonly quote: Quote;
  /** What changed since this file was filled last, and how many rows that asks again; null if nothing did. */
  readonly changes: string | null;
  /** What is strange about the input and the exclusion list, and what is done about it. */
  readonly notes: readonly Note[];
  /** What would end the job before it spends anything, unless somebody settles it. */
  readonly doubts: readonly Doubt[];
  /** Why `enrich` would stop before a run: what was answered so far holds no value; null if it would not. */
  readonly fruitless: FruitlessJob | null;
  /** The effort ladder: at worst every row has to climb to each level. */
  readonly steps: readonly StepQuote[];
  /** The first effort with other batch sizes. */
  readonly batchSizes: readonly {
    readonly batchSize: number;
    readonly runs: number;
    readonly worstMicros: number;
    readonly likelyMicros: number;
  }[];
  /** What the limits of this job allow, if a run takes a minute. */
  readonly likelySeconds: number;
  /** The first request, as it would be sent; null if there is nothing to ask. */
  readonly firstRequest: CreateRunRequest | null;
}

const EXAMPLES = 3;
const OTHER_BATCH_SIZES = [1, 4, 8, 16, 32];
const LIKELY_RUN_SECONDS = 60;

/**
 * Looks at a job without doing it: asks nothing, spends nothing, writes nothing. Throws the usage errors of `enrich`.
 */
export async function plan(options: EnrichOptions): Promise<Plan> {
  const settings = resolveSettings(options);
  const closers = new Closers();
  try {
    const file = closers.add(await openInput({ ...options, path: options.input }));
    checkColumns(file.name, file.columns);
    const ask = await resolveAsk(settings, file);
    const input = fitInput(file, ask, { path: settings.output, format: options.format });
    const blanks = await resolveBlanks(options, ask, input);
    const exclusion = await loadExclusion({ ...options, blanks }, ask, input);
    const ledger = closers.add(
      openLedger(await findLedger(options.ledger ?? resolveLedgerPath({}), closers)),
    );
    const agent = closers.add(await openAgent(settings));
    const job = ledger.resolveJob(createJobParts(settings, ask, ledger, Date.now()));
    const notes: Note[] = [];
    const trip = closers.add(
      createTrip({
        settings,
        input,
        ask,
        blanks,
        exclusion,
        ledger,
        lease: null,
        cap: new CallCap(settings, ledger.readSpend(job.id).spentMicros),
        budget: null,
        clockAheadMs: 0,
        agent,
        job,
        earlierOutput: null,
        places: null,
        hooks: { onEvent: (event) => event.type === 'note' && notes.push(event) },
        onRetry: () => undefined,
      }),
    );
    reportNotes(trip);
    reportNotes(trip, exclusion.notes);
    const survey = await surveyRows(trip);
    reportNotes(trip);
    reportUnmatched(trip);
    const isPaid = !agent.isFree && survey.quote.rows > 0 && survey.quote.worstMicros > 0;
    const doubts = isPaid ? listDoubts(trip, survey) : [];
    if (doubts.length === 0) await settleDoubts(trip, survey, false);
    return createPlan(trip, survey, { notes, doubts });
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}

/** Where there is no ledger yet, a plan makes none: it looks into an empty one that goes away with it. */
async function findLedger(path: string, closers: Closers): Promise<string> {
  if ((await stat(path).catch(() => null)) !== null) return path;
  const folder = await createTemporaryFolder('rowfill-plan-');
  closers.add({ close: () => rm(folder, { recursive: true, force: true }) });
  return join(folder, 'ledger.sqlite');
}

function createPlan(trip: Trip, survey: Survey, { notes, doubts }: Pick<Plan, 'notes' | 'doubts'>): Plan {
  const { ask, job } = trip;
  const { counts, quote, steps, firstGroup, lowestLevel } = survey;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const records = firstGroup?.questions.map((question) => question.record) ?? [];
  return {
    jobId: job.id,
    askId: ask.id,
    rows: { ...counts, total },
    columns: ask.send.map((name) => ({
      name,
      examples: records
        .map((record) => readOwn(record, name))
        .filter((value) => value !== undefined)
        .slice(0, EXAMPLES),
    })),
    quote,
    changes: describeChanges(job, survey.repeated),
    notes: notes.map(({ code, message }) => ({ code, message })),
    doubts,
    fruitless: lowestLevel === null ? null : trip.yields.describeFruitless(lowestLevel),
    steps,
    batchSizes: OTHER_BATCH_SIZES.map((batchSize) => createSizeQuote(trip, quote.rows, batchSize)),
    likelySeconds: readLikelySeconds(trip, quote.runs),
    firstRequest:
      firstGroup === null
        ? null
        : createRequest(
            ask,
            createGroupBatch(firstGroup, trip),
            trip.exclusion.relevantTo(firstGroup.questions.map((question) => question.record)),
          ),
  };
}

/** What the first effort costs with N rows in a run, repairs included at worst; contacts are paid for by the row. */
function createSizeQuote({ ask, prices }: Trip, rows: number, batchSize: number): Plan['batchSizes'][number] {
  const [effort = ''] = ask.efforts;
  const runs = Math.ceil(rows / batchSize);
  const names = ask.fields.map((field) => field.name);
  const runMicros = readWorstMicros(prices, effort, 0, ask, names);
  const contactMicros = readWorstMicros(prices, effort, rows, ask, names) - runMicros;
  return {
    batchSize,
    runs,
    worstMicros: sumLevel(addRepairs(runs * runMicros + contactMicros)),
    likelyMicros: runs * readLikelyMicros(prices, effort),
  };
}

function readLikelySeconds({ settings, agent }: Trip, runs: number): number {
  const startsPerSecond = settings.startsPerSecond ?? agent.startsPerSecond;
  const byStarts = startsPerSecond === 0 ? 0 : runs / startsPerSecond;
  const rounds = Math.ceil(runs / settings.concurrency);
  return runs === 0 || agent.isFree
    ? 0
    : Math.ceil(Math.max(byStarts, (rounds - 1) * LIKELY_RUN_SECONDS) + LIKELY_RUN_SECONDS);
}
