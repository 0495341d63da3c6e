import { createUsageError } from '../errors.js';
import { type Clock, systemClock } from '../model/clock.js';
import { type ApiKey, checkOptionTypes, type OptionTypes } from '../model/option-types.js';
import { BETA_TOKEN, HOSTED_URL } from '../model/run.js';
import { VERSION } from '../model/version.js';
import { resolveBaseUrl } from './base-url.js';
import type { RetryInfo, RetryPolicy } from './retry.js';
import type { TransportOptions } from './transport.js';

/** Timeouts, all in milliseconds. */
export interface AgentTimeouts {
  /** For opening a connection, including TLS. @default 10000 */
  readonly connectMs: number;
  /** For the response headers. @default 60000 */
  readonly headersMs: number;
  /** For a create to return its run id; after that, the outcome is unknown. @default 120000 */
  readonly createMs: number;
  /** Between two chunks of a JSON response. @default 30000 */
  readonly bodyIdleMs: number;
  /** For the whole body of a JSON response. @default 300000 */
  readonly requestMs: number;
  /**
   * After this long without a byte on an event stream, the run is polled once; the stream stays open.
   * @default 120000
   */
  readonly streamIdleMs: number;
  /** How long an outage may last while waiting for a run. @default 300000, on this machine 30000 */
  readonly patienceMs: number;
  /**
   * How long to retry a run that cannot be read while others can; at least five attempts.
   * @default 600000, on this machine 60000
   */
  readonly unreadableMs: number;
}

/** How a client connects to its agent; all are optional. */
export interface AgentClientOptions {
  /** Origin, and a path before `/agent/runs` if there is one. @default "https://api.exa.ai" */
  readonly baseUrl?: string;
  /**
   * Sent as `x-api-key`, only to `baseUrl`. Omit it if the agent needs no key. A function is called again
   * when the agent rejects the key (401).
   */
  readonly apiKey?: ApiKey | undefined;
  /** Send the key unencrypted over http to another machine, on a private network only. @default false */
  readonly insecureHttp?: boolean | undefined;
  /** Other secrets to mask in responses, as `apiKey` is. @default none */
  readonly secrets?: readonly string[];
  /** Tokens of the `Exa-Beta` header; an empty list sends none. @default ["agent-2026-05-07"] */
  readonly betas?: readonly string[];
  readonly timeouts?: Partial<AgentTimeouts>;
  /**
   * Retries of calls that are safe to repeat. A create is never retried.
   * @default 6 retries, 0.5 s to 20 s, 90 s in all
   */
  readonly retry?: Partial<RetryPolicy>;
  /** Maximum size of a response or of one stream event, in bytes. @default 67108864 */
  readonly maxResponseBytes?: number;
  /**
   * Maximum open connections. Each waiting run holds one, so set it well above the number of runs.
   * @default no limit
   */
  readonly connections?: number;
  /** PEM certificates to trust in addition to Node's own. If set, `NODE_EXTRA_CA_CERTS` is ignored. */
  readonly ca?: string | readonly string[];
  /** Variables to read `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` from. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Clock, timers and random numbers. @default the machine's own */
  readonly clock?: Clock;
  /** Called before each wait for a retry. */
  readonly onRetry?: (info: RetryInfo) => void;
}

/** The options with all defaults filled in. */
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

/** A local server that is gone usually stays gone, and nothing in between corrupts its responses. */
const LOOPBACK_TIMEOUTS = { patienceMs: 30_000, unreadableMs: 60_000 };

const RETRY: RetryPolicy = { maxRetries: 6, baseMs: 500, capMs: 20_000, budgetMs: 90_000 };

const TYPES: OptionTypes<AgentClientOptions> = {
  baseUrl: 'text',
  apiKey: 'secret or function',
  insecureHttp: 'flag',
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
  const base = resolveBaseUrl(options.baseUrl ?? HOSTED_URL, apiKey !== null, options.insecureHttp);
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
    `apiKey returned a value of type ${typeof key}; it must return a string`,
    'Use a function that returns the key itself, not a promise.',
  );
}

/** Trims a key from a file or shell, which often ends with a newline. */
function resolveKey(apiKey: string | undefined): string | null {
  const key = apiKey?.trim() ?? '';
  if (key === '') return null;
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw createUsageError(
    'INVALID_API_KEY',
    'The API key contains an invalid character, such as a space or a line break',
    'Set EXA_API_KEY again, without quotes or anything else around the key.',
  );
}
