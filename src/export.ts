import { checkPaths, isSameFilePath } from './job/check-paths.js';
import { checkOwnOutput, createPathCheck } from './job/choose-output.js';
import { isInSample, pickSample } from './job/job-context.js';
import { CleanupStack } from './job/open-agent.js';
import { openJobInput } from './job/open-job.js';
import { writeOutput } from './job/output.js';
import { keepDecidedCells } from './job/reconcile.js';
import { parseKeptOptions } from './job/resolve-ask.js';
import { findStoredJob } from './job/stored-job.js';
import { resolveLedgerPath } from './ledger/ledger-path.js';
import { openLedger } from './ledger/open-ledger.js';
import type { RowCounts } from './model/answer.js';
import type { FileFormat } from './model/file-format.js';
import { checkOptionTypes, type OptionTypes } from './model/option-types.js';
import { findFormerSends } from './model/question.js';
import { resolveOutput } from './options.js';
import { resolveLayout } from './write/open-output.js';

/** Options of `exportJob`. */
export interface ExportOptions {
  /** Id of the job, or a unique prefix of it. */
  readonly job: string;
  /** Path of the input, if it was moved or came from standard input. @default the job's input path */
  readonly input?: string | undefined;
  /** Path of the ledger, or URL of a PostgreSQL database. @default `ledger.sqlite` in the user's data folder */
  readonly ledger?: string | undefined;
  /** Path of the output; `-` is standard output. @default the job's output path */
  readonly output?: string;
  /** @default by the extension of `output` */
  readonly format?: FileFormat;
  readonly citationsFile?: string;
  readonly bom?: boolean;
  /** @default as the job wrote it */
  readonly plain?: boolean;
  /** @default as the job wrote it */
  readonly sources?: string;
  readonly raw?: boolean;
}

/** The written output. */
export interface ExportResult {
  readonly jobId: string;
  readonly output: string;
  readonly rows: RowCounts;
  /** True for a CSV without a byte order mark in which Excel would show letters wrong. */
  readonly needsBom: boolean;
}

const TYPES: OptionTypes<ExportOptions> = {
  job: 'text',
  input: 'text',
  ledger: 'text',
  output: 'text',
  format: 'text',
  citationsFile: 'text',
  bom: 'flag',
  plain: 'flag',
  sources: 'text',
  raw: 'flag',
};

/** Writes the output of a job again, from the current input and the ledger. Sends nothing and costs nothing. */
export async function exportJob(options: ExportOptions): Promise<ExportResult> {
  checkOptionTypes('exportJob', options, TYPES, ['job']);
  const closers = new CleanupStack();
  try {
    const ledgerPath = options.ledger ?? resolveLedgerPath({});
    const ledger = closers.add(await openLedger(ledgerPath, { mustExist: true }));
    const job = await findStoredJob(ledger, options.job, options.input);
    const kept = parseKeptOptions(job.settings);
    const isPlain = options.plain ?? kept.plain ?? false;
    // The filled file keeps what it needs to be given back.
    const usual = isPlain ? resolveOutput({ input: job.output, plain: true }) : job.output;
    const output = options.output ?? usual;
    const isOntoInput = isSameFilePath(output, job.input);
    const places = { ...kept, ...options, ledger: ledgerPath, input: job.input };
    const guard = await checkPaths({ ...places, output: isOntoInput ? undefined : output });
    // Only a workbook can have them elsewhere than in columns.
    const sources = options.sources ?? (/\.xls[xm]$/i.test(output) ? kept.sources : undefined);
    const isOutputNamed = options.output !== undefined;
    if (!isOutputNamed) await checkOwnOutput(output, job, ledger);
    const opened = await openJobInput(
      { ...kept, send: job.ask.send, format: options.format, plain: options.plain ?? kept.plain, sources },
      { path: job.input, output },
      () => job.ask,
      async () => ledger,
      closers,
    );
    const { input, table } = opened;
    const formerSends = findFormerSends(job.ask, await ledger.listAsks(job.askId));
    const history = { formerSends, returned: table };
    const overwrite = kept.overwrite ?? false;
    if (table !== null) await keepDecidedCells({ ...opened, history, ledger, job }, overwrite, table);
    if (isOntoInput && table !== null) guard.allowInput();
    if (isOntoInput) await guard.add('output', output);
    const sample = await pickSample(input, kept.sample ?? null, kept.limit ?? null);
    const { rows, needsBom } = await writeOutput({
      ...opened,
      table,
      history,
      ledger,
      job,
      exclusionName: kept.exclude ?? '',
      unasked: job.stop === 'budget' ? 'over_budget' : 'pending',
      isWanted: (row) => isInSample(row, kept.limit ?? null, sample),
      inputPath: job.input,
      path: output,
      format: options.format,
      overwrite,
      raw: options.raw ?? kept.raw ?? false,
      bom: options.bom ?? kept.bom,
      ...resolveLayout({ plain: options.plain ?? kept.plain, sources }),
      citationsFile: options.citationsFile,
      checkPath: createPathCheck({
        guard,
        ledger,
        job,
        isOutputNamed,
        citationsFile: options.citationsFile,
        citationsOrigin: undefined,
        isNoted: true,
      }),
    });
    return { jobId: job.id, output, rows, needsBom };
  } catch (error) {
    return await closers.closeAfter(error);
  } finally {
    await closers.close();
  }
}
