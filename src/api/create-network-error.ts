import { describeError } from '../errors.js';
import type { CreateOutcome } from '../model/agent-failure.js';
import { AgentError } from './agent-error.js';

/** Says what kept a request from being answered, as an error without a status. */
export function createNetworkError(error: unknown, where: string, outcome: CreateOutcome | null): AgentError {
  if (error instanceof AgentError) return error;
  const wireCode = readCode(error);
  const code = resolveCode(wireCode, describeError(error));
  return new AgentError(code, `${where}: ${describeCause(error, wireCode)}`, {
    outcome,
    hint: HINTS[code],
    // A parser's error holds the bytes that it could not read, and those may repeat the key.
    cause: error instanceof Error && 'data' in error ? undefined : error,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  NETWORK_ERROR: 'Check the address of the API (--api-url) and the network; proxies come from HTTPS_PROXY.',
  TIMED_OUT: 'Check the address of the API (--api-url) and the network; the same command carries on.',
  TLS_ERROR: 'The certificate was not accepted; NODE_EXTRA_CA_CERTS names a file of further ones to trust.',
  PROXY_REFUSED:
    'The proxy of HTTPS_PROXY did not let the connection through; check its address and password.',
};

function resolveCode(wireCode: string | null, message: string): string {
  if (wireCode === null) return 'NETWORK_ERROR';
  if (/TIMEOUT|TIMEDOUT/.test(wireCode)) return 'TIMED_OUT';
  if (wireCode === 'UND_ERR_DESTROYED' || wireCode === 'UND_ERR_CLOSED') return 'CLIENT_CLOSED';
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|UND_ERR_PRX_TLS)/.test(wireCode)) {
    return 'TLS_ERROR';
  }
  return /^Proxy /.test(message) ? 'PROXY_REFUSED' : 'NETWORK_ERROR';
}

const PLAIN: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused, nothing listens there',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host could not be looked up',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped coming',
  UND_ERR_DESTROYED: 'the client was closed',
  UND_ERR_CLOSED: 'the client was closed',
};

function describeCause(error: unknown, wireCode: string | null): string {
  if (wireCode === null) return describeError(error);
  return `${PLAIN[wireCode] ?? describeError(error)} (${wireCode})`;
}

/** The system's word for it; an address with several hosts fails with one error a host, the first one speaks for all. */
function readCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return readCode(error.errors[0]);
  return null;
}
