import { readFile } from 'node:fs/promises';
import { isIP, isIPv6 } from 'node:net';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUsageError, describeSystemError, RowfillError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { openLedger } from '../ledger/open-ledger.js';
import { ROW_STATUSES } from '../model/answer.js';
import { isEmbedded } from '../model/ask.js';
import { findFieldNames, isOwnColumn } from '../model/output-columns.js';
import { HOSTED_URL } from '../model/run.js';
import { createHttpApp } from '../server/http-app.js';
import { Refusal } from '../server/refusal.js';
import { type AgentOptions, AskAgain } from './ask-again.js';
import { createViewField, LEVELS, VERDICT_MARKS } from './cell-text.js';
import { Edits } from './edits.js';
import { Follower } from './follower.js';
import { createGuard, createToken, PAGE_HEADERS } from './guard.js';
import { Survey } from './survey.js';
import { openViewJob, type ViewJob } from './view-job.js';
import { addViewRoutes } from './view-routes.js';
import { Views } from './views.js';

export interface ViewServerOptions {
  /** Id of the job, or a unique prefix. */
  readonly job: string;
  /** Where the input is now, if it was moved. */
  readonly input?: string | undefined;
  readonly ledger: string;
  /** 0 for any free one. @default 0 */
  readonly port?: number | undefined;
  /** Nothing can be changed or asked. @default false */
  readonly isReadOnly?: boolean | undefined;
  /** Lets other machines in. @default this machine alone */
  readonly remote?: RemoteOptions | undefined;
  /** The key and limits for asking again. Without the key that the agent needs, nothing can be asked. */
  readonly agent?: AgentOptions | undefined;
  /** Folder of the page's files. @default where the build puts them */
  readonly page?: URL | undefined;
}

/** How other machines reach a view. */
export interface RemoteOptions {
  /** Address to listen on: one of this machine, or 0.0.0.0 for all. */
  readonly host: string;
  /** What a caller has to know: printable ASCII without blanks, at least 20 characters. */
  readonly key: string | undefined;
  /** Host names to accept in requests, besides IP addresses and localhost. @default none */
  readonly allowedHosts?: readonly string[] | undefined;
}

export interface ViewServer {
  /** Address with the token in its fragment, which a browser never sends. With `remote` it has none. */
  readonly url: string;
  readonly jobId: string;
  close(): Promise<void>;
}

const NO_KEY = 'Rows cannot be sent: EXA_API_KEY was not set when the view was started.';

/** Efforts with a price per run, lowest first. */
const EFFORTS = ['minimal', 'low', 'medium', 'high', 'xhigh'] as const;

/** The files of the page, as the build makes them: nothing else is served. */
const PAGE_FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
] as const;

function describeReadOnly(isReadOnly: boolean, { refusal }: Ledger): string | null {
  if (isReadOnly) return 'This view was started with --read-only.';
  return refusal === null ? null : 'This user of the ledger’s server may only read the ledger.';
}

/** Where the build puts the page. */
const PAGE = new URL('./page/', import.meta.url);

