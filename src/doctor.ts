import { isLoopbackHost } from './api/base-url.js';
import {
  createErrorFinding,
  createOk,
  type Diagnostic,
  examineAgent,
  examineDisk,
  examineLedger,
  examineNode,
  examinePages,
  examineProxy,
} from './doctor/checks.js';
import { examineLedgerServer } from './doctor/ledger-server.js';
import { systemClock } from './model/clock.js';
import { isLedgerUrl } from './model/ledger-url.js';
import { type ApiKey, checkOptionTypes, type OptionTypes } from './model/option-types.js';
import { HOSTED_URL } from './model/run.js';

export type { Diagnostic, DiagnosticStatus } from './doctor/checks.js';

/** Options of `examine`. */
export interface DoctorOptions {
  /** Path of the ledger, or URL of a PostgreSQL database. */
  readonly ledger: string;
  /** Environment variables, which name proxies and certificates. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** URL of the agent. @default the hosted service */
  readonly apiUrl?: string | undefined;
  /** Folder of local tables to answer from, instead of an agent on the network. */
  readonly reference?: string | undefined;
  readonly apiKey?: ApiKey | undefined;
  /** Send the key unencrypted over http to another machine, on a private network only. @default false */
  readonly insecureHttp?: boolean | undefined;
  /** Folder of the page cache. @default not checked */
  readonly pages?: string | undefined;
}

const TYPES: OptionTypes<DoctorOptions> = {
  ledger: 'text',
  env: 'object',
  apiUrl: 'text',
  reference: 'text',
  apiKey: 'secret or function',
  insecureHttp: 'flag',
  pages: 'text',
};

/**
 * Checks everything a job depends on: Node, the ledger and its disk, the proxy, the key, the agent and the clock. Only
 * requests the agent's list of runs, so it is free. Problems are returned as findings, not thrown.
 */
export async function diagnose(options: DoctorOptions): Promise<Diagnostic[]> {
  checkOptionTypes('examine', options, TYPES, ['ledger', 'env']);
  const { ledger, env, reference, apiKey, insecureHttp } = options;
  const baseUrl = options.apiUrl ?? HOSTED_URL;
  const cached = options.pages === undefined ? null : await examinePages(options.pages);
  const machine = [
    examineNode(process.versions.node),
    ...(isLedgerUrl(ledger)
      ? [await examineLedgerServer(ledger)]
      : [await examineLedger(ledger), examineDisk(ledger)]),
    ...(cached === null ? [] : [cached]),
  ];
  if (reference !== undefined) {
    return [...machine, examineProxy(null, true, env), await examineTables(reference)];
  }
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  return [
    ...machine,
    examineProxy(url?.origin ?? null, url === null || isLoopbackHost(url.hostname), env),
    ...(await examineAgent({ baseUrl, apiKey, insecureHttp, env, clock: systemClock })),
  ];
}

async function examineTables(reference: string): Promise<Diagnostic> {
  try {
    const { createReferenceAgent } = await import('./agents/reference/reference-agent.js');
    return createOk('agent', (await createReferenceAgent(reference)).description);
  } catch (error) {
    return createErrorFinding('agent', error);
  }
}
