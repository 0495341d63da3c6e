import { createUsageError } from '../errors.js';
import { type Clock, systemClock } from '../model/clock.js';
import { type ApiKey, checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { BETA_TOKEN, HOSTED_URL } from '../model/run.js';
import { VERSION } from '../model/version.js';
import { resolveBaseUrl } from './base-url.js';
import type { RetryInfo, RetryPolicy } from './retry.js';
import type { TransportOptions } from './transport.js';

/** Time limits, all in milliseconds. */
export interface AgentTimeouts {
  /** Until a connection is open, TLS included. @default 10000 */
  readonly connectMs: number;
  /** Until the head of an answer is there. @default 60000 */
  readonly headersMs: number;
  /** Until a create has named its run; past it, the outcome is unknown. @default 120000 */
  readonly createMs: number;
  /** Between two pieces of a JSON answer. @default 30000 */
  readonly bodyIdleMs: number;
  /** For the whole body of a JSON answer. @default 300000 */
  readonly requestMs: number;
  /** Silence on an event stream after which the run is asked for once; the stream is kept. @default 120000 */
  readonly streamIdleMs: number;
  /** How long an outage may last while a run is waited for. @default 300000, on this machine 30000 */
  readonly patienceMs: number;
  /**
   * How long a run that cannot be read, while others can, is tried again before its wait is given up; it is read five
   * times at least. @default 600000, on this machine 60000
   */
  readonly unreadableMs: number;
}

/** How a client reaches its agent; each may be left out. */
export interface AgentClientOptions {
  /** Origin, and a path before `/agent/runs` if there is one. @default "https://api.exa.ai" */
  readonly baseUrl?: string;
  /**
   * Sent as `x-api-key`, to `baseUrl` only; left out for an agent that wants none. A function is called again when the
   * agent refuses the key (401).
   */
  readonly apiKey?: ApiKey | undefined;
  /** Texts that are masked in whatever the agent answers, as `apiKey` is. @default none */
  readonly secrets?: readonly string[];
  /** Tokens of the `Exa-Beta` header; an empty list sends none. @default ["agent-2026-05-07"] */
  readonly betas?: readonly string[];
  readonly timeouts?: Partial<AgentTimeouts>;
  /** How patiently the calls that may be repeated are. A create never is. @default 6 retries, 0.5 s to 20 s, 90 s in all */
  readonly retry?: Partial<RetryPolicy>;
  /** The largest answer, or event of a stream, that is read. @default 67108864 */
  readonly maxResponseBytes?: number;
  /** Most connections open at once. Each waiting run holds one, so it has to be well above the number of runs. @default no limit */
  readonly connections?: number;
  /** PEM certificates to trust besides Node's own list. Beside it, `NODE_EXTRA_CA_CERTS` is not read. */
  readonly ca?: string | readonly string[];
  /** Where `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read from. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Time and chance. @default the machine's own */
  readonly clock?: Clock;
  /** Called before each wait for a further try. */
  readonly onRetry?: (info: RetryInfo) => void;
}

/** The options with every default in its place. */
export interface ClientSettings {
  readonly transport: TransportOptions;
  readonly timeouts: AgentTimeouts;
  readonly retry: RetryPolicy;
  readonly maxResponseBytes: number;
  readonly clock: Clock;
  readonly onRetry: (info: RetryInfo) => void;
}

const TIMEOUTS: AgentTimeouts = {
  connectMs: 10_000,
  headersMs: 60_000,
  createMs: 120_000,
  bodyIdleMs: 30_000,
  requestMs: 300_000,
  streamIdleMs: 120_000,
  patienceMs: 300_000,
  unreadableMs: 600_000,
};

/** A server on this machine that is gone mostly stays gone, and nothing on the way garbles its answers. */
const LOOPBACK_TIMEOUTS = { patienceMs: 30_000, unreadableMs: 60_000 };

const RETRY: RetryPolicy = { maxRetries: 6, baseMs: 500, capMs: 20_000, budgetMs: 90_000 };

const TYPES: OptionTypes<AgentClientOptions> = {
  baseUrl: 'text',
  apiKey: 'secret or function',
  secrets: 'texts',
  betas: 'texts',
  timeouts: 'numbers',
  retry: 'numbers',
  maxResponseBytes: 'number',
  connections: 'number',
  ca: 'text or texts',
  env: 'object',
  clock: 'object',
  onRetry: 'function',
};

/** Checks the options and fills in the defaults. */
export function resolveClientOptions(options: AgentClientOptions): ClientSettings {
  checkOptionTypes('AgentClient', options, TYPES);
  const { apiKey: given } = options;
  const readKey = typeof given === 'function' ? () => resolveKey(callForKey(given)) : null;
  const apiKey = typeof given === 'function' ? resolveKey(callForKey(given)) : resolveKey(given);
  const base = resolveBaseUrl(options.baseUrl ?? HOSTED_URL, apiKey !== null);
  const timeouts = { ...TIMEOUTS, ...(base.isLoopback ? LOOPBACK_TIMEOUTS : {}), ...options.timeouts };
  return {
    transport: {
      base,
      apiKey,
      secrets: options.secrets ?? [],
      readKey,
      betas: options.betas ?? [BETA_TOKEN],
      userAgent: `rowfill/${VERSION}`,
      connectMs: timeouts.connectMs,
      bodyIdleMs: timeouts.bodyIdleMs,
      connections: options.connections ?? null,
      ca: typeof options.ca === 'string' ? [options.ca] : (options.ca ?? []),
      env: options.env ?? process.env,
    },
    timeouts,
    retry: { ...RETRY, ...options.retry },
    maxResponseBytes: options.maxResponseBytes ?? 64 * 1024 * 1024,
    clock: options.clock ?? systemClock,
    onRetry: options.onRetry ?? (() => {}),
  };
}

function callForKey(read: () => unknown): string {
  const key = read();
  if (typeof key === 'string') return key;
  throw createUsageError(
    'BAD_OPTION',
    `apiKey returned a value of type ${typeof key}, and has to return a string`,
    'Give a function that returns the key at once, not a promise of it.',
  );
}

/** A key as it came from a file or a shell, without the newline at its end. */
function resolveKey(apiKey: string | undefined): string | null {
  const key = apiKey?.trim() ?? '';
  if (key === '') return null;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw createUsageError(
    'INVALID_API_KEY',
    'The API key holds a character that no key has, such as a space or a line break',
    'Set EXA_API_KEY again, without quotes and without anything around the key.',
  );
}
