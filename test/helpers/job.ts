import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Papa from 'papaparse';
import { onTestFinished } from 'vitest';
import { type EnrichHooks, enrichWith } from '../../src/enrich.js';
import type { JobStatus } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import type { JobSummary } from '../../src/model/events.js';
import { releaseFiles } from '../../src/model/release-files.js';
import type { EnrichOptions } from '../../src/options.js';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/start-server.js';
import { type Script, ScriptedAgent } from './scripted-agent.js';

export interface JobBench {
  readonly folder: string;
  readonly agent: ScriptedAgent;
  readonly server: RunningServer;
  write(name: string, content: string): string;
  read(name: string): string;
  /** The jobs in its ledger. */
  listJobs(): Promise<readonly JobStatus[]>;
  /** Runs the job on `in.csv` and reads `out.csv`, unless the options say otherwise. */
  run(options?: Partial<EnrichOptions>, hooks?: EnrichHooks, open?: typeof openLedger): Promise<JobResult>;
}

export interface JobResult {
  readonly summary: JobSummary;
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** A fresh folder and a real server with a scripted agent, for running jobs. */
export async function openJobBench(
  script: Script,
  serverOptions: Partial<ServerOptions> = {},
): Promise<JobBench> {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-job-'));
  const agent = new ScriptedAgent(script);
  const server = await startServer({ agent, ...serverOptions });
  onTestFinished(async () => {
    await server.close();
    await releaseFiles();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const path = (name: string): string => join(folder, name);
  const read = (name: string): string => readFileSync(path(name), 'utf8');
  return {
    folder,
    agent,
    server,
    read,
    write(name, content) {
      writeFileSync(path(name), content);
      return path(name);
    },
    async listJobs() {
      const ledger = await openLedger(path('ledger.sqlite'));
      try {
        return await ledger.listJobs();
      } finally {
        await ledger.close();
      }
    },
    async run(options = {}, hooks = {}, open = openLedger) {
      const summary = await enrichWith(
        open,
        {
          input: path('in.csv'),
          output: path('out.csv'),
          fields: ['answer'],
          apiUrl: server.url,
          apiKey: 'test',
          ledger: path('ledger.sqlite'),
          // The server's list lags only if a fault makes it.
          listLagMs: 1_000,
          ...(hooks.confirm === undefined ? { yes: true } : {}),
          ...options,
        },
        hooks,
      );
      const text = readFileSync(summary.output, 'utf8');
      return { summary, rows: readTable(text) };
    },
  };
}

/** Parses a CSV with a header into one record per row. */
export function readTable(text: string): Record<string, string>[] {
  return Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true }).data;
}

/** A list of N companies. */
export function createList(count: number): string {
  return ['company', ...Array.from({ length: count }, (_, index) => `Company ${index + 1}`), ''].join('\n');
}
