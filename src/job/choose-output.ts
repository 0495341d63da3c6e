import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createUsageError, type RowfillError } from '../errors.js';
import type { JobRecord, Ledger } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import type { FileFormat, FileShape } from '../model/file-format.js';
import { type EnrichOptions, resolveOutput, type Settings } from '../options.js';
import { identifyFile, isSameFile, recognizeResult } from '../write/file-identity.js';
import { checkOutput, type OutputOptions } from '../write/open-output.js';
import { isSameFilePath, type PathGuard } from './check-paths.js';
import type { JobContext } from './job-context.js';
import { createJobParts, isSameAsk } from './resolve-ask.js';
import type { ReturnedTable } from './returned-table.js';

/** A job that wants to replace a file, with the output path of its last invocation. */
interface WritingJob extends Pick<JobRecord, 'id' | 'ask' | 'input' | 'settings'> {
  readonly output: string | null;
}

/** Why a file may not be replaced, worded to follow its path; null if it may. */
type Objection = string | null;

const FOREIGN = 'is a file that rowfill did not write';
const CHANGED = 'was changed since rowfill wrote it';
const OF_ANOTHER_JOB = 'is the output of another job';
const OF_ANOTHER_SHEET = 'is the output of another sheet of this workbook';
const WORKBOOK = /\.xls[xm]$/i;

interface ChosenOutput {
  readonly path: string;
  /** Explains why it is not the usual path; null if it is. */
  readonly note: string | null;
}

const MAX_NUMBER = 10_000;

/**
 * Chooses the default output of a job: the usual path, or, if another file is there, the first numbered path that is
 * free or has this job's output.
 */
async function chooseOutput(usual: string, job: WritingJob, ledger: Ledger): Promise<ChosenOutput> {
  const own = await findOwn(usual, job, ledger);
  if (own !== null) return { path: own, note: `The output of this job is in ${own}.` };
  const objection = await findObjection(usual, job, ledger);
  if (objection === null) return { path: usual, note: null };
  for (let number = 2; number < MAX_NUMBER; number += 1) {
    const path = numberPath(usual, number);
    if ((await findObjection(path, job, ledger)) !== null) continue;
    const advice =
      objection === OF_ANOTHER_SHEET && WORKBOOK.test(usual)
        ? fillBoth(usual)
        : `To replace it, use --output ${usual}.`;
    return { path, note: `${usual} ${objection}, so the output goes to ${path}. ${advice}` };
  }
  throw refuseForeign(usual, objection, 'Choose a file with --output.');
}

function fillBoth(path: string): string {
  return `To fill both sheets in one file, use ${path} as the input.`;
}

/** Throws if --output names a workbook that has another sheet of the input, filled: it would be lost. */
async function refuseOtherSheet(path: string, job: WritingJob, ledger: Ledger): Promise<void> {
  if (!WORKBOOK.test(path) || (await isFree(path))) return;
  // Newest first. What came after the other sheet may be its workbook with more sheets filled.
  let objection: Objection = null;
  for (const { jobId } of await ledger.findWritten(identifyFile(path).path)) {
    objection = await judgeWriter(jobId, job, ledger);
    if (objection !== OF_ANOTHER_JOB) break;
  }
  if (objection !== OF_ANOTHER_SHEET) return;
  throw createUsageError(
    'OUTPUT_HAS_OTHER_SHEET',
    `--output names ${path}, which ${OF_ANOTHER_SHEET}`,
    `${fillBoth(path)} Or choose another file with --output.`,
  );
}

/** Returns the numbered path that this job last wrote to, even if the usual path is free by now. */
async function findOwn(usual: string, job: WritingJob, ledger: Ledger): Promise<string | null> {
  if (job.output === null) return null;
  const number = Number(/-(\d{1,4})(?:\.[^./\\-]*)?(?:\.gz)?$/i.exec(job.output)?.[1] ?? 1);
  const path = numberPath(usual, number);
  if (number < 2 || !isSamePath(path, job.output) || (await isFree(path))) return null;
  return (await findObjection(path, job, ledger)) === null ? path : null;
}

/** `list.filled-2.csv` for `list.filled.csv`. */
function numberPath(path: string, number: number): string {
  const ending = /(?:\.[^./\\]*)?(?:\.gz)?$/i.exec(path)?.[0] ?? '';
  return `${path.slice(0, path.length - ending.length)}-${number}${ending}`;
}

/**
 * Lets the output of a filled file that was returned replace it, unless --output names another file. A workbook that
 * rowfill wrote is one, whichever of its sheets is filled now.
 */
export async function placeReturned(
  settings: Settings,
  { table, input }: { readonly table: ReturnedTable | null; readonly input: { readonly shape: FileShape } },
  ledger: Ledger,
  paths: PathGuard | null,
): Promise<Settings> {
  const { options } = settings;
  if (options.plain === true) return settings;
  const path = options.output ?? findReturnedPlace(options, input.shape.format);
  const isSame = options.name === undefined && isSameFilePath(path, options.input);
  if (!isSame || (table === null && input.shape.sheet === undefined)) return settings;
  const digest = await hashFile(path);
  if (digest === null) return settings;
  if (table === null) {
    const written = await ledger.findWritten(identifyFile(path).path);
    if (!written.some((file) => file.digest === digest)) return settings;
  }
  paths?.allowInput();
  if (options.output === undefined) await paths?.add('output', path);
  return { ...settings, output: path, replacedDigest: digest };
}

