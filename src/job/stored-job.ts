import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createUsageError } from '../errors.js';
import type { JobRecord, Ledger } from '../ledger/ledger.js';
import type { Ask } from '../model/ask.js';
import { type FileHistory, findFormerSends } from '../model/question.js';
import { isStandardInput } from '../model/read-file.js';
import type { Row } from '../model/row.js';
import { isInSample, pickSample } from './job-context.js';
import type { CleanupStack } from './open-agent.js';
import { type JobInput, openJobInput } from './open-job.js';
import { keepDecidedCells } from './reconcile.js';
import { isKeptInput, parseKeptOptions } from './resolve-ask.js';

/**
 * Finds a job whose input can be read again, with the current paths of its files; `input` is where the user says that the
 * input is. Throws JOB_UNKNOWN, INPUT_NOT_KEPT, or INPUT_NOT_FOUND.
 */
export async function findStoredJob(
  ledger: Ledger,
  jobId: string,
  input: string | undefined,
): Promise<JobRecord> {
  const job = findFiles(await ledger.getJob(jobId), input);
  if (input === undefined) checkInput(job);
  return job;
}

/** Returns the job with the current paths of its files; `input` is where the user says that the input is. */
export function findFiles(job: JobRecord, input: string | undefined): JobRecord {
  const { place } = job;
  if (input !== undefined) return { ...job, input, output: place?.output ?? job.output };
  // If nothing was written before, the output goes next to the input.
  if (place === null) return job;
  return {
    ...job,
    input: place.input,
    output: place.output ?? join(dirname(place.input), basename(job.output)),
  };
}

function checkInput({ id, input }: JobRecord): void {
  if (!isKeptInput(input)) {
    const source = isStandardInput(input) ? 'standard input' : 'rows of a program';
    throw createUsageError(
      'INPUT_NOT_KEPT',
      `job ${id} read ${source}, which is not kept`,
      'If you have the same rows in a file, name it with --input FILE. Or run the job again: answered rows are not paid for again.',
    );
  }
  if (existsSync(input)) return;
  throw createUsageError(
    'INPUT_NOT_FOUND',
    `the input of job ${id}, ${input}, does not exist`,
    'If it was moved, name it with --input FILE.',
  );
}

/** The opened input of a job in the ledger. */
export interface StoredInput extends JobInput {
  readonly kept: ReturnType<typeof parseKeptOptions>;
  /** Everything that was asked with the job's question so far. */
  readonly asks: readonly Ask[];
  readonly history: Required<FileHistory>;
  /** False for a row that the job left out by `--limit` or `--sample`. */
  isWanted(row: Row): boolean;
}

/** Opens the input of a job as the job read it. `closers` closes it. */
export async function openStoredInput(
  ledger: Ledger,
  job: JobRecord,
  closers: CleanupStack,
  signal?: AbortSignal,
): Promise<StoredInput> {
  const kept = parseKeptOptions(job.settings);
  const opened = await openJobInput(
    { ...kept, send: job.ask.send },
    { path: job.input, output: job.output },
    () => job.ask,
    async () => ledger,
    closers,
    signal,
  );
  const asks = await ledger.listAsks(job.askId);
  const history = { formerSends: findFormerSends(job.ask, asks), returned: opened.table };
  if (opened.table !== null)
    await keepDecidedCells({ ...opened, history, ledger, job }, kept.overwrite ?? false, opened.table);
  const limit = kept.limit ?? null;
  const sample = await pickSample(opened.input, kept.sample ?? null, limit);
  return {
    ...opened,
    kept,
    asks,
    history,
    isWanted: (row) => isInSample(row, limit, sample),
  };
}