/** Serves the view of a job until it is closed: on this machine's loopback address only, unless `remote` says otherwise. */
export async function serveView(options: ViewServerOptions): Promise<ViewServer> {
  const isReadOnly = options.isReadOnly === true;
  const { remote } = options;
  if (remote !== undefined) checkKey(remote);
  const ledger = await openLedger(options.ledger, { isReadOnly });
  const closers: (() => Promise<unknown>)[] = [() => ledger.close()];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const view = await openViewJob(ledger, options.job, options.input);
    closers.push(() => view.close());
    const { job } = view;
    // Before the first row is joined, so that no change is missed.
    const seen = await Follower.readSeen(view);
    const survey = await Survey.open(view);
    closers.push(() => survey.close());
    const follower = Follower.open(view, survey, seen);
    closers.push(() => follower.close());
    const readOnly = describeReadOnly(isReadOnly, ledger);
    const needsKey = job.ask.agent === HOSTED_URL && options.agent?.apiKey === undefined;
    const cannotAsk = readOnly ?? (needsKey ? NO_KEY : null);
    const again =
      cannotAsk === null ? new AskAgain(view, options.ledger, options.agent ?? {}, follower) : null;
    if (again !== null) closers.push(() => again.close());
    const columns = (): readonly string[] => listInputColumns(view);
    const token = remote?.key ?? createToken();
    const app = await createApp(token, options.page ?? PAGE, remote);
    addViewRoutes(app, {
      view,
      survey,
      views: new Views(view, survey, columns),
      follower,
      edits: readOnly !== null ? null : new Edits(view, survey),
      again,
      columns,
      meta: {
        job: job.id,
        file: basename(job.input),
        output: basename(job.output),
        query: job.ask.query,
        statuses: ROW_STATUSES,
        levels: LEVELS,
        verdicts: VERDICT_MARKS,
        fields: job.ask.fields.map(({ name, schema }) => createViewField(name, schema)),
        efforts: job.ask.efforts,
        isFree: isEmbedded(job.ask),
        effortChoices: isEmbedded(job.ask) ? [] : EFFORTS,
        readOnly,
        cannotAsk,
      },
    });
    const host = remote?.host ?? '127.0.0.1';
    const port = await listen(app, host, options.port ?? 0);
    closers.push(async () => {
      app.server.closeAllConnections();
      await app.close();
    });
    const url = `http://${isIPv6(host) ? `[${host}]` : host}:${port}/`;
    return { url: remote === undefined ? `${url}#token=${token}` : url, jobId: job.id, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

const MIN_KEY_LENGTH = 20;

function checkKey({ host, key }: RemoteOptions): void {
  if (key === undefined || key === '') {
    throw createUsageError(
      'VIEW_KEY_NEEDED',
      `Showing a job on ${host} requires a key: other machines can reach that address.`,
      'Set ROWFILL_VIEW_KEY to a long random text, or use a tunnel such as ssh -L.',
    );
  }
  if (key.length >= MIN_KEY_LENGTH && /^[\x21-\x7e]+$/.test(key)) return;
  throw createUsageError(
    'VIEW_KEY_UNFIT',
    'The key in ROWFILL_VIEW_KEY is too easy to guess, or cannot be typed everywhere',
    `Use at least ${MIN_KEY_LENGTH} letters, digits or signs, without blanks, such as the output of openssl rand -hex 24.`,
  );
}

/** The columns of the input, without those of fields. A filled file that was returned has more than its own. */
function listInputColumns({ input, job, history }: ViewJob): readonly string[] {
  const names = new Set(job.ask.fields.map(({ name }) => name));
  const own = input.columns.filter((column) => !names.has(column));
  if (history.returned == null) return own;
  const filled = [...names, ...findFieldNames(input.columns)];
  return own.filter((column) => filled.includes(column) || !isOwnColumn(column, filled));
}

type App = ReturnType<typeof createHttpApp>;

/** The server without the routes of the API: guards, headers, errors and the files of the page. */
async function createApp(token: string, page: URL, remote: RemoteOptions | undefined): Promise<App> {
  const app = createHttpApp(listNames(remote), {
    hasPage: true,
    readError: (error) => (error instanceof RowfillError ? toRefusal(error) : null),
  });
  let hosts: readonly string[] = [];
  const listHosts = (): readonly string[] => {
    const address = app.server.address();
    if (hosts.length === 0 && typeof address === 'object' && address !== null)
      hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${address.port}`);
    return hosts;
  };
  const guard = createGuard(remote === undefined ? listHosts : null, token);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(PAGE_HEADERS);
    const denial = guard(request.raw);
    if (denial !== null) throw createError(denial.status, denial.code, denial.reason);
  });
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.setNotFoundHandler(async () => {
    throw createError(404, 'NOT_FOUND', 'There is nothing at this address.');
  });
  for (const { path, file, type } of PAGE_FILES) {
    const content = await readFile(fileURLToPath(new URL(file, page)));
    app.get(path, async (_request, reply) => reply.type(type).send(content));
  }
  return app;
}

function createError(status: number, code: string, message: string): Refusal {
  return new Refusal(status, { code, message }, message);
}

const STATUSES: Readonly<Record<string, number>> = {
  usage: 400,
  refused: 403,
  busy: 409,
  budget: 409,
  unreachable: 502,
};

function toRefusal({ kind, code, message, hint }: RowfillError): Refusal {
  const text = hint === undefined || kind === 'busy' ? message : `${message.replace(/\.$/, '')}. ${hint}`;
  return createError(code === 'VIEW_GONE' ? 410 : (STATUSES[kind] ?? 500), code, text);
}

/** The name that the server listens on is in its address, so requests have it as their host. */
function listNames(remote: RemoteOptions | undefined): readonly string[] {
  if (remote === undefined) return [];
  const { host, allowedHosts = [] } = remote;
  return isIP(host) === 0 ? [host, ...allowedHosts] : allowedHosts;
}

async function listen(app: App, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw createUsageError(
      'CANNOT_LISTEN',
      `Cannot listen on ${host} port ${port}: ${describeSystemError(error)}`,
      'Choose another port, or leave it out for any free one.',
      error,
    );
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