/** The path of a filled file is that of its next output, unless that has another format. */
function findReturnedPlace({ input, format }: EnrichOptions, own: FileFormat): string {
  return format === undefined || format === own ? input : resolveOutput({ input, format });
}

interface SettingsWithOutput {
  readonly settings: Settings;
  /** Output path of the job's last invocation; null if this is the first. */
  readonly earlierOutput: string | null;
  /** Explains why the output is not at the usual path; null if it is. */
  readonly note: string | null;
}

/**
 * Chooses the output of a job without --output. Refuses a citations file from a recipe that would overwrite a foreign
 * file. `check` throws if an output cannot be written.
 */
export async function chooseJobOutput(
  settings: Settings,
  ask: Ask,
  ledger: Ledger,
  paths: PathGuard,
  check = checkOutput,
): Promise<SettingsWithOutput> {
  const { options, output, agent } = settings;
  const { citationsFile, origins } = options;
  if (citationsFile !== undefined) await checkCitations(citationsFile, origins?.citationsFile, ledger);
  const parts = await createJobParts(settings, ask, ledger, 0);
  const earlierOutput = (await ledger.findJob(ask.id, parts.input, settings.sheet))?.output ?? null;
  const job = { ...(await ledger.previewJob(parts)), output: earlierOutput };
  if (settings.replacedDigest !== null) return { settings, earlierOutput, note: null };
  if (options.output !== undefined) {
    await refuseOtherSheet(output, job, ledger);
    return { settings, earlierOutput, note: null };
  }
  const { path, note } = await chooseOutput(output, job, ledger);
  if (path === output) return { settings, earlierOutput, note };
  await check(path);
  await paths.add('output', path);
  const omitting = agent.kind === 'reference' ? { ...agent, omit: [...agent.omit, path] } : agent;
  return { settings: { ...settings, output: path, agent: omitting }, earlierOutput, note };
}

/** Chooses again right before writing: another job may have used the same path meanwhile. */
export async function chooseOutputAgain(context: JobContext): Promise<ChosenOutput> {
  const { settings, job, ledger, paths, earlierOutput } = context;
  const { options, output, replacedDigest } = settings;
  if (options.output !== undefined) return { path: output, note: null };
  if (replacedDigest !== null && (await hashFile(output)) === replacedDigest)
    return { path: output, note: null };
  const usual = replacedDigest === null ? resolveOutput(options) : output;
  const chosen = await chooseOutput(usual, { ...job, output: earlierOutput }, ledger);
  if (chosen.path === output) return { path: output, note: null };
  await paths?.add('output', chosen.path);
  return chosen;
}

/** Creates the check for the results of the current job. */
export function createJobPathCheck(context: JobContext): OutputOptions['checkPath'] {
  const { settings, job, ledger, paths, earlierOutput } = context;
  const { options } = settings;
  if (paths === null) return undefined;
  return createPathCheck({
    guard: paths,
    ledger,
    job: { ...job, output: earlierOutput },
    isOutputNamed: options.output !== undefined,
    replaced:
      settings.replacedDigest === null ? null : { path: settings.output, digest: settings.replacedDigest },
    citationsFile: options.citationsFile,
    citationsOrigin: options.origins?.citationsFile,
    isNoted: options.name === undefined,
  });
}

/** Inputs of the check whether a job may replace a file. */
interface PlaceParts {
  readonly guard: PathGuard;
  readonly ledger: Ledger;
  readonly job: WritingJob;
  /** True if the user set --output: then any file there is replaced. */
  readonly isOutputNamed: boolean;
  /** The input, if the output replaces it, with its SHA-256 when it was opened. Absent or null otherwise. */
  readonly replaced?: { readonly path: string; readonly digest: string } | null;
  readonly citationsFile: string | undefined;
  /** Place in the recipe that sets the citations file; undefined if the user set it. */
  readonly citationsOrigin: string | undefined;
  /** False for results in temporary files. */
  readonly isNoted: boolean;
}

/**
 * Creates the check that runs right before a result replaces a file: the job must not read that file and must be
 * allowed to replace it. Then records the new file in the ledger, so that later jobs recognize it.
 */
