import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { View, ViewFilter, ViewQuery, ViewSort } from '../../src/view/api.js';
import { type ReportOptions, writeReport } from '../../src/view/report.js';
import { serveView, type ViewServer, type ViewServerOptions } from '../../src/view/serve-view.js';

/** The page as the build made it. */
const PAGE = pathToFileURL(`${join(import.meta.dirname, '../../dist/view/page')}/`);

export interface ViewBench extends ViewServer {
  /** Address without the token, and without a slash at the end. */
  readonly origin: string;
  readonly token: string;
  /** Sends a request with the token, and parses the answer. */
  call<Result>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: Result }>;
  /** Makes a view, and reads its first rows. */
  show(filter?: Partial<ViewFilter>, sort?: ViewSort | null): Promise<View>;
}

export const NO_FILTER: ViewFilter = {
  status: [],
  levels: [],
  verdicts: [],
  field: null,
  hosts: [],
  reasons: [],
  search: '',
};

/** Serves the view of a job until the test ends. */
export async function openViewBench(options: Omit<ViewServerOptions, 'page'>): Promise<ViewBench> {
  const server = await serveView({ ...options, page: PAGE });
  onTestFinished(() => server.close());
  const [origin = '', token = ''] = server.url.split('/#token=');
  const call = async <Result>(method: string, path: string, body?: unknown) => {
    const response = await fetch(origin + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Result };
  };
  return {
    ...server,
    origin,
    token,
    call,
    async show(filter = {}, sort = null) {
      const query: ViewQuery = { filter: { ...NO_FILTER, ...filter }, sort };
      return (await call<View>('POST', '/api/views', query)).body;
    },
  };
}

/** Writes the report of a job beside its ledger. Returns its path. */
export async function openReport(
  job: string,
  ledger: string,
  options: Partial<ReportOptions> = {},
): Promise<string> {
  const output = `${ledger}.html`;
  await writeReport({ job, ledger, output, page: PAGE, ...options });
  return output;
}