export function createPathCheck(parts: PlaceParts): NonNullable<OutputOptions['checkPath']> {
  const { guard, ledger, job, isNoted } = parts;
  return async (path, target, digest) => {
    const isCitations = path === parts.citationsFile;
    await guard.check(isCitations ? 'citationsFile' : 'output');
    if (digest === null) return;
    if (isCitations) await checkCitations(path, parts.citationsOrigin, ledger);
    else if (path === parts.replaced?.path) await checkUnchanged(parts.replaced);
    else if (!parts.isOutputNamed) await checkOwnOutput(path, job, ledger);
    if (!isNoted) return;
    try {
      await ledger.noteWritten(target, { jobId: job.id, digest });
    } catch (error) {
      // If the ledger was moved or emptied, the output is all that is left, so write it anyway.
      if (ledger.findMove() === null) throw error;
    }
  };
}

/** Throws if the input, which the output replaces, was changed since it was opened. */
async function checkUnchanged({
  path,
  digest,
}: {
  readonly path: string;
  readonly digest: string;
}): Promise<void> {
  if ((await hashFile(path)) === digest) return;
  throw createUsageError(
    'INPUT_CHANGED',
    `${path} was changed while the job ran, so it is not replaced`,
    'Run the same command again: answers are kept, and the changes are read.',
  );
}

/** Throws unless the path is free or has this job's unchanged output. `hint` is for commands without --output. */
export async function checkOwnOutput(
  path: string,
  job: WritingJob,
  ledger: Ledger,
  hint = `To replace it, use --output ${path}, or choose another file.`,
): Promise<void> {
  const objection = await findObjection(path, job, ledger);
  if (objection !== null) throw refuseForeign(path, objection, hint);
}

/**
 * Throws if a path has a result of any job, or is where this job writes its output. For commands that write a file about
 * a job, such as a report.
 */
export async function refuseResult(
  path: string,
  job: Pick<JobRecord, 'id' | 'output' | 'place'>,
  ledger: Ledger,
): Promise<void> {
  if (path === '-') return;
  const file = identifyFile(path);
  const outputs = [job.output, job.place?.output ?? '-'].filter((each) => each !== '-');
  const isOutput = outputs.some((each) => isSameFile(identifyFile(each), file));
  const [written] = isOutput || (await isFree(path)) ? [] : await ledger.findWritten(file.path);
  const owner = isOutput ? job.id : written?.jobId;
  if (owner === undefined) return;
  throw createUsageError(
    'OUTPUT_IS_RESULT',
    `--output names ${path}, which is a result of the job ${owner}`,
    'Choose another file.',
  );
}

/** Throws if a recipe names a citations file that rowfill did not write. */
async function checkCitations(path: string, origin: string | undefined, ledger: Ledger): Promise<void> {
  if (origin === undefined || path === '-' || (await isFree(path))) return;
  const digest = await hashFile(path);
  const written = await ledger.findWritten(identifyFile(path).path);
  const isKnown = written.some((file) => file.digest === digest);
  if (isKnown || (await recognizeResult(path)) === 'citations') return;
  throw refuseForeign(
    `${origin} names ${path}, which`,
    FOREIGN,
    `Choose another file there, or use --citations-file ${path} to replace it.`,
  );
}

function refuseForeign(path: string, objection: string, hint: string): RowfillError {
  return createUsageError('OUTPUT_NOT_OURS', `${path} ${objection}`, hint);
}

async function findObjection(path: string, job: WritingJob, ledger: Ledger): Promise<Objection> {
  if (path === '-' || (await isFree(path))) return null;
  const written = await ledger.findWritten(identifyFile(path).path);
  const digest = await hashFile(path);
  const known = written.find((file) => file.digest === digest);
  if (known !== undefined) return judgeWriter(known.jobId, job, ledger);
  if (written.length > 0) return CHANGED;
  const isOutput = (await recognizeResult(path)) === 'output';
  // Ledgers of earlier versions have the path of an output but not its digest.
  if (job.output !== null && isSamePath(path, job.output) && (isOutput || WORKBOOK.test(path))) return null;
  return isOutput ? OF_ANOTHER_JOB : FOREIGN;
}

/**
 * Returns null if the same job wrote the file. With --reference, a changed table makes it a new job, which may replace
 * the earlier output.
 */
async function judgeWriter(writerId: string, job: WritingJob, ledger: Ledger): Promise<Objection> {
  if (writerId === job.id) return null;
  const status = (await ledger.listJobs()).find(({ id }) => id === writerId);
  if (status?.input !== job.input) return OF_ANOTHER_JOB;
  const writer = await ledger.getJob(writerId);
  if (writer.settings.sheet !== job.settings.sheet) return OF_ANOTHER_SHEET;
  return isSameAsk(writer.ask, job.ask) ? null : OF_ANOTHER_JOB;
}

function isSamePath(one: string, other: string): boolean {
  return identifyFile(one).path === identifyFile(other).path;
}

/** True for a missing or empty file, a pipe or a device. */
async function isFree(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  return stats === null || !stats.isFile() || stats.size === 0;
}

/** Computes the SHA-256 of a file; null for a pipe, a device or an unreadable file. */
export async function hashFile(path: string): Promise<string | null> {
  if (path === '-') return null;
  const stats = await stat(path).catch(() => null);
  if (stats?.isFile() !== true) return null;
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  } catch {
    return null;
  }
  return hash.digest('hex');
}
